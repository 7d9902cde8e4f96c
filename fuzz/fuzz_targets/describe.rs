//! No bytes panic the describer or the filter, and both agree with what the parsers say.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netkit::addr::describe::{As, Options, describe_bytes};
use netkit::addr::filter::{Filter, Which};
use netkit::addr::format::push_ip;
use netkit::addr::scan::addresses;
use netkit::addr::table::PrefixTable;
use netkit::addr::{Prefix, parse_addr};

fuzz_target!(|data: &[u8]| {
    for kind in std::iter::once(None).chain(As::ALL.into_iter().map(Some)) {
        let options = Options {
            kind,
            ..Options::default()
        };
        let report = describe_bytes(data, &options);
        assert_eq!(report.ok, report.failure.is_none());
        if let Some(failure) = report.failure {
            let [start, end] = failure.span;
            assert!(report.input.get(start..end).is_some());
        }
    }
    for found in addresses(data) {
        let text = std::str::from_utf8(&data[found.span.clone()]).expect("addresses are ASCII");
        assert_eq!(parse_addr(text).map(|literal| literal.ip), Ok(found.ip));
        let mut canonical = Vec::new();
        push_ip(&mut canonical, found.ip);
        assert_eq!(canonical, found.ip.to_string().into_bytes());
    }
    filter(data);
});

/// Both sides of the filter together are the text.
fn filter(data: &[u8]) {
    let networks = ["10.0.0.0/8", "2001:db8::/32", "1.0.0.0/9", "::/3"];
    let networks: Vec<Prefix> = networks.iter().flat_map(|text| text.parse()).collect();
    let filter = Filter {
        table: PrefixTable::new(&networks),
        which: Which::Any,
    };
    let (yes, no) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    filter.split(
        data,
        |line, hit| {
            assert!(
                hit.network.contains(hit.found.ip.to_canonical())
                    || hit.network.contains(hit.found.ip)
            );
            yes.set(yes.get() + line.len());
        },
        |lines| no.set(no.get() + lines.len()),
    );
    assert_eq!(yes.get() + no.get(), data.len());
}
