//! EDNS: the OPT record of a message and its options (RFC 6891).
//!
//! [`EdnsAsk`] is what is sent, [`EdnsReply`] what came; an option is code and octets, and
//! [`EdnsOption::value`] reads those that have a meaning. No message walking here.

mod ask;
mod cookie;
mod option;
mod reply;
mod subnet;
mod value;

pub use ask::{EDNS_PAYLOAD, EdnsAsk, PADDING_BLOCK};
pub use cookie::Cookie;
pub use option::{EdnsOption, OptionError};
pub use reply::{EdnsReply, ExtendedError};
pub use subnet::Subnet;
pub use value::OptionValue;
