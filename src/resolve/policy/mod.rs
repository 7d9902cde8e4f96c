//! Rules that choose name servers and arrange answers.
//!
//! A policy is a list of rules in TOML. Each says for whom it is meant (a region, names, the network
//! of an answer) and what it does (ask other servers, switch to a backup when the first is slow or
//! fails, prefer, drop, keep or replace addresses). Every rule that acts is named in the report.
//!
//! | file | what |
//! |---|---|
//! | `rules`, `choose`, `arrange` | the rules and what they do; pure, `now` is an argument |
//! | `document` | TOML to rules, every fault with its line |
//! | `measured` | how fast and how healthy servers and addresses have been |
//! | [`source`], [`file`](mod@file), [`etcd`] | where a policy comes from, and when it changes |
//! | [`live`] | the rules in force; replaced whole, while lookups go on with those they began with |
//! | [`steered`] | a [`Lookup`](super::Lookup) that obeys them |

mod arrange;
mod choose;
mod document;
pub mod etcd;
pub mod file;
pub mod live;
mod measured;
pub mod rules;
pub mod source;
pub mod steered;
#[cfg(test)]
mod tests;

pub use choose::Choice;
pub use document::Fault;
pub use live::{Change, LivePolicy, Refused, Upkeep};
pub use measured::{FRESH, Measured};
pub use rules::{Action, Fired, Rule, Rules, Subject};
pub use source::{AnySource, Document, Part, Place, Source, SourceError};
pub use steered::Steered;
