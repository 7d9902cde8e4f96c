//! `netkit listen --forward`: nothing is lost or reordered, ends are passed on, failures are told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::{Served, pattern};
use crate::support::netkit;

/// A service that sends back what comes, until the client has closed, and then closes.
fn echo() -> (u16, JoinHandle<()>) {
    service(|mut stream| {
        let mut out = stream.try_clone().expect("loopback works");
        std::io::copy(&mut stream, &mut out).unwrap_or_default();
    })
}

/// A service for one connection.
fn service(serve: impl FnOnce(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback works");
    let port = listener.local_addr().expect("loopback works").port();
    let thread = std::thread::spawn(move || serve(listener.accept().expect("loopback works").0));
    (port, thread)
}

/// Sends so many bytes while it reads what comes back; returns that.
fn round_trip(client: TcpStream, size: usize) -> Vec<u8> {
    let mut writer = client.try_clone().expect("loopback works");
    let sent = std::thread::spawn(move || {
        let bytes: Vec<u8> = (0..size).map(pattern).collect();
        writer.write_all(&bytes).expect("loopback works");
        writer.shutdown(Shutdown::Write).expect("loopback works");
    });
    let mut back = Vec::new();
    let mut client = client;
    client.read_to_end(&mut back).expect("loopback works");
    sent.join().expect("loopback works");
    back
}

#[test]
fn every_byte_and_both_ends_pass_whatever_the_layers() {
    let plain = 64 << 20;
    let rows = [
        ("", plain),
        ("--dump", plain / 8),
        ("--fault slice=1400 --fault up:slice=900", plain / 16),
        (
            "--fault delay=20ms --fault jitter=5ms --fault up:delay=10ms",
            plain / 8,
        ),
        (
            "--fault throttle=64MiB/s --fault up:throttle=32MiB/s",
            plain / 4,
        ),
    ];
    for (flags, size) in rows {
        let (port, service) = echo();
        let line = format!("127.0.0.1:0 --once --forward 127.0.0.1:{port} {flags}");
        let mut served = Served::start(&line, 1);
        let back = round_trip(served.connect(), size);
        assert_eq!(back.len(), size, "{flags}");
        let wrong = (0..size).find(|at| back[*at] != pattern(*at));
        assert_eq!(wrong, None, "{flags}");
        service.join().unwrap();
        let upstream = served.next_of("upstream");
        assert_eq!(upstream["remote"], format!("127.0.0.1:{port}"));
        let close = served.next_of("close");
        let size = size as u64;
        let bytes = ["bytes_in", "bytes_up", "bytes_down", "bytes_out"].map(|key| &close[key]);
        let expected = serde_json::Value::from(size);
        assert_eq!(bytes, [&expected; 4], "{flags}: {close:#}");
        assert_eq!(close["cause"], "fin");
        let totals = &served.next_of("summary")["totals"];
        assert_eq!(totals["bytes_up"], size);
        assert_eq!(
            (served.code(), &totals["upstreams_connected"]),
            (Some(0), &1.into())
        );
    }
}

#[test]
fn who_closes_first_is_passed_on_and_told() {
    let (port, service) = service(|mut stream| {
        stream.write_all(b"bye").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "and to you");
    });
    let mut served = Served::start(&format!("127.0.0.1:0 --forward 127.0.0.1:{port}"), 1);
    let mut client = served.connect();
    let mut heard = String::new();
    client.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "bye");
    client.write_all(b"and to you").unwrap();
    drop(client);
    service.join().unwrap();
    let close = served.next_of("close");
    assert_eq!(
        (&close["cause"], &close["by"]),
        (&"upstream_fin".into(), &"upstream".into())
    );
}

#[test]
fn a_service_that_is_not_there_is_a_typed_failure() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut served = Served::start(&format!("127.0.0.1:0 --once --forward 127.0.0.1:{free}"), 1);
    let mut client = served.connect();
    assert!(client.read(&mut [0]).is_err(), "it is reset");
    assert_eq!(served.next_of("upstream")["failure"]["kind"], "refused");
    assert_eq!(served.next_of("close")["cause"], "upstream_failed");
    assert_eq!(served.next_of("summary")["totals"]["upstreams_failed"], 1);
    assert_eq!(served.code(), Some(1));
}

#[test]
fn faults_strike_on_the_side_they_are_for() {
    for (fault, heard_up) in [("rst-after=10", None), ("up:fin-after=10", Some(10))] {
        let (port, service) = service(move |mut stream| {
            let mut heard = [0; 64];
            let mut count = 0;
            while let Ok(more @ 1..) = stream.read(&mut heard) {
                count += more;
                // The client may be gone by then.
                let _ = stream.write_all(&heard[..more]);
            }
            if let Some(expected) = heard_up {
                assert_eq!(count, expected);
            }
        });
        let line = format!("127.0.0.1:0 --forward 127.0.0.1:{port} --fault {fault}");
        let mut served = Served::start(&line, 1);
        let mut client = served.connect();
        client.write_all(&[7; 40]).unwrap();
        let mut back = Vec::new();
        let ended = client.read_to_end(&mut back);
        assert_eq!(
            (back.len() <= 10, ended.is_err()),
            (true, heard_up.is_none()),
            "{fault}"
        );
        service.join().unwrap();
        let event = served.next_of("fault");
        assert!(
            fault.contains(event["fault"].as_str().unwrap()),
            "{event:#}"
        );
        assert_eq!(served.next_of("close")["cause"], "fault");
        served.signal("INT");
        let totals = &served.next_of("summary")["totals"];
        assert_eq!(totals["faults"], 1, "{totals:#}");
    }
}

#[test]
fn unix_sockets_are_forwarded_to_and_from() {
    let folder = std::env::temp_dir().join(format!("netkit-forward-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (inner, outer) = (folder.join("inner"), folder.join("outer"));
    let _service = Served::start(&format!("unix:{}", inner.display()), 0);
    let mut inward = Served::start_words(
        "127.0.0.1:0",
        &["--forward", &format!("unix:{}", inner.display())],
        1,
    );
    let line = format!(
        "unix:{} --forward 127.0.0.1:{}",
        outer.display(),
        inward.ports[0]
    );
    let mut outward = Served::start(&line, 0);
    assert_eq!(outward.next()["type"], "listening");
    let mut client = std::os::unix::net::UnixStream::connect(&outer).unwrap();
    client.write_all(b"through three").unwrap();
    let mut back = [0; 13];
    client.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"through three");
    drop(client);
    assert_eq!(outward.next_of("close")["cause"], "fin");
    assert_eq!(inward.next_of("close")["cause"], "fin");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_cannot_be_forwarded_is_refused() {
    let rows = [
        ("127.0.0.1:0 --timeout 1s", "--timeout"),
        ("127.0.0.1:0 --fault up:delay=1s", "--forward"),
        ("127.0.0.1:0 --echo --forward 127.0.0.1:1", "--forward"),
        ("127.0.0.1:0 --forward 127.0.0.1:1-5", "several"),
        ("127.0.0.1:0 --forward 127.0.0.1:0", "0"),
        ("127.0.0.1:0 --forward udp://127.0.0.1:1", "datagrams"),
        (
            "udp://127.0.0.1:0 --forward tcp://127.0.0.1:1",
            "connections",
        ),
        (
            "unixgram:/tmp/netkit-no --forward unix:/tmp/netkit-no",
            "connections",
        ),
    ];
    for (line, named) in rows {
        netkit(&format!("listen {line}"))
            .run()
            .status(2)
            .complains(named);
    }
}

#[test]
fn a_proxy_header_says_who_the_client_is() {
    for version in ["v1", "v2"] {
        let mut inner = Served::start("127.0.0.1:0 --accept-proxy-protocol", 1);
        let port = inner.ports[0];
        for flags in ["", "--dump"] {
            let line = format!(
                "127.0.0.1:0 --forward 127.0.0.1:{port} --proxy-protocol {version} {flags}"
            );
            let outer = Served::start(&line, 1);
            let mut client = outer.connect();
            client.write_all(b"hello").unwrap();
            client.read_exact(&mut [0; 5]).unwrap();
            let proxy = inner.next_of("proxy");
            assert_eq!(proxy["source"], client.local_addr().unwrap().to_string());
            assert_eq!(
                proxy["destination"],
                client.peer_addr().unwrap().to_string()
            );
            drop(client);
            assert_eq!(inner.next_of("close")["cause"], "fin");
        }
    }
    let mut strict = Served::start("127.0.0.1:0 --accept-proxy-protocol", 1);
    let mut client = strict.connect();
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(
        strict.next_of("proxy")["failure"]["kind"],
        "unexpected_reply"
    );
    assert_eq!(strict.next_of("close")["cause"], "handshake");
}

#[test]
fn a_mirror_hears_what_clients_say_and_its_answers_are_compared() {
    for (shadow, equal) in [("--echo", true), ("--respond other", false)] {
        let mirror = Served::start(&format!("127.0.0.1:0 {shadow}"), 1);
        let (port, service) = echo();
        let line = format!(
            "127.0.0.1:0 --once --forward 127.0.0.1:{port} --mirror 127.0.0.1:{} --mirror-compare",
            mirror.ports[0]
        );
        let mut served = Served::start(&line, 1);
        assert_eq!(round_trip(served.connect(), 1_000).len(), 1_000);
        service.join().unwrap();
        let report = served.next_of("mirror");
        assert_eq!(
            (&report["equal"], &report["bytes_dropped"]),
            (&equal.into(), &0.into()),
            "{report:#}"
        );
        let totals = &served.next_of("summary")["totals"];
        assert_eq!(totals["mirror_differed"], u64::from(!equal));
        assert_eq!(served.code(), Some(0));
    }
}

#[test]
fn a_mirror_that_is_dead_slow_or_resets_changes_no_byte() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let slow = TcpListener::bind("127.0.0.1:0").unwrap();
    let resets = Served::start("127.0.0.1:0 --discard --fault rst-after=1000", 1);
    let size = 16 << 20;
    for port in [free, slow.local_addr().unwrap().port(), resets.ports[0]] {
        let (service_port, service) = echo();
        let line = format!(
            "127.0.0.1:0 --once --forward 127.0.0.1:{service_port} --mirror 127.0.0.1:{port}"
        );
        let mut served = Served::start(&line, 1);
        let back = round_trip(served.connect(), size);
        assert!(
            back.iter()
                .enumerate()
                .all(|(at, byte)| *byte == pattern(at))
        );
        assert_eq!(back.len(), size);
        service.join().unwrap();
        let close = served.next_of("close");
        assert_eq!(close["cause"], "fin", "{close:#}");
        let dropped = &served.next_of("summary")["totals"]["mirror_bytes_dropped"];
        assert!(dropped.as_u64().unwrap() > 0, "{dropped}");
        assert_eq!(served.code(), Some(0));
    }
}

#[test]
fn a_record_holds_both_directions_and_their_ends() {
    let path = std::env::temp_dir().join(format!("netkit-record-{}", std::process::id()));
    let mut served = Served::start_words(
        "127.0.0.1:0 --once --greet",
        &["hi", "--then", "echo", "--record", path.to_str().unwrap()],
        1,
    );
    let client = served.connect();
    assert_eq!(round_trip(client, 3).len(), 5);
    assert_eq!(served.code(), Some(0));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut said = std::collections::HashMap::<String, String>::new();
    let mut ends = 0;
    for line in text.lines() {
        let piece: serde_json::Value = serde_json::from_str(line).unwrap();
        crate::support::valid(&piece);
        crate::support::read_listen(&piece);
        let direction = piece["direction"].as_str().unwrap().to_owned();
        ends += u8::from(piece["end"] == true);
        let text = piece["data"]["text"].as_str().unwrap_or("?");
        said.entry(direction).or_default().push_str(text);
    }
    assert_eq!((said["up"].len(), ends), (3, 2), "{text}");
    assert!(said["down"].starts_with("hi"));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn faults_are_changed_at_runtime_and_connections_listed() {
    use std::io::{BufRead, BufReader};
    let path = std::env::temp_dir().join(format!("netkit-control-{}", std::process::id()));
    let place = format!("unix:{}", path.display());
    let mut served = Served::start_words("127.0.0.1:0", &["--control", &place], 1);
    let mut control = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let mut replies = BufReader::new(control.try_clone().unwrap());
    let mut order = |text: &str| -> serde_json::Value {
        control.write_all(format!("{text}\n").as_bytes()).unwrap();
        let mut line = String::new();
        replies.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    };
    let mut client = served.connect();
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    let reply = order(r#"{"list":true}"#);
    assert_eq!(reply["connections"][0]["bytes_in"], 1, "{reply:#}");
    assert_eq!(
        reply["connections"][0]["peer"],
        client.local_addr().unwrap().to_string()
    );
    let reply = order(r#"{"faults":["rst-after=1"]}"#);
    assert_eq!(
        (&reply["ok"], &reply["faults"][0]["bytes"]),
        (&true.into(), &1.into())
    );
    // Two bytes have passed or will: it is reset, at once or with the next.
    let _ = client.write_all(b"y");
    // Whichever call hears of it first, it is over.
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(served.next_of("close")["cause"], "fault");
    for (refused, why) in [
        (r#"{"faults":["nonsense"]}"#, "nonsense: "),
        (r#"{"faults":["drop=10%"]}"#, "none of the addresses"),
        (r#"{"fault":["delay=1s"]}"#, "unknown field `fault`"),
        ("{}", "nothing is asked for"),
        ("[]", "not an object"),
        ("list", "not JSON"),
        ("", "an empty line"),
        (&"x".repeat(200_000), "no longer than"),
    ] {
        let reply = order(refused);
        assert_eq!(reply["ok"], false, "{refused}");
        let error = reply["error"].as_str().unwrap();
        assert!(error.contains(why), "{refused}: {error}");
    }
    assert_eq!(order(r#"{"faults":[]}"#)["faults"], serde_json::json!([]));
    let mut client = served.connect();
    client.write_all(b"still there").unwrap();
    client.read_exact(&mut [0; 11]).unwrap();
    served.signal("TERM");
    drop(client);
    assert_eq!(served.code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn the_list_of_connections_names_the_service_and_who_is_behind_a_proxy() {
    use std::io::{BufRead, BufReader};
    let echo = Served::start("127.0.0.1:0", 1);
    let path = std::env::temp_dir().join(format!("netkit-present-{}", std::process::id()));
    let line = format!(
        "127.0.0.1:0 --forward 127.0.0.1:{} --accept-proxy-protocol --control unix:{}",
        echo.ports[0],
        path.display()
    );
    let served = Served::start(&line, 1);
    let mut client = served.connect();
    let said = b"PROXY TCP4 192.0.2.7 192.0.2.8 4711 443\r\nhi";
    client.write_all(said).unwrap();
    client.read_exact(&mut [0; 2]).unwrap();
    let mut control = std::os::unix::net::UnixStream::connect(&path).unwrap();
    control.write_all(b"{\"list\":true}\n").unwrap();
    let mut reply = String::new();
    BufReader::new(control).read_line(&mut reply).unwrap();
    let reply: serde_json::Value = serde_json::from_str(&reply).unwrap();
    let open = &reply["connections"][0];
    assert_eq!(open["client"], "192.0.2.7:4711", "{reply:#}");
    let service = format!("127.0.0.1:{}", echo.ports[0]);
    assert_eq!(open["upstream"], service, "{reply:#}");
}

#[test]
fn files_that_cannot_be_used_are_named_with_their_flag_and_left_alone() {
    let folder = std::env::temp_dir().join(format!("netkit-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let plain = folder.join("plain");
    std::fs::write(&plain, "kept").unwrap();
    let plain = plain.display();
    netkit(&format!("listen 127.0.0.1:0 --control unix:{plain}"))
        .run()
        .status(6)
        .complains("--control")
        .complains("exists and is not a socket");
    assert_eq!(std::fs::read_to_string(plain.to_string()).unwrap(), "kept");
    netkit(&format!("listen 127.0.0.1:0 --record {plain}/x"))
        .run()
        .status(6)
        .complains(&format!("--record {plain}/x"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn datagrams_find_their_way_there_and_back() {
    use std::net::UdpSocket;
    let echo = Served::start("udp://127.0.0.1:0", 1);
    for (fault, expected) in [
        ("", vec![1, 2, 3]),
        ("--fault up:duplicate", vec![1, 1, 2, 2, 3, 3]),
    ] {
        let line = format!(
            "udp://127.0.0.1:0 --forward 127.0.0.1:{} {fault}",
            echo.ports[0]
        );
        let mut served = Served::start(&line, 1);
        let clients = [0, 1].map(|_| {
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            client.connect(("127.0.0.1", served.ports[0])).unwrap();
            client
                .set_read_timeout(Some(std::time::Duration::from_secs(5)))
                .unwrap();
            client
        });
        for client in &clients {
            let mut heard = Vec::new();
            for number in 1..=3_u8 {
                client.send(&[number]).unwrap();
                let mut one = [0];
                for _ in 0..expected.len() / 3 {
                    client.recv(&mut one).unwrap();
                    heard.push(one[0]);
                }
            }
            assert_eq!(heard, expected);
        }
        served.signal("TERM");
        let summary = served.next_of("summary");
        let totals = &summary["totals"];
        assert_eq!(
            (&totals["datagrams_in"], &totals["upstreams_connected"]),
            (&6.into(), &2.into()),
            "{totals:#}"
        );
        assert_eq!(
            (&totals["accepted"], &totals["open"]),
            (&2.into(), &0.into()),
            "{totals:#}"
        );
    }
}

#[test]
fn datagrams_of_unix_sockets_are_passed_on_and_answered_where_there_is_a_name() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let folder = std::env::temp_dir().join(format!("netkit-unixgram-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let (inner, outer, over) = (path("inner"), path("outer"), path("over"));
    let mut echo = Served::start(&format!("unixgram:{inner}"), 0);
    echo.next_of("listening");
    let udp = Served::start_words(
        "udp://127.0.0.1:0",
        &["--forward", &format!("unixgram:{inner}")],
        1,
    );
    let mut over_udp = Served::start(
        &format!("unixgram:{over} --forward udp://127.0.0.1:{}", udp.ports[0]),
        0,
    );
    over_udp.next_of("listening");
    let mut served = Served::start(&format!("unixgram:{outer} --forward unixgram:{inner}"), 0);
    served.next_of("listening");
    let own = format!("netkit-unixgram-{}", std::process::id());
    let clients = [
        UnixDatagram::bind(path("client")).unwrap(),
        UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(own).unwrap()).unwrap(),
    ];
    for client in &clients {
        let patience = std::time::Duration::from_secs(10);
        client.set_read_timeout(Some(patience)).unwrap();
        for to in [&outer, &over] {
            for said in [&b"one"[..], b"", b"three"] {
                client.send_to(said, to).unwrap();
                let mut back = [0; 16];
                let count = client.recv(&mut back).unwrap();
                assert_eq!(&back[..count], said, "{to}");
            }
        }
    }
    // One without a name is heard, and its answer has nowhere to go.
    UnixDatagram::unbound()
        .unwrap()
        .send_to(b"x", &outer)
        .unwrap();
    assert_eq!(served.next_of("accept")["id"], 1);
    assert_eq!(served.next_of("accept")["id"], 2);
    assert_eq!(served.next_of("accept")["id"], 3);
    assert_eq!(served.next_of("upstream")["id"], 3);
    served.signal("TERM");
    let totals = served.next_of("summary")["totals"].clone();
    assert_eq!(totals["datagrams_in"], 7, "{totals:#}");
    assert_eq!(totals["datagrams_out"], 6, "{totals:#}");
    assert!(!std::path::Path::new(&outer).exists(), "its file goes");
    std::fs::remove_dir_all(&folder).unwrap();
}
