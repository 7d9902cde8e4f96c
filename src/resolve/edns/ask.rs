//! The OPT record of a question.

use super::cookie::Cookie;
use super::option::EdnsOption;
use crate::resolve::registry::{OptionCode, RecordType};

/// UDP payload size to announce: no fragments on any sane path (DNS flag day 2020).
pub const EDNS_PAYLOAD: u16 = 1232;
/// Octets of the blocks that encrypted questions are padded to (RFC 8467 §4.1).
pub const PADDING_BLOCK: u16 = 128;
/// DO: the lowest of the flags' upper bits (RFC 3225 §3).
const DNSSEC_OK: u16 = 0x8000;
/// Octets before the options: root, type, class, TTL, RDLENGTH.
const FIXED: usize = 11;
/// Octets of an option's code and length.
const OPTION_HEADER: usize = 4;

/// What is announced and asked by EDNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnsAsk {
    /// UDP payload size. 1232.
    pub payload: u16,
    /// Version. 0; any other is to be answered with BADVERS.
    pub version: u8,
    /// DO: send DNSSEC records as well.
    pub dnssec_ok: bool,
    /// The flags that have no meaning yet; the bit of DO is ignored. 0.
    pub z: u16,
    /// A cookie (RFC 7873). None.
    pub cookie: Option<Cookie>,
    /// Other options, in this order. None.
    pub options: Vec<EdnsOption>,
    /// Pads the message to a multiple of this many octets. Not at all, and to [`PADDING_BLOCK`] over
    /// TLS, HTTPS and QUIC.
    pub padding: Option<u16>,
}

impl Default for EdnsAsk {
    fn default() -> Self {
        Self {
            payload: EDNS_PAYLOAD,
            version: 0,
            dnssec_ok: false,
            z: 0,
            cookie: None,
            options: Vec::new(),
            padding: None,
        }
    }
}

impl EdnsAsk {
    /// Appends the OPT record to a message of questions; padding goes last and fills up the whole.
    ///
    /// Options beyond the 65535 octets of a record are left out; [`EdnsAsk::fits`] says so before.
    pub(in crate::resolve) fn append(&self, message: &mut Vec<u8>) {
        let start = message.len();
        message.push(0);
        message.extend_from_slice(&RecordType::OPT.0.to_be_bytes());
        message.extend_from_slice(&self.payload.to_be_bytes());
        let dnssec_ok = if self.dnssec_ok { DNSSEC_OK } else { 0 };
        message.extend_from_slice(&[0, self.version]);
        message.extend_from_slice(&(self.z & !DNSSEC_OK | dnssec_ok).to_be_bytes());
        message.extend_from_slice(&[0, 0]);
        if let Some(cookie) = &self.cookie {
            append(message, start, OptionCode::COOKIE, &cookie.to_bytes());
        }
        for option in &self.options {
            append(message, start, option.code, &option.data);
        }
        if let Some(block) = self.padding {
            pad(message, start, block);
        }
    }

    /// Whether all options fit one record.
    #[must_use]
    pub fn fits(&self) -> bool {
        let lengths = self
            .options
            .iter()
            .map(|option| option.data.len() + OPTION_HEADER);
        lengths.sum::<usize>() <= usize::from(u16::MAX) - 1024
    }
}

/// Appends an option and corrects RDLENGTH.
fn append(message: &mut Vec<u8>, start: usize, code: OptionCode, data: &[u8]) {
    let total = message.len() + OPTION_HEADER + data.len() - start - FIXED;
    let (Ok(length), Ok(total)) = (u16::try_from(data.len()), u16::try_from(total)) else {
        return;
    };
    message.extend_from_slice(&code.0.to_be_bytes());
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(data);
    message[start + FIXED - 2..start + FIXED].copy_from_slice(&total.to_be_bytes());
}

/// Fills up to a multiple of `block` octets (RFC 8467 §4.1).
fn pad(message: &mut Vec<u8>, start: usize, block: u16) {
    let block = usize::from(block.max(1));
    let bare = message.len() + OPTION_HEADER;
    let filling = bare.next_multiple_of(block) - bare;
    append(message, start, OptionCode::PADDING, &vec![0; filling]);
}
