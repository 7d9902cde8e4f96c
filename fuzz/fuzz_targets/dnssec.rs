//! Whatever records a reply and the answers behind it are made of, the validator ends after a
//! bounded number of questions and never takes anything for secure: nobody here has a key of the
//! root. Trust anchors of any text are read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netkit::resolve::DomainName;
use netkit::resolve::dnssec::{Anchors, Evidence, Rr, Status, Step, Validator};
use netkit::resolve::wire::{Ask, Rcode, RecordType};

const NAMES: [&str; 8] = [
    ".",
    "example",
    "www.example",
    "*.example",
    "a.b.example",
    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example",
    "org",
    "www.org",
];
const TYPES: [u16; 10] = [1, 2, 5, 6, 39, 43, 46, 47, 48, 50];
/// More than the validator may ask for.
const MANY: usize = 100;

/// Takes octets from the front until none are left.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn octet(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    fn name(&mut self) -> DomainName {
        let name = NAMES[usize::from(self.octet()) % NAMES.len()];
        DomainName::parse(name).expect("a constant name")
    }

    fn records(&mut self) -> Vec<Rr> {
        let count = usize::from(self.octet() % 4);
        let one = |_| Rr {
            name: self.name(),
            rtype: RecordType(TYPES[usize::from(self.octet()) % TYPES.len()]),
            rdata: {
                let length = usize::from(self.octet()).min(self.0.len());
                let (data, rest) = self.0.split_at(length);
                self.0 = rest;
                data.to_vec()
            },
        };
        (0..count).map(one).collect()
    }

    fn evidence(&mut self) -> Evidence {
        Evidence {
            rcode: Rcode(u16::from(self.octet() % 4)),
            answers: self.records(),
            authority: self.records(),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let _ = Anchors::parse(&String::from_utf8_lossy(data));
    let mut input = Input(data);
    let ask = Ask::new(
        input.name(),
        RecordType(TYPES[usize::from(input.octet()) % TYPES.len()]),
    );
    let reply = input.evidence();
    let mut validator = Validator::new(Anchors::root(), 1_764_000_000);
    for _ in 0..MANY {
        match validator.validate(&ask, &reply) {
            Step::Need(needed) => validator.supply(needed, Ok(input.evidence())),
            Step::Done(report) => {
                assert_ne!(report.status, Status::Secure);
                return;
            }
        }
    }
    panic!("it asks without end");
});
