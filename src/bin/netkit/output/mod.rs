//! Everything that is shown: tables, JSON Lines, progress, colours.
//!
//! The only place that formats. Renderers are functions of a report and a [`View`]; they return
//! text and never ask the terminal anything. [`Out`] is the one owner of standard output.

/// Appends formatted text to a `String`, which cannot fail.
macro_rules! put {
    ($to:expr, $($words:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($to, $($words)*);
    }};
}

pub(crate) mod bulk;
pub(crate) mod facts;
pub(crate) mod groups;
pub(crate) mod json;
pub(crate) mod listen;
pub(crate) mod metrics;
mod out;
pub(crate) mod progress;
mod queue;
mod ranges;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod tables;
pub(crate) mod text;
mod waterfall;

pub(crate) use out::Out;
pub(crate) use queue::WhenFull;

/// How a stream shows things; decided by `plan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Columns.
    pub(crate) width: usize,
    /// Whether colours are used.
    pub(crate) colour: bool,
    /// The form for a terminal: line art, aligned columns, text from the network escaped.
    pub(crate) rich: bool,
    /// Show more.
    pub(crate) verbose: bool,
}
