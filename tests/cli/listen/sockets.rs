//! The kinds of sockets that a server can have, and who opens them.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Served;
use crate::support::netkit;

/// A folder of one test, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netkit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts a server at a socket that has no port.
fn at_path(line: &str) -> Served {
    let mut served = Served::start(line, 0);
    served.next_of("listening");
    served
}

fn echoes(mut client: impl Read + Write) {
    let mut back = [0; 5];
    let exchange = client
        .write_all(b"hello")
        .and_then(|()| client.read_exact(&mut back));
    exchange.expect("the server echoes");
    assert_eq!(&back, b"hello");
}

#[test]
fn unix_sockets_of_every_kind_echo_and_their_files_go() {
    let folder = Folder::new("unix");
    let stream = folder.path("stream");
    let mut served = at_path(&format!("unix:{stream}"));
    echoes(UnixStream::connect(&stream).unwrap());
    served.signal("TERM");
    assert_eq!(served.code(), Some(0));
    assert!(!Path::new(&stream).exists());

    let (path, own) = (folder.path("datagrams"), folder.path("client"));
    let mut served = at_path(&format!("unixgram:{path}"));
    let client = UnixDatagram::bind(own).unwrap();
    client.connect(&path).unwrap();
    client.send(b"hello").unwrap();
    let mut back = [0; 16];
    assert_eq!(client.recv(&mut back).unwrap(), 5);
    served.signal("TERM");
    assert_eq!(served.code(), Some(0));
    assert!(!Path::new(&path).exists());

    let name = format!("netkit-test-{}", std::process::id());
    let _served = at_path(&format!("unix:@{name}"));
    let addr = SocketAddr::from_abstract_name(name).unwrap();
    echoes(UnixStream::connect_addr(&addr).unwrap());
}

#[test]
fn a_stale_socket_is_replaced_and_nothing_else() {
    let folder = Folder::new("stale");
    let path = folder.path("socket");
    // A listener that is dropped leaves its file behind.
    drop(UnixListener::bind(&path).unwrap());
    let served = at_path(&format!("unix:{path}"));
    echoes(UnixStream::connect(&path).unwrap());
    netkit(&format!("listen unix:{path}"))
        .run()
        .status(6)
        .complains("listens there already");
    drop(served);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    netkit(&format!("listen unix:{path}"))
        .run()
        .status(6)
        .complains("not a socket");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn sockets_that_the_service_manager_opened_are_served() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let netkit = env!("CARGO_BIN_EXE_netkit");
    // The manager's part: descriptor 3, and who it is for.
    let script = format!(
        "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec {netkit} listen --json --once"
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .stdin(Stdio::from(OwnedFd::from(listener)));
    let mut served = Served::spawn(&mut command, 0);
    drop(command); // holds a copy of the socket
    let listening = served.next_of("listening");
    assert_eq!(
        (&listening["inherited"], &listening["port"]),
        (&true.into(), &addr.port().into())
    );
    echoes(TcpStream::connect(addr).unwrap());
    assert_eq!(served.code(), Some(0));
    assert_eq!(
        TcpStream::connect(addr).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
}

#[test]
fn the_backlog_of_a_unix_socket_of_another_is_not_guessed() {
    let folder = Folder::new("passed");
    let listener = UnixListener::bind(folder.path("socket")).unwrap();
    let netkit = env!("CARGO_BIN_EXE_netkit");
    let script =
        format!("exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec {netkit} listen --json");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .stdin(Stdio::from(OwnedFd::from(listener)));
    let listening = Served::spawn(&mut command, 0).next_of("listening");
    assert!(listening["backlog"].is_null(), "{listening:#}");
}

#[test]
fn sockets_that_were_passed_to_another_process_are_not_ours() {
    let netkit = env!("CARGO_BIN_EXE_netkit");
    let script = format!("LISTEN_FDS=1 LISTEN_PID=1 exec {netkit} listen");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn one_port_is_shared_only_when_both_agree() {
    let mut first = Served::start("127.0.0.1:0 --reuse-port --backlog 7", 1);
    let port = first.ports[0];
    let again = format!("127.0.0.1:{port}");
    let mut second = Served::start(&format!("{again} --reuse-port"), 1);
    netkit(&format!("listen {again}"))
        .run()
        .status(6)
        .complains("listens there already");
    second.signal("TERM");
    assert_eq!(second.code(), Some(0));
    echoes(first.connect());
    first.signal("TERM");
    let summary = first.next_of("summary");
    assert_eq!(summary["listeners"][0]["backlog"], 7);
}

#[test]
fn both_families_are_served_at_a_bare_port_and_one_where_it_is_said() {
    let served = Served::start(":0", 1);
    echoes(TcpStream::connect(("127.0.0.1", served.ports[0])).unwrap());
    echoes(TcpStream::connect(("::1", served.ports[0])).unwrap());
    let served = Served::start("tcp4://:0", 1);
    echoes(TcpStream::connect(("127.0.0.1", served.ports[0])).unwrap());
    assert!(TcpStream::connect(("::1", served.ports[0])).is_err());
    let served = Served::start("tcp6://:0", 1);
    echoes(TcpStream::connect(("::1", served.ports[0])).unwrap());
    assert!(TcpStream::connect(("127.0.0.1", served.ports[0])).is_err());
}
