//! Name servers of other people, started for one test and killed after it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::zones::{Folder, file};
use crate::bed::namespace::Namespace;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    /// Starts a program and waits until it writes `ready`; what it writes later is thrown away.
    fn start(machine: &Namespace, command: &mut Command, ready: &str) -> Self {
        let command = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = machine.spawn(command).expect("the server starts");
        // Killed by its drop, whatever happens from here on.
        let mut this = Self { child };
        let (out, err) = (this.child.stdout.take(), this.child.stderr.take());
        let (send, said) = std::sync::mpsc::channel();
        let streams: [Option<Box<dyn std::io::Read + Send>>; 2] = [
            out.map(|it| Box::new(it) as _),
            err.map(|it| Box::new(it) as _),
        ];
        for stream in streams.into_iter().flatten() {
            let send = send.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    // Once it is ready nobody listens any more, and the pipe is still emptied.
                    let _ = send.send(line);
                }
            });
        }
        drop(send);
        let mut log = String::new();
        for line in said {
            let _ = writeln!(log, "{line}");
            if line.contains(ready) {
                return this;
            }
        }
        panic!("{command:?} ended before it was ready:\n{log}");
    }

    /// Knot on one address, with zones from the folder.
    pub(super) fn knot(machine: &Namespace, folder: &Folder, listen: &str, zones: &[&str]) -> Self {
        let own = folder.file(&format!("knot-{listen}"));
        std::fs::create_dir(&own).expect("the folder can be written");
        let (path, own) = (folder.path().display(), own.display());
        let mut conf = format!(
            "server:\n  rundir: {own}\n  listen: {listen}@53\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
             log:\n- target: stdout\n  any: info\n\
             database:\n  storage: {own}\n\
             template:\n- id: default\n  storage: {path}\n  semantic-checks: off\n  zonefile-load: whole\n  journal-content: none\n\
             zone:\n"
        );
        for origin in zones {
            let _ = writeln!(conf, "- domain: {origin}\n  file: \"{}\"", file(origin));
        }
        let conf = folder.write(&format!("knot-{listen}.conf"), &conf);
        let mut command = Command::new("knotd");
        command.arg("-c").arg(conf);
        Self::start(machine, &mut command, "server started")
    }

    /// Unbound on an address, which asks the root at `root`; it validates, unless the client sets CD.
    pub(super) fn unbound(machine: &Namespace, folder: &Folder, listen: &str, root: &str) -> Self {
        let anchor = folder.file("dsset-.");
        let hints = folder.write("hints", &format!(". 300 IN NS ns.\nns. 300 IN A {root}\n"));
        let conf = format!(
            "server:\n interface: {listen}\n chroot: \"\"\n username: \"\"\n directory: \"{}\"\n pidfile: \"\"\n use-syslog: no\n\
             logfile: \"\"\n verbosity: 1\n do-daemonize: no\n do-not-query-localhost: no\n access-control: 127.0.0.0/8 allow\n\
             root-hints: \"{}\"\n trust-anchor-file: \"{}\"\n domain-insecure: \"invalid.\"\n local-zone: \"test.\" nodefault\n\
             num-threads: 1\n\
             remote-control:\n control-enable: no\n",
            folder.path().display(),
            hints.display(),
            anchor.display(),
        );
        let conf = folder.write("unbound.conf", &conf);
        let mut command = Command::new("unbound");
        command.arg("-d").arg("-c").arg(conf);
        Self::start(machine, &mut command, "start of service")
    }
}
