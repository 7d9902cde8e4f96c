//! Orders to a server while it serves: other faults, and who is there.
//!
//! Separate from how orders come (the binary takes them on a socket, as JSON), which the server need
//! not know.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::policy::fault::Rule;

/// What a server can be told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Order {
    /// From now on these faults and no others, towards those that are there and those that come.
    /// Faults that strike before there is a connection (`accept-delay`, `no-accept`) are not changed.
    Faults(Vec<Rule>),
    /// Says what is.
    Look,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The faults in force.
    pub faults: Vec<Rule>,
    /// The connections that are open, by number.
    pub connections: Vec<Present>,
}

/// A connection that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Present {
    /// Its number.
    pub id: u64,
    /// The index of its listener.
    pub listener: usize,
    /// The other end; `None` for a Unix socket.
    pub peer: Option<SocketAddr>,
    /// The client that its PROXY header names.
    pub client: Option<SocketAddr>,
    /// The end of the service that it is forwarded to; `None` until it is reached.
    pub upstream: Option<String>,
    /// Since its acceptance.
    pub age: Duration,
    /// Since bytes last passed.
    pub idle: Duration,
    /// Bytes received from the client.
    pub bytes_in: u64,
    /// Bytes sent to it.
    pub bytes_out: u64,
    /// Bytes sent to the service it is forwarded to.
    pub bytes_up: u64,
    /// Bytes received from it.
    pub bytes_down: u64,
}

/// Where a server takes orders from.
pub type Orders = mpsc::Receiver<(Order, oneshot::Sender<State>)>;
