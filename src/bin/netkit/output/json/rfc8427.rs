//! `--json=rfc8427`: the reply alone, one object a line.
//!
//! Where there is no message (no reply, the hosts file) the object repeats the question and says why
//! in `comment` (RFC 8427 §2.6).

use netkit::resolve::DomainName;
use netkit::resolve::command::Report;
use netkit::resolve::message::Message;
use netkit::resolve::registry::{Class, RecordType};
use netkit::resolve::rfc8427::Rfc8427;
use serde::Serialize;

use crate::output::View;

/// The question of a reply that did not come.
#[derive(Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
struct Unanswered<'a> {
    qname: String,
    qtype: Option<u16>,
    #[serde(rename = "QTYPEname")]
    type_name: &'a str,
    qclass: Option<u16>,
    #[serde(rename = "QCLASSname")]
    class_name: &'a str,
    #[serde(rename = "comment")]
    comment: String,
}

/// The line of a report; on a terminal what could do harm there is escaped.
pub(crate) fn line(report: &Report, view: &View) -> String {
    let message = report.packet.as_deref();
    let text = match message.map(Message::new) {
        Some(Ok(message)) => serde_json::to_string(&Rfc8427(message)),
        _ => serde_json::to_string(&unanswered(report)),
    };
    super::written(text, view.rich)
}

/// The name as replies have it, with its final dot.
fn absolute(name: &str) -> String {
    DomainName::parse(name).map_or_else(|_| name.to_owned(), |name| name.absolute().to_string())
}

fn unanswered(report: &Report) -> Unanswered<'_> {
    let failure = report.failure.as_ref();
    let why = failure.map(|failure| format!(": {}", failure.message));
    let data: Vec<_> = report
        .answers
        .iter()
        .map(|record| &record.data[..])
        .collect();
    Unanswered {
        qname: absolute(report.asked.as_deref().unwrap_or(&report.name)),
        qtype: report.qtype.parse().ok().map(|rtype: RecordType| rtype.0),
        type_name: &report.qtype,
        qclass: report.qclass.parse().ok().map(|class: Class| class.0),
        class_name: &report.qclass,
        comment: match &data[..] {
            [] => format!("{}{}", report.verdict, why.unwrap_or_default()),
            data => format!("not asked of a server: {}", data.join(", ")),
        },
    }
}
