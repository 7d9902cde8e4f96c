//! No bytes from a name server panic the codec or the judgement; what is decoded prints as a name
//! that reads back, and aliases are followed to an end.

#![no_main]

use std::net::{Ipv4Addr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use netkit::resolve::DomainName;
use netkit::resolve::judge::judge;
use netkit::resolve::ledger::{Carrier, Outcome, Received, Trigger};
use netkit::resolve::wire::{Ask, RecordType, decode, peek};

fuzz_target!(|data: &[u8]| {
    let Ok(reply) = decode(data) else {
        return;
    };
    assert_eq!(peek(data).map(|header| header.id), Some(reply.id));
    for record in reply.answers.iter().chain(&reply.authority) {
        let again = DomainName::parse(&record.name.to_string());
        assert_eq!(again.as_ref(), Ok(&record.name));
    }
    let root = || Ask::new(DomainName::root(), RecordType::A);
    let ask = reply.question.clone().unwrap_or_else(root);
    let outcome = Outcome {
        server: SocketAddr::from((Ipv4Addr::LOCALHOST, 53)),
        received: Some(Received {
            reply,
            carrier: Carrier::Udp,
            trigger: Trigger::First,
        }),
        attempts: Vec::new(),
    };
    let _ = judge(&outcome, &ask);
});
