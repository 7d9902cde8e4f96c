//! Connecting to a target, with every stage timed and every failure explained.

pub mod config;
pub mod event;
mod exchange;
mod fold;
pub mod gate;
mod hold;
mod lookups;
pub mod many;
pub(crate) mod place;
mod race;
mod recorder;
pub mod repeat;
pub mod replay;
pub mod report;
mod run;
pub mod stdio;
pub mod tls;
pub mod wait;

pub use config::{Config, Exchange, Expect, Strategy};
pub use event::Event;
pub use replay::Replay;
pub use report::Report;
pub use run::{open, run};
pub use tls::Tls;
