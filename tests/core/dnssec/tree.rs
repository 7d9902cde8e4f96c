//! A tree of zones that signs itself, and answers as a resolver with the CD bit would.
//!
//! Keys are Ed25519 from fixed seeds. What is signed and denied is made here from the RFCs alone,
//! without the library's code; the lab does the same with other people's signers.
#![expect(
    clippy::unwrap_used,
    reason = "a tree that cannot be made fails its test"
)]

use std::collections::BTreeMap;

use data_encoding::BASE32HEX_NOPAD;
use netkit::resolve::DomainName;
use netkit::resolve::dnssec::{Anchors, Evidence, Report, Rr, Step, Validator};
use netkit::resolve::wire::{Ask, Rcode, RecordType};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};

pub(crate) const NOW: u64 = 1_764_000_000;
pub(crate) const A: u16 = 1;
pub(crate) const NS: u16 = 2;
pub(crate) const CNAME: u16 = 5;
pub(crate) const SOA: u16 = 6;
pub(crate) const DNAME: u16 = 39;
pub(crate) const DS: u16 = 43;
pub(crate) const RRSIG: u16 = 46;
pub(crate) const NSEC: u16 = 47;
pub(crate) const DNSKEY: u16 = 48;
pub(crate) const NSEC3: u16 = 50;

pub(crate) fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

pub(crate) fn ask(text: &str, rtype: u16) -> Ask {
    Ask::new(name(text), RecordType(rtype))
}

pub(crate) fn wire(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name(text).labels() {
        octets.push(u8::try_from(label.len()).unwrap());
        octets.extend(label.to_ascii_lowercase());
    }
    octets.push(0);
    octets
}

/// How a zone denies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Chained {
    Nsec,
    Nsec3 { iterations: u16, opt_out: bool },
}

/// A signed zone.
pub(crate) struct Zone {
    pub(crate) apex: String,
    pub(crate) chained: Chained,
    /// Name and type to data.
    pub(crate) sets: BTreeMap<(String, u16), Vec<Vec<u8>>>,
    pub(crate) key: Ed25519KeyPair,
    /// The algorithm number that keys, signatures and DS claim.
    pub(crate) algorithm: u8,
    pub(crate) inception: u32,
    pub(crate) expiration: u32,
}

impl Zone {
    pub(crate) fn new(apex: &str, seed: u8) -> Self {
        let now = u32::try_from(NOW).unwrap();
        let mut zone = Self {
            apex: apex.to_owned(),
            chained: Chained::Nsec,
            sets: BTreeMap::new(),
            key: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap(),
            algorithm: 15,
            inception: now - 3_600,
            expiration: now + 14 * 86_400,
        };
        let soa = [wire("ns."), wire("h."), vec![0; 20]].concat();
        zone.add(apex, SOA, soa);
        zone.add(apex, NS, wire("ns."));
        zone
    }

    pub(crate) fn add(&mut self, owner: &str, rtype: u16, rdata: Vec<u8>) {
        let owner = owner.to_lowercase();
        self.sets.entry((owner, rtype)).or_default().push(rdata);
    }

    /// The data of its key.
    pub(crate) fn dnskey(&self) -> Vec<u8> {
        let public = self.key.public_key().as_ref();
        [&[1, 1, 3, self.algorithm], public].concat()
    }

    pub(crate) fn tag(&self) -> u16 {
        let octets = self.dnskey();
        let sum: u32 = octets
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
            .sum();
        u16::try_from((sum + (sum >> 16)) & 0xffff).unwrap()
    }

    /// The data of a DS record of its key, digest type SHA-256.
    pub(crate) fn ds(&self) -> Vec<u8> {
        let hash = digest(&SHA256, &[wire(&self.apex), self.dnskey()].concat());
        let mut rdata = self.tag().to_be_bytes().to_vec();
        rdata.extend([self.algorithm, 2]);
        rdata.extend(hash.as_ref());
        rdata
    }

    /// An RRset with its signature; `signed` is the owner that is signed, a wildcard perhaps.
    pub(crate) fn set(&self, owner: &str, signed: &str, rtype: u16, rdatas: &[Vec<u8>]) -> Vec<Rr> {
        let mut records: Vec<_> = rdatas.iter().map(|rdata| rr(owner, rtype, rdata)).collect();
        records.push(rr(owner, RRSIG, &self.sign(signed, rtype, rdatas)));
        records
    }

    pub(crate) fn sign(&self, owner: &str, rtype: u16, rdatas: &[Vec<u8>]) -> Vec<u8> {
        let labels = name(owner).labels().filter(|label| *label != b"*").count();
        let mut rdata = rtype.to_be_bytes().to_vec();
        rdata.extend([self.algorithm, u8::try_from(labels).unwrap()]);
        rdata.extend(300_u32.to_be_bytes());
        rdata.extend(self.expiration.to_be_bytes());
        rdata.extend(self.inception.to_be_bytes());
        rdata.extend(self.tag().to_be_bytes());
        rdata.extend(wire(&self.apex));
        let mut message = rdata.clone();
        let mut rdatas = rdatas.to_vec();
        rdatas.sort();
        for data in rdatas {
            message.extend(wire(owner));
            message.extend(rtype.to_be_bytes());
            message.extend([0, 1]);
            message.extend(300_u32.to_be_bytes());
            message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            message.extend(data);
        }
        rdata.extend(self.key.sign(&message).as_ref());
        rdata
    }

    fn find(&self, owner: &str, rtype: u16) -> Option<&Vec<Vec<u8>>> {
        self.sets.get(&(owner.to_lowercase(), rtype))
    }

    fn types_at(&self, owner: &str) -> Vec<u16> {
        let own = self.sets.keys().filter(|(name, _)| *name == owner);
        own.map(|(_, rtype)| *rtype).collect()
    }

    /// Every name with records, and with NSEC3 also the empty ones on the way to them.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.sets.keys().map(|(name, _)| name.clone()).collect();
        if self.chained != Chained::Nsec {
            for owner in names.clone() {
                let mut above = owner.as_str();
                while let Some((_, rest)) = above.split_once('.') {
                    above = rest;
                    if name(above).is_within(&name(&self.apex)) {
                        names.push(above.to_owned());
                    }
                }
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// Whether a name has an NSEC3 record of its own.
    fn is_chained(&self, owner: &str) -> bool {
        let label = BASE32HEX_NOPAD.encode(&self.hash(owner)).to_lowercase();
        self.denial(owner)[0].name.labels().next() == Some(label.as_bytes())
    }

    fn exists(&self, owner: &str) -> bool {
        let is_below = |(name_, _): &(String, u16)| name(name_).is_within(&name(owner));
        self.sets.keys().any(is_below)
    }

    pub(crate) fn hash(&self, owner: &str) -> Vec<u8> {
        let Chained::Nsec3 { iterations, .. } = self.chained else {
            panic!("not hashed")
        };
        let sha1 = |octets: &[u8]| digest(&SHA1_FOR_LEGACY_USE_ONLY, octets).as_ref().to_vec();
        (0..iterations).fold(sha1(&wire(owner)), |hash, _| sha1(&hash))
    }

    /// The record that matches or covers a name.
    pub(crate) fn denial(&self, owner: &str) -> Vec<Rr> {
        match self.chained {
            Chained::Nsec => self.nsec(owner),
            Chained::Nsec3 {
                iterations,
                opt_out,
            } => self.nsec3(owner, iterations, opt_out),
        }
    }

    fn nsec(&self, owner: &str) -> Vec<Rr> {
        let key = |text: &str| {
            let labels = name(text);
            labels
                .labels()
                .rev()
                .map(<[u8]>::to_ascii_lowercase)
                .collect::<Vec<_>>()
        };
        let mut names = self.names();
        names.sort_by_key(|name| key(name));
        let at = names
            .iter()
            .rposition(|name| key(name) <= key(owner))
            .unwrap();
        let next = &names[(at + 1) % names.len()];
        let mut types = self.types_at(&names[at]);
        types.extend([RRSIG, NSEC]);
        let rdata = [wire(next), bitmap(&types)].concat();
        self.set(&names[at], &names[at], NSEC, &[rdata])
    }

    fn nsec3(&self, owner: &str, iterations: u16, opt_out: bool) -> Vec<Rr> {
        let unsigned = |name: &String| {
            let types = self.types_at(name);
            types.contains(&NS) && !types.contains(&DS) && !types.contains(&SOA)
        };
        let names = self.names();
        let kept = names.iter().filter(|name| !(opt_out && unsigned(name)));
        let mut hashes: Vec<_> = kept.map(|name| (self.hash(name), name.clone())).collect();
        hashes.sort();
        let wanted = self.hash(owner);
        let before = hashes.iter().rposition(|(hash, _)| *hash <= wanted);
        let at = before.unwrap_or(hashes.len() - 1);
        let (hash, own) = &hashes[at];
        let (next, _) = &hashes[(at + 1) % hashes.len()];
        let mut rdata = vec![1, u8::from(opt_out)];
        rdata.extend(iterations.to_be_bytes());
        rdata.extend([0, 20]);
        rdata.extend(next);
        let mut types = self.types_at(own);
        types.push(RRSIG);
        rdata.extend(bitmap(&types));
        let apex = if self.apex == "." { "" } else { &self.apex };
        let owner = format!("{}.{apex}", BASE32HEX_NOPAD.encode(hash).to_lowercase());
        self.set(&owner, &owner, NSEC3, &[rdata])
    }
}

fn bitmap(types: &[u16]) -> Vec<u8> {
    let mut map = [0; 32];
    for &rtype in types {
        map[usize::from(rtype / 8)] |= 0x80 >> (rtype % 8);
    }
    let length = map
        .iter()
        .rposition(|&octet| octet != 0)
        .map_or(0, |at| at + 1);
    let mut octets = vec![0, u8::try_from(length).unwrap()];
    octets.extend(&map[..length]);
    octets
}

pub(crate) fn rr(owner: &str, rtype: u16, rdata: &[u8]) -> Rr {
    Rr {
        name: name(owner),
        rtype: RecordType(rtype),
        rdata: rdata.to_vec(),
    }
}

type Tamper = Box<dyn Fn(&Ask, &mut Evidence)>;

/// The root, `example` and what the test adds.
pub(crate) struct Tree {
    pub(crate) zones: Vec<Zone>,
    /// Changes what is answered.
    pub(crate) tamper: Tamper,
    pub(crate) now: u64,
    pub(crate) anchors: Anchors,
}

impl Tree {
    /// The root and `example`, signed; `open.example` delegated without DS.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same, with `example` changed before it is signed.
    pub(crate) fn with(change: impl FnOnce(&mut Zone)) -> Self {
        let mut example = Zone::new("example", 2);
        example.add("www.example", A, vec![192, 0, 2, 1]);
        example.add("www.example", A, vec![192, 0, 2, 2]);
        example.add("*.wild.example", A, vec![192, 0, 2, 3]);
        example.add("alias.example", CNAME, wire("www.example"));
        example.add("away.example", CNAME, wire("gone.example"));
        example.add("old.example", DNAME, wire("wild.example"));
        example.add("a.empty.example", A, vec![192, 0, 2, 4]);
        example.add("open.example", NS, wire("ns."));
        change(&mut example);
        let mut root = Zone::new(".", 1);
        root.add("example", NS, wire("ns."));
        root.add("example", DS, example.ds());
        let anchors = anchor(&root);
        for zone in [&mut root, &mut example] {
            zone.add(&zone.apex.clone(), DNSKEY, zone.dnskey());
        }
        Self {
            zones: vec![root, example],
            tamper: Box::new(|_, _| {}),
            now: NOW,
            anchors,
        }
    }

    pub(crate) fn tampered(mut self, tamper: impl Fn(&Ask, &mut Evidence) + 'static) -> Self {
        self.tamper = Box::new(tamper);
        self
    }

    pub(crate) fn example(&self) -> &Zone {
        &self.zones[1]
    }

    /// The zone that holds a type at a name.
    fn zone_of(&self, owner: &DomainName, rtype: u16) -> &Zone {
        let holds = |zone: &&Zone| {
            let apex = name(&zone.apex);
            owner.is_within(&apex) && !(rtype == DS && *owner == apex && zone.apex != ".")
        };
        let zones = self.zones.iter().filter(holds);
        zones
            .max_by_key(|zone| name(&zone.apex).labels().count())
            .unwrap()
    }

    /// What the resolver answers.
    pub(crate) fn answer(&self, question: &Ask) -> Evidence {
        let mut evidence = Evidence {
            rcode: Rcode::NOERROR,
            answers: Vec::new(),
            authority: Vec::new(),
        };
        self.fill(&question.name, question.rtype.0, &mut evidence);
        (self.tamper)(question, &mut evidence);
        evidence
    }

    fn fill(&self, owner: &DomainName, rtype: u16, evidence: &mut Evidence) {
        let zone = self.zone_of(owner, rtype);
        let text = owner.to_string();
        if owner.is_within(&name("open.example")) && *owner != name("open.example") {
            // Below the delegation nothing is signed.
            evidence.answers.push(rr(&text, A, &[192, 0, 2, 9]));
        } else if let Some(rdatas) = zone.find(&text, rtype) {
            evidence
                .answers
                .extend(zone.set(&text, &text, rtype, rdatas));
        } else if let Some(target) = zone.find(&text, CNAME) {
            evidence
                .answers
                .extend(zone.set(&text, &text, CNAME, target));
            let target = netkit_name(&target[0]);
            self.fill(&target, rtype, evidence);
        } else if owner.is_within(&name("old.example")) && text != "old.example" {
            self.moved(zone, owner, rtype, evidence);
        } else if zone.exists(&text) {
            let opted_out = zone.chained != Chained::Nsec && !zone.is_chained(&text);
            let above = text.split_once('.').map_or(".", |(_, above)| above);
            let names = [&*text, above];
            Self::deny(zone, &names[..=usize::from(opted_out)], evidence);
        } else {
            Self::absent(zone, &text, rtype, evidence);
        }
    }

    fn moved(&self, zone: &Zone, owner: &DomainName, rtype: u16, evidence: &mut Evidence) {
        let dname = zone.find("old.example", DNAME).unwrap();
        evidence
            .answers
            .extend(zone.set("old.example", "old.example", DNAME, dname));
        let target = owner.to_string().replace("old.example", "wild.example");
        evidence
            .answers
            .push(rr(&owner.to_string(), CNAME, &wire(&target)));
        self.fill(&name(&target), rtype, evidence);
    }

    fn absent(zone: &Zone, text: &str, rtype: u16, evidence: &mut Evidence) {
        let mut next_closer = text;
        let encloser = loop {
            let (_, above) = next_closer.split_once('.').unwrap_or(("", "."));
            if zone.exists(above) {
                break above;
            }
            next_closer = above;
        };
        let wildcard = format!("*.{encloser}");
        if let Some(rdatas) = zone.find(&wildcard, rtype) {
            evidence
                .answers
                .extend(zone.set(text, &wildcard, rtype, rdatas));
            Self::deny_only(zone, &[next_closer], evidence);
            return;
        }
        if !zone.exists(&wildcard) {
            evidence.rcode = Rcode::NXDOMAIN;
        }
        let wildcard = wildcard.trim_end_matches("..").to_owned();
        if zone.chained == Chained::Nsec {
            Self::deny(zone, &[text, &wildcard], evidence);
        } else {
            Self::deny(zone, &[encloser, next_closer, &wildcard], evidence);
        }
    }

    fn deny(zone: &Zone, names: &[&str], evidence: &mut Evidence) {
        let soa = zone.find(&zone.apex, SOA).unwrap();
        evidence
            .authority
            .extend(zone.set(&zone.apex, &zone.apex, SOA, soa));
        Self::deny_only(zone, names, evidence);
    }

    fn deny_only(zone: &Zone, names: &[&str], evidence: &mut Evidence) {
        for text in names {
            let records = zone.denial(text);
            if !evidence.authority.contains(&records[0]) {
                evidence.authority.extend(records);
            }
        }
    }

    /// Asks and validates.
    pub(crate) fn validate(&self, text: &str, rtype: u16) -> Report {
        let question = ask(text, rtype);
        let reply = self.answer(&question);
        let mut validator = Validator::new(self.anchors.clone(), self.now);
        for _ in 0..200 {
            match validator.validate(&question, &reply) {
                Step::Done(report) => return *report,
                Step::Need(needed) => {
                    let answer = self.answer(&needed);
                    validator.supply(needed, Ok(answer));
                }
            }
        }
        panic!("it asks without end");
    }
}

/// The DS record of a zone as an anchor.
pub(crate) fn anchor(zone: &Zone) -> Anchors {
    let ds = zone.ds();
    let digest = data_encoding::HEXUPPER.encode(&ds[4..]);
    let text = format!("{} DS {} {} 2 {digest}", zone.apex, zone.tag(), ds[2]);
    Anchors::parse(&text).unwrap()
}

fn netkit_name(rdata: &[u8]) -> DomainName {
    let mut labels = Vec::new();
    let mut rest = rdata;
    while let [length @ (1..), tail @ ..] = rest {
        let (label, tail) = tail.split_at(usize::from(*length));
        labels.push(label);
        rest = tail;
    }
    DomainName::from_labels(labels).unwrap()
}
