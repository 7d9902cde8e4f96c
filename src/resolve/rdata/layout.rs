//! What the data of each type is made of: the fields in their order.

use crate::resolve::registry::{Class, RecordType, algorithm, certificate_type};

use super::cursor::{Bad, Cursor};
use super::fields::Fields;
use super::value::{Text, Value};
use super::{places, special, svcb};

/// How one field is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    U16,
    U32,
    U64,
    /// Seconds since 1970, 32 bits.
    Time,
    Ipv4,
    Ipv6,
    Name,
    /// A string after its length in one octet.
    String,
    /// One or more of them, to the end.
    Strings,
    /// A string after its length in one octet, written without quotes.
    Word,
    /// One string to the end.
    Rest,
    /// Octets to the end.
    Hex,
    Base64,
    /// Octets after their length in one octet.
    Salt,
    Hash,
    Type,
    /// A bitmap of types in windows (RFC 4034 §4.1.2).
    Types,
    /// A number whose names belong to the text form.
    Algorithm,
    Certificate,
    /// Octets in pairs of digits with hyphens, to the end.
    Eui48,
    Eui64,
    /// 64 bits in four groups (RFC 6742 §2.1.2).
    Groups,
}

/// The fields of a type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout {
    /// Fields that do not depend on each other.
    Plain(&'static [(&'static str, Kind)]),
    /// A reader of its own; it allows no compressed names.
    Special(for<'a> fn(&mut Cursor<'a>, &mut Fields<'a>) -> Result<(), Bad>),
}

impl Layout {
    /// The layout of a type; those that are about Internet addresses mean nothing in other classes
    /// (RFC 3597 §4: the data of an unknown pair is opaque).
    pub(super) fn of(rtype: RecordType, class: Class) -> Option<Self> {
        if class != Class::IN && is_of_internet(rtype) {
            return None;
        }
        plain(rtype).map(Self::Plain).or_else(|| own_reader(rtype))
    }

    pub(super) fn read(self, mut cursor: Cursor<'_>) -> Result<Fields<'_>, Bad> {
        let mut fields = Fields::default();
        match self {
            Self::Plain(layout) => {
                for &(key, kind) in layout {
                    fields.push(key, kind.read(&mut cursor)?);
                }
            }
            Self::Special(read) => read(&mut cursor, &mut fields)?,
        }
        cursor.finish()?;
        Ok(fields)
    }

    /// Checks the data and writes its names out; `None` when it can stay as it is.
    pub(super) fn expand(self, mut cursor: Cursor<'_>) -> Result<Option<Vec<u8>>, Bad> {
        let Self::Plain(layout) = self else {
            return self.read(cursor).map(|_| None);
        };
        if layout.iter().all(|(_, kind)| *kind != Kind::Name) {
            return self.read(cursor).map(|_| None);
        }
        let mut bytes = Vec::with_capacity(cursor.left() + 64);
        for (_, kind) in layout {
            let before = cursor;
            match kind.read(&mut cursor)? {
                Value::Name(name) => bytes.extend_from_slice(name.as_wire()),
                _ => bytes.extend_from_slice(cursor.since(&before)),
            }
        }
        cursor.finish()?;
        Ok(Some(bytes))
    }
}

impl Kind {
    fn read<'a>(self, cursor: &mut Cursor<'a>) -> Result<Value<'a>, Bad> {
        Ok(match self {
            Self::U8 => Value::Number(cursor.u8()?.into()),
            Self::U16 => Value::Number(cursor.u16()?.into()),
            Self::U32 => Value::Number(cursor.u32()?.into()),
            Self::U64 => Value::Number(cursor.array().map(u64::from_be_bytes)?),
            Self::Time => Value::Time(cursor.u32()?),
            Self::Ipv4 => Value::Ip(cursor.array::<4>()?.into()),
            Self::Ipv6 => Value::Ip(cursor.array::<16>()?.into()),
            Self::Name => Value::Name(cursor.name()?),
            Self::String => Value::String(Text(cursor.counted()?)),
            Self::Strings => special::strings(cursor)?,
            Self::Word => special::word(cursor)?,
            Self::Rest => Value::String(Text(cursor.rest())),
            Self::Hex => Value::Hex(cursor.rest()),
            Self::Base64 => Value::Base64(cursor.rest()),
            Self::Salt => Value::HexWord(cursor.counted()?),
            Self::Hash => Value::Base32(cursor.counted()?),
            Self::Type => Value::Type(RecordType(cursor.u16()?)),
            Self::Types => special::types(cursor)?,
            Self::Algorithm => {
                let number = cursor.u8()?;
                named(number.into(), algorithm(number))
            }
            Self::Certificate => {
                let number = cursor.u16()?;
                named(number.into(), certificate_type(number))
            }
            Self::Eui48 => special::eui(&cursor.array::<6>()?),
            Self::Eui64 => special::eui(&cursor.array::<8>()?),
            Self::Groups => special::groups(cursor.array()?),
        })
    }
}

fn named(number: u64, word: Option<&'static str>) -> Value<'static> {
    word.map_or(Value::Number(number), |word| Value::Named(number, word))
}

/// Types that RFC 1035 and its successors define for class IN only.
fn is_of_internet(rtype: RecordType) -> bool {
    use RecordType as T;
    [
        T::A,
        T::WKS,
        T::NSAP,
        T::NSAP_PTR,
        T::PX,
        T::AAAA,
        T::SRV,
        T::KX,
        T::A6,
        T::APL,
        T::DHCID,
        T::SVCB,
        T::HTTPS,
    ]
    .contains(&rtype)
}

const TEXTS: &[(&str, Kind)] = &[("strings", Kind::Strings)];
const DIGEST: &[(&str, Kind)] = &[
    ("key_tag", Kind::U16),
    ("algorithm", Kind::U8),
    ("digest_type", Kind::U8),
    ("digest", Kind::Hex),
];
const KEY: &[(&str, Kind)] = &[
    ("flags", Kind::U16),
    ("protocol", Kind::U8),
    ("algorithm", Kind::U8),
    ("public_key", Kind::Base64),
];
const SIGNATURE: &[(&str, Kind)] = &[
    ("type_covered", Kind::Type),
    ("algorithm", Kind::U8),
    ("labels", Kind::U8),
    ("original_ttl", Kind::U32),
    ("expiration", Kind::Time),
    ("inception", Kind::Time),
    ("key_tag", Kind::U16),
    ("signer", Kind::Name),
    ("signature", Kind::Base64),
];
const ASSOCIATION: &[(&str, Kind)] = &[
    ("usage", Kind::U8),
    ("selector", Kind::U8),
    ("matching_type", Kind::U8),
    ("data", Kind::Hex),
];

/// The layout of types whose fields do not depend on each other.
fn plain(rtype: RecordType) -> Option<&'static [(&'static str, Kind)]> {
    use RecordType as T;
    mail(rtype).or_else(|| proofs(rtype)).or_else(|| {
        Some(match rtype {
            T::A => &[("address", Kind::Ipv4)],
            T::AAAA => &[("address", Kind::Ipv6)],
            T::NS | T::CNAME | T::PTR | T::DNAME | T::NSAP_PTR => &[("target", Kind::Name)],
            T::SOA => &[
                ("mname", Kind::Name),
                ("rname", Kind::Name),
                ("serial", Kind::U32),
                ("refresh", Kind::U32),
                ("retry", Kind::U32),
                ("expire", Kind::U32),
                ("minimum", Kind::U32),
            ],
            T::HINFO => &[("cpu", Kind::String), ("os", Kind::String)],
            T::TXT | T::SPF | T::NINFO | T::AVC | T::RESINFO | T::WALLET => TEXTS,
            T::SRV => &[
                ("priority", Kind::U16),
                ("weight", Kind::U16),
                ("port", Kind::U16),
                ("target", Kind::Name),
            ],
            T::NAPTR => &[
                ("order", Kind::U16),
                ("preference", Kind::U16),
                ("flags", Kind::String),
                ("services", Kind::String),
                ("regexp", Kind::String),
                ("replacement", Kind::Name),
            ],
            T::URI => &[
                ("priority", Kind::U16),
                ("weight", Kind::U16),
                ("target", Kind::Rest),
            ],
            T::CAA => &[
                ("flags", Kind::U8),
                ("tag", Kind::Word),
                ("value", Kind::Rest),
            ],
            _ => return rarer(rtype),
        })
    })
}

/// Places, nodes and what has few users.
fn rarer(rtype: RecordType) -> Option<&'static [(&'static str, Kind)]> {
    use RecordType as T;
    Some(match rtype {
        T::EUI48 => &[("address", Kind::Eui48)],
        T::EUI64 => &[("address", Kind::Eui64)],
        T::NID => &[("preference", Kind::U16), ("node_id", Kind::Groups)],
        T::L32 => &[("preference", Kind::U16), ("locator", Kind::Ipv4)],
        T::L64 => &[("preference", Kind::U16), ("locator", Kind::Groups)],
        T::LP => &[("preference", Kind::U16), ("target", Kind::Name)],
        T::X25 => &[("address", Kind::String)],
        T::GPOS => &[
            ("longitude", Kind::String),
            ("latitude", Kind::String),
            ("altitude", Kind::String),
        ],
        T::EID | T::NIMLOC => &[("data", Kind::Hex)],
        T::DHCID | T::HHIT | T::BRID => &[("data", Kind::Base64)],
        T::SINK => &[
            ("meaning", Kind::U8),
            ("coding", Kind::U8),
            ("subcoding", Kind::U8),
            ("data", Kind::Base64),
        ],
        T::TALINK => &[("previous", Kind::Name), ("next", Kind::Name)],
        T::IPN => &[("node", Kind::U64)],
        T::DSYNC => &[
            ("type_covered", Kind::Type),
            ("scheme", Kind::U8),
            ("port", Kind::U16),
            ("target", Kind::Name),
        ],
        T::DOA => &[
            ("enterprise", Kind::U32),
            ("object_type", Kind::U32),
            ("location", Kind::U8),
            ("media_type", Kind::String),
            ("data", Kind::Base64),
        ],
        _ => return None,
    })
}

/// Mail and people.
fn mail(rtype: RecordType) -> Option<&'static [(&'static str, Kind)]> {
    use RecordType as T;
    Some(match rtype {
        T::MX => &[("preference", Kind::U16), ("exchange", Kind::Name)],
        T::MD | T::MF | T::MB | T::MG | T::MR => &[("target", Kind::Name)],
        T::MINFO => &[
            ("responsible_mailbox", Kind::Name),
            ("error_mailbox", Kind::Name),
        ],
        T::RP => &[("mailbox", Kind::Name), ("text", Kind::Name)],
        T::AFSDB => &[("subtype", Kind::U16), ("hostname", Kind::Name)],
        T::RT => &[("preference", Kind::U16), ("host", Kind::Name)],
        T::KX => &[("preference", Kind::U16), ("exchanger", Kind::Name)],
        T::PX => &[
            ("preference", Kind::U16),
            ("map822", Kind::Name),
            ("mapx400", Kind::Name),
        ],
        _ => return None,
    })
}

/// DNSSEC, and other keys and digests.
fn proofs(rtype: RecordType) -> Option<&'static [(&'static str, Kind)]> {
    use RecordType as T;
    Some(match rtype {
        T::DS | T::CDS | T::DLV | T::TA => DIGEST,
        T::DNSKEY | T::CDNSKEY | T::KEY | T::RKEY => KEY,
        T::RRSIG | T::SIG => SIGNATURE,
        T::NSEC => &[("next", Kind::Name), ("types", Kind::Types)],
        T::NSEC3 => &[
            ("hash_algorithm", Kind::U8),
            ("flags", Kind::U8),
            ("iterations", Kind::U16),
            ("salt", Kind::Salt),
            ("next_hash", Kind::Hash),
            ("types", Kind::Types),
        ],
        T::NSEC3PARAM => &[
            ("hash_algorithm", Kind::U8),
            ("flags", Kind::U8),
            ("iterations", Kind::U16),
            ("salt", Kind::Salt),
        ],
        T::SSHFP => &[
            ("algorithm", Kind::U8),
            ("fingerprint_type", Kind::U8),
            ("fingerprint", Kind::Hex),
        ],
        T::TLSA | T::SMIMEA => ASSOCIATION,
        T::OPENPGPKEY => &[("public_key", Kind::Base64)],
        T::CERT => &[
            ("certificate_type", Kind::Certificate),
            ("key_tag", Kind::U16),
            ("algorithm", Kind::Algorithm),
            ("certificate", Kind::Base64),
        ],
        T::CSYNC => &[
            ("serial", Kind::U32),
            ("flags", Kind::U16),
            ("types", Kind::Types),
        ],
        T::ZONEMD => &[
            ("serial", Kind::U32),
            ("scheme", Kind::U8),
            ("hash_algorithm", Kind::U8),
            ("digest", Kind::Hex),
        ],
        _ => return None,
    })
}

/// Types whose fields depend on each other, or whose text is not the fields in a row.
fn own_reader(rtype: RecordType) -> Option<Layout> {
    use RecordType as T;
    Some(Layout::Special(match rtype {
        T::ISDN => special::isdn,
        T::WKS => special::wks,
        T::NSAP => special::nsap,
        T::ATMA => special::atma,
        T::NXT => special::nxt,
        T::A6 => special::a6,
        T::APL => special::apl,
        T::LOC => places::loc,
        T::IPSECKEY => special::ipseckey,
        T::AMTRELAY => special::amtrelay,
        T::HIP => special::hip,
        T::TKEY => special::tkey,
        T::TSIG => special::tsig,
        T::SVCB | T::HTTPS => svcb::read,
        _ => return None,
    }))
}
