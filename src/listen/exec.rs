//! A program that has the connection as its standard input and output.

use std::io;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::net::programs::Programs;
use crate::net::serve::{Newcomer, Watcher};
use crate::net::{Passed, TcpInfo};

/// A program at work, with whatever it has started.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    /// Its number, which is its group's too.
    leader: Option<u32>,
    programs: Programs,
    /// Our own hold on the connection, for what the kernel knows of it.
    watcher: Watcher,
}

impl Program {
    /// Starts `sh -c COMMAND` with the connection as its standard input and output; it finds its
    /// peer in `NETKIT_PEER`.
    pub(super) fn start(new: Newcomer, command: &str, programs: &Programs) -> io::Result<Self> {
        let peer = new.peer.map(|peer| peer.to_string()).unwrap_or_default();
        let (socket, watcher) = new.into_blocking()?;
        let input = socket.try_clone()?;
        let child = Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .env("NETKIT_PEER", peer)
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(socket))
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let leader = child.id();
        leader.inspect(|leader| programs.started(*leader));
        let programs = programs.clone();
        Ok(Self {
            child,
            leader,
            programs,
            watcher,
        })
    }

    /// Waits for its end. Errs unless it succeeded. Cancel safe.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        let status = self.child.wait().await?;
        if let Some(leader) = self.leader.take() {
            self.programs.ended(leader);
        }
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(status.to_string()))
        }
    }

    /// Ends the program and all that it has started, if it still runs, and the connection; says what the
    /// kernel knew of it, and what has passed.
    pub(super) async fn end(mut self, reset: bool) -> (Option<TcpInfo>, Passed) {
        self.kill();
        // One that has ended by itself cannot be ended again.
        let _ = self.child.kill().await;
        let (info, passed) = (self.watcher.tcp_info(), self.watcher.passed());
        if reset {
            self.watcher.set_reset();
        }
        (info, passed)
    }

    fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            self.programs.kill(leader);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
