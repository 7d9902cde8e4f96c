//! The record types that DNSSEC itself is made of, and those it must tell apart.

use crate::resolve::wire::RecordType;

pub(super) const NS: RecordType = RecordType::NS;
pub(super) const CNAME: RecordType = RecordType::CNAME;
pub(super) const SOA: RecordType = RecordType::SOA;
pub(super) const DNAME: RecordType = RecordType::DNAME;
pub(super) const DS: RecordType = RecordType::DS;
pub(super) const RRSIG: RecordType = RecordType::RRSIG;
pub(super) const NSEC: RecordType = RecordType::NSEC;
pub(super) const DNSKEY: RecordType = RecordType::DNSKEY;
pub(super) const NSEC3: RecordType = RecordType::NSEC3;
pub(super) const ANY: RecordType = RecordType::ANY;
