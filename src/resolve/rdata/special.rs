//! Readers of the types whose fields depend on each other.

use std::net::IpAddr;

use data_encoding::{BASE64, HEXLOWER};

use crate::resolve::registry::{Rcode, RecordType};

use super::cursor::{Bad, Cursor};
use super::fields::Fields;
use super::text::escaped;
use super::value::{Text, Value};

type Done = Result<(), Bad>;

/// One or more counted strings, to the end.
pub(super) fn strings<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, Bad> {
    let mut strings = Vec::new();
    while cursor.left() > 0 || strings.is_empty() {
        strings.push(Text(cursor.counted()?));
    }
    Ok(Value::Strings(strings))
}

/// A counted string that is written without quotes, so of letters and digits only.
pub(super) fn word<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, Bad> {
    let before = *cursor;
    let word = cursor.counted()?;
    if word.is_empty() || !word.iter().all(u8::is_ascii_alphanumeric) {
        return Err(before.bad("the tag is not of letters and digits"));
    }
    Ok(Value::Word(escaped(word, b"")))
}

/// A bitmap of types in windows (RFC 4034 §4.1.2).
pub(super) fn types<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, Bad> {
    let mut types = Vec::new();
    let mut last = None;
    while cursor.left() > 0 {
        let before = *cursor;
        let window = cursor.u8()?;
        if last.is_some_and(|last| last >= window) {
            return Err(before.bad("the windows of types are not in order"));
        }
        last = Some(window);
        let bitmap = cursor.counted()?;
        if !(1..=32).contains(&bitmap.len()) {
            return Err(before.bad("a window of types has no or too many octets"));
        }
        types.extend(bits(bitmap).map(|bit| RecordType(u16::from(window) << 8 | bit)));
    }
    Ok(Value::Types(types))
}

/// The numbers of the bits that are set, the highest of the first octet being 0.
fn bits(bitmap: &[u8]) -> impl Iterator<Item = u16> + '_ {
    let bits = (0u16..).zip(
        bitmap
            .iter()
            .flat_map(|octet| (0..8).map(move |bit| octet << bit)),
    );
    bits.filter(|(_, octet)| octet & 0x80 != 0)
        .map(|(bit, _)| bit)
}

/// Octets as pairs of digits with hyphens (RFC 7043 §3.2).
pub(super) fn eui(octets: &[u8]) -> Value<'static> {
    let pairs: Vec<_> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    Value::Word(pairs.join("-"))
}

/// 64 bits as four groups of four digits (RFC 6742 §2.1.2). `dig` leaves leading zeros out, which
/// Knot does not read.
pub(super) fn groups(octets: [u8; 8]) -> Value<'static> {
    let groups = octets.chunks_exact(2);
    let groups = groups.map(|pair| format!("{:04x}", u16::from_be_bytes([pair[0], pair[1]])));
    Value::Word(groups.collect::<Vec<_>>().join(":"))
}

pub(super) fn isdn<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    fields.push("address", Value::String(Text(cursor.counted()?)));
    if cursor.left() > 0 {
        fields.push("subaddress", Value::String(Text(cursor.counted()?)));
    }
    Ok(())
}

pub(super) fn wks<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    fields.push("address", Value::Ip(cursor.array::<4>()?.into()));
    fields.push("protocol", Value::Number(cursor.u8()?.into()));
    if cursor.left() > 8192 {
        return Err(cursor.bad("a bitmap of more than 65536 ports"));
    }
    let ports = bits(cursor.rest()).map(u64::from).collect();
    fields.push("ports", Value::Numbers(ports));
    Ok(())
}

pub(super) fn nsap<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    let before = *cursor;
    let address = cursor.rest();
    if address.is_empty() {
        return Err(before.bad("the address is empty"));
    }
    let digits = HEXLOWER.encode(address);
    fields.push("address", Value::Word(format!("0x{digits}")));
    Ok(())
}

/// ATM Name System 1.0 §5.2: hexadecimal, or E.164 digits after a plus.
pub(super) fn atma<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    let before = *cursor;
    let format = cursor.u8()?;
    let address = cursor.rest();
    let text = match format {
        0 => HEXLOWER.encode(address),
        1 if address.iter().all(u8::is_ascii_digit) => format!("+{}", escaped(address, b"")),
        _ => return Err(before.bad("the address has an unknown format")),
    };
    if address.is_empty() {
        return Err(before.bad("the address is empty"));
    }
    fields.push("address", Value::Word(text));
    Ok(())
}

/// RFC 2535 §5.2: a bitmap of the types below 128.
pub(super) fn nxt<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    fields.push("next", Value::Name(cursor.plain_name()?));
    let before = *cursor;
    let bitmap = cursor.rest();
    if bitmap.len() > 16 {
        return Err(before.bad("the bitmap has types above 127"));
    }
    fields.push(
        "types",
        Value::Types(bits(bitmap).map(RecordType).collect()),
    );
    Ok(())
}

/// RFC 2874 §3.1: the suffix of an address, and the name that has the rest.
pub(super) fn a6<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    let prefix = cursor.u8()?;
    if prefix > 128 {
        return Err(cursor.bad("a prefix of more than 128 bits"));
    }
    fields.push("prefix_length", Value::Number(prefix.into()));
    if prefix < 128 {
        let length = usize::from((128 - prefix).div_ceil(8));
        let suffix = cursor.take(length)?;
        let mut octets = [0; 16];
        octets[16 - length..].copy_from_slice(suffix);
        fields.push("suffix", Value::Ip(octets.into()));
    }
    if prefix > 0 {
        fields.push("prefix_name", Value::Name(cursor.plain_name()?));
    }
    Ok(())
}

/// RFC 3123 §4.
pub(super) fn apl<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    let mut items = Vec::new();
    while cursor.left() > 0 {
        items.push(apl_item(cursor)?);
    }
    fields.push("prefixes", Value::Words(items));
    Ok(())
}

fn apl_item(cursor: &mut Cursor<'_>) -> Result<String, Bad> {
    let before = *cursor;
    let family = cursor.u16()?;
    let prefix = cursor.u8()?;
    let length = cursor.u8()?;
    let part = cursor.take(usize::from(length & 0x7f))?;
    let mut octets = [0; 16];
    let width = if family == 1 { 4 } else { 16 };
    let fits = part.len() <= width && usize::from(prefix) <= 8 * width;
    if !fits || !(1..=2).contains(&family) {
        return Err(before.bad("a prefix of no address family, or too long for it"));
    }
    octets[..part.len()].copy_from_slice(part);
    let address = match family {
        1 => IpAddr::from([octets[0], octets[1], octets[2], octets[3]]),
        _ => IpAddr::from(octets),
    };
    let not = if length & 0x80 == 0 { "" } else { "!" };
    Ok(format!("{not}{family}:{address}/{prefix}"))
}

/// RFC 4025 §2.
pub(super) fn ipseckey<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    fields.push("precedence", Value::Number(cursor.u8()?.into()));
    let kind = cursor.u8()?;
    fields.push("gateway_type", Value::Number(kind.into()));
    fields.push("algorithm", Value::Number(cursor.u8()?.into()));
    gateway(cursor, fields, "gateway", kind)?;
    fields.push("public_key", Value::Base64(cursor.rest()));
    Ok(())
}

/// RFC 8777 §4.2.
pub(super) fn amtrelay<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    fields.push("precedence", Value::Number(cursor.u8()?.into()));
    let octet = cursor.u8()?;
    let (discovery, kind) = (octet >> 7, octet & 0x7f);
    fields.push("discovery_optional", Value::Number(discovery.into()));
    fields.push("relay_type", Value::Number(kind.into()));
    gateway(cursor, fields, "relay", kind)
}

/// Nothing, an address or a name, as its kind says.
fn gateway<'a>(
    cursor: &mut Cursor<'a>,
    fields: &mut Fields<'a>,
    key: &'static str,
    kind: u8,
) -> Done {
    let value = match kind {
        0 => Value::Word(".".to_owned()),
        1 => Value::Ip(cursor.array::<4>()?.into()),
        2 => Value::Ip(cursor.array::<16>()?.into()),
        3 => Value::Name(cursor.plain_name()?),
        _ => return Err(cursor.bad("an unknown kind of gateway")),
    };
    fields.push(key, value);
    Ok(())
}

/// RFC 8005 §5.
pub(super) fn hip<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    let tag_length = cursor.u8()?;
    let algorithm = cursor.u8()?;
    let key_length = cursor.u16()?;
    let tag = cursor.take(usize::from(tag_length))?;
    let key = cursor.take(usize::from(key_length))?;
    if tag.is_empty() || key.is_empty() {
        return Err(cursor.bad("the host identity is empty"));
    }
    fields.push("algorithm", Value::Number(algorithm.into()));
    fields.push("hit", Value::HexWord(tag));
    fields.push_field("public_key", Value::Base64(key));
    // In one word, as host names may follow.
    fields.push_text(BASE64.encode(key));
    let mut servers = Vec::new();
    while cursor.left() > 0 {
        servers.push(cursor.plain_name()?);
    }
    fields.push("servers", Value::Names(servers));
    Ok(())
}

/// RFC 2930 §2.
pub(super) fn tkey<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    fields.push("algorithm", Value::Name(cursor.plain_name()?));
    fields.push("inception", Value::Time(cursor.u32()?));
    fields.push("expiration", Value::Time(cursor.u32()?));
    fields.push("mode", Value::Number(cursor.u16()?.into()));
    error(cursor, fields)?;
    sized(cursor, fields, "key_length", "key")?;
    sized(cursor, fields, "other_length", "other")
}

/// RFC 8945 §4.2.
pub(super) fn tsig<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    fields.push("algorithm", Value::Name(cursor.plain_name()?));
    let high = u64::from(cursor.u16()?);
    let seconds = high << 32 | u64::from(cursor.u32()?);
    fields.push("time_signed", Value::Number(seconds));
    fields.push("fudge", Value::Number(cursor.u16()?.into()));
    sized(cursor, fields, "mac_length", "mac")?;
    fields.push("original_id", Value::Number(cursor.u16()?.into()));
    error(cursor, fields)?;
    sized(cursor, fields, "other_length", "other")
}

fn error<'a>(cursor: &mut Cursor<'a>, fields: &mut Fields<'a>) -> Done {
    let code = Rcode(cursor.u16()?);
    // The number 16 has two names; in these records it is the older one (RFC 8945 §3).
    let name = match code {
        Rcode::BADVERS => Some("BADSIG"),
        code => code.mnemonic(),
    };
    let number = code.0.into();
    let value = name.map_or(Value::Number(number), |name| Value::Named(number, name));
    fields.push("error", value);
    Ok(())
}

fn sized<'a>(
    cursor: &mut Cursor<'a>,
    fields: &mut Fields<'a>,
    length_key: &'static str,
    key: &'static str,
) -> Done {
    let length = cursor.u16()?;
    fields.push(length_key, Value::Number(length.into()));
    fields.push(key, Value::Base64(cursor.take(usize::from(length))?));
    Ok(())
}

/// Addresses of one family in a row; `None` when they do not fill the octets.
pub(super) fn addresses<const N: usize>(bytes: &[u8]) -> Option<Vec<IpAddr>>
where
    IpAddr: From<[u8; N]>,
{
    let (addresses, rest) = bytes.as_chunks::<N>();
    let whole = rest.is_empty() && !addresses.is_empty();
    whole.then(|| {
        addresses
            .iter()
            .map(|octets| IpAddr::from(*octets))
            .collect()
    })
}
