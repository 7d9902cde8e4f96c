//! The flags of `netkit resolve`: one group a concern, each in a file of its own.

mod bulk;
mod check;
mod client;
mod dnssec;
mod message;
mod output;
mod query;
mod repeat;
mod system;
mod transport;

use clap::Args;

use super::PolicyArgs;

pub(crate) use check::CheckArgs;
pub(crate) use client::ClientArgs;
pub(crate) use dnssec::DnssecArgs;
pub(crate) use message::MessageArgs;
pub(crate) use output::{JsonForm, ResolveOutputArgs};
pub(crate) use query::{NsModeArg, QueryArgs};
pub(crate) use repeat::AgainArgs;
pub(crate) use system::SystemArgs;
pub(crate) use transport::TransportArgs;

/// Ask name servers: what they really say, over which transport, and what went wrong on the way.
///
/// Names, types and @servers may stand in any order, as dig users type them. A word that is a
/// record type or a class (IN, CH, HS) is one, unless no name would be left: `netkit resolve mx` asks
/// for the name "mx". --name says that a word is a name. An address is looked up in reverse. Without a type
/// A and AAAA are asked together.
#[derive(Debug, Args)]
#[command(after_help = crate::help::resolve_short(), after_long_help = crate::help::resolve_long())]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    pub(crate) query: QueryArgs,
    #[command(flatten)]
    pub(crate) transport: TransportArgs,
    #[command(flatten)]
    pub(crate) message: MessageArgs,
    #[command(flatten)]
    pub(crate) dnssec: DnssecArgs,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
    #[command(flatten)]
    pub(crate) check: CheckArgs,
    #[command(flatten)]
    pub(crate) system: SystemArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) again: AgainArgs,
    #[command(flatten)]
    pub(crate) bulk: bulk::BulkArgs,
    #[command(flatten)]
    pub(crate) output: ResolveOutputArgs,
}
