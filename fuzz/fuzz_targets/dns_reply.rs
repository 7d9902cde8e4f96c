//! No bytes from a name server panic the codec or the judgement; what is decoded prints as a name
//! that reads back, every record prints as a line without control characters, and aliases are
//! followed to an end.

#![no_main]

use std::net::{Ipv4Addr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use netkit::resolve::DomainName;
use netkit::resolve::judge::judge;
use netkit::resolve::ledger::{Carrier, Outcome, Received, Trigger};
use netkit::resolve::message::{Dump, Message, Section};
use netkit::resolve::rdata::Rdata;
use netkit::resolve::transfer::Transfer;
use netkit::resolve::wire::{Ask, RecordType, decode, peek, records};
use netkit::resolve::zone_line::ZoneLine;

/// Everything that a message has, shown in every way.
fn show(data: &[u8]) {
    let Ok(message) = Message::new(data) else {
        return;
    };
    for section in Section::ALL {
        for record in records(&message, section) {
            let line = ZoneLine(&record).to_string();
            assert!(
                line.bytes()
                    .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
            );
            if record.rdata.bad().is_none() {
                let again = Rdata::new(record.rtype, record.class, record.rdata.bytes());
                assert_eq!(again, record.rdata);
            }
        }
    }
    if let Some(fault) = message.fault() {
        assert!(fault.offset <= data.len());
        let _ = Dump::around(data, fault.offset, 1).to_string();
    }
    let zone = Ask::new(DomainName::root(), RecordType::AXFR);
    let _ = Transfer::new(message.header().id, zone).message(data, drop);
}

fuzz_target!(|data: &[u8]| {
    show(data);
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
            packet: data.into(),
            carrier: Carrier::Udp,
            trigger: Trigger::First,
        }),
        attempts: Vec::new(),
    };
    let _ = judge(&outcome, &ask);
});
