//! `netkit resolve` against servers that misbehave: verdict, status, ledger and time of each.

use serde_json::Value;

use crate::dns::{Behaviour, DnsServer, Script};
use crate::support::{Outcome, netkit, valid};
use Behaviour as B;

/// A name server that knows `web.example` and a few aliases.
fn zone() -> Script {
    Script::new()
        .address("web.example", "192.0.2.1")
        .alias("alias.example", "web.example")
        .alias("dangling.example", "gone.example")
        .alias("loop1.example", "loop2.example")
        .alias("loop2.example", "loop1.example")
}

fn ask(server: &DnsServer, more: &str) -> (Outcome, Value) {
    let line = format!(
        "resolve web.example A @{} --json --timeout 700ms {more}",
        server.addr()
    );
    let outcome = netkit(&line).run();
    let value = outcome.one();
    valid(&value);
    (outcome, value)
}

/// What is expected of one server.
struct Row {
    udp: Behaviour,
    tcp: Behaviour,
    verdict: &'static str,
    status: i32,
    /// The transport of the reply that counts.
    transport: Option<&'static str>,
    /// A remark that must be there.
    remark: Option<&'static str>,
    /// Why packets were ignored.
    ignored: Option<&'static str>,
    /// Within which time it is over, in milliseconds.
    within: (f64, f64),
}

/// At once: no timer may have run.
const AT_ONCE: (f64, f64) = (0.0, 350.0);
/// After the silence that begins TCP, and no later than half a second.
const SILENCE: (f64, f64) = (390.0, 500.0);
/// At the deadline of 700 ms, and 20 ms beyond at most.
const DEADLINE: (f64, f64) = (690.0, 720.0);
/// Some time before the deadline.
const BEFORE: (f64, f64) = (0.0, 720.0);

fn row(udp: Behaviour, tcp: Behaviour, verdict: &'static str, status: i32) -> Row {
    let (transport, remark, ignored, within) = (None, None, None, AT_ONCE);
    Row {
        udp,
        tcp,
        verdict,
        status,
        transport,
        remark,
        ignored,
        within,
    }
}

impl Row {
    fn over(mut self, transport: &'static str) -> Self {
        self.transport = Some(transport);
        self
    }

    fn remark(mut self, code: &'static str) -> Self {
        self.remark = Some(code);
        self
    }

    fn ignored(mut self, why: &'static str) -> Self {
        self.ignored = Some(why);
        self
    }

    fn within(mut self, bounds: (f64, f64)) -> Self {
        self.within = bounds;
        self
    }

    fn check(&self) {
        let server = zone().udp(self.udp.clone()).tcp(self.tcp.clone()).start();
        let (outcome, value) = ask(&server, "");
        let case = format!("udp {:?}, tcp {:?}\n{value:#}", self.udp, self.tcp);
        assert_eq!(value["verdict"], self.verdict, "{case}");
        assert_eq!(outcome.code, Some(self.status), "{case}");
        assert_eq!(value["ok"], self.status == 0, "{case}");
        if let Some(transport) = self.transport {
            assert_eq!(value["transport"], transport, "{case}");
        }
        if let Some(code) = self.remark {
            let remarks = value["remarks"].as_array().expect("a list");
            assert!(
                remarks.iter().any(|remark| remark["code"] == code),
                "no {code}: {case}"
            );
        }
        let attempts = value["attempts"].as_array().expect("a list");
        assert!(!attempts.is_empty(), "{case}");
        if let Some(why) = self.ignored {
            let mut ignored = attempts
                .iter()
                .flat_map(|one| one["ignored"].as_array().expect("a list"));
            assert!(
                ignored.any(|packet| packet["why"] == why),
                "no {why}: {case}"
            );
        }
        let took = value["total_ms"].as_f64().expect("a number");
        assert!(
            self.within.0 <= took && took <= self.within.1,
            "{took} ms: {case}"
        );
        ledger_is_true(&server, attempts, &case);
        if self.status != 0 {
            assert!(
                value["advice"].is_string() || self.verdict == "interrupted",
                "{case}"
            );
        }
    }
}

/// What the ledger says was sent is what the server got, as far as it listens.
fn ledger_is_true(server: &DnsServer, attempts: &[Value], case: &str) {
    let sent = |transport: &str| -> u64 {
        let own = attempts
            .iter()
            .filter(|attempt| attempt["transport"] == transport);
        own.map(|attempt| attempt["sent"].as_u64().expect("a number"))
            .sum()
    };
    let seen = server.seen();
    let over_tcp = seen.iter().filter(|seen| seen.tcp).count() as u64;
    let over_udp = seen.len() as u64 - over_tcp;
    if over_udp > 0 {
        assert_eq!(sent("udp"), over_udp, "{case}");
    }
    if over_tcp > 0 {
        assert_eq!(sent("tcp"), over_tcp, "{case}");
    }
}

#[test]
fn what_answers_one_way_or_another_is_an_answer() {
    let rows = [
        row(B::Answer, B::Answer, "answer", 0).over("udp"),
        row(B::Closed, B::Answer, "answer", 0)
            .over("tcp")
            .remark("udp_closed")
            .within((0.0, 20.0)),
        row(B::Silent, B::Answer, "answer", 0)
            .over("tcp")
            .remark("udp_silent")
            .within(SILENCE),
        row(B::Truncate, B::Answer, "answer", 0)
            .over("tcp")
            .remark("truncated"),
        row(B::TruncateKeeping, B::Answer, "answer", 0)
            .over("tcp")
            .remark("truncated"),
        row(B::WrongId, B::Answer, "answer", 0)
            .over("tcp")
            .remark("udp_unusable")
            .ignored("wrong_id"),
        row(B::WrongQuestion, B::Answer, "answer", 0)
            .over("tcp")
            .ignored("wrong_question"),
        row(B::NotAResponse, B::Answer, "answer", 0)
            .over("tcp")
            .ignored("not_a_response"),
        row(B::Garbage, B::Answer, "answer", 0)
            .over("tcp")
            .ignored("malformed"),
        row(B::Stub, B::Answer, "answer", 0)
            .over("tcp")
            .ignored("malformed"),
        row(B::Empty, B::Answer, "answer", 0)
            .over("tcp")
            .ignored("malformed"),
        row(B::CutRecord, B::Answer, "answer", 0)
            .over("tcp")
            .ignored("malformed"),
        row(B::CompressionLoop, B::Answer, "answer", 0)
            .over("tcp")
            .ignored("malformed"),
        row(B::CountsTooHigh, B::Answer, "answer", 0)
            .over("tcp")
            .ignored("malformed"),
        row(B::WrongSource, B::Answer, "answer", 0)
            .over("tcp")
            .ignored("wrong_source"),
        row(B::WrongIdThenAnswer, B::Silent, "answer", 0)
            .over("udp")
            .ignored("wrong_id"),
        row(B::TrailingGarbage, B::Closed, "answer", 0).over("udp"),
        row(B::TwoAnswers, B::Closed, "answer", 0).over("udp"),
        row(B::Huge, B::Closed, "answer", 0).over("udp"),
        row(B::FormerrToEdns, B::FormerrToEdns, "answer", 0).remark("edns_broken"),
        row(B::BadversToEdns, B::BadversToEdns, "answer", 0).remark("edns_broken"),
        row(B::Silent, B::Drip, "answer", 0)
            .over("tcp")
            .within((390.0, 690.0)),
    ];
    rows.iter().for_each(Row::check);
}

#[test]
fn what_a_server_says_no_with_is_its_verdict() {
    let rows = [
        row(B::Code(2), B::Closed, "servfail", 3),
        row(
            B::ServfailBecause(22, "no reachable authority"),
            B::Closed,
            "servfail",
            3,
        ),
        row(B::Code(5), B::Closed, "refused", 3),
        row(B::Code(3), B::Closed, "nxdomain", 3),
        row(B::Code(4), B::Closed, "server_error", 3),
        row(B::Code(1), B::Closed, "server_error", 3),
        row(B::Code(9), B::Closed, "server_error", 3),
        row(B::FormerrToAll, B::Closed, "server_error", 3),
        row(B::FormerrOrSilence, B::Silent, "edns_broken", 3).within(DEADLINE),
        row(B::Lame, B::Closed, "lame", 3),
    ];
    rows.iter().for_each(Row::check);
}

#[test]
fn what_does_not_answer_is_told_apart() {
    let rows = [
        row(B::Closed, B::Closed, "port_closed", 3).within((0.0, 20.0)),
        row(B::Silent, B::Silent, "silent", 3).within(DEADLINE),
        row(B::Silent, B::Closed, "silent", 3).within(DEADLINE),
        row(B::WrongSource, B::Silent, "malformed", 3)
            .ignored("wrong_source")
            .within(DEADLINE),
        row(B::Closed, B::Silent, "silent", 3).within(DEADLINE),
        row(B::TruncateKeeping, B::Closed, "truncated", 3).remark("tcp_broken"),
        row(B::TruncateKeeping, B::TruncateKeeping, "truncated", 3).remark("truncated"),
        row(B::Truncate, B::Truncate, "truncated", 3),
        row(B::Truncate, B::Closed, "tcp_broken", 3),
        row(B::Truncate, B::CloseAfter(1), "tcp_broken", 3),
        row(B::Truncate, B::HangAfter(5), "tcp_broken", 3).within(DEADLINE),
        row(B::Truncate, B::LengthTooHigh, "tcp_broken", 3).within(DEADLINE),
        row(B::Silent, B::CloseAfter(0), "tcp_broken", 3).within(BEFORE),
    ];
    rows.iter().for_each(Row::check);
}

#[test]
fn what_breaks_the_protocol_is_malformed() {
    for behaviour in [
        B::WrongId,
        B::WrongQuestion,
        B::NotAResponse,
        B::Garbage,
        B::Stub,
        B::Empty,
        B::CutRecord,
        B::CompressionLoop,
        B::CountsTooHigh,
    ] {
        row(behaviour.clone(), behaviour, "malformed", 3)
            .within(BEFORE)
            .check();
    }
}

#[test]
fn every_octet_at_which_a_connection_can_hang_ends_at_the_deadline() {
    for octets in [0, 1, 2, 3, 14, 30] {
        let server = zone().tcp(B::HangAfter(octets)).start();
        let (outcome, value) = ask(&server, "--tcp");
        assert_eq!(value["verdict"], "silent", "{octets}: {value:#}");
        assert_eq!(outcome.code, Some(3));
        let took = value["total_ms"].as_f64().unwrap();
        assert!((690.0..=720.0).contains(&took), "{octets}: {took}");
    }
    for octets in [0, 1, 2, 3, 14, 30] {
        let server = zone().tcp(B::CloseAfter(octets)).start();
        let (_, value) = ask(&server, "--tcp");
        assert_eq!(value["verdict"], "tcp_broken", "{octets}: {value:#}");
    }
}

#[test]
fn a_reply_of_which_a_part_came_is_told_from_silence() {
    let rows = [
        (
            B::HangAfter(20),
            "no whole reply over TCP, 18 octets of one came",
        ),
        (
            B::HangAfter(3),
            "no whole reply over TCP, 1 octet of one came",
        ),
        (B::HangAfter(2), "no reply over TCP"),
        (B::CloseAfter(20), "TCP closed after 18 octets of a reply"),
        (B::CloseAfter(0), "TCP closed without a reply"),
    ];
    for (behaviour, text) in rows {
        let server = zone().tcp(behaviour).start();
        let (_, value) = ask(&server, "--tcp");
        assert_eq!(value["attempts"][0]["text"], text);
        let message = value["failure"]["message"].as_str().unwrap();
        assert!(message.contains(text), "{message}");
    }
}

#[test]
fn forms_without_words_say_on_standard_error_why_there_is_nothing() {
    let server = zone().start();
    for form in ["--short", "--zone-format"] {
        let line = format!("resolve nope.example A @{} {form}", server.addr());
        let outcome = netkit(&line).run().status(3);
        assert_eq!(outcome.stdout, "");
        let told = "nope.example A: nxdomain: nope.example does not exist";
        assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
        // Of A and AAAA that nobody named one is enough, and there is nothing to tell.
        let line = format!("resolve web.example @{} {form}", server.addr());
        assert_eq!(netkit(&line).run().status(0).stderr, "");
    }
}

#[test]
fn all_is_shown_within_eighty_columns_where_it_can_be_folded() {
    let server = zone().udp(B::CutRecord).tcp(B::CutRecord).start();
    let line = format!("resolve web.example A @{} -v -t 1", server.addr());
    let outcome = netkit(&line).run().status(3);
    let traffic = "traffic: ";
    assert!(outcome.stdout.contains(traffic), "{}", outcome.stdout);
    let octets = outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with("octets: "));
    // What a terminal puts in the place of the key is five columns wider.
    let longest = octets.map(str::len).max().unwrap();
    assert!(longest + 5 <= 80, "{}", outcome.stdout);
}

#[test]
fn random_case_is_asked_and_not_shown() {
    let server = zone().start();
    let (_, value) = ask(&server, "--random-case");
    assert_eq!(value["answers"][0]["name"], "web.example");
    assert_eq!(value["verdict"], "answer");
}

#[test]
fn aliases_that_lead_nowhere_are_told_apart() {
    let rows = [
        ("alias.example", "answer", 2),
        ("dangling.example", "cname_dangling", 1),
        ("loop1.example", "cname_loop", 1),
    ];
    for whole in [true, false] {
        for (name, verdict, least) in rows {
            let script = if whole {
                zone()
            } else {
                zone().one_alias_at_a_time()
            };
            let server = script.start();
            let line = format!("resolve {name} A @{} --json", server.addr());
            let value = netkit(&line).run().one();
            valid(&value);
            assert_eq!(value["verdict"], verdict, "{value:#}");
            assert!(
                value["answers"].as_array().unwrap().len() >= least,
                "the chain: {value:#}"
            );
        }
    }
}

#[test]
fn a_truncated_answer_is_kept_and_shown() {
    let server = zone().udp(B::TruncateKeeping).tcp(B::Closed).start();
    let (_, value) = ask(&server, "");
    assert_eq!(value["answers"][0]["data"], "192.0.2.1");
    assert_eq!(value["flags"]["tc"], true);
    let server = zone().udp(B::TruncateKeeping).start();
    for flag in ["--udp-only", "--no-tcp-fallback"] {
        let (outcome, value) = ask(&server, flag);
        assert_eq!(
            (outcome.code, &value["verdict"]),
            (Some(3), &"truncated".into()),
            "{flag}"
        );
        assert!(server.seen().iter().all(|seen| !seen.tcp), "{flag}");
    }
}

#[test]
fn a_dead_first_server_does_not_eat_the_deadline() {
    let silent = zone().both(B::Silent).start();
    let good = zone().start();
    for (mode, most) in [("first", 600.0), ("race", 200.0)] {
        let line = format!(
            "resolve web.example A @{} @{} --json --timeout 1s --ns-mode {mode}",
            silent.addr(),
            good.addr()
        );
        let value = netkit(&line).run().status(0).one();
        valid(&value);
        assert_eq!(value["server"], good.addr().to_string());
        let took = value["total_ms"].as_f64().unwrap();
        assert!(took < most, "{mode}: {took}");
    }
}

#[test]
fn the_best_error_of_several_servers_is_kept() {
    let refused = zone().both(B::Code(5)).start();
    let failed = zone().both(B::Code(2)).start();
    let closed = zone().both(B::Closed).start();
    let line = format!(
        "resolve web.example A @{} @{} @{} --json",
        closed.addr(),
        refused.addr(),
        failed.addr()
    );
    let value = netkit(&line).run().status(3).one();
    assert_eq!(value["verdict"], "servfail", "{value:#}");
    assert_eq!(value["server"], failed.addr().to_string());
    let failovers = value["remarks"].as_array().unwrap().iter();
    assert_eq!(
        failovers
            .filter(|remark| remark["code"] == "failover")
            .count(),
        2
    );
}

#[test]
fn every_server_has_a_line_of_its_own_when_all_are_asked() {
    let (good, bad) = (zone().start(), zone().both(B::Code(2)).start());
    let line = format!(
        "resolve web.example A @{} @{} --json --ns-mode all",
        good.addr(),
        bad.addr()
    );
    let outcome = netkit(&line).run();
    let verdicts: Vec<_> = outcome
        .json()
        .iter()
        .map(|value| value["verdict"].clone())
        .collect();
    assert_eq!(verdicts, ["answer", "servfail"]);
}

/// Two answers within 50 ms that differ: somebody on the way forges them.
#[test]
fn a_second_answer_that_differs_is_suspected_of_forgery() {
    let server = zone().udp(B::TwoAnswers).tcp(B::Closed).start();
    let (outcome, value) = ask(&server, "--anti-spoof");
    assert_eq!(
        (&value["verdict"], outcome.code, &value["ok"]),
        (&"spoof_suspect".into(), Some(5), &false.into()),
        "{value:#}"
    );
    assert_eq!(
        value["answers"][0]["data"], "192.0.2.1",
        "the first: {value:#}"
    );
    let attempts = value["attempts"].as_array().unwrap();
    let ignored = &attempts[0]["ignored"];
    assert_eq!(ignored[0]["why"], "second_answer", "{value:#}");
    assert_eq!(attempts[0]["ignored_count"], 1);
    ledger_is_true(&server, attempts, "two answers");
    let shown = netkit(&format!(
        "resolve web.example A @{} --anti-spoof",
        server.addr()
    ));
    shown.run().status(5).says("spoof_suspect");
}

#[test]
fn an_answer_that_comes_twice_is_no_forgery() {
    for behaviour in [B::AnswerTwice, B::Answer] {
        let server = zone().udp(behaviour).tcp(B::Closed).start();
        let (outcome, value) = ask(&server, "--anti-spoof");
        assert_eq!(
            (&value["verdict"], outcome.code),
            (&"answer".into(), Some(0)),
            "{value:#}"
        );
        let took = value["total_ms"].as_f64().unwrap();
        assert!(took >= 50.0, "it listened for a second one: {took}");
        assert_eq!(value["config"]["anti_spoof"], true);
    }
}

#[test]
fn an_extended_error_is_told() {
    let server = zone().both(B::ServfailBecause(22, "out to lunch")).start();
    let (_, value) = ask(&server, "");
    assert_eq!(value["verdict"], "servfail");
    assert!(
        value["edns"].to_string().contains("out to lunch"),
        "{value:#}"
    );
    let line = format!("resolve web.example A @{}", server.addr());
    netkit(&line).run().status(3).says("servfail");
}

#[test]
fn every_option_of_edns_and_every_bit_of_the_header_is_told() {
    let server = zone().udp(B::EveryOption).start();
    let (_, value) = ask(&server, "--cd");
    let edns = &value["edns"];
    let name = |option: &Value| option["name"].as_str().map(str::to_owned);
    let names: Vec<_> = edns["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(name)
        .collect();
    let known = ["NSID", "ECS", "KEEPALIVE", "PADDING", "EDE"].map(|name| Some(name.to_owned()));
    assert!(known.iter().all(|name| names.contains(name)), "{edns:#}");
    assert!(names.contains(&None), "an option without a name: {edns:#}");
    assert_eq!(edns["ede"]["name"], "Stale Answer");
    assert_eq!((&edns["version"], &edns["do"]), (&0.into(), &false.into()));
    assert_eq!(
        (&value["flags"]["rd"], &value["flags"]["cd"]),
        (&true.into(), &true.into())
    );
    assert_eq!(value["qclass"], "IN");
    let line = format!("resolve web.example A @{} --cd --verbose", server.addr());
    let shown = netkit(&line).run().status(0).stdout;
    for part in [
        "flags rd ra cd",
        "version 0",
        r"NSID ns1\x1b (6e73311b)",
        "ECS 192.0.2.0/24/16",
        "KEEPALIVE 10000 ms",
        "PADDING 4 B",
        "EDE 3 Stale Answer: old",
        "OPT65001 ab",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn the_reply_alone_is_written_as_rfc_8427_has_it() {
    let server = zone().start();
    let line = format!("resolve web.example A @{} --json=rfc8427", server.addr());
    let value = netkit(&line).run().status(0).one();
    assert_eq!(
        (&value["QR"], &value["QNAME"]),
        (&1.into(), &"web.example.".into())
    );
    assert_eq!(value["answerRRs"][0]["rdataA"], "192.0.2.1");
    let broken = zone().udp(B::CompressionLoop).tcp(B::Closed).start();
    let line = format!(
        "resolve web.example A @{} --json=rfc8427 -t 1",
        broken.addr()
    );
    let value = netkit(&line).run().status(3).one();
    assert!(value["messageOctetsHEX"].is_string(), "{value:#}");
    let silent = zone().both(B::Closed).start();
    let line = format!("resolve web.example MX @{} --json=rfc8427", silent.addr());
    let value = netkit(&line).run().status(3).one();
    assert_eq!(
        (&value["QTYPEname"], &value["QCLASS"]),
        (&"MX".into(), &1.into())
    );
    assert_eq!(value["QNAME"], "web.example.");
    assert!(
        value["comment"]
            .as_str()
            .unwrap()
            .starts_with("port_closed")
    );
    for other in [
        "--count 2",
        "--compare @127.0.0.2",
        "--pretty",
        "--trace",
        "--check-server",
    ] {
        let line = format!("resolve web.example A @127.0.0.1 --json=rfc8427 {other}");
        netkit(&line).run().status(2);
    }
}

#[test]
fn a_class_is_a_word_of_the_command() {
    let server = zone().udp(B::Code(5)).start();
    let at = server.addr();
    let value = netkit(&format!("resolve version.bind ch TXT @{at} --json"))
        .run()
        .one();
    valid(&value);
    assert_eq!(
        (&value["qclass"], &value["qtype"]),
        (&"CH".into(), &"TXT".into())
    );
    // Where no name would be left the word is one.
    let value = netkit(&format!("resolve hs a @{at} --json")).run().one();
    assert_eq!(
        (&value["name"], &value["qclass"]),
        (&"hs".into(), &"IN".into())
    );
    let two = format!("resolve web.example CH HS @{at}");
    netkit(&two).run().status(2).complains("two classes");
}
