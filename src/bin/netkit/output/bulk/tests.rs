//! The fast lines against the slow ones, and what a line of each form says.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use netkit::resolve::bulk::{Cached, Ending, Reply};
use netkit::resolve::ledger::Carrier;
use netkit::resolve::wire::RecordType;
use proptest::prelude::*;

use super::*;

/// A reply of addresses.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    v6: bool,
    records: Vec<(u32, u128)>,
    flags: [u8; 2],
    opt: Option<[u8; 6]>,
    /// Something after all that.
    tail: Vec<u8>,
    sent: u32,
    rtt: u64,
    took: u64,
    at: u64,
    server: SocketAddr,
    cache: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let name = prop_oneof![
        "[a-zA-Z0-9_-]{1,20}(\\.[a-z0-9-]{1,20}){0,3}",
        "[xX]n--[a-z]{1,5}\\.b"
    ];
    let records = prop::collection::vec((0_u32..1 << 31, any::<u128>()), 1..10);
    let rare = prop_oneof![9 => Just(None), 1 => any::<u16>().prop_map(Some)];
    let tail = prop_oneof![9 => Just(Vec::new()), 1 => Just(vec![0])];
    let opt = prop::option::of(Just([4, 208, 0, 0, 0, 0]));
    let times = (
        0_u64..10_000_000_000,
        0_u64..10_000_000_000,
        0_u64..100_000_000_000,
    );
    (
        name,
        any::<bool>(),
        records,
        rare,
        tail,
        opt,
        times,
        1_u32..5,
        any::<bool>(),
    )
        .prop_map(
            |(name, v6, records, rare, tail, opt, (rtt, took, at), sent, cache)| Case {
                name,
                v6,
                records,
                flags: rare.map_or([0x85, 0x80], u16::to_be_bytes),
                opt,
                tail,
                sent,
                rtt,
                took,
                at,
                server: ([127, 0, 0, 1], 53).into(),
                cache,
            },
        )
}

impl Case {
    fn qtype(&self) -> u16 {
        if self.v6 { 28 } else { 1 }
    }

    fn query(&self) -> Vec<u8> {
        let mut query = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in self.name.split('.') {
            query.push(u8::try_from(label.len()).unwrap());
            query.extend_from_slice(label.as_bytes());
        }
        query.push(0);
        query.extend_from_slice(&self.qtype().to_be_bytes());
        query.extend_from_slice(&[0, 1]);
        query
    }

    fn reply(&self) -> Vec<u8> {
        let mut reply = self.query();
        reply[2] = self.flags[0] | 0x80;
        reply[3] = self.flags[1];
        reply[7] = u8::try_from(self.records.len()).unwrap();
        for (ttl, address) in &self.records {
            reply.extend_from_slice(&[0xc0, 12]);
            reply.extend_from_slice(&self.qtype().to_be_bytes());
            reply.extend_from_slice(&[0, 1]);
            reply.extend_from_slice(&ttl.to_be_bytes());
            let data = if self.v6 {
                Ipv6Addr::from(*address).octets().to_vec()
            } else {
                Ipv4Addr::from(u32::try_from(*address >> 96).unwrap())
                    .octets()
                    .to_vec()
            };
            reply.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
            reply.extend_from_slice(&data);
        }
        if let Some(opt) = self.opt {
            reply[11] = 1;
            reply.extend_from_slice(&[0, 0, 41]);
            reply.extend_from_slice(&opt);
            reply.extend_from_slice(&[0, 0]);
        }
        reply.extend_from_slice(&self.tail);
        reply
    }

    /// The line as it is written, the line by way of the report, and whether they took two ways.
    fn lines(&self, lines: &mut Lines, form: AnswerForm) -> (String, String, bool) {
        let (query, bytes) = (self.query(), self.reply());
        let finished = Finished {
            seq: 0,
            text: &self.name,
            qtype: RecordType(self.qtype()),
            query: &query,
            ending: Ending::Reply(Reply {
                bytes: &bytes,
                server: self.server,
                carrier: Carrier::Udp,
                rtt: Duration::from_micros(self.rtt),
            }),
            sent: self.sent,
            tcp: None,
            server: Some(self.server),
            took: Duration::from_micros(self.took),
            cache: if self.cache {
                Cached::Miss
            } else {
                Cached::Unused
            },
        };
        let at = Duration::from_micros(self.at);
        lines.form = form;
        lines.add(&finished, at);
        let written = String::from_utf8(lines.take_ready()).unwrap();
        let mut full = Vec::new();
        lines.full(&mut full, &Report::from(&finished), at);
        let fast = Simple::of(&finished).is_some();
        (written, String::from_utf8(full).unwrap(), fast)
    }
}

/// As in a pipe.
const PLAIN: View = View {
    rich: false,
    colour: false,
    width: 80,
    verbose: false,
};

fn lines() -> Lines {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Lines::new(AnswerForm::Json, PLAIN, wall, false)
}

fn usual() -> Case {
    Case {
        name: "www.example".to_owned(),
        v6: false,
        records: vec![(300, 0x7f00_0001 << 96), (60, 1 << 96)],
        flags: [0x85, 0x80],
        opt: Some([4, 208, 0, 0, 0, 0]),
        tail: Vec::new(),
        sent: 1,
        rtt: 1_200,
        took: 1_000,
        at: 5,
        server: ([192, 0, 2, 53], 53).into(),
        cache: true,
    }
}

#[test]
fn the_usual_reply_takes_the_fast_way_and_gives_the_same_line() {
    let mut lines = lines();
    for v6 in [false, true] {
        let case = Case { v6, ..usual() };
        for form in [AnswerForm::Json, AnswerForm::Human, AnswerForm::Short] {
            let (written, full, fast) = case.lines(&mut lines, form);
            assert_eq!(written, full);
            assert!(fast);
        }
    }
    assert_eq!(lines.templates.known(), 2, "both have a template");
}

#[test]
fn a_short_line_is_the_data() {
    let (written, ..) = usual().lines(&mut lines(), AnswerForm::Short);
    assert_eq!(written, "127.0.0.1 0.0.0.1\n");
}

proptest! {
    /// Whatever comes, the fast line and the line that serde writes are the same.
    #[test]
    fn the_fast_line_is_the_line_of_the_report(cases in prop::collection::vec(case(), 1..20)) {
        let mut lines = lines();
        for case in cases {
            for form in [AnswerForm::Json, AnswerForm::Human, AnswerForm::Short] {
                let (written, full, _) = case.lines(&mut lines, form);
                prop_assert_eq!(written, full);
            }
        }
    }
}
