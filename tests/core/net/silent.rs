//! A port of loopback that answers nothing: a listener whose accept queue is full.
#![expect(
    unsafe_code,
    reason = "std cannot choose the length of the accept queue"
)]

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use netkit::net::PeerAddr;

/// `SYN_SENT` in `/proc/net/tcp`.
const SYN_SENT: &str = "02";

pub(super) struct Silent {
    addr: SocketAddr,
    _listener: TcpListener,
    _queued: TcpStream,
}

impl Silent {
    pub(super) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // SAFETY: no pointer is passed; listening again only changes the length of the queue.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
        let addr = listener.local_addr().unwrap();
        let queued = TcpStream::connect(addr).unwrap();
        Self {
            addr,
            _listener: listener,
            _queued: queued,
        }
    }

    pub(super) fn addr(&self) -> PeerAddr {
        PeerAddr::Tcp(self.addr)
    }

    pub(super) fn socket_addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many sockets of this machine wait for this port's SYN-ACK.
    ///
    /// Counted by their own ends: the kernel gives the table in pieces, and a row comes twice when
    /// others open sockets meanwhile.
    pub(super) fn handshakes_under_way(&self) -> usize {
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let remote = format!("0100007F:{:04X}", self.addr.port());
        let rows = table.lines().filter_map(|line| {
            let mut cells = line.split_whitespace().skip(1);
            let local = cells.next()?;
            cells
                .take(2)
                .eq([remote.as_str(), SYN_SENT])
                .then_some(local)
        });
        rows.collect::<HashSet<_>>().len()
    }

    pub(super) async fn until_under_way(&self, count: usize) {
        while self.handshakes_under_way() < count {
            tokio::task::yield_now().await;
        }
    }
}
