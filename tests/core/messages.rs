//! The message codec from outside: mutated and hostile messages, every type, options, round trips.

use std::time::{Duration, Instant};

use netkit::resolve::DomainName;
use netkit::resolve::edns::EdnsAsk;
use netkit::resolve::message::{Dump, Entry, Fault, HEADER, Message, Rule, Section};
use netkit::resolve::query::Query;
use netkit::resolve::rdata::Rdata;
use netkit::resolve::registry::{Class, RecordType};
use netkit::resolve::rfc8427::Rfc8427;
use netkit::resolve::transfer::Transfer;
use netkit::resolve::wire::{self, Ask, AskOptions, decode, encode};
use netkit::resolve::zone_line::{GenericLine, ZoneLine};
use proptest::prelude::*;

fn name(text: &str) -> DomainName {
    DomainName::parse(text).expect("a name")
}

/// A header with these counts, and what follows it.
fn message(counts: [u16; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, 0x84, 0];
    bytes.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    bytes.extend_from_slice(body);
    bytes
}

/// A record whose owner points to the first octet after the header.
fn record(rtype: RecordType, rdata: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rdata.len()).expect("short data");
    let mut bytes = vec![0xc0, 12];
    bytes.extend(rtype.0.to_be_bytes());
    bytes.extend([0, 1, 0, 0, 1, 44]);
    bytes.extend(length.to_be_bytes());
    bytes.extend_from_slice(rdata);
    bytes
}

/// The question `www.example A` and one answer for each data.
fn reply(records: &[Vec<u8>]) -> Vec<u8> {
    let question = b"\x03www\x07example\0\0\x01\0\x01";
    let count = u16::try_from(records.len()).expect("few records");
    message(
        [1, count, 0, 0],
        &[question, &records.concat()[..]].concat(),
    )
}

/// Looks at everything that a message has, in every way that there is.
fn exercise(bytes: &[u8]) {
    let _ = decode(bytes);
    let Ok(message) = Message::new(bytes) else {
        return;
    };
    serde_json::to_string(&Rfc8427(message)).expect("no key that is not text");
    for section in Section::ALL {
        for record in wire::records(&message, section) {
            let line = ZoneLine(&record).to_string();
            assert!(
                !line.contains(|ch: char| ch != '\t' && ch.is_control()),
                "{line:?}"
            );
            assert!(line.is_ascii(), "{line:?}");
            assert!(GenericLine(&record).to_string().contains("\\#"));
            serde_json::to_string(&record.rdata).expect("fields have plain keys");
            let again = Rdata::new(record.rtype, record.class, record.rdata.bytes());
            if record.rdata.bad().is_none() {
                assert_eq!(again, record.rdata, "it stands alone");
            }
        }
    }
    if let Some(fault) = message.fault() {
        assert!(fault.offset <= bytes.len(), "{fault}");
        let dump = Dump::around(bytes, fault.offset, 1);
        assert!(dump.lines.iter().any(|line| line.marked.is_some()));
        assert_eq!(message.trailing(), 0);
    } else {
        assert!(HEADER + message.trailing() <= bytes.len());
    }
    let mut transfer = Transfer::new(message.header().id, Ask::new(name("x"), RecordType::AXFR));
    let _ = transfer.message(bytes, drop);
}

/// Data of every type that has a layout, somewhat as the type needs it.
fn seeds() -> Vec<Vec<u8>> {
    let data: &[&[u8]] = &[
        b"\xc0\0\x02\x01",
        b"\0\x0a\x04mail\xc0\x10",
        b"\x01a\xc0\x10\x01b\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05",
        b"\x05hello\x03\x1b[m",
        b"\0\x01\0\0\x01\0\x06\x02h2\x02h3\0\x03\0\x02\x01\xbb\0\x04\0\x04\xc0\0\x02\x01",
        b"\0\x01\x18\x03\xc0\0\x02\0\x02\x20\x84\x20\x01\x0d\xb8",
        b"\0\x12\x16\x13\x89\x17\x2d\xd0\x70\xbe\x15\xf0\0\x98\x8d\x20",
        b"\x01\0\0\x0c\x04\xaa\xbb\xcc\xdd\x03abc\0\x06\x40\x01\0\0\0\x03",
    ];
    let types = RecordType::known().filter(|(rtype, _)| *rtype != RecordType::OPT);
    types
        .flat_map(|(rtype, _)| data.iter().map(move |data| record(rtype, data)))
        .collect()
}

#[test]
fn every_type_with_any_data_is_shown_one_way_or_another() {
    for seed in seeds() {
        exercise(&reply(&[seed]));
    }
    exercise(&reply(&seeds()));
}

#[test]
fn a_fault_names_its_place_and_its_rule() {
    let whole = reply(&[record(RecordType::A, b"\xc0\0\x02\x01")]);
    let fault = |bytes: &[u8]| Message::new(bytes).and_then(|m| m.fault().map_or(Ok(()), Err));
    assert_eq!(fault(&whole), Ok(()));
    let told = |bytes: &[u8]| fault(bytes).unwrap_err().to_string();
    let patched = |at: usize, octets: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + octets.len()].copy_from_slice(octets);
        bytes
    };
    let rows: [(Vec<u8>, &str); 10] = [
        (whole[..11].to_vec(), "11 octets are no header"),
        (
            whole[..14].to_vec(),
            "octet 14, question 1: the message ends inside a name (RFC 1035 §3.1)",
        ),
        (
            whole[..42].to_vec(),
            "octet 39, answer 1: 4 octets of data are announced, 1 are left (RFC 1035 §4.1.3)",
        ),
        (
            whole[..35].to_vec(),
            "octet 35, answer 1: the message ends inside the record (RFC 1035 §4.1.3)",
        ),
        (
            patched(7, &[9]),
            "octet 45, answer 2: the header announces 9 in the answer section, there are 1 \
             (RFC 1035 §4.1.1)",
        ),
        (
            patched(29, &[0xc0, 0xff]),
            "octet 29, answer 1: the name is compressed by a pointer forward, to octet 255 \
             (RFC 1035 §4.1.4)",
        ),
        (
            patched(29, &[0xc0, 29]),
            "octet 29, answer 1: the name is compressed by a pointer into itself, at octet 29 \
             (RFC 1035 §4.1.4)",
        ),
        (
            patched(29, &[0xc0, 3]),
            "octet 29, answer 1: the name is compressed by a pointer into the header, to octet 3 \
             (RFC 1035 §4.1.4)",
        ),
        (
            patched(12, &[0x40]),
            "octet 12, question 1: 0x40 begins neither a label nor a pointer (RFC 1035 §4.1.4)",
        ),
        (
            message([1, 0, 0, 0], &[63; 400]),
            "octet 204, question 1: the name has more than 255 octets (RFC 1035 §3.1)",
        ),
    ];
    for (bytes, expected) in rows {
        assert_eq!(told(&bytes), expected);
    }
}

#[test]
fn what_comes_before_a_fault_is_there() {
    let address = record(RecordType::A, b"\xc0\0\x02\x01");
    let mut bytes = reply(&[address.clone(), address]);
    bytes.truncate(bytes.len() - 1);
    let message = Message::new(&bytes).unwrap();
    assert_eq!(wire::records(&message, Section::Answer).count(), 1);
    let fault = message.fault().unwrap();
    assert_eq!(fault.entry, Some((Section::Answer, 1)));
    assert_eq!(decode(&bytes).unwrap_err(), fault);
}

#[test]
fn octets_after_the_message_are_counted() {
    let mut bytes = reply(&[record(RecordType::A, b"\xc0\0\x02\x01")]);
    bytes.extend_from_slice(b"garbage");
    assert_eq!(Message::new(&bytes).unwrap().trailing(), 7);
    assert!(decode(&bytes).is_ok());
}

#[test]
fn bad_data_of_a_common_type_is_a_fault_and_of_another_is_shown() {
    let bytes = reply(&[record(RecordType::AAAA, b"\xc0\0\x02\x01")]);
    let fault = decode(&bytes).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "octet 45, answer 1: the data of AAAA: the data ends too early (RFC 3596 §2.2)"
    );
    let reply = decode(&reply(&[record(RecordType::LOC, b"\x01")])).unwrap();
    assert_eq!(reply.answers[0].rdata.to_string(), "\\# 1 01");
    assert!(reply.answers[0].rdata.bad().is_some());
}

#[test]
fn opt_stands_once_and_at_the_root() {
    let opt = b"\0\0\x29\x04\xd0\0\0\0\0\0\0".to_vec();
    let rule = |counts, body: &[&[u8]]| {
        let bytes = message(counts, &body.concat());
        decode(&bytes)
            .map(|_| ())
            .map_err(|fault: Fault| fault.rule)
    };
    assert_eq!(rule([0, 0, 0, 1], &[&opt]), Ok(()));
    assert_eq!(rule([0, 0, 0, 2], &[&opt, &opt]), Err(Rule::SecondOpt));
    assert_eq!(rule([0, 1, 0, 0], &[&opt]), Err(Rule::OptSection));
    let owned = [b"\x01a".as_slice(), &opt].concat();
    assert_eq!(rule([0, 0, 0, 1], &[&owned]), Err(Rule::OptOwner));
    let mut cut = opt.clone();
    cut[10] = 3;
    cut.extend_from_slice(&[0, 3, 0]);
    assert_eq!(rule([0, 0, 0, 1], &[&cut]), Err(Rule::OptOptions));
}

#[test]
fn a_bomb_of_pointers_costs_little() {
    // A chain of 120 pointers, and as many records as fit whose names begin at its end.
    let mut body = vec![0];
    for link in 0..120u16 {
        let to = if link == 0 { 12 } else { 13 + 2 * (link - 1) };
        body.extend((0xc000 | to).to_be_bytes());
    }
    // It lies in the data of a first record of an unknown type, behind the root as its owner.
    let head = [&b"\0\xff\x00\0\x01\0\0\0\0"[..], &[0, 241], &body].concat();
    let shift = 11;
    let mut bytes = head;
    for at in (12..bytes.len() - 1).step_by(2) {
        let word = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        bytes[at..at + 2].copy_from_slice(&(word + shift).to_be_bytes());
    }
    let last = u16::try_from(HEADER + bytes.len() - 2).unwrap();
    let mut count = 1;
    while bytes.len() < 65_000 {
        bytes.extend((0xc000 | last).to_be_bytes());
        bytes.extend(b"\0\x05\0\x01\0\0\0\0\0\x02");
        bytes.extend((0xc000 | last).to_be_bytes());
        count += 1;
    }
    let bytes = message([0, count, 0, 0], &bytes);
    let started = Instant::now();
    let reply = decode(&bytes).unwrap();
    assert_eq!(reply.answers.len(), usize::from(count));
    exercise(&bytes);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn padding_fills_the_message_to_its_block() {
    for length in 1..60 {
        for block in [1, 64, 128, 468] {
            let options = AskOptions {
                edns: Some(EdnsAsk {
                    padding: Some(block),
                    ..EdnsAsk::default()
                }),
                ..AskOptions::default()
            };
            let ask = Ask::new(name(&"a".repeat(length)), RecordType::A);
            let bytes = encode(1, &ask, &options);
            assert_eq!(bytes.len() % usize::from(block), 0, "{length} {block}");
            assert!(decode(&bytes).is_ok());
        }
    }
}

#[test]
fn case_and_cookie_must_come_back() {
    let ask = Ask::new(name("abcdefghijklmnopqrstuvwxyz.example"), RecordType::A);
    let options = AskOptions {
        random_case: true,
        edns: Some(EdnsAsk {
            cookie: Some(netkit::resolve::edns::Cookie::random()),
            ..EdnsAsk::default()
        }),
        ..AskOptions::default()
    };
    let query = Query::new(&ask, &options);
    let mut packet = query.bytes().to_vec();
    packet[2] |= 0x80;
    assert!(query.reply(&packet).is_ok());
    let lower = packet[13..39].to_ascii_lowercase();
    assert_ne!(
        packet[13..39],
        lower[..],
        "26 coins that all fell on one side"
    );
    assert_ne!(packet[13..39], packet[13..39].to_ascii_uppercase()[..]);
    let mut other = packet.clone();
    other[13] ^= 0x20;
    assert_eq!(
        query.reply(&other).unwrap_err().to_string(),
        "the question in another case"
    );
    let mut foreign = packet;
    *foreign.last_mut().unwrap() ^= 1;
    assert_eq!(
        query.reply(&foreign).unwrap_err().to_string(),
        "wrong cookie"
    );
}

proptest! {
    #[test]
    fn mutated_messages_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..24),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let seeds = seeds();
        let records: Vec<_> = picks.iter().map(|pick| seeds[pick.index(seeds.len())].clone()).collect();
        let mut bytes = reply(&records);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        exercise(&bytes);
    }

    #[test]
    fn any_data_of_any_type_is_shown(rtype in any::<u16>(), data in prop::collection::vec(any::<u8>(), 0..80)) {
        exercise(&reply(&[record(RecordType(rtype), &data)]));
        exercise(&reply(&[record(RecordType(rtype % 110), &data)]));
    }

    #[test]
    fn questions_decode_as_they_were_encoded(
        labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..8),
        rtype in any::<u16>(), class in any::<u16>(), id in any::<u16>(), bits in any::<u8>(),
    ) {
        let asked = Ask {
            name: DomainName::from_labels(labels.iter().map(Vec::as_slice)).unwrap(),
            rtype: RecordType(rtype),
            class: Class(class),
        };
        let options = AskOptions {
            recursion_desired: bits & 1 != 0,
            authentic_data: bits & 2 != 0,
            checking_disabled: bits & 4 != 0,
            z: bits & 8 != 0,
            edns: (bits & 16 != 0).then(|| EdnsAsk {
                dnssec_ok: bits & 32 != 0,
                version: bits >> 6,
                ..EdnsAsk::default()
            }),
            ..AskOptions::default()
        };
        let bytes = encode(id, &asked, &options);
        let message = Message::new(&bytes).unwrap();
        let header = message.header();
        prop_assert_eq!(message.fault(), None);
        prop_assert_eq!(message.trailing(), 0);
        let flags = [header.recursion_desired(), header.authentic_data(), header.checking_disabled(), header.z()];
        prop_assert_eq!(flags, [1, 2, 4, 8].map(|bit| bits & bit != 0));
        prop_assert_eq!(header.id, id);
        let Some(Ok(Entry::Question(question))) = message.walk().next() else {
            panic!("no question");
        };
        prop_assert!(question.name.is_exactly(&asked.name) && asked.is(&question));
        let edns = decode(&bytes).unwrap().edns;
        prop_assert_eq!(edns.map(|edns| (edns.dnssec_ok, edns.version)),
            options.edns.map(|edns| (edns.dnssec_ok, edns.version)));
    }
}
