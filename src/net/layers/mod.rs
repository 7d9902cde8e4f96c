//! Layers over byte streams: what passes is counted, and can be made to go wrong.
//!
//! Each wraps anything that reads and writes, so that a server, a forwarder and a test on streams in
//! memory use the same.

mod faulty;
mod metered;
mod outgoing;

pub use faulty::{End, Faulty, Heard};
pub use metered::{Meter, Metered, Shown};
