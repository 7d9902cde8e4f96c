//! The error of an operation that could not be measured at all.
//!
//! Separate from [`Failure`] because a negative answer is a result: an `Error` means that there is
//! no report (cannot bind, unreadable file, no descriptors left).

use std::fmt;

use crate::failure::{Failure, Kind, Stage};

/// Why there is no report: the operation, and the failure that ended it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What was being done, as a gerund: `reading targets`.
    pub operation: &'static str,
    /// What went wrong.
    pub failure: Failure,
}

impl Error {
    /// Wraps a failure that ends an operation.
    #[must_use]
    pub fn new(operation: &'static str, failure: Failure) -> Self {
        Self { operation, failure }
    }

    /// Makes an error of a local system call.
    #[must_use]
    pub fn local(operation: &'static str, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Kind::Permission,
            std::io::ErrorKind::NotFound => Kind::File,
            _ if error.raw_os_error() == Some(libc::EMFILE) => Kind::TooManyFiles,
            _ => Kind::LocalError,
        };
        Self::new(
            operation,
            Failure::new(Stage::Local, kind, error.to_string()).with_errno(error),
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.failure)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.failure)
    }
}
