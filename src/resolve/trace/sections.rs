//! The records of a reply, section by section, as a trace reads them.

use std::net::IpAddr;

use crate::resolve::DomainName;
use crate::resolve::message::Section;
use crate::resolve::wire::{self, Class, Rcode, RecordType, Reply};

/// One record of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rr {
    pub(super) name: DomainName,
    pub(super) rtype: RecordType,
    /// Names in it uncompressed.
    pub(super) rdata: Vec<u8>,
}

/// What a trace reads of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sections {
    pub(super) rcode: Rcode,
    pub(super) authoritative: bool,
    pub(super) answers: Vec<Rr>,
    pub(super) authority: Vec<Rr>,
    pub(super) additional: Vec<Rr>,
}

impl Sections {
    /// Takes what a reply has of class IN.
    pub(super) fn of(reply: &Reply) -> Self {
        let section = |section| list(&reply.records(section));
        Self {
            rcode: reply.rcode,
            authoritative: reply.authoritative,
            answers: section(Section::Answer),
            authority: section(Section::Authority),
            additional: section(Section::Additional),
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

impl Rr {
    /// The name that the data is: of NS and CNAME records.
    pub(super) fn name_in_data(&self) -> Option<DomainName> {
        DomainName::from_wire(&self.rdata)
    }

    /// The address of an A or AAAA record.
    pub(super) fn address(&self) -> Option<IpAddr> {
        if self.rtype == RecordType::A {
            <[u8; 4]>::try_from(&self.rdata[..]).ok().map(IpAddr::from)
        } else if self.rtype == RecordType::AAAA {
            <[u8; 16]>::try_from(&self.rdata[..]).ok().map(IpAddr::from)
        } else {
            None
        }
    }
}
