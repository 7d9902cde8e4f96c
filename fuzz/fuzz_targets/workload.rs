//! Whatever the Workload API of SPIFFE sends, no identity comes of it without a key that fits: it is an
//! error in words. IDs and addresses of sockets are read or refused, and what is read is written back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netkit::net::tls::{SpiffeId, SvidChoice, WorkloadEndpoint, WorkloadIdentity};

/// A field of bytes in the encoding of Protocol Buffers.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 127 {
        field.push(length as u8 | 128);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(bytes);
    field
}

fuzz_target!(|data: &[u8]| {
    // As the whole message, and where certificates and keys stand in it.
    assert!(WorkloadIdentity::read(data, &SvidChoice::First).is_err());
    let id = b"spiffe://td/a";
    let own = [field(1, id), field(2, data), field(3, data), field(4, data)].concat();
    assert!(WorkloadIdentity::read(&field(1, &own), &SvidChoice::First).is_err());
    if let Some((&at, rest)) = data.split_first() {
        let (chain, key) = rest.split_at(rest.len().min(at.into()));
        let own = [
            field(1, id),
            field(2, chain),
            field(3, key),
            field(4, chain),
        ]
        .concat();
        let other = [field(1, chain), field(2, key)].concat();
        let message = [field(1, &own), field(3, &other)].concat();
        assert!(WorkloadIdentity::read(&message, &SvidChoice::First).is_err());
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(id) = text.parse::<SpiffeId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(endpoint) = text.parse::<WorkloadEndpoint>() {
        assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
    }
});
