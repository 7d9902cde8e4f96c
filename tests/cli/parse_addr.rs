//! `netkit parse-addr`: the forms, the batch, computing, filtering, and what is refused.

use std::path::PathBuf;

use serde_json::Value;

use crate::dns::{Behaviour, DnsServer, Script};
use crate::support::{
    AddrCountLine, AddrLine, AddrMatchLine, AddrResultLine, BriefAddrLine, Outcome, netkit, valid,
};

/// A file of its own for a test.
fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = std::env::temp_dir().join(format!("netkit-{}-{name}", std::process::id()));
    std::fs::write(&path, content).expect("the temporary folder can be written");
    path
}

fn batch(flags: &str, input: impl Into<Vec<u8>>) -> Outcome {
    netkit(&format!("parse-addr {flags}")).stdin(input).run()
}

#[test]
fn describes_a_network_fact_by_fact() {
    let outcome = netkit("parse-addr 10.1.2.3/20").run().status(0);
    let expected = "\
10.1.2.3/20: prefix
network: 10.1.0.0/20
addresses: 10.1.0.0 to 10.1.15.255
hosts: 10.1.0.1 to 10.1.15.254: 4094
broadcast: 10.1.15.255
netmask: 255.255.240.0 (wildcard 0.0.15.255)
size: 4096
parent: 10.1.0.0/19
note: host bits are set
family: IPv4
expanded: 10.1.2.3
hex: 0a010203
integer: 167838211
binary: 00001010.00000001.00000010.00000011
reverse: 3.2.1.10.in-addr.arpa.
go says: private, global unicast
special: 10.0.0.0/8 Private-Use (RFC1918), not globally reachable
";
    assert_eq!(outcome.stdout, expected);
}

#[test]
fn a_terminal_sees_the_boundary_of_the_network_in_colour() {
    let outcome = netkit("parse-addr 10.1.2.3/20 --color always")
        .run()
        .status(0);
    outcome.says("\u{1b}[32m00001010.00000001.0000\u{1b}[0m\u{1b}[33m0010.00000011\u{1b}[0m");
    let long = netkit("parse-addr 2001:db8:1:2::/61 --color always").run();
    let long = long.status(0).stdout;
    let plain = |line: &str| line.replace("\u{1b}[32m", "").replace("\u{1b}[33m", "");
    let widest = long
        .lines()
        .filter(|line| line.contains("0000000000000:"))
        .map(plain);
    let plain_width = |line: String| {
        line.replace("\u{1b}[0m", "")
            .replace("\u{1b}[2m", "")
            .chars()
            .count()
    };
    assert_eq!(widest.map(plain_width).max(), Some(80), "{long}");
}

#[test]
fn a_refusal_is_underlined_and_explained() {
    let outcome = netkit("parse-addr 10.0.0.01").run().status(1);
    assert_eq!(outcome.stdout, "");
    assert_eq!(
        outcome.stderr,
        "\
netkit: the octet 01 has a leading zero
  10.0.0.01
         ^^
expected four decimal octets such as 192.0.2.1
hint: leading zero: Go and most modern parsers refuse it, older ones read it as octal; did you mean 10.0.0.1?
"
    );
}

#[test]
fn every_line_of_json_is_valid_and_says_the_same_as_the_brief_form() {
    let input = "192.0.2.1\nfe80::1%eth0\n10.0.0.0/8\n[::1]:https\nexample.com:80\n00:00:5e:00:53:01\n\
                 10.0.0.1-10.0.0.9\n443\n::/0\nnonsense\n\n2002:c000:204::1\n";
    let full = batch("--json", input).status(1).json();
    let brief = batch("--json --brief", input).status(1).json();
    assert_eq!((full.len(), brief.len()), (12, 12));
    for (full, brief) in full.iter().zip(&brief) {
        valid(full);
        valid(brief);
        for (key, value) in brief.as_object().unwrap() {
            assert_eq!(&full[key], value, "{key}");
        }
    }
    assert_eq!(full[4]["endpoint"]["needs_dns"], true);
    assert_eq!(
        full[8]["cidr"]["size"],
        "340282366920938463463374607431768211456"
    );
    assert_eq!(full[9]["failure"]["kind"], "not_ip");
    assert_eq!(full[11]["ip"]["embedded"][0]["form"], "6to4");
}

#[test]
fn each_kind_follows_its_function_of_go() {
    for (kind, text, status, canonical) in [
        ("ip", "::ffff:1.2.3.4", 0, "1.2.3.4"),
        ("addr", "::ffff:1.2.3.4", 0, "::ffff:1.2.3.4"),
        ("ip", "fe80::1%eth0", 1, ""),
        ("cidr", "10.1.2.3/024", 0, "10.1.2.0/24"),
        ("prefix", "10.1.2.3/024", 1, ""),
        ("addrport", "1.2.3.4:http", 1, ""),
        ("hostport", "a b:c", 0, "a b:c"),
        ("tcp", "1.2.3.4:http", 0, "1.2.3.4:80"),
        ("ip-addr", "fe80::1%eth0", 0, "fe80::1%eth0"),
        ("port", "+80", 0, "80"),
        ("port", "4294967376", 1, ""),
        ("mac", "0000.5e00.5301", 0, "00:00:5e:00:53:01"),
        ("range", "10.0.0.1-10.0.0.2", 0, "10.0.0.1-10.0.0.2"),
    ] {
        let outcome = netkit("parse-addr --short --as").arg(kind).arg(text).run();
        let outcome = outcome.status(status);
        assert_eq!(outcome.stdout.trim_end(), canonical, "{outcome}");
    }
    let mapped = netkit("parse-addr --as tcp --network tcp6 --short [::ffff:1.2.3.4]:80");
    mapped
        .run()
        .status(1)
        .complains("is not of the family that tcp6 asks for");
}

#[test]
fn a_batch_keeps_its_order_and_numbers_what_it_refuses() {
    let outcome = batch("--short", "10.0.0.1\r\nbad\n::1").status(1);
    assert_eq!(outcome.stdout, "10.0.0.1\n::1\n");
    outcome.complains("netkit: line 2: bad is not an address");
    let outcome = batch(
        "--json --brief",
        b"1.1.1.1\n\xff\xfe\n\0\n2.2.2.2\n".to_vec(),
    )
    .status(1);
    let lines = outcome.json();
    let kinds: Vec<_> = lines
        .iter()
        .map(|line| line["failure"]["kind"].clone())
        .collect();
    let refused = |kind: &str| Value::from(kind);
    assert_eq!(
        kinds,
        [
            Value::Null,
            refused("not_utf8"),
            refused("not_ip"),
            Value::Null
        ]
    );
}

#[test]
fn long_inputs_lose_nothing_in_any_form() {
    let count = 120_000;
    let mut input: Vec<u8> = (0..count)
        .flat_map(|n: u32| format!("10.{}.{}.{}\n", n >> 16, n >> 8 & 255, n & 255).into_bytes())
        .collect();
    let copied = batch("--short", input.clone()).status(0);
    assert!(copied.stdout.as_bytes() == input, "the copy differs");
    let kept = batch("--in 0.0.0.0/0", input.clone()).status(0);
    assert!(kept.stdout.as_bytes() == input, "the filter lost something");
    input.extend_from_slice(&vec![b'x'; 1 << 20]);
    let outcome = batch("--in 10.0.0.0/8 --count", input).status(0);
    assert_eq!(outcome.stdout, format!("{count}\n"));
}

/// Command line, status, standard output.
const COMPUTED: &[(&str, i32, &str)] = &[
    ("10.0.0.0/30 --split /31", 0, "10.0.0.0/31\n10.0.0.2/31\n"),
    (
        "10.0.0.0/24 --split-into 3",
        0,
        "10.0.0.0/25\n10.0.0.128/26\n10.0.0.192/26\n",
    ),
    ("10.0.0.0/24 --supernet 16", 0, "10.0.0.0/16\n"),
    ("10.0.0.0/24 --nth -1", 0, "10.0.0.255\n"),
    ("10.0.0.0/30 --hosts", 0, "10.0.0.1\n10.0.0.2\n"),
    (
        "10.0.0.128/25 10.0.0.0/25 2001:db8::/64 --aggregate",
        0,
        "10.0.0.0/24\n2001:db8::/64\n",
    ),
    (
        "10.0.0.0/24 --exclude 10.0.0.0/25 10.0.0.192/26",
        0,
        "10.0.0.128/26\n",
    ),
    ("10.0.0.0/24 --intersect 10.0.0.192-x", 2, ""),
    (
        "10.0.0.0/24 --intersect 10.0.0.192/26 ::/0",
        0,
        "10.0.0.192/26\n",
    ),
    (
        "10.0.0.5-10.0.0.8 --summarize",
        0,
        "10.0.0.5/32\n10.0.0.6/31\n10.0.0.8/32\n",
    ),
    (
        "::1 10.0.0.2 10.0.0.1 ::1 --sort --unique",
        0,
        "10.0.0.1\n10.0.0.2\n::1\n",
    ),
    (
        "10.0.0.0/8 --contains 10.1.0.0/16",
        0,
        "10.0.0.0/8 contains 10.1.0.0/16: yes\n",
    ),
    (
        "10.0.0.0/8 --contains 11.0.0.1",
        1,
        "10.0.0.0/8 contains 11.0.0.1: no\n",
    ),
    (
        "10.0.0.0/8 --overlaps 0.0.0.0/0",
        0,
        "10.0.0.0/8 overlaps 0.0.0.0/0: yes\n",
    ),
    ("10.0.0.0/24 --split /8", 1, ""),
    ("x --hosts", 1, ""),
];

#[test]
fn computes_with_networks() {
    for &(line, status, expected) in COMPUTED {
        let outcome = netkit(&format!("parse-addr {line}")).run().status(status);
        assert_eq!(outcome.stdout, expected, "{outcome}");
    }
    let draw = || {
        netkit("parse-addr 2001:db8::/64 --random 3 --seed 7")
            .run()
            .status(0)
            .stdout
    };
    assert_eq!(draw(), draw());
    assert_eq!(draw().lines().count(), 3);
    let lines = netkit("parse-addr 10.0.0.0/31 x --hosts --json")
        .run()
        .status(1)
        .json();
    lines.iter().for_each(valid);
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_split_is_lazy_and_ends_with_its_reader() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_netkit"))
        .args(["parse-addr", "::/0", "--split", "/128"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
    drop(reader);
    assert_eq!(
        (line.as_str(), child.wait().unwrap().code()),
        ("::/128\n", Some(0))
    );
}

const LOG: &str = "\
10.1.2.3 - GET /\n192.0.2.1 via 10.0.0.9\n[2001:db8::1]:443 ok\nnothing here\nv10.0.0.1 is a version\n";

#[test]
fn filters_lines_wherever_the_address_stands() {
    let lines = |flags: &str| batch(flags, LOG).stdout;
    assert_eq!(
        lines("--in 10.0.0.0/8"),
        "10.1.2.3 - GET /\n192.0.2.1 via 10.0.0.9\n"
    );
    assert_eq!(lines("--in 10.0.0.0/8 --first"), "10.1.2.3 - GET /\n");
    assert_eq!(
        lines("--in 10.0.0.0/8 ::/0 -v"),
        "nothing here\nv10.0.0.1 is a version\n"
    );
    assert_eq!(lines("--in 10.0.0.0/8 --count"), "2\n");
    batch("--in 203.0.113.0/24", LOG).status(1);
    let found = batch("--in 10.0.0.0/8 10.1.0.0/16 --json", LOG)
        .status(0)
        .json();
    found.iter().for_each(valid);
    assert_eq!(
        (&found[0]["network"], &found[0]["line"]),
        (&"10.1.0.0/16".into(), &1.into())
    );
    assert_eq!(
        (&found[1]["address"], &found[1]["line"]),
        (&"10.0.0.9".into(), &2.into())
    );
    let rest = batch("--in 10.0.0.0/8 --json -v", LOG).status(0).json();
    rest.iter().for_each(valid);
    assert_eq!((rest.len(), &rest[2]["line"]), (3, &5.into()));
}

#[test]
fn networks_may_come_from_files_and_faults_in_them_are_named() {
    let good = file("nets", "# ours\n10.0.0.0/8 # private\n\n2001:db8::1\n");
    let outcome = netkit("parse-addr --count --in")
        .arg(&good)
        .stdin(LOG)
        .run()
        .status(0);
    assert_eq!(outcome.stdout, "3\n");
    let bad = file("bad-nets", "10.0.0.0/8\n10.0.0.0/99\n");
    let outcome = netkit("parse-addr --in")
        .arg(&bad)
        .stdin(LOG)
        .run()
        .status(2);
    outcome.complains("line 2 is not a network");
    for path in [good, bad] {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn what_cannot_be_read_is_said_and_ends_with_six() {
    netkit("parse-addr --input /")
        .run()
        .status(6)
        .complains("/: ");
    netkit("parse-addr --in / --input /dev/null")
        .run()
        .status(6);
    let lines = netkit("parse-addr --json --input /nowhere/at/all")
        .run()
        .status(6)
        .json();
    valid(&lines[0]);
    assert_eq!(lines[0]["failure"]["kind"], "file");
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for line in [
        "--split /24 --hosts 10.0.0.0/8",
        "--in 10.0.0.0/8 --sort",
        "--as ip --hosts 10.0.0.0/8",
        "--network tcp4 10.0.0.1",
        "--as tcp --network udp 1.1.1.1:1",
        "--short --json 1.1.1.1",
        "--json --quiet 1.1.1.1",
        "--brief 1.1.1.1",
        "-v 1.1.1.1",
        "--seed 1 10.0.0.0/8",
        "--input x 1.1.1.1",
        "--split /129 ::/0",
        "--nat64 10.0.0.0/8 ::1",
        "--in nowhere/at/all",
        "--as nonsense 1.1.1.1",
        "--ns 127.0.0.1 a:1",
    ] {
        let outcome = netkit(&format!("parse-addr {line}")).run().status(2);
        assert_eq!(
            outcome.stdout.matches("\"type\":\"addr\"").count(),
            0,
            "{outcome}"
        );
        assert!(outcome.stderr.contains("expected"), "{outcome}");
    }
}

/// A name server on loopback that knows two hosts; nothing else is ever asked.
fn zone() -> Script {
    Script::new()
        .address("both.example", "192.0.2.7")
        .address("both.example", "2001:db8::7")
        .address("v4.example", "192.0.2.4")
}

/// The one line of a text that is looked up at `names`.
fn looked_up(text: &str, names: &DnsServer, flags: &str, status: i32) -> AddrLine {
    let line = format!(
        "parse-addr --json {text} --resolve --ns {} {flags}",
        names.addr()
    );
    let value = netkit(&line).run().status(status).one();
    valid(&value);
    serde_json::from_value(value).expect("it was valid")
}

#[test]
fn names_are_looked_up_only_when_asked_for() {
    let names = zone().start();
    let value = netkit("parse-addr --json both.example:80").run().one();
    let line: AddrLine = serde_json::from_value(value).unwrap();
    let endpoint = line.endpoint.unwrap();
    assert!(endpoint.needs_dns && endpoint.resolved.is_none());
    assert!(names.seen().is_empty());

    let endpoint = looked_up("both.example:80", &names, "", 0)
        .endpoint
        .unwrap();
    assert_eq!(endpoint.resolved.unwrap(), ["2001:db8::7", "192.0.2.7"]);
    assert!(endpoint.needs_dns && endpoint.resolve_failure.is_none());
    assert_eq!(names.seen().len(), 2, "AAAA and A");
    // A literal needs nobody.
    looked_up("192.0.2.1:80", &names, "", 0);
    assert_eq!(names.seen().len(), 2);
}

#[test]
fn the_network_says_which_addresses_are_asked_for() {
    let names = zone().start();
    let asked = |flags: &str| {
        let line = looked_up("both.example:80", &names, flags, 0);
        line.endpoint.unwrap().resolved.unwrap()
    };
    assert_eq!(asked("--as tcp --network tcp4"), ["192.0.2.7"]);
    assert_eq!(asked("--as udp --network udp6"), ["2001:db8::7"]);
    assert_eq!(names.seen().len(), 2, "one question each");
    let line = looked_up("v4.example", &names, "--as ip-addr", 0);
    assert_eq!(line.endpoint.unwrap().resolved.unwrap(), ["192.0.2.4"]);
}

#[test]
fn what_the_name_servers_would_not_say_is_told_and_ends_with_three() {
    let names = zone().start();
    let line = looked_up("nosuch.example:80", &names, "", 3);
    assert!(
        line.ok,
        "the text is an endpoint whether or not its host exists"
    );
    let failure = line.endpoint.unwrap().resolve_failure.unwrap();
    assert_eq!(
        (failure.stage.as_str(), failure.kind.as_str()),
        ("resolve", "nxdomain")
    );
    assert_eq!(failure.who.party, "name_server");
    let silent = zone().both(Behaviour::Silent).start();
    let line = looked_up("both.example:80", &silent, "-t 200ms", 3);
    assert!(line.endpoint.unwrap().resolved.is_none());
    let outcome = netkit(&format!(
        "parse-addr nosuch.example:80 --resolve --ns {}",
        names.addr()
    ));
    outcome.run().status(3).says("does not exist");
}

#[test]
fn a_batch_asks_for_each_host_once() {
    let names = zone().start();
    let flags = format!("--json --resolve --ns {}", names.addr());
    let input = "v4.example:1\nv4.example:2\n192.0.2.9:3\nnosuch.example:4\n";
    let lines = batch(&flags, input).json();
    lines.iter().for_each(valid);
    let resolved: Vec<_> = lines
        .iter()
        .map(|line| &line["endpoint"]["resolved"])
        .collect();
    assert_eq!(resolved[0], resolved[1]);
    assert_eq!((resolved[2], resolved[3]), (&Value::Null, &Value::Null));
    let asked = names.seen().len();
    // Three names of two families would be six.
    assert!((4..6).contains(&asked), "{asked}");
}

#[test]
fn every_line_is_read_by_the_strict_reader() {
    let input = "192.0.2.1\nfe80::200:5eff:fe00:5301%eth0\n10.1.0.0/8\n[::1]:https\n443\n::/0\n\
                 example.com:80\n00:00:5e:00:53:01\n10.0.0.1-10.0.0.9\nnonsense\n2002:c000:204::1\n\
                 2001:0:4136:e378:8000:63bf:3fff:fdd2\n64:ff9b::1\nff02::1:ff00:1\n::ffff:0.0.0.0\n";
    let read = |flags: &str| batch(flags, input).status(1).json();
    for line in read("--json") {
        valid(&line);
        let line: AddrLine = serde_json::from_value(line).expect("the contract");
        assert_eq!(
            (line.schema.as_str(), line.r#type.as_str()),
            ("netkit/1", "addr")
        );
        assert_eq!(line.ok, line.failure.is_none());
        assert_eq!(line.ok, line.canonical.is_some());
        assert_eq!(line.ip.is_some(), line.class.is_some());
        let ip = line.ip.iter().map(|ip| &ip.integer);
        let cidr = line.cidr.iter().flat_map(|cidr| [&cidr.size, &cidr.hosts]);
        for whole in ip.chain(cidr) {
            assert!(whole.checked().is_some(), "{whole:?}");
        }
    }
    for line in read("--json --brief") {
        valid(&line);
        serde_json::from_value::<BriefAddrLine>(line).expect("the contract");
    }
    for flags in ["--hosts", "--contains 10.0.0.1", "--aggregate"] {
        let lines = batch(&format!("{flags} --json"), "10.0.0.0/30\n").json();
        assert!(!lines.is_empty());
        for line in lines {
            valid(&line);
            serde_json::from_value::<AddrResultLine>(line).expect("the contract");
        }
    }
    for flags in ["", "-v"] {
        for line in batch(&format!("--in 10.0.0.0/8 --json {flags}"), LOG).json() {
            serde_json::from_value::<AddrMatchLine>(line).expect("the contract");
        }
    }
    let count = batch("--in 10.0.0.0/8 --json --count", LOG).status(0).one();
    valid(&count);
    assert_eq!(
        serde_json::from_value::<AddrCountLine>(count)
            .unwrap()
            .count,
        2
    );
}

#[test]
fn auto_is_a_kind_that_can_be_named() {
    let both = ["", "--as auto"].map(|flags| {
        let outcome = batch(&format!("{flags} --json"), "::1\n10.0.0.0/8\n[::1]:80\nx\n");
        outcome.status(1).stdout
    });
    assert_eq!(both[0], both[1]);
    netkit("parse-addr --as auto --network tcp4 10.0.0.1:80")
        .run()
        .status(2);
}

#[test]
fn a_filter_keeps_odd_lines_as_they_are() {
    let mut input = b"\xff 10.0.0.1 \xfe\r\n\0 10.0.0.2\0\n".to_vec();
    input.extend_from_slice(&vec![b'.'; 1 << 20]);
    input.extend_from_slice(b" 10.0.0.3\n10.0.0.4");
    let mut expected = input.clone();
    expected.push(b'\n');
    let path = file("odd-lines", &input);
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_netkit"))
        .args(["parse-addr", "--in", "10.0.0.0/8", "--input"])
        .arg(&path)
        .output()
        .unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(out.stdout == expected, "bytes were changed");
    assert!(out.status.success() && out.stderr.is_empty());
}

#[test]
fn a_split_into_millions_keeps_nothing() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_netkit"))
        .args(["parse-addr", "10.0.0.0/8", "--split", "/32"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    // The last of a million: what was printed before would show in the memory by now.
    for _ in 0..1_000_000 {
        line.clear();
        std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(line, "10.15.66.63/32\n");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .expect("Linux tells the peak");
    assert!(peak.parse::<u64>().unwrap() < 64 * 1024, "{peak} KiB");
}
