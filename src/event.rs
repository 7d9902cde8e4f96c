//! Stamped facts, and who hears of them.
//!
//! Every operation has its own event type; what they share is the stamp and the rule: a task
//! stamps an event when it happens and sends it after, the body of `run` is the single writer that
//! applies it to the report and hands it to the observer.

use std::ops::ControlFlow;
use std::time::Duration;

/// A fact with the moment it happened, counted from the start of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped<E> {
    /// Monotonic time since the start of the run.
    pub at: Duration,
    /// What happened.
    pub event: E,
}

impl<E> Stamped<E> {
    /// Stamps a fact.
    pub fn new(at: Duration, event: E) -> Self {
        Self { at, event }
    }
}

/// Hears of events in the order in which they are applied, and may ask the run to stop.
///
/// Closures that return `()` or a [`ControlFlow`] are observers; so is [`Ignore`].
///
/// ```
/// use netkit::event::{Observer, Stamped};
/// let mut seen = Vec::new();
/// let mut observer = |event: &Stamped<u8>| seen.push(event.event);
/// let _ = observer.observe(&Stamped::new(std::time::Duration::ZERO, 7));
/// assert_eq!(seen, [7]);
/// ```
pub trait Observer<E>: Send {
    /// Takes one event. `Break` ends the run as a cancellation would.
    fn observe(&mut self, event: &Stamped<E>) -> ControlFlow<()>;

    /// Whether what it has heard is out of its hands. While it is not, a run without a schedule begins
    /// nothing new, so that what waits for a slow reader stays bounded; what is under way goes on and
    /// keeps its true times. Default: always.
    fn has_room(&mut self) -> bool {
        true
    }
}

/// The observer that hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ignore;

impl<E> Observer<E> for Ignore {
    fn observe(&mut self, _: &Stamped<E>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// What a closure may return to be an [`Observer`].
pub trait IntoFlow {
    /// Says whether to go on.
    fn into_flow(self) -> ControlFlow<()>;
}

impl IntoFlow for () {
    fn into_flow(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl IntoFlow for ControlFlow<()> {
    fn into_flow(self) -> ControlFlow<()> {
        self
    }
}

impl<E, R: IntoFlow, F: FnMut(&Stamped<E>) -> R + Send> Observer<E> for F {
    fn observe(&mut self, event: &Stamped<E>) -> ControlFlow<()> {
        self(event).into_flow()
    }
}
