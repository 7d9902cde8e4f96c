//! Servers inside a namespace, on threads of the test itself: no program to install, and what
//! they saw can be asked.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use super::namespace::Namespace;
use super::sys;

/// Long enough for anything that is going to happen; a test that waits this long fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A TCP server that sends back what it gets. When a connection ends, what it said can be asked.
#[derive(Debug)]
pub(crate) struct Echo {
    /// Where it listens, on every address of the machine.
    pub(crate) port: u16,
    visits: Receiver<io::Result<Vec<u8>>>,
    listener: TcpListener,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    /// Listens on a free port, over both families.
    pub(crate) fn start(machine: &Namespace) -> Self {
        let listener = listen(machine);
        let port = port(&listener);
        let accepting = listener.try_clone().expect("a descriptor can be copied");
        let (seen, visits) = mpsc::channel();
        let accept = move || {
            while let Ok((stream, _)) = accepting.accept() {
                let seen = seen.clone();
                std::thread::spawn(move || seen.send(echo(stream)));
            }
        };
        let thread = Some(std::thread::spawn(accept));
        Self {
            port,
            visits,
            listener,
            thread,
        }
    }

    /// Waits for the end of a connection and returns what it said.
    pub(crate) fn visit(&self) -> io::Result<Vec<u8>> {
        let visit = self.visits.recv_timeout(PATIENCE);
        visit.expect("a connection to this server has ended")
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Shutting a listening socket down wakes the thread that accepts from it. Both kinds of
        // socket are the same descriptor to the kernel.
        let copy = self.listener.try_clone().map(OwnedFd::from);
        let _ = copy.and_then(|fd| TcpStream::from(fd).shutdown(Shutdown::Both));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn echo(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(said);
        }
        said.extend_from_slice(&buffer[..length]);
        stream.write_all(&buffer[..length])?;
    }
}

/// A TCP listener on a free port of the machine, over both families. Connections are completed by
/// the kernel and nobody speaks, unless the caller does.
pub(crate) fn listen(machine: &Namespace) -> TcpListener {
    let listener = machine.enter(|| TcpListener::bind("[::]:0"));
    listener.expect("a fresh machine has free ports")
}

/// Takes the next connection; the test fails when nobody comes.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let ready = sys::wait_readable([listener.as_fd()], Some(PATIENCE));
    assert!(
        matches!(ready, Ok([true])),
        "nobody has connected: {ready:?}"
    );
    let accepted = listener.accept();
    accepted.expect("a connection is waiting").0
}

/// A listener whose queue of connections waiting to be accepted is full after the first.
pub(crate) fn listen_with_full_queue(machine: &Namespace) -> (TcpListener, TcpStream) {
    let listener = listen(machine);
    sys::set_backlog(&listener, 0).expect("the backlog can be changed");
    let to = SocketAddr::from(([127, 0, 0, 1], port(&listener)));
    let waiting = machine.enter(|| TcpStream::connect(to));
    (listener, waiting.expect("the first connection has room"))
}

/// The port of a listener.
pub(crate) fn port(listener: &TcpListener) -> u16 {
    let local = listener.local_addr();
    local.expect("a listener has an address").port()
}

/// A UDP socket on a free port of the machine, over both families, that answers nothing. Reading
/// from it ends, too late for any test, when nothing comes.
pub(crate) fn silent_udp(machine: &Namespace) -> (UdpSocket, u16) {
    let socket = machine.enter(|| UdpSocket::bind("[::]:0"));
    let socket = socket.expect("a fresh machine has free ports");
    let patience = socket.set_read_timeout(Some(PATIENCE));
    patience.expect("it is above zero");
    let port = socket.local_addr().expect("it is bound").port();
    (socket, port)
}
