//! One connection, handed to the caller: the listening half of `nc`.

use std::net::SocketAddr;
use std::sync::Arc;

use super::config::Config;
use crate::error::Error;
use crate::net::Connection;
use crate::net::listen::Listener;
use crate::net::serve::{self, Datagrams, Server, Telling, Work};
use crate::policy::admission::Limits;
use crate::run::Cx;

/// The connection that has come, and the sockets it came through, which are closed by now.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub connection: Box<dyn Connection>,
    /// Its other end; `None` for a Unix socket.
    pub peer: Option<SocketAddr>,
}

/// Waits for one connection; `None` if the run is cancelled, or `config.duration` is over, first.
///
/// Errs when the system has no thread or descriptor for it. Cancel safe.
pub async fn accept(
    listeners: Vec<Listener>,
    config: &Config,
    cx: &Cx,
) -> Result<Option<Accepted>, Error> {
    let failed = |error| Error::local("waiting for a connection", &error);
    let limits = Limits {
        count: Some(1),
        ..config.limits.clone()
    };
    let config_of_server = serve::Config {
        workers: Some(1),
        work: Work::Echo,
        plain: Arc::new(|_| false),
        datagrams: Datagrams::default(),
        limits,
        idle_timeout: None,
        max_lifetime: None,
        max_bytes: None,
        accept_delay: std::time::Duration::ZERO,
        no_accept: false,
        telling: Telling::default(),
    };
    let (server, mut outlet) = Server::start(listeners, config_of_server).map_err(failed)?;
    let end = config.duration.map(|limit| cx.start() + limit);
    let new = tokio::select! {
        biased;
        () = cx.cancel().cancelled() => None,
        () = super::run::at(end) => None,
        new = outlet.newcomers.recv() => new,
    };
    drop(server);
    let Some(new) = new else { return Ok(None) };
    let peer = new.peer;
    let connection = new.into_connection().map_err(failed)?;
    Ok(Some(Accepted { connection, peer }))
}
