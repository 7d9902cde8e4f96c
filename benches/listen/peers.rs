//! The servers that are compared: netkit first, then everybody else; how each is started and ended.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::support::process::find;
use super::sys;

const NETKIT: &str = env!("CARGO_BIN_EXE_netkit");

/// Who a server is, which decides what is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Netkit,
    /// Another netkit, such as that of the last release.
    Before,
    /// C that copies: the yardstick.
    C,
    /// C that splices.
    Splice,
    Go,
    Tokio,
    /// socat and ncat.
    Tool,
    /// The models of the textbook.
    Model,
}

/// A server that can be started at a port.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Its command; `PORT` stands for the port.
    argv: Vec<OsString>,
    /// More connections are not tried with it.
    pub(crate) most: usize,
}

impl Peer {
    fn new(name: &'static str, kind: Kind, words: &[&str]) -> Self {
        let argv = words.iter().map(Into::into).collect();
        Self {
            name,
            kind,
            argv,
            most: usize::MAX,
        }
    }

    fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    pub(crate) fn command(&self, port: u16) -> Command {
        let port = port.to_string();
        let mut words = self.argv.iter().map(|word| match word.to_str() {
            Some(word) => word.replace("PORT", &port).into(),
            None => word.clone(),
        });
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

/// Compiled once for a run, and gone with it.
pub(crate) struct Built {
    folder: PathBuf,
}

impl Built {
    /// Compiles the peers' sources with gcc and, if it is there, Go.
    pub(crate) fn new() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("netkit-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let built = Self { folder };
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/listen/peers");
        for name in ["echo", "models"] {
            let mut gcc = Command::new("gcc");
            gcc.args(["-O2", "-pthread", "-o"]).arg(built.path(name));
            said(gcc.arg(sources.join(name).with_extension("c")));
        }
        if find("go").is_some() {
            let mut go = Command::new("go");
            go.env("GO111MODULE", "off")
                .env("GOCACHE", built.folder.join("cache"));
            go.env("HOME", &built.folder)
                .args(["build", "-o"])
                .arg(built.path("go"));
            said(go.arg(sources.join("echo.go")));
        }
        Ok(built)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Those that serve streams.
    pub(crate) fn streams(&self) -> Vec<Peer> {
        let c = |name, kind, mode, threads| self.own("echo", name, kind, &[mode, "PORT", threads]);
        let mut all = vec![Some(netkit(&["127.0.0.1:PORT"]))];
        all.push(before(&["127.0.0.1:PORT"]));
        all.push(c("C epoll, one thread", Kind::C, "copy", "1"));
        all.push(c("C epoll, one a processor", Kind::C, "copy", "0"));
        all.push(c("C splice", Kind::Splice, "splice", "1"));
        all.push(self.own("go", "Go io.Copy", Kind::Go, &["tcp", "PORT"]));
        all.push(tokio("tcp"));
        let listen = "TCP-LISTEN:PORT,bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=4096";
        all.push(tool("socat", &[listen, "PIPE"]).map(|socat| socat.at_most(64)));
        let ncat = ["-lk", "-m", "2000", "-e", "/bin/cat", "127.0.0.1", "PORT"];
        all.push(tool("ncat", &ncat).map(|ncat| ncat.at_most(64)));
        all.into_iter().flatten().collect()
    }

    /// Those of which several processes can share a port.
    pub(crate) fn shared(&self) -> Vec<Peer> {
        let c = self.own("echo", "C epoll", Kind::C, &["copy", "PORT", "1"]);
        let netkit = netkit(&["--reuse-port", "127.0.0.1:PORT"]);
        [Some(netkit), c].into_iter().flatten().collect()
    }

    /// Those that serve datagrams.
    pub(crate) fn datagrams(&self) -> Vec<Peer> {
        let mut all = vec![Some(netkit(&["udp://127.0.0.1:PORT"]))];
        all.push(before(&["udp://127.0.0.1:PORT"]));
        all.push(self.own("echo", "C recvmmsg", Kind::C, &["udp", "PORT", "1"]));
        all.push(self.own("go", "Go ReadFrom", Kind::Go, &["udp", "PORT"]));
        all.push(tokio("udp"));
        all.into_iter().flatten().collect()
    }

    /// The three models of the textbook, and netkit.
    pub(crate) fn models(&self) -> Vec<Peer> {
        let model = |name, mode| self.own("models", name, Kind::Model, &[mode, "PORT"]);
        let fork = model("process per connection", "fork").map(|fork| fork.at_most(1_000));
        let all = [
            model("single loop (select)", "loop").map(|select| select.at_most(10_000)),
            fork,
            model("epoll + pool of 8 threads", "pool"),
            Some(netkit(&["127.0.0.1:PORT"])),
        ];
        all.into_iter().flatten().collect()
    }

    /// A program of this run, if it could be compiled.
    fn own(&self, file: &str, name: &'static str, kind: Kind, words: &[&str]) -> Option<Peer> {
        let path = self.path(file);
        let known = path.exists();
        let path = path.to_string_lossy();
        known.then(|| Peer::new(name, kind, &[&[&*path], words].concat()))
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        // Best effort: it is a folder of the system's temporary ones.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn netkit(words: &[&str]) -> Peer {
    let words = [&[NETKIT, "listen", "-q"], words].concat();
    Peer::new("netkit listen", Kind::Netkit, &words)
}

/// The netkit whose path is in `NETKIT_BEFORE`, to see what a change has brought.
fn before(words: &[&str]) -> Option<Peer> {
    let path = std::env::var("NETKIT_BEFORE").ok()?;
    let words = [&[&*path, "listen", "-q"], words].concat();
    Some(Peer::new("netkit before", Kind::Before, &words))
}

/// This program, started again as that server.
fn tokio(mode: &str) -> Option<Peer> {
    let own = std::env::current_exe().ok()?;
    let words = [&*own.to_string_lossy(), "--tokio", mode, "PORT"];
    Some(Peer::new("tokio, 20 lines", Kind::Tokio, &words))
}

fn tool(name: &'static str, words: &[&str]) -> Option<Peer> {
    let Some(path) = find(name) else {
        println!("skipped: {name} not found");
        return None;
    };
    let path = path.to_string_lossy();
    Some(Peer::new(name, Kind::Tool, &[&[&*path], words].concat()))
}

/// Runs a compiler; what it says when it fails is shown.
fn said(command: &mut Command) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => println!("skipped: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => println!("skipped: {}: {error}", command.get_program().display()),
    }
}

/// A server at work; ended when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) port: u16,
}

/// How long a server may take to be there.
const STARTS_WITHIN: Duration = Duration::from_secs(5);

impl Running {
    /// Starts a server on these processors (all if none are named); it listens when this returns.
    pub(crate) fn start(peer: &Peer, port: u16, cpus: &[usize], streams: bool) -> io::Result<Self> {
        let mut command = peer.command(port);
        if !cpus.is_empty() {
            sys::pin(&mut command, cpus);
        }
        // A group of its own, to be ended as a whole.
        let child = command.process_group(0).spawn()?;
        let running = Self { child, port };
        let until = Instant::now() + STARTS_WITHIN;
        let addr = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        while streams && TcpStream::connect(addr).is_err() {
            if Instant::now() > until {
                return Err(io::Error::other(format!("{} does not start", peer.name)));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(running)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Servers keep nothing that a hard end could lose; some have a process per connection.
        sys::kill_group(self.child.id());
        let _ = self.child.wait();
    }
}
