//! What a server reads that others have written: SYN segments, and the addresses of its command line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netkit::addr::{Network, listen};
use netkit::net::syn::Syn;

fuzz_target!(|bytes: &[u8]| {
    let _ = Syn::parse(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        if text.len() < 64 {
            let _ = listen::parse(text, Network::Tcp);
        }
    }
});
