//! What a server's outcome means for the question: the verdict of one exchange.
//!
//! Pure: message and ledger in, finding out. Follows CNAME chains inside the message; asking for
//! the end of a chain that leads out of it is the resolver's business.

use std::net::IpAddr;

use crate::failure::Failure;

use super::ledger::{Attempt, End, Outcome};
use super::name::DomainName;
use super::wire::{Ask, Data, ExtendedError, Rcode, Record, RecordType, Reply};

/// Whatever there is (RFC 8482): a type of questions only.
const ANY: RecordType = RecordType(255);

/// What one server's outcome comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The records.
    Records(Found),
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
    /// This machine's socket or a handshake failed, and it is known why.
    Explained(Box<Failure>),
    /// This process has no descriptors left.
    OutOfFiles,
}

/// Records of the type asked for at the end of a chain of aliases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How many records there are.
    pub count: usize,
    /// The addresses among them, in the order of the message, each once; none of other types.
    pub addresses: Vec<IpAddr>,
    /// The owner of the records.
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
            Self::Fault(_) | Self::Unusable | Self::Silent | Self::Unreachable | Self::Explained(_)
        )
    }

    /// How much the finding tells about the name; of several, the highest is reported.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::OutOfFiles => 0,
            Self::Unreachable | Self::Explained(_) => 1,
            Self::Silent => 2,
            Self::Unusable => 3,
            Self::Fault(Fault::Code { rcode, .. }) if *rcode == Rcode::REFUSED => 4,
            Self::Fault(_) => 5,
            Self::NoData => 6,
            Self::Loop { .. } | Self::Nxdomain { .. } => 7,
            Self::Alias { .. } | Self::Records(_) => 8,
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
    } else if let Some(failure) = attempts().find_map(explained) {
        Finding::Explained(Box::new(failure.clone()))
    } else if attempts().any(is_unusable) {
        Finding::Unusable
    } else if attempts().any(is_silent) {
        Finding::Silent
    } else {
        Finding::Unreachable
    }
}

fn explained(attempt: &Attempt) -> Option<&Failure> {
    match &attempt.end {
        End::Explained { failure, .. } => Some(failure),
        _ => None,
    }
}

/// Whether something came, and no reply could be made of it.
fn is_unusable(attempt: &Attempt) -> bool {
    attempt.ignored_count > 0 || matches!(attempt.end, End::Closed { .. } | End::Http { .. })
}

/// Whether nothing had come when the wait ended.
fn is_silent(attempt: &Attempt) -> bool {
    matches!(attempt.end, End::Silent { .. } | End::Abandoned)
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
        Finding::Records(_) => followed,
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
        let wanted = |record: &&Record| [record.rtype, ANY].contains(&ask.rtype);
        let records: Vec<_> = own().filter(wanted).collect();
        if !records.is_empty() {
            return found(&records, name, ttl);
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
    Finding::Records(Found {
        count: match addresses.len() {
            0 => records.len(),
            distinct => distinct,
        },
        addresses,
        name: name.clone(),
        ttl: least.map_or(ttl, |least| least.min(ttl)),
    })
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
