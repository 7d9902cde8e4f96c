//! The faults of one direction of a connection, as the layers take them; they can be changed while
//! the layers are at work.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Delay, Delayed, Faulty, Misdeeds, Rate, Throttled};
use crate::policy::chance::Chance;
use crate::policy::fault::Fault;

/// Hears of each fault when it is first applied, by its word.
pub type Heard = Rc<dyn Fn(&'static str)>;

/// The settings of [`Delayed`], [`Throttled`] and [`Faulty`], which make a wire go wrong, and of a
/// [`Faulty`] that listens to what is said on it, which with TLS is something else.
#[derive(Clone, Debug, Default)]
pub struct Toxics {
    /// How long what is written is held back.
    pub delay: Rc<Cell<Delay>>,
    /// How fast it may go.
    pub rate: Rc<Cell<Rate>>,
    /// How the stream goes wrong.
    pub misdeeds: Rc<Misdeeds>,
    /// How what is said ends it.
    pub heeded: Rc<Misdeeds>,
}

impl Toxics {
    /// Those of `faults` that streams can have.
    #[must_use]
    pub fn new(faults: &[Fault]) -> Self {
        let toxics = Self::default();
        toxics.set(faults);
        toxics
    }

    /// Changes them. Whoever polls the layers must do so again to have them take note.
    pub fn set(&self, faults: &[Fault]) {
        let (mut delay, mut rate) = (Delay::default(), Rate::default());
        for fault in faults {
            match fault {
                Fault::Delay(time) => delay.latency = *time,
                Fault::Jitter(time) => delay.jitter = *time,
                Fault::Distribution(shape) => delay.distribution = *shape,
                Fault::Throttle(bytes) => rate.bytes_per_second = Some(*bytes),
                Fault::Burst(bytes) => rate.burst = Some(*bytes),
                _ => {}
            }
        }
        self.delay.set(delay);
        self.rate.set(rate);
        let heeds = |fault: &Fault| matches!(fault, Fault::HangUpOn(_));
        let (heeded, wire): (Vec<_>, Vec<_>) = faults.iter().cloned().partition(heeds);
        self.heeded.set(&heeded);
        self.misdeeds.set(&wire);
    }

    /// Whether they do nothing at all.
    #[must_use]
    pub fn are_none(&self) -> bool {
        let plain = (Delay::default(), Rate::default());
        let behaves = self.misdeeds.are_none() && self.heeded.are_none();
        (self.delay.get(), self.rate.get()) == plain && behaves
    }

    /// Whether one of them has the stream hang.
    #[must_use]
    pub fn may_stall(&self) -> bool {
        self.misdeeds.may_stall()
    }

    /// Lays over `inner` the layer that ends it for what is read; `heard` is told once.
    pub fn heeding<S>(&self, inner: S, heard: &Heard) -> Faulty<S> {
        // Nothing of it is left to chance.
        let chance = Chance::of_part(0, 0);
        Faulty::new(inner, Rc::clone(&self.heeded), chance, Rc::clone(heard))
    }

    /// Stacks the three layers of the wire over `inner`; `heard` is told of each fault once.
    pub fn over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        inner: S,
        seed: u64,
        part: u64,
        heard: &Heard,
    ) -> Delayed<Throttled<Faulty<S>>> {
        // The layers draw apart, so that one more fault does not change what the others do.
        let chance = |layer: u64| Chance::of_part(seed ^ layer, part);
        let faulty = Faulty::new(
            inner,
            Rc::clone(&self.misdeeds),
            chance(1),
            Rc::clone(heard),
        );
        let throttled = Throttled::new(faulty, Rc::clone(&self.rate), Rc::clone(heard));
        Delayed::new(
            throttled,
            Rc::clone(&self.delay),
            chance(2),
            Rc::clone(heard),
        )
    }
}

/// No time at all.
pub(super) const NONE: Duration = Duration::ZERO;
