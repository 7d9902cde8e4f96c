//! The tests, and what they make of what was seen. Pure.

use super::probe::Seen;
use super::report::Grade;
use crate::resolve::ledger::{End, Trigger, Unusable};
use crate::resolve::registry::OptionCode;
use crate::resolve::wire::{Ask, Rcode, Record, Reply};

/// A grade and what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) grade: Grade,
    pub(super) text: String,
}

impl Judged {
    pub(super) fn new(grade: Grade, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { grade, text }
    }
}

/// A test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Udp,
    Tcp,
    Edns,
    UnknownOption,
    UnknownVersion,
    DnssecOk,
    Cookie,
    Payload1232,
    Payload4096,
    TcHonesty,
    Pipelining,
    Case,
    Nsid,
    UnknownType,
}

/// The tests in their order.
pub(super) const ALL: [Test; 14] = [
    Test::Udp,
    Test::Tcp,
    Test::Edns,
    Test::UnknownOption,
    Test::UnknownVersion,
    Test::DnssecOk,
    Test::Cookie,
    Test::Payload1232,
    Test::Payload4096,
    Test::TcHonesty,
    Test::Pipelining,
    Test::Case,
    Test::Nsid,
    Test::UnknownType,
];

impl Test {
    /// The name used in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Edns => "edns",
            Self::UnknownOption => "edns_option",
            Self::UnknownVersion => "edns_version",
            Self::DnssecOk => "dnssec_ok",
            Self::Cookie => "cookie",
            Self::Payload1232 => "payload_1232",
            Self::Payload4096 => "payload_4096",
            Self::TcHonesty => "tc_honesty",
            Self::Pipelining => "tcp_pipelining",
            Self::Case => "case_0x20",
            Self::Nsid => "nsid",
            Self::UnknownType => "unknown_type",
        }
    }

    /// Where the rule stands.
    pub(super) fn rule(self) -> Option<&'static str> {
        Some(match self {
            Self::Udp => "RFC 1035 §4.2.1",
            Self::Tcp => "RFC 7766 §5",
            Self::Edns => "RFC 6891 §7",
            Self::UnknownOption => "RFC 6891 §6.1.2",
            Self::UnknownVersion => "RFC 6891 §6.1.3",
            Self::DnssecOk => "RFC 3225 §3",
            Self::Cookie => "RFC 7873 §5.2",
            Self::Payload1232 | Self::Payload4096 => "RFC 6891 §6.2.3",
            Self::TcHonesty => "RFC 2181 §9",
            Self::Pipelining => "RFC 7766 §6.2.1.1",
            Self::Nsid => "RFC 5001 §2.2",
            Self::UnknownType => "RFC 3597 §3",
            Self::Case => return None,
        })
    }

    pub(super) fn needs_udp(self) -> bool {
        matches!(
            self,
            Self::Udp | Self::Payload1232 | Self::Payload4096 | Self::TcHonesty
        )
    }

    pub(super) fn needs_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::TcHonesty | Self::Pipelining)
    }

    /// Judges a test of one question.
    pub(super) fn judge(self, seen: &Seen, ask: &Ask) -> Judged {
        match self {
            Self::UnknownVersion => version(seen),
            Self::Edns => edns(seen),
            _ => match seen.reply() {
                None => no_reply(seen),
                Some(reply) => self.judge_reply(reply, ask),
            },
        }
    }

    fn judge_reply(self, reply: &Reply, ask: &Ask) -> Judged {
        match self {
            Self::UnknownOption => unknown_option(reply),
            Self::DnssecOk => dnssec_ok(reply),
            Self::Cookie => cookie(reply),
            Self::Payload1232 => payload(reply, 1_232),
            Self::Payload4096 => payload(reply, 4_096),
            Self::Nsid => nsid(reply),
            Self::UnknownType => unknown_type(reply),
            Self::Case => Judged::new(Grade::Pass, "repeats the name as it was written"),
            _ => plain(reply, ask),
        }
    }
}

/// The words for a question without a reply.
fn no_reply(seen: &Seen) -> Judged {
    let attempts = &seen.outcome.attempts;
    let ignored = || attempts.iter().flat_map(|attempt| &attempt.ignored);
    if ignored().any(|ignored| ignored.why == Unusable::WrongCase) {
        return Judged::new(Grade::Fail, "does not repeat the case of the name");
    }
    if let (true, Some(code)) = (seen.was_put_plainly(), seen.first_code()) {
        return Judged::new(Grade::Fail, format!("{code}; answers without EDNS"));
    }
    Judged::new(Grade::Fail, seen.silence())
}

/// Whether a server knows the name does not matter to a carrier; that it refuses is worth a word.
fn plain(reply: &Reply, ask: &Ask) -> Judged {
    let text = match reply.rcode {
        Rcode::NOERROR => format!("{}, {}", reply.rcode, records(reply.answers.len())),
        code => code.to_string(),
    };
    match reply.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => Judged::new(Grade::Pass, text),
        _ => Judged::new(Grade::Warn, format!("{text} for {}", ask.name)),
    }
}

fn edns(seen: &Seen) -> Judged {
    match (seen.reply(), seen.first_code()) {
        (Some(reply), _) => match &reply.edns {
            Some(edns) => {
                let text = format!("version {}, takes {} octets", edns.version, edns.payload);
                Judged::new(Grade::Pass, text)
            }
            None => Judged::new(Grade::Warn, "answers, and knows nothing of EDNS"),
        },
        (None, Some(code)) => Judged::new(Grade::Fail, format!("{code} to any EDNS")),
        (None, None) => Judged::new(Grade::Fail, seen.silence()),
    }
}

/// Only BADVERS is right for a version that does not exist.
fn version(seen: &Seen) -> Judged {
    match seen.first_code() {
        Some(Rcode::BADVERS) => Judged::new(Grade::Pass, "BADVERS to version 1"),
        Some(code) => Judged::new(Grade::Fail, format!("{code} to version 1, not BADVERS")),
        None => Judged::new(Grade::Fail, seen.silence()),
    }
}

fn unknown_option(reply: &Reply) -> Judged {
    let Some(edns) = &reply.edns else {
        return Judged::new(Grade::Warn, "knows nothing of EDNS");
    };
    if edns.options.iter().any(|option| option.code.0 == 65_001) {
        return Judged::new(Grade::Warn, "sends the unknown option back");
    }
    match reply.rcode {
        Rcode::FORMERR | Rcode::NOTIMP => {
            Judged::new(Grade::Fail, format!("{} to an unknown option", reply.rcode))
        }
        _ => Judged::new(Grade::Pass, "ignores the unknown option"),
    }
}

fn dnssec_ok(reply: &Reply) -> Judged {
    match &reply.edns {
        Some(edns) if edns.dnssec_ok => {
            let signatures = reply.answers.iter().filter(|record| record.rtype.0 == 46);
            let text = match signatures.count() {
                0 => "repeats DO, no signatures".to_owned(),
                count => format!("repeats DO, {count} signatures"),
            };
            Judged::new(Grade::Pass, text)
        }
        Some(_) => Judged::new(Grade::Warn, "does not repeat DO"),
        None => Judged::new(Grade::Warn, "knows nothing of EDNS"),
    }
}

fn option(reply: &Reply, code: OptionCode) -> Option<&[u8]> {
    let option = reply.edns.as_ref()?.option(code)?;
    Some(&option.data)
}

fn cookie(reply: &Reply) -> Judged {
    match option(reply, OptionCode::COOKIE).map(<[u8]>::len) {
        None => Judged::new(Grade::Absent, "no cookies"),
        Some(8) => Judged::new(Grade::Warn, "sends our half back without its own"),
        Some(length @ 16..=40) => {
            Judged::new(Grade::Pass, format!("a cookie of {} octets", length - 8))
        }
        Some(length) => Judged::new(Grade::Fail, format!("a cookie of {length} octets in all")),
    }
}

fn payload(reply: &Reply, announced: usize) -> Judged {
    if reply.size > announced {
        let text = format!("{} octets, more than were announced", reply.size);
        return Judged::new(Grade::Fail, text);
    }
    let cut = if reply.truncated { ", truncated" } else { "" };
    Judged::new(Grade::Pass, format!("{} octets{cut}", reply.size))
}

fn nsid(reply: &Reply) -> Judged {
    match option(reply, OptionCode::NSID) {
        Some(id) => Judged::new(Grade::Pass, format!("\"{}\"", id.escape_ascii())),
        None => Judged::new(Grade::Absent, "does not say who it is"),
    }
}

fn unknown_type(reply: &Reply) -> Judged {
    let text = format!("{} to TYPE65280", reply.rcode);
    match reply.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => Judged::new(Grade::Pass, text),
        Rcode::REFUSED | Rcode::SERVFAIL => Judged::new(Grade::Warn, text),
        _ => Judged::new(Grade::Fail, text),
    }
}

/// Whether what did not fit UDP is all there over TCP.
pub(super) fn tc_honesty(udp: &Seen, tcp: &Seen) -> Judged {
    let (Some(short), Some(whole)) = (udp.reply(), tcp.reply()) else {
        return Judged::new(Grade::Skipped, "UDP or TCP brought no reply");
    };
    if whole.truncated {
        return Judged::new(Grade::Fail, "truncated over TCP too, where everything fits");
    }
    if short.rcode != whole.rcode {
        let text = format!("{} over UDP, {} over TCP", short.rcode, whole.rcode);
        return Judged::new(Grade::Fail, text);
    }
    if short.size > 512 {
        let text = format!("{} octets over UDP where 512 were announced", short.size);
        return Judged::new(Grade::Fail, text);
    }
    // Addresses rotate and lists are cut to size: only what is missing over TCP counts.
    let missing = short.answers.iter().filter(|record| !holds(whole, record));
    let missing = missing.count();
    let (ours, theirs) = (short.answers.len(), whole.answers.len());
    match (short.truncated, missing) {
        (_, 1..) => Judged::new(
            Grade::Fail,
            format!("{} over UDP that TCP does not have", records(missing)),
        ),
        (true, 0) => Judged::new(
            Grade::Pass,
            format!("truncated to {} over UDP, {theirs} over TCP", records(ours)),
        ),
        (false, 0) if ours < theirs => Judged::new(
            Grade::Fail,
            format!("{} over UDP, {theirs} over TCP, and no TC", records(ours)),
        ),
        (false, 0) => Judged::new(Grade::Pass, format!("the same {} over both", records(ours))),
    }
}

fn records(count: usize) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} record{ending}")
}

fn holds(reply: &Reply, record: &Record) -> bool {
    let same = |other: &Record| {
        (&other.name, other.rtype, &other.rdata) == (&record.name, record.rtype, &record.rdata)
    };
    reply.answers.iter().any(same)
}

/// Whether several questions at once over one connection were all answered on it.
pub(super) fn pipelining(seen: &[Seen]) -> Judged {
    let answered = seen.iter().filter(|one| one.reply().is_some()).count();
    if answered < seen.len() {
        let text = match seen.iter().find(|one| one.reply().is_none()) {
            Some(silent) if answered == 0 => silent.silence(),
            _ => format!("{answered} of {} questions answered", seen.len()),
        };
        return Judged::new(Grade::Fail, text);
    }
    let mut attempts = seen.iter().flat_map(|one| &one.outcome.attempts);
    let again = attempts.any(|attempt| {
        attempt.trigger == Trigger::Reconnected || matches!(attempt.end, End::Closed { .. })
    });
    if again {
        return Judged::new(
            Grade::Warn,
            "closes after one answer; needs a connection each",
        );
    }
    Judged::new(
        Grade::Pass,
        format!("{answered} answers over one connection"),
    )
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
