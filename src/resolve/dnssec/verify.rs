//! One RRset against the keys of one zone (RFC 4035 §5.3).

use super::budget::{Budget, MAX_PER_RRSET, MAX_RECORDS};
use super::canonical;
use super::crypto;
use super::key::Key;
use super::reason::Subject;
use super::record::RrSet;
use super::report::{Code, Reason};
use super::signature::{Signature, Validity};
use crate::resolve::DomainName;

/// A signature that fits.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) signature: Signature,
    /// The wildcard that was signed in place of the owner.
    pub(super) wildcard: Option<DomainName>,
}

/// The zone whose keys are tried, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyring<'a> {
    pub(super) zone: &'a DomainName,
    pub(super) keys: &'a [Key],
    pub(super) now: u64,
}

impl Keyring<'_> {
    /// Finds a signature that proves the set; the reason otherwise is that of the signature that got
    /// furthest.
    pub(super) fn verify(&self, set: &RrSet<'_>, budget: &mut Budget) -> Result<Signed, Reason> {
        let mut work = Work {
            budget,
            left: MAX_PER_RRSET,
        };
        let subject = self.subject(set);
        let mut best: Option<(Code, &Signature)> = None;
        for signature in set.signatures.iter().take(MAX_RECORDS) {
            match self.check(set, signature, &mut work) {
                Ok(()) => return Ok(signed(set, signature)),
                Err(Code::TooMuchWork) => return Err(too_much_work(&subject)),
                Err(code) if best.is_none_or(|(other, _)| rank(other) < rank(code)) => {
                    best = Some((code, signature));
                }
                Err(_) => {}
            }
        }
        Err(match best {
            Some((code, signature)) => subject.about(signature, code, self.now),
            None => self.unsigned(set),
        })
    }

    fn subject<'s>(&'s self, set: &'s RrSet<'_>) -> Subject<'s> {
        Subject {
            name: set.name,
            rtype: set.rtype,
            zone: Some(self.zone),
        }
    }

    /// The reason of a set without any signature.
    pub(super) fn unsigned(&self, set: &RrSet<'_>) -> Reason {
        let text = format!("no signature, and the zone {} is signed", self.zone);
        self.subject(set).reason(Code::NoSignature, &text)
    }

    /// The steps of RFC 4035 §5.3.1 and §5.3.3, cheapest first.
    fn check(
        &self,
        set: &RrSet<'_>,
        signature: &Signature,
        work: &mut Work<'_>,
    ) -> Result<(), Code> {
        if signature.signer != *self.zone || !set.name.is_within(self.zone) {
            return Err(Code::WrongSigner);
        }
        if usize::from(signature.labels) > canonical::label_count(set.name) {
            return Err(Code::SignatureInvalid);
        }
        if !crypto::supports(signature.algorithm) {
            return Err(Code::SignatureUnsupported);
        }
        match signature.validity(serial(self.now)) {
            Validity::NotYet => return Err(Code::SignatureNotYetValid),
            Validity::Over => return Err(Code::SignatureExpired),
            Validity::Now => {}
        }
        self.check_keys(set, signature, work)
    }

    /// Tries every key that has the tag; more than one is rare in honest zones.
    fn check_keys(
        &self,
        set: &RrSet<'_>,
        signature: &Signature,
        work: &mut Work<'_>,
    ) -> Result<(), Code> {
        let fits =
            |key: &&Key| key.tag == signature.key_tag && key.algorithm == signature.algorithm;
        let mut outcome = Err(Code::NoKey);
        let message = canonical::signed(set, signature);
        for key in self
            .keys
            .iter()
            .filter(|key| key.is_zone_key())
            .filter(fits)
        {
            work.pay()?;
            if crypto::verify(key.algorithm, key.public(), &message, &signature.octets) {
                return Ok(());
            }
            outcome = Err(Code::SignatureInvalid);
        }
        outcome
    }
}

/// What one set may cost, within what the validation may cost.
struct Work<'a> {
    budget: &'a mut Budget,
    left: u32,
}

impl Work<'_> {
    fn pay(&mut self) -> Result<(), Code> {
        let paid = self.budget.verification();
        self.left = self.left.checked_sub(1).ok_or(Code::TooMuchWork)?;
        paid.map_err(|_| Code::TooMuchWork)
    }
}

/// The moment as signatures have it, on the circle of 32 bits.
fn serial(now: u64) -> u32 {
    u32::try_from(now & 0xffff_ffff).expect("it was cut to 32 bits")
}

/// How far a signature got.
fn rank(code: Code) -> u8 {
    match code {
        Code::WrongSigner => 0,
        Code::SignatureUnsupported => 1,
        Code::NoKey => 2,
        Code::SignatureNotYetValid | Code::SignatureExpired => 3,
        _ => 4,
    }
}

pub(super) fn too_much_work(subject: &Subject<'_>) -> Reason {
    let text = "more signatures, keys or hashes to try than any honest zone has";
    subject.reason(Code::TooMuchWork, text)
}

fn signed(set: &RrSet<'_>, signature: &Signature) -> Signed {
    let labels = usize::from(signature.labels);
    let wildcard = (labels < canonical::label_count(set.name)).then(|| {
        let star = DomainName::from_labels([&b"*"[..]]).expect("a star is a label");
        let below = star.below(&canonical::suffix(set.name, labels));
        below.expect("it is shorter than the owner")
    });
    Signed {
        signature: signature.clone(),
        wildcard,
    }
}
