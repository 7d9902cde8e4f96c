//! A program that has the connection as its standard input and output.

use std::io;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::net::TcpInfo;
use crate::net::serve::{Newcomer, Watcher};

/// A program at work.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    /// Our own hold on the connection, for what the kernel knows of it.
    watcher: Watcher,
}

impl Program {
    /// Starts `sh -c COMMAND` with the connection as its standard input and output; it finds its
    /// peer in `NETKIT_PEER`.
    pub(super) fn start(new: Newcomer, command: &str) -> io::Result<Self> {
        let peer = new.peer.map(|peer| peer.to_string()).unwrap_or_default();
        let (socket, watcher) = new.into_blocking()?;
        let input = socket.try_clone()?;
        let child = Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .env("NETKIT_PEER", peer)
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(socket))
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, watcher })
    }

    /// Waits for its end. Errs unless it succeeded. Cancel safe.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        let status = self.child.wait().await?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(status.to_string()))
        }
    }

    /// Ends the program, if it still runs, and the connection; says what the kernel knew of it.
    pub(super) async fn end(mut self, reset: bool) -> Option<TcpInfo> {
        // One that has ended by itself cannot be ended again.
        let _ = self.child.kill().await;
        let info = self.watcher.tcp_info();
        if reset {
            self.watcher.set_reset();
        }
        info
    }
}
