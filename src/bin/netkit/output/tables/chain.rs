//! The certificates that a peer sent: a table, and the certificates themselves.

use netkit::net::tls::Handshake;
use netkit::net::tls::handshake::Certificate;

use crate::output::View;
use crate::output::style::Tone;
use crate::output::table::{Align, Table};
use crate::output::text::cut;

/// The most names of one certificate that the table shows.
const MOST_NAMES: usize = 4;
/// Hexadecimal digits of the fingerprint on a terminal; `--json` and `-v` have all.
const DIGITS: usize = 16;

/// The chain as a table, the peer's own certificate first; with `verbose`, line by line in full.
pub(super) fn chain(tls: &Handshake, view: &View) -> String {
    if tls.chain.is_empty() {
        return String::new();
    }
    if view.verbose || !view.rich {
        return in_full(tls, view);
    }
    let columns = [
        ("#", Align::Right),
        ("subject", Align::Left),
        ("issuer", Align::Left),
        ("key", Align::Left),
        ("signature", Align::Left),
        ("until", Align::Left),
        ("days", Align::Right),
    ];
    let mut table = Table::new(*view, &columns);
    for (at, one) in tls.chain.iter().enumerate() {
        let text = |text: &Option<String>| view.safe(text.as_deref().unwrap_or("?"));
        let until = one.not_after.as_deref().and_then(|time| time.get(..10));
        let tone = tone(tls, at);
        table.row(&[
            (at.to_string(), tone),
            (text(&one.subject), tone),
            (text(&one.issuer), Tone::Plain),
            (text(&one.key), Tone::Plain),
            (text(&one.signature), Tone::Plain),
            (until.unwrap_or("?").to_owned(), Tone::Plain),
            (days(one), tone),
        ]);
    }
    format!("\n{table}{}", names(tls, view))
}

/// The certificate at fault is red.
fn tone(tls: &Handshake, at: usize) -> Tone {
    let fault = tls.verification.as_ref().and_then(|one| one.certificate);
    if fault == Some(at) {
        Tone::Bad
    } else {
        Tone::Plain
    }
}

fn days(one: &Certificate) -> String {
    one.days_left
        .map_or_else(|| "?".to_owned(), |days| days.to_string())
}

/// Whom the peer's own certificate is for, and its fingerprint.
fn names(tls: &Handshake, view: &View) -> String {
    let Some(own) = tls.chain.first() else {
        return String::new();
    };
    let shown: Vec<_> = own
        .names
        .iter()
        .take(MOST_NAMES)
        .map(|name| view.safe(name))
        .collect();
    let mut text = shown.join(", ");
    if own.names.len() > MOST_NAMES {
        put!(text, " and {} more", own.names.len() - MOST_NAMES);
    }
    if text.is_empty() {
        text.push_str("nobody (it has no names)");
    }
    let print = &own.sha256[..own.sha256.len().min(DIGITS)];
    let line = format!("  0 is for {text}; SHA-256 {print}…");
    format!("{}\n", view.paint(Tone::Dim, &cut(&line, view.width)))
}

/// Everything about each certificate, a line a fact.
fn in_full(tls: &Handshake, view: &View) -> String {
    let indent = if view.rich { "  " } else { "" };
    let mut text = String::new();
    for (at, one) in tls.chain.iter().enumerate() {
        let ca = match one.is_ca {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        let names = one.names.join(", ");
        let of = |text: &Option<String>| view.safe(text.as_deref().unwrap_or("?"));
        put!(
            text,
            "{indent}certificate {at}: subject {}; issuer {}; names {}; key {}; signature {}; serial {}; valid {} to {}; days left {}; authority {ca}; sha256 {}\n",
            of(&one.subject),
            of(&one.issuer),
            if names.is_empty() {
                "none".to_owned()
            } else {
                view.safe(&names)
            },
            of(&one.key),
            of(&one.signature),
            of(&one.serial),
            of(&one.not_before),
            of(&one.not_after),
            days(one),
            one.sha256,
        );
    }
    text
}

/// The certificates themselves, where they were asked for.
pub(super) fn pem(tls: &Handshake) -> String {
    tls.chain
        .iter()
        .filter_map(|one| one.pem.as_deref())
        .collect()
}
