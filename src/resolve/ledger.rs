//! What was done to get a reply, try by try: the ledger of an exchange.
//!
//! Kept from the first packet on, so that every verdict can show what it rests on. Plain values: no
//! sockets, no policy.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::deadline::Expired;
use crate::failure::{Errno, Failure};
use crate::net::tls::TlsFacts;

use super::message::Fault;
use super::wire::{Rcode, Reply};

/// More ignored packets than this are counted and not kept: their number is the sender's choice.
const KEPT_IGNORED: usize = 16;

/// Of an ignored packet, no more than this is kept to be shown.
pub const KEPT_OCTETS: usize = 4_096;

/// What carries a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Carrier {
    /// Datagrams on a connected socket.
    Udp,
    /// TCP (RFC 7766).
    Tcp,
    /// TLS (RFC 7858).
    Tls,
    /// HTTP/2 over TLS (RFC 8484).
    Https,
    /// QUIC (RFC 9250).
    Quic,
    /// HTTP/3 (RFC 8484 over RFC 9114).
    H3,
}

impl Carrier {
    /// The name used in JSON; that of the scheme of a server.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Https => "https",
            Self::Quic => "quic",
            Self::H3 => "h3",
        }
    }

    /// Whether datagrams carry it, so that ICMP is what refuses.
    #[must_use]
    pub fn is_datagrams(self) -> bool {
        matches!(self, Self::Udp | Self::Quic | Self::H3)
    }

    /// Whether each question has a stream of its own, so that its id is no more than a formality
    /// (RFC 8484 §4.1, RFC 9250 §4.2.1: it is 0).
    #[must_use]
    pub fn has_streams(self) -> bool {
        matches!(self, Self::Https | Self::Quic | Self::H3)
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Https => "HTTPS",
            Self::Quic => "QUIC",
            Self::H3 => "HTTP/3",
        })
    }
}

/// Why a try was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trigger {
    /// It is the first.
    First,
    /// The reply over UDP was truncated (TC).
    Truncated,
    /// The system or an ICMP message said that UDP does not get there.
    UdpUnreachable,
    /// UDP stayed silent so far.
    UdpSilent,
    /// A reply over UDP could not be used: garbled, or not to our question.
    UdpUnusable,
    /// The server did not like EDNS; this try is without.
    WithoutEdns,
    /// The server wants its half of the cookie repeated (RFC 7873 §5.3); this try does.
    FreshCookie,
    /// The connection that was used before had grown old.
    Reconnected,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::First => "first try",
            Self::Truncated => "UDP reply truncated",
            Self::UdpUnreachable => "UDP port closed",
            Self::UdpSilent => "UDP silent",
            Self::UdpUnusable => "UDP reply unusable",
            Self::WithoutEdns => "EDNS refused",
            Self::FreshCookie => "cookie refused",
            Self::Reconnected => "connection had been closed",
        })
    }
}

/// Why a packet was not taken for the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// Another message id.
    WrongId {
        /// The id that came.
        id: u16,
    },
    /// It came from elsewhere.
    WrongSource {
        /// Where it came from.
        from: SocketAddr,
    },
    /// A reply like the first in everything but what it says, after the first.
    SecondAnswer,
    /// A response of HTTP whose body is not a DNS message.
    NotDns {
        /// What it says that it is, escaped; empty when it says nothing.
        content_type: String,
    },
    /// QR is not set.
    NotAResponse,
    /// Another question.
    WrongQuestion,
    /// Our question in another case than it was asked in (0x20).
    WrongCase,
    /// A cookie that is not ours.
    WrongCookie,
    /// It cannot be decoded.
    Malformed {
        /// Where and why.
        fault: Option<Fault>,
        /// In the codec's words.
        reason: String,
        /// Whether its header says that it was cut off (TC).
        truncated: bool,
    },
}

impl Unusable {
    /// Whether the packet repeats our id: then it is the server's reply, and a bad one, unlike a
    /// packet with another id, which anybody can send.
    #[must_use]
    pub fn is_bad_reply(&self) -> bool {
        matches!(
            self,
            Self::WrongQuestion
                | Self::WrongCase
                | Self::WrongCookie
                | Self::Malformed { .. }
                | Self::NotDns { .. }
        )
    }

    /// Whether the packet was cut off, and in the middle of a record.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        matches!(
            self,
            Self::Malformed {
                truncated: true,
                ..
            }
        )
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongId { .. } => f.write_str("wrong id"),
            Self::WrongSource { from } => write!(f, "from {from}"),
            Self::SecondAnswer => f.write_str("a second, different answer"),
            Self::NotDns { content_type } if content_type.is_empty() => {
                f.write_str("no DNS message")
            }
            Self::NotDns { content_type } => write!(f, "no DNS message, but {content_type}"),
            Self::NotAResponse => f.write_str("not a response"),
            Self::WrongQuestion => f.write_str("wrong question"),
            Self::WrongCase => f.write_str("the question in another case"),
            Self::WrongCookie => f.write_str("wrong cookie"),
            Self::Malformed { reason, .. } => write!(f, "malformed: {reason}"),
        }
    }
}

/// A packet that came from the server and was not taken for the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// When, since the lookup began.
    pub at: Duration,
    /// Its size.
    pub bytes: usize,
    /// Why.
    pub why: Unusable,
    /// Its first octets, at most [`KEPT_OCTETS`].
    pub packet: Box<[u8]>,
}

/// How far a try got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Waiting for TCP to stand, or making the socket.
    Connect,
    /// Waiting for TLS or QUIC to stand.
    Handshake,
    /// Writing the question.
    Send,
    /// Waiting for the reply.
    Receive,
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// With a reply that answers the question, for better or worse.
    Replied(Rcode),
    /// With a truncated reply.
    Truncated,
    /// The system reported an error.
    Failed {
        /// Where.
        step: Step,
        /// Which.
        errno: Option<Errno>,
        /// In the system's words.
        text: String,
    },
    /// This machine's socket or a handshake failed, and it is known why.
    Explained {
        /// Where.
        step: Step,
        /// Why, with its kind and evidence.
        failure: Box<Failure>,
    },
    /// With a response of HTTP that has no DNS message.
    Http {
        /// Its status (RFC 9110 §15).
        status: u16,
    },
    /// The server closed the connection before the reply was whole.
    Closed {
        /// Bytes of the reply that had come.
        after_bytes: usize,
    },
    /// With a reply that cannot be used; the entry's `ignored` says why.
    Unusable,
    /// The time for this server ran out.
    Silent {
        /// Where it waited.
        step: Step,
    },
    /// Somebody else was faster, or the lookup was cancelled.
    Abandoned,
}

impl End {
    /// Records that a bounded wait ended.
    #[must_use]
    pub(super) fn expired(step: Step, expired: Expired) -> Self {
        match expired {
            Expired::TimedOut => Self::Silent { step },
            Expired::Cancelled => Self::Abandoned,
        }
    }

    /// Whether the error is about this system's resources, which no other server would cure.
    #[must_use]
    pub fn is_out_of_files(&self) -> bool {
        let errno = match self {
            Self::Failed { errno, .. } => errno.as_ref(),
            Self::Explained { failure, .. } => failure.errno.as_ref(),
            _ => None,
        };
        errno.is_some_and(|errno| [libc::EMFILE, libc::ENFILE].contains(&errno.code))
    }
}

/// What is known of the connection that a question was sent over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    /// Whether it stood already.
    pub reused: bool,
    /// Which question on this connection it is, from 1.
    pub question: u32,
    /// How long TCP took to stand; `None` over QUIC, where that is the handshake itself.
    pub connect: Option<Duration>,
    /// What the handshake came to; `None` without TLS.
    pub tls: Option<Arc<TlsFacts>>,
}

/// What a response of HTTP says before its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpFacts {
    /// `2` or `3`.
    pub version: &'static str,
    /// The status (RFC 9110 §15).
    pub status: u16,
    /// The media type, escaped.
    pub content_type: Option<String>,
    /// Seconds that caches of HTTP have kept it: the TTLs are that much older (RFC 8484 §5.1).
    pub age: Option<u32>,
}

/// One try over one carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Over what.
    pub carrier: Carrier,
    /// Why it was begun.
    pub trigger: Trigger,
    /// When it was begun, since the lookup began.
    pub started: Duration,
    /// When it ended, since the lookup began.
    pub ended: Duration,
    /// Our address, once there was one.
    pub local: Option<SocketAddr>,
    /// When the question was first sent, since the lookup began; `None` before that.
    pub asked: Option<Duration>,
    /// How often the question was sent.
    pub sent: u32,
    /// Octets of one question.
    pub question_bytes: usize,
    /// Octets of everything that came.
    pub received_bytes: u64,
    /// The first packets that were not taken for the reply.
    pub ignored: Vec<Ignored>,
    /// How many there were in all.
    pub ignored_count: u32,
    /// The connection; `None` over UDP, and before one stood.
    pub link: Option<LinkFacts>,
    /// The response that carried the reply; `None` without HTTP.
    pub http: Option<HttpFacts>,
    /// How it ended.
    pub end: End,
}

impl Attempt {
    /// Opens an entry; it reads as abandoned until it is closed.
    pub(super) fn open(carrier: Carrier, trigger: Trigger, at: Duration, bytes: usize) -> Self {
        Self {
            carrier,
            trigger,
            started: at,
            ended: at,
            local: None,
            asked: None,
            sent: 0,
            question_bytes: bytes,
            received_bytes: 0,
            ignored: Vec::new(),
            ignored_count: 0,
            link: None,
            http: None,
            end: End::Abandoned,
        }
    }

    /// The entry after the race is over: a try that was cut short ended now.
    pub(super) fn settled(mut self, at: Duration) -> Self {
        if self.end == End::Abandoned {
            self.ended = at;
        }
        self
    }

    /// From the first sending of the question to the end; `None` when it was never sent.
    #[must_use]
    pub fn waited(&self) -> Option<Duration> {
        self.asked.map(|asked| self.ended.saturating_sub(asked))
    }

    /// Whether the server has sent a reply that cannot be used.
    #[must_use]
    pub fn has_bad_reply(&self) -> bool {
        self.ignored
            .iter()
            .any(|ignored| ignored.why.is_bad_reply())
    }

    /// Octets of everything that was sent: the question, as often as it was sent.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        u64::from(self.sent) * self.question_bytes as u64
    }

    /// Whether a second answer came that differs from the first: somebody answers for the server.
    #[must_use]
    pub fn has_second_answer(&self) -> bool {
        self.ignored
            .iter()
            .any(|ignored| ignored.why == Unusable::SecondAnswer)
    }

    /// The response code of the reply; `None` when it ended otherwise, or was truncated.
    #[must_use]
    pub fn rcode(&self) -> Option<Rcode> {
        match &self.end {
            End::Replied(rcode) => Some(*rcode),
            _ => None,
        }
    }

    /// Closes the entry.
    pub(super) fn close(&mut self, at: Duration, end: End) {
        self.ended = at;
        self.end = end;
    }

    /// Notes a packet that was not taken for the reply.
    pub(super) fn ignore(&mut self, at: Duration, packet: &[u8], why: Unusable) {
        self.ignored_count = self.ignored_count.saturating_add(1);
        if self.ignored.len() < KEPT_IGNORED {
            self.ignored.push(Ignored {
                at,
                bytes: packet.len(),
                why,
                packet: packet[..packet.len().min(KEPT_OCTETS)].into(),
            });
        }
    }
}

/// A reply and how it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The message.
    pub reply: Reply,
    /// The same as it came.
    pub packet: Box<[u8]>,
    /// Over what.
    pub carrier: Carrier,
    /// Why that try was begun.
    pub trigger: Trigger,
}

impl Received {
    /// Whether no other carrier can do better: whole, or truncated even over TCP.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !self.reply.truncated || self.carrier != Carrier::Udp
    }
}

/// Everything that one server had to say to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The server.
    pub server: SocketAddr,
    /// The reply, if a usable one came; truncated only when nothing better could be had.
    pub received: Option<Received>,
    /// The tries, in the order in which they were begun.
    pub attempts: Vec<Attempt>,
}
