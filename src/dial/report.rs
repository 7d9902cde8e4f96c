//! What a dial found. The only input of every renderer and of the exit code; its serde form is the
//! JSON contract of `type: "dial"`.

use std::net::IpAddr;
use std::time::Duration;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::addr::{Endpoint, Family, Network, Target};
use crate::failure::{Evidence, Failure};
pub use crate::net::Detection;
use crate::net::tls::Handshake;
use crate::net::{KeepaliveFacts, OptionFact, TcpInfo};
use crate::resolve::Source;
use crate::time::Millis;

/// The result of one dial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// The target, joined: `example.com:443`.
    pub target: String,
    /// The network asked for.
    pub network: Network,
    /// Host name or literal; `null` for a Unix socket.
    pub host: Option<String>,
    /// Port; `null` for a Unix socket.
    pub port: Option<u16>,
    /// Path of a Unix socket; `null` otherwise.
    pub path: Option<String>,
    /// Whether everything asked for succeeded.
    pub ok: bool,
    /// `connected`, `replied`, `interrupted`, or the failure's kind.
    pub outcome: String,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
    /// The lookup; `null` when it did not begin (a literal, a Unix socket).
    pub resolve: Option<Resolve>,
    /// Every address that was tried, in the order of starting.
    pub attempts: Vec<Attempt>,
    /// Our end of the winning connection, joined.
    pub local: Option<String>,
    /// Its other end, joined.
    pub peer: Option<String>,
    /// With reuse: whether the connection was open already, and then nothing was connected; `null`
    /// without.
    pub reused: Option<bool>,
    /// From the start of the winning attempt to the connection; without TLS.
    pub connect_ms: Option<Millis>,
    /// From there to the end of the TLS handshake, with the dialogue before it.
    pub tls_ms: Option<Millis>,
    /// From the first byte sent (or from the connection, if none was) to the first received.
    pub first_byte_ms: Option<Millis>,
    /// The whole dial, without the hold.
    pub total_ms: Option<Millis>,
    /// Keepalive asked for and in force; only TCP.
    pub keepalive: Option<KeepaliveFacts>,
    /// Every other socket option that was asked for.
    pub options: Vec<OptionFact>,
    /// With `mptcp`: whether the peer speaks it.
    pub mptcp: Option<bool>,
    /// With `fastopen`: whether the server took the SYN's data.
    pub fastopen: Option<bool>,
    /// When a dead peer would be noticed; only TCP.
    pub detection: Option<Detection>,
    /// The kernel's view right after connecting; only TCP.
    pub tcp_info: Option<TcpInfo>,
    /// The TLS handshake of the winning attempt, or of the first that failed in it.
    pub tls: Option<Handshake>,
    /// What was said.
    pub exchange: Option<Exchange>,
    /// What was said in a replay, beside what was recorded.
    pub replay: Option<Replay>,
    /// What the hold showed.
    pub hold: Option<Hold>,
    /// What is worth knowing beside the verdict.
    pub warnings: Vec<String>,
}

/// The lookup of a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resolve {
    /// From the first question to the last answer that was waited for.
    pub ms: Option<Millis>,
    /// The addresses in the order in which they are tried (RFC 6724, interleaved).
    pub addresses: Vec<IpAddr>,
    /// The name server that answered; `null` when none was asked.
    pub server: Option<String>,
    /// Where the addresses came from.
    pub transport: Option<Source>,
    /// One entry a question: AAAA and A.
    pub questions: Vec<Question>,
}

/// One question to the resolver and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Question {
    /// The family asked for.
    pub family: Family,
    /// When it was asked.
    pub started_ms: Millis,
    /// When it was answered; `null` if it never was.
    pub ended_ms: Option<Millis>,
    /// How many addresses came; `null` while there is no answer.
    pub addresses: Option<usize>,
    /// Why there is no answer.
    pub failure: Option<Failure>,
    /// What each name server did, where an answer did not come the ordinary way; else empty.
    pub evidence: Vec<Evidence>,
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Still on its way; only in an interrupted report.
    Pending,
    /// Connected first.
    Won,
    /// Connected too, after the winner (only with `race_all`), and was closed.
    Lost,
    /// Closed unfinished because another address had won.
    Cancelled,
    /// Did not connect.
    Failed,
}

/// One address that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attempt {
    /// The address, joined with the port; or the path of a Unix socket.
    pub addr: String,
    /// Its family; `null` for a Unix socket.
    pub family: Option<Family>,
    /// Our end, joined, once known.
    pub local: Option<String>,
    /// When it began.
    pub started_ms: Millis,
    /// When its transport stood and TLS began; `null` without TLS, or before.
    pub tls_started_ms: Option<Millis>,
    /// When it ended.
    pub ended_ms: Option<Millis>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it did not connect.
    pub failure: Option<Failure>,
    /// The kernel's smoothed RTT of the handshake, if it connected over TCP.
    pub handshake_rtt_ms: Option<Millis>,
    /// SYN segments that were sent again.
    pub syn_retransmits: Option<u32>,
}

/// Bytes as JSON shows them: text when they are UTF-8, base64 otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Bytes {
    /// Valid UTF-8.
    Text(String),
    /// Anything else, RFC 4648 base64 with padding.
    Base64(String),
}

impl Bytes {
    /// The bytes themselves.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            // What a report holds was encoded here; what somebody else wrote may be anything.
            Self::Base64(text) => BASE64.decode(text.as_bytes()).unwrap_or_default(),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64(BASE64.encode(error.as_bytes())),
        }
    }
}

/// What was said on the connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exchange {
    /// Bytes that the kernel took from us.
    pub sent_bytes: u64,
    /// Bytes that came back.
    pub received_bytes: u64,
    /// What came back, up to the capture limit.
    pub received: Option<Bytes>,
    /// Whether more came than was kept.
    pub truncated: bool,
    /// Whether the expectation was met; `null` when there was none.
    pub matched: Option<bool>,
    /// Whether the peer closed its side: `fin` or `rst`; `null` while it was open.
    pub closed_by_peer: Option<String>,
    /// When the exchange began.
    pub started_ms: Option<Millis>,
    /// When it ended.
    pub ended_ms: Option<Millis>,
}

/// A recorded connection that was played again: what the server said, beside what it had said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Replay {
    /// The number of the connection in its record.
    pub connection: u64,
    /// How many connections the record holds.
    pub connections: u64,
    /// Whether everything was said, and answered as it had been, to the end.
    pub equal: bool,
    /// Bytes that the kernel took from us.
    pub sent_bytes: u64,
    /// Bytes that the client had said.
    pub recorded_sent_bytes: u64,
    /// Bytes that came back.
    pub received_bytes: u64,
    /// Bytes that the server had said.
    pub recorded_received_bytes: u64,
    /// Bytes that were as recorded, from the beginning: where the first difference is, if there is one.
    pub agreed_bytes: u64,
    /// What was recorded from the first difference on, at most 32 bytes; `null` if nothing was.
    pub recorded: Option<Bytes>,
    /// What came from there on; `null` if nothing did.
    pub received: Option<Bytes>,
    /// Whether the server closed its side.
    pub closed_by_peer: bool,
    /// Whether it had closed it when recorded.
    pub recorded_close: bool,
    /// Answers that were timed: the first byte after the client had spoken.
    pub answers: u64,
    /// How long they had taken when recorded, in the mean; `null` without an answer.
    pub recorded_answer_ms: Option<Millis>,
    /// How long they took now, in the mean.
    pub answer_ms: Option<Millis>,
    /// The longest when recorded.
    pub recorded_answer_max_ms: Option<Millis>,
    /// The longest now.
    pub answer_max_ms: Option<Millis>,
    /// From the first recorded piece to the last.
    pub recorded_ms: Millis,
    /// When the replay began.
    pub started_ms: Millis,
    /// When it ended.
    pub ended_ms: Millis,
}

/// What the counters showed while the connection was held open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hold {
    /// How long it was held.
    pub held_ms: Millis,
    /// Keepalive probes sent, from the segment counters; `null` if they cannot be read.
    pub probes_sent: Option<u32>,
    /// How many of them were acknowledged.
    pub probes_acked: Option<u32>,
    /// Bytes that came in meanwhile; the counters tell nothing of probes if there were any.
    pub received_bytes: u64,
    /// Whether the connection was still up at the end.
    pub alive: bool,
    /// What ended it.
    pub failure: Option<Failure>,
}

impl Report {
    /// How long it took to connect: from the start of the winning attempt until the connection stood,
    /// and with TLS until the handshake on it was done, with the dialogue before it. `None` when it did
    /// not come to that.
    ///
    /// What `tls_ms` has beyond that is our own patience with a server that may refuse our certificate
    /// yet: no time that it took.
    #[must_use]
    pub fn connected_after(&self) -> Option<Duration> {
        let Millis(transport) = self.connect_ms?;
        let of_handshake = self.tls.as_ref().and_then(|tls| {
            let Millis(dialogue) = tls.starttls_ms.unwrap_or_default();
            Some(dialogue + tls.handshake_ms?.0)
        });
        let Millis(tls) = self.tls_ms.unwrap_or_default();
        Some(transport + of_handshake.unwrap_or(tls))
    }

    /// The whole dial (`total_ms`) without what its losers took after another had won: with `race_all`
    /// they are waited for. `None` before it is over.
    #[must_use]
    pub fn dialled_after(&self) -> Option<Duration> {
        let won = |attempt: &&Attempt| attempt.outcome == AttemptOutcome::Won;
        let decided = self.attempts.iter().find(won).map(|winner| winner.ended_ms);
        let over = self.attempts.iter().map(|attempt| attempt.ended_ms).max();
        let waited = match (decided.flatten(), over.flatten()) {
            (Some(Millis(decided)), Some(Millis(over))) => over.saturating_sub(decided),
            _ => Duration::ZERO,
        };
        Some(self.total_ms?.0.saturating_sub(waited))
    }

    /// An empty report of a target: the value that the events are folded into.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        let path = match &target.endpoint {
            Endpoint::Unix(path) => Some(path.to_string()),
            Endpoint::Inet { .. } => None,
        };
        Self {
            target: target.to_string(),
            network: target.network,
            host: target.host().map(ToString::to_string),
            port: target.port(),
            path,
            ok: false,
            outcome: super::fold::INTERRUPTED.to_owned(),
            failure: None,
            resolve: None,
            attempts: Vec::new(),
            local: None,
            peer: None,
            reused: None,
            connect_ms: None,
            tls_ms: None,
            first_byte_ms: None,
            total_ms: None,
            keepalive: None,
            options: Vec::new(),
            mptcp: None,
            fastopen: None,
            detection: None,
            tcp_info: None,
            tls: None,
            exchange: None,
            replay: None,
            hold: None,
            warnings: Vec::new(),
        }
    }
}
