//! The exit status: one type, one table (DESIGN §3), shown in `--help` and in the man pages.
//!
//! Separate so that the meaning of a status is decided in one place, from typed failures; it knows
//! nothing of what is printed.

use std::process::ExitCode;

use netkit::dial::Report;
use netkit::failure::{Class, Failure};

/// How netkit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for succeeded.
    Success,
    /// The peer or the network said no.
    Peer,
    /// Usage.
    Usage,
    /// The name did not resolve.
    Resolve,
    /// TLS failed.
    Tls,
    /// An expectation was not met.
    Expectation,
    /// Could not measure.
    Local,
    /// Time ran out with no verdict.
    Silence,
    /// The command after `--` exists and cannot be run.
    NotExecutable,
    /// There is no such command.
    NotFound,
    /// Interrupted by SIGINT before there was anything to report.
    Interrupted,
    /// The same, by SIGTERM.
    Terminated,
}

/// Every status with its meaning, in the order of the documentation.
pub(crate) const TABLE: &[(&str, &str)] = &[
    (
        "0",
        "everything asked for succeeded, or the reader closed the pipe",
    ),
    (
        "1",
        "the peer or the network said no: refused, reset, unreachable, unhealthy; an invalid address",
    ),
    ("2", "usage"),
    ("3", "the name did not resolve"),
    ("4", "TLS failed"),
    (
        "5",
        "an expectation was not met (--expect, --expect-regex, --fail-if, --until, --dnssec)",
    ),
    (
        "6",
        "could not measure: bind, permission, descriptor limit, file",
    ),
    ("124", "time ran out with no verdict, as timeout(1)"),
    (
        "126, 127",
        "the command after -- cannot be run, or does not exist",
    ),
    (
        "130, 143",
        "interrupted before there was anything to report",
    ),
];

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Peer => 1,
            Self::Usage => 2,
            Self::Resolve => 3,
            Self::Tls => 4,
            Self::Expectation => 5,
            Self::Local => 6,
            Self::Silence => 124,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The status of one dial; `stopped` is the status of a run that was interrupted.
    pub(crate) fn of_report(report: &Report, stopped: Self) -> Self {
        match &report.failure {
            Some(failure) => failure.into(),
            None if report.ok => Self::Success,
            None => stopped,
        }
    }
}

impl From<&Failure> for Exit {
    fn from(failure: &Failure) -> Self {
        failure.kind.class().into()
    }
}

impl From<netkit::resolve::command::Verdict> for Exit {
    fn from(verdict: netkit::resolve::command::Verdict) -> Self {
        verdict.class().map_or(Self::Success, Self::from)
    }
}

impl From<Class> for Exit {
    fn from(class: Class) -> Self {
        match class {
            Class::Usage => Self::Usage,
            Class::Peer => Self::Peer,
            Class::Resolve => Self::Resolve,
            Class::Tls => Self::Tls,
            Class::Expectation => Self::Expectation,
            Class::Local => Self::Local,
            Class::Silence => Self::Silence,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The status of several results: success when all succeeded, the common status when all failures
/// share it, else 1. Constant memory, so that a run over a million targets can keep one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verdict {
    seen: bool,
    failed: Option<Exit>,
}

impl Verdict {
    /// Takes one more result.
    pub(crate) fn add(&mut self, exit: Exit) {
        self.seen = true;
        self.failed = match (self.failed, exit) {
            (before, Exit::Success) => before,
            (None, exit) => Some(exit),
            (Some(before), exit) if before == exit => Some(before),
            (Some(_), _) => Some(Exit::Peer),
        };
    }

    /// The status of all; `none` when there was no result at all.
    pub(crate) fn exit(self, none: Exit) -> Exit {
        match self.failed {
            Some(exit) => exit,
            None if self.seen => Exit::Success,
            None => none,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkit::failure::{Kind, Stage};

    #[test]
    fn every_class_of_failure_has_its_status() {
        let rows = [
            (Kind::Invalid, 2),
            (Kind::Refused, 1),
            (Kind::Rejected, 1),
            (Kind::Filtered, 124),
            (Kind::Timeout, 124),
            (Kind::NoReply, 124),
            (Kind::Nxdomain, 3),
            (Kind::DnsTimeout, 3),
            (Kind::UnexpectedReply, 5),
            (Kind::ClosedEarly, 1),
            (Kind::Permission, 6),
            (Kind::TooManyFiles, 6),
            (Kind::File, 6),
        ];
        for (kind, code) in rows {
            let failure = Failure::new(Stage::Connect, kind, "");
            assert_eq!(Exit::from(&failure).code(), code, "{kind:?}");
        }
    }

    #[test]
    fn every_status_is_in_the_table() {
        use Exit::*;
        let all = [
            Success,
            Peer,
            Usage,
            Resolve,
            Tls,
            Expectation,
            Local,
            Silence,
            NotExecutable,
            NotFound,
            Interrupted,
            Terminated,
        ];
        let documented: Vec<_> = TABLE
            .iter()
            .flat_map(|(codes, _)| codes.split(", "))
            .collect();
        let codes: Vec<_> = all.iter().map(|exit| exit.code().to_string()).collect();
        assert_eq!(documented, codes);
    }

    #[test]
    fn several_targets_share_a_status_or_fall_back_to_one() {
        use Exit::*;
        let rows: [(&[Exit], Exit); 7] = [
            (&[Success, Success], Success),
            (&[Success, Silence], Silence),
            (&[Silence, Silence], Silence),
            (&[Silence, Peer], Peer),
            (&[Resolve, Silence], Peer),
            (&[Resolve, Silence, Resolve], Peer),
            (&[], Interrupted),
        ];
        for (exits, expected) in rows {
            let mut verdict = Verdict::default();
            for exit in exits {
                verdict.add(*exit);
            }
            assert_eq!(verdict.exit(Interrupted), expected, "{exits:?}");
        }
    }
}
