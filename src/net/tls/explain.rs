//! Why a handshake failed: the errors of rustls and what the peer sent first become typed failures.
//!
//! The same for both sides: whoever the peer is, it has a name to be called by.

use std::io;

use super::UNANNOUNCED;
use super::facts::text;
use super::library::rustls::pki_types::UnixTime;
use super::library::rustls::{
    AlertDescription, AlertDescription as A, CertificateError, Error, HandshakeType,
    InvalidMessage, PeerIncompatible,
};
use super::sniff::{Came, Sniffed};
use crate::deadline::Expired;
use crate::failure::{Evidence, Failure, Kind, Stage, Who};

pub(super) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// The deadline came before the end of the handshake.
pub(super) fn unfinished(name: &str, expired: Expired, came: &Came) -> Failure {
    let message = match expired {
        Expired::Cancelled => format!("the TLS handshake with {name} was interrupted"),
        Expired::TimedOut if came.count == 0 => {
            format!("{name} accepted the connection and did not say a word of TLS in time")
        }
        Expired::TimedOut => format!("the TLS handshake with {name} did not finish in time"),
    };
    let failure = Failure::new(Stage::Tls, Kind::Timeout, message);
    if came.count == 0 {
        return failure;
    }
    let failure = failure.because(first_bytes(came));
    if !is_tls(&came.bytes) {
        return failure;
    }
    match came.bytes.get(..7) {
        // A whole alert that is only a warning (RFC 5246 §7.2): its level, and what it is about.
        Some(&[ALERT, _, _, 0, 2, 1, code]) => {
            let name = alert_name(code.into());
            failure
                .because(Evidence::TlsAlert { code, name })
                .hint("it warned and then said no more: the alert tells of what")
        }
        _ => failure
            .hint("it began to speak TLS and stopped, or is slow: give it longer (--timeout)"),
    }
}

/// The type of a record with an alert (RFC 8446 §5.1).
pub(super) const ALERT: u8 = 21;

/// Whether it begins as every record of TLS does: one of four types, major version 3.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=23, 3, ..] | [20..=23])
}

/// The peer has closed the connection, and not TLS (RFC 8446 §6.1).
pub(super) fn cut(name: &str, stage: Stage) -> Failure {
    let message = format!("{name} closed the connection {UNANNOUNCED}");
    Failure::new(stage, Kind::ClosedEarly, message)
        .by(Who::Peer)
        .hint("the service may have died, or it ends TLS carelessly; somebody in between can do it too")
}

fn first_bytes(came: &Came) -> Evidence {
    let text = text(&came.bytes);
    Evidence::FirstBytes { text }
}

/// Explains a handshake that failed, by its error and by what the peer sent first.
pub(super) fn explain(name: &str, error: &io::Error, sniffed: &Sniffed, came: &Came) -> Failure {
    if let Some(tls) = tls_error(error) {
        let failure = classify(name, tls);
        return match failure.kind {
            _ if is_echo(tls) => not_tls(name, came),
            Kind::TlsNotTls if is_tls(&came.bytes) => broke_the_rules(name, tls),
            Kind::TlsNotTls => not_tls(name, came),
            _ => failure,
        };
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let message = format!("{name} closed the connection during the TLS handshake");
        let after_bytes = came.count;
        let failure = Failure::new(Stage::Tls, Kind::TlsProtocol, message)
            .by(Who::Peer)
            .because(Evidence::Fin { after_bytes });
        return match after_bytes {
            0 => failure.hint(
                "what listens there may not speak TLS, or not before it is asked to (--starttls)",
            ),
            _ => failure,
        };
    }
    sniffed.inner().explain(Stage::Tls, error)
}

/// A server was to speak, and what came is how a client begins.
fn is_echo(error: &Error) -> bool {
    let Error::InappropriateHandshakeMessage {
        expect_types,
        got_type,
    } = error
    else {
        return false;
    };
    *got_type == HandshakeType::ClientHello && expect_types.contains(&HandshakeType::ServerHello)
}

/// What answered speaks something else: what it said, and what that looks like.
fn not_tls(name: &str, came: &Came) -> Failure {
    let guess = guess(&came.bytes);
    let message = match guess {
        Some((protocol, _)) => {
            format!("{name} does not speak TLS on this port: this is {protocol}")
        }
        None => format!("{name} does not speak TLS on this port"),
    };
    let failure = Failure::new(Stage::Tls, Kind::TlsNotTls, message)
        .by(Who::Peer)
        .because(first_bytes(came));
    match guess {
        Some((_, Some(hint))) => failure.hint(hint),
        _ => failure,
    }
}

/// What protocol begins so, and what to do about it.
pub(super) fn guess(first: &[u8]) -> Option<(&'static str, Option<&'static str>)> {
    const KNOWN: &[(&[u8], &str, Option<&str>)] = &[
        (
            b"HTTP/",
            "plain HTTP",
            Some("leave --tls out, or dial the port of HTTPS"),
        ),
        (
            b"<!DOCTYPE",
            "plain HTTP",
            Some("leave --tls out, or dial the port of HTTPS"),
        ),
        (
            b"<html",
            "plain HTTP",
            Some("leave --tls out, or dial the port of HTTPS"),
        ),
        (
            b"SSH-",
            "SSH",
            Some("SSH has encryption of its own: leave --tls out"),
        ),
        (
            b"* OK",
            "IMAP",
            Some("it may speak TLS when asked to: --starttls imap"),
        ),
        (
            b"+OK",
            "POP3",
            Some("it may speak TLS when asked to: --starttls pop3"),
        ),
        (b"-ERR", "POP3 or Redis", None),
        (b"RFB ", "VNC", None),
        (
            b"<?xml",
            "XMPP",
            Some("it may speak TLS when asked to: --starttls xmpp"),
        ),
        (
            b"<stream",
            "XMPP",
            Some("it may speak TLS when asked to: --starttls xmpp"),
        ),
        (b"AMQP", "AMQP", None),
    ];
    if let Some((_, protocol, hint)) = KNOWN.iter().find(|(start, ..)| first.starts_with(start)) {
        return Some((protocol, *hint));
    }
    if first.starts_with(b"220") {
        return Some(by_greeting(first));
    }
    by_octets(first)
}

/// Protocols whose first bytes are no text.
fn by_octets(first: &[u8]) -> Option<(&'static str, Option<&'static str>)> {
    // A record of the handshake, whatever its version and length, with a ClientHello.
    if first.first() == Some(&22) && first.get(5) == Some(&1) {
        return Some((
            "the ClientHello that it was sent, echoed",
            Some("leave --tls out: what listens there sends back what it is sent"),
        ));
    }
    // Length of the packet, its number 0, version 10 of the protocol.
    if first.get(3..5) == Some(&[0, 10]) {
        return Some((
            "MySQL",
            Some("it may speak TLS when asked to: --starttls mysql"),
        ));
    }
    None
}

/// SMTP and FTP greet with the same number.
fn by_greeting(first: &[u8]) -> (&'static str, Option<&'static str>) {
    let text = String::from_utf8_lossy(first).to_ascii_uppercase();
    if text.contains("FTP") {
        (
            "FTP",
            Some("it may speak TLS when asked to: --starttls ftp"),
        )
    } else if text.contains("SMTP") {
        (
            "SMTP",
            Some("it may speak TLS when asked to: --starttls smtp"),
        )
    } else {
        (
            "SMTP or FTP",
            Some("it may speak TLS when asked to: --starttls smtp or ftp"),
        )
    }
}

/// Gives an error of the protocol its kind.
pub(super) fn classify(name: &str, error: &Error) -> Failure {
    let (kind, message) = match error {
        Error::InvalidCertificate(why) => certificate(name, why),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => (
            Kind::TlsNotTls,
            format!("{name} does not speak TLS on this port"),
        ),
        Error::InvalidMessage(_) | Error::PeerMisbehaved(_) => {
            return broke_the_rules(name, error);
        }
        Error::AlertReceived(alert) => alerted(name, *alert),
        Error::PeerIncompatible(why) => (
            Kind::TlsProtocol,
            format!("{name} and netkit have no TLS in common: {}", lacking(why)),
        ),
        Error::NoApplicationProtocol => (
            Kind::TlsProtocol,
            format!("{name} speaks none of the protocols offered (ALPN)"),
        ),
        Error::NoCertificatesPresented => (
            Kind::TlsClientCertRequired,
            format!("{name} showed no certificate, and has to"),
        ),
        other => (
            Kind::TlsProtocol,
            format!("the TLS handshake with {name} failed: {other}"),
        ),
    };
    let failure = Failure::new(Stage::Tls, kind, message).by(Who::Peer);
    let failure = match hint(error) {
        Some(hint) => failure.hint(hint),
        None => failure,
    };
    match error {
        Error::AlertReceived(_) => failure.because(alert_evidence(error)),
        _ => failure,
    }
}

/// What came is TLS, and not as it has to be.
fn broke_the_rules(name: &str, error: &Error) -> Failure {
    let what = match error {
        Error::InvalidMessage(why) => words(why),
        Error::PeerMisbehaved(why) => words(why),
        other => other.to_string(),
    };
    let message = format!("{name} broke the rules of TLS: {what}");
    Failure::new(Stage::Tls, Kind::TlsProtocol, message).by(Who::Peer)
}

/// An error of a session that stands.
pub(super) fn established(name: &str, error: &Error) -> Failure {
    let message = match error {
        Error::AlertReceived(A::CertificateRequired) => return classify(name, error),
        Error::AlertReceived(alert) => format!("{name} ended TLS: alert {}", alert_name(*alert)),
        Error::DecryptError => {
            format!("{name} sent what cannot be decrypted: it was changed on the way, or is no TLS")
        }
        _ => return broke_the_rules(name, error),
    };
    let failure = Failure::new(Stage::Tls, Kind::TlsProtocol, message).by(Who::Peer);
    match error {
        Error::AlertReceived(_) => failure.because(alert_evidence(error)),
        _ => failure,
    }
}

/// What both sides would have to have.
fn lacking(why: &PeerIncompatible) -> String {
    use PeerIncompatible as P;
    match why {
        // What came with TLS 1.2; who does not say it speaks nothing newer.
        P::SignatureAlgorithmsExtensionRequired
        | P::ServerDoesNotSupportTls12Or13
        | P::Tls12NotOfferedOrEnabled
        | P::Tls12NotOffered => "no version that both speak".to_owned(),
        P::NoCipherSuitesInCommon => "no cipher suite".to_owned(),
        P::NoKxGroupsInCommon => "no group for the key exchange".to_owned(),
        other => words(other),
    }
}

/// The name that rustls has for it, as words: `TooManyWarningAlertsReceived`.
fn words(why: &impl std::fmt::Debug) -> String {
    let text = format!("{why:?}");
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric());
    snake(&text[..end.unwrap_or(text.len())]).replace('_', " ")
}

/// A next step for errors whose kind alone does not tell one.
fn hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::AlertReceived(A::ProtocolVersion) | Error::PeerIncompatible(_) => {
            "compare the versions and suites of both sides; --tls-min and --tls-max limit ours"
        }
        Error::AlertReceived(A::UnrecognisedName) => "ask for another name with --sni",
        Error::AlertReceived(A::NoApplicationProtocol) | Error::NoApplicationProtocol => {
            "offer other protocols with --alpn, or none"
        }
        Error::NoCertificatesPresented => "clients have to show one: `dial --cert FILE --key FILE`",
        Error::AlertReceived(A::HandshakeFailure) => {
            "no suite or group in common, no certificate for that name (--sni), or it wants one of ours (--cert)"
        }
        _ => return None,
    })
}

/// The number and the name of an alert.
pub(super) fn alert_evidence(error: &Error) -> Evidence {
    let Error::AlertReceived(alert) = error else {
        return Evidence::Note {
            text: error.to_string(),
        };
    };
    let (code, name) = (u8::from(*alert), alert_name(*alert));
    Evidence::TlsAlert { code, name }
}

/// The name of an alert as RFC 8446 §6 writes it: `handshake_failure`.
pub(super) fn alert_name(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => "unknown_ca".to_owned(),
        AlertDescription::UnknownPSKIdentity => "unknown_psk_identity".to_owned(),
        AlertDescription::UnrecognisedName => "unrecognized_name".to_owned(),
        AlertDescription::Unknown(code) => format!("number {code}"),
        alert => snake(&format!("{alert:?}")),
    }
}

fn snake(camel: &str) -> String {
    let mut snake = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn alerted(name: &str, alert: AlertDescription) -> (Kind, String) {
    match alert {
        AlertDescription::CertificateRequired => (
            Kind::TlsClientCertRequired,
            format!("{name} demands a client certificate"),
        ),
        AlertDescription::NoApplicationProtocol => (
            Kind::TlsProtocol,
            format!("{name} speaks none of the protocols offered (ALPN)"),
        ),
        alert => (
            Kind::TlsProtocol,
            format!(
                "{name} broke the TLS handshake off: alert {}",
                alert_name(alert)
            ),
        ),
    }
}

/// What is wrong with a certificate, without a look at it.
pub(super) fn certificate(name: &str, why: &CertificateError) -> (Kind, String) {
    match why {
        CertificateError::ExpiredContext { time, not_after } => {
            let ago = span(between(*not_after, *time));
            (
                Kind::TlsExpired,
                format!("the certificate of {name} expired {ago} ago"),
            )
        }
        CertificateError::Expired => (
            Kind::TlsExpired,
            format!("the certificate of {name} has expired"),
        ),
        CertificateError::NotValidYetContext { time, not_before } => {
            let ahead = span(between(*time, *not_before));
            let message = format!("the certificate of {name} is not valid for another {ahead}");
            (Kind::TlsNotYetValid, message)
        }
        CertificateError::NotValidYet => (
            Kind::TlsNotYetValid,
            format!("the certificate of {name} is not valid yet"),
        ),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = named(presented);
            let message = format!("the certificate is not for {name}: it is for {names}");
            (Kind::TlsNameMismatch, message)
        }
        CertificateError::NotValidForName => (
            Kind::TlsNameMismatch,
            format!("the certificate is not for {name}"),
        ),
        CertificateError::UnknownIssuer => {
            let message = format!("the certificate of {name} is not signed by a trusted authority");
            (Kind::TlsUntrusted, message)
        }
        other => (
            Kind::TlsUntrusted,
            format!("the certificate of {name} cannot be trusted: {other}"),
        ),
    }
}

/// The names that a certificate has, as rustls writes them: `DnsName("a.example")`.
fn named(presented: &[String]) -> String {
    let bare = |name: &String| match name.split_once('(') {
        Some((_, rest)) => rest.trim_end_matches(')').trim_matches('"').to_owned(),
        None => name.clone(),
    };
    let names: Vec<_> = presented.iter().map(bare).collect();
    if names.is_empty() {
        return "nobody".to_owned();
    }
    // The names are the peer's words.
    names.join(", ").escape_debug().to_string()
}

fn between(from: UnixTime, to: UnixTime) -> i64 {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// A time in its two largest units.
pub(super) fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours) {
        (0, 0) if minutes == 0 => format!("{seconds} s"),
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}
