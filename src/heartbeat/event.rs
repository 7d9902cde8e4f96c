//! The facts of a heartbeat, in the order in which they happen. Each is also a line of JSON, without
//! its envelope.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::net::tls::{Handshake, TlsVersion};
use crate::policy::breaker::Transition;
use crate::policy::detector;
use crate::time::Millis;

/// What happened, and to which target.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Index of the target; `None` where it concerns all of them.
    pub target: Option<usize>,
    /// What happened.
    pub fact: Fact,
}

/// What happened. The report is the fold of these; see [`super::Tally::apply`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// A beat has its verdict.
    Beat(Beat),
    /// A reply came after its beat had failed.
    Late(Late),
    /// A beat was not sent.
    Skipped(Skipped),
    /// The state changed.
    State(Change),
    /// The circuit breaker changed.
    Breaker(Transition),
    /// A connection was made that targets share.
    Opened(Opened),
    /// The peer showed a certificate: the first, another one, or the same with fewer days left.
    Certificate(Certificate),
    /// A session ended.
    Disconnect(Disconnect),
    /// A session stands (again), or was given up.
    Reconnect(Reconnect),
    /// This machine itself was stopped.
    Stall(Stall),
    /// Nothing more will come.
    Done,
}

/// One beat and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Beat {
    /// Its number, from 0.
    pub seq: u64,
    /// Whether the reply came in time.
    pub ok: bool,
    /// When it was due, since the start of the run.
    pub due_ms: Millis,
    /// When it was sent; `null` when there was no session to send it on.
    pub sent_ms: Option<Millis>,
    /// How much later than due that was.
    pub lateness_ms: Option<Millis>,
    /// From sending to the reply; `null` without a reply, or when this machine was stopped meanwhile. Of
    /// a connect probe: the attempt that won, to the end of the handshake, that of TLS where there is one.
    pub rtt_ms: Option<Millis>,
    /// From sending to the acknowledgement of the peer's kernel, where `TCP_INFO` tells: of a beat that
    /// was not answered, and the last one sent.
    pub kernel_ack_ms: Option<Millis>,
    /// Where connections are shared: whether it had one that was open already (`true`), or had to make
    /// one (`false`); `null` when it got neither, or nothing is shared.
    pub reused: Option<bool>,
    /// Why it failed.
    pub failure: Option<Box<Failure>>,
}

/// A reply to a beat that had already failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Late {
    /// The beat.
    pub seq: u64,
    /// From sending to the reply.
    pub rtt_ms: Millis,
}

/// A beat that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Skipped {
    /// The beat.
    pub seq: u64,
    /// Why.
    pub reason: SkipReason,
}

/// Why a beat was not sent, or does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// This machine came to it more than an interval (and 20 ms) late.
    Late,
    /// Too many beats of the target were without a verdict.
    Busy,
    /// The circuit breaker is open.
    BreakerOpen,
    /// All connections that are shared were in use until its timeout, and answered others.
    PoolBusy,
    /// This machine was stopped while it was under way, and no reply was there afterwards.
    LocalStall,
}

/// The health of a target: what the detector says, and which kind of down it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// There is a sign that it may not.
    Suspect,
    /// It does not.
    Down,
    /// It does not, although its kernel acknowledges what is sent: the application hangs.
    AppHung,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Unknown,
        Self::Up,
        Self::Suspect,
        Self::Down,
        Self::AppHung,
    ];

    /// The word used in JSON and in `--fail-if`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Down => "down",
            Self::AppHung => "app_hung",
        }
    }

    /// Whether the target does not serve.
    #[must_use]
    pub fn is_down(self) -> bool {
        matches!(self, Self::Down | Self::AppHung)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl From<detector::State> for State {
    fn from(state: detector::State) -> Self {
        match state {
            detector::State::Unknown => Self::Unknown,
            detector::State::Up => Self::Up,
            detector::State::Suspect => Self::Suspect,
            detector::State::Down => Self::Down,
        }
    }
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
    /// What it was.
    pub from: State,
    /// What it is now.
    pub to: State,
    /// Why: a code of the detector, or `kernel_silent` and `kernel_acknowledges`.
    pub reason: String,
    /// The numbers that made it so; `null` where the kernel's acknowledgements did.
    pub evidence: Option<detector::Reason>,
    /// How long the last state lasted.
    pub lasted_ms: Millis,
    /// When what led to it began: the beat that was the first to fail was due, or the reply came.
    pub began_ms: Millis,
    /// The failure of the last beat; `null` when it did not fail.
    pub failure: Option<Box<Failure>>,
}

/// What ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The peer closed it.
    Fin,
    /// The peer, or something in between, reset it.
    Rst,
    /// Nothing came back any more.
    Timeout,
    /// An ICMP message.
    Icmp,
    /// This machine: a route, a rule, an interface.
    Local,
    /// The peer closed it after the same silence as the time before: an idle limit.
    Idle,
    /// The peer closed it, and refuses connections since: its process has ended. Known only when it is
    /// dialled again, so the `disconnect` says `fin` and the `reconnect` this.
    Exit,
}

impl Cause {
    /// The word used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Timeout => "timeout",
            Self::Icmp => "icmp",
            Self::Local => "local",
            Self::Idle => "idle",
            Self::Exit => "exit",
        }
    }
}

/// A session that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Disconnect {
    /// What ended it.
    pub cause: Cause,
    /// How long after the last sign of life that was noticed.
    pub noticed_ms: Millis,
    /// Who it was with.
    pub peer: Option<String>,
    /// What is known of the end.
    pub failure: Box<Failure>,
}

/// A connection that was made, for all who share it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Opened {
    /// Who it is with.
    pub peer: String,
    /// From the beat that wanted it, or the first of the attempts, until it stood.
    pub took_ms: Millis,
}

/// The certificate that a peer showed in a handshake of TLS. It is told when it is not what the
/// handshake before had shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Certificate {
    /// The version of TLS agreed on; `null` when the handshake failed.
    pub version: Option<TlsVersion>,
    /// SHA-256 of the peer's own certificate (DER), in hex.
    pub sha256: String,
    /// That of the one before, when it was another; `null` when there was none.
    pub previous_sha256: Option<String>,
    /// Whole days until the first certificate of the chain runs out; negative once it has.
    pub cert_days: Option<i64>,
}

impl Certificate {
    /// What a handshake showed; `None` without a certificate.
    pub(super) fn of(handshake: &Handshake) -> Option<Box<Self>> {
        let own = handshake.chain.first()?;
        Some(Box::new(Self {
            version: handshake.version,
            sha256: own.sha256.clone(),
            previous_sha256: None,
            cert_days: handshake.days_left(),
        }))
    }

    /// It, if it is news after the one before.
    pub(super) fn news(&self, before: Option<&Self>) -> Option<Self> {
        let Some(before) = before else {
            return Some(self.clone());
        };
        let another = before.sha256 != self.sha256;
        let news = another || before.cert_days != self.cert_days;
        news.then(|| Self {
            previous_sha256: another.then(|| before.sha256.clone()),
            ..self.clone()
        })
    }
}

/// A session that stands, or was given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reconnect {
    /// What ended the one before; `null` when this is the first.
    pub cause: Option<Cause>,
    /// How long after the last sign of life that was noticed; `null` when this is the first.
    pub noticed_ms: Option<Millis>,
    /// The attempts, at most the last 16.
    pub attempts: Vec<Attempt>,
    /// How many there were.
    pub attempts_total: u64,
    /// From the end of the one before (or the start) until this one stood; `null` when it was given up.
    pub recovered_ms: Option<Millis>,
    /// Who it is with; `null` when it was given up.
    pub peer: Option<String>,
    /// Who the one before was with.
    pub previous_peer: Option<String>,
}

/// One attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attempt {
    /// The pause before it.
    pub pause_ms: Millis,
    /// How long it took.
    pub took_ms: Millis,
    /// How it failed; `null` when it did not.
    pub failed: Option<Kind>,
}

/// This machine itself was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stall {
    /// How.
    pub kind: StallKind,
    /// For how long.
    pub ms: Millis,
}

/// How this machine was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StallKind {
    /// The process did not run: SIGSTOP, a paused machine, starvation, suspension.
    LocalStall,
}
