//! One word for what became of a question, and one line of advice.
//!
//! Pure. The response code alone does not do: NOERROR may be an answer, no data, a referral or a
//! loop, and silence has no code at all.

use std::fmt;

use serde::Serialize;

use crate::failure::Class;
use crate::resolve::judge::{Fault, Finding};
use crate::resolve::ledger::{Attempt, Carrier, End, Outcome, Step, Trigger, Unusable};
use crate::resolve::servers::Tried;
use crate::resolve::wire::Rcode;

macro_rules! verdicts {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $class:expr, $advice:expr;)*) => {
        /// What became of a question.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum Verdict {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Verdict {
            /// Every verdict, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word used in JSON.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it means for the exit status; `None` is success.
            #[must_use]
            pub fn class(self) -> Option<Class> {
                match self { $(Self::$name => $class,)* }
            }

            /// One next step; `None` where none is needed.
            #[must_use]
            pub fn advice(self) -> Option<&'static str> {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

verdicts! {
    /// Records of the type asked for.
    Answer = "answer", None, None;
    /// The name exists, and not with that type.
    NoData = "no_data", Some(Class::Resolve),
        Some("the name exists, but not with that type; ANY may show what it has");
    /// The name does not exist.
    Nxdomain = "nxdomain", Some(Class::Resolve),
        Some("check the spelling, or ask another server with --ns");
    /// The server does not want to answer.
    Refused = "refused", Some(Class::Resolve),
        Some("this server does not serve this name to this address; ask another with --ns");
    /// The server failed.
    Servfail = "servfail", Some(Class::Resolve),
        Some("the server could not find out; --trace shows where the chain breaks, --cd leaves DNSSEC aside");
    /// Any other response code that is an error.
    ServerError = "server_error", Some(Class::Resolve),
        Some("the server does not take this question; try without --class, --opcode and EDNS options");
    /// The server only refers to others and does not recurse.
    Lame = "lame", Some(Class::Resolve),
        Some("the server does not know this zone and does not recurse; its delegation or your --ns is wrong");
    /// Cut off, and the whole could not be had; what came is shown.
    Truncated = "truncated", Some(Class::Resolve),
        Some("the answer is not complete: it did not fit UDP, and TCP was not to be had");
    /// An alias that leads back to itself, or through too many others.
    CnameLoop = "cname_loop", Some(Class::Resolve),
        Some("only the owner of the zone can mend it; the CNAME records show the way");
    /// An alias whose target does not exist.
    CnameDangling = "cname_dangling", Some(Class::Resolve),
        Some("the alias points at a name that does not exist: mend the CNAME or create its target");
    /// The server takes no question with EDNS, and did not answer without either.
    EdnsBroken = "edns_broken", Some(Class::Resolve),
        Some("the server, or a box before it, does not take EDNS; try --no-edns");
    /// TCP was needed and does not work.
    TcpBroken = "tcp_broken", Some(Class::Resolve),
        Some("DNS must work over TCP too (RFC 7766); a firewall may block port 53/tcp");
    /// Nothing listens on the port.
    PortClosed = "port_closed", Some(Class::Resolve),
        Some("no name server listens at that address and port");
    /// The system says that there is no way there.
    Unreachable = "unreachable", Some(Class::Resolve),
        Some("there is no way to that server; `ip route get ADDRESS` shows why");
    /// Nothing came back.
    Silent = "silent", Some(Class::Resolve),
        Some("a firewall drops the packets, or no name server has that address");
    /// Replies came, and none can be used.
    Malformed = "malformed", Some(Class::Resolve),
        Some("the reply breaks the protocol; a broken server, or something that tampers on the way");
    /// Two different answers, or an echo that was changed.
    SpoofSuspect = "spoof_suspect", Some(Class::Expectation),
        Some("somebody on the way may forge replies; ask over TLS (--ns tls://…) and compare");
    /// DNSSEC validation failed.
    DnssecBogus = "dnssec_bogus", Some(Class::Expectation),
        Some("the signatures do not hold; the broken link is named above");
    /// DNSSEC validation was asked for, and what it needs could not be had.
    DnssecIndeterminate = "dnssec_indeterminate", Some(Class::Expectation),
        Some("the server does not give what the proof needs; ask a resolver, or give --trust-anchor FILE");
    /// TLS failed: handshake, trust or identity.
    TlsFailed = "tls_failed", Some(Class::Tls),
        Some("check the name of the server and --ca; the failure is above");
    /// This machine could not ask.
    LocalError = "local_error", Some(Class::Local), None;
    /// Stopped before there was a verdict.
    Interrupted = "interrupted", Some(Class::Silence), None;
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Verdict {
    /// Judges the best of what was tried.
    pub(in crate::resolve) fn of(tried: &Tried, ledger: &[Tried]) -> Self {
        match &tried.finding {
            Finding::Records(_) if is_contradicted(&tried.outcome) => Self::SpoofSuspect,
            Finding::Records(_) if is_cut(&tried.outcome) => Self::Truncated,
            Finding::Records(_) => Self::Answer,
            Finding::NoData => Self::NoData,
            Finding::Nxdomain { name } if *name != tried.ask.name => Self::CnameDangling,
            Finding::Nxdomain { .. } if is_alias_end(tried, ledger) => Self::CnameDangling,
            Finding::Nxdomain { .. } => Self::Nxdomain,
            Finding::Loop { .. } | Finding::Alias { .. } => Self::CnameLoop,
            Finding::Fault(Fault::Lame) => Self::Lame,
            Finding::Fault(Fault::Code { rcode, .. }) => of_code(*rcode, &tried.outcome),
            Finding::Unusable => of_unusable(&tried.outcome),
            Finding::Silent => Self::Silent,
            Finding::Unreachable if was_refused(&tried.outcome) => Self::PortClosed,
            Finding::Unreachable => Self::Unreachable,
            Finding::Explained(failure) => match failure.kind.class() {
                Class::Tls => Self::TlsFailed,
                Class::Local | Class::Usage => Self::LocalError,
                _ => Self::Unreachable,
            },
            Finding::OutOfFiles => Self::LocalError,
        }
    }

    /// Whether everything asked for was answered.
    #[must_use]
    pub fn is_ok(self) -> bool {
        self.class().is_none()
    }

    /// Whether asking again may help: the errors that Go calls temporary.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        !matches!(
            self,
            Self::Answer
                | Self::NoData
                | Self::Nxdomain
                | Self::CnameLoop
                | Self::CnameDangling
                | Self::DnssecBogus
                | Self::DnssecIndeterminate
        )
    }
}

/// Whether a second answer came that says something else.
fn is_contradicted(outcome: &Outcome) -> bool {
    outcome.attempts.iter().any(Attempt::has_second_answer)
}

fn is_cut(outcome: &Outcome) -> bool {
    let received = outcome.received.as_ref();
    received.is_some_and(|received| received.reply.truncated)
}

/// Whether an earlier reply to this question was an alias for the name that does not exist.
fn is_alias_end(tried: &Tried, ledger: &[Tried]) -> bool {
    ledger.iter().any(|other| match &other.finding {
        Finding::Alias { target, .. } => *target == tried.ask.name,
        _ => false,
    })
}

fn of_code(rcode: Rcode, outcome: &Outcome) -> Verdict {
    let is_without = |attempt: &Attempt| attempt.trigger == Trigger::WithoutEdns;
    // A server that says the same without EDNS does not take the question at all.
    let received = outcome.received.as_ref();
    let tried_without = outcome.attempts.iter().any(is_without)
        && received.is_none_or(|received| received.trigger != Trigger::WithoutEdns);
    match rcode {
        Rcode::REFUSED => Verdict::Refused,
        Rcode::SERVFAIL => Verdict::Servfail,
        Rcode::FORMERR | Rcode::NOTIMP | Rcode::BADVERS if tried_without => Verdict::EdnsBroken,
        _ => Verdict::ServerError,
    }
}

/// Something came and is of no use: cut off, garbled, or the connection ended early.
fn of_unusable(outcome: &Outcome) -> Verdict {
    let cut = is_cut(outcome) || outcome.attempts.iter().any(is_cut_datagram);
    let tcp = outcome
        .attempts
        .iter()
        .find(|attempt| attempt.carrier == Carrier::Tcp);
    let garbled = outcome
        .attempts
        .iter()
        .any(|attempt| attempt.ignored_count > 0 && !is_cut_datagram(attempt));
    match tcp {
        _ if garbled => Verdict::Malformed,
        Some(tcp) if is_broken(tcp) => Verdict::TcpBroken,
        _ if cut => Verdict::Truncated,
        _ => Verdict::Malformed,
    }
}

fn is_cut_datagram(attempt: &Attempt) -> bool {
    attempt.ignored.iter().any(|ignored| {
        matches!(
            ignored.why,
            Unusable::Malformed {
                truncated: true,
                ..
            }
        )
    })
}

/// Whether a connection was tried and brought no reply.
fn is_broken(tcp: &Attempt) -> bool {
    !matches!(tcp.end, End::Replied(_) | End::Truncated | End::Unusable)
}

fn was_refused(outcome: &Outcome) -> bool {
    outcome.attempts.iter().any(|attempt| {
        matches!(&attempt.end, End::Failed { errno: Some(errno), step: Step::Connect | Step::Handshake | Step::Send, .. }
            if errno.code == libc::ECONNREFUSED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_everything_that_failed_has_a_class() {
        let mut codes: Vec<_> = Verdict::ALL.iter().map(|verdict| verdict.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Verdict::ALL.len());
        for verdict in Verdict::ALL {
            assert_eq!(verdict.is_ok(), *verdict == Verdict::Answer, "{verdict}");
        }
    }
}
