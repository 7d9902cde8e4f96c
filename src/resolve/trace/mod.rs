//! From the root down to the answer, as a resolver walks it: `netkit resolve --trace`.
//!
//! Every name server of every zone on the way is asked, not only one of them: that is how a lame
//! server, one that is silent, or two that disagree are found. From the bottom:
//!
//! | files | what they know |
//! |---|---|
//! | `hints`, `sections`, `delegation` | the root's servers; records of a reply; a zone and its servers |
//! | `judge` | what one reply says: answer, alias, referral, lame … (pure) |
//! | `ask` | all servers of a zone at once |
//! | `walk`, `servers` | from zone to zone; addresses of servers that came without glue |
//! | `report` | the serde types |
//!
//! Glue is believed only for names inside the zone that gave it. Everything is bounded: zones,
//! aliases, lookups inside lookups, questions, and the time.

mod ask;
pub mod config;
mod delegation;
mod hints;
mod judge;
pub mod report;
mod sections;
mod servers;
mod step;
mod walk;

pub use config::Config;
pub use report::Report;
pub use walk::run;
