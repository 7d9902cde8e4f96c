//! What a server did with the tests. Its serde form is the JSON contract of `type: "check"`.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::failure::Class;
use crate::time::Millis;

/// How a test came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As the standards have it.
    Pass,
    /// Optional, and the server does not have it.
    Absent,
    /// It does not apply to this transport, or another test took away its ground.
    Skipped,
    /// It works, and not as it should.
    Warn,
    /// It does not work, or breaks a rule.
    Fail,
}

impl Grade {
    /// The word used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Absent => "absent",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Row {
    /// Its stable name, such as `edns_version`.
    pub test: String,
    /// How it came out.
    pub grade: Grade,
    /// What was seen, in a few words.
    pub text: String,
    /// Where the rule stands; `null` where it is common sense.
    pub rule: Option<String>,
    /// From the first sending of the question to the reply; `null` without one.
    pub rtt_ms: Option<Millis>,
}

/// The report on one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckReport {
    /// The server, as it may be named again.
    pub server: String,
    /// Its address.
    pub addr: SocketAddr,
    /// The name that was asked for.
    pub name: String,
    /// The type that was asked for.
    pub qtype: String,
    /// The worst grade of all tests.
    pub grade: Grade,
    /// The tests, in their order.
    pub rows: Vec<Row>,
    /// All of them together.
    pub total_ms: Millis,
}

impl CheckReport {
    pub(super) fn grade_of(rows: &[Row]) -> Grade {
        let worst = rows.iter().map(|row| row.grade).max();
        match worst.unwrap_or(Grade::Fail) {
            Grade::Absent | Grade::Skipped => Grade::Pass,
            grade => grade,
        }
    }

    /// What it means for the exit status; `None` is success. A server that answers nothing at all
    /// is one that could not be asked.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        let answered = self.rows.iter().any(|row| row.rtt_ms.is_some());
        match self.grade {
            Grade::Fail if !answered => Some(Class::Resolve),
            Grade::Fail => Some(Class::Expectation),
            _ => None,
        }
    }
}
