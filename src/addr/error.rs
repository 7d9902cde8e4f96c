//! Why a text is not an address, and where in it the fault stands.

use std::fmt;
use std::ops::Range;

/// A parse error that can be underlined: the input, the bytes at fault, one sentence, one form that
/// would be right.
///
/// ```
/// use netkit::addr::TargetSpec;
/// let error = "localhost:99999".parse::<TargetSpec>().unwrap_err();
/// assert_eq!(error.span, 10..15);
/// assert_eq!(error.message, "port 99999 is out of range");
/// assert_eq!(error.expected, "a port from 1 to 65535");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The whole input.
    pub input: String,
    /// The bytes at fault, within `input`; empty at the end when something is missing.
    pub span: Range<usize>,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What would be right, as a noun phrase.
    pub expected: String,
    /// The nearest right input, where one can be guessed.
    pub suggestion: Option<String>,
}

impl ParseError {
    /// Points at `span` of `input`.
    pub fn new(
        input: &str,
        span: Range<usize>,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (message, expected) = (message.into(), expected.into());
        Self {
            input: input.to_owned(),
            span,
            message,
            expected,
            suggestion: None,
        }
    }

    /// Adds the nearest right input.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.message, self.expected)
    }
}

impl std::error::Error for ParseError {}
