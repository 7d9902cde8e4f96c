//! The test bed: machines, links, firewalls and servers, made for one test and gone after it.
//!
//! Knows nothing of netkit; the cases beside it do.

pub(crate) mod link;
pub(crate) mod name_servers;
pub(crate) mod namespace;
pub(crate) mod net;
pub(crate) mod serve;
pub(crate) mod skip;
mod sys;
