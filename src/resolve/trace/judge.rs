//! What an authoritative server's reply means on the way down from the root. Pure.

use std::collections::HashMap;
use std::net::IpAddr;

use super::delegation::{NameServerEntry, Source, Zone};
use super::sections::{Rr, Sections};
use crate::resolve::DomainName;
use crate::resolve::dnssec::report::KeyRef;
use crate::resolve::wire::{Ask, Rcode, RecordType};

/// Aliases followed inside one reply.
const MAX_ALIASES: usize = 16;
/// Name servers of one delegation that are looked at; the largest of real zones have 13.
const MAX_SERVERS: usize = 20;

/// What a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Records of the type, perhaps at the end of aliases.
    Answer,
    /// An alias whose target it says nothing final about.
    Alias(DomainName),
    /// An alias that leads back to itself.
    Loop(DomainName),
    /// The name exists without the type.
    NoData,
    /// The name does not exist.
    Nxdomain,
    /// The name is in a zone further down.
    Referral(Referral),
    /// It does not serve the zone.
    Lame(String),
    /// Another response code.
    Error(Rcode),
}

/// A delegation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Referral {
    pub(super) zone: Zone,
    /// The DS records that came with it.
    pub(super) ds: Vec<KeyRef>,
}

impl Said {
    /// How far it leads; the highest of a step is followed.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Answer | Self::Alias(_) | Self::Loop(_) => 5,
            Self::Nxdomain | Self::NoData => 4,
            Self::Referral(_) => 3,
            Self::Error(_) => 2,
            Self::Lame(_) => 1,
        }
    }

    /// Whether the trace can go on or end with it.
    pub(super) fn is_useful(&self) -> bool {
        self.rank() >= 3
    }
}

/// Judges the reply of a server of `zone` to `ask`.
pub(super) fn judge(reply: &Sections, zone: &DomainName, ask: &Ask) -> Said {
    match reply.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => {}
        Rcode::REFUSED => return Said::Lame(format!("REFUSED: it does not serve {zone}")),
        code => return Said::Error(code),
    }
    let end = match end_of_aliases(&reply.answers, ask) {
        Ok(end) => end,
        Err(at) => return Said::Loop(at),
    };
    let has_data = reply
        .answers
        .iter()
        .any(|rr| rr.name == end && (rr.rtype == ask.rtype || ask.rtype.0 == 255));
    if has_data || end != ask.name {
        return match (reply.authoritative, has_data) {
            (false, _) => Said::Lame("it answers without authority, from a cache".to_owned()),
            (true, true) => Said::Answer,
            (true, false) => Said::Alias(end),
        };
    }
    negative(reply, zone, ask)
}

fn negative(reply: &Sections, zone: &DomainName, ask: &Ask) -> Said {
    let has_soa = reply.authority.iter().any(|rr| rr.rtype == RecordType::SOA);
    if let Some(cut) = delegated(reply, &ask.name).filter(|_| !has_soa) {
        if cut.is_within(zone) && cut != *zone {
            return Said::Referral(referral(reply, zone, cut));
        }
        if !reply.authoritative {
            return Said::Lame(format!("it refers back to {cut}"));
        }
    }
    match (reply.authoritative, reply.rcode) {
        (false, _) => Said::Lame(format!("it has no authority for {zone}")),
        (true, Rcode::NXDOMAIN) => Said::Nxdomain,
        (true, _) => Said::NoData,
    }
}

/// The zone that the authority section's NS records delegate `name` to.
fn delegated(reply: &Sections, name: &DomainName) -> Option<DomainName> {
    let cuts = reply
        .authority
        .iter()
        .filter(|rr| rr.rtype == RecordType::NS);
    let mut cuts = cuts.filter(|rr| name.is_within(&rr.name));
    cuts.next().map(|rr| rr.name.clone())
}

fn referral(reply: &Sections, parent: &DomainName, cut: DomainName) -> Referral {
    let own = |rr: &&Rr, rtype| rr.rtype == rtype && rr.name == cut;
    let glue = glue(reply, parent);
    let mut servers: Vec<NameServerEntry> = Vec::new();
    for rr in reply
        .authority
        .iter()
        .filter(|rr| own(rr, RecordType::NS))
        .take(MAX_SERVERS)
    {
        let Some(name) = rr.name_in_data() else {
            continue;
        };
        let addresses = glue.get(&name).cloned().unwrap_or_default();
        servers.push(NameServerEntry {
            name: Some(name),
            source: if addresses.is_empty() {
                Source::None
            } else {
                Source::Glue
            },
            addresses,
            problem: None,
        });
    }
    let ds = reply.authority.iter().filter(|rr| own(rr, RecordType::DS));
    Referral {
        ds: ds
            .filter_map(|rr| crate::resolve::dnssec::ds_key(&rr.rdata))
            .collect(),
        zone: Zone { name: cut, servers },
    }
}

/// The addresses in the additional section that the parent may vouch for: those of names in it.
fn glue(reply: &Sections, parent: &DomainName) -> HashMap<DomainName, Vec<IpAddr>> {
    let mut glue: HashMap<_, Vec<_>> = HashMap::new();
    for rr in reply
        .additional
        .iter()
        .filter(|rr| rr.name.is_within(parent))
    {
        if let Some(address) = rr.address() {
            glue.entry(rr.name.clone()).or_default().push(address);
        }
    }
    glue
}

/// The name at the end of the aliases in the answer; where they close if they are a loop.
fn end_of_aliases(answers: &[Rr], ask: &Ask) -> Result<DomainName, DomainName> {
    let mut seen = vec![ask.name.clone()];
    if ask.rtype == RecordType::CNAME || ask.rtype.0 == 255 {
        return Ok(ask.name.clone());
    }
    loop {
        let name = seen.last().expect("it begins with one").clone();
        let alias = answers
            .iter()
            .find(|rr| rr.rtype == RecordType::CNAME && rr.name == name);
        let Some(target) = alias.and_then(Rr::name_in_data) else {
            return Ok(name);
        };
        if seen.contains(&target) || seen.len() > MAX_ALIASES {
            return Err(target);
        }
        seen.push(target);
    }
}

/// The names of the NS records of `zone` in the answer: what the child says of itself.
pub(super) fn ns_names(reply: &Sections, zone: &DomainName) -> Option<Vec<DomainName>> {
    let own = reply
        .answers
        .iter()
        .filter(|rr| rr.rtype == RecordType::NS && rr.name == *zone);
    let mut names: Vec<_> = own.filter_map(Rr::name_in_data).collect();
    names.truncate(MAX_SERVERS);
    (reply.authoritative && !names.is_empty()).then_some(names)
}
