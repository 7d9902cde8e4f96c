//! What an address is: the verdict and the facts, the bits of a network in two colours.

use std::fmt::Write as _;

use netkit::addr::describe::AddrReport;
use netkit::addr::groups::{CidrGroup, binary};

use super::{facts, headline};
use crate::output::View;
use crate::output::facts::addr::addr_facts;
use crate::output::style::Tone;

/// The whole description of one text.
pub(crate) fn render(report: &AddrReport, view: &View) -> String {
    let canonical = report.canonical.as_deref().unwrap_or_default();
    let subject = if canonical.is_empty() {
        &report.input
    } else {
        canonical
    };
    let mut text = headline(view, Some(report.ok), subject, report.kind.name());
    text.push_str(&facts(view, &addr_facts(report, view)));
    if let (true, Some(cidr)) = (view.rich, &report.cidr) {
        text.push_str(&bits(cidr, report, view));
    }
    text
}

/// The bits of the address, those of the network apart from those of hosts.
fn bits(cidr: &CidrGroup, report: &AddrReport, view: &View) -> String {
    let address = report.ip.as_ref().map_or(cidr.first, |ip| ip.address);
    let all = binary(address);
    // The separators in front of the boundary count too.
    let group = if address.is_ipv4() { 8 } else { 16 };
    let bits = usize::from(cidr.prefix_len);
    let at = (bits + bits.saturating_sub(1) / group).min(all.len());
    let mut out = String::new();
    let mut label = "bits";
    // Four groups a line fill 80 columns, without the separator that would end it.
    let line = 4 * (group + 1);
    let mut start = 0;
    while start < all.len() {
        let next = (start + line).min(all.len());
        let end = if next < all.len() { next - 1 } else { next };
        let middle = at.clamp(start, end);
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "  {}{}{}",
            view.paint(Tone::Dim, &format!("{label:<11}")),
            view.paint(Tone::Good, &all[start..middle]),
            view.paint(Tone::Warn, &all[middle..end]),
        );
        (start, label) = (next, "");
    }
    out
}
