//! What a server's outcome means for the question: the verdict of one exchange.
//!
//! Pure: message and ledger in, finding out. Follows CNAME chains inside the message; asking for
//! the end of a chain that leads out of it is the resolver's business.

use std::net::IpAddr;

use super::ledger::{Attempt, End, Outcome};
use super::name::DomainName;
use super::wire::{Ask, Data, ExtendedError, Rcode, Record, RecordType, Reply};

/// What one server's outcome comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The addresses.
    Addresses(Found),
    /// An alias whose target the message says nothing about.
    Alias {
        /// Where the chain leads.
        target: DomainName,
        /// The smallest TTL on the way.
        ttl: u32,
    },
    /// An alias that leads back to itself.
    Loop {
        /// Where the chain closes.
        at: DomainName,
    },
    /// The name, or the end of its chain of aliases, does not exist.
    Nxdomain {
        /// The name that does not exist.
        name: DomainName,
    },
    /// The name exists without such a record.
    NoData,
    /// The server answered with an error, or with a referral where recursion was asked for.
    Fault(Fault),
    /// Something came, and nothing of it can be used.
    Unusable,
    /// Nothing came.
    Silent,
    /// The system says that the server is not to be reached.
    Unreachable,
    /// This process has no descriptors left.
    OutOfFiles,
}

/// Addresses at the end of a chain of aliases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// In the order of the message, each once.
    pub addresses: Vec<IpAddr>,
    /// The owner of the addresses.
    pub name: DomainName,
    /// The smallest TTL on the way, seconds.
    pub ttl: u32,
}

/// Why a server that answered did not help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A response code that is neither success nor NXDOMAIN.
    Code {
        /// The code.
        rcode: Rcode,
        /// What the server added (RFC 8914).
        detail: Option<ExtendedError>,
    },
    /// It sent us elsewhere and does not recurse: not a resolver for this name.
    Lame,
}

impl Finding {
    /// Whether no other server need be asked.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::Fault(_) | Self::Unusable | Self::Silent | Self::Unreachable
        )
    }

    /// How much the finding tells about the name; of several, the highest is reported.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::OutOfFiles => 0,
            Self::Unreachable => 1,
            Self::Silent => 2,
            Self::Unusable => 3,
            Self::Fault(Fault::Code { rcode, .. }) if *rcode == Rcode::REFUSED => 4,
            Self::Fault(_) => 5,
            Self::NoData => 6,
            Self::Loop { .. } | Self::Nxdomain { .. } => 7,
            Self::Alias { .. } | Self::Addresses(_) => 8,
        }
    }
}

/// Judges what came of asking one server.
#[must_use]
pub fn judge(outcome: &Outcome, ask: &Ask) -> Finding {
    if let Some(received) = &outcome.received {
        return judge_reply(&received.reply, ask);
    }
    let attempts = || outcome.attempts.iter();
    if attempts().any(|attempt| attempt.end.is_out_of_files()) {
        Finding::OutOfFiles
    } else if attempts().any(is_unusable) {
        Finding::Unusable
    } else if attempts().any(|attempt| matches!(attempt.end, End::Silent { .. })) {
        Finding::Silent
    } else {
        Finding::Unreachable
    }
}

/// Whether something came, and no reply could be made of it.
fn is_unusable(attempt: &Attempt) -> bool {
    attempt.ignored_count > 0 || matches!(attempt.end, End::Closed { .. })
}

fn judge_reply(reply: &Reply, ask: &Ask) -> Finding {
    if reply.rcode != Rcode::NOERROR && reply.rcode != Rcode::NXDOMAIN {
        let edns = reply.edns.as_ref();
        return Finding::Fault(Fault::Code {
            rcode: reply.rcode,
            detail: edns.and_then(|edns| edns.extended_error.clone()),
        });
    }
    let followed = follow(&reply.answers, ask);
    match followed {
        Finding::Addresses(_) => followed,
        // What was cut off may have been the very records.
        _ if reply.truncated => Finding::Unusable,
        Finding::Alias { target, .. } if reply.rcode == Rcode::NXDOMAIN => {
            Finding::Nxdomain { name: target }
        }
        // With the zone's SOA the server says that it looked and the target has none (RFC 2308 §2.2).
        Finding::Alias { .. } if has_soa(reply) => Finding::NoData,
        Finding::Alias { .. } | Finding::Loop { .. } => followed,
        _ if reply.rcode == Rcode::NXDOMAIN => Finding::Nxdomain {
            name: ask.name.clone(),
        },
        _ if is_lame(reply) => Finding::Fault(Fault::Lame),
        _ => Finding::NoData,
    }
}

fn has_soa(reply: &Reply) -> bool {
    reply
        .authority
        .iter()
        .any(|record| record.rtype == RecordType::SOA)
}

/// A referral: no answer, no authority of its own, no recursion (as Go's resolver judges).
fn is_lame(reply: &Reply) -> bool {
    !reply.authoritative
        && !reply.recursion_available
        && reply.answers.is_empty()
        && !has_soa(reply)
}

/// Follows the aliases in the answer section, wherever in it they stand.
fn follow(answers: &[Record], ask: &Ask) -> Finding {
    let mut name = &ask.name;
    let mut ttl = u32::MAX;
    // A chain without a loop has at most as many links as there are records.
    for _ in 0..=answers.len() {
        let own = || answers.iter().filter(|record| record.name == *name);
        let addresses: Vec<_> = own().filter(|record| record.rtype == ask.rtype).collect();
        if !addresses.is_empty() {
            return found(&addresses, name, ttl);
        }
        let alias = own().find_map(|record| match &record.data {
            Data::Alias(target) => Some((target, record.ttl)),
            _ => None,
        });
        match alias {
            Some((target, link)) => (name, ttl) = (target, ttl.min(link)),
            None if *name == ask.name => return Finding::NoData,
            None => {
                let target = name.clone();
                return Finding::Alias { target, ttl };
            }
        }
    }
    Finding::Loop { at: name.clone() }
}

fn found(records: &[&Record], name: &DomainName, ttl: u32) -> Finding {
    let mut addresses = Vec::new();
    for record in records {
        if let Data::Address(ip) = record.data
            && !addresses.contains(&ip)
        {
            addresses.push(ip);
        }
    }
    let least = records.iter().map(|record| record.ttl).min();
    if addresses.is_empty() {
        return Finding::NoData;
    }
    Finding::Addresses(Found {
        addresses,
        name: name.clone(),
        ttl: least.map_or(ttl, |least| least.min(ttl)),
    })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::super::ledger::{Carrier, Received, Step, Trigger};
    use super::*;

    fn name(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    fn ask() -> Ask {
        Ask {
            name: name("a.example"),
            rtype: RecordType::A,
        }
    }

    fn record(owner: &str, rtype: RecordType, ttl: u32, data: Data) -> Record {
        let name = name(owner);
        Record {
            name,
            rtype,
            ttl,
            data,
        }
    }

    fn address(owner: &str, ttl: u32, last: u8) -> Record {
        let data = Data::Address([192, 0, 2, last].into());
        record(owner, RecordType::A, ttl, data)
    }

    fn alias(owner: &str, target: &str) -> Record {
        record(owner, RecordType::CNAME, 60, Data::Alias(name(target)))
    }

    fn soa() -> Record {
        record("example", RecordType::SOA, 60, Data::Soa { minimum: 5 })
    }

    fn reply(rcode: Rcode, answers: Vec<Record>) -> Reply {
        Reply {
            id: 1,
            response: true,
            authoritative: false,
            truncated: false,
            recursion_available: true,
            authentic_data: false,
            rcode,
            question: Some(ask()),
            answers,
            authority: Vec::new(),
            edns: None,
            size: 100,
        }
    }

    fn judged(reply: Reply) -> Finding {
        judge_reply(&reply, &ask())
    }

    fn addresses(owner: &str, ttl: u32, last: &[u8]) -> Finding {
        Finding::Addresses(Found {
            addresses: last.iter().map(|&last| [192, 0, 2, last].into()).collect(),
            name: name(owner),
            ttl,
        })
    }

    #[test]
    fn replies_mean_what_their_records_say() {
        let none = Vec::new;
        let gone = Finding::Nxdomain {
            name: name("a.example"),
        };
        let target = Finding::Alias {
            target: name("b.example"),
            ttl: 60,
        };
        let other_type = record("a.example", RecordType(16), 60, Data::Other);
        let rows = [
            (
                Rcode::NOERROR,
                vec![address("A.Example", 9, 1)],
                addresses("a.example", 9, &[1]),
            ),
            (
                Rcode::NOERROR,
                vec![
                    address("a.example", 9, 2),
                    address("a.example", 7, 1),
                    address("a.example", 9, 2),
                ],
                addresses("a.example", 7, &[2, 1]),
            ),
            (
                Rcode::NOERROR,
                vec![address("b.example", 90, 1), alias("a.example", "b.example")],
                addresses("b.example", 60, &[1]),
            ),
            (
                Rcode::NOERROR,
                vec![alias("a.example", "b.example")],
                target,
            ),
            (
                Rcode::NOERROR,
                vec![address("b.example", 9, 1)],
                Finding::NoData,
            ),
            (Rcode::NOERROR, vec![other_type], Finding::NoData),
            (Rcode::NOERROR, none(), Finding::NoData),
            (Rcode::NXDOMAIN, none(), gone),
            (
                Rcode::NXDOMAIN,
                vec![alias("a.example", "b.example")],
                Finding::Nxdomain {
                    name: name("b.example"),
                },
            ),
            (
                Rcode::NOERROR,
                vec![
                    alias("a.example", "b.example"),
                    alias("b.example", "a.example"),
                ],
                Finding::Loop {
                    at: name("b.example"),
                },
            ),
            (
                Rcode::REFUSED,
                vec![address("a.example", 9, 1)],
                Finding::Fault(Fault::Code {
                    rcode: Rcode::REFUSED,
                    detail: None,
                }),
            ),
        ];
        for (rcode, answers, expected) in rows {
            let text = format!("{rcode} {answers:?}");
            assert_eq!(judged(reply(rcode, answers)), expected, "{text}");
        }
    }

    #[test]
    fn an_soa_ends_a_chain_and_its_absence_makes_a_referral() {
        let mut dangling = reply(Rcode::NOERROR, vec![alias("a.example", "b.example")]);
        dangling.authority.push(soa());
        assert_eq!(judged(dangling), Finding::NoData);
        let mut referral = reply(Rcode::NOERROR, Vec::new());
        referral.recursion_available = false;
        assert_eq!(judged(referral.clone()), Finding::Fault(Fault::Lame));
        referral.authority.push(soa());
        assert_eq!(judged(referral), Finding::NoData);
    }

    #[test]
    fn what_was_cut_off_proves_nothing_but_the_addresses_left() {
        let mut cut = reply(Rcode::NOERROR, vec![address("a.example", 9, 1)]);
        cut.truncated = true;
        assert_eq!(judged(cut.clone()), addresses("a.example", 9, &[1]));
        cut.answers.clear();
        assert_eq!(judged(cut.clone()), Finding::Unusable);
        cut.rcode = Rcode::NXDOMAIN;
        assert_eq!(judged(cut), Finding::Unusable);
    }

    fn outcome(ends: Vec<End>) -> Outcome {
        let attempts = ends.into_iter().map(|end| {
            let mut attempt = Attempt::open(Carrier::Udp, Trigger::First, Duration::ZERO, 30);
            attempt.end = end;
            attempt
        });
        Outcome {
            server: SocketAddr::from(([192, 0, 2, 53], 53)),
            received: None,
            attempts: attempts.collect(),
        }
    }

    #[test]
    fn without_a_reply_the_ends_of_the_tries_decide() {
        let silent = || End::Silent {
            step: Step::Receive,
        };
        let error = |code| End::failed(Step::Connect, &std::io::Error::from_raw_os_error(code));
        let refused = || error(libc::ECONNREFUSED);
        let rows = [
            (vec![silent(), silent()], Finding::Silent),
            (vec![refused(), silent()], Finding::Silent),
            (vec![refused(), refused()], Finding::Unreachable),
            (
                vec![silent(), End::Closed { after_bytes: 0 }],
                Finding::Unusable,
            ),
            (vec![silent(), error(libc::EMFILE)], Finding::OutOfFiles),
            (vec![], Finding::Unreachable),
        ];
        for (ends, expected) in rows {
            let text = format!("{ends:?}");
            assert_eq!(judge(&outcome(ends), &ask()), expected, "{text}");
        }
    }

    #[test]
    fn a_usable_reply_is_judged_whatever_the_tries_before_it() {
        let mut outcome = outcome(vec![End::Silent {
            step: Step::Receive,
        }]);
        outcome.received = Some(Received {
            reply: reply(Rcode::NXDOMAIN, Vec::new()),
            carrier: Carrier::Tcp,
            trigger: Trigger::UdpSilent,
        });
        assert!(matches!(judge(&outcome, &ask()), Finding::Nxdomain { .. }));
    }

    #[test]
    fn findings_rank_by_what_they_tell_of_the_name() {
        let code = |rcode| {
            Finding::Fault(Fault::Code {
                rcode,
                detail: None,
            })
        };
        let order = [
            Finding::Unreachable,
            Finding::Silent,
            Finding::Unusable,
            code(Rcode::REFUSED),
            code(Rcode::SERVFAIL),
            Finding::NoData,
            Finding::Nxdomain { name: name("a") },
        ];
        assert!(order.is_sorted_by(|a, b| a.rank() < b.rank()));
        let finals = order.iter().filter(|finding| finding.is_final());
        assert_eq!(finals.count(), 2);
    }
}
