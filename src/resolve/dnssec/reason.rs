//! Reasons in words, made in one place so that the table, the JSON and the tests read the same.

use super::canonical;
use super::crypto;
use super::key::{Ds, Key};
use super::moment;
use super::report::{Code, KeyRef, Reason, SignatureFact};
use super::signature::Signature;
use crate::resolve::DomainName;
use crate::resolve::wire::RecordType;

/// What a reason is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) name: &'a DomainName,
    pub(super) rtype: RecordType,
    /// The zone that is to prove it.
    pub(super) zone: Option<&'a DomainName>,
}

impl Subject<'_> {
    /// A reason without a key; `text` follows the subject: `www.example A: …`.
    pub(super) fn reason(&self, code: Code, text: &str) -> Box<Reason> {
        Box::new(Reason {
            code,
            text: format!("{} {}: {text}", self.name, self.rtype),
            name: self.name.to_string(),
            rtype: self.rtype.to_string(),
            zone: self.zone.map(ToString::to_string),
            key: None,
            inception: None,
            expiration: None,
        })
    }

    /// A reason about one signature at `now`.
    pub(super) fn about(&self, signature: &Signature, code: Code, now: u64) -> Box<Reason> {
        let fact = fact(signature, now);
        let SignatureFact { signer, key, .. } = &fact;
        let ago = moment::span(fact.expires_in_s);
        let until = moment::span(moment::absolute(signature.inception, now) - now.cast_signed());
        let whose = format!("the signature by key {key} of {signer}");
        let text = match code {
            Code::SignatureExpired => format!("{whose} expired {}, {ago} ago", fact.expiration),
            Code::SignatureNotYetValid => {
                format!("{whose} is not valid before {}, in {until}", fact.inception)
            }
            Code::NoKey => format!("{signer} has no key {key}, which signed it"),
            Code::WrongSigner => format!("signed by {signer}, which is not the zone that holds it"),
            Code::SignatureUnsupported => format!("{whose} cannot be verified here"),
            _ if canonical::label_count(self.name) < usize::from(signature.labels) => {
                format!("{whose} is over a longer name")
            }
            _ => format!("{whose} does not fit the records"),
        };
        let mut reason = self.reason(code, &text);
        reason.key = Some(key.clone());
        reason.inception = Some(fact.inception.clone());
        reason.expiration = Some(fact.expiration.clone());
        reason
    }
}

/// How records name a key.
pub(super) fn key_ref(key_tag: u16, algorithm: u8) -> KeyRef {
    KeyRef {
        key_tag,
        algorithm,
        algorithm_name: crypto::algorithm_name(algorithm),
    }
}

/// A list of DS records or keys for a sentence.
pub(super) fn listed(keys: impl Iterator<Item = KeyRef>) -> String {
    let mut names: Vec<_> = keys.map(|key| key.to_string()).collect();
    names.dedup();
    match &names[..] {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

impl From<&Ds> for KeyRef {
    fn from(ds: &Ds) -> Self {
        key_ref(ds.key_tag, ds.algorithm)
    }
}

impl From<&Key> for KeyRef {
    fn from(key: &Key) -> Self {
        key_ref(key.tag, key.algorithm)
    }
}

/// A signature as reports show it.
pub(super) fn fact(signature: &Signature, now: u64) -> SignatureFact {
    let expiration = moment::absolute(signature.expiration, now);
    SignatureFact {
        signer: signature.signer.to_string(),
        key: key_ref(signature.key_tag, signature.algorithm),
        inception: moment::rfc3339(moment::absolute(signature.inception, now)),
        expiration: moment::rfc3339(expiration),
        expires_in_s: expiration - now.cast_signed(),
    }
}
