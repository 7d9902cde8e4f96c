//! The PROXY header that a server reads before it knows whom it speaks with: never longer than what
//! came, the same whatever follows, not there before its last byte, and a header that we write for
//! what it says says the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkit::net::proxy_protocol::{Version, parse, write};

/// How both versions begin: what the first byte chooses, so that they need not be guessed.
const BEGINNINGS: [&[u8]; 4] = [b"", b"PROXY ", b"PROXY TCP6 ", b"\r\n\r\n\0\r\nQUIT\n\x21"];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else {
        return;
    };
    let bytes = [BEGINNINGS[usize::from(choice % 4)], rest].concat();
    let Ok(Some(header)) = parse(&bytes) else {
        return;
    };
    assert!(header.length <= bytes.len());
    let (head, _) = bytes.split_at(header.length);
    assert_eq!(parse(head), Ok(Some(header)));
    for end in 0..head.len() {
        assert_eq!(parse(&head[..end]), Ok(None));
    }
    for version in [Version::V1, Version::V2] {
        let again = write(version, header.ends);
        let read = parse(&again).expect("a header").expect("all of it");
        assert_eq!(read.length, again.len());
        let canonical = |ends: netkit::net::proxy_protocol::Ends| {
            [ends.source, ends.destination].map(|addr| (addr.ip().to_canonical(), addr.port()))
        };
        assert_eq!(read.ends.map(canonical), header.ends.map(canonical));
    }
});
