//! What makes a test read like a transcript.

mod contract;
mod contract_heartbeat;
mod contract_listen;
mod contract_resolve;
mod server;
mod transcript;

pub(crate) use contract::{
    AddrCountLine, AddrLine, AddrMatchLine, AddrResultLine, BriefAddrLine, DialLine, schema_takes,
    valid,
};
pub(crate) use contract_heartbeat::read as read_heartbeat;
pub(crate) use contract_listen::read_listen;
pub(crate) use server::{Closed, Server};
pub(crate) use transcript::{Netkit, Outcome, netkit};
