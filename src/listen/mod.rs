//! Being the other end: a server that does as it is told, and tells what happened.
//!
//! [`serve`] takes listening sockets that the caller has bound, serves until it is stopped, and
//! returns a [`Report`]. What is plain goes through the workers of [`crate::net::serve`].

mod attend;
pub mod behaviours;
pub mod config;
pub mod control;
mod converse;
pub mod event;
mod exec;
mod fold;
pub mod forward;
pub mod report;
mod run;
mod secure;
mod setup;
mod single;
mod spared;
mod wire;

pub use config::{Behaviour, Config};
pub use event::Event;
pub use forward::Forward;
pub use report::{EndedBy, Report, Totals};
pub use run::{Means, serve, serve_through};
pub use single::{Accepted, accept};
