//! Laws of the address types: what is displayed reads back, as text and through serde, and the
//! canonical text of whatever is accepted is accepted as the same value.

use std::fmt::{Debug, Display};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use netkit::addr::describe::{As, Options, Value, describe, parse};
use netkit::addr::{AddrPort, Cidr, IpRange, Mac, Prefix, ZonedAddr};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Display, `FromStr` and serde agree.
fn reads_back<T>(value: &T)
where
    T: Display + FromStr + Serialize + DeserializeOwned + PartialEq + Debug,
    T::Err: Debug,
{
    let text = value.to_string();
    assert_eq!(
        &text.parse::<T>().expect("what is displayed reads back"),
        value
    );
    let json = serde_json::to_value(value).expect("it is text");
    assert_eq!(json, text.as_str(), "serde writes the text");
    assert_eq!(
        &serde_json::from_value::<T>(json).expect("it is the text"),
        value
    );
}

fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).into()),
        any::<u128>().prop_map(|bits| Ipv6Addr::from(bits).into()),
        (any::<u128>(), any::<u128>()).prop_map(|(a, b)| Ipv6Addr::from(a & b).into()),
        any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).to_ipv6_mapped().into()),
    ]
}

fn zoned() -> impl Strategy<Value = ZonedAddr> {
    (ip(), proptest::option::of("[a-z0-9%/.]{1,8}")).prop_map(|(ip, zone)| ZonedAddr {
        ip,
        zone: zone.filter(|_| ip.is_ipv6()).map(Into::into),
    })
}

fn prefix() -> impl Strategy<Value = Prefix> {
    (ip(), any::<u8>()).prop_map(|(ip, bits)| {
        let most = if ip.is_ipv4() { 32 } else { 128 };
        Prefix::new(ip, bits % (most + 1)).expect("a length of its family")
    })
}

/// Texts near every kind.
fn near() -> impl Strategy<Value = String> {
    prop_oneof![
        zoned().prop_map(|addr| addr.to_string()),
        prefix().prop_map(|prefix| prefix.to_string()),
        (zoned(), any::<u16>()).prop_map(|(addr, port)| format!("[{addr}]:{port}")),
        (any::<u32>(), any::<u16>())
            .prop_map(|(v4, port)| format!("{}:{port}", Ipv4Addr::from(v4))),
        "[0-9a-f:.%/-]{0,24}",
        "([0-9a-f]{2}[:-]){5}[0-9a-f]{2}",
    ]
}

/// Go drops the IPv6 part of a mapped address but keeps its zone: `1.2.3.4%eth0:80`.
fn go_writes_what_it_does_not_read(kind: As, value: &Value<'_>) -> bool {
    let zone_on_mapped =
        |(ip, zone): (IpAddr, Option<&str>)| ip.to_canonical().is_ipv4() && zone.is_some();
    matches!(kind, As::Tcp | As::Udp | As::IpAddr) && value.ip().is_some_and(zone_on_mapped)
}

proptest! {
    #[test]
    fn what_is_displayed_reads_back(
        addr in zoned(),
        prefix in prefix(),
        port: u16,
        ends in (any::<u128>(), any::<u128>()),
        bytes: [u8; 20],
    ) {
        reads_back(&addr);
        reads_back(&prefix);
        reads_back(&AddrPort { addr, port });
        let (low, high) = (ends.0.min(ends.1), ends.0.max(ends.1));
        let range = IpRange::new(Ipv6Addr::from(low).into(), Ipv6Addr::from(high).into());
        reads_back(&range.expect("in order"));
        for len in [6, 8, 20] {
            let text: Vec<_> = bytes[..len].iter().map(|byte| format!("{byte:02X}")).collect();
            reads_back(&text.join("-").parse::<Mac>().expect("a hardware address"));
        }
        let cidr: Cidr = prefix.to_string().parse().expect("a network");
        let again: Cidr = cidr.to_string().parse().expect("its canonical text");
        prop_assert_eq!(again.to_string(), cidr.to_string());
    }

    #[test]
    fn canonical_text_is_read_as_the_same_value(text in near()) {
        let auto = Options::default();
        for kind in std::iter::once(None).chain(As::ALL.map(Some)) {
            let options = Options { kind, ..auto.clone() };
            let Ok((kind, value)) = parse(&text, &options) else {
                continue;
            };
            if go_writes_what_it_does_not_read(kind, &value) {
                continue;
            }
            let canonical = value.canonical();
            let options = Options { kind: Some(kind), ..auto.clone() };
            let (_, again) = parse(&canonical, &options).expect("canonical text is accepted");
            prop_assert_eq!(again.canonical(), canonical);
        }
    }

    #[test]
    fn a_description_reads_back_through_serde(text in near()) {
        let report = describe(&text, &Options::default());
        let json = serde_json::to_string(&report).unwrap();
        prop_assert_eq!(serde_json::from_str::<netkit::addr::describe::AddrReport>(&json).unwrap(), report);
    }
}
