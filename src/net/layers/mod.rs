//! Layers over byte streams: what passes is counted, held back, copied, and made to go wrong.
//!
//! Each wraps anything that reads and writes, knows nothing of the others, and can be left out or
//! replaced, so that a server, a forwarder and a test on streams in memory use the same. The order
//! in which `listen` stacks them, from the wire up: [`Metered`], [`Faulty`], [`Throttled`],
//! [`Delayed`] (the wire as the peer sees it), TLS, then a [`Faulty`] for what ends the stream for what
//! is said, [`Mirrored`] and [`Recorded`] (what is said on it), and on top whoever speaks.
//!
//! All are back-pressure-true (a writer that is too fast waits) and cancel safe: a read or a write
//! that is dropped while it waits has taken nothing. Both halves of a layered stream have to be
//! polled from one task.

#[macro_use]
mod pass_on;

mod alarm;
mod delayed;
mod faulty;
mod flushed;
mod lossy;
mod metered;
mod mirrored;
mod prefixed;
mod recorded;
mod throttled;
mod together;
mod toxics;

pub use delayed::{Delay, Delayed};
pub use faulty::{End, Faulty, Misdeeds};
pub use flushed::Flushed;
pub use lossy::Lossy;
pub use metered::{Meter, Metered, Shown};
pub use mirrored::{Copies, Mirrored, Shadowed};
pub use prefixed::Prefixed;
pub use recorded::{Recorded, Tape, Way};
pub use throttled::{Rate, Throttled};
pub(in crate::net) use together::together;
pub use toxics::{Heard, Toxics};
