//! Binding on loopback and in a directory of the test's own.

use super::*;
use crate::failure::Kind;

fn tcp(port: u16) -> BindAddr {
    BindAddr::Inet {
        network: Network::Tcp,
        ip: Some(Ipv4Addr::LOCALHOST.into()),
        scope: 0,
        port,
    }
}

fn unix(path: &std::path::Path) -> BindAddr {
    BindAddr::Unix {
        network: Network::Unix,
        path: UnixPath::File(path.to_owned()),
    }
}

/// A directory that is removed with its content.
struct Dir(std::path::PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("netkit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn port_0_becomes_a_port_and_the_backlog_is_what_was_granted() {
    let listener = bind(&tcp(0), &ListenOptions::default()).unwrap();
    assert!(listener.facts().port.is_some_and(|port| port > 0));
    assert!(
        listener
            .facts()
            .backlog
            .is_some_and(|backlog| backlog >= 128)
    );
    let few = ListenOptions {
        backlog: Some(7),
        ..ListenOptions::default()
    };
    assert_eq!(bind(&tcp(0), &few).unwrap().facts().backlog, Some(7));
    let many = ListenOptions {
        backlog: Some(1 << 30),
        ..ListenOptions::default()
    };
    let listener = bind(&tcp(0), &many).unwrap();
    assert!(listener.facts().warnings[0].contains("the kernel granted"));
}

#[test]
fn a_taken_port_names_its_holder() {
    let first = bind(&tcp(0), &ListenOptions::default()).unwrap();
    let port = first.facts().port.unwrap();
    let failure = bind(&tcp(port), &ListenOptions::default()).unwrap_err();
    assert_eq!(failure.kind, Kind::AddrInUse);
    let pid = format!("(pid {})", std::process::id());
    assert!(failure.message.contains(&pid), "{failure}");
    let shared = ListenOptions {
        reuse_port: true,
        ..ListenOptions::default()
    };
    assert!(bind(&tcp(port), &shared).is_err());
    let first = bind(&tcp(0), &shared).unwrap();
    bind(&tcp(first.facts().port.unwrap()), &shared).unwrap();
}

#[test]
fn an_address_of_another_machine_is_not_ours_to_listen_at() {
    let addr = BindAddr::Inet {
        network: Network::Tcp,
        ip: Some([192, 0, 2, 1].into()),
        scope: 0,
        port: 0,
    };
    let failure = bind(&addr, &ListenOptions::default()).unwrap_err();
    assert_eq!(failure.kind, Kind::AddrNotAvailable);
}

#[test]
fn all_addresses_means_both_families_as_in_go() {
    let addr = |network| BindAddr::Inet {
        network,
        ip: None,
        scope: 0,
        port: 0,
    };
    let listener = bind(&addr(Network::Tcp), &ListenOptions::default()).unwrap();
    let port = listener.facts().port.unwrap();
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    if listener.facts().both_families {
        std::net::TcpStream::connect(("::1", port)).unwrap();
        let only = bind(&addr(Network::Tcp6), &ListenOptions::default()).unwrap();
        let port = only.facts().port.unwrap();
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

#[test]
fn a_stale_socket_is_replaced_a_live_one_and_a_file_are_not() {
    let dir = Dir::new("listen-unix");
    let path = dir.0.join("s");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let listener = bind(&unix(&path), &ListenOptions::default()).unwrap();
    std::os::unix::net::UnixStream::connect(&path).unwrap();
    let failure = bind(&unix(&path), &ListenOptions::default()).unwrap_err();
    assert_eq!(failure.kind, Kind::AddrInUse);
    drop(listener);
    assert!(!path.exists(), "the file is removed with its listener");
    std::fs::write(&path, "precious").unwrap();
    let failure = bind(&unix(&path), &ListenOptions::default()).unwrap_err();
    assert!(failure.message.contains("not a socket"), "{failure}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn options_that_a_socket_does_not_have_are_refused() {
    let options = ListenOptions {
        fastopen: true,
        ..ListenOptions::default()
    };
    let dir = Dir::new("listen-options");
    let failure = bind(&unix(&dir.0.join("s")), &options).unwrap_err();
    assert_eq!(failure.kind, Kind::Unsupported);
}
