//! The PROXY protocol, versions 1 and 2: who the client is, said before the first byte of a
//! connection that was forwarded (haproxy.org, proxy-protocol.txt, 2020-03-05).
//!
//! A codec and nothing else: it is fed what has come so far, and says whether that is a header.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How a header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// As a line of text (section 2.1).
    V1,
    /// In binary (section 2.2).
    V2,
}

impl Version {
    /// Its word on the command line and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

/// Both ends of a connection, as a header tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The client.
    pub source: SocketAddr,
    /// What it connected to.
    pub destination: SocketAddr,
}

/// A header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who is connected with whom; `None` if the proxy speaks for itself (`LOCAL`, a health check) or
    /// does not know (`UNKNOWN`, a Unix socket).
    pub ends: Option<Ends>,
    /// Bytes of the header; the connection's own begin after them.
    pub length: usize,
}

/// What stands where a header should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Something else.
    NotProxy,
    /// A header that breaks the protocol.
    Malformed(&'static str),
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotProxy => f.write_str("no PROXY header came first"),
            Self::Malformed(what) => write!(f, "the PROXY header is malformed: {what}"),
        }
    }
}

/// How the second version begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of the first version, CR and LF included.
const LONGEST_LINE: usize = 107;
/// The longest header of the second version that is read: what follows the addresses is of no use
/// here, and 16 bits of length are more than anybody should wait for.
const LONGEST: usize = 16 + 4_096;

/// Reads the header at the beginning of `bytes`; `None` if more has to come to tell.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    let common = |known: &[u8]| known.iter().zip(bytes).all(|(a, b)| a == b);
    if common(SIGNATURE) {
        return if bytes.len() < 16 {
            Ok(None)
        } else {
            binary(bytes)
        };
    }
    if !common(b"PROXY ") {
        return Err(Invalid::NotProxy);
    }
    let line = &bytes[..bytes.len().min(LONGEST_LINE)];
    match line.windows(2).position(|pair| pair == b"\r\n") {
        Some(end) => text(&line[..end]).map(Some),
        None if bytes.len() >= LONGEST_LINE => Err(Invalid::Malformed("its line has no end")),
        None => Ok(None),
    }
}

/// A line of the first version, without its end.
fn text(line: &[u8]) -> Result<Header, Invalid> {
    let length = line.len() + 2;
    let wrong = Invalid::Malformed;
    let line = std::str::from_utf8(line).map_err(|_| wrong("it is not text"))?;
    let mut words = line.split(' ').skip(1);
    let family = words.next().unwrap_or_default();
    if family == "UNKNOWN" {
        return Ok(Header { ends: None, length });
    }
    if !matches!(family, "TCP4" | "TCP6") {
        return Err(wrong("neither TCP4, TCP6 nor UNKNOWN"));
    }
    let mut address = || {
        let ip: Option<IpAddr> = words.next().and_then(|word| word.parse().ok());
        ip.filter(|ip| ip.is_ipv4() == (family == "TCP4"))
    };
    let (from, to) = (address(), address());
    let mut port = || words.next().and_then(decimal);
    let (from_port, to_port) = (port(), port());
    if words.next().is_some() {
        return Err(wrong("words after the ports"));
    }
    let end = |ip: Option<IpAddr>, port: Option<u16>, what| match (ip, port) {
        (Some(ip), Some(port)) => Ok(SocketAddr::new(ip, port)),
        _ => Err(wrong(what)),
    };
    let ends = Ends {
        source: end(from, from_port, "no source address")?,
        destination: end(to, to_port, "no destination address")?,
    };
    let ends = Some(ends);
    Ok(Header { ends, length })
}

/// A port without sign or leading zero.
fn decimal(word: &str) -> Option<u16> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit());
    let padded = word.len() > 1 && word.starts_with('0');
    word.parse().ok().filter(|_| plain && !padded)
}

/// A header of the second version, of which at least the fixed part is there.
fn binary(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    let [version, family] = [bytes[12], bytes[13]];
    let length = 16 + usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if version >> 4 != 2 {
        return Err(Invalid::Malformed("its version is not 2"));
    }
    if length > LONGEST {
        return Err(Invalid::Malformed("it is longer than 4 KiB"));
    }
    if bytes.len() < length {
        return Ok(None);
    }
    let rest = &bytes[16..length];
    let ends = match (version & 0xf, family >> 4) {
        (1, 1) => Some(addresses::<4>(rest)?),
        (1, 2) => Some(addresses::<16>(rest)?),
        // LOCAL, unspecified, or Unix sockets, whose names are not addresses.
        (0, _) | (1, 0 | 3) => None,
        (1, _) => return Err(Invalid::Malformed("an unknown family of addresses")),
        _ => return Err(Invalid::Malformed("neither LOCAL nor PROXY")),
    };
    Ok(Some(Header { ends, length }))
}

/// Two addresses of `N` bytes, and two ports.
fn addresses<const N: usize>(bytes: &[u8]) -> Result<Ends, Invalid> {
    if bytes.len() < 2 * N + 4 {
        return Err(Invalid::Malformed("its addresses are cut short"));
    }
    let (ips, ports) = bytes.split_at(2 * N);
    let end = |at: usize| {
        let ip = &ips[at * N..(at + 1) * N];
        let port = u16::from_be_bytes([ports[2 * at], ports[2 * at + 1]]);
        SocketAddr::new(address(ip), port)
    };
    Ok(Ends {
        source: end(0),
        destination: end(1),
    })
}

fn address(bytes: &[u8]) -> IpAddr {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Ipv4Addr::from(octets).into();
    }
    let octets = <[u8; 16]>::try_from(bytes).unwrap_or_default();
    Ipv6Addr::from(octets).into()
}

/// Writes a header; without ends it says that nothing is known of them.
#[must_use]
pub fn write(version: Version, ends: Option<Ends>) -> Vec<u8> {
    let ends = ends.map(same_family);
    match version {
        Version::V1 => write_text(ends).into_bytes(),
        Version::V2 => write_binary(ends),
    }
}

/// Both ends of one family: a header has room for one only.
fn same_family(ends: Ends) -> Ends {
    let canonical = |addr: SocketAddr| SocketAddr::new(addr.ip().to_canonical(), addr.port());
    let (source, destination) = (canonical(ends.source), canonical(ends.destination));
    if source.is_ipv4() == destination.is_ipv4() {
        return Ends {
            source,
            destination,
        };
    }
    let wide = |addr: SocketAddr| match addr.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), addr.port()),
        IpAddr::V6(_) => addr,
    };
    Ends {
        source: wide(source),
        destination: wide(destination),
    }
}

fn write_text(ends: Option<Ends>) -> String {
    let Some(Ends {
        source,
        destination,
    }) = ends
    else {
        return "PROXY UNKNOWN\r\n".to_owned();
    };
    let mut line = format!("PROXY TCP{} ", if source.is_ipv4() { 4 } else { 6 });
    let (from, to) = (source.ip(), destination.ip());
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        "{from} {to} {} {}\r\n",
        source.port(),
        destination.port()
    );
    line
}

fn write_binary(ends: Option<Ends>) -> Vec<u8> {
    let mut rest = Vec::new();
    let family = match ends {
        None => 0x00,
        Some(ends) => {
            for addr in [ends.source, ends.destination] {
                match addr.ip() {
                    IpAddr::V4(ip) => rest.extend(ip.octets()),
                    IpAddr::V6(ip) => rest.extend(ip.octets()),
                }
            }
            rest.extend(ends.source.port().to_be_bytes());
            rest.extend(ends.destination.port().to_be_bytes());
            if ends.source.is_ipv4() { 0x11 } else { 0x21 }
        }
    };
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([0x21, family]);
    // Two addresses and two ports: 36 bytes at most.
    bytes.extend(u16::try_from(rest.len()).unwrap_or_default().to_be_bytes());
    bytes.extend(rest);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[expect(clippy::unnecessary_wraps, reason = "as a header has them")]
    fn ends(source: &str, destination: &str) -> Option<Ends> {
        let parse = |text: &str| text.parse().expect("an address");
        Some(Ends {
            source: parse(source),
            destination: parse(destination),
        })
    }

    #[test]
    fn the_examples_of_the_specification_are_read() {
        let line = b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\nGET /";
        let header = parse(line).unwrap().unwrap();
        assert_eq!(header.length, 56);
        assert_eq!(
            header.ends,
            ends("255.255.255.255:65535", "255.255.255.255:65535")
        );
        let unknown = b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n";
        let header = parse(unknown).unwrap().unwrap();
        assert_eq!((header.ends, header.length), (None, unknown.len()));
        let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\x02xyGET";
        assert_eq!(
            parse(local),
            Ok(Some(Header {
                ends: None,
                length: 18
            }))
        );
    }

    #[test]
    fn what_breaks_the_protocol_is_refused() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n",
            b"PROXY TCP4 ::1 ::1 1 1\r\n",
            b"PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n",
            b"PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n",
            b"PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n",
            b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n",
            &[b"PROXY UNKNOWN ", &[b'x'; 100][..]].concat(),
            b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c............",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x03...",
            b"\r\n\r\n\0\r\nQUIT\n\x22\x11\0\x00",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
        ] {
            assert!(parse(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }

    fn addr() -> impl Strategy<Value = SocketAddr> {
        (any::<IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
    }

    proptest! {
        /// What is written is read again, with whatever follows, and not before it is complete.
        #[test]
        fn headers_are_read_as_they_were_written(
            source in addr(), destination in addr(), binary in any::<bool>(),
            after in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let version = if binary { Version::V2 } else { Version::V1 };
            let asked = Ends { source, destination };
            let header = write(version, Some(asked));
            for cut in 0..header.len() {
                prop_assert_eq!(parse(&header[..cut]), Ok(None));
            }
            let read = parse(&[&header[..], &after].concat()).unwrap().unwrap();
            prop_assert_eq!(read.length, header.len());
            let ends = read.ends.unwrap();
            let same = |a: SocketAddr, b: SocketAddr| {
                a.ip().to_canonical() == b.ip().to_canonical() && a.port() == b.port()
            };
            prop_assert!(same(ends.source, source) && same(ends.destination, destination));
        }

        /// Whatever comes: no panic, and never a header longer than what came.
        #[test]
        fn any_bytes_are_taken(
            v2 in any::<bool>(), mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let begin: &[u8] = if v2 { SIGNATURE } else { b"PROXY TCP4 " };
            bytes.splice(0..0, begin.iter().copied());
            if let Ok(Some(header)) = parse(&bytes) {
                prop_assert!(header.length <= bytes.len());
            }
        }
    }
}
