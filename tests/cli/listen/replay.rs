//! `dial --replay`: what `listen --record` has written is said again, and what comes back compared.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use super::Served;
use super::tls::{Folder, self_signed};
use crate::support::{Netkit, Outcome, Server, netkit, valid};

/// A record in a file that is gone afterwards.
struct Record(PathBuf);

impl Record {
    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("netkit-replay-{name}-{}", std::process::id()))
    }

    /// Written piece by piece: connection, milliseconds, direction, text.
    fn of(name: &str, pieces: &[(u64, u64, &str, &str)]) -> Self {
        let line = |(id, at, direction, text): &(u64, u64, &str, &str)| {
            let end = text.is_empty();
            format!(
                r#"{{"type":"piece","at_ms":{at}.0,"id":{id},"direction":"{direction}","data":{{"text":{text:?}}},"end":{end}}}"#
            )
        };
        let lines: Vec<_> = pieces.iter().map(line).collect();
        let path = Self::path(name);
        std::fs::write(&path, lines.join("\n")).expect("a temporary folder");
        Self(path)
    }

    fn dial(&self, line: &str) -> Netkit {
        netkit(&format!("dial {line}")).arg("--replay").arg(&self.0)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A question and its answer 150 ms later, and both ends.
const PING: &[(u64, u64, &str, &str)] = &[
    (7, 1_000, "up", "PING\r\n"),
    (7, 1_150, "down", "PONG\r\n"),
    (7, 1_160, "up", ""),
    (7, 1_170, "down", ""),
];

/// Says that to whoever says anything, and closes once the other side has.
fn answers(text: &'static str) -> Server {
    Server::tcp(move |mut stream| {
        let mut buffer = [0; 64];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(text.as_bytes());
        while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
    })
}

fn report(outcome: &Outcome) -> serde_json::Value {
    let line = outcome.one();
    valid(&line);
    line["replay"].clone()
}

#[test]
fn a_server_that_answers_as_recorded_passes_and_is_timed() {
    let record = Record::of("same", PING);
    let server = answers("PONG\r\n");
    let outcome = record.dial(&format!("127.0.0.1:{} --json", server.port()));
    let outcome = outcome.run().status(0);
    let replay = report(&outcome);
    assert_eq!(replay["equal"], true, "{replay:#}");
    let bytes = ["sent_bytes", "received_bytes", "agreed_bytes"].map(|key| replay[key].as_u64());
    assert_eq!(bytes, [Some(6); 3]);
    assert_eq!(replay["recorded_answer_ms"], 150.0);
    assert!(replay["answer_ms"].as_f64().unwrap() < 150.0, "{replay:#}");
    // The end of the client's side came after 160 ms.
    let took = replay["ended_ms"].as_f64().unwrap() - replay["started_ms"].as_f64().unwrap();
    assert!(took >= 160.0, "{took}");
    let human = record.dial(&format!("127.0.0.1:{} --replay-fast", server.port()));
    human
        .run()
        .status(0)
        .says("as recorded")
        .says("recorded after 150 ms");
}

#[test]
fn a_difference_is_shown_with_its_place_and_fails_as_an_expectation() {
    let record = Record::of("other", PING);
    let rows = [
        (
            "PONK\r\n",
            3,
            Some("G\r\n"),
            Some("K\r\n"),
            "from byte 3 on",
        ),
        (
            "PONG\r\nmore",
            6,
            None,
            Some("more"),
            "more than the 6 bytes",
        ),
    ];
    for (text, agreed, recorded, received, message) in rows {
        let server = answers(text);
        let line = format!("127.0.0.1:{} --json --replay-fast", server.port());
        let outcome = record.dial(&line).run().status(5);
        let replay = report(&outcome);
        assert_eq!(
            (&replay["equal"], &replay["agreed_bytes"]),
            (&false.into(), &agreed.into())
        );
        assert_eq!(replay["recorded"]["text"].as_str(), recorded, "{replay:#}");
        assert_eq!(replay["received"]["text"].as_str(), received, "{replay:#}");
        let failure = outcome.one()["failure"].clone();
        assert_eq!(failure["kind"], "unexpected_reply");
        assert!(
            failure["message"].as_str().unwrap().contains(message),
            "{failure:#}"
        );
    }
}

#[test]
fn a_server_that_says_less_is_told_by_how_it_ended() {
    let record = Record::of("less", PING);
    let closes = Server::tcp(|mut stream| {
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(b"PO");
    });
    let line = format!("127.0.0.1:{} --replay-fast", closes.port());
    let outcome = record.dial(&line).run().status(5);
    outcome.says("after 2 of 6 recorded bytes");
    let silent = answers("");
    let line = format!("127.0.0.1:{} --replay-fast -t 100ms", silent.port());
    let outcome = record.dial(&line).run().status(124);
    outcome.says("nothing in time, where 6 bytes were recorded");
}

#[test]
fn one_connection_of_a_record_is_played_and_others_are_named() {
    let mut pieces = PING.to_vec();
    pieces.push((9, 2_000, "up", "HELLO\r\n"));
    pieces.push((9, 2_001, "down", "PONG\r\n"));
    let record = Record::of("several", &pieces);
    let server = answers("PONG\r\n");
    let target = format!("127.0.0.1:{} --json --replay-fast", server.port());
    for (flags, id, sent) in [("", 7, 6), ("--replay-connection 9", 9, 7)] {
        let replay = report(&record.dial(&format!("{target} {flags}")).run().status(0));
        let found = (
            &replay["connection"],
            &replay["connections"],
            &replay["sent_bytes"],
        );
        assert_eq!(found, (&id.into(), &2.into(), &sent.into()));
    }
    let missing = record.dial("127.0.0.1:1 --replay-connection 8");
    missing.run().status(2).complains("one of 7, 9");
}

#[test]
fn what_a_server_has_recorded_is_replayed_against_it() {
    let path = Record::path("real");
    let record = Record(path.clone());
    let words = ["hi\n", "--then", "echo", "--record", path.to_str().unwrap()];
    let mut served = Served::start_words("127.0.0.1:0 --once --greet", &words, 1);
    let line = format!(
        "dial 127.0.0.1:{} --banner --shutdown-write --send",
        served.ports[0]
    );
    netkit(&line).arg("abc").run().status(0);
    assert_eq!(served.code(), Some(0));
    let mut again = Served::start_words("127.0.0.1:0 --once --greet", &words[..3], 1);
    let line = format!("127.0.0.1:{} --json", again.ports[0]);
    let replay = report(&record.dial(&line).run().status(0));
    assert_eq!(
        (&replay["equal"], &replay["recorded_close"]),
        (&true.into(), &true.into())
    );
    assert_eq!(again.code(), Some(0));
}

#[test]
fn a_recording_is_replayed_over_unix_sockets_and_over_tls() {
    let record = Record::of("carriers", PING);
    let path = Record::path("socket");
    let mut served = Served::start(&format!(r"unix:{} --respond PONG\r\n", path.display()), 0);
    served.next_of("listening");
    let line = format!("unix:{} --json", path.display());
    let replay = report(&record.dial(&line).run().status(0));
    assert_eq!(replay["equal"], true, "{replay:#}");
    drop(served);
    let _ = std::fs::remove_file(&path);
    for (answer, status, agreed) in [(r"PONG\r\n", 0, 6), (r"PANG\r\n", 5, 1)] {
        let (served, authority) = self_signed(&format!("--respond {answer}"));
        let folder = Folder::new("replay");
        let line = format!(
            "tls://127.0.0.1:{} --ca {} --json",
            served.ports[0],
            folder.write("ca.pem", &authority)
        );
        let replay = report(&record.dial(&line).run().status(status));
        assert_eq!(replay["equal"], status == 0, "{replay:#}");
        assert_eq!(replay["agreed_bytes"], agreed, "{replay:#}");
    }
}

#[test]
fn a_record_that_cannot_be_read_is_no_measurement() {
    netkit("dial 127.0.0.1:1 --replay /nowhere/record")
        .run()
        .status(6);
    let broken = Record::path("broken");
    std::fs::write(&broken, "{\"type\":\"piece\"}\n").unwrap();
    let broken = Record(broken);
    broken
        .dial("127.0.0.1:1")
        .run()
        .status(2)
        .complains("line 1");
    let empty = Record::of("empty", &[]);
    empty
        .dial("127.0.0.1:1")
        .run()
        .status(2)
        .complains("holds no connection");
}

#[test]
fn what_a_recording_decides_is_not_asked_for_again() {
    let record = Record::of("alone", PING);
    for flags in [
        "--send x",
        "--send-hex 00",
        "--send-file x",
        "--expect x",
        "--expect-regex x",
        "--read 1",
        "--banner",
        "--shutdown-write",
        "--stdio",
        "--hold 1s",
        "--race-all",
        "--count 2",
        "--wait 1s",
        "--fastopen",
    ] {
        let flag = flags.split(' ').next().unwrap();
        record
            .dial(&format!("127.0.0.1:1 {flags}"))
            .run()
            .status(2)
            .complains(flag);
    }
    record
        .dial("127.0.0.1:1,2")
        .run()
        .status(2)
        .complains("one target");
    record
        .dial("udp://127.0.0.1:1")
        .run()
        .status(2)
        .complains("--replay");
    netkit("dial 127.0.0.1:1 --replay-fast")
        .run()
        .status(2)
        .complains("--replay");
}
