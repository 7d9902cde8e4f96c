//! Progress on standard error: the only user of indicatif.

use std::cell::Cell;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Redraws a second: enough to look alive, few enough not to matter.
const RATE: u8 = 10;
/// What is over sooner shows no bar: it would only flicker, and cost more than the work.
const GRACE: Duration = Duration::from_millis(200);

/// A bar, or nothing where it is not wanted.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    shown: Cell<bool>,
}

impl Progress {
    /// A bar over `total` things; without a total, a count.
    pub(crate) fn bar(wanted: bool, total: Option<u64>) -> Self {
        if !wanted {
            return Self::default();
        }
        // Cut at the width: a line that wraps could not be taken back.
        let template = match total {
            Some(_) => "{bar:24} {pos}/{len} {wide_msg} {eta:>4}",
            None => "{spinner} {pos} {wide_msg}",
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("█▌ "));
        }
        Self::of(bar, false)
    }

    /// A spinner that shows what is going on until something better is known.
    pub(crate) fn spinner(wanted: bool, what: &str) -> Self {
        if !wanted {
            return Self::default();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(RATE));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>3} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self::of(bar, true)
    }

    fn of(bar: ProgressBar, shown: bool) -> Self {
        let (bar, shown) = (Some(bar), Cell::new(shown));
        Self { bar, shown }
    }

    /// One more is done.
    pub(crate) fn advance(&self, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
            bar.set_message(message());
            self.show_after_grace(bar);
        }
    }

    /// So many are done.
    pub(crate) fn set(&self, done: u64, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(message());
            self.show_after_grace(bar);
        }
    }

    fn show_after_grace(&self, bar: &ProgressBar) {
        if !self.shown.get() && bar.elapsed() >= GRACE {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
            self.shown.set(true);
        }
    }

    /// Shows something else.
    pub(crate) fn say(&self, message: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(message);
        }
    }

    /// Takes the bar away while `print` writes elsewhere on the same terminal.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away for good.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
