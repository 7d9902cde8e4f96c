//! The parsers against vectors made by running Go 1.27.3: verdict, class, value, canonical text.
//!
//! Every vector of every file is read, twice: with the service and protocol lists it was made with,
//! and without any. The only disagreement allowed is the wrap-around of Go's port numbers.

use std::net::IpAddr;
use std::path::Path;
use std::sync::OnceLock;

use netkit::addr::classify::Predicates;
use netkit::addr::endpoint::{Endpoint, Kind, Names, resolve_inet, resolve_ip};
use netkit::addr::protocol::ProtocolNames;
use netkit::addr::service::Services;
use netkit::addr::{
    AddrError, AddrPort, Prefix, ZonedAddr, join_host_port, lookup_port_in, parse_cidr, parse_ip,
    parse_mac, split_host_port,
};
use serde_json::{Value, json};

/// File, and how many vectors it must hold.
const FILES: [(&str, usize); 13] = [
    ("JoinHostPort", 100),
    ("LookupPort", 400),
    ("ParseCIDR", 360),
    ("ParseIP", 340),
    ("ParseMAC", 260),
    ("ResolveIPAddr", 340),
    ("ResolveTCPAddr", 560),
    ("ResolveUDPAddr", 300),
    ("SplitHostPort", 370),
    ("needs_dns", 50),
    ("netip.ParseAddr", 620),
    ("netip.ParseAddrPort", 380),
    ("netip.ParsePrefix", 340),
];

/// What a parser made of an input: Go's `result` object, or the class of failure.
type Outcome = Result<Value, String>;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn vectors(file: &str) -> Vec<Value> {
    read(&format!("{file}.jsonl"))
        .split('\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).expect("a vector is JSON"))
        .collect()
}

fn with_files() -> Names {
    fn services() -> &'static Services {
        static TABLE: OnceLock<Services> = OnceLock::new();
        TABLE.get_or_init(|| Services::with_file(&read("services")))
    }
    fn protocols() -> &'static ProtocolNames {
        static TABLE: OnceLock<ProtocolNames> = OnceLock::new();
        TABLE.get_or_init(|| ProtocolNames::with_file(&read("protocols")))
    }
    Names {
        services,
        protocols,
    }
}

fn without_files() -> Names {
    fn services() -> &'static Services {
        static TABLE: OnceLock<Services> = OnceLock::new();
        TABLE.get_or_init(|| Services::with_file(""))
    }
    fn protocols() -> &'static ProtocolNames {
        static TABLE: OnceLock<ProtocolNames> = OnceLock::new();
        TABLE.get_or_init(|| ProtocolNames::with_file(""))
    }
    Names {
        services,
        protocols,
    }
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key]
        .as_str()
        .unwrap_or_else(|| panic!("{vector} has no {key}"))
}

fn run(vector: &Value, names: Names) -> Outcome {
    let (input, network) = (text(vector, "input"), text(vector, "network"));
    let outcome = match text(vector, "fn") {
        "ParseIP" => parse_ip(input).map(net_ip),
        "netip.ParseAddr" => input.parse().map(|addr| netip_addr(&addr)),
        "ParseCIDR" => parse_cidr(input).map(cidr),
        "netip.ParsePrefix" => input.parse().map(prefix),
        "netip.ParseAddrPort" => input.parse().map(|addr| addr_port(&addr)),
        "SplitHostPort" => {
            split_host_port(input).map(|(host, port)| json!({"host": host, "port": port}))
        }
        "JoinHostPort" => Ok(json!({"string": join_host_port(input, text(vector, "port_arg"))})),
        "LookupPort" => {
            lookup_port_in(network, input, names.services).map(|port| json!({"port": port}))
        }
        "ParseMAC" => parse_mac(input).map(|mac| {
            let hex = hex(mac.bytes());
            json!({"string": mac.to_string(), "hex": hex, "len": mac.bytes().len()})
        }),
        "ResolveTCPAddr" => return endpoint(resolve_inet(Kind::Tcp, network, input, names)),
        "ResolveUDPAddr" => return endpoint(resolve_inet(Kind::Udp, network, input, names)),
        "ResolveIPAddr" => return endpoint(resolve_ip(network, input, names)),
        other => panic!("no parser for {other}"),
    };
    if let Err(error) = &outcome {
        check_span(input, *error);
    }
    outcome.map_err(|error| error.class.code().to_owned())
}

fn check_span(input: &str, error: AddrError) {
    assert!(input.get(error.span()).is_some(), "{input:?}: {error:?}");
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn hex16(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => hex(&ip.to_ipv6_mapped().octets()),
        IpAddr::V6(ip) => hex(&ip.octets()),
    }
}

fn predicates(p: Predicates) -> Value {
    json!({
        "Unspecified": p.is_unspecified,
        "Loopback": p.is_loopback,
        "Private": p.is_private,
        "Multicast": p.is_multicast,
        "InterfaceLocalMulticast": p.is_interface_local_multicast,
        "LinkLocalMulticast": p.is_link_local_multicast,
        "LinkLocalUnicast": p.is_link_local_unicast,
        "GlobalUnicast": p.is_global_unicast,
    })
}

fn net_ip(ip: IpAddr) -> Value {
    let is4 = ip.is_ipv4();
    json!({
        "string": ip.to_string(),
        "hex16": hex16(ip),
        "hex4": if is4 { hex(&octets(ip)) } else { String::new() },
        "to4": if is4 { ip.to_string() } else { String::new() },
        "is4": is4,
        "class": predicates(Predicates::net_ip(ip)),
    })
}

fn netip_addr(addr: &ZonedAddr) -> Value {
    let (ip, literal) = (addr.ip, addr.as_literal());
    let netip = predicates(Predicates::netip(literal));
    let mut value = json!({
        "string": addr.to_string(),
        "hex": hex(&octets(ip)),
        "hex16": hex16(ip),
        "is4": ip.is_ipv4(),
        "is6": ip.is_ipv6(),
        "is4in6": is_4in6(ip),
        "zone": addr.zone.as_deref().unwrap_or(""),
        "class": netip,
    });
    let differs: serde_json::Map<_, _> = predicates(Predicates::net_ip(ip))
        .as_object()
        .expect("predicates are an object")
        .iter()
        .filter(|(name, said)| netip[name.as_str()] != **said)
        .map(|(name, said)| (name.clone(), said.clone()))
        .collect();
    if !differs.is_empty() {
        value["net_ip_differs"] = differs.into();
    }
    value
}

fn is_4in6(ip: IpAddr) -> bool {
    ip.is_ipv6() && ip.to_canonical().is_ipv4()
}

fn cidr(cidr: netkit::addr::Cidr) -> Value {
    let masked = cidr.prefix.masked();
    let bits = 8 * octets(cidr.prefix.ip()).len();
    let mask = u128::MAX
        .checked_shl(128 - u32::from(masked.bits()))
        .unwrap_or(0);
    json!({
        "ip": cidr.ip().to_string(),
        "ip_hex16": hex16(cidr.prefix.ip()),
        "network": cidr.to_string(),
        "network_ip": masked.ip().to_canonical().to_string(),
        "network_hex": hex(&octets(masked.ip())),
        "prefix": masked.bits(),
        "bits": bits,
        "mask_hex": &hex(&mask.to_be_bytes())[..bits / 4],
    })
}

fn prefix(prefix: Prefix) -> Value {
    json!({
        "string": prefix.to_string(),
        "addr": prefix.ip().to_string(),
        "prefix": prefix.bits(),
        "masked": prefix.masked().to_string(),
        "single_ip": prefix.size_minus_one() == 0,
        "is4": prefix.ip().is_ipv4(),
        "is4in6": is_4in6(prefix.ip()),
    })
}

fn addr_port(endpoint: &AddrPort) -> Value {
    json!({
        "string": endpoint.to_string(),
        "addr": endpoint.addr.to_string(),
        "port": endpoint.port,
        "zone": endpoint.addr.zone.as_deref().unwrap_or(""),
        "is4": endpoint.addr.ip.is_ipv4(),
        "is4in6": is_4in6(endpoint.addr.ip),
    })
}

fn endpoint(outcome: Result<Endpoint<'_>, AddrError>) -> Outcome {
    match outcome {
        Err(error) => Err(error.class.code().to_owned()),
        Ok(Endpoint::NeedsDns { .. }) => Err("needs_dns".to_owned()),
        Ok(Endpoint::Literal(addr)) => {
            let mut value = json!({
                "ip": addr.ip.map(|ip| ip.to_string()).unwrap_or_default(),
                "ip_hex": addr.ip.map(hex16).unwrap_or_default(),
                "zone": addr.zone.unwrap_or(""),
                "string": addr.to_string(),
                "network": addr.kind.name(),
            });
            if addr.kind != Kind::Ip {
                value["port"] = addr.port.into();
            }
            Ok(value)
        }
    }
}

fn has_tag(vector: &Value, tag: &str) -> bool {
    vector["tags"]
        .as_array()
        .is_some_and(|tags| tags.iter().any(|t| t == tag))
}

/// Go's own verdict in our words. Functions with a single class in Go have finer ones here.
fn expected(vector: &Value, answer: &Value) -> Outcome {
    if has_tag(vector, "port-wrap") {
        return Err("invalid_port".to_owned());
    }
    if answer["ok"] == true {
        return Ok(answer["result"].clone());
    }
    Err(match answer["eclass"].as_str() {
        Some(class) => class.trim_start_matches("addr:").replace('-', "_"),
        None => class_of_text(text(answer, "error")).to_owned(),
    })
}

/// Answers for machines without the files carry Go's text only.
fn class_of_text(error: &str) -> &'static str {
    if error.ends_with("unknown port") {
        "unknown_port"
    } else if error.ends_with("unknown IP protocol specified") {
        "unknown_protocol"
    } else {
        panic!("no class for {error:?}")
    }
}

fn agree(vector: &Value, got: &Outcome, wanted: &Outcome) {
    let finer = matches!(text(vector, "fn"), "ParseIP" | "ParseCIDR");
    match (got, wanted) {
        (Err(_), Err(_)) if finer => {}
        (Ok(got), Ok(wanted)) => {
            let [got, wanted] = [got, wanted].map(|it| it.as_object().expect("an object"));
            for (key, value) in wanted {
                // Derived forms that other tests cover.
                if !matches!(key.as_str(), "expanded" | "unmap") {
                    assert_eq!(got.get(key), Some(value), "{key} of {vector}");
                }
            }
            for key in got.keys() {
                assert!(wanted.contains_key(key), "{key} is not in {vector}");
            }
        }
        _ => assert_eq!(got, wanted, "{vector}"),
    }
}

#[test]
fn every_vector_agrees_with_the_service_and_protocol_lists_it_was_made_with() {
    for (file, count) in FILES {
        let vectors = vectors(file);
        assert_eq!(vectors.len(), count, "{file}");
        for vector in &vectors {
            agree(
                vector,
                &run(vector, with_files()),
                &expected(vector, vector),
            );
        }
    }
}

#[test]
fn every_vector_agrees_on_a_machine_without_service_and_protocol_lists() {
    let mut lacking = 0;
    for vector in FILES.iter().flat_map(|(file, _)| vectors(file)) {
        let without = &vector["without_file"];
        let answer = if without.is_null() { &vector } else { without };
        lacking += usize::from(!without.is_null());
        agree(
            &vector,
            &run(&vector, without_files()),
            &expected(&vector, answer),
        );
    }
    assert_eq!(lacking, 100);
}

#[test]
fn canonical_text_and_json_read_back_to_the_same_value() {
    for vector in vectors("netip.ParseAddr")
        .iter()
        .filter(|v| v["ok"] == true)
    {
        let addr: ZonedAddr = text(vector, "input").parse().unwrap();
        assert_eq!(addr.to_string().parse(), Ok(addr.clone()));
        let json = serde_json::to_string(&addr).unwrap();
        assert_eq!(serde_json::from_str::<ZonedAddr>(&json).unwrap(), addr);
    }
}
