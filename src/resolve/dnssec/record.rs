//! What a validator reads of a message: records with their data as bytes, grouped into RRsets.
//!
//! Separate from the message decoder because DNSSEC is about octets: what was signed is the data as
//! it was sent, names uncompressed. Knows no type but RRSIG.

use std::collections::HashMap;

use super::signature::Signature;
use super::types;
use crate::resolve::DomainName;
use crate::resolve::wire::{self, Class, Rcode, RecordType, Reply};

/// One record of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rr {
    /// Owner.
    pub name: DomainName,
    /// Type.
    pub rtype: RecordType,
    /// Data, names in it uncompressed and in the case they came in.
    pub rdata: Vec<u8>,
}

/// A reply, as far as proofs need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The response code.
    pub rcode: Rcode,
    /// The answer section.
    pub answers: Vec<Rr>,
    /// The authority section.
    pub authority: Vec<Rr>,
}

impl Evidence {
    /// Takes what a reply has of class IN.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        Self {
            rcode: reply.rcode,
            answers: list(&reply.answers),
            authority: list(&reply.authority),
        }
    }
}

fn list(records: &[wire::Record]) -> Vec<Rr> {
    let ours = records.iter().filter(|record| record.class == Class::IN);
    let ours = ours.map(|record| Rr {
        name: record.name.clone(),
        rtype: record.rtype,
        rdata: record.rdata.bytes().to_vec(),
    });
    ours.collect()
}

/// The records of one type at one name, and the signatures over them.
#[derive(Clone, Debug)]
pub(super) struct RrSet<'a> {
    pub(super) name: &'a DomainName,
    pub(super) rtype: RecordType,
    pub(super) rdatas: Vec<&'a [u8]>,
    pub(super) signatures: Vec<Signature>,
}

impl RrSet<'_> {
    /// The zones that claim to have signed it, each once, in the order of the message.
    pub(super) fn signers(&self) -> Vec<&DomainName> {
        let mut signers: Vec<&DomainName> = Vec::new();
        for signature in &self.signatures {
            if !signers.contains(&&signature.signer) {
                signers.push(&signature.signer);
            }
        }
        signers
    }
}

/// Groups a section, in the order in which the sets begin; signatures without their set are left out.
pub(super) fn rrsets(section: &[Rr]) -> Vec<RrSet<'_>> {
    let mut sets: Vec<RrSet<'_>> = Vec::new();
    let mut places = HashMap::new();
    let records = || section.iter();
    for rr in records().filter(|rr| rr.rtype != types::RRSIG) {
        let place = *places.entry((&rr.name, rr.rtype)).or_insert_with(|| {
            sets.push(RrSet {
                name: &rr.name,
                rtype: rr.rtype,
                rdatas: Vec::new(),
                signatures: Vec::new(),
            });
            sets.len() - 1
        });
        sets[place].rdatas.push(&rr.rdata);
    }
    for rr in records().filter(|rr| rr.rtype == types::RRSIG) {
        if let Some(signature) = Signature::parse(&rr.rdata)
            && let Some(&place) = places.get(&(&rr.name, signature.covered))
        {
            sets[place].signatures.push(signature);
        }
    }
    sets
}

/// The set of one type at one name.
pub(super) fn find<'s, 'a>(
    sets: &'s [RrSet<'a>],
    name: &DomainName,
    rtype: RecordType,
) -> Option<&'s RrSet<'a>> {
    sets.iter()
        .find(|set| set.rtype == rtype && set.name == name)
}
