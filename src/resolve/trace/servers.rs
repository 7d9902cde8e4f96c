//! Addresses of name servers that came without glue: looked up from the root, within bounds.

use std::collections::HashMap;
use std::net::IpAddr;

use super::delegation::{NameServerEntry, Problem, Source, Zone};
use super::walk::Trace;
use crate::addr::Family;
use crate::resolve::DomainName;
use crate::resolve::wire::{Ask, RecordType};

/// Lookups inside lookups.
const MAX_DEPTH: usize = 3;
/// Servers of one zone that are looked up when none has glue.
const MAX_LOOKUPS: usize = 2;

/// What is known of name servers' addresses.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    known: HashMap<DomainName, Result<Vec<IpAddr>, Problem>>,
    /// Names being looked up: to need one of these again is a loop.
    busy: Vec<DomainName>,
}

impl Addresses {
    /// The address of a server to ask: IPv4 first unless a family is asked for.
    #[expect(clippy::unused_self, reason = "it is about what is known")]
    pub(super) fn pick(&self, entry: &NameServerEntry, family: Option<Family>) -> Option<IpAddr> {
        let of = |family: Family| {
            let mut own = entry.addresses.iter().copied();
            own.find(|address| Family::of(*address) == family)
        };
        match family {
            Some(family) => of(family),
            None => of(Family::Ipv4).or_else(|| of(Family::Ipv6)),
        }
    }
}

impl Trace<'_> {
    /// Fills in what can be found of addresses, when no server of the zone came with one.
    pub(super) async fn find_addresses(&mut self, zone: &mut Zone, depth: usize) {
        let has_glue = !self.targets(zone).is_empty();
        let mut found = 0;
        for entry in &mut zone.servers {
            let Some(name) = entry.name.clone().filter(|_| entry.addresses.is_empty()) else {
                continue;
            };
            if name.is_within(&zone.name) {
                entry.problem = Some(Problem::MissingGlue);
                continue;
            }
            if has_glue || found >= MAX_LOOKUPS {
                entry.problem = Some(Problem::NotLookedUp);
                continue;
            }
            match Box::pin(self.look_up(&name, depth)).await {
                Ok(addresses) => {
                    found += 1;
                    entry.addresses = addresses;
                    entry.source = Source::LookedUp;
                }
                Err(problem) => entry.problem = Some(problem),
            }
        }
    }

    /// The addresses of a name server, from the root down.
    async fn look_up(&mut self, name: &DomainName, depth: usize) -> Result<Vec<IpAddr>, Problem> {
        if let Some(known) = self.addresses.known.get(name) {
            return known.clone();
        }
        if depth >= MAX_DEPTH || self.addresses.busy.contains(name) {
            return Err(Problem::GlueLoop);
        }
        self.addresses.busy.push(name.clone());
        let found = self.ask_families(name, depth).await;
        self.addresses.busy.retain(|busy| busy != name);
        self.addresses.known.insert(name.clone(), found.clone());
        found
    }

    async fn ask_families(
        &mut self,
        name: &DomainName,
        depth: usize,
    ) -> Result<Vec<IpAddr>, Problem> {
        let types = match self.config.family {
            Some(Family::Ipv4) => &[RecordType::A][..],
            Some(Family::Ipv6) => &[RecordType::AAAA],
            None => &[RecordType::A, RecordType::AAAA],
        };
        for rtype in types {
            let ask = Ask::new(name.clone(), *rtype);
            let ending = self.follow(&ask, Some(name), depth + 1).await;
            if !ending.addresses.is_empty() {
                return Ok(ending.addresses);
            }
        }
        Err(Problem::Unresolved)
    }
}
