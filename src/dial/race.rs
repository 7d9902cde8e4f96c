//! Drives the race: asks the resolver, starts attempts when `policy::race` says so, closes losers.
//!
//! Every decision (which address, when, for how long) is the policy's; here are only the futures.

use std::future::Future;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::config::Config;
use super::event::{Connected, Event};
use super::lookups::{Looked, families, headline, look_up};
use super::recorder::Recorder;
use crate::addr::{Endpoint, Host, Target, Transport, UnixPath};
use crate::deadline::{Deadline, Expired};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::io::Io;
use crate::net::{Connection, PeerAddr, SocketOptions};
use crate::policy::race::{self, Race, Step};

/// What is left to the layer below to notice the deadline itself, with its evidence, before the
/// race is cut off: well within the 50 ms that a dial may outlive its timeout.
const GRACE: Duration = Duration::from_millis(20);

/// How a race ended.
pub(super) enum Raced {
    /// With a connection.
    Won(Box<dyn Connection>),
    /// Without one.
    Failed(Failure),
    /// The run was stopped first.
    Interrupted,
}
