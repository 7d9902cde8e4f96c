//! What a forwarder tells people besides.

use netkit::listen::Totals;
use netkit::listen::event::{MirrorReport, Proxied, Secured, Upstream};
use netkit::time::Millis;

use super::super::View;
use super::super::facts::counted;
use super::super::style::Tone;
use super::super::text::escape_bytes;
use super::{bytes, name};

/// The service was reached, or not.
pub(super) fn upstream(upstream: &Upstream, view: &View) -> String {
    let (id, took) = (upstream.id, Millis(upstream.took));
    let Some(failure) = &upstream.failure else {
        let remote = upstream.remote.as_deref().unwrap_or(&upstream.target);
        return format!("#{id} to     {remote}  connected in {took}\n");
    };
    let mut text = format!("#{id} to     {}  {}", upstream.target, failure.message);
    if let Some(hint) = &failure.hint {
        put!(text, " ({hint})");
    }
    format!("{}\n", view.paint(Tone::Bad, &text))
}

/// What the PROXY header says.
pub(super) fn proxied(proxied: &Proxied, view: &View) -> String {
    let id = proxied.id;
    match (&proxied.failure, proxied.ends) {
        (Some(failure), _) => {
            let text = format!("#{id} proxy  {}  {}", name(proxied.peer), failure.message);
            format!("{}\n", view.paint(Tone::Bad, &text))
        }
        (None, Some(ends)) => format!("#{id} proxy  {} to {}\n", ends.source, ends.destination),
        (None, None) => format!(
            "#{id} proxy  {}  does not say for whom\n",
            name(proxied.peer)
        ),
    }
}

/// What the TLS handshake came to.
pub(super) fn secured(secured: &Secured, view: &View) -> String {
    let id = secured.id;
    let Some(tls) = &secured.accepted else {
        let why = secured
            .failure
            .as_ref()
            .map_or("", |failure| &failure.message);
        return format!(
            "{}\n",
            view.paint(Tone::Bad, &format!("#{id} tls    {why}"))
        );
    };
    let version = tls.version.map_or("?", |version| version.as_str());
    let mut text = format!(
        "#{id} tls    TLS {version}, {}",
        tls.suite.as_deref().unwrap_or("?")
    );
    let said = [
        ("for ", &tls.sni),
        ("", &tls.alpn),
        ("by ", &tls.client_spiffe_id),
    ];
    for (before, what) in said {
        if let Some(what) = what {
            put!(text, ", {before}{}", escape_bytes(what.as_bytes()));
        }
    }
    if let (Some(fingerprint), None) = (&tls.client_fingerprint_sha256, &tls.client_spiffe_id) {
        let short = fingerprint.get(..16).unwrap_or_default();
        put!(text, ", client {short}…");
    }
    put!(text, ", {}\n", tls.handshake_ms);
    text
}

/// What became of the shadow.
pub(super) fn mirror(report: &MirrorReport, view: &View) -> String {
    let (id, target) = (report.id, &report.target);
    let mut text = format!("#{id} mirror {target}  {}", bytes(report.sent));
    if report.dropped > 0 {
        put!(text, ", {} dropped", bytes(report.dropped));
    }
    if let Some(failure) = &report.failure {
        put!(text, ", {}", failure.message);
    }
    let mut tone = if report.dropped > 0 || report.failure.is_some() {
        Tone::Warn
    } else {
        Tone::Dim
    };
    match &report.compared {
        Some(compared) if compared.equal => text.push_str(", the same answer"),
        Some(compared) => {
            tone = Tone::Bad;
            put!(
                text,
                ", another answer after {}: \"{}\" instead of \"{}\"",
                bytes(compared.agreed_bytes),
                escape_bytes(&compared.shadow),
                escape_bytes(&compared.main),
            );
        }
        None => {}
    }
    format!("{}\n", view.paint(tone, &text))
}

/// What was forwarded in all.
pub(super) fn summary(text: &mut String, totals: &Totals) {
    let (reached, failed) = (totals.upstreams_connected, totals.upstreams_failed);
    if reached + failed == 0 {
        return;
    }
    put!(
        text,
        "forwarded {}: up {}, down {}",
        counted(reached, "connection"),
        bytes(totals.bytes_up),
        bytes(totals.bytes_down),
    );
    if failed > 0 {
        put!(text, "; {failed} not");
    }
    if totals.mirror_bytes_dropped > 0 {
        let dropped = bytes(totals.mirror_bytes_dropped);
        put!(text, "; the mirror missed {dropped}");
    }
    if totals.mirror_differed > 0 {
        let differed = counted(totals.mirror_differed, "connection");
        put!(text, "; it answered otherwise on {differed}");
    }
    text.push('\n');
}
