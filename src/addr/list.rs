//! Several targets: the arguments of a command line, and the lines of a target list.
//!
//! Only text is read here; opening a file is the caller's business.

use std::fmt;

use super::grammar::{is_complete, parse_joined, parse_pair};
use super::piece::Piece;
use super::{Network, ParseError, TargetSpec};

/// Reads arguments as targets: one without a port takes the next argument as its port list.
///
/// ```
/// use netkit::addr::{Network, list::parse_arguments};
/// let arguments = ["example.com", "443", "192.0.2.1:80"];
/// let specs = parse_arguments(&arguments, Network::Tcp).unwrap();
/// assert_eq!(specs.len(), 2);
/// ```
pub fn parse_arguments<S: AsRef<str>>(
    arguments: &[S],
    default: Network,
) -> Result<Vec<TargetSpec>, ParseError> {
    pair_arguments(arguments, default)
        .into_iter()
        .map(|argument| argument.parse(default))
        .collect()
}

/// One target's share of the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// Everything in one text.
    Joined(&'a str),
    /// Host and port list apart.
    Pair(&'a str, &'a str),
}

impl Argument<'_> {
    /// Parses it.
    pub fn parse(self, default: Network) -> Result<TargetSpec, ParseError> {
        match self {
            Self::Joined(text) => TargetSpec::parse(text, default),
            Self::Pair(host, ports) => TargetSpec::parse_pair(host, ports, default),
        }
    }
}

/// Pairs arguments by the rule of [`parse_arguments`], without parsing them yet. An argument that
/// clearly is a target of its own (it has a colon or a slash) is not taken for a port list, so that
/// the error names the one before it.
#[must_use]
pub fn pair_arguments<S: AsRef<str>>(arguments: &[S], default: Network) -> Vec<Argument<'_>> {
    let mut arguments = arguments.iter().map(AsRef::as_ref).peekable();
    let mut pairs = Vec::new();
    while let Some(text) = arguments.next() {
        let takes_next = !text.is_empty() && !is_complete(text, default);
        let ports = arguments.next_if(|next| takes_next && !next.contains([':', '/']));
        pairs.push(match ports {
            Some(ports) => Argument::Pair(text, ports),
            None => Argument::Joined(text),
        });
    }
    pairs
}

/// An error in a target list, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong; its span is within the line.
    pub error: ParseError,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.error)
    }
}

impl std::error::Error for LineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Reads a target list line by line, lazily.
///
/// ```
/// use netkit::addr::{Network, list::parse_lines};
/// let list = "# servers\n192.0.2.1:80\n\nexample.com 443 # web\nbroken:x:y\n";
/// let mut specs = parse_lines(list, Network::Tcp);
/// assert_eq!(specs.next().unwrap().unwrap().len(), 1);
/// assert!(specs.next().unwrap().is_ok());
/// assert_eq!(specs.next().unwrap().unwrap_err().line, 5);
/// ```
pub fn parse_lines(
    text: &str,
    default: Network,
) -> impl Iterator<Item = Result<TargetSpec, LineError>> {
    (1u64..)
        .zip(text.lines())
        .filter_map(move |(line, content)| match parse_line(content, default) {
            Ok(spec) => spec.map(Ok),
            Err(error) => Some(Err(LineError { line, error })),
        })
}

/// Reads one line: `host:port` or `host ports`, then perhaps a comment. `None` when nothing is on
/// it. For callers that stream.
pub fn parse_line(line: &str, default: Network) -> Result<Option<TargetSpec>, ParseError> {
    let content = without_comment(Piece::new(line)).trim();
    let text = content.text();
    if text.is_empty() {
        return Ok(None);
    }
    // A byte order mark would be refused as an invisible character; the path of a Unix socket may
    // hold spaces.
    let split = text.find(char::is_whitespace);
    let parsed = match split {
        Some(at) if !is_complete(&text[..at], default) => {
            parse_pair(content.before(at), content.after(at).trim(), default)
        }
        _ => parse_joined(content, default),
    };
    parsed.map(|parsed| Some(parsed.into()))
}

/// Cuts a `#` that begins the line or follows white space, and what comes after it.
fn without_comment(line: Piece<'_>) -> Piece<'_> {
    let text = line.text();
    let begins = |at: usize| at == 0 || text[..at].ends_with(char::is_whitespace);
    match text.match_indices('#').find(|&(at, _)| begins(at)) {
        Some((at, _)) => line.before(at),
        None => line,
    }
}
