//! One encoded question, and whether a packet is its reply.
//!
//! Pure: the same test for every carrier, apart from where the packet came from, which the
//! connected sockets see to.

use super::ledger::Unusable;
use super::wire::{self, Ask, AskOptions, Rcode, Reply};

/// A question on the wire, with the id that its reply must repeat.
#[derive(Clone, Debug)]
pub struct Query {
    id: u16,
    ask: Ask,
    bytes: Vec<u8>,
}

impl Query {
    /// Encodes a question with a random id.
    #[must_use]
    pub fn new(ask: &Ask, options: AskOptions) -> Self {
        let id = wire::random_id();
        Self {
            id,
            ask: ask.clone(),
            bytes: wire::encode(id, ask, options),
        }
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
            truncated: header.truncated,
        })?;
        match &reply.question {
            Some(question) if *question == self.ask => Ok(reply),
            // A server that could not read the question may repeat none.
            None if is_bare_error(reply.rcode) => Ok(reply),
            _ => Err(Unusable::WrongQuestion),
        }
    }
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
