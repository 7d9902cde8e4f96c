//! A failure in words: what, who said so, how that is known, what to do next.

use netkit::dial::Report;
use netkit::failure::{Evidence, Failure, Who};

use super::{Fact, counted};
use crate::output::View;
use crate::output::style::Tone;

/// The facts of a failure.
pub(crate) fn failure_facts(failure: &Failure, view: &View) -> Vec<Fact> {
    let mut message = view.safe(&failure.message);
    if let Some(errno) = failure
        .errno
        .as_ref()
        .filter(|errno| !message.contains(&errno.name))
    {
        message = format!("{message} ({})", errno.name);
    }
    let mut facts = vec![
        Fact::new("why", message).tone(Tone::Bad),
        Fact::new(
            "who",
            format!(
                "{}, at stage {}",
                describe_who(&failure.who),
                failure.stage.code()
            ),
        ),
    ];
    let evidence: Vec<_> = failure.evidence.iter().map(describe_evidence).collect();
    if !evidence.is_empty() {
        facts.push(Fact::new("seen", view.safe(&evidence.join("; "))));
    }
    if let Some(hint) = &failure.hint {
        facts.push(Fact::new("hint", view.safe(hint)).tone(Tone::Strong));
    }
    facts
}

/// What the name servers did where an answer did not come the ordinary way, each line once.
pub(super) fn lookup_facts(report: &Report, view: &View) -> Vec<Fact> {
    let questions = report.resolve.iter().flat_map(|resolve| &resolve.questions);
    let mut lines: Vec<_> = questions
        .flat_map(|question| &question.evidence)
        .map(|evidence| view.safe(&describe_evidence(evidence)))
        .collect();
    lines.dedup();
    let facts = lines
        .into_iter()
        .map(|line| Fact::new("dns", line).tone(Tone::Warn));
    facts.collect()
}

/// Who said no.
fn describe_who(who: &Who) -> String {
    match who {
        Who::Peer => "the peer said so".to_owned(),
        Who::Router { addr } => format!("a router said so: {addr}"),
        Who::NameServer { addr } => format!("the name server said so: {addr}"),
        Who::OwnKernel => "this machine's kernel said so".to_owned(),
        Who::Netkit => "netkit's own rule".to_owned(),
        Who::Nobody => "nobody said anything".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// One fact that led to the verdict.
fn describe_evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Icmp {
            version,
            icmp_type,
            icmp_code,
            meaning,
            offender,
        } => {
            let from = offender
                .map(|addr| format!(" from {addr}"))
                .unwrap_or_default();
            let v6 = if *version == 6 { "v6" } else { "" };
            format!("ICMP{v6} {icmp_type}/{icmp_code} ({meaning}){from}")
        }
        Evidence::Rst => "RST".to_owned(),
        Evidence::Fin { after_bytes } => format!("FIN after {}", counted(*after_bytes, "byte")),
        Evidence::SynRetransmits { count } => {
            format!(
                "{} without an answer",
                counted((*count).into(), "SYN retransmit")
            )
        }
        Evidence::Unacknowledged {
            segments,
            retransmits,
        } => format!(
            "{} unacknowledged after {}",
            segments.map_or_else(
                || "data".to_owned(),
                |count| counted(count.into(), "segment")
            ),
            counted((*retransmits).into(), "retransmit"),
        ),
        Evidence::PathMtu { mtu } => format!("path MTU {mtu} bytes"),
        Evidence::Dns {
            server: Some(server),
            outcome,
        } => format!("{outcome} from {server}"),
        Evidence::Dns {
            server: None,
            outcome,
        } => format!("{outcome} from the resolver"),
        Evidence::FirstBytes { text } => format!("first bytes \"{text}\""),
        Evidence::Policy {
            rule,
            action,
            detail,
        } => format!("policy rule {rule:?}, {action}: {detail}"),
        Evidence::TlsAlert { code, name } => format!("TLS alert {code} ({name})"),
        Evidence::Note { text } => text.clone(),
        // A kind that this version has no words for is still shown.
        other => format!("{other:?}"),
    }
}
