//! A knot of the benchmark's own on loopback, stopped when it is dropped.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running knotd with one zone.
pub(crate) struct Knot {
    child: Child,
    dir: PathBuf,
    addr: SocketAddr,
}

impl Knot {
    /// Starts it on a free port with a zone of these records, and waits until it answers.
    pub(crate) fn start(program: &OsStr, zone: &str, records: &str) -> io::Result<Self> {
        let dir = std::env::temp_dir().join(format!("netkit-knot-{}", std::process::id()));
        fs::create_dir_all(&dir)?;
        // Just bound, and given back: nobody else takes it at once.
        let addr = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
        let at = dir.display();
        fs::write(
            dir.join("zone"),
            format!("$ORIGIN {zone}.\n$TTL 300\n{records}"),
        )?;
        let config = format!(
            "server:\n    rundir: \"{at}\"\n    listen: {}@{}\ndatabase:\n    storage: \"{at}\"\n\
             zone:\n  - domain: {zone}\n    file: \"{at}/zone\"\n    zonefile-sync: -1\n    \
             journal-content: none\n",
            addr.ip(),
            addr.port()
        );
        fs::write(dir.join("knot.conf"), config)?;
        let mut command = Command::new(program);
        command.arg("-c").arg(dir.join("knot.conf"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let knot = Self {
            child: command.spawn()?,
            dir,
            addr,
        };
        knot.wait()?;
        Ok(knot)
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Asks for the root until a reply comes: any reply shows that it serves.
    fn wait(&self) -> io::Result<()> {
        let question = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01";
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(self.addr)?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let _ = socket.send(question);
            if socket.recv(&mut [0; 512]).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(io::Error::other("knotd does not answer"))
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}
