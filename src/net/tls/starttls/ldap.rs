//! LDAP: the extended operation `StartTLS` (RFC 4511 §4.14), in the BER that it needs and no more.

use super::{Look, Machine, Refusal};

/// Message 1: an extended request for 1.3.6.1.4.1.1466.20037.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// Tag of an extended response.
const EXTENDED_RESPONSE: u8 = 0x78;

#[derive(Debug)]
pub(super) struct Ldap;

impl Machine for Ldap {
    fn opening(&self) -> Option<Vec<u8>> {
        Some(START_TLS.to_vec())
    }

    fn look(&mut self, came: &[u8]) -> Result<Look, Refusal> {
        if came.first().is_some_and(|tag| *tag != 0x30) {
            return Err(Refusal::Stranger);
        }
        let Some((message, length)) = element(came)? else {
            return Ok(Look::More);
        };
        match result(message).ok_or(Refusal::Stranger)? {
            0 => Ok(Look::Begin(length, Vec::new())),
            code => Err(Refusal::No(format!("result code {code}"))),
        }
    }
}

/// The result code of a response to our message.
fn result(message: &[u8]) -> Option<u8> {
    let (id, length) = element(message).ok()??;
    let response = &message[length..];
    if message.first() != Some(&2) || id != [1] || response.first() != Some(&EXTENDED_RESPONSE) {
        return None;
    }
    let (body, _) = element(response).ok()??;
    let (code, _) = element(body).ok()??;
    match (body.first(), code) {
        (Some(0x0a), &[code]) => Some(code),
        _ => None,
    }
}

/// The content of the first element and the length of the whole; `None` while it is not all there.
fn element(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Refusal> {
    let Some(&first) = bytes.get(1) else {
        return Ok(None);
    };
    let (length, header) = match first {
        ..=0x7f => (usize::from(first), 2),
        0x81..=0x84 => {
            let count = usize::from(first - 0x80);
            let Some(octets) = bytes.get(2..2 + count) else {
                return Ok(None);
            };
            let length = octets
                .iter()
                .fold(0, |sum, octet| sum << 8 | usize::from(*octet));
            (length, 2 + count)
        }
        // The indefinite form has no place in LDAP (RFC 4511 §5.1).
        _ => return Err(Refusal::Stranger),
    };
    if length > super::MOST {
        return Err(Refusal::Stranger);
    }
    let content = bytes.get(header..header + length);
    Ok(content.map(|content| (content, header + length)))
}
