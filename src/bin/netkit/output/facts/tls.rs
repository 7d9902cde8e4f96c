//! A TLS handshake in words: what was agreed, what it took, whom the peer proved to be.

use netkit::net::tls::Handshake;
use netkit::net::tls::handshake::{ClientAuth, Resumption, Verification};
use netkit::time::Millis;

use super::{Fact, counted};
use crate::output::View;
use crate::output::style::Tone;

/// Days before the end at which a certificate is worth a warning.
const SOON: i64 = 14;

/// Everything about the handshake but the chain, which is a table of its own.
pub(super) fn tls_facts(tls: &Handshake, view: &View) -> Vec<Fact> {
    let mut facts = Vec::new();
    facts.extend(agreed(tls, view));
    facts.extend(times(tls));
    facts.extend(
        tls.verification
            .as_ref()
            .map(|one| verified(tls, one, view)),
    );
    facts.extend(
        tls.spiffe_id
            .as_ref()
            .map(|id| Fact::new("spiffe", view.safe(id))),
    );
    facts.extend(
        tls.ocsp_stapled
            .map(|stapled| Fact::new("ocsp", ocsp(stapled))),
    );
    facts.extend(client_auth(&tls.client_auth, view));
    facts.extend(tls.resumption.as_ref().map(|one| resumption(one, view)));
    facts
}

fn agreed(tls: &Handshake, view: &View) -> Option<Fact> {
    let mut text = format!("TLS {}", tls.version?.as_str());
    let words = [&tls.suite, &tls.group];
    for word in words.into_iter().flatten() {
        put!(text, ", {word}");
    }
    match &tls.alpn {
        Some(alpn) => put!(text, ", ALPN {}", view.safe(alpn)),
        None => text.push_str(", no ALPN"),
    }
    match &tls.sni {
        Some(sni) => put!(text, ", SNI {}", view.safe(sni)),
        None => text.push_str(", no SNI"),
    }
    Some(Fact::new("tls", text))
}

fn times(tls: &Handshake) -> Option<Fact> {
    let took = tls.handshake_ms?;
    let kind = tls.kind.map_or("handshake", |kind| kind.phrase());
    let mut text = format!("{kind} in {took}");
    let parts: [(&str, Option<Millis>); 3] = [
        ("first reply after", tls.first_reply_ms),
        ("verified in", tls.verify_ms),
        ("asked for before in", tls.starttls_ms),
    ];
    for (what, time) in parts {
        if let Some(time) = time {
            put!(text, ", {what} {time}");
        }
    }
    Some(Fact::new("handshake", text))
}

fn verified(tls: &Handshake, verification: &Verification, view: &View) -> Fact {
    if !verification.ok {
        let reason = verification.reason.as_deref().unwrap_or("unknown");
        let at = verification
            .certificate
            .map(|at| format!(" (certificate {at})"))
            .unwrap_or_default();
        let tone = if verification.ignored {
            Tone::Warn
        } else {
            Tone::Bad
        };
        let mut text = format!("no{at}: {}", view.safe(reason));
        for also in &verification.also {
            put!(text, "; also: {}", view.safe(also));
        }
        if verification.unproven {
            text.push_str("; and whether the peer has the key cannot be verified");
        }
        return Fact::new("verified", text).tone(tone);
    }
    // Who was wanted may be any of several workloads.
    let mut text = match &tls.spiffe_id {
        Some(id) if *id != tls.peer_name && tls.peer_name.contains("spiffe://") => {
            format!(
                "yes, it is {}, {}",
                view.safe(id),
                view.safe(&tls.peer_name)
            )
        }
        _ => format!("yes, it is {}", view.safe(&tls.peer_name)),
    };
    let mut tone = Tone::Plain;
    if let Some(days) = tls.days_left() {
        put!(text, "; {} left", counted(days.unsigned_abs(), "day"));
        if days < SOON {
            tone = Tone::Warn;
        }
    }
    Fact::new("verified", text).tone(tone)
}

fn ocsp(stapled: bool) -> &'static str {
    if stapled {
        "a response was stapled"
    } else {
        "nothing stapled"
    }
}

fn client_auth(auth: &ClientAuth, view: &View) -> Option<Fact> {
    if !auth.requested {
        return None;
    }
    let sent = if auth.sent {
        "and sent"
    } else {
        "and not sent"
    };
    let mut text = format!("a certificate of ours was asked for {sent}");
    if !auth.authorities.is_empty() {
        let names: Vec<_> = auth
            .authorities
            .iter()
            .map(|name| view.safe(name))
            .collect();
        put!(text, "; signed by {}", names.join(" or "));
    }
    Some(Fact::new("client auth", text))
}

fn resumption(resumption: &Resumption, view: &View) -> Fact {
    let tickets = resumption
        .tickets
        .map(|tickets| format!(" ({} given)", counted(tickets.into(), "ticket")))
        .unwrap_or_default();
    let took = resumption
        .handshake_ms
        .map(|took| format!(" in {took}"))
        .unwrap_or_default();
    let (text, tone) = match (resumption.resumed, &resumption.failure) {
        (_, Some(failure)) => (
            format!("second handshake: {}", view.safe(&failure.message)),
            Tone::Warn,
        ),
        (Some(true), _) => (format!("the session goes on{took}{tickets}"), Tone::Good),
        _ => (format!("a full handshake again{took}{tickets}"), Tone::Warn),
    };
    Fact::new("resumption", text).tone(tone)
}
