//! No text panics the readers of resolv.conf, hosts files, policies, name servers and domain names; what is
//! accepted reads back from its canonical text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netkit::resolve::policy::Rules;
use netkit::resolve::{DomainName, Hosts, NameServer, ResolvConf};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    assert!(!ResolvConf::parse(text).servers.is_empty());
    let _ = Hosts::parse(text).addresses(text);
    if let Ok(name) = DomainName::parse(text) {
        assert_eq!(DomainName::parse(&name.to_string()), Ok(name));
    }
    if let Err(fault) = text.parse::<Rules>() {
        assert!(fault.line <= text.matches('\n').count() + 1);
    }
    match text.parse::<NameServer>() {
        Ok(server) => assert_eq!(server.to_string().parse(), Ok(server)),
        Err(error) => assert!(
            text.get(error.span).is_some(),
            "the span is within the text"
        ),
    }
});
