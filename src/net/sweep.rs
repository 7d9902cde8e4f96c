//! Connecting very many TCP addresses, as fast as a bare epoll loop.
//!
//! Separate from `connect` because here nothing may cost per target what it need not: no task, no
//! timer, no registration with the runtime; one epoll instance of its own, one queue of deadlines
//! (all attempts have the same time), and a socket that was refused is used again (Linux allows
//! another `connect(2)` after a failed one). Failures are classified by the same code as a single
//! connect. What the targets are, and what becomes of the results, is the caller's.

mod closer;
mod engine;
mod pending;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::engine::Engine;
use super::connect::socket_refused;
use super::{Connected, SocketOptions};
use crate::failure::Failure;

/// How long [`sweep_while`] waits before it asks again whether there is room.
pub const PATIENCE: Duration = Duration::from_millis(10);

/// How a sweep goes about it.
#[derive(Debug)]
pub struct Config<'a> {
    /// Bounds one address.
    pub timeout: Duration,
    /// Attempts under way at once; `None` fits the descriptor limit
    /// ([`super::limits::parallel_sockets`]).
    pub parallel: Option<usize>,
    /// What the sockets are asked to be.
    pub options: &'a SocketOptions,
}

/// One address and what became of it.
#[derive(Debug)]
pub struct Swept<T> {
    /// What the caller gave with the address.
    pub token: T,
    /// The address.
    pub addr: SocketAddr,
    /// When its attempt began.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// The connection, which is being closed again, or why there was none.
    pub result: Result<Connected, Failure>,
}

/// Connects every address once and hands over each result as it comes, in no particular order.
///
/// Connections that stand are read (ends, options, `TCP_INFO`) and closed as the options say;
/// keepalive that nobody asked for is neither set nor read, as nothing lives long enough. Takes
/// the next target only when there is room for it, so an endless iterator is fine. When
/// descriptors run out it waits for attempts to end. Returns when all are done, or at once when
/// `stop` is cancelled: attempts under way are then closed and not reported.
///
/// Cancel safety: dropping the future closes all sockets.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::net::{SocketOptions, sweep};
/// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// let targets = [(listener.local_addr().unwrap(), "mine")];
/// let options = SocketOptions::default();
/// let config = sweep::Config {
///     timeout: std::time::Duration::from_secs(1),
///     parallel: None,
///     options: &options,
/// };
/// let mut open = Vec::new();
/// let collect = |swept: sweep::Swept<_>| {
///     if swept.result.is_ok() {
///         open.push(swept.token);
///     }
/// };
/// sweep::sweep(targets.into_iter(), &config, &Default::default(), collect).await;
/// assert_eq!(open, ["mine"]);
/// # });
/// ```
pub async fn sweep<T>(
    targets: impl Iterator<Item = (SocketAddr, T)>,
    config: &Config<'_>,
    stop: &CancellationToken,
    collect: impl FnMut(Swept<T>),
) {
    sweep_while(targets, config, stop, collect, || true).await;
}

/// As [`sweep`], but begins no further target while `has_room` says no: those under way go on, and
/// their answers are stamped when they come. It is asked again every [`PATIENCE`].
pub async fn sweep_while<T>(
    mut targets: impl Iterator<Item = (SocketAddr, T)>,
    config: &Config<'_>,
    stop: &CancellationToken,
    mut collect: impl FnMut(Swept<T>),
    mut has_room: impl FnMut() -> bool,
) {
    let mut engine = match Engine::new(config) {
        Ok(engine) => engine,
        Err(error) => return fail_all(targets, &error, stop, collect),
    };
    while !stop.is_cancelled() {
        let handled = engine.handle_events(&mut collect);
        let expired = engine.expire(&mut collect);
        let room = has_room();
        let begun = if room {
            engine.begin(&mut targets, &mut collect)
        } else {
            0
        };
        if engine.is_done() {
            return;
        }
        if !room && handled + expired == 0 {
            // Cut short, the wait has lost nothing: what is ready is found by the next step.
            let _ = tokio::time::timeout(PATIENCE, engine.wait(stop)).await;
        } else if handled + expired + begun == 0 {
            engine.wait(stop).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}

/// Without an epoll instance no target can be tried, and each is told so.
fn fail_all<T>(
    targets: impl Iterator<Item = (SocketAddr, T)>,
    error: &io::Error,
    stop: &CancellationToken,
    mut collect: impl FnMut(Swept<T>),
) {
    for (addr, token) in targets.take_while(|_| !stop.is_cancelled()) {
        let (now, result) = (Instant::now(), Err(socket_refused("epoll", error)));
        collect(Swept {
            token,
            addr,
            started: now,
            ended: now,
            result,
        });
    }
}
