//! The record types that DNSSEC itself is made of, and those it must tell apart.

use crate::resolve::wire::RecordType;

pub(super) const NS: RecordType = RecordType(2);
pub(super) const CNAME: RecordType = RecordType::CNAME;
pub(super) const SOA: RecordType = RecordType::SOA;
pub(super) const DNAME: RecordType = RecordType(39);
pub(super) const DS: RecordType = RecordType(43);
pub(super) const RRSIG: RecordType = RecordType(46);
pub(super) const NSEC: RecordType = RecordType(47);
pub(super) const DNSKEY: RecordType = RecordType(48);
pub(super) const NSEC3: RecordType = RecordType(50);
pub(super) const ANY: RecordType = RecordType(255);
