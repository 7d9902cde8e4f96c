//! `MySQL`: the server greets (protocol version 10) with what it can; `SSLRequest` is our answer.

use super::{Look, Machine, Refusal};

/// Length of a packet in three bytes, and its number.
const HEADER: usize = 4;
/// Between the version's end and the capabilities: connection id, half of a nonce, a filler.
const BEFORE_CAPABILITIES: usize = 4 + 8 + 1;
/// The server can turn to TLS.
const CLIENT_SSL: u16 = 0x0800;

/// Packet of 32 bytes, number 1: protocol 4.1, TLS, secure connection; packets up to 16 MiB; UTF-8.
const SSL_REQUEST: [u8; 36] = {
    let mut packet = [0; 36];
    packet[0] = 32;
    packet[3] = 1;
    packet[5] = 0x8a;
    packet[11] = 1;
    packet[12] = 0x21;
    packet
};

#[derive(Debug)]
pub(super) struct Mysql;

impl Machine for Mysql {
    fn look(&mut self, came: &[u8]) -> Result<Look, Refusal> {
        let Some(header) = came.get(..HEADER) else {
            return Ok(Look::More);
        };
        let length = usize::from(header[0]) | usize::from(header[1]) << 8;
        // A greeting is the first packet, and short.
        if header[2] != 0 || header[3] != 0 || length > super::MOST {
            return Err(Refusal::Stranger);
        }
        let Some(packet) = came.get(HEADER..HEADER + length) else {
            return Ok(Look::More);
        };
        greeted(packet)?;
        Ok(Look::Begin(HEADER + length, SSL_REQUEST.to_vec()))
    }
}

/// Whether the greeting offers TLS.
fn greeted(packet: &[u8]) -> Result<(), Refusal> {
    let version = match packet.split_first() {
        Some((10, rest)) => rest,
        Some((0xff, rest)) => {
            let text = String::from_utf8_lossy(rest.get(2..).unwrap_or_default());
            return Err(Refusal::No(format!("{text:?}")));
        }
        _ => return Err(Refusal::Stranger),
    };
    let end = version.iter().position(|byte| *byte == 0);
    let at = end.ok_or(Refusal::Stranger)? + 1 + BEFORE_CAPABILITIES;
    match version.get(at..at + 2) {
        Some(&[low, high]) if u16::from_le_bytes([low, high]) & CLIENT_SSL != 0 => Ok(()),
        Some(_) => Err(Refusal::No("it does not offer TLS".to_owned())),
        None => Err(Refusal::Stranger),
    }
}
