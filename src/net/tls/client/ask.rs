//! The server's wish to know who we are: answering it, and remembering that it was uttered.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::certificate::distinguished_name;
use super::super::handshake::ClientAuth;
use super::super::library::rustls::SignatureScheme;
use super::super::library::rustls::client::ResolvesClientCert;
use super::super::library::rustls::sign::CertifiedKey;

/// Names of authorities that are kept; a server may list thousands.
const MOST_AUTHORITIES: usize = 64;

/// Our answer to a server that asks for a certificate.
#[derive(Debug)]
pub(super) struct Answer {
    identity: Option<Arc<CertifiedKey>>,
    seen: Mutex<ClientAuth>,
}

impl Answer {
    pub(super) fn new(identity: Option<Arc<CertifiedKey>>) -> Self {
        let seen = Mutex::default();
        Self { identity, seen }
    }

    /// The same answer for another handshake.
    pub(super) fn fresh(&self) -> Self {
        Self::new(self.identity.clone())
    }

    /// What the last handshake showed.
    pub(super) fn seen(&self) -> ClientAuth {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }
}

impl ResolvesClientCert for Answer {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let usable =
            |identity: &&Arc<CertifiedKey>| identity.key.choose_scheme(sigschemes).is_some();
        let answer = self.identity.as_ref().filter(usable).cloned();
        let named = root_hint_subjects.iter().take(MOST_AUTHORITIES);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = ClientAuth {
            requested: true,
            sent: answer.is_some(),
            authorities: named.filter_map(|der| distinguished_name(der)).collect(),
        };
        answer
    }

    fn has_certs(&self) -> bool {
        // Otherwise `resolve` need not be asked, and nothing would be learned.
        true
    }
}
