//! Several servers, one question: who agrees with whom.
//!
//! Pure. Record sets are compared in canonical form: the order of records, their TTLs and the case
//! of names do not matter (RFC 4034 §6); what the server did instead of answering does.

use std::collections::BTreeSet;

use serde::Serialize;

use super::record::Record;
use super::report::Report;
use super::verdict::Verdict;

/// What several servers said to one question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Comparison {
    /// The name as typed.
    pub name: String,
    /// The type.
    pub qtype: String,
    /// Whether all servers say the same.
    pub agree: bool,
    /// Servers that say the same, the largest group first; of equal ones the one asked first.
    pub groups: Vec<Agreement>,
    /// The serial of every server's SOA record, where its reply has one.
    pub serials: Vec<Serial>,
    /// By how much the newest serial is ahead of the oldest (RFC 1982); `null` with fewer than two.
    pub serial_skew: Option<u32>,
}

/// Servers that say the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Agreement {
    /// The servers, in the order asked.
    pub servers: Vec<String>,
    /// What became of the question.
    pub verdict: Verdict,
    /// The records, canonical and sorted: `owner class type data`.
    pub records: Vec<String>,
    /// What they have that the first group has not.
    pub added: Vec<String>,
    /// What the first group has and they have not.
    pub missing: Vec<String>,
}

/// The serial of one server's zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Serial {
    /// The server.
    pub server: String,
    /// Its serial.
    pub serial: u32,
}

impl Comparison {
    /// Compares the reports of several servers on one question; `None` without a report.
    #[must_use]
    pub fn of(reports: &[Report]) -> Option<Self> {
        let first = reports.first()?;
        let mut groups: Vec<(Verdict, BTreeSet<String>, Vec<String>)> = Vec::new();
        for report in reports {
            let records = canonical(&report.answers);
            let same = |group: &&mut (Verdict, BTreeSet<String>, Vec<String>)| {
                group.0 == report.verdict && group.1 == records
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.2.push(server(report)),
                None => groups.push((report.verdict, records, vec![server(report)])),
            }
        }
        // Stable: of equal groups the one that was asked first stays first.
        groups.sort_by_key(|group| std::cmp::Reverse(group.2.len()));
        let reference = groups
            .first()
            .map(|group| group.1.clone())
            .unwrap_or_default();
        let serials: Vec<_> = reports.iter().filter_map(serial).collect();
        Some(Self {
            name: first.name.clone(),
            qtype: first.qtype.clone(),
            agree: groups.len() < 2,
            groups: groups
                .into_iter()
                .map(|group| agreement(group, &reference))
                .collect(),
            serial_skew: skew(&serials),
            serials,
        })
    }
}

fn agreement(
    (verdict, records, servers): (Verdict, BTreeSet<String>, Vec<String>),
    reference: &BTreeSet<String>,
) -> Agreement {
    Agreement {
        servers,
        verdict,
        added: records.difference(reference).cloned().collect(),
        missing: reference.difference(&records).cloned().collect(),
        records: records.into_iter().collect(),
    }
}

fn server(report: &Report) -> String {
    report
        .server
        .map_or_else(|| "-".to_owned(), |server| server.to_string())
}

/// The records as a set, in canonical form; a signature differs from server to server and says
/// nothing about the data, so it does not count.
fn canonical(records: &[Record]) -> BTreeSet<String> {
    let data = records.iter().filter(|record| record.rtype != "RRSIG");
    data.map(canonical_line).collect()
}

fn canonical_line(record: &Record) -> String {
    let data = if holds_names(&record.rtype) {
        record.data.to_ascii_lowercase()
    } else {
        record.data.clone()
    };
    let name = record.name.to_ascii_lowercase();
    format!("{name} {} {} {data}", record.class, record.rtype)
}

/// The types whose data is lower-cased before it is compared (RFC 4034 §6.2, RFC 6840 §5.1).
fn holds_names(rtype: &str) -> bool {
    matches!(
        rtype,
        "NS" | "MD"
            | "MF"
            | "CNAME"
            | "SOA"
            | "MB"
            | "MG"
            | "MR"
            | "PTR"
            | "MINFO"
            | "MX"
            | "RP"
            | "AFSDB"
            | "RT"
            | "PX"
            | "KX"
            | "SRV"
            | "DNAME"
    )
}

fn serial(report: &Report) -> Option<Serial> {
    let mut records = report.answers.iter().chain(&report.authority);
    let serial = records.find_map(Record::soa_serial)?;
    let server = server(report);
    Some(Serial { server, serial })
}

/// The largest distance forward from one serial to another, by serial arithmetic (RFC 1982).
fn skew(serials: &[Serial]) -> Option<u32> {
    if serials.len() < 2 {
        return None;
    }
    let ahead = |a: u32, b: u32| Some(a.wrapping_sub(b)).filter(|by| *by < 1 << 31);
    let pairs = serials
        .iter()
        .flat_map(|a| serials.iter().map(move |b| (a.serial, b.serial)));
    pairs.filter_map(|(a, b)| ahead(a, b)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serials(list: &[u32]) -> Vec<Serial> {
        let serial = |serial: &u32| Serial {
            server: String::new(),
            serial: *serial,
        };
        list.iter().map(serial).collect()
    }

    #[test]
    fn serials_wrap_around() {
        let rows: [(&[u32], Option<u32>); 5] = [
            (&[], None),
            (&[7], None),
            (&[7, 7], Some(0)),
            (&[7, 9, 8], Some(2)),
            (&[u32::MAX, 1], Some(2)),
        ];
        for (list, expected) in rows {
            assert_eq!(skew(&serials(list)), expected, "{list:?}");
        }
    }
}
