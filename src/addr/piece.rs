//! A part of an input that knows where it stands, so that errors can point at it.

use std::ops::Range;

use super::ParseError;

/// A substring of `whole`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    whole: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Piece<'a> {
    pub(super) fn new(whole: &'a str) -> Self {
        let (start, end) = (0, whole.len());
        Self { whole, start, end }
    }

    pub(super) fn text(self) -> &'a str {
        &self.whole[self.start..self.end]
    }

    pub(super) fn is_whole(self) -> bool {
        self.text().len() == self.whole.len()
    }

    /// A part of this part, by offsets into its text.
    pub(super) fn slice(self, range: Range<usize>) -> Self {
        let (start, end) = (self.start + range.start, self.start + range.end);
        Self { start, end, ..self }
    }

    /// From `start` to the end.
    pub(super) fn after(self, start: usize) -> Self {
        self.slice(start..self.text().len())
    }

    /// Up to `end`.
    pub(super) fn before(self, end: usize) -> Self {
        self.slice(0..end)
    }

    /// Before and after the separator of `len` bytes at `at`.
    pub(super) fn split(self, at: usize, len: usize) -> (Self, Self) {
        (self.before(at), self.after(at + len))
    }

    /// Without white space at both ends.
    pub(super) fn trim(self) -> Self {
        let start = self.text().len() - self.text().trim_start().len();
        let trimmed = self.after(start);
        trimmed.before(trimmed.text().trim_end().len())
    }

    /// An error that underlines this part.
    pub(super) fn error(
        self,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) -> ParseError {
        ParseError::new(self.whole, self.start..self.end, message, expected)
    }

    /// The whole input with this part replaced, as a suggestion.
    pub(super) fn replaced(self, by: &str) -> String {
        format!(
            "{}{by}{}",
            &self.whole[..self.start],
            &self.whole[self.end..]
        )
    }
}

/// Text from outside for an error message: cut when it is long.
pub(super) fn excerpt(text: &str) -> String {
    /// Longer texts say nothing more in a sentence; the input is shown in full beside it.
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
