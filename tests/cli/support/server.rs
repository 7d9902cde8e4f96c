//! Servers in threads, on ports of the kernel's choice, that check that they were hit.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

/// How long a visitor may take to be noticed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server; dropping it fails the test if nobody came.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    hits: Arc<AtomicUsize>,
    must_be_hit: bool,
}

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

impl Server {
    /// Sends back what comes.
    pub(crate) fn echo() -> Self {
        Self::tcp(|mut stream| {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut chunk) {
                if stream.write_all(&chunk[..count]).is_err() {
                    return;
                }
            }
            let _ = stream.shutdown(Shutdown::Write);
        })
    }

    /// Says something first, then listens until the client goes.
    pub(crate) fn greeting(text: &'static [u8]) -> Self {
        Self::tcp(move |mut stream| {
            let _ = stream.write_all(text);
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    /// Closes at once.
    pub(crate) fn closing() -> Self {
        Self::tcp(drop)
    }

    /// Runs a session a connection.
    pub(crate) fn tcp(session: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(ANY).expect("loopback has a free port");
        Self::on(listener, session)
    }

    /// The same on a listener that exists.
    pub(crate) fn on(
        listener: TcpListener,
        session: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let (hits, session) = (Arc::new(AtomicUsize::new(0)), Arc::new(session));
        let addr = listener.local_addr().expect("it is bound");
        let counter = Arc::clone(&hits);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let session = Arc::clone(&session);
                std::thread::spawn(move || session(stream));
            }
        });
        Self {
            addr,
            hits,
            must_be_hit: true,
        }
    }

    /// Sends back every datagram.
    pub(crate) fn udp_echo() -> Self {
        Self::udp(|datagram| Some(datagram.to_vec()))
    }

    /// Takes every datagram and says nothing.
    pub(crate) fn udp_silent() -> Self {
        Self::udp(|_| None)
    }

    pub(crate) fn udp(reply: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind(ANY).expect("loopback has a free port");
        let addr = socket.local_addr().expect("it is bound");
        let hits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&hits);
        std::thread::spawn(move || {
            let mut datagram = [0; 4_096];
            while let Ok((length, from)) = socket.recv_from(&mut datagram) {
                counter.fetch_add(1, Ordering::SeqCst);
                if let Some(reply) = reply(&datagram[..length]) {
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        Self {
            addr,
            hits,
            must_be_hit: true,
        }
    }

    /// Nobody has to come.
    pub(crate) fn unvisited(mut self) -> Self {
        self.must_be_hit = false;
        self
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// Checks how often somebody came, giving the thread that accepts its time.
    #[track_caller]
    pub(crate) fn was_hit(&self, times: usize) {
        let begun = Instant::now();
        while self.hits() < times && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(self.hits(), times, "visits to {}", self.addr);
    }

    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.must_be_hit || std::thread::panicking() {
            return;
        }
        // A client may have come and gone before the thread that accepts had its turn.
        let begun = Instant::now();
        while self.hits() == 0 {
            let addr = self.addr;
            assert!(begun.elapsed() < PATIENCE, "nobody came to {addr}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A port that refuses: it is bound, so nobody else can have it, and nobody listens.
pub(crate) struct Closed {
    pub(crate) addr: SocketAddr,
    _held: TcpSocket,
}

impl Closed {
    pub(crate) fn new() -> Self {
        let held = TcpSocket::new_v4().expect("there is IPv4");
        held.bind(ANY.into()).expect("loopback has a free port");
        let addr = held.local_addr().expect("it is bound");
        Self { addr, _held: held }
    }
}
