//! What went wrong, at which stage, who said so, and how that is known.
//!
//! A [`Failure`] is classified once, where it is born (the socket, the name server's answer, the
//! deadline); everybody else reads its typed fields and never its text. See DESIGN §5.

mod evidence;
mod hint;
mod kind;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use evidence::{Errno, Evidence, Who};
pub use kind::{Class, Kind, Stage};

/// Why something did not happen.
///
/// ```
/// use netkit::failure::{Failure, Kind, Stage, Who};
/// let failure = Failure::new(Stage::Connect, Kind::Refused, "192.0.2.1:80 refused the connection")
///     .by(Who::Peer);
/// assert_eq!(failure.kind.code(), "refused");
/// assert_eq!(failure.to_string(), "192.0.2.1:80 refused the connection");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    /// Where in the operation it happened.
    pub stage: Stage,
    /// The stable code to branch on.
    pub kind: Kind,
    /// One sentence for a person: operation, peer, cause.
    pub message: String,
    /// The error number of the system call, if one failed.
    pub errno: Option<Errno>,
    /// Who said no.
    pub who: Who,
    /// The facts that led to this kind.
    pub evidence: Vec<Evidence>,
    /// A next step, where one is known.
    pub hint: Option<String>,
}

impl Failure {
    /// Creates a failure nobody has answered for yet, with the hint that fits its kind.
    #[must_use]
    pub fn new(stage: Stage, kind: Kind, message: impl Into<String>) -> Self {
        let hint = hint::for_kind(stage, kind).map(str::to_owned);
        let (message, errno, evidence) = (message.into(), None, Vec::new());
        Self {
            stage,
            kind,
            message,
            errno,
            who: Who::Nobody,
            evidence,
            hint,
        }
    }

    /// Names who said no.
    #[must_use]
    pub fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    /// Records the error number of the system call that failed.
    #[must_use]
    pub fn with_errno(mut self, error: &std::io::Error) -> Self {
        self.errno = error.raw_os_error().map(Errno::from_code);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn because(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// How often the SYN was sent again, if the evidence says.
    #[must_use]
    pub fn syn_retransmits(&self) -> Option<u32> {
        self.evidence.iter().find_map(|fact| match fact {
            Evidence::SynRetransmits { count } => Some(*count),
            _ => None,
        })
    }

    /// Replaces the hint by one that knows more.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
