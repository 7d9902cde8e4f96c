//! Names to addresses for every subcommand.
//!
//! The seam is [`Lookup`]: one question for one family, answered or failed, by a deadline. AAAA and
//! A are asked separately so that a dial can race them (RFC 8305 §3).

pub mod lookup;

pub use lookup::{Answer, Lookup, NameServer, Question, Source};
