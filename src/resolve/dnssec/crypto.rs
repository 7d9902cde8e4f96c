//! Signatures and digests: the only file that imports ring.
//!
//! Says what is supported, and verifies; whether a key may be trusted is decided elsewhere.
//! Algorithms: RSA with SHA-1 (5, 7), SHA-256 (8) and SHA-512 (10), ECDSA P-256 (13) and P-384
//! (14), Ed25519 (15). SHA-1 is still verified, as RFC 9905 §2 asks of validators while zones use
//! it; proofs that rest on it say so. Everything else, Ed448 (16) and GOST (12) among it, leaves a
//! zone insecure (RFC 4035 §5.2).

use ring::digest::{Algorithm as Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, digest};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// What an algorithm number means (IANA, "DNS Security Algorithm Numbers").
enum Scheme {
    Rsa(&'static RsaParameters),
    /// A curve of which the two coordinates are sent without the octet that SEC 1 puts first.
    Ecdsa(&'static dyn VerificationAlgorithm),
    Eddsa(&'static dyn VerificationAlgorithm),
}

impl Scheme {
    fn of(algorithm: u8) -> Option<Self> {
        Some(match algorithm {
            5 | 7 => Self::Rsa(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
            8 => Self::Rsa(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
            10 => Self::Rsa(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
            13 => Self::Ecdsa(&ECDSA_P256_SHA256_FIXED),
            14 => Self::Ecdsa(&ECDSA_P384_SHA384_FIXED),
            15 => Self::Eddsa(&ED25519),
            _ => return None,
        })
    }
}

/// Whether signatures of an algorithm can be verified here.
pub(super) fn supports(algorithm: u8) -> bool {
    Scheme::of(algorithm).is_some()
}

/// Whether an algorithm rests on SHA-1.
pub(super) fn is_sha1(algorithm: u8) -> bool {
    matches!(algorithm, 5 | 7)
}

/// The mnemonic of an algorithm, or its number.
pub(super) fn algorithm_name(algorithm: u8) -> String {
    let name = match algorithm {
        1 => "RSAMD5",
        3 => "DSA",
        5 => "RSASHA1",
        6 => "DSA-NSEC3-SHA1",
        7 => "RSASHA1-NSEC3-SHA1",
        8 => "RSASHA256",
        10 => "RSASHA512",
        12 => "ECC-GOST",
        13 => "ECDSAP256SHA256",
        14 => "ECDSAP384SHA384",
        15 => "ED25519",
        16 => "ED448",
        17 => "SM2SM3",
        23 => "ECC-GOST12",
        253 => "PRIVATEDNS",
        254 => "PRIVATEOID",
        _ => return format!("algorithm {algorithm}"),
    };
    name.to_owned()
}

/// Whether `signature` over `message` was made with the private half of `public`, which has the
/// form of a DNSKEY record (RFC 3110, RFC 6605 §4, RFC 8080 §3).
pub(super) fn verify(algorithm: u8, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let verified = match Scheme::of(algorithm) {
        None => return false,
        Some(Scheme::Rsa(parameters)) => match rsa(public) {
            Some(key) => key.verify(parameters, message, signature),
            None => return false,
        },
        Some(Scheme::Ecdsa(curve)) => {
            let point = [&[4], public].concat();
            UnparsedPublicKey::new(curve, point).verify(message, signature)
        }
        Some(Scheme::Eddsa(curve)) => {
            UnparsedPublicKey::new(curve, public).verify(message, signature)
        }
    };
    verified.is_ok()
}

/// Exponent and modulus (RFC 3110 §2), without the zeros in front that ring refuses.
fn rsa(public: &[u8]) -> Option<RsaPublicKeyComponents<&[u8]>> {
    let (length, rest) = match *public {
        [0, high, low, ref rest @ ..] => (usize::from(u16::from_be_bytes([high, low])), rest),
        [length, ref rest @ ..] => (usize::from(length), rest),
        [] => return None,
    };
    let (e, n) = rest.split_at_checked(length)?;
    let (e, n) = (significant(e), significant(n));
    (!e.is_empty() && !n.is_empty()).then_some(RsaPublicKeyComponents { n, e })
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&octet| octet == 0).count();
    &number[zeros..]
}

/// How a DS record digests a key (IANA, "Delegation Signer Digest Algorithms").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DigestType {
    Sha1,
    Sha256,
    Sha384,
}

impl DigestType {
    /// The supported ones; 3 (GOST) and newer ones are not.
    pub(super) fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Sha1,
            2 => Self::Sha256,
            4 => Self::Sha384,
            _ => return None,
        })
    }

    pub(super) fn digest(self, octets: &[u8]) -> Vec<u8> {
        let algorithm: &'static Digest = match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
        };
        digest(algorithm, octets).as_ref().to_vec()
    }
}

/// SHA-1, the only hash of NSEC3 (RFC 5155 §11).
pub(super) fn sha1(octets: &[u8]) -> [u8; 20] {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, octets);
    digest.as_ref().try_into().expect("SHA-1 has 20 octets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_signatures_of_any_length_are_refused_not_feared() {
        for algorithm in 0..=255 {
            for length in [0, 1, 2, 3, 32, 64, 65, 96, 130, 260] {
                let octets = vec![3; length];
                assert!(!verify(algorithm, &octets, b"message", &octets));
            }
        }
    }

    #[test]
    fn an_exponent_may_have_a_long_length_and_zeros_in_front() {
        let short = rsa(&[1, 3, 0, 9, 9]).unwrap();
        let long = rsa(&[0, 0, 2, 0, 3, 9, 9]).unwrap();
        assert_eq!((short.e, short.n), (long.e, long.n));
        assert!(rsa(&[5, 1, 1]).is_none());
        assert!(rsa(&[]).is_none());
    }

    /// Made with OpenSSL: an RSA key of 1024 bits, exponent 65537, and its signature over a message.
    const MODULUS: &str = "c0216f3558ad3d339ca232b41138281414c7ae67755b6003952c30d804272af626342b401b273b4917cd7987\
        62ff2c2f40288fef152da9a7a73dc14a556172ff5bc05d5f2975b2ac11d4a70f715d5f967508ff4c52f9da4b\
        028a6124d02aa7136fd782e31cc9f5d0e51c89d0dd82b376b6c2ce8f8f7405133b1c863f30069bcd";
    const SIGNATURE: &str = "83f460f7256aa493dc0e18c3debc191017535dd2bf0a29de9f39673729bf2be7613f53a22b5bcb7ea09ec9db\
        b2cab6f8d6db4bd0fbfdd79cba035e4e5204a98b9666ad0a99713d316bfa18ba77098ad06b4c20ee44ffb2d3\
        e0a3f00445d3e49f6dee910ed714310c67327cd2ba5cae7a24c04387ac59ebc4d2e1d1df6672b5c2";

    #[test]
    fn signatures_with_sha_1_are_still_verified_and_known_as_such() {
        let octets = |hex: &str| data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        let public = [&[3, 1, 0, 1][..], &octets(MODULUS)].concat();
        let signature = octets(SIGNATURE);
        for algorithm in [5, 7] {
            assert!(supports(algorithm) && is_sha1(algorithm));
            assert!(verify(algorithm, &public, b"a message", &signature));
            assert!(!verify(algorithm, &public, b"another message", &signature));
        }
        // The same signature is none of another hash, nor of an algorithm that is not known.
        for algorithm in [8, 10, 12, 16, 200] {
            assert!(!verify(algorithm, &public, b"a message", &signature));
        }
        let unknown = [0, 1, 3, 12, 16, 200].map(supports);
        assert_eq!(unknown, [false; 6]);
    }
}
