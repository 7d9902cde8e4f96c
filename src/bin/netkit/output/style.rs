//! Colours: few, and each with one meaning.

use super::View;

/// What a piece of text means to the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    /// It worked.
    Good,
    /// It did not.
    Bad,
    /// Look here.
    Warn,
    /// For those who look twice.
    Dim,
    /// What the line is about.
    Strong,
}

impl Tone {
    /// The SGR parameters (ECMA-48 §8.3.117).
    fn sgr(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Warn => Some("33"),
            Self::Dim => Some("2"),
            Self::Strong => Some("1"),
        }
    }
}

impl View {
    /// Colours a text, if this view has colours.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        match tone.sgr() {
            Some(sgr) if self.colour && !text.is_empty() => format!("\u{1b}[{sgr}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }

    /// Text from the network, as this view may show it: escaped where a terminal reads it.
    pub(crate) fn safe(&self, text: &str) -> String {
        if self.rich {
            super::text::escape(text)
        } else {
            text.to_owned()
        }
    }
}
