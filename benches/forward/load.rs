//! The jobs: one long stream, or many small exchanges; and the service that they reach through a
//! forwarder. Every byte that arrives is verified.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of an exchange.
const MESSAGE: usize = 64;
/// Bytes written and read at once in a stream.
const CHUNK: usize = 256 << 10;
/// A prime: no buffer of a forwarder hides in it.
const PERIOD: usize = 65_521;

/// What is asked of the service: the first byte of a connection.
const SINK: u8 = b'u';
const SOURCE: u8 = b'd';
const ECHO: u8 = b'e';

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Job {
    /// So many bytes to the service, until it has said that they are right.
    Up(usize),
    /// So many bytes from it.
    Down(usize),
    /// On so many connections at once, so many exchanges on each.
    Exchanges(usize, usize),
}

impl Job {
    /// The unit of its rate, and how many of them it is.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub(crate) fn unit(self) -> (&'static str, f64) {
        match self {
            Self::Up(bytes) | Self::Down(bytes) => ("GB/s", bytes as f64 / 1e9),
            Self::Exchanges(connections, each) => ("k/s", (connections * each) as f64 / 1e3),
        }
    }

    /// Does it through what listens on this port; how long that took.
    pub(crate) fn run(self, port: u16) -> io::Result<Duration> {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        LazyLock::force(&PATTERN);
        match self {
            Self::Up(bytes) => {
                let (mut stream, began) = asked(addr, SINK, bytes)?;
                say(&mut stream, bytes)?;
                stream.shutdown(Shutdown::Write)?;
                let mut verdict = [0];
                stream.read_exact(&mut verdict)?;
                Ok(began.elapsed())
            }
            Self::Down(bytes) => {
                let (mut stream, began) = asked(addr, SOURCE, bytes)?;
                hear(&mut stream, bytes)?;
                Ok(began.elapsed())
            }
            Self::Exchanges(connections, each) => {
                let streams =
                    (0..connections).map(|_| asked(addr, ECHO, 0).map(|(stream, _)| stream));
                let streams = streams.collect::<io::Result<Vec<_>>>()?;
                let began = Instant::now();
                thread::scope(|scope| {
                    let threads: Vec<_> = streams
                        .into_iter()
                        .map(|stream| scope.spawn(move || converse(stream, each)))
                        .collect();
                    let failed = || io::Error::other("a client panicked");
                    threads
                        .into_iter()
                        .try_for_each(|one| one.join().map_err(|_| failed())?)
                })?;
                Ok(began.elapsed())
            }
        }
    }
}

/// Connects, and says what is wanted.
fn asked(addr: SocketAddr, kind: u8, bytes: usize) -> io::Result<(TcpStream, Instant)> {
    let began = Instant::now();
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    let mut order = [0; 9];
    order[0] = kind;
    order[1..].copy_from_slice(&(bytes as u64).to_be_bytes());
    stream.write_all(&order)?;
    Ok((stream, began))
}

fn converse(mut stream: TcpStream, exchanges: usize) -> io::Result<()> {
    let mut back = [0; MESSAGE];
    for nth in 0..exchanges {
        let at = nth * MESSAGE % PERIOD;
        let message = &PATTERN[at..at + MESSAGE];
        stream.write_all(message)?;
        stream.read_exact(&mut back)?;
        if back != *message {
            return Err(io::Error::other("another answer than was sent"));
        }
    }
    Ok(())
}

fn say(stream: &mut TcpStream, bytes: usize) -> io::Result<()> {
    let mut sent = 0;
    while sent < bytes {
        let count = CHUNK.min(bytes - sent);
        let at = sent % PERIOD;
        stream.write_all(&PATTERN[at..at + count])?;
        sent += count;
    }
    Ok(())
}

fn hear(stream: &mut TcpStream, bytes: usize) -> io::Result<()> {
    let (mut buffer, mut heard) = (vec![0; CHUNK], 0);
    while heard < bytes {
        let count = stream.read(&mut buffer)?;
        let at = heard % PERIOD;
        if count == 0 || buffer[..count] != PATTERN[at..at + count] {
            return Err(io::Error::other(format!(
                "other bytes than were sent, at {heard}"
            )));
        }
        heard += count;
    }
    Ok(())
}

/// What a stream consists of: a period, and as much again as is sent at once.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    let period: Vec<u8> = (0..PERIOD).map(|_| next()).collect();
    let twice = period.iter().copied().cycle();
    twice.take(PERIOD + CHUNK).collect()
});

/// What stands behind the forwarders, for as long as this process.
pub(crate) struct Service(Arc<TcpListener>);

impl Service {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = Arc::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
        let accepts = Arc::clone(&listener);
        thread::spawn(move || {
            for stream in accepts.incoming().flatten() {
                // A client that is gone is for the client's side to report.
                thread::spawn(move || serve(stream));
            }
        });
        Ok(Self(listener))
    }

    pub(crate) fn addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut order = [0; 9];
    stream.read_exact(&mut order)?;
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&order[1..]);
    let bytes = usize::try_from(u64::from_be_bytes(bytes)).map_err(io::Error::other)?;
    match order[0] {
        SINK => {
            hear(&mut stream, bytes)?;
            stream.write_all(b"!")
        }
        SOURCE => say(&mut stream, bytes),
        _ => echo(&mut stream),
    }
}

fn echo(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; MESSAGE];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count])?,
        }
    }
}
