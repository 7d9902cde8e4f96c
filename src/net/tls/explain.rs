//! Why a handshake failed: the errors of rustls and what the peer sent first become typed failures.
//!
//! The same for both sides: whoever the peer is, it has a name to be called by.

use std::io;

use super::facts::text;
use super::library::rustls::pki_types::UnixTime;
use super::library::rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use super::sniff::Sniffed;
use crate::deadline::Expired;
use crate::failure::{Evidence, Failure, Kind, Stage, Who};

pub(super) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// The deadline came before the end of the handshake.
pub(super) fn unfinished(name: &str, expired: Expired) -> Failure {
    let message = match expired {
        Expired::TimedOut => format!("the TLS handshake with {name} did not finish in time"),
        Expired::Cancelled => format!("the TLS handshake with {name} was interrupted"),
    };
    Failure::new(Stage::Tls, Kind::Timeout, message)
}

/// Explains a handshake that failed, by its error and by what the peer sent first.
pub(super) fn explain(name: &str, error: &io::Error, sniffed: &Sniffed) -> Failure {
    let first = sniffed.first();
    if let Some(tls) = tls_error(error) {
        let failure = classify(name, tls);
        if failure.kind != Kind::TlsNotTls {
            return failure;
        }
        let text = text(first);
        return failure.because(Evidence::FirstBytes { text });
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let message = format!("{name} closed the connection during the TLS handshake");
        let after_bytes = sniffed.count();
        return Failure::new(Stage::Tls, Kind::TlsProtocol, message)
            .by(Who::Peer)
            .because(Evidence::Fin { after_bytes });
    }
    sniffed.inner().explain(Stage::Tls, error)
}

/// Gives an error of the protocol its kind.
pub(super) fn classify(name: &str, error: &Error) -> Failure {
    let (kind, message) = match error {
        Error::InvalidCertificate(why) => certificate(name, why),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::InvalidEmptyPayload,
        ) => (
            Kind::TlsNotTls,
            format!("{name} does not speak TLS on this port"),
        ),
        Error::AlertReceived(alert) => alerted(name, *alert),
        Error::PeerIncompatible(why) => (
            Kind::TlsProtocol,
            format!("{name} and netkit have no TLS in common: {why:?}"),
        ),
        Error::NoApplicationProtocol => (
            Kind::TlsProtocol,
            format!("{name} speaks none of the protocols offered (ALPN)"),
        ),
        other => (
            Kind::TlsProtocol,
            format!("the TLS handshake with {name} failed: {other}"),
        ),
    };
    Failure::new(Stage::Tls, kind, message).by(Who::Peer)
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
            format!("{name} broke the TLS handshake off: alert {alert:?}"),
        ),
    }
}

/// What is wrong with a certificate.
fn certificate(name: &str, why: &CertificateError) -> (Kind, String) {
    match why {
        CertificateError::ExpiredContext { time, not_after } => {
            let ago = span(*not_after, *time);
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
            let ahead = span(*time, *not_before);
            let message = format!("the certificate of {name} is valid in {ahead} only");
            (Kind::TlsExpired, message)
        }
        CertificateError::NotValidYet => (
            Kind::TlsExpired,
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

/// The time between two moments in its two largest units.
fn span(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours) {
        (0, 0) if minutes == 0 => format!("{seconds} s"),
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}
