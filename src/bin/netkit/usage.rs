//! A fault in what was typed: what is wrong, where it stands, what would be right.
//!
//! Separate from the library's failures because nothing has been measured yet; clap, the value
//! parsers, the target grammar and the cross-flag rules all end here, so that every usage error
//! looks the same. It must not print.

use std::fmt;
use std::ops::Range;

use netkit::addr::ParseError;

/// A usage error in the house form.
///
/// ```text
/// netkit: port 99999 is out of range
///   localhost:99999
///             ^^^^^
/// expected a port from 1 to 65535
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UsageError {
    /// What is wrong: flag and value, without a full stop.
    pub(crate) message: String,
    /// The typed text, as far as it helps to see it, and the bytes of it at fault.
    pub(crate) typed: Option<(String, Range<usize>)>,
    /// What would be right, as a noun phrase.
    pub(crate) expected: Option<String>,
    /// The nearest right input.
    pub(crate) suggestion: Option<String>,
    /// What to try, in words.
    pub(crate) hint: Option<String>,
}

impl UsageError {
    /// An error that has no text to point at.
    pub(crate) fn new(message: impl Into<String>, expected: impl Into<String>) -> Self {
        let (message, expected) = (message.into(), Some(expected.into()));
        Self {
            message,
            expected,
            ..Self::default()
        }
    }

    /// An error in the value of a flag; the value is underlined behind its flag.
    pub(crate) fn value(flag: &str, value: &str, message: &str, expected: &str) -> Self {
        Self::value_at(flag, value, 0..value.len(), message, expected)
    }

    /// As [`value`](Self::value), pointing into the value.
    pub(crate) fn value_at(
        flag: &str,
        value: &str,
        span: Range<usize>,
        message: &str,
        expected: &str,
    ) -> Self {
        let error = Self {
            message: message.to_owned(),
            typed: Some((value.to_owned(), span)),
            expected: Some(expected.to_owned()),
            ..Self::default()
        };
        error.of(flag)
    }

    /// Names the flag whose value is wrong.
    pub(crate) fn of(mut self, flag: &str) -> Self {
        self.message = format!("{flag}: {}", self.message);
        self.typed = self.typed.map(|(value, span)| {
            let offset = flag.len() + 1;
            let span = span.start + offset..span.end + offset;
            (format!("{flag} {value}"), span)
        });
        self
    }

    /// Adds the nearest right input.
    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// One line for JSON: message and what was expected.
    pub(crate) fn sentence(&self) -> String {
        match &self.expected {
            Some(expected) => format!("{}: expected {expected}", self.message),
            None => self.message.clone(),
        }
    }
}

impl From<ParseError> for UsageError {
    fn from(error: ParseError) -> Self {
        Self {
            message: error.message,
            typed: Some((error.input, error.span)),
            expected: Some(error.expected),
            suggestion: error.suggestion,
            hint: None,
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "netkit: {}", visible(&self.message))?;
        if let Some((text, span)) = &self.typed {
            let (before, fault) = (columns(text, 0..span.start), columns(text, span.clone()));
            let (indent, marks) = (" ".repeat(before), "^".repeat(fault.max(1)));
            write!(f, "\n  {}\n  {indent}{marks}", visible(text))?;
        }
        if let Some(expected) = &self.expected {
            write!(f, "\nexpected {}", visible(expected))?;
        }
        if let Some(suggestion) = &self.suggestion {
            write!(f, "\ndid you mean `{}`?", visible(suggestion))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {}", visible(hint))?;
        }
        Ok(())
    }
}

/// The part of a long text around the bytes at fault, which fits a terminal; the bytes at fault
/// within it.
pub(crate) fn around(text: &str, fault: Range<usize>) -> (String, Range<usize>) {
    /// With the margin, 80 columns.
    const MOST: usize = 72;
    /// Enough to see what the fault follows.
    const BEFORE: usize = 24;
    if text.chars().nth(MOST).is_none() {
        return (text.to_owned(), fault);
    }
    let before = text.get(..fault.start).unwrap_or_default();
    let start = before.char_indices().rev().nth(BEFORE - 1);
    let start = start.map_or(0, |(at, _)| at);
    let end = text[start..].char_indices().nth(MOST);
    let end = end.map_or(text.len(), |(at, _)| start + at);
    let mut part = String::from(if start > 0 { "…" } else { "" });
    let moved = |at: usize| at.clamp(start, end) - start + part.len();
    let fault = moved(fault.start)..moved(fault.end);
    part.push_str(&text[start..end]);
    part.push_str(if end < text.len() { "…" } else { "" });
    (part, fault)
}

/// How many columns the bytes `range` of `text` take up once [`visible`].
fn columns(text: &str, range: Range<usize>) -> usize {
    let part = text.get(range).unwrap_or_default();
    visible(part).chars().count()
}

/// Control characters of the command line are escaped: an error message must not drive a terminal.
fn visible(text: &str) -> String {
    crate::output::text::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_target_is_underlined_at_the_bad_column() {
        let error = ParseError::new(
            "localhost:99999",
            10..15,
            "port 99999 is out of range",
            "a port",
        );
        let text = UsageError::from(error).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "netkit: port 99999 is out of range",
                "  localhost:99999",
                "            ^^^^^",
                "expected a port"
            ]
        );
    }

    #[test]
    fn a_missing_part_is_marked_behind_the_end() {
        let error =
            ParseError::new("localhost", 9..9, "no port", "host:port").suggest("localhost:80");
        let text = UsageError::from(error).to_string();
        assert!(text.contains("\n           ^\n"), "{text}");
        assert!(text.ends_with("did you mean `localhost:80`?"), "{text}");
    }

    #[test]
    fn wide_and_hostile_input_keeps_the_mark_in_place() {
        let error = ParseError::new("\u{1b}[31mä:x", 8..9, "bad port", "a port");
        let text = UsageError::from(error).to_string();
        assert!(!text.contains('\u{1b}'), "{text:?}");
        let lines: Vec<_> = text.lines().collect();
        let mark = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().nth(mark), Some('x'), "{text}");
    }

    #[test]
    fn the_value_of_a_flag_is_underlined_behind_it() {
        let error = UsageError::value("--ttl", "300", "300 is too large", "1 to 255");
        assert!(
            error.to_string().contains("  --ttl 300\n        ^^^\n"),
            "{error}"
        );
    }

    #[test]
    fn a_long_text_is_shown_around_its_fault() {
        let long = format!("{}10.0.0.01{}", "é".repeat(40), "x".repeat(1 << 20));
        let fault = long.find("01").unwrap();
        let (part, span) = around(&long, fault..fault + 2);
        assert_eq!(&part[span], "01");
        assert!(part.chars().count() <= 74 && part.starts_with('…') && part.ends_with('…'));
        let (part, span) = around(&long, 0..long.len());
        assert!(part.chars().count() <= 73 && span.start == 0 && part.get(span).is_some());
        assert_eq!(around("short", 1..2), ("short".to_owned(), 1..2));
    }
}
