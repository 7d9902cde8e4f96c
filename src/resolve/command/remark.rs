//! What was out of the ordinary on the way, beside the verdict: each with a code and a sentence.

use serde::Serialize;

use crate::resolve::explain;
use crate::resolve::ledger::{Carrier, Trigger};
use crate::resolve::servers::Tried;

/// Something out of the ordinary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Remark {
    /// What, for a program.
    pub code: RemarkCode,
    /// What, for a person.
    pub text: String,
}

/// The kinds of remarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RemarkCode {
    /// The reply came over TCP because it did not fit a datagram.
    Truncated,
    /// The reply came over TCP because the UDP port is closed.
    UdpClosed,
    /// The reply came over TCP because UDP stayed silent.
    UdpSilent,
    /// The reply came over TCP because what came over UDP was of no use.
    UdpUnusable,
    /// The reply came after the question was put once more, without EDNS.
    EdnsBroken,
    /// The reply came after the question was put once more, with the server's half of the cookie.
    CookieRefused,
    /// TCP was tried and does not work.
    TcpBroken,
    /// Packets were not taken for the reply.
    Ignored,
    /// The question was sent more than once.
    Retransmitted,
    /// Another server was asked before, and did not help.
    Failover,
    /// Something in resolv.conf was not understood.
    ResolvConf,
    /// A rule of the policy acted.
    Policy,
    /// The answer was known already.
    Cached,
    /// Anything else.
    Note,
}

impl Remark {
    /// A remark.
    pub(super) fn new(code: RemarkCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code, text }
    }
}

/// What there is to say about the try that counts and those before it.
pub(super) fn remarks(ledger: &[Tried], best: usize) -> Vec<Remark> {
    let mut remarks: Vec<_> = way(&ledger[best]).into_iter().collect();
    let others = ledger
        .iter()
        .enumerate()
        .filter(|(at, tried)| *at != best && !tried.finding.is_final());
    remarks.extend(others.map(|(_, tried)| {
        let text = format!("{}: {}", tried.outcome.server, explain::describe(tried));
        Remark::new(RemarkCode::Failover, text)
    }));
    remarks.extend(ignored(&ledger[best]));
    remarks
}

/// How the reply came, where that was not the ordinary way.
fn way(tried: &Tried) -> Option<Remark> {
    let attempts = &tried.outcome.attempts;
    let received = tried.outcome.received.as_ref()?;
    let udp = attempts
        .iter()
        .find(|attempt| attempt.carrier == Carrier::Udp);
    let (code, text) = match (received.trigger, received.carrier) {
        (Trigger::Truncated, Carrier::Tcp) => (
            RemarkCode::Truncated,
            "the reply did not fit UDP (TC), answered over TCP".to_owned(),
        ),
        (Trigger::UdpUnreachable, Carrier::Tcp) => {
            let why = udp.map_or_else(|| "UDP unreachable".to_owned(), explain::end);
            (RemarkCode::UdpClosed, format!("{why}, answered over TCP"))
        }
        (Trigger::UdpSilent, Carrier::Tcp) => (
            RemarkCode::UdpSilent,
            "UDP silent, answered over TCP".to_owned(),
        ),
        (Trigger::UdpUnusable, Carrier::Tcp) => (
            RemarkCode::UdpUnusable,
            "the reply over UDP was unusable, answered over TCP".to_owned(),
        ),
        (Trigger::WithoutEdns, _) => (
            RemarkCode::EdnsBroken,
            "the server takes no EDNS, answered without it".to_owned(),
        ),
        (Trigger::FreshCookie, _) => (
            RemarkCode::CookieRefused,
            "the server asked for its cookie (BADCOOKIE), asked again with it".to_owned(),
        ),
        _ if received.reply.truncated => cut(tried),
        _ => {
            let sent = udp.map(|udp| udp.sent).filter(|sent| *sent > 1)?;
            (
                RemarkCode::Retransmitted,
                format!("the question was sent {sent} times before the reply came"),
            )
        }
    };
    Some(Remark::new(code, text))
}

/// Why a truncated reply is all there is.
fn cut(tried: &Tried) -> (RemarkCode, String) {
    let mut attempts = tried.outcome.attempts.iter();
    match attempts.find(|attempt| attempt.carrier == Carrier::Tcp) {
        Some(tcp) if tcp.end == crate::resolve::ledger::End::Truncated => (
            RemarkCode::Truncated,
            "truncated (TC) over TCP too, where everything fits".to_owned(),
        ),
        Some(tcp) => (
            RemarkCode::TcpBroken,
            format!(
                "truncated (TC), and the rest was not to be had: {}",
                explain::end(tcp)
            ),
        ),
        None => (
            RemarkCode::Truncated,
            "truncated (TC), and TCP was not allowed".to_owned(),
        ),
    }
}

fn ignored(tried: &Tried) -> Option<Remark> {
    let attempts = || tried.outcome.attempts.iter();
    let count: u32 = attempts().map(|attempt| attempt.ignored_count).sum();
    let first = attempts().flat_map(|attempt| &attempt.ignored).next()?;
    let packets = if count == 1 { "packet" } else { "packets" };
    let text = format!("{count} {packets} ignored: {}", first.why);
    Some(Remark::new(RemarkCode::Ignored, text))
}
