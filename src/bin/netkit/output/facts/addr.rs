//! What an address is, fact by fact.

use netkit::addr::describe::{AddrFailure, AddrReport, ClassGroup};
use netkit::addr::forms::{Embedded, Multicast};
use netkit::addr::groups::{CidrGroup, EndpointGroup, IpGroup, MacGroup, RangeGroup};
use netkit::addr::special::Special;

use super::Fact;
use crate::output::View;
use crate::output::style::Tone;

/// All facts of a description, the failure first.
pub(crate) fn addr_facts(report: &AddrReport, view: &View) -> Vec<Fact> {
    let mut facts = Vec::new();
    facts.extend(
        report
            .failure
            .iter()
            .flat_map(|failure| refusal(failure, view)),
    );
    facts.extend(
        report
            .endpoint
            .iter()
            .flat_map(|endpoint| endpoint_facts(endpoint, view)),
    );
    facts.extend(report.cidr.iter().flat_map(cidr_facts));
    facts.extend(report.range.iter().flat_map(range_facts));
    facts.extend(report.mac.iter().flat_map(mac_facts));
    facts.extend(
        report
            .ip
            .iter()
            .flat_map(|ip| ip_facts(ip, report.cidr.is_some(), view)),
    );
    facts.extend(report.class.iter().map(class_fact));
    facts.extend(report.special.iter().flat_map(special_facts));
    facts
}

fn refusal(failure: &AddrFailure, view: &View) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("refused", view.safe(&failure.message)).tone(Tone::Bad),
        Fact::new("expected", view.safe(&failure.expected)),
    ];
    facts.extend(
        failure
            .hint
            .iter()
            .map(|hint| Fact::new("hint", view.safe(hint)).tone(Tone::Warn)),
    );
    facts
}

fn ip_facts(ip: &IpGroup, is_network: bool, view: &View) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("family", ip.family.to_string()),
        Fact::new("expanded", ip.expanded.as_str()),
        Fact::new("hex", ip.hex.as_str()),
        Fact::new("integer", ip.integer.to_string()),
    ];
    // On a terminal a network shows its bits in two colours instead.
    if !view.rich || (ip.address.is_ipv4() && !is_network) {
        facts.push(Fact::new("binary", ip.binary.as_str()));
    }
    facts.push(Fact::new("reverse", ip.reverse.as_str()));
    facts.extend(
        ip.zone
            .iter()
            .map(|zone| Fact::new("zone", view.safe(zone))),
    );
    facts.extend(ip.embedded.iter().map(embedded));
    facts.extend(ip.multicast.as_ref().map(multicast));
    let solicited = ip
        .solicited_node
        .map(|node| Fact::new("solicited", node.to_string()).tone(Tone::Dim));
    facts.extend(solicited);
    facts
}

/// Scope and flags.
fn multicast(multicast: &Multicast) -> Fact {
    let flags = [
        (multicast.transient == Some(true), "assigned for a while"),
        (multicast.transient == Some(false), "well-known"),
        (
            multicast.prefix_based == Some(true),
            "made from a unicast prefix",
        ),
        (
            multicast.rendezvous == Some(true),
            "holds its rendezvous point",
        ),
        (multicast.solicited_node, "solicited-node"),
    ];
    let mut text = format!("{} scope", multicast.scope);
    for (_, name) in flags.iter().filter(|(set, _)| *set) {
        text.push_str(", ");
        text.push_str(name);
    }
    Fact::new("multicast", text)
}

fn embedded(form: &Embedded) -> Fact {
    match form {
        Embedded::Ipv4Mapped { ipv4 } => Fact::new("holds", format!("{ipv4} (IPv4-mapped)")),
        Embedded::Ipv4Compatible { ipv4 } => {
            Fact::new("holds", format!("{ipv4} (IPv4-compatible, deprecated)"))
        }
        Embedded::SixToFour { ipv4 } => Fact::new("holds", format!("{ipv4} (6to4 gateway)")),
        Embedded::Teredo {
            server,
            client,
            port,
            ..
        } => Fact::new(
            "holds",
            format!("client {client}:{port}, server {server} (Teredo)"),
        ),
        Embedded::Nat64 { prefix, ipv4 } => Fact::new("holds", format!("{ipv4} (NAT64 {prefix})")),
        Embedded::Isatap { ipv4 } => Fact::new("holds", format!("{ipv4} (ISATAP)")),
        Embedded::Eui64 { mac } => Fact::new("holds", format!("{mac} (EUI-64)")),
        _ => Fact::new("holds", "another address"),
    }
}

fn cidr_facts(cidr: &CidrGroup) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("network", cidr.network.to_string()).tone(Tone::Strong),
        Fact::new("addresses", format!("{} to {}", cidr.first, cidr.last)),
        Fact::new(
            "hosts",
            format!("{} to {}: {}", cidr.first_host, cidr.last_host, cidr.hosts),
        ),
    ];
    facts.extend(
        cidr.broadcast
            .map(|ip| Fact::new("broadcast", ip.to_string())),
    );
    facts.push(Fact::new(
        "netmask",
        format!("{} (wildcard {})", cidr.netmask, cidr.wildcard),
    ));
    facts.push(Fact::new("size", cidr.size.to_string()));
    facts.extend(
        cidr.parent
            .map(|parent| Fact::new("parent", parent.to_string()).tone(Tone::Dim)),
    );
    if cidr.host_bits_set {
        facts.push(Fact::new("note", "host bits are set").tone(Tone::Warn));
    }
    facts
}

fn range_facts(range: &RangeGroup) -> Vec<Fact> {
    let prefixes: Vec<_> = range.prefixes.iter().map(ToString::to_string).collect();
    vec![
        Fact::new("addresses", format!("{} to {}", range.first, range.last)),
        Fact::new("size", range.size.to_string()),
        Fact::new("networks", prefixes.join(" ")),
    ]
}

fn mac_facts(mac: &MacGroup) -> Vec<Fact> {
    let (bits, assigned) = (
        8 * mac.len,
        if mac.local { "locally" } else { "universally" },
    );
    let cast = if mac.multicast {
        "multicast"
    } else {
        "unicast"
    };
    let mut facts = vec![
        Fact::new(
            "kind",
            format!("{bits} bits, {assigned} administered, {cast}"),
        ),
        Fact::new("oui", mac.oui.as_str()),
    ];
    facts.extend(mac.eui64.iter().map(|id| Fact::new("eui-64", id.as_str())));
    facts.extend(
        mac.link_local
            .map(|ip| Fact::new("link-local", ip.to_string())),
    );
    facts
}

fn endpoint_facts(endpoint: &EndpointGroup, view: &View) -> Vec<Fact> {
    let mut facts = Vec::new();
    facts.extend(endpoint.host.as_ref().map(|host| match host.as_str() {
        "" => Fact::new("host", "none: any address"),
        _ if endpoint.needs_dns => Fact::new("host", format!("{} (a name)", view.safe(host))),
        _ => Fact::new("host", view.safe(host)),
    }));
    let service = endpoint.service.as_ref().map(|name| view.safe(name));
    let port = match (endpoint.port, service) {
        (Some(port), Some(service)) => Some(format!("{port} ({service})")),
        (Some(port), None) => Some(port.to_string()),
        (None, service) => service,
    };
    facts.extend(port.map(|port| Fact::new("port", port)));
    facts.extend(
        endpoint
            .network
            .iter()
            .map(|network| Fact::new("transport", network.as_str())),
    );
    facts.extend(endpoint.resolved.iter().map(|addresses| {
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        Fact::new("resolved", addresses.join(" ")).tone(Tone::Good)
    }));
    facts.extend(
        endpoint
            .resolve_failure
            .iter()
            .map(|failure| Fact::new("resolved", view.safe(&failure.message)).tone(Tone::Bad)),
    );
    facts
}

fn class_fact(class: &ClassGroup) -> Fact {
    let said = class.netip;
    let names: Vec<_> = [
        (said.is_unspecified, "unspecified"),
        (said.is_loopback, "loopback"),
        (said.is_private, "private"),
        (said.is_multicast, "multicast"),
        (
            said.is_interface_local_multicast,
            "interface-local multicast",
        ),
        (said.is_link_local_multicast, "link-local multicast"),
        (said.is_link_local_unicast, "link-local unicast"),
        (said.is_global_unicast, "global unicast"),
    ]
    .into_iter()
    .filter_map(|(holds, name)| holds.then_some(name))
    .collect();
    let differs = class
        .net_ip
        .map_or("", |_| " (net.IP says otherwise: see --json)");
    let names = if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    };
    Fact::new("go says", format!("{names}{differs}"))
}

fn special_facts(special: &Special) -> Vec<Fact> {
    let reach = match special.globally_reachable {
        Some(true) => "globally reachable",
        Some(false) => "not globally reachable",
        None => "reach undefined",
    };
    let text = format!(
        "{} {} ({}), {reach}",
        special.block, special.name, special.rfc
    );
    let mut facts = vec![Fact::new("special", text)];
    facts.extend(
        special
            .note
            .iter()
            .map(|note| Fact::new("note", note.as_str())),
    );
    facts
}
