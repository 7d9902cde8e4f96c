//! Grades over replies that are written octet by octet.

use std::time::Duration;

use super::*;
use crate::resolve::ledger::{Attempt, Carrier, Outcome, Received};
use crate::resolve::name::DomainName;
use crate::resolve::wire::{self, RecordType};

/// A reply as it is put together.
#[derive(Clone, Default)]
struct Wire {
    rcode: u8,
    truncated: bool,
    /// The last octets of its addresses.
    answers: Vec<u8>,
    /// Upper bits of the code, DO, and options; `None` without an OPT record.
    opt: Option<(u8, bool, Vec<u8>)>,
    /// Octets that make it longer.
    filling: usize,
}

impl Wire {
    fn answers(answers: &[u8]) -> Self {
        Self {
            answers: answers.to_vec(),
            ..Self::default()
        }
    }

    fn code(rcode: u8) -> Self {
        Self {
            rcode,
            ..Self::default()
        }
    }

    fn option(code: u16, data: &[u8]) -> Self {
        let length = u16::try_from(data.len()).unwrap();
        let head = [code.to_be_bytes(), length.to_be_bytes()].concat();
        let options = [&head[..], data].concat();
        Self {
            opt: Some((0, false, options)),
            ..Self::answers(&[1])
        }
    }

    fn cut(mut self) -> Self {
        self.truncated = true;
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let flags = 0x80 | if self.truncated { 2 } else { 0 };
        let answers = u8::try_from(self.answers.len()).unwrap();
        let extra = u8::from(self.opt.is_some());
        let mut bytes = vec![0, 7, flags, self.rcode, 0, 1, 0, answers, 0, 0, 0, extra];
        bytes.extend_from_slice(b"\x01a\0\0\x01\0\x01");
        for last in &self.answers {
            bytes.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02");
            bytes.push(*last);
        }
        if let Some((high, dnssec_ok, options)) = &self.opt {
            let flags = if *dnssec_ok { 0x80 } else { 0 };
            bytes.extend_from_slice(&[0, 0, 41, 4, 208, *high, 0, flags, 0]);
            bytes.extend_from_slice(&u16::try_from(options.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(options);
        }
        bytes.resize(bytes.len() + self.filling, 0);
        bytes
    }

    fn seen(&self) -> Seen {
        self.seen_after(Trigger::First, Vec::new())
    }

    /// The reply to a try that was begun for `trigger`, after others.
    fn seen_after(&self, trigger: Trigger, before: Vec<Attempt>) -> Seen {
        let bytes = self.bytes();
        let reply = wire::decode(&bytes).expect("well-formed");
        let own = attempt(trigger, End::Replied(reply.rcode));
        let received = Received {
            reply,
            packet: bytes.into(),
            carrier: Carrier::Udp,
            trigger,
        };
        seen(Some(received), before.into_iter().chain([own]).collect())
    }
}

fn attempt(trigger: Trigger, end: End) -> Attempt {
    let mut attempt = Attempt::open(Carrier::Udp, trigger, Duration::ZERO, 30);
    attempt.close(Duration::from_millis(1), end);
    attempt
}

fn seen(received: Option<Received>, attempts: Vec<Attempt>) -> Seen {
    let server = ([192, 0, 2, 53], 53).into();
    Seen {
        outcome: Outcome {
            server,
            received,
            attempts,
        },
    }
}

fn mute() -> Seen {
    let step = crate::resolve::ledger::Step::Receive;
    seen(None, vec![attempt(Trigger::First, End::Silent { step })])
}

fn ask() -> Ask {
    Ask::new(DomainName::parse("a").unwrap(), RecordType::A)
}

type Example = (Test, Wire, Grade, &'static str);

fn opt(high: u8, dnssec_ok: bool) -> Wire {
    Wire {
        opt: Some((high, dnssec_ok, Vec::new())),
        ..Wire::answers(&[1])
    }
}

fn of_transports_and_edns() -> Vec<Example> {
    use Grade::{Fail, Pass, Warn};
    vec![
        (Test::Udp, Wire::answers(&[1]), Pass, "NOERROR, 1 record"),
        (Test::Udp, Wire::code(3), Pass, "NXDOMAIN"),
        (Test::Tcp, Wire::code(5), Warn, "REFUSED for a"),
        (Test::Edns, opt(0, false), Pass, "takes 1232 octets"),
        (
            Test::Edns,
            Wire::answers(&[1]),
            Warn,
            "knows nothing of EDNS",
        ),
        (Test::UnknownOption, opt(0, false), Pass, "ignores"),
        (
            Test::UnknownOption,
            Wire::option(65_001, b"x"),
            Warn,
            "sends the unknown option back",
        ),
        (
            Test::UnknownOption,
            Wire {
                rcode: 1,
                ..opt(0, false)
            },
            Fail,
            "FORMERR to an unknown option",
        ),
        (
            Test::UnknownOption,
            Wire::answers(&[1]),
            Warn,
            "knows nothing of EDNS",
        ),
        (Test::UnknownVersion, opt(1, false), Pass, "BADVERS"),
        (
            Test::UnknownVersion,
            opt(0, false),
            Fail,
            "NOERROR to version 1",
        ),
        (Test::DnssecOk, opt(0, true), Pass, "repeats DO"),
        (Test::DnssecOk, opt(0, false), Warn, "does not repeat DO"),
        (
            Test::DnssecOk,
            Wire::answers(&[1]),
            Warn,
            "knows nothing of EDNS",
        ),
    ]
}

fn of_options_sizes_and_types() -> Vec<Example> {
    use Grade::{Absent, Fail, Pass, Warn};
    let long = Wire {
        filling: 1_300,
        ..Wire::answers(&[1])
    };
    vec![
        (
            Test::Cookie,
            Wire::option(10, &[0; 24]),
            Pass,
            "a cookie of 16 octets",
        ),
        (
            Test::Cookie,
            Wire::option(10, &[0; 8]),
            Warn,
            "without its own",
        ),
        (
            Test::Cookie,
            Wire::option(10, &[0; 11]),
            Fail,
            "11 octets in all",
        ),
        (Test::Cookie, opt(0, false), Absent, "no cookies"),
        (
            Test::Payload1232,
            long.clone(),
            Fail,
            "more than were announced",
        ),
        (Test::Payload4096, long.clone().cut(), Pass, ", truncated"),
        (Test::Nsid, Wire::option(3, b"ns1"), Pass, "\"ns1\""),
        (Test::Nsid, opt(0, false), Absent, "does not say who it is"),
        (Test::Case, Wire::answers(&[1]), Pass, "as it was written"),
        (
            Test::UnknownType,
            Wire::code(0),
            Pass,
            "NOERROR to TYPE65280",
        ),
        (Test::UnknownType, Wire::code(5), Warn, "REFUSED"),
        (Test::UnknownType, Wire::code(4), Fail, "NOTIMP"),
    ]
}

#[test]
fn each_test_tells_right_from_wrong() {
    let examples = of_transports_and_edns().into_iter();
    for (test, wire, grade, words) in examples.chain(of_options_sizes_and_types()) {
        let judged = test.judge(&wire.seen(), &ask());
        assert_eq!(judged.grade, grade, "{test:?}: {judged:?}");
        assert!(judged.text.contains(words), "{test:?}: {judged:?}");
    }
}

#[test]
fn silence_fails_every_test() {
    for test in ALL {
        let judged = test.judge(&mute(), &ask());
        assert_eq!(judged.grade, Grade::Fail, "{test:?}: {judged:?}");
    }
}

#[test]
fn an_answer_without_edns_is_none_to_the_question_with_it() {
    let refused = attempt(Trigger::First, End::Replied(Rcode::FORMERR));
    let plain = Wire::answers(&[1]).seen_after(Trigger::WithoutEdns, vec![refused]);
    let judged = Test::Edns.judge(&plain, &ask());
    assert_eq!(judged, Judged::new(Grade::Fail, "FORMERR to any EDNS"));
    let judged = Test::Nsid.judge(&plain, &ask());
    assert_eq!(
        judged,
        Judged::new(Grade::Fail, "FORMERR; answers without EDNS")
    );
}

#[test]
fn udp_and_tcp_must_tell_the_same() {
    use Grade::{Fail, Pass};
    let whole = Wire::answers(&[1, 2]);
    let long = Wire {
        filling: 600,
        ..whole.clone()
    };
    let rows = [
        (whole.clone(), whole.clone(), Pass, "the same 2 records"),
        (
            Wire::answers(&[2, 1]),
            whole.clone(),
            Pass,
            "the same 2 records",
        ),
        (
            Wire::answers(&[1]).cut(),
            whole.clone(),
            Pass,
            "truncated to 1 record over",
        ),
        (Wire::answers(&[1]), whole.clone(), Fail, "and no TC"),
        (
            Wire::answers(&[1, 3]),
            whole.clone(),
            Fail,
            "1 record over UDP that TCP does not have",
        ),
        (
            whole.clone(),
            whole.clone().cut(),
            Fail,
            "truncated over TCP too",
        ),
        (long, whole.clone(), Fail, "where 512 were announced"),
        (
            whole.clone(),
            Wire::code(5),
            Fail,
            "NOERROR over UDP, REFUSED over TCP",
        ),
        (
            Wire::code(2),
            whole.clone(),
            Fail,
            "SERVFAIL over UDP, NOERROR over TCP",
        ),
    ];
    for (udp, tcp, grade, words) in rows {
        let judged = tc_honesty(&udp.seen(), &tcp.seen());
        assert_eq!(judged.grade, grade, "{judged:?}");
        assert!(judged.text.contains(words), "{judged:?}");
    }
    let judged = tc_honesty(&mute(), &whole.seen());
    assert_eq!(judged.grade, Grade::Skipped);
}

#[test]
fn questions_at_once_are_all_answered_on_their_connection() {
    let good = || Wire::answers(&[1]).seen();
    let again = || Wire::answers(&[1]).seen_after(Trigger::Reconnected, Vec::new());
    let rows = [
        (vec![good(), good()], Grade::Pass),
        (vec![good(), mute()], Grade::Fail),
        (vec![mute(), mute()], Grade::Fail),
        (vec![good(), again()], Grade::Warn),
    ];
    for (seen, grade) in rows {
        let judged = pipelining(&seen);
        assert_eq!(judged.grade, grade, "{judged:?}");
    }
}
