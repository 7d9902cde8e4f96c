//! The servers of the demonstration: echo, a greeter, silence, one that comes late, a name server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tokio::net::TcpSocket;

use super::zones::Zones;

/// Any free port on loopback.
const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);
/// How long the late server stays away.
const LATE: Duration = Duration::from_secs(2);

/// Running servers; they end with the process.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) echo: SocketAddr,
    pub(super) greeter: SocketAddr,
    pub(super) udp_echo: SocketAddr,
    pub(super) udp_silent: SocketAddr,
    pub(super) name_server: SocketAddr,
    /// A name server whose UDP port is closed.
    pub(super) tcp_name_server: SocketAddr,
    /// Refuses now and listens later.
    pub(super) late: SocketAddr,
    /// Refuses.
    pub(super) closed: SocketAddr,
    pub(super) zones: Zones,
    /// Where a recorded connection goes; gone at the end.
    pub(super) record: PathBuf,
    /// Keeps what must not be closed.
    _held: (UdpSocket, TcpSocket),
}

impl Servers {
    pub(super) fn start() -> io::Result<Self> {
        let echo = serve(TcpListener::bind(ANY)?, echo)?;
        let silent = UdpSocket::bind(ANY)?;
        // A bound port is nobody else's, and nobody listens on it.
        let closed = TcpSocket::new_v4()?;
        closed.bind(ANY.into())?;
        Ok(Self {
            echo,
            greeter: serve(TcpListener::bind(ANY)?, greet)?,
            udp_echo: serve_udp(UdpSocket::bind(ANY)?, |message| Some(message.to_vec()))?,
            udp_silent: silent.local_addr()?,
            name_server: serve_udp(UdpSocket::bind(ANY)?, answer)?,
            tcp_name_server: serve(TcpListener::bind(ANY)?, answer_stream)?,
            late: serve_late()?,
            zones: Zones::start()?,
            closed: closed.local_addr()?,
            record: std::env::temp_dir().join(format!("netkit-demo-{}", std::process::id())),
            _held: (silent, closed),
        })
    }
}

impl Servers {
    /// Puts addresses where a word names them.
    pub(super) fn fill(&self, word: &str) -> String {
        let named = [
            ("echo", self.echo),
            ("greeter", self.greeter),
            ("udp_echo", self.udp_echo),
            ("udp_silent", self.udp_silent),
            ("name_server", self.name_server),
            ("tcp_name_server", self.tcp_name_server),
            ("late", self.late),
            ("closed", self.closed),
            ("signed", self.zones.signed),
            ("root", self.zones.root),
        ];
        let word = word.replace("{anchor}", &self.zones.anchor().to_string_lossy());
        let word = word.replace("{record}", &self.record.to_string_lossy());
        named.iter().fold(word, |word, (name, addr)| {
            let port = addr.port().to_string();
            word.replace(&format!("{{{name}}}"), &addr.to_string())
                .replace(&format!("{{{name}_port}}"), &port)
        })
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // It is in the system's temporary folder, whatever becomes of it.
        let _ = std::fs::remove_file(&self.record);
    }
}

fn serve(
    listener: TcpListener,
    session: fn(TcpStream) -> io::Result<()>,
) -> io::Result<SocketAddr> {
    let addr = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is its own business.
            thread::spawn(move || session(stream));
        }
    });
    Ok(addr)
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk)? {
            0 => return Ok(()),
            count => stream.write_all(&chunk[..count])?,
        }
    }
}

/// Answers over TCP: two octets of length before each message (RFC 1035 §4.2.2).
fn answer_stream(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message)?;
        let Some(reply) = answer(&message) else {
            continue;
        };
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), &reply[..]].concat())?;
    }
}

fn greet(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"220 demo.netkit.test ready\r\n")?;
    echo(stream)
}

/// Takes a port, gives it back, and listens on it later.
fn serve_late() -> io::Result<SocketAddr> {
    let addr = TcpListener::bind(ANY)?.local_addr()?;
    thread::spawn(move || {
        thread::sleep(LATE);
        serve(TcpListener::bind(addr)?, echo)
    });
    Ok(addr)
}

pub(super) fn serve_udp(
    socket: UdpSocket,
    reply: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static,
) -> io::Result<SocketAddr> {
    let addr = socket.local_addr()?;
    thread::spawn(move || {
        let mut datagram = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut datagram) {
            if let Some(reply) = reply(&datagram[..length]) {
                // A client that goes away is its own business.
                let _ = socket.send_to(&reply, from);
            }
        }
    });
    Ok(addr)
}

/// Header, and the parts of it that are set (RFC 1035 §4.1.1).
pub(super) const HEADER: usize = 12;
/// A response, authoritative, recursion desired and available, no error.
const FLAGS: [u8; 2] = [0x85, 0x80];
const TYPE_A: [u8; 2] = [0, 1];
const TYPE_AAAA: [u8; 2] = [0, 28];

/// Answers any question for an address with this machine's, so that every name leads here.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let id = query.get(..2)?;
    let name = name_length(query.get(HEADER..)?)?;
    let question = query.get(HEADER..HEADER + name + 4)?;
    let kind = question.get(name..name + 2)?;
    let data: Option<Vec<u8>> = match <[u8; 2]>::try_from(kind).ok()? {
        TYPE_A => Some(Ipv4Addr::LOCALHOST.octets().to_vec()),
        TYPE_AAAA => Some(Ipv6Addr::LOCALHOST.octets().to_vec()),
        _ => None,
    };
    let answers = u8::from(data.is_some());
    let mut reply = [id, &FLAGS, &[0, 1, 0, answers, 0, 0, 0, 0], question].concat();
    if let Some(data) = data {
        // A pointer to the name in the question, its type, class IN, 60 s, the length.
        let length = u8::try_from(data.len()).ok()?;
        let record = [
            &[0xc0, 12][..],
            kind,
            &[0, 1, 0, 0, 0, 60, 0, length],
            &data,
        ]
        .concat();
        reply.extend(record);
    }
    Some(reply)
}

/// The length of the name at the start, its final zero included.
pub(super) fn name_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let label = usize::from(*bytes.get(at)?);
        at += 1 + label;
        match label {
            0 => return Some(at),
            1..=63 => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn questions_for_addresses_are_answered() {
        let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01";
        let reply = answer(query).unwrap();
        assert_eq!(reply[..2], [0x12, 0x34]);
        assert_eq!(reply[reply.len() - 4..], [127, 0, 0, 1]);
    }

    proptest! {
        #[test]
        fn no_datagram_makes_the_name_server_panic(bytes: Vec<u8>) {
            let _ = answer(&bytes);
        }
    }
}
