//! `PostgreSQL`: `SSLRequest`, answered by one byte (frontend/backend protocol, "SSL Session
//! Encryption").

use super::{Look, Machine, Refusal};

/// Length 8, then the number that stands where a version would (1234.5679).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

#[derive(Debug)]
pub(super) struct Postgres;

impl Machine for Postgres {
    fn opening(&self) -> Option<Vec<u8>> {
        Some(SSL_REQUEST.to_vec())
    }

    fn look(&mut self, came: &[u8]) -> Result<Look, Refusal> {
        match came.first() {
            None => Ok(Look::More),
            Some(_) if is_a_line(came) => Err(Refusal::Stranger),
            Some(b'S') => Ok(Look::Begin(1, Vec::new())),
            Some(b'N') => Err(Refusal::No("it has no TLS".to_owned())),
            Some(b'E') => Err(Refusal::No("it answers with an error".to_owned())),
            Some(_) => Err(Refusal::Stranger),
        }
    }
}

/// Whether somebody speaks in lines, which this protocol does not: a greeting that begins as an answer
/// would is that of another one (`SSH-2.0-…`).
fn is_a_line(came: &[u8]) -> bool {
    let printable = |byte: &u8| byte.is_ascii_graphic() || b" \t\r\n".contains(byte);
    came.len() > 1 && came.ends_with(b"\n") && came.iter().all(printable)
}
