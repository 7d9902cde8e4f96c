//! What was proven: one line for the whole, one for every RRset and denial, and with --verbose the
//! chain of zones with their keys.

use netkit::resolve::command::{Record, Report};
use netkit::resolve::dnssec::Status;
use netkit::resolve::dnssec::report::{
    Denial, DenialBy, Denies, DsFact, KeyFact, Link, Reason, Report as Proof, RrsetProof,
    SignatureFact,
};

use crate::output::View;
use crate::output::facts::Fact;
use crate::output::style::Tone;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The facts of a proof, the outcome first.
pub(super) fn facts(report: &Report, view: &View) -> Vec<Fact> {
    let Some(proof) = &report.dnssec else {
        return Vec::new();
    };
    // What the failure has said need not be said again.
    let told = report
        .failure
        .as_ref()
        .map(|failure| failure.message.as_str());
    let whole = match &proof.reason {
        Some(reason) if told == Some(&reason.text) => proof.status.to_string(),
        _ => outcome(proof),
    };
    let why = Why(proof.reason.as_deref());
    let mut facts = vec![fact("dnssec", proof.status, &whole, view)];
    let sets = proof.rrsets.iter();
    facts.extend(sets.map(|set| fact("rrset", set.status, &rrset(set, why), view)));
    let denials = proof.denials.iter();
    facts.extend(denials.map(|it| fact("denied", it.status, &denial(it, why), view)));
    let warnings = proof.warnings.iter();
    facts.extend(warnings.map(|text| Fact::new("warning", view.safe(text)).tone(Tone::Warn)));
    if view.verbose {
        facts.extend(
            proof
                .chain
                .iter()
                .map(|it| fact("zone", it.status, &link(it), view)),
        );
    }
    facts
}

/// One line for a pipe.
pub(super) fn plain(report: &Report, view: &View) -> String {
    let Some(proof) = &report.dnssec else {
        return String::new();
    };
    let text = format!(
        "{} {}: dnssec {}",
        report.name,
        report.qtype,
        outcome(proof)
    );
    format!("{}\n", view.safe(&text))
}

fn fact(label: &'static str, status: Status, text: &str, view: &View) -> Fact {
    Fact::new(label, view.safe(text)).tone(tone(status))
}

fn tone(status: Status) -> Tone {
    match status {
        Status::Secure => Tone::Good,
        Status::Insecure => Tone::Warn,
        Status::Indeterminate | Status::Bogus => Tone::Bad,
    }
}

/// The outcome with its reason, or with the zones that it came down through.
fn outcome(proof: &Proof) -> String {
    if let Some(reason) = &proof.reason {
        return format!("{}: {}", proof.status, reason.text);
    }
    let zones = proof.chain.iter().map(|link| link.zone.as_str());
    let zones: Vec<_> = zones.collect();
    format!("{}, by {}", proof.status, zones.join(" → "))
}

/// The reason of the whole, which its parts need not repeat.
#[derive(Clone, Copy)]
struct Why<'a>(Option<&'a Reason>);

impl Why<'_> {
    fn part(self, reason: &Reason) -> &str {
        match self.0 {
            Some(whole) if whole.text == reason.text => "as said",
            _ => &reason.text,
        }
    }
}

fn rrset(set: &RrsetProof, why: Why<'_>) -> String {
    let mut text = format!("{} {}: {}", set.name, set.rtype, set.status);
    match (&set.signature, &set.reason) {
        (Some(signature), _) => put!(text, ", signed by {}", signed(signature)),
        (None, Some(reason)) => put!(text, ", {}", why.part(reason)),
        (None, None) => put!(text, ", made from the DNAME"),
    }
    if let Some(wildcard) = &set.wildcard {
        put!(text, ", expanded from {wildcard}");
    }
    text
}

fn signed(signature: &SignatureFact) -> String {
    let left = match signature.expires_in_s {
        s if s >= 2 * DAY => format!("{} days", s / DAY),
        s => format!("{} h", s / 3_600),
    };
    format!("{} of {}, for {left} more", signature.key, signature.signer)
}

fn denial(denial: &Denial, why: Why<'_>) -> String {
    let what = match denial.denies {
        Denies::Name => "the name",
        Denies::Type => "the type",
        Denies::CloserName => "a closer name than the wildcard",
    };
    let mut text = format!("{what} {}: {}", denial.name, denial.status);
    if let Some(by) = denial.by {
        let by = match by {
            DenialBy::Nsec => "NSEC",
            DenialBy::Nsec3 => "NSEC3",
        };
        put!(text, ", by {by}");
    }
    if let Some(encloser) = &denial.closest_encloser {
        put!(text, ", closest existing name {encloser}");
    }
    if let Some(reason) = &denial.reason {
        put!(text, ", {}", why.part(reason));
    }
    text
}

fn link(link: &Link) -> String {
    let mut text = format!("{}: {}", link.zone, link.status);
    let ds: Vec<_> = link.ds.iter().map(named).collect();
    let keys: Vec<_> = link.keys.iter().map(key).collect();
    let from = if link.anchor { "trust anchor" } else { "DS" };
    if !ds.is_empty() {
        put!(text, "; {from} {}", ds.join(", "));
    }
    if !keys.is_empty() {
        put!(text, "; keys {}", keys.join(", "));
    }
    text
}

fn named(ds: &DsFact) -> String {
    match (ds.supported, ds.matches) {
        (false, _) => format!("{} (not supported)", ds.key),
        (true, Some(false)) => format!("{} (no such key)", ds.key),
        _ => ds.key.to_string(),
    }
}

fn key(key: &KeyFact) -> String {
    let entry = if key.trusted_by_ds { " (entry)" } else { "" };
    format!("{}{entry}", key.key)
}

/// The records to show: with proof the signatures came too, and they are told in words.
pub(super) fn shown<'a>(
    report: &'a Report,
    view: &View,
) -> impl Iterator<Item = &'a Record> + use<'a> {
    let all = report.dnssec.is_none() || view.verbose || report.qtype == "RRSIG";
    let wanted = move |record: &&Record| all || record.rtype != "RRSIG";
    report.answers.iter().filter(wanted)
}
