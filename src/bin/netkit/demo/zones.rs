//! Name servers with zones of their own: two that are signed, and three that lead from the root down.
//!
//! The signatures were made once, by a key that is thrown away; they hold until 2090, but for the one
//! that is to be seen expired.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;

use super::servers::{HEADER, name_length, serve_udp};

/// The key of both signed zones, Ed25519.
const KEY: &str = "nH4f6AwUOPQCgFUTgZFjQdCNUVj537SK4zw4B89rdDg=";
const KEY_TAG: u16 = 28_958;
/// From 2025 until 2090.
const LONG: [u32; 2] = [1_735_689_600, 3_786_912_000];
/// December 2025.
const MONTH: [u32; 2] = [1_764_547_200, 1_767_225_600];
/// What is signed: owner, type, dates, signature.
const SIGNATURES: [(&str, u16, [u32; 2], &str); 4] = [
    (
        "signed.test",
        DNSKEY,
        LONG,
        "WZoP0zT09TUirFLTXHgkeWdRwy1pxX6iP0kSNoUmNJA1BTvhC4I+OuBqf1pbzES2toTNREqQo3F/h0jnd2kaDA==",
    ),
    (
        "signed.test",
        A,
        LONG,
        "YdXzzVvKvGA6TLmcbWK3pRI3ZbZ4y6e9hppk+hqGrPv5ffos+gfjy/Xd33MI+CZ8OD/cEWP2v6FSSRf4n/kyBg==",
    ),
    (
        "expired.test",
        DNSKEY,
        LONG,
        "kzSuTwW4MULYk/0cv0HM0IdWeTqS5OF7HTz9D5FiDDPGDkNnmHUHWICaK+U03DrJgZfUEfY6Hcc1R9NJ5jVeBg==",
    ),
    (
        "expired.test",
        A,
        MONTH,
        "FLBjyEcpXQX0Gi0LczSNPWiVVZNyuD3PqHfhYL/Bk8Qvkaiw/uzKkhMRzvPo7zxE+7LFzTUJDs2HFnsX7/zhCA==",
    ),
];

const A: u16 = 1;
const NS: u16 = 2;
const OPT: u16 = 41;
const RRSIG: u16 = 46;
const DNSKEY: u16 = 48;
/// Seconds that records may be kept; the signatures say the same.
const TTL: u32 = 60;
/// Ports to try until one is free on all three addresses.
const TRIES: usize = 16;

/// The servers, and the file with the key that the signed zones are to be trusted by.
#[derive(Debug)]
pub(super) struct Zones {
    pub(super) signed: SocketAddr,
    pub(super) root: SocketAddr,
    anchor: PathBuf,
}

impl Zones {
    pub(super) fn start() -> io::Result<Self> {
        let anchor = format!("netkit-demo-{}.key", std::process::id());
        let anchor = std::env::temp_dir().join(anchor);
        let lines = ["signed.test", "expired.test"]
            .map(|zone| format!("{zone}. IN DNSKEY 257 3 15 {KEY}\n"));
        std::fs::write(&anchor, lines.concat())?;
        let signed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self {
            signed: serve_udp(signed, |query| reply(&signed_records(), None, query))?,
            root: serve_chain()?,
            anchor,
        })
    }

    pub(super) fn anchor(&self) -> &Path {
        &self.anchor
    }
}

impl Drop for Zones {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.anchor);
    }
}

/// The root, `test` and `netkit.test`, each at an address of its own and all at one port, as name
/// servers are.
fn serve_chain() -> io::Result<SocketAddr> {
    let sockets = at_one_port()?;
    let root = sockets[0].local_addr()?;
    for (at, socket) in sockets.into_iter().enumerate() {
        serve_udp(socket, move |query| {
            reply(&records_of(at), CHAIN.get(at + 1).map(|next| next.0), query)
        })?;
    }
    Ok(root)
}

/// The zones from the root down, the name server of each, and its address.
const CHAIN: [(&str, &str, Ipv4Addr); 3] = [
    ("", "a.root", Ipv4Addr::new(127, 0, 0, 2)),
    ("test", "ns.test", Ipv4Addr::new(127, 0, 0, 3)),
    ("netkit.test", "ns.netkit.test", Ipv4Addr::new(127, 0, 0, 4)),
];

fn at_one_port() -> io::Result<Vec<UdpSocket>> {
    for _ in 0..TRIES {
        let root = UdpSocket::bind((CHAIN[0].2, 0))?;
        let port = root.local_addr()?.port();
        let rest = CHAIN[1..]
            .iter()
            .map(|(_, _, ip)| UdpSocket::bind((*ip, port)));
        let all: io::Result<Vec<_>> = std::iter::once(Ok(root)).chain(rest).collect();
        if all.is_ok() {
            return all;
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// What the server of a zone of the chain knows: its own name server, that of the zone below it, and
/// in the last one the name that is looked for.
fn records_of(at: usize) -> Vec<Record> {
    let mut records = Vec::new();
    for (zone, server, ip) in CHAIN.iter().skip(at).take(2) {
        records.push(Record(zone, NS, wire_name(server)));
        records.push(Record(server, A, ip.octets().into()));
    }
    if at + 1 == CHAIN.len() {
        let here = Ipv4Addr::LOCALHOST.octets().into();
        records.push(Record("demo.netkit.test", A, here));
    }
    records
}

fn signed_records() -> Vec<Record> {
    let mut records = Vec::new();
    for (owner, covered, dates, signature) in SIGNATURES {
        let data = match covered {
            // A key that signs keys, for DNSSEC, Ed25519 (RFC 4034 §2.1).
            DNSKEY => [&[1, 1, 3, 15][..], &decoded(KEY)].concat(),
            _ => Ipv4Addr::LOCALHOST.octets().into(),
        };
        records.push(Record(owner, covered, data));
        let [from, until] = dates.map(u32::to_be_bytes);
        let data = [
            // Type, algorithm, labels (RFC 4034 §3.1).
            &covered.to_be_bytes()[..],
            &[15, 2],
            &TTL.to_be_bytes(),
            &until,
            &from,
            &KEY_TAG.to_be_bytes(),
            &wire_name(owner),
            &decoded(signature),
        ];
        records.push(Record(owner, RRSIG, data.concat()));
    }
    records
}

/// Owner, type and data.
struct Record(&'static str, u16, Vec<u8>);

impl Record {
    fn answers(&self, name: &str, kind: u16) -> bool {
        let covered = (self.1 == RRSIG).then(|| self.2.first_chunk()).flatten();
        let covered = covered.map(|covered| u16::from_be_bytes(*covered));
        self.0 == name && (self.1 == kind || covered == Some(kind))
    }

    fn push(&self, message: &mut Vec<u8>) {
        message.extend(wire_name(self.0));
        message.extend(self.1.to_be_bytes());
        message.extend([0, 1]);
        message.extend(TTL.to_be_bytes());
        message.extend(
            u16::try_from(self.2.len())
                .unwrap_or_default()
                .to_be_bytes(),
        );
        message.extend(&self.2);
    }
}

/// Answers from the records, or with the name server of the zone `below` for what lies in it.
fn reply(records: &[Record], below: Option<&str>, query: &[u8]) -> Option<Vec<u8>> {
    let (id, asks) = (query.get(..2)?, query.get(HEADER..)?);
    let length = name_length(asks)?;
    let question = asks.get(..length + 4)?;
    let name = text_name(&question[..length])?;
    let kind = u16::from_be_bytes([question[length], question[length + 1]]);
    let is_below = below.filter(|zone| {
        let rest = name.strip_suffix(zone);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    let of = |name: &str, kind| {
        let found = records.iter().filter(|record| record.answers(name, kind));
        found.collect::<Vec<_>>()
    };
    let (answers, authority, glue) = match is_below {
        None => (of(&name, kind), Vec::new(), Vec::new()),
        Some(zone) => {
            let server = CHAIN.iter().find(|(own, ..)| *own == zone)?.1;
            (Vec::new(), of(zone, NS), of(server, A))
        }
    };
    let authoritative = if is_below.is_some() { 0x81 } else { 0x85 };
    let counts = [answers.len(), authority.len(), glue.len() + 1];
    let [answered, referred, added] = counts.map(|count| u8::try_from(count).unwrap_or_default());
    let counts = [0, 1, 0, answered, 0, referred, 0, added];
    let mut message = [id, &[authoritative, 0], &counts, question].concat();
    for record in answers.into_iter().chain(authority).chain(glue) {
        record.push(&mut message);
    }
    // EDNS: 1232 octets, DO (RFC 6891 §6.1).
    message.extend([0, 0]);
    message.extend([u8::try_from(OPT).ok()?, 4, 208, 0, 0, 0x80, 0, 0, 0]);
    Some(message)
}

fn wire_name(text: &str) -> Vec<u8> {
    let mut name = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        name.push(u8::try_from(label.len()).unwrap_or_default());
        name.extend(label.as_bytes());
    }
    name.push(0);
    name
}

/// The name in lower case, without a final dot.
fn text_name(mut wire: &[u8]) -> Option<String> {
    let mut labels = Vec::new();
    loop {
        let (length, rest) = wire.split_first()?;
        if *length == 0 {
            break;
        }
        let (label, rest) = rest.split_at_checked(usize::from(*length))?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        wire = rest;
    }
    Some(labels.join("."))
}

fn decoded(base64: &str) -> Vec<u8> {
    // The constants above; the demonstration itself shows that they are right.
    BASE64.decode(base64.as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_below_is_referred_and_its_own_zone_answers() {
        let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04Demo\x06netkit\x04test\0\0\x01\0\x01";
        let counts = |at: usize| {
            let below = CHAIN.get(at + 1).map(|next| next.0);
            let reply = reply(&records_of(at), below, query).unwrap();
            [reply[2] & 4, reply[7], reply[9], reply[11]]
        };
        assert_eq!(
            [counts(0), counts(1), counts(2)],
            [[0, 0, 1, 2], [0, 0, 1, 2], [4, 1, 0, 1]]
        );
    }

    proptest! {
        #[test]
        fn no_datagram_makes_them_panic(bytes: Vec<u8>) {
            let _ = reply(&signed_records(), None, &bytes);
            let _ = reply(&records_of(0), Some("test"), &bytes);
        }
    }
}
