//! What a beat says, and which reply answers it. Pure: bytes in, verdict out.
//!
//! On a stream replies come in the order of the messages; on datagrams they name their message where
//! the probe can (a nonce, a DNS id), and else answer the oldest one that is still waited for.

use std::hash::{BuildHasher, RandomState};

use super::config::{Probe, does_not_serve};
use super::waiting::{Place, Queue};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};

/// Longest reply that is taken; a peer that sends more without an end does not speak the protocol.
pub(super) const MOST_OF_A_REPLY: usize = 64 * 1024;
/// How much of an unexpected reply is quoted as evidence.
const QUOTED: usize = 64;
/// `netkit`, the nonce and the number in hexadecimal, spaces between, a line feed.
const ECHO_LEN: usize = 6 + 1 + 16 + 1 + 16 + 1;

/// The language of one target's beats.
#[derive(Clone, Debug)]
pub(super) struct Codec {
    probe: Probe,
    datagram: bool,
    /// Tells our echoes from those of others, and shifts our DNS ids.
    nonce: u64,
}

impl Codec {
    pub(super) fn new(probe: &Probe, datagram: bool) -> Self {
        Self {
            probe: probe.clone(),
            datagram,
            // Each RandomState hashes with other keys, which the operating system seeded.
            nonce: RandomState::new().hash_one(0),
        }
    }

    /// What beat `seq` says.
    pub(super) fn message(&self, seq: u64) -> Vec<u8> {
        match &self.probe {
            Probe::Connect => Vec::new(),
            Probe::Echo => format!("netkit {:016x} {seq:016x}\n", self.nonce).into_bytes(),
            Probe::Line { send, .. } => send.clone(),
            Probe::Dns(query) => self.question(query.bytes(), seq),
        }
    }

    fn question(&self, bytes: &[u8], seq: u64) -> Vec<u8> {
        let mut message = Vec::with_capacity(bytes.len() + 2);
        if !self.datagram {
            // RFC 1035 §4.2.2; a query is at most a few hundred octets.
            message.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
        message.extend(self.id(seq).to_be_bytes());
        message.extend(&bytes[2..]);
        message
    }

    #[expect(clippy::cast_possible_truncation, reason = "an id is 16 bits")]
    fn id(&self, seq: u64) -> u16 {
        (self.nonce ^ seq) as u16
    }

    /// How many bytes of a stream's input are the reply to a message of `len` bytes, once they are
    /// there.
    pub(super) fn reply_len(&self, input: &[u8], len: usize) -> Option<usize> {
        let needed = match &self.probe {
            Probe::Line { .. } => return memchr::memchr(b'\n', input).map(|end| end + 1),
            Probe::Dns(_) => {
                let prefix = input.first_chunk::<2>()?;
                usize::from(u16::from_be_bytes(*prefix)) + 2
            }
            Probe::Echo | Probe::Connect => len,
        };
        (input.len() >= needed).then_some(needed)
    }

    /// Whether a wrong reply is a whole one, so that the next one is that of the next message.
    pub(super) fn stays_in_step(&self) -> bool {
        matches!(self.probe, Probe::Line { .. })
    }

    /// Whose reply a datagram is: a place in the queue.
    pub(super) fn owner(&self, datagram: &[u8], queue: &Queue, session: u64) -> Option<Place> {
        match &self.probe {
            Probe::Echo => match self.echoed(datagram) {
                Some(seq) => queue.of_seq(|other| other == seq),
                None => queue.first_request(session),
            },
            Probe::Dns(_) => {
                let id = u16::from_be_bytes(*datagram.first_chunk::<2>()?);
                queue.of_seq(|seq| self.id(seq) == id)
            }
            Probe::Line { .. } | Probe::Connect => queue.first_open(session),
        }
    }

    /// The number in an echo of ours.
    fn echoed(&self, bytes: &[u8]) -> Option<u64> {
        let text = std::str::from_utf8(bytes).ok()?;
        let number = text.strip_prefix(&format!("netkit {:016x} ", self.nonce))?;
        u64::from_str_radix(number.strip_suffix('\n')?, 16).ok()
    }

    /// Whether a reply is what beat `seq` wants; a request takes any.
    pub(super) fn judge(&self, seq: Option<u64>, reply: &[u8]) -> Result<(), Box<Failure>> {
        let Some(seq) = seq else {
            return Ok(());
        };
        let right = match &self.probe {
            Probe::Connect => true,
            Probe::Echo => reply.len() == ECHO_LEN && self.echoed(reply) == Some(seq),
            Probe::Line { expect, .. } => expect.as_ref().is_none_or(|wanted| {
                wanted.is_empty() || reply.windows(wanted.len()).any(|part| part == wanted)
            }),
            Probe::Dns(query) => {
                let packet = if self.datagram { reply } else { &reply[2..] };
                return answered(&query.as_ref().clone().with_id(self.id(seq)), packet);
            }
        };
        if right {
            Ok(())
        } else {
            Err(unexpected(reply))
        }
    }
}

fn answered(query: &crate::resolve::query::Query, packet: &[u8]) -> Result<(), Box<Failure>> {
    let Ok(reply) = query.reply(packet) else {
        return Err(unexpected(packet));
    };
    if !does_not_serve(reply.rcode) {
        return Ok(());
    }
    let kind = match reply.rcode {
        crate::resolve::wire::Rcode::SERVFAIL => Kind::Servfail,
        _ => Kind::DnsRefused,
    };
    let message = format!("the name server answers {}", reply.rcode);
    Err(Box::new(
        Failure::new(Stage::Receive, kind, message).by(Who::Peer),
    ))
}

fn unexpected(reply: &[u8]) -> Box<Failure> {
    let message = format!("{} bytes came, not what was expected", reply.len());
    let first = &reply[..reply.len().min(QUOTED)];
    let text = first.escape_ascii().to_string();
    Box::new(
        Failure::new(Stage::Receive, Kind::UnexpectedReply, message)
            .by(Who::Netkit)
            .because(Evidence::FirstBytes { text }),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::resolve::DomainName;
    use crate::resolve::query::Query;
    use crate::resolve::wire::{Ask, AskOptions, RecordType};

    #[test]
    fn an_echo_answers_its_own_beat_only() {
        let codec = Codec::new(&Probe::Echo, false);
        let message = codec.message(7);
        assert_eq!(message.len(), ECHO_LEN);
        assert_eq!(codec.reply_len(&message[..9], message.len()), None);
        assert_eq!(codec.reply_len(&message, message.len()), Some(ECHO_LEN));
        assert!(codec.judge(Some(7), &message).is_ok());
        assert!(codec.judge(Some(8), &message).is_err());
        let other = Codec::new(&Probe::Echo, false);
        assert!(other.judge(Some(7), &message).is_err(), "another run's");
    }

    #[test]
    fn a_line_ends_with_its_line_feed() {
        let probe = Probe::Line {
            send: b"PING".to_vec(),
            expect: Some(b"PONG".to_vec()),
        };
        let codec = Codec::new(&probe, false);
        assert_eq!(codec.message(1), b"PING");
        assert_eq!(codec.reply_len(b"+PO", 4), None);
        assert_eq!(codec.reply_len(b"+PONG\r\n+PO", 4), Some(7));
        assert!(codec.judge(Some(1), b"+PONG\r\n").is_ok());
        assert!(codec.judge(Some(1), b"-ERR\r\n").is_err());
    }

    #[test]
    fn any_answer_but_servfail_and_refused_is_a_sign_of_life() {
        let ask = Ask::new(DomainName::root(), RecordType::NS);
        let query = Query::new(&ask, &AskOptions::default());
        for datagram in [true, false] {
            let codec = Codec::new(&Probe::Dns(Box::new(query.clone())), datagram);
            let message = codec.message(3);
            let prefix = if datagram { 0 } else { 2 };
            if !datagram {
                assert_eq!(codec.reply_len(&message, 0), Some(message.len()));
            }
            for (rcode, kind) in [
                (0, None),
                (3, None),
                (2, Some(Kind::Servfail)),
                (5, Some(Kind::DnsRefused)),
            ] {
                let mut reply = message.clone();
                (reply[prefix + 2], reply[prefix + 3]) = (0x80, rcode);
                let found = codec.judge(Some(3), &reply).err();
                assert_eq!(
                    found.map(|failure| failure.kind),
                    kind,
                    "{rcode} {datagram}"
                );
            }
            let strange = codec.judge(Some(4), &message).err();
            assert_eq!(
                strange.map(|failure| failure.kind),
                Some(Kind::UnexpectedReply)
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..100), datagram: bool, seq: u64,
        ) {
            let ask = Ask::new(DomainName::root(), RecordType::NS);
            let query = Query::new(&ask, &AskOptions::default());
            for probe in [Probe::Echo, Probe::line(), Probe::Dns(Box::new(query))] {
                let codec = Codec::new(&probe, datagram);
                let _ = codec.owner(&bytes, &Queue::default(), 0);
                if datagram {
                    let _ = codec.judge(Some(seq), &bytes);
                } else if let Some(len) = codec.reply_len(&bytes, bytes.len()) {
                    let _ = codec.judge(Some(seq), &bytes[..len]);
                }
            }
        }
    }
}
