//! What a validation found: the proof of every RRset, the chain of zones it rests on, and the
//! link that breaks it. Its serde form is the group `dnssec` of the JSON contract.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The four outcomes of RFC 4033 §5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An unbroken chain of signatures from a trust anchor.
    Secure,
    /// Proven to lie where nothing is signed, or not in a way that can be verified here.
    Insecure,
    /// Not to be had: no trust anchor above the name, or the server did not give what is needed.
    Indeterminate,
    /// It ought to be signed, and the proof does not hold.
    Bogus,
}

impl Status {
    /// The name used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Indeterminate => "indeterminate",
            Self::Bogus => "bogus",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// What is wrong with a link, or why there is none, as a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// Bogus: the zone is signed and the RRset is not.
    NoSignature,
    /// Bogus: signed only in the name of a zone that does not hold the RRset.
    WrongSigner,
    /// Bogus: the zone has no key with the tag and algorithm of the signature.
    NoKey,
    /// Bogus: the time of the signature is over.
    SignatureExpired,
    /// Bogus: the time of the signature has not come.
    SignatureNotYetValid,
    /// Bogus: the signature does not fit the records.
    SignatureInvalid,
    /// Bogus: signed only with algorithms that cannot be verified, where the parent promises others.
    SignatureUnsupported,
    /// Bogus: the zone gives no keys though its parent has a DS record for it.
    NoDnskey,
    /// Bogus: no key of the zone is the one that a DS record or trust anchor names.
    DsMismatch,
    /// Bogus: nothing proves that the name or type does not exist.
    NoDenial,
    /// Bogus: nothing proves that the wildcard may stand for the name.
    NoWildcardProof,
    /// Bogus: nothing proves that the delegation has no DS record.
    NoDsDenial,
    /// Bogus: verifying it would cost more than any honest zone asks for.
    TooMuchWork,
    /// Insecure: the delegation has no DS record.
    NoDs,
    /// Insecure: the delegation or name lies in an opt-out span of NSEC3.
    OptOut,
    /// Insecure: the DS records name only algorithms or digests that cannot be verified.
    UnsupportedAlgorithm,
    /// Insecure: NSEC3 with too many iterations.
    IterationsTooHigh,
    /// Indeterminate: no trust anchor is at or above the name.
    NoTrustAnchor,
    /// Indeterminate: the server did not answer a question of the chain.
    NotAnswered,
}

impl Code {
    /// The outcome that it leads to.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::NoDs | Self::OptOut | Self::UnsupportedAlgorithm | Self::IterationsTooHigh => {
                Status::Insecure
            }
            Self::NoTrustAnchor | Self::NotAnswered => Status::Indeterminate,
            _ => Status::Bogus,
        }
    }
}

/// Why something is not secure: which link, and what about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reason {
    /// What is wrong, as a code.
    pub code: Code,
    /// The same in words.
    pub text: String,
    /// The owner of the records in question.
    pub name: String,
    /// Their type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// The zone that is to prove them; `null` when none was found.
    pub zone: Option<String>,
    /// The signature or DS record in question; `null` when there is none.
    pub key: Option<KeyRef>,
    /// When the time of the signature begins, RFC 3339; `null` when it is not about a signature.
    pub inception: Option<String>,
    /// When the time of the signature ends, RFC 3339; `null` when it is not about a signature.
    pub expiration: Option<String>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How signatures and DS records name a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRef {
    /// The key's tag (RFC 4034 appendix B).
    pub key_tag: u16,
    /// The algorithm's number.
    pub algorithm: u8,
    /// The algorithm's mnemonic.
    pub algorithm_name: String,
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.key_tag, self.algorithm_name)
    }
}

/// The proof of one RRset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RrsetProof {
    /// Owner.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// The outcome.
    pub status: Status,
    /// Why it is not secure; `null` when it is.
    pub reason: Option<Box<Reason>>,
    /// The signature that proves it; `null` when none does.
    pub signature: Option<SignatureFact>,
    /// The wildcard that stands for the name; `null` when the name is the one that was signed.
    pub wildcard: Option<String>,
}

/// A signature that was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignatureFact {
    /// The zone that signed.
    pub signer: String,
    /// By which key.
    pub key: KeyRef,
    /// When its time begins, RFC 3339.
    pub inception: String,
    /// When its time ends, RFC 3339.
    pub expiration: String,
    /// Seconds until then.
    pub expires_in_s: i64,
}

/// One zone of the chain, from the trust anchor down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// The zone.
    pub zone: String,
    /// Whether its keys are trusted.
    pub status: Status,
    /// Why not; `null` when they are.
    pub reason: Option<Box<Reason>>,
    /// Whether a trust anchor names its keys, instead of the parent's DS records.
    pub anchor: bool,
    /// The DS records of the parent, or of the anchor.
    pub ds: Vec<DsFact>,
    /// Its keys, as far as they were asked for.
    pub keys: Vec<KeyFact>,
}

/// A DS record or a trust anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DsFact {
    /// The key it names.
    pub key: KeyRef,
    /// How its digest was made: 1 SHA-1, 2 SHA-256, 4 SHA-384; `null` for a trust anchor that is a
    /// key itself.
    pub digest_type: Option<u8>,
    /// Whether algorithm and digest can be verified here.
    pub supported: bool,
    /// Whether a key of the zone is the one; `null` when the keys were not compared.
    pub matches: Option<bool>,
}

/// A key of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyFact {
    /// Tag and algorithm.
    pub key: KeyRef,
    /// The flags field: 256 zone key, 257 with secure entry point, 128 revoked.
    pub flags: u16,
    /// Whether a supported DS record or trust anchor names it.
    pub trusted_by_ds: bool,
    /// Whether its signature over the keys was verified.
    pub signs_keys: bool,
}

/// The proof that something does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Denial {
    /// What is denied.
    pub denies: Denies,
    /// The name.
    pub name: String,
    /// The outcome.
    pub status: Status,
    /// Why it is not secure; `null` when it is.
    pub reason: Option<Box<Reason>>,
    /// The records that show it; `null` when none do.
    pub by: Option<DenialBy>,
    /// The longest existing name above; `null` when the proof does not need it.
    pub closest_encloser: Option<String>,
}

/// What is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Denies {
    /// The name, and a wildcard for it.
    Name,
    /// The type at an existing name.
    Type,
    /// The name itself, where a wildcard answered for it.
    CloserName,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DenialBy {
    /// By names in order (RFC 4034 §4).
    Nsec,
    /// By hashes in order (RFC 5155).
    Nsec3,
}

/// The whole of a validation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// The worst outcome of all parts: bogus, indeterminate, insecure, secure.
    pub status: Status,
    /// The link that decided it; `null` when everything is secure.
    pub reason: Option<Box<Reason>>,
    /// The zones from the trust anchor down, as far as they were needed.
    pub chain: Vec<Link>,
    /// The RRsets of the answer, and those of the authority section that proofs rest on.
    pub rrsets: Vec<RrsetProof>,
    /// What is proven not to exist.
    pub denials: Vec<Denial>,
    /// DS and DNSKEY questions asked for it.
    pub questions: u32,
    /// Signatures verified.
    pub verifications: u32,
    /// What is worth knowing beside the outcome.
    pub warnings: Vec<String>,
}

impl Report {
    /// The report on a reply that cannot be validated as it is.
    pub(in crate::resolve) fn indeterminate(name: &str, rtype: &str, text: &str) -> Self {
        Self {
            status: Status::Indeterminate,
            reason: Some(Box::new(Reason {
                code: Code::NotAnswered,
                text: format!("{name} {rtype}: {text}"),
                name: name.to_owned(),
                rtype: rtype.to_owned(),
                zone: None,
                key: None,
                inception: None,
                expiration: None,
            })),
            chain: Vec::new(),
            rrsets: Vec::new(),
            denials: Vec::new(),
            questions: 0,
            verifications: 0,
            warnings: Vec::new(),
        }
    }

    /// This report and that on the reply to which its alias led, by the same validator.
    #[must_use]
    pub(in crate::resolve) fn followed_by(mut self, next: Self) -> Self {
        if next.status > self.status {
            (self.status, self.reason) = (next.status, next.reason);
        }
        self.rrsets.extend(next.rrsets);
        self.denials.extend(next.denials);
        self.warnings.extend(next.warnings);
        Self {
            chain: next.chain,
            questions: next.questions,
            verifications: next.verifications,
            ..self
        }
    }
}
