//! DNS cookies (RFC 7873, RFC 9018).

use std::fmt;

use crate::resolve::random;

/// Octets of a client's half.
const CLIENT: usize = 8;

/// A cookie as a client sends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Our half.
    pub client: [u8; CLIENT],
    /// The server's half from an earlier reply, 8 to 32 octets; empty in the first question.
    pub server: Vec<u8>,
}

impl Cookie {
    /// Makes a new half for us, from the system's generator.
    #[must_use]
    pub fn random() -> Self {
        Self {
            client: random::bytes(),
            server: Vec::new(),
        }
    }

    /// Reads the data of an option; `None` when it is not 8 or 16 to 40 octets (RFC 7873 §4).
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (client, server) = bytes.split_first_chunk()?;
        let fits = server.is_empty() || (8..=32).contains(&server.len());
        fits.then(|| Self {
            client: *client,
            server: server.to_vec(),
        })
    }

    /// The data of the option.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.client[..], &self.server].concat()
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cookie({:02x?}, {:02x?})", self.client, self.server)
    }
}
