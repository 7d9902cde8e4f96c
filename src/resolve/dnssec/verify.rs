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
    pub(super) fn verify(
        &self,
        set: &RrSet<'_>,
        budget: &mut Budget,
    ) -> Result<Signed, Box<Reason>> {
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
    pub(super) fn unsigned(&self, set: &RrSet<'_>) -> Box<Reason> {
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

pub(super) fn too_much_work(subject: &Subject<'_>) -> Box<Reason> {
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

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;
    use crate::resolve::wire::RecordType;

    /// A zone's key and a signature by it, from the RFC that defines the algorithm.
    struct Example {
        zone: &'static str,
        key: (u8, &'static str),
        owner: &'static str,
        rtype: RecordType,
        rdata: &'static [u8],
        labels: u8,
        times: (u32, u32),
        signature: &'static str,
    }

    const EXAMPLES: [Example; 3] = [
        // RFC 6605 §6.1
        Example {
            zone: "example.net",
            key: (
                13,
                "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
            ),
            owner: "www.example.net",
            rtype: RecordType::A,
            rdata: &[192, 0, 2, 1],
            labels: 3,
            times: (1_281_607_479, 1_284_026_679),
            signature: "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
        },
        // RFC 6605 §6.2
        Example {
            zone: "example.net",
            key: (
                14,
                "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
            ),
            owner: "www.example.net",
            rtype: RecordType::A,
            rdata: &[192, 0, 2, 1],
            labels: 3,
            times: (1_281_608_425, 1_284_027_625),
            signature: "/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm",
        },
        // RFC 8080 §6.1
        Example {
            zone: "example.com",
            key: (15, "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="),
            owner: "example.com",
            rtype: RecordType(15),
            rdata: b"\x00\x0a\x04mail\x07example\x03com\x00",
            labels: 2,
            times: (1_438_207_200, 1_440_021_600),
            signature: "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
        },
    ];

    impl Example {
        fn key(&self) -> Key {
            let public = BASE64.decode(self.key.1.as_bytes()).unwrap();
            Key::parse(&[&[1, 1, 3, self.key.0], &public[..]].concat()).unwrap()
        }

        fn signature(&self) -> Signature {
            let zone = DomainName::parse(self.zone).unwrap();
            let mut rdata = self.rtype.0.to_be_bytes().to_vec();
            rdata.extend([self.key.0, self.labels]);
            rdata.extend(3_600_u32.to_be_bytes());
            rdata.extend(self.times.1.to_be_bytes());
            rdata.extend(self.times.0.to_be_bytes());
            rdata.extend(self.key().tag.to_be_bytes());
            rdata.extend(canonical::name(&zone));
            rdata.extend(BASE64.decode(self.signature.as_bytes()).unwrap());
            Signature::parse(&rdata).unwrap()
        }

        fn verify(&self, rdata: &[u8], now: u32) -> Result<Signed, Code> {
            let (zone, owner) = (self.zone, self.owner);
            let [zone, owner] = [zone, owner].map(|text| DomainName::parse(text).unwrap());
            let set = RrSet {
                name: &owner,
                rtype: self.rtype,
                rdatas: vec![rdata],
                signatures: vec![self.signature()],
            };
            let ring = Keyring {
                zone: &zone,
                keys: &[self.key()],
                now: u64::from(now),
            };
            let verified = ring.verify(&set, &mut Budget::default());
            verified.map_err(|reason| reason.code)
        }
    }

    #[test]
    fn the_signatures_of_the_rfcs_are_verified() {
        for example in &EXAMPLES {
            let (from, to) = example.times;
            let at = |now| example.verify(example.rdata, now).map(|_| ());
            assert_eq!(at(from), Ok(()), "{}", example.key.0);
            assert_eq!(at(from - 1), Err(Code::SignatureNotYetValid));
            assert_eq!(at(to + 1), Err(Code::SignatureExpired));
            let mut changed = example.rdata.to_vec();
            changed[1] ^= 1;
            let outcome = example.verify(&changed, from).map(|_| ());
            assert_eq!(outcome, Err(Code::SignatureInvalid));
        }
    }
}
