//! One encoded question, and whether a packet is its reply.
//!
//! Pure: the same test for every carrier, apart from where the packet came from, which the
//! connected sockets see to.

use super::edns::Cookie;
use super::ledger::Unusable;
use super::message::{HEADER, Message};
use super::name::DomainName;
use super::random;
use super::registry::OptionCode;
use super::wire::{self, Ask, AskOptions, Rcode, Reply};

/// A question on the wire, with the id that its reply must repeat.
#[derive(Clone, Debug)]
pub struct Query {
    id: u16,
    ask: Ask,
    /// The name as it was to be asked, where its case is random and the reply must repeat it.
    plain: Option<DomainName>,
    cookie: Option<Cookie>,
    bytes: Vec<u8>,
}

impl Query {
    /// Encodes a question with a random id, and random case if the options say so.
    #[must_use]
    pub fn new(ask: &Ask, options: &AskOptions) -> Self {
        let id = wire::random_id();
        let mut ask = ask.clone();
        let plain = options.random_case.then(|| ask.name.clone());
        if options.random_case {
            ask.name = ask.name.with_case(coins());
        }
        Self {
            id,
            plain,
            cookie: options.edns.as_ref().and_then(|edns| edns.cookie.clone()),
            bytes: wire::encode(id, &ask, options),
            ask,
        }
    }

    /// The same question with another id.
    #[must_use]
    pub fn with_id(mut self, id: u16) -> Self {
        self.id = id;
        self.bytes[..2].copy_from_slice(&id.to_be_bytes());
        self
    }

    /// The id that the reply must repeat.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.id
    }

    /// What is asked, in the case that it is asked in.
    #[must_use]
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The message to send.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes a packet for the reply, or says why not. The id is judged first, so that a packet
    /// meant for somebody else never counts as malformed.
    pub fn reply(&self, packet: &[u8]) -> Result<Reply, Unusable> {
        let header = wire::peek(packet).ok_or_else(|| Unusable::Malformed {
            fault: Message::new(packet).err(),
            reason: format!("{} octets are no header", packet.len()),
            truncated: false,
        })?;
        if header.id != self.id {
            return Err(Unusable::WrongId { id: header.id });
        }
        if !header.response {
            return Err(Unusable::NotAResponse);
        }
        let reply = wire::decode(packet).map_err(|error| Unusable::Malformed {
            reason: error.to_string(),
            fault: Some(error),
            truncated: header.truncated,
        })?;
        match reply.message().question() {
            Some(question) if !self.ask.is(&question) => return Err(Unusable::WrongQuestion),
            Some(question) if self.plain.is_some() && !question.name.is_exactly(&self.ask.name) => {
                return Err(Unusable::WrongCase);
            }
            // A server that could not read the question may repeat none.
            None if !is_bare_error(reply.rcode) => return Err(Unusable::WrongQuestion),
            _ => {}
        }
        if self.is_foreign_cookie(&reply) {
            return Err(Unusable::WrongCookie);
        }
        Ok(self.in_plain_case(packet).unwrap_or(reply))
    }

    /// The reply with the question as it was to be asked: names that are compressed point into it,
    /// and coins of ours are nothing that the server has said. `None` where no coin was thrown.
    fn in_plain_case(&self, packet: &[u8]) -> Option<Reply> {
        let plain = self.plain.as_ref()?.as_wire();
        let question = HEADER..HEADER + plain.len();
        let mut packet = packet.to_vec();
        if packet.get(question.clone())? != self.ask.name.as_wire() {
            return None;
        }
        packet[question].copy_from_slice(plain);
        wire::decode(&packet).ok()
    }

    /// Whether a cookie came back that is not ours: then somebody guesses (RFC 7873 §5.3).
    fn is_foreign_cookie(&self, reply: &Reply) -> bool {
        let Some(ours) = &self.cookie else {
            return false;
        };
        let edns = reply.edns.as_ref();
        let option = edns.and_then(|edns| edns.option(OptionCode::COOKIE));
        option.is_some_and(|option| option.data.get(..8) != Some(&ours.client))
    }
}

/// Random bits, one at a time.
fn coins() -> impl FnMut() -> bool {
    // A name has at most 253 letters.
    let bits: [u8; 32] = random::bytes();
    let mut bits = bits
        .into_iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
    move || bits.next().unwrap_or_default()
}

fn is_bare_error(rcode: Rcode) -> bool {
    [
        Rcode::FORMERR,
        Rcode::SERVFAIL,
        Rcode::NOTIMP,
        Rcode::REFUSED,
    ]
    .contains(&rcode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::wire::RecordType;

    fn query() -> Query {
        let ask = Ask::new(DomainName::parse("www.example").unwrap(), RecordType::A);
        let options = AskOptions {
            edns: None,
            ..AskOptions::default()
        };
        Query::new(&ask, &options)
    }

    /// The question sent back with QR set, and changed.
    fn echo(query: &Query, change: impl FnOnce(&mut Vec<u8>)) -> Result<Reply, Unusable> {
        let mut packet = query.bytes().to_vec();
        packet[2] |= 0x80;
        change(&mut packet);
        query.reply(&packet)
    }

    #[test]
    fn only_a_response_with_our_id_and_question_is_the_reply() {
        let query = query();
        assert!(echo(&query, |_| {}).is_ok());
        assert!(
            echo(&query, |packet| packet[13] = b'W').is_ok(),
            "case does not matter"
        );
        let wrong_id = Unusable::WrongId { id: query.id ^ 1 };
        assert_eq!(echo(&query, |packet| packet[1] ^= 1), Err(wrong_id));
        assert_eq!(
            echo(&query, |packet| packet[2] = 1),
            Err(Unusable::NotAResponse)
        );
        let other = echo(&query, |packet| packet[13] = b'x');
        assert_eq!(other, Err(Unusable::WrongQuestion));
        let type_aaaa = echo(&query, |packet| {
            *packet.iter_mut().nth_back(2).unwrap() = 28;
        });
        assert_eq!(type_aaaa, Err(Unusable::WrongQuestion));
        let class_chaos = echo(&query, |packet| *packet.last_mut().unwrap() = 3);
        assert_eq!(class_chaos, Err(Unusable::WrongQuestion));
    }

    #[test]
    fn random_case_must_come_back_and_is_not_shown() {
        let ask = Ask::new(DomainName::parse("wWw.example").unwrap(), RecordType::A);
        let options = AskOptions {
            random_case: true,
            ..AskOptions::default()
        };
        for query in (0..64).map(|_| Query::new(&ask, &options)) {
            let reply = echo(&query, |_| {}).unwrap();
            let question = reply.message().question().unwrap();
            assert!(question.name.is_exactly(&ask.name), "{question:?}");
            let folded = echo(&query, |packet| packet[13] ^= 0x20);
            assert_eq!(folded, Err(Unusable::WrongCase));
        }
    }

    #[test]
    fn a_bare_header_is_a_reply_when_it_is_an_error_only() {
        let bare = |rcode| {
            move |packet: &mut Vec<u8>| {
                packet.truncate(12);
                packet[3] = rcode;
                packet[5] = 0;
            }
        };
        let query = query();
        assert_eq!(
            echo(&query, bare(1)).map(|reply| reply.rcode),
            Ok(Rcode::FORMERR)
        );
        for rcode in [0, 3] {
            assert_eq!(echo(&query, bare(rcode)), Err(Unusable::WrongQuestion));
        }
    }

    #[test]
    fn what_cannot_be_read_is_malformed_and_says_whether_it_was_cut() {
        let query = query();
        for (flag, cut) in [(0x80, false), (0x82, true)] {
            let garbled = echo(&query, |packet| {
                packet[2] = flag;
                packet[7] = 1;
            });
            let why = garbled.unwrap_err();
            assert!(why.is_bad_reply(), "{why:?}");
            assert_eq!(why.is_truncated(), cut, "{why:?}");
        }
        let stub = query.reply(&query.bytes()[..11]).unwrap_err();
        assert_eq!(stub.to_string(), "malformed: 11 octets are no header");
    }

    #[test]
    fn ids_are_not_the_same_each_time() {
        let ids: std::collections::HashSet<_> = (0..64).map(|_| query().id).collect();
        assert!(ids.len() > 32, "{ids:?}");
    }
}
