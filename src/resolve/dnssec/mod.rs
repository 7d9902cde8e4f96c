//! DNSSEC: is what a server said what the zone's owner signed?
//!
//! A validator without I/O: [`Validator::validate`] takes a reply and either returns the report or
//! names the next question to ask; [`Validator::supply`] takes what came of it. It knows no
//! sockets and no clock; `now` is an argument. From the bottom:
//!
//! | files | what they know |
//! |---|---|
//! | `crypto`, `moment`, `wire_name`, `budget` | signatures and digests (ring); time in words; names in data; limits |
//! | `canonical`, `record`, `signature`, `key`, `bitmap`, `nsec`, `nsec3` | one kind of record each, RFC 4034 and 5155 |
//! | `verify`, `denial` | one RRset against the keys of a zone; what proven NSEC records show |
//! | `anchor`, `chain` | where trust begins, and how it comes down, zone by zone |
//! | `validate`, `run`, `reason`, `report` | a whole reply, and the loop around it; what is wrong, in words and data |
//!
//! Algorithms: RSA/SHA-1 (5, 7), RSA/SHA-256 (8), RSA/SHA-512 (10), ECDSA P-256 (13) and P-384
//! (14), Ed25519 (15); RSA keys of 1024 to 8192 bits. RFC 9905 §2 has implementations go on
//! verifying the two SHA-1 algorithms; a report that rests on one warns. Zones with none of these
//! are insecure (RFC 4035 §5.2), as are NSEC3 with more than 100 iterations (RFC 9276 §3.2).

mod anchor;
mod ask;
mod bitmap;
mod budget;
mod canonical;
mod chain;
mod crypto;
mod denial;
mod key;
mod moment;
mod nsec;
mod nsec3;
mod reason;
mod record;
pub mod report;
mod run;
mod signature;
mod types;
mod validate;
mod verify;
mod wire_name;

pub use anchor::{AnchorError, Anchors};
pub(super) use ask::{dnssec_ok, prepare};
pub use record::{Evidence, Rr};
pub use report::{Code, Reason, Report, Status};
pub use run::validate;
pub use validate::{Step, Validator};

/// The key that a DS record names; `None` when the data is cut off.
pub(super) fn ds_key(rdata: &[u8]) -> Option<report::KeyRef> {
    key::Ds::parse(rdata).as_ref().map(Into::into)
}
