//! Which certificate of a chain is at fault, and why in words: verdicts that name the culprit.
//!
//! The verdict itself is rustls's; here it is only explained, by looking at the same chain again.

use std::time::{SystemTime, UNIX_EPOCH};

use super::certificate::{self, Link};
use super::client::verify::Seen;
use super::explain::{alert_name, certificate as plain, span};
use super::handshake::{ClientAuth, Verification};
use super::library::rustls::pki_types::CertificateDer;
use super::library::rustls::{AlertDescription, CertificateError, Error};
use crate::failure::{Failure, Kind, Stage, Who};

/// The least size of an RSA key that anybody still takes (NIST SP 800-131A, CA/Browser Forum).
const LEAST_RSA: usize = 2048;

/// What is wrong, and with which certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blame {
    pub(super) kind: Kind,
    pub(super) reason: String,
    /// Its place in the chain.
    pub(super) certificate: Option<usize>,
    /// Whether trusting another authority would mend it.
    lacks_trust: bool,
}

impl Blame {
    pub(super) fn new(kind: Kind, certificate: usize, reason: String) -> Self {
        Self {
            kind,
            reason,
            certificate: Some(certificate),
            lacks_trust: false,
        }
    }

    /// Nobody who is trusted vouches for it.
    fn distrust(certificate: usize, reason: String) -> Self {
        Self {
            lacks_trust: true,
            ..Self::new(Kind::TlsUntrusted, certificate, reason)
        }
    }

    pub(super) fn into_failure(self) -> Failure {
        let failure = Failure::new(Stage::Tls, self.kind, self.reason).by(Who::Netkit);
        match self.kind {
            Kind::TlsUntrusted if !self.lacks_trust => failure.hint(
                "only who issued it can mend that; --insecure of `dial` goes on and shows the rest",
            ),
            _ => failure,
        }
    }
}

/// The clock by which certificates are judged, in seconds of the Unix epoch.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// What came of verifying, for a report.
pub(super) fn verification(name: &str, seen: &Seen, insecure: bool) -> Verification {
    let blame = seen
        .error
        .as_ref()
        .map(|error| match of(name, error, seen, now()) {
            Some(blame) => blame,
            None => Blame {
                certificate: None,
                ..Blame::new(Kind::TlsProtocol, 0, error.to_string())
            },
        });
    let also = seen.also.iter();
    let also = also.filter_map(|error| of(name, error, seen, now()).map(|blame| blame.reason));
    Verification {
        ok: blame.is_none(),
        also: also.collect(),
        kind: blame.as_ref().map(|blame| blame.kind),
        certificate: blame.as_ref().and_then(|blame| blame.certificate),
        ignored: insecure && blame.is_some(),
        unproven: seen.unproven,
        reason: blame.map(|blame| blame.reason),
    }
}

/// Explains an error about a chain; `None` when it is about something else.
pub(super) fn of(name: &str, error: &Error, seen: &Seen, now: i64) -> Option<Blame> {
    use CertificateError as C;
    let chain = &seen.chain;
    let Error::InvalidCertificate(why) = error else {
        return None;
    };
    if let (C::ApplicationVerificationFailure, Some(blame)) = (why, &seen.blame) {
        return Some(blame.clone());
    }
    let found = match why {
        C::Expired | C::ExpiredContext { .. } => expired(name, chain, now),
        C::NotValidYet | C::NotValidYetContext { .. } => not_yet_valid(name, chain, now),
        C::UnknownIssuer => Some(unknown_issuer(name, chain)),
        C::BadSignature => weak_key(name, chain)
            .or_else(|| forged(name, chain))
            .or_else(|| in_words(name, why, chain)),
        C::NotValidForName | C::NotValidForNameContext { .. } => other_name(name, chain),
        C::UnsupportedSignatureAlgorithmContext { .. }
        | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            weak_key(name, chain).or_else(|| unknown_signature(name, chain))
        }
        other => weak_key(name, chain)
            .or_else(|| authority_as_server(name, chain))
            .or_else(|| in_words(name, other, chain)),
    };
    Some(found.unwrap_or_else(|| {
        let (kind, reason) = plain(name, why);
        Blame::new(kind, 0, reason)
    }))
}

/// Rules of RFC 5280 that rustls knows by the word of its own library alone.
const RULES: &[(&str, &str)] = &[
    (
        "BadSignature",
        "has a signature that is not by the key of its issuer",
    ),
    (
        "UnsupportedCertVersion",
        "is older than version 3 of X.509, and without extensions it cannot say whom it is for",
    ),
    (
        "UnsupportedCriticalExtension",
        "has a critical extension that nobody here knows",
    ),
    (
        "EndEntityUsedAsCa",
        "signs another, and is not allowed to (CA:FALSE)",
    ),
    (
        "PathLenConstraintViolated",
        "has more authorities below it than it allows (path length)",
    ),
    (
        "NameConstraintViolation",
        "has a name that an authority above it may not sign for",
    ),
];

/// The rule that an error is about, and what breaks it.
pub(super) fn rule(why: &CertificateError) -> Option<(&'static str, &'static str)> {
    let text = format!("{why:?}");
    RULES.iter().find(|(rule, _)| text.contains(rule)).copied()
}

/// The same in words, and the certificate at fault where the rule tells.
fn in_words(name: &str, why: &CertificateError, chain: &[CertificateDer<'_>]) -> Option<Blame> {
    let (rule, words) = rule(why)?;
    let is_ca = |der: &CertificateDer<'_>| certificate::svid(der).is_some_and(|one| one.is_ca);
    let at = match rule {
        "EndEntityUsedAsCa" => {
            (1..chain.len()).find(|at| chain[*at] != chain[0] && !is_ca(&chain[*at]))?
        }
        // The authority that is too far down is the last of those that were sent.
        "PathLenConstraintViolated" => (1..chain.len()).rfind(|at| is_ca(&chain[*at]))?,
        _ => 0,
    };
    let reason = format!("{} {words}", called(name, chain, at));
    Some(Blame::new(Kind::TlsUntrusted, at, reason))
}

/// How a certificate of the chain is called in a sentence.
fn called(name: &str, chain: &[CertificateDer<'_>], at: usize) -> String {
    match at {
        0 => format!("the certificate of {name}"),
        _ => format!(
            "the certificate of {} in the chain of {name}",
            subject(&chain[at])
        ),
    }
}

fn subject(der: &[u8]) -> String {
    let subject = certificate::describe(der, 0, false).subject;
    quoted(subject)
}

fn issuer(der: &[u8]) -> String {
    quoted(certificate::describe(der, 0, false).issuer)
}

/// A name of the peer's choosing, in quotes.
fn quoted(name: Option<String>) -> String {
    format!("{:?}", name.unwrap_or_default())
}

fn expired(name: &str, chain: &[CertificateDer<'_>], now: i64) -> Option<Blame> {
    let ends = |der: &CertificateDer<'_>| certificate::validity(der).map(|(_, ends)| ends);
    let at = chain
        .iter()
        .position(|der| ends(der).is_some_and(|ends| ends < now))?;
    let ago = span(now.saturating_sub(ends(&chain[at])?));
    let reason = format!("{} expired {ago} ago", called(name, chain, at));
    Some(Blame::new(Kind::TlsExpired, at, reason))
}

fn not_yet_valid(name: &str, chain: &[CertificateDer<'_>], now: i64) -> Option<Blame> {
    let begins = |der: &CertificateDer<'_>| certificate::validity(der).map(|(begins, _)| begins);
    let at = chain
        .iter()
        .position(|der| begins(der).is_some_and(|begins| begins > now))?;
    let ahead = span(begins(&chain[at])?.saturating_sub(now));
    let reason = format!(
        "{} is not valid for another {ahead}",
        called(name, chain, at)
    );
    Some(Blame::new(Kind::TlsNotYetValid, at, reason))
}

/// A certificate for somebody else, and for whom.
fn other_name(name: &str, chain: &[CertificateDer<'_>]) -> Option<Blame> {
    let own = certificate::describe(chain.first()?, 0, false);
    let names = own.names.join(", ");
    let reason = match (own.names.is_empty(), own.subject) {
        (false, _) => format!(
            "the certificate is not for {name}: it is for {}",
            names.escape_debug()
        ),
        // Names of hosts are in the alternative names alone (RFC 9525 §2).
        (true, subject) => format!(
            "the certificate is not for {name}: it has no names, and its subject {} does not count",
            quoted(subject)
        ),
    };
    Some(Blame::new(Kind::TlsNameMismatch, 0, reason))
}

/// Follows the chain as far as it goes: who is it that nobody vouches for?
fn unknown_issuer(name: &str, chain: &[CertificateDer<'_>]) -> Blame {
    let untrusted = Blame::distrust;
    let Some(last) = last_of_path(chain) else {
        return untrusted(
            0,
            format!("the certificate of {name} is not signed by a trusted authority"),
        );
    };
    if let Some(forged) = forged(name, chain) {
        return forged;
    }
    let der = &chain[last];
    if certificate::link(der, der) == Link::Stranger {
        let (who, issuer) = (called(name, chain, last), issuer(der));
        let reason = format!(
            "{who} is signed by {issuer}, which is neither trusted nor in the chain that the server sent"
        );
        return untrusted(last, reason);
    }
    let reason = match last {
        0 => format!("the certificate of {name} is signed by nobody but itself, and not trusted"),
        _ => format!(
            "the chain of {name} ends at {}, which signed itself and is not trusted",
            subject(der)
        ),
    };
    untrusted(last, reason)
}

/// The last certificate that can be reached from the first by going from subject to issuer.
fn last_of_path(chain: &[CertificateDer<'_>]) -> Option<usize> {
    let mut path = vec![0];
    chain.first()?;
    loop {
        let at = *path.last()?;
        let next = (0..chain.len())
            // Some servers send one twice.
            .filter(|next| path.iter().all(|seen| chain[*seen] != chain[*next]))
            .find(|next| certificate::link(&chain[at], &chain[*next]) != Link::Stranger);
        match next {
            Some(next) => path.push(next),
            None => return Some(at),
        }
    }
}

/// A certificate that names an issuer in the chain whose key did not sign it.
fn forged(name: &str, chain: &[CertificateDer<'_>]) -> Option<Blame> {
    let signed_by = |at: usize, link: Link| {
        chain
            .iter()
            .any(|issuer| certificate::link(&chain[at], issuer) == link)
    };
    let at = (0..chain.len())
        .find(|at| signed_by(*at, Link::Forged) && !signed_by(*at, Link::Signed))?;
    let reason = format!(
        "the signature on {} is not by the key of its issuer",
        called(name, chain, at)
    );
    Some(Blame::new(Kind::TlsUntrusted, at, reason))
}

/// An authority's certificate where a server's should be (RFC 5280 §4.2.1.9).
fn authority_as_server(name: &str, chain: &[CertificateDer<'_>]) -> Option<Blame> {
    let der = chain.first().filter(|der| certificate::is_authority(der))?;
    let is = |what| format!("the certificate of {name} is {what}");
    Some(match certificate::link(der, der) {
        Link::Stranger => {
            let reason = is("an authority's own (CA:TRUE), not a server's");
            Blame::new(Kind::TlsUntrusted, 0, reason)
        }
        _ => Blame::distrust(
            0,
            is("signed by nobody but itself, and not trusted (it is an authority's: CA:TRUE)"),
        ),
    })
}

/// A signature that nobody verifies any more, or not here.
fn unknown_signature(name: &str, chain: &[CertificateDer<'_>]) -> Option<Blame> {
    let of = |der: &CertificateDer<'_>| certificate::describe(der, 0, false).signature;
    let is_old = |signature: &String| {
        let signature = signature.to_ascii_lowercase();
        signature.contains("sha1") || signature.contains("md5")
    };
    let old = chain
        .iter()
        .position(|der| of(der).as_ref().is_some_and(is_old));
    let at = old.unwrap_or(0);
    let (who, signature) = (called(name, chain, at), of(chain.get(at)?)?);
    let why = match old {
        Some(_) => "which anybody can forge",
        None => "which cannot be verified here",
    };
    let reason = format!("{who} is signed with {signature}, {why}");
    Some(Blame::new(Kind::TlsUntrusted, at, reason))
}

/// An authority of the path whose key is not for signing certificates (RFC 5280 §4.2.1.3): web PKI does
/// not look. Where several could be the issuer, one that may is enough.
pub(super) fn unlawful(name: &str, chain: &[CertificateDer<'_>]) -> Option<Blame> {
    let mut path = vec![0];
    loop {
        let below = chain.get(*path.last()?)?;
        let issuers: Vec<_> = (0..chain.len())
            .filter(|at| path.iter().all(|seen| chain[*seen] != chain[*at]))
            .filter(|at| certificate::link(below, &chain[*at]) == Link::Signed)
            .collect();
        let may = |at: &&usize| certificate::may_sign_certificates(&chain[**at]);
        let Some(at) = issuers.iter().find(may) else {
            let at = *issuers.first()?;
            let who = called(name, chain, at);
            let reason =
                format!("{who} signs another, and its key is not for that (no keyCertSign)");
            return Some(Blame::new(Kind::TlsUntrusted, at, reason));
        };
        path.push(*at);
    }
}

/// Whether nothing that is signed with the key of this certificate can be verified here, right or wrong.
pub(super) fn is_beyond_us(certificate: &[u8], error: &Error) -> bool {
    let is_weak = certificate::rsa_bits(certificate).is_some_and(|bits| bits < LEAST_RSA);
    match error {
        Error::InvalidCertificate(CertificateError::BadSignature) => is_weak,
        Error::InvalidCertificate(_) => true,
        _ => false,
    }
}

fn weak_key(name: &str, chain: &[CertificateDer<'_>]) -> Option<Blame> {
    let weak =
        |der: &CertificateDer<'_>| certificate::rsa_bits(der).filter(|bits| *bits < LEAST_RSA);
    let (at, bits) = chain
        .iter()
        .enumerate()
        .find_map(|(at, der)| weak(der).map(|bits| (at, bits)))?;
    let who = called(name, chain, at);
    let reason = format!(
        "{who} has a key that is too short to be safe: RSA {bits}, and {LEAST_RSA} is the least"
    );
    Some(Blame::new(Kind::TlsUntrusted, at, reason))
}

/// An alert that is about our certificate, or about having none; `None` when it is not.
pub(super) fn refused_client(name: &str, error: &Error, asked: &ClientAuth) -> Option<Failure> {
    use AlertDescription as A;
    let Error::AlertReceived(alert) = error else {
        return None;
    };
    // Who has not asked for a certificate means something else by the same words.
    let of_ours = matches!(
        alert,
        A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
    );
    let about_us = *alert == A::CertificateRequired || asked.requested && of_ours;
    // TLS 1.2 has no alert of its own for a certificate that is missing.
    let missing = asked.requested && !asked.sent && *alert == A::HandshakeFailure;
    if !about_us && !missing {
        return None;
    }
    let alert = alert_name(*alert);
    let (message, hint) = if asked.sent {
        (
            format!("{name} refused our certificate: alert {alert}"),
            "use one that its authorities signed; `client_auth` names them, if the server did",
        )
    } else {
        (
            format!("{name} demands a client certificate: alert {alert}"),
            "give one with --cert FILE --key FILE",
        )
    };
    let failure = Failure::new(Stage::Tls, Kind::TlsClientCertRequired, message);
    Some(
        failure
            .by(Who::Peer)
            .hint(hint)
            .because(super::explain::alert_evidence(error)),
    )
}
