//! Decisions without I/O: pure state machines that take `now`.
//!
//! They are told what happened and say what to do next; who sleeps and who opens sockets is not
//! their business. That is why every rule here is tested without a network and without waiting.

pub mod admission;
pub mod backoff;
pub mod breaker;
pub mod chance;
pub mod detector;
pub mod fault;
pub mod idle;
pub mod order;
pub mod pace;
pub mod race;
