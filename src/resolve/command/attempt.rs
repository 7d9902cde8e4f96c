//! The ledger as it is shown: one entry a try, whoever was asked and whatever came back.

use std::net::SocketAddr;

use serde::Serialize;

use crate::failure::{Errno, Failure};
use crate::net::tls::TlsFacts;
use crate::resolve::ledger::{
    Attempt, End, HttpFacts, Ignored, LinkFacts, Step, Trigger, Unusable,
};
use crate::resolve::servers::Tried;
use crate::time::Millis;

/// One try over one transport.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttemptReport {
    /// The server.
    pub server: SocketAddr,
    /// `udp`, `tcp`, `tls`, `https`, `quic`, `h3`.
    pub transport: String,
    /// The name asked for: the one typed, one of the search list, or the end of an alias.
    pub name: String,
    /// The type.
    pub qtype: String,
    /// Why it was begun: `first`, `truncated`, `udp_unreachable`, `udp_silent`, `udp_unusable`,
    /// `without_edns`, `fresh_cookie`, `reconnected`.
    pub reason: String,
    /// When it was begun, since the question was put.
    pub started_ms: Millis,
    /// When it ended.
    pub ended_ms: Millis,
    /// From the first sending of the question to the end; `null` when it was not sent.
    pub waited_ms: Option<Millis>,
    /// Our address.
    pub local: Option<SocketAddr>,
    /// How often the question was sent.
    pub sent: u32,
    /// Octets sent.
    pub sent_bytes: u64,
    /// Octets of every message received, ignored ones and the beginning of one that did not come
    /// whole included.
    pub received_bytes: u64,
    /// `replied`, `truncated`, `failed`, `http_status`, `closed`, `unusable`, `silent`, `abandoned`.
    pub outcome: String,
    /// Where it ended without a reply: `connect`, `handshake`, `send`, `receive`.
    pub step: Option<String>,
    /// The response code of the reply.
    pub rcode: Option<String>,
    /// The system's error.
    pub errno: Option<Errno>,
    /// The failure of this machine's socket or of a handshake.
    pub failure: Option<Failure>,
    /// The outcome in words.
    pub text: String,
    /// The connection; `null` over UDP, and before one stood.
    pub connection: Option<ConnectionReport>,
    /// The response that carried the reply; `null` without HTTP.
    pub http: Option<HttpReport>,
    /// Packets that were not taken for the reply, the first of them.
    pub ignored: Vec<IgnoredReport>,
    /// How many there were in all.
    pub ignored_count: u32,
}

/// A packet that was not taken for the reply.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IgnoredReport {
    /// When it came, since the question was put.
    pub at_ms: Millis,
    /// Its size.
    pub bytes: usize,
    /// `wrong_id`, `wrong_source`, `not_a_response`, `wrong_question`, `wrong_case`, `wrong_cookie`,
    /// `malformed`, `second_answer`, `not_dns`.
    pub why: String,
    /// The same in words.
    pub text: String,
}

/// The connection that a question was sent over.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectionReport {
    /// Whether it stood already.
    pub reused: bool,
    /// Which question on it this is, from 1.
    pub question: u32,
    /// How long TCP took to stand; `null` over QUIC, where that is the handshake.
    pub connect_ms: Option<Millis>,
    /// What the handshake came to; `null` without TLS.
    pub tls: Option<TlsFacts>,
}

/// A response of HTTP.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HttpReport {
    /// `2` or `3`.
    pub version: String,
    /// The status (RFC 9110 §15).
    pub status: u16,
    /// The media type, escaped.
    pub content_type: Option<String>,
    /// How long caches of HTTP have kept it, seconds.
    pub age_s: Option<u32>,
}

/// All tries of a question, in the order in which they were begun.
pub(super) fn attempts(ledger: &[Tried]) -> Vec<AttemptReport> {
    let all = ledger.iter().flat_map(|tried| {
        tried
            .outcome
            .attempts
            .iter()
            .map(|attempt| entry(tried, attempt))
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|entry| entry.started_ms);
    all
}

fn entry(tried: &Tried, attempt: &Attempt) -> AttemptReport {
    let (outcome, step) = outcome(&attempt.end);
    AttemptReport {
        server: tried.outcome.server,
        transport: attempt.carrier.code().to_owned(),
        name: tried.ask.name.to_string(),
        qtype: tried.ask.rtype.to_string(),
        reason: reason(attempt.trigger).to_owned(),
        started_ms: attempt.started.into(),
        ended_ms: attempt.ended.into(),
        waited_ms: attempt.waited().map(Millis),
        local: attempt.local,
        sent: attempt.sent,
        sent_bytes: attempt.sent_bytes(),
        received_bytes: attempt.received_bytes,
        outcome: outcome.to_owned(),
        step: step.map(|step| step_code(step).to_owned()),
        rcode: match &attempt.end {
            End::Replied(rcode) => Some(rcode.to_string()),
            _ => None,
        },
        errno: match &attempt.end {
            End::Failed { errno, .. } => errno.clone(),
            _ => None,
        },
        failure: match &attempt.end {
            End::Explained { failure, .. } => Some((**failure).clone()),
            _ => None,
        },
        text: crate::resolve::explain::end(attempt),
        connection: attempt.link.as_ref().map(connection),
        http: attempt.http.as_ref().map(http),
        ignored: attempt.ignored.iter().map(ignored).collect(),
        ignored_count: attempt.ignored_count,
    }
}

fn connection(link: &LinkFacts) -> ConnectionReport {
    ConnectionReport {
        reused: link.reused,
        question: link.question,
        connect_ms: link.connect.map(Millis),
        tls: link.tls.as_deref().cloned(),
    }
}

fn http(facts: &HttpFacts) -> HttpReport {
    HttpReport {
        version: facts.version.to_owned(),
        status: facts.status,
        content_type: facts.content_type.clone(),
        age_s: facts.age,
    }
}

/// A trigger's word in JSON.
pub(super) fn reason(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::First => "first",
        Trigger::Truncated => "truncated",
        Trigger::UdpUnreachable => "udp_unreachable",
        Trigger::UdpSilent => "udp_silent",
        Trigger::UdpUnusable => "udp_unusable",
        Trigger::WithoutEdns => "without_edns",
        Trigger::FreshCookie => "fresh_cookie",
        Trigger::Reconnected => "reconnected",
    }
}

fn outcome(end: &End) -> (&'static str, Option<Step>) {
    match end {
        End::Replied(_) => ("replied", None),
        End::Truncated => ("truncated", None),
        End::Failed { step, .. } | End::Explained { step, .. } => ("failed", Some(*step)),
        End::Http { .. } => ("http_status", Some(Step::Receive)),
        End::Closed { .. } => ("closed", Some(Step::Receive)),
        End::Unusable => ("unusable", None),
        End::Silent { step } => ("silent", Some(*step)),
        End::Abandoned => ("abandoned", None),
    }
}

fn step_code(step: Step) -> &'static str {
    match step {
        Step::Connect => "connect",
        Step::Handshake => "handshake",
        Step::Send => "send",
        Step::Receive => "receive",
    }
}

fn ignored(ignored: &Ignored) -> IgnoredReport {
    let why = match ignored.why {
        Unusable::WrongId { .. } => "wrong_id",
        Unusable::WrongSource { .. } => "wrong_source",
        Unusable::SecondAnswer => "second_answer",
        Unusable::NotDns { .. } => "not_dns",
        Unusable::NotAResponse => "not_a_response",
        Unusable::WrongQuestion => "wrong_question",
        Unusable::WrongCase => "wrong_case",
        Unusable::WrongCookie => "wrong_cookie",
        Unusable::Malformed { .. } => "malformed",
    };
    IgnoredReport {
        at_ms: ignored.at.into(),
        bytes: ignored.bytes,
        why: why.to_owned(),
        text: ignored.why.to_string(),
    }
}
