//! Being the other end: a server that does as it is told, and tells what happened.
//!
//! [`serve`] takes listening sockets that the caller has bound, serves until it is stopped, and
//! returns a [`Report`]. What is plain goes through the workers of [`crate::net::serve`].

mod attend;
pub mod behaviours;
pub mod config;
pub mod event;
mod exec;
mod fold;
pub mod report;
mod run;
mod setup;
mod single;

pub use config::{Behaviour, Config};
pub use event::Event;
pub use report::{EndedBy, Report, Totals};
pub use run::{serve, serve_and_look};
pub use single::{Accepted, accept};
