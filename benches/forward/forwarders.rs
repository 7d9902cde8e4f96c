//! Who forwards: netkit first, then everybody else; how each is started and ended.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::load::Service;
use super::process::find;
use super::shadows::Shadow;

const NETKIT: &str = env!("CARGO_BIN_EXE_netkit");

/// At least as fast.
const AS_FAST: Option<(f64, f64)> = Some((1.0, f64::INFINITY));
/// The plain way is at most so many times as fast as one with a mirror.
const UNNOTICED: Option<(f64, f64)> = Some((0.0, 1.05));

/// A program that passes connections on to the service.
pub(crate) struct Forwarder {
    pub(crate) name: String,
    /// `PORT` stands for the port it listens on.
    argv: Vec<OsString>,
    /// A configuration that it reads from a file: `CONFIG` stands for its path.
    config: Option<String>,
    /// Between what netkit's ratio to it must be.
    pub(crate) claim: Option<(f64, f64)>,
}

impl Forwarder {
    fn new(name: &str, words: &[&str], claim: Option<(f64, f64)>) -> Self {
        Self {
            name: name.to_owned(),
            argv: words.iter().map(Into::into).collect(),
            config: None,
            claim,
        }
    }
}

/// All that are installed.
pub(crate) fn all(service: &Service) -> io::Result<Vec<Forwarder>> {
    let target = service.addr()?.to_string();
    let mut all = vec![netkit("netkit listen --forward", &target, &[], None)];
    for (name, buffer) in [("socat", "8192"), ("socat -b 262144", "262144")] {
        let listen = "TCP-LISTEN:PORT,bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=4096";
        let connect = format!("TCP:{target},nodelay");
        all.extend(tool("socat", name, &["-b", buffer, listen, &connect]));
    }
    for (name, splice) in [
        ("haproxy, mode tcp", ""),
        ("haproxy, option splice-auto", "option splice-auto"),
    ] {
        let haproxy = tool("haproxy", name, &["-q", "-f", "CONFIG"]);
        all.extend(haproxy.map(|haproxy| Forwarder {
            config: Some(haproxy_config(&target, splice)),
            ..haproxy
        }));
    }
    Ok(all)
}

/// netkit without a mirror, and with mirrors in every state.
pub(crate) fn mirrored(service: &Service, shadows: &[Shadow]) -> Vec<Forwarder> {
    let Ok(target) = service.addr() else {
        return Vec::new();
    };
    let target = target.to_string();
    let mut all = vec![netkit("netkit, no mirror", &target, &[], None)];
    all.extend(shadows.iter().map(|shadow| {
        let mirror = shadow.addr.to_string();
        let name = format!("netkit, {}", shadow.name);
        let claim = UNNOTICED.filter(|_| shadow.must_not_be_noticed);
        netkit(&name, &target, &["--mirror", &mirror], claim)
    }));
    all
}

fn netkit(name: &str, target: &str, more: &[&str], claim: Option<(f64, f64)>) -> Forwarder {
    let words = [
        NETKIT,
        "listen",
        "-q",
        "127.0.0.1:PORT",
        "--forward",
        target,
    ];
    Forwarder::new(name, &[&words, more].concat(), claim)
}

fn tool(program: &str, name: &str, words: &[&str]) -> Option<Forwarder> {
    let Some(path) = find(program) else {
        println!("skipped: {program} not found");
        return None;
    };
    let path = path.to_string_lossy();
    Some(Forwarder::new(name, &[&[&*path], words].concat(), AS_FAST))
}

fn haproxy_config(target: &str, more: &str) -> String {
    format!(
        "global\n  maxconn 4096\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  \
         timeout server 60s\n  {more}\nlisten forward\n  bind 127.0.0.1:PORT\n  server service {target}\n"
    )
}

/// A forwarder at work; ended when dropped.
pub(crate) struct Running {
    child: Child,
    config: Option<PathBuf>,
    pub(crate) port: u16,
}

/// How long one may take to be there.
const STARTS_WITHIN: Duration = Duration::from_secs(5);

impl Running {
    /// Starts it; it listens when this returns.
    pub(crate) fn start(forwarder: &Forwarder, port: u16) -> io::Result<Self> {
        let with_port = |text: &str| text.replace("PORT", &port.to_string());
        let path =
            std::env::temp_dir().join(format!("netkit-forward-{}-{port}", std::process::id()));
        let config = forwarder.config.as_deref().map(with_port);
        if let Some(config) = &config {
            std::fs::write(&path, config)?;
        }
        let mut words = forwarder.argv.iter().map(|word| match word.to_str() {
            Some("CONFIG") => path.clone().into(),
            Some(word) => with_port(word).into(),
            None => word.clone(),
        });
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let running = Self {
            child: command.spawn()?,
            config: config.map(|_| path.clone()),
            port,
        };
        let until = Instant::now() + STARTS_WITHIN;
        while TcpStream::connect(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).is_err() {
            if Instant::now() > until {
                return Err(io::Error::other("it does not start"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // socat's children end with their connections, which have ended; the others have none.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(path) = &self.config {
            let _ = std::fs::remove_file(path);
        }
    }
}
