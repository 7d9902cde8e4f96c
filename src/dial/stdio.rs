//! Connecting a pair of byte streams (standard input and output) to a connection: `nc`'s job.
//!
//! Binary-safe and half-close correct: the end of the input closes only our sending side, the
//! peer's end of sending closes only the output, and nothing that was read is lost.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::deadline::{Deadline, Expired};
use crate::failure::{Failure, Stage};
use crate::net::Connection;

/// Bytes moved at once in each direction; 64 KiB is where larger reads stop paying on loopback.
const CHUNK: usize = 64 * 1024;
/// Bytes of one outgoing datagram at most, as `nc` has it.
const DATAGRAM: usize = 16 * 1024;
/// Room for one incoming datagram: what does not fit would be lost. UDP ends at 64 KiB, a Unix
/// socket at its send buffer, by default 208 KiB.
const INCOMING: usize = 256 * 1024;

/// How a relay ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Relayed {
    /// Bytes from the input to the peer.
    pub sent_bytes: u64,
    /// Bytes from the peer to the output.
    pub received_bytes: u64,
    /// What broke it; `null` when both directions ended well.
    pub failure: Option<Failure>,
    /// Whether the run was stopped first.
    pub interrupted: bool,
}

/// Why one direction ended early.
#[derive(Debug)]
enum Broken {
    /// The input or the output, on this machine.
    Local(io::Error),
    /// The connection.
    Peer(Stage, io::Error),
}

/// How to relay.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The input is a terminal: the peer's end also ends the relay, because nobody would otherwise
    /// know that typing has become pointless. Default: no.
    pub interactive: bool,
    /// On a datagram transport, which has no end: how long to wait for more after the input has
    /// ended. Default 1 s.
    pub quiet: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interactive: false,
            quiet: Duration::from_secs(1),
        }
    }
}

/// How far a relay is; both counters only grow.
#[derive(Debug, Default)]
pub struct Progress {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Progress {
    /// Bytes from the input to the peer, so far.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Bytes from the peer to the output, so far.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.received.load(Relaxed)
    }
}

/// Copies `input` to the connection and the connection to `output` until both have ended. `progress`
/// may be read meanwhile.
///
/// `Err` is an error of `input` or `output` themselves (a full disk, a closed pipe); a broken
/// connection is in [`Relayed::failure`].
///
/// Cancel safety: dropping it loses what was read and not yet written, at most 64 KiB a direction;
/// cancel through `deadline` instead.
///
/// ```no_run
/// # async fn example(connection: Box<dyn netkit::net::Connection>) -> std::io::Result<()> {
/// use netkit::{deadline::Deadline, dial::stdio};
/// let deadline = Deadline::after(std::time::Duration::from_secs(60));
/// let (config, mut reply) = (stdio::Config::default(), Vec::new());
/// let (input, progress) = (&b"hello\n"[..], stdio::Progress::default());
/// let relayed =
///     stdio::relay(connection, input, &mut reply, config, &progress, &deadline).await?;
/// println!("{} bytes back", relayed.received_bytes);
/// # Ok(())
/// # }
/// ```
pub async fn relay(
    mut connection: Box<dyn Connection>,
    input: impl AsyncRead + Send + Unpin,
    output: impl AsyncWrite + Send + Unpin,
    config: Config,
    progress: &Progress,
    deadline: &Deadline,
) -> io::Result<Relayed> {
    let Progress { sent, received } = progress;
    let datagram = connection.is_datagram();
    let ended = {
        let (reader, writer) = tokio::io::split(&mut connection);
        let sending = send(input, writer, datagram, sent);
        let receiving = receive(reader, output, datagram, received);
        let quiet = datagram.then_some(config.quiet);
        deadline
            .bound(both(
                sending,
                receiving,
                config.interactive,
                quiet,
                received,
            ))
            .await
    };
    let mut relayed = Relayed {
        sent_bytes: progress.sent_bytes(),
        received_bytes: progress.received_bytes(),
        failure: None,
        interrupted: matches!(ended, Err(Expired::Cancelled)),
    };
    match ended {
        Ok(Err(Broken::Local(error))) => return Err(error),
        Ok(Err(Broken::Peer(stage, error))) => {
            relayed.failure = Some(connection.explain(stage, &error));
        }
        Ok(Ok(())) | Err(_) => {}
    }
    Ok(relayed)
}

/// Runs both directions: the end of one never cuts the other short, an error of the receiving one
/// ends both, and an error of the sending one is told after the rest has been received.
async fn both(
    sending: impl Future<Output = Result<(), Broken>>,
    receiving: impl Future<Output = Result<(), Broken>>,
    interactive: bool,
    quiet: Option<Duration>,
    received: &AtomicU64,
) -> Result<(), Broken> {
    let (mut sending, mut receiving) = (std::pin::pin!(sending), std::pin::pin!(receiving));
    tokio::select! {
        result = &mut receiving => {
            result?;
            if interactive { Ok(()) } else { sending.await }
        }
        result = &mut sending => {
            if matches!(result, Err(Broken::Local(_))) {
                return result;
            }
            match quiet {
                None => receiving.await?,
                Some(quiet) => until_quiet(receiving, quiet, received).await?,
            }
            result
        }
    }
}

/// Receives until nothing has come for `quiet`.
async fn until_quiet(
    mut receiving: std::pin::Pin<&mut impl Future<Output = Result<(), Broken>>>,
    quiet: Duration,
    received: &AtomicU64,
) -> Result<(), Broken> {
    loop {
        let before = received.load(Relaxed);
        match tokio::time::timeout(quiet, &mut receiving).await {
            Ok(result) => return result,
            Err(_) if received.load(Relaxed) == before => return Ok(()),
            Err(_) => {}
        }
    }
}

async fn send(
    mut input: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    datagram: bool,
    sent: &AtomicU64,
) -> Result<(), Broken> {
    let peer = |error| Broken::Peer(Stage::Send, error);
    let mut chunk = vec![0; if datagram { DATAGRAM } else { CHUNK }];
    loop {
        let count = input.read(&mut chunk).await.map_err(Broken::Local)?;
        if count == 0 {
            break;
        }
        writer.write_all(&chunk[..count]).await.map_err(peer)?;
        sent.fetch_add(count as u64, Relaxed);
    }
    match writer.shutdown().await {
        // The peer has closed and taken everything: there is nothing left to close.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result.map_err(peer),
    }
}

async fn receive(
    mut reader: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    datagram: bool,
    received: &AtomicU64,
) -> Result<(), Broken> {
    let mut chunk = vec![0; if datagram { INCOMING } else { CHUNK }];
    loop {
        let read = reader.read(&mut chunk).await;
        let count = read.map_err(|error| Broken::Peer(Stage::Receive, error))?;
        if count == 0 && !datagram {
            return Ok(());
        }
        received.fetch_add(count as u64, Relaxed);
        output
            .write_all(&chunk[..count])
            .await
            .map_err(Broken::Local)?;
        output.flush().await.map_err(Broken::Local)?;
    }
}
