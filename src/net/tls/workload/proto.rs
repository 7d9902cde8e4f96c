//! The one message of the Workload API that netkit reads: `X509SVIDResponse`, in the encoding of
//! Protocol Buffers.
//!
//! By hand, because it is one message: fields that are not known are passed over, as the encoding
//! asks, and whatever does not fit its length is an error. It looks into no certificate.

/// What the Workload API sends: `X509SVIDResponse` of `workload.proto`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Response<'a> {
    /// The identities, the default one first.
    pub(super) svids: Vec<Svid<'a>>,
    /// Trust domains, and the certificates (DER, one after the other) of their authorities.
    pub(super) federated: Vec<(&'a str, &'a [u8])>,
}

/// One identity: `X509SVID`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Svid<'a> {
    pub(super) id: &'a str,
    /// The own certificate and those above it (DER, one after the other).
    pub(super) chain: &'a [u8],
    /// Its key (PKCS#8, DER).
    pub(super) key: &'a [u8],
    /// The authorities of its trust domain (DER, one after the other).
    pub(super) bundle: &'a [u8],
    /// What it is for, in the words of an operator; empty if nothing was said.
    pub(super) hint: &'a str,
}

impl std::fmt::Debug for Svid<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Svid")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a message, in words.
pub(super) type Malformed = &'static str;

impl<'a> Response<'a> {
    /// Reads a message. Errs when its encoding is broken.
    pub(super) fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut response = Self::default();
        let mut fields = Fields(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => response.svids.push(Svid::read(value.bytes()?)?),
                3 => response.federated.push(entry(value.bytes()?)?),
                // 2 is the list of revoked certificates, which nobody sends yet.
                _ => {}
            }
        }
        Ok(response)
    }
}

impl<'a> Svid<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut svid = Self::default();
        let mut fields = Fields(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => svid.id = text(value.bytes()?)?,
                2 => svid.chain = value.bytes()?,
                3 => svid.key = value.bytes()?,
                4 => svid.bundle = value.bytes()?,
                5 => svid.hint = text(value.bytes()?)?,
                _ => {}
            }
        }
        Ok(svid)
    }
}

/// An entry of a map from text to bytes.
fn entry(message: &[u8]) -> Result<(&str, &[u8]), Malformed> {
    let (mut key, mut bytes): (&str, &[u8]) = ("", &[]);
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => key = text(value.bytes()?)?,
            2 => bytes = value.bytes()?,
            _ => {}
        }
    }
    Ok((key, bytes))
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| "text in it is not UTF-8")
}

/// The fields of a message that are still to be read.
struct Fields<'a>(&'a [u8]);

/// What a field holds.
enum Value<'a> {
    Bytes(&'a [u8]),
    /// A number, which no field that is known has.
    Number,
}

impl<'a> Value<'a> {
    fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number => Err("a number stands where bytes must"),
        }
    }
}

impl<'a> Fields<'a> {
    /// The next field with its number; `None` at the end.
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => self.varint().map(|_| Value::Number)?,
            1 => self.take(8).map(|_| Value::Number)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Number)?,
            _ => return Err("a field has a type that does not exist"),
        };
        match tag >> 3 {
            0 => Err("a field has the number 0"),
            number => Ok(Some((number, value))),
        }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or("a field is longer than what was sent")?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("a number is longer than 64 bits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field with bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).expect("short");
        [&[number << 3 | 2, length], bytes].concat()
    }

    #[test]
    fn a_response_is_read_field_by_field() {
        let svid = [
            field(1, b"spiffe://td/a"),
            field(2, b"chain"),
            field(3, b"key"),
            field(4, b"bundle"),
            field(5, b"hint"),
        ]
        .concat();
        let federated = [field(1, b"spiffe://other"), field(2, b"roots")].concat();
        // Numbers of every length stand between, as in a later version of the message.
        let unknown: &[u8] = &[
            0x38, 0x96, 1, 0x41, 1, 2, 3, 4, 5, 6, 7, 8, 0x4d, 1, 2, 3, 4,
        ];
        let message = [&field(1, &svid), unknown, &field(3, &federated)].concat();
        let response = Response::read(&message).expect("a whole message");
        let first = Svid {
            id: "spiffe://td/a",
            chain: b"chain",
            key: b"key",
            bundle: b"bundle",
            hint: "hint",
        };
        assert_eq!(response.svids, [first]);
        assert_eq!(response.federated, [("spiffe://other", &b"roots"[..])]);
        assert!(!format!("{response:?}").contains("107, 101, 121"), "no key");
        for end in 1..message.len() {
            // A message that is cut is read as far as it goes, or is an error; it never panics.
            let _ = Response::read(&message[..end]);
        }
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let long = [&[0x0a][..], &[0xff; 10]].concat();
        let rows: &[&[u8]] = &[
            &[0x0a],
            &[0x0a, 5, 1],
            &[0x0a, 2, 0x0a, 9],
            &[0x02, 0],
            &[0x0b],
            &[0x0c],
            &[0x08],
            &[0x08, 1],
            &[0x1a, 3, 0x0a, 1, 0xff],
            &long,
        ];
        for row in rows {
            assert!(Response::read(row).is_err(), "{row:?}");
        }
        assert_eq!(Response::read(&[]), Ok(Response::default()));
    }
}
