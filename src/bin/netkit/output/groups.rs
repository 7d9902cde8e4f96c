//! Many results, folded into groups: by outcome, then addresses with the same ports.
//!
//! Memory does not grow with the number of targets that ended alike: they are kept as ranges of
//! addresses for each port. Only what is told apart in the output is told apart here.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netkit::dial::Report;
use netkit::dial::many::Outcome;
use netkit::failure::Failure;

use super::ranges::RangeSet;
use crate::args::OnlyArg;

/// What became of a target, in the words of `--only`.
pub(crate) fn outcome(report: &Report) -> OnlyArg {
    match Outcome::of(report) {
        Outcome::Open => OnlyArg::Open,
        Outcome::Refused => OnlyArg::Refused,
        Outcome::Filtered => OnlyArg::Filtered,
        Outcome::Unreachable => OnlyArg::Unreachable,
        Outcome::NoReply => OnlyArg::NoReply,
        Outcome::Unresolved => OnlyArg::Unresolved,
        Outcome::Failed => OnlyArg::Failed,
    }
}

/// Whether a target is dialled by datagrams: port 53 of UDP is not that of TCP.
type Datagram = bool;

/// Hosts that can be neighbours, and those that cannot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum HostKey {
    V4,
    V6,
    /// A name, or an address with a zone; a Unix socket.
    Name(String),
}

/// The targets of one outcome.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    /// For every network and port, the addresses (a name counts as the one address 0).
    ports: BTreeMap<(HostKey, Datagram, Option<u16>), RangeSet>,
    /// A failure of this group, to explain it by.
    pub(crate) example: Option<Failure>,
    pub(crate) count: u64,
}

/// Addresses with the same ports, as text: `192.0.2.1-192.0.2.9` and `22,80-82`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) hosts: String,
    pub(crate) ports: String,
    pub(crate) count: u128,
}

/// All groups.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups(BTreeMap<OnlyArg, Group>);

impl Groups {
    /// Takes one result.
    pub(crate) fn add(&mut self, report: &Report) {
        self.0.entry(outcome(report)).or_default().add(report);
    }

    /// The groups that are asked for (all, when nothing is), in the order of `--only`.
    pub(crate) fn iter<'a>(
        &'a self,
        only: &'a [OnlyArg],
    ) -> impl Iterator<Item = (OnlyArg, &'a Group)> + 'a {
        let wanted = |outcome: &OnlyArg| only.is_empty() || only.contains(outcome);
        self.0
            .iter()
            .filter(move |(outcome, _)| wanted(outcome))
            .map(|(of, group)| (*of, group))
    }

    /// The size of one group.
    pub(crate) fn count(&self, outcome: OnlyArg) -> u64 {
        self.0.get(&outcome).map_or(0, |group| group.count)
    }
}

impl Group {
    fn add(&mut self, report: &Report) {
        self.count += 1;
        if self.example.is_none() {
            self.example.clone_from(&report.failure);
        }
        let host = report.host.as_deref().unwrap_or(&report.target);
        let (key, number) = match host.parse() {
            Ok(IpAddr::V4(ip)) => (HostKey::V4, u128::from(ip.to_bits())),
            Ok(IpAddr::V6(ip)) => (HostKey::V6, ip.to_bits()),
            Err(_) => (HostKey::Name(host.to_owned()), 0),
        };
        let datagram = report.network.transport().is_datagram();
        self.ports
            .entry((key, datagram, report.port))
            .or_default()
            .insert(number);
    }

    /// Addresses that share their ports, together.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut alike: BTreeMap<(&HostKey, Datagram, &RangeSet), RangeSet> = BTreeMap::new();
        for ((key, datagram, port), addresses) in &self.ports {
            let ports = alike.entry((key, *datagram, addresses)).or_default();
            if let Some(port) = port {
                ports.insert((*port).into());
            }
        }
        alike
            .iter()
            .map(|((key, datagram, addresses), ports)| Row {
                hosts: targets(key, *datagram, addresses, ports),
                ports: joined(ports.iter(), |port| port.to_string()),
                count: addresses.len().saturating_mul(ports.len().max(1)),
            })
            .collect()
    }
}

/// The hosts of a row, with `udp://` in front as it is typed; a Unix socket has its network already.
fn targets(key: &HostKey, datagram: Datagram, addresses: &RangeSet, ports: &RangeSet) -> String {
    let hosts = hosts(key, addresses);
    if datagram && ports.len() > 0 {
        format!("udp://{hosts}")
    } else {
        hosts
    }
}

fn hosts(key: &HostKey, addresses: &RangeSet) -> String {
    match key {
        HostKey::Name(name) => name.clone(),
        HostKey::V4 => joined(addresses.iter(), |bits| {
            Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)).to_string()
        }),
        HostKey::V6 => joined(addresses.iter(), |bits| {
            Ipv6Addr::from_bits(bits).to_string()
        }),
    }
}

/// `1-5,9`
fn joined(ranges: impl Iterator<Item = (u128, u128)>, write: impl Fn(u128) -> String) -> String {
    let one = |(first, last): (u128, u128)| match last - first {
        0 => write(first),
        1 => format!("{},{}", write(first), write(last)),
        _ => format!("{}-{}", write(first), write(last)),
    };
    ranges.map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkit::addr::{Host, Network, Target};
    use netkit::failure::Kind;
    use netkit::failure::Stage;

    fn report(host: &str, port: u16, failure: Option<Kind>) -> Report {
        let host = host
            .parse()
            .map_or_else(|_| Host::Name(host.into()), |ip: IpAddr| ip.into());
        let mut report = Report::new(&Target::inet(Network::Tcp, host, port));
        report.ok = failure.is_none();
        report.failure = failure.map(|kind| Failure::new(Stage::Connect, kind, "no"));
        report
    }

    fn rows(reports: &[Report], outcome: OnlyArg) -> Vec<(String, String)> {
        let mut groups = Groups::default();
        for report in reports {
            groups.add(report);
        }
        let rows = groups
            .iter(&[outcome])
            .flat_map(|(_, group)| group.rows())
            .collect::<Vec<_>>();
        rows.into_iter().map(|row| (row.hosts, row.ports)).collect()
    }

    #[test]
    fn ports_of_one_address_become_ranges() {
        let mut reports: Vec<_> = (1..100)
            .map(|port| report("127.0.0.1", port, Some(Kind::Refused)))
            .collect();
        reports[21] = report("127.0.0.1", 22, None);
        let refused = rows(&reports, OnlyArg::Refused);
        assert_eq!(refused, [("127.0.0.1".into(), "1-21,23-99".into())]);
        assert_eq!(
            rows(&reports, OnlyArg::Open),
            [("127.0.0.1".into(), "22".into())]
        );
    }

    #[test]
    fn addresses_with_the_same_ports_share_a_row() {
        let reports: Vec<_> = (0..8_u8)
            .flat_map(|n| [22, 80].map(|port| (n, port)))
            .map(|(n, port)| report(&format!("192.0.2.{n}"), port, Some(Kind::Filtered)))
            .collect();
        let filtered = rows(&reports, OnlyArg::Filtered);
        assert_eq!(filtered, [("192.0.2.0-192.0.2.7".into(), "22,80".into())]);
    }

    #[test]
    fn the_same_port_of_tcp_and_of_udp_has_a_row_each() {
        let udp = Target::inet(Network::Udp, IpAddr::from([127, 0, 0, 1]).into(), 53);
        let mut refused = Report::new(&udp);
        refused.failure = Some(Failure::new(Stage::Receive, Kind::Refused, "no"));
        let reports = [report("127.0.0.1", 53, Some(Kind::Refused)), refused];
        assert_eq!(
            rows(&reports, OnlyArg::Refused),
            [
                ("127.0.0.1".into(), "53".into()),
                ("udp://127.0.0.1".into(), "53".into())
            ]
        );
    }

    #[test]
    fn names_and_families_stay_apart() {
        let reports = [
            report("a.test", 1, None),
            report("b.test", 1, None),
            report("::1", 1, None),
        ];
        let hosts: Vec<_> = rows(&reports, OnlyArg::Open)
            .into_iter()
            .map(|row| row.0)
            .collect();
        assert_eq!(hosts, ["::1", "a.test", "b.test"]);
    }

    #[test]
    fn a_large_refused_block_takes_one_range_a_port() {
        let mut groups = Groups::default();
        for n in 0..=u16::MAX {
            let [a, b] = n.to_be_bytes();
            groups.add(&report(&format!("10.0.{a}.{b}"), 80, Some(Kind::Refused)));
        }
        let group = groups.iter(&[]).next().unwrap().1;
        assert_eq!(group.ports.len(), 1);
        assert_eq!(
            group
                .ports
                .values()
                .map(|set| set.iter().count())
                .sum::<usize>(),
            1
        );
        assert_eq!(group.rows()[0].count, 65_536);
    }
}
