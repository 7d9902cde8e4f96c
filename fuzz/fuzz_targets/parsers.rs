//! No bytes panic a parser; where std reads addresses too, both agree; what is accepted reads back
//! from its canonical text; what is refused is underlined within the text.

#![no_main]

use std::fmt::{Debug, Display};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use netkit::addr::filter::parse_network;
use netkit::addr::{
    AddrError, AddrPort, Cidr, IpRange, Mac, Prefix, ZonedAddr, join_host_port, lookup_port,
    parse_cidr, parse_ip, resolve_ip, resolve_tcp, resolve_udp, split_host_port,
};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    round_trip::<ZonedAddr>(text);
    round_trip::<Prefix>(text);
    round_trip::<AddrPort>(text);
    round_trip::<IpRange>(text);
    round_trip::<Mac>(text);
    agrees_with_std(text);
    if let Ok(cidr) = parse_cidr(text) {
        let network: Cidr = cidr.to_string().parse().expect("a network reads back");
        assert_eq!(network.to_string(), cidr.to_string());
    }
    match split_host_port(text) {
        Ok((host, port)) => {
            let joined = join_host_port(host, port);
            assert_eq!(split_host_port(&joined), Ok((host, port)));
        }
        Err(error) => check_span(text, error),
    }
    endpoints(text);
    if let Err(error) = parse_network(text) {
        check_span(text, error);
    }
});

fn round_trip<T>(text: &str)
where
    T: FromStr<Err = AddrError> + Display + PartialEq + Debug,
{
    match text.parse::<T>() {
        Ok(value) => assert_eq!(value.to_string().parse::<T>(), Ok(value)),
        Err(error) => check_span(text, error),
    }
}

fn check_span(text: &str, error: AddrError) {
    assert!(text.get(error.span()).is_some(), "{error:?}");
}

/// std reads no zones on addresses, and only numeric ones on socket addresses.
fn agrees_with_std(text: &str) {
    if text.contains('%') {
        return;
    }
    let ours = text.parse::<ZonedAddr>().ok().map(|addr| addr.ip);
    assert_eq!(ours, text.parse::<IpAddr>().ok());
    assert_eq!(parse_ip(text).ok(), ours.map(|ip| ip.to_canonical()));
    let ours = text.parse::<AddrPort>().ok();
    assert_eq!(ours, text.parse::<SocketAddr>().ok().map(AddrPort::from));
}

fn endpoints(text: &str) {
    for network in ["tcp", "tcp4", "tcp6"] {
        resolve_tcp(network, text).map_or_else(|e| check_span(text, e), drop);
    }
    for network in ["udp", "udp6"] {
        resolve_udp(network, text).map_or_else(|e| check_span(text, e), drop);
    }
    for network in ["ip", "ip4", text] {
        resolve_ip(network, text, Default::default()).map_or_else(|e| check_span(text, e), drop);
    }
    for network in ["tcp", "", text] {
        lookup_port(network, text).map_or_else(|e| check_span(text, e), drop);
    }
}
