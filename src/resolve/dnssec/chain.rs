//! The chain of trust: from the nearest anchor down to a zone, by DS and DNSKEY
//! (RFC 4035 §5.2).
//!
//! Remembers what it has found, so that it can be run again whenever an answer has come; a question
//! whose answer is missing ends the run as a [`Need`].

use std::collections::HashMap;

use super::anchor::{Anchor, Anchors};
use super::budget::{Budget, MAX_QUESTIONS, MAX_RECORDS};
use super::denial::{NoDs, Proofs};
use super::key::{Ds, Key};
use super::nsec::Nsec;
use super::nsec3::Nsec3;
use super::reason::{Subject, listed};
use super::record::{Evidence, RrSet, find, rrsets};
use super::report::{Code, DsFact, KeyFact, KeyRef, Link, Reason};
use super::verify::{Keyring, Signed};
use super::{canonical, crypto, types};
use crate::resolve::DomainName;
use crate::resolve::wire::{Ask, Rcode, RecordType};

/// The question whose answer is needed next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need(pub(super) Ask);

/// What holds at a name.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// It lies in this zone, whose keys are trusted.
    Zone(DomainName),
    /// The chain ends above it.
    Broken(Box<Reason>),
}

/// What is known about a name below a trusted zone.
#[derive(Clone, Debug)]
enum Cut {
    /// It is a zone of its own, with trusted keys.
    Zone,
    /// It belongs to the zone above.
    Inside,
    /// It does not exist, so nothing below it does.
    NoName,
    /// It is a zone, and not a trusted one.
    Broken(Box<Reason>),
}

/// What was found so far.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) now: u64,
    pub(super) budget: Budget,
    anchors: Anchors,
    answers: HashMap<Ask, Result<Evidence, String>>,
    keys: HashMap<DomainName, Vec<Key>>,
    cuts: HashMap<DomainName, Cut>,
    /// Zones in the order in which they were found.
    pub(super) links: Vec<Link>,
}

impl Chain {
    pub(super) fn new(anchors: Anchors, now: u64) -> Self {
        Self {
            now,
            budget: Budget::default(),
            anchors,
            answers: HashMap::new(),
            keys: HashMap::new(),
            cuts: HashMap::new(),
            links: Vec::new(),
        }
    }

    pub(super) fn supply(&mut self, ask: Ask, answer: Result<Evidence, String>) {
        self.answers.insert(ask, answer);
    }

    pub(super) fn questions(&self) -> usize {
        self.answers.len()
    }

    /// The keys of a zone that [`Trust::Zone`] named.
    pub(super) fn keyring(&self, zone: &DomainName) -> (Vec<Key>, u64) {
        (self.keys.get(zone).cloned().unwrap_or_default(), self.now)
    }

    /// Goes down from the nearest anchor to the zone that `target` lies in.
    pub(super) fn walk(&mut self, target: &DomainName) -> Result<Trust, Need> {
        let Some(anchor) = self.anchors.above(target).cloned() else {
            let subject = subject(target, types::DNSKEY, None);
            let text = "no trust anchor for it or any name above it";
            return Ok(Trust::Broken(subject.reason(Code::NoTrustAnchor, text)));
        };
        let mut zone = anchor.zone.clone();
        if let Cut::Broken(reason) = self.anchored(&anchor)? {
            return Ok(Trust::Broken(reason));
        }
        let above = zone.labels().count();
        for count in above + 1..=target.labels().count() {
            let child = canonical::suffix(target, count);
            match self.cut(&zone, &child)? {
                Cut::Zone => zone = child,
                Cut::Inside => {}
                Cut::NoName => break,
                Cut::Broken(reason) => return Ok(Trust::Broken(reason)),
            }
        }
        Ok(Trust::Zone(zone))
    }

    /// The answer to a question, or the need for it.
    fn answer(
        &self,
        name: &DomainName,
        rtype: RecordType,
    ) -> Result<Result<Evidence, Box<Reason>>, Need> {
        let ask = Ask::new(name.clone(), rtype);
        let because = |text: &str| subject(name, rtype, None).reason(Code::NotAnswered, text);
        match self.answers.get(&ask) {
            Some(Ok(evidence)) if is_answer(evidence.rcode) => Ok(Ok(evidence.clone())),
            Some(Ok(evidence)) => Ok(Err(because(&format!("the server says {}", evidence.rcode)))),
            Some(Err(why)) => Ok(Err(because(why))),
            None if self.answers.len() >= MAX_QUESTIONS => Ok(Err(because(&format!(
                "not asked after {MAX_QUESTIONS} other questions"
            )))),
            None => Err(Need(ask)),
        }
    }

    /// The zone of an anchor: its keys are named by the anchor.
    fn anchored(&mut self, anchor: &Anchor) -> Result<Cut, Need> {
        if let Some(cut) = self.cuts.get(&anchor.zone) {
            return Ok(cut.clone());
        }
        let names = |key: &Key| anchor.names(key);
        let ds = anchor.ds.iter();
        let facts = ds
            .map(|ds| ds_fact(ds, true))
            .chain(anchor.keys.iter().map(anchor_fact));
        let entry = Entry {
            zone: &anchor.zone,
            anchor: true,
            rtype: anchor.rtype(),
            facts: facts.collect(),
            names: &names,
        };
        self.enter(entry)
    }

    /// Is `child` a zone of its own, and trusted?
    fn cut(&mut self, zone: &DomainName, child: &DomainName) -> Result<Cut, Need> {
        if let Some(cut) = self.cuts.get(child) {
            return Ok(cut.clone());
        }
        let evidence = match self.answer(child, types::DS)? {
            Ok(evidence) => evidence,
            Err(reason) => return Ok(self.broken(child, Vec::new(), reason)),
        };
        let answers = rrsets(&evidence.answers);
        if let Some(set) = find(&answers, child, types::DS) {
            return match self.verify(zone, set) {
                Ok(_) => self.delegated(child, set),
                Err(reason) => Ok(self.broken(child, ds_facts(set), reason)),
            };
        }
        let cut = self.without_ds(zone, child, &answers, &evidence);
        if let Cut::Broken(reason) = cut {
            return Ok(self.broken(child, Vec::new(), reason));
        }
        self.cuts.insert(child.clone(), cut.clone());
        Ok(cut)
    }

    /// A delegation with verified DS records.
    fn delegated(&mut self, child: &DomainName, set: &RrSet<'_>) -> Result<Cut, Need> {
        let all = parse_ds(set);
        let supported: Vec<_> = all.iter().filter(|ds| ds.is_supported()).collect();
        if supported.is_empty() {
            let text = format!(
                "the DS records name only what cannot be verified here: {}",
                described(&all)
            );
            let reason = subject(child, types::DS, None).reason(Code::UnsupportedAlgorithm, &text);
            return Ok(self.broken(child, ds_facts(set), reason));
        }
        // SHA-1 digests count only where there is nothing better (RFC 4509 §3).
        let has_better = supported.iter().any(|ds| ds.digest_type != 1);
        let usable: Vec<_> = supported
            .into_iter()
            .filter(|ds| !has_better || ds.digest_type != 1)
            .cloned()
            .collect();
        let names = |key: &Key| usable.iter().any(|ds| ds.matches(child, key));
        self.enter(Entry {
            zone: child,
            anchor: false,
            rtype: types::DS,
            facts: all
                .iter()
                .map(|ds| ds_fact(ds, ds.is_supported()))
                .collect(),
            names: &names,
        })
    }

    /// Fetches the keys of a zone, and trusts them if one that is named signs them all.
    fn enter(&mut self, mut entry: Entry<'_>) -> Result<Cut, Need> {
        let zone = entry.zone;
        let evidence = match self.answer(zone, types::DNSKEY)? {
            Ok(evidence) => evidence,
            Err(reason) => return Ok(self.broken_entry(&entry, Vec::new(), reason)),
        };
        let answers = rrsets(&evidence.answers);
        let about = subject(zone, types::DNSKEY, Some(zone));
        let Some(set) = find(&answers, zone, types::DNSKEY) else {
            let text = format!(
                "none, though {} says that the zone is signed",
                entry.source()
            );
            let reason = about.reason(Code::NoDnskey, &text);
            return Ok(self.broken_entry(&entry, Vec::new(), reason));
        };
        let keys: Vec<_> = parse_keys(set);
        let named: Vec<_> = keys
            .iter()
            .filter(|key| (entry.names)(key))
            .cloned()
            .collect();
        entry.compare(&named);
        if named.is_empty() {
            let reason = about.reason(Code::DsMismatch, &entry.mismatch(&keys));
            let facts = key_facts(&keys, &named, None);
            return Ok(self.broken_entry(&entry, facts, reason));
        }
        let ring = Keyring {
            zone,
            keys: &named,
            now: self.now,
        };
        match ring.verify(set, &mut self.budget) {
            Ok(signed) => Ok(self.trusted(&entry, keys, &named, &signed)),
            Err(reason) => {
                let facts = key_facts(&keys, &named, None);
                Ok(self.broken_entry(&entry, facts, reason))
            }
        }
    }

    fn trusted(&mut self, entry: &Entry<'_>, keys: Vec<Key>, named: &[Key], by: &Signed) -> Cut {
        let facts = key_facts(&keys, named, Some(by));
        self.links.push(entry.link(facts, None));
        self.keys.insert(entry.zone.clone(), keys);
        self.cuts.insert(entry.zone.clone(), Cut::Zone);
        Cut::Zone
    }

    fn broken_entry(&mut self, entry: &Entry<'_>, keys: Vec<KeyFact>, reason: Box<Reason>) -> Cut {
        let cut = Cut::Broken(reason.clone());
        self.cuts.insert(entry.zone.clone(), cut.clone());
        self.links.push(entry.link(keys, Some(reason)));
        cut
    }

    fn broken(&mut self, child: &DomainName, ds: Vec<DsFact>, reason: Box<Reason>) -> Cut {
        let entry = Entry {
            zone: child,
            anchor: false,
            rtype: types::DS,
            facts: ds,
            names: &|_| false,
        };
        self.broken_entry(&entry, Vec::new(), reason)
    }

    /// Verifies a set with the keys of a trusted zone.
    pub(super) fn verify(
        &mut self,
        zone: &DomainName,
        set: &RrSet<'_>,
    ) -> Result<Signed, Box<Reason>> {
        let (keys, now) = self.keyring(zone);
        let keys = &keys[..];
        Keyring { zone, keys, now }.verify(set, &mut self.budget)
    }

    /// No DS record at `child`: a delegation, or none.
    fn without_ds(
        &mut self,
        zone: &DomainName,
        child: &DomainName,
        answers: &[RrSet<'_>],
        evidence: &Evidence,
    ) -> Cut {
        // An alias at the name, or a DNAME above it: then it is no delegation.
        for set in answers.iter().filter(|set| is_alias(set, child)) {
            if self.verify(zone, set).is_ok() {
                return Cut::Inside;
            }
        }
        let about = subject(child, types::DS, Some(zone));
        let (proofs, bad) = self.proofs(zone, &rrsets(&evidence.authority));
        match proofs.no_ds(child, &mut self.budget) {
            Ok(NoDs::NotACut) => Cut::Inside,
            Ok(NoDs::NoName) => Cut::NoName,
            Ok(NoDs::Insecure) => {
                let text = format!("none: {zone} proves that the delegation is unsigned");
                Cut::Broken(about.reason(Code::NoDs, &text))
            }
            Ok(NoDs::OptOut) => {
                let text = format!("none: it lies in an opt-out span of {zone}");
                Cut::Broken(about.reason(Code::OptOut, &text))
            }
            Err(gap) => {
                let code = match gap.code {
                    Code::NoDenial => Code::NoDsDenial,
                    code => code,
                };
                let text = match bad {
                    Some(bad) => format!("none, and no proof of that: {}", bad.text),
                    None => format!("none, and no proof of that: {}", gap.text),
                };
                Cut::Broken(about.reason(code, &text))
            }
        }
    }

    /// The NSEC and NSEC3 records of a section whose signatures by `zone` hold, and the reason of
    /// the first whose does not.
    pub(super) fn proofs(
        &mut self,
        zone: &DomainName,
        authority: &[RrSet<'_>],
    ) -> (Proofs, Option<Box<Reason>>) {
        let mut proofs = Proofs {
            zone: zone.clone(),
            nsec: Vec::new(),
            nsec3: Vec::new(),
        };
        let mut bad = None;
        let denying = authority.iter().filter(|set| is_denying(set.rtype));
        for set in denying.take(MAX_RECORDS) {
            match self.verify(zone, set) {
                // A denial that was itself expanded from a wildcard says nothing of this name.
                Ok(signed) if signed.wildcard.is_some() => {}
                Ok(_) => proofs.take(set),
                Err(reason) => {
                    bad.get_or_insert(reason);
                }
            }
        }
        (proofs, bad)
    }
}

impl Proofs {
    fn take(&mut self, set: &RrSet<'_>) {
        let rdatas = || set.rdatas.iter();
        if set.rtype == types::NSEC {
            self.nsec
                .extend(rdatas().filter_map(|rdata| Nsec::parse(set.name, rdata)));
        } else {
            self.nsec3
                .extend(rdatas().filter_map(|rdata| Nsec3::parse(set.name, rdata)));
        }
    }
}

/// A zone that a DS record or an anchor points at.
struct Entry<'a> {
    zone: &'a DomainName,
    anchor: bool,
    rtype: RecordType,
    facts: Vec<DsFact>,
    names: &'a dyn Fn(&Key) -> bool,
}

impl Entry<'_> {
    fn source(&self) -> &'static str {
        if self.anchor {
            "the trust anchor"
        } else {
            "its parent"
        }
    }

    /// Notes which of the DS records name one of the zone's keys.
    fn compare(&mut self, named: &[Key]) {
        for fact in &mut self.facts {
            let fits =
                |key: &Key| key.tag == fact.key.key_tag && key.algorithm == fact.key.algorithm;
            fact.matches = fact.supported.then(|| named.iter().any(fits));
        }
    }

    fn mismatch(&self, keys: &[Key]) -> String {
        let what = if self.anchor {
            "the trust anchor"
        } else {
            "the DS record"
        };
        format!(
            "no key is the one that {what} names: {} has {}, the zone {}",
            self.rtype,
            listed(self.facts.iter().map(|fact| fact.key.clone())),
            listed(keys.iter().map(Into::into)),
        )
    }

    fn link(&self, keys: Vec<KeyFact>, reason: Option<Box<Reason>>) -> Link {
        Link {
            zone: self.zone.to_string(),
            status: reason
                .as_ref()
                .map_or(super::report::Status::Secure, |reason| reason.code.status()),
            reason,
            anchor: self.anchor,
            ds: self.facts.clone(),
            keys,
        }
    }
}

fn subject<'a>(
    name: &'a DomainName,
    rtype: RecordType,
    zone: Option<&'a DomainName>,
) -> Subject<'a> {
    Subject { name, rtype, zone }
}

fn is_answer(rcode: Rcode) -> bool {
    rcode == Rcode::NOERROR || rcode == Rcode::NXDOMAIN
}

pub(super) fn is_denying(rtype: RecordType) -> bool {
    rtype == types::NSEC || rtype == types::NSEC3
}

/// Whether the set renames `child`: a CNAME at it, or a DNAME above it.
fn is_alias(set: &RrSet<'_>, child: &DomainName) -> bool {
    let renames = set.rtype == types::CNAME && set.name == child;
    let moves = set.rtype == types::DNAME && set.name != child && child.is_within(set.name);
    renames || moves
}

/// DS records for a sentence.
fn described(all: &[Ds]) -> String {
    let one = |ds: &Ds| format!("{} with digest type {}", KeyRef::from(ds), ds.digest_type);
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn parse_ds(set: &RrSet<'_>) -> Vec<Ds> {
    let rdatas = set.rdatas.iter().take(MAX_RECORDS);
    rdatas.filter_map(|rdata| Ds::parse(rdata)).collect()
}

fn parse_keys(set: &RrSet<'_>) -> Vec<Key> {
    let keys = set.rdatas.iter().take(MAX_RECORDS);
    let keys = keys.filter_map(|rdata| Key::parse(rdata));
    keys.filter(|key| !key.is_revoked()).collect()
}

fn ds_facts(set: &RrSet<'_>) -> Vec<DsFact> {
    let all = parse_ds(set);
    all.iter()
        .map(|ds| ds_fact(ds, ds.is_supported()))
        .collect()
}

fn ds_fact(ds: &Ds, supported: bool) -> DsFact {
    DsFact {
        key: ds.into(),
        digest_type: Some(ds.digest_type),
        supported,
        matches: None,
    }
}

fn anchor_fact(key: &Key) -> DsFact {
    DsFact {
        key: key.into(),
        digest_type: None,
        supported: crypto::supports(key.algorithm),
        matches: None,
    }
}

fn key_facts(keys: &[Key], named: &[Key], by: Option<&Signed>) -> Vec<KeyFact> {
    let signs = |key: &Key| {
        by.is_some_and(|by| {
            by.signature.key_tag == key.tag && by.signature.algorithm == key.algorithm
        })
    };
    let fact = |key: &Key| KeyFact {
        key: key.into(),
        flags: key.flags,
        trusted_by_ds: named.contains(key),
        signs_keys: signs(key),
    };
    keys.iter().map(fact).collect()
}
