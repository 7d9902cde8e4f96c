//! Watching targets: beats on a schedule, what became of each, and what that says of the target.
//!
//! A driver a target (`driver`) sends beats when they are due, whatever became of the ones before,
//! and keeps a persistent session alive. It stamps facts; the log applies them to the report and
//! hands them to the observer, so that lines, tables and JSON cannot disagree.

pub mod client;
mod codec;
pub mod config;
mod connects;
mod driver;
pub mod event;
mod fold;
pub mod gate;
mod health;
mod link;
mod liveness;
mod log;
mod outages;
pub mod replay;
pub mod report;
mod run;
mod schedule;
mod session;
mod shared;
mod waiting;
mod watch;
mod window;

pub use client::ReliableClient;
pub use config::{Config, Probe, Reconnect};
pub use event::{Event, Fact, State};
pub use fold::{Fold, RECENT, Tally};
pub use report::{Report, Summary};
pub use run::run;
