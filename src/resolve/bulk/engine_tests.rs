//! The engine against servers of a few lines and a clock that is a number.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use super::engine::Engine;
use super::{Cached, Config, Ending, Finished, Server, packet};
use crate::resolve::ledger::Carrier;
use crate::resolve::server::Transports;
use crate::resolve::wire::peek;

const MS: Duration = Duration::from_millis(1);

/// What a server does with a question.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Answers,
    /// This response code.
    Says(u8),
    Truncates,
    Garbles,
    DislikesEdns,
    Nothing,
    Refuses,
}

/// How a name ended, in a word, and over what.
#[derive(Clone, Debug, PartialEq)]
struct Done {
    text: String,
    word: &'static str,
    tcp: bool,
    sent: u32,
    hit: bool,
}

struct Bench {
    engine: Engine,
    now: Duration,
    does: Box<dyn Fn(usize, u64) -> Does>,
    tcp_works: bool,
    asked: u64,
    /// Times each name was asked of each server.
    log: HashMap<(String, usize), u32>,
    done: Vec<Done>,
}

fn reply(query: &[u8], id: u16, does: Does) -> Vec<u8> {
    let end = packet::question_end(query);
    let mut reply = query[..end].to_vec();
    reply[..2].copy_from_slice(&id.to_be_bytes());
    reply[2..4].copy_from_slice(&[0x85, 0x80]);
    reply[11] = 0;
    match does {
        Does::Says(code) => reply[3] |= code,
        Does::DislikesEdns if end < query.len() => reply[3] |= 1,
        Does::Truncates => reply[2] |= 2,
        Does::Garbles => reply[7] = 9,
        _ => {
            reply[7] = 1;
            reply.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x7f\0\0\x01");
        }
    }
    reply
}

fn done(finished: &Finished<'_>) -> Done {
    let (word, tcp) = match finished.ending {
        Ending::Reply(reply) => {
            let word = match reply.bytes[3] & 0xf {
                _ if peek(reply.bytes).unwrap().truncated => "truncated",
                0 => "answer",
                2 => "servfail",
                3 => "nxdomain",
                _ => "error",
            };
            (word, reply.carrier == Carrier::Tcp)
        }
        Ending::Silent => ("silent", false),
        Ending::PortClosed => ("closed", false),
        Ending::Malformed => ("malformed", false),
        Ending::Unsent(_) => ("unsent", false),
        Ending::Invalid(_) => ("invalid", false),
    };
    Done {
        text: finished.text.to_owned(),
        word,
        tcp,
        sent: finished.sent,
        hit: matches!(finished.cache, Cached::Hit(_)),
    }
}

impl Bench {
    fn new(servers: usize, config: Config, does: impl Fn(usize, u64) -> Does + 'static) -> Self {
        let addr = ([192, 0, 2, 1], 53).into();
        let transports = Transports::Both;
        let servers = vec![Server { addr, transports }; servers];
        Self {
            engine: Engine::new(Config { servers, ..config }),
            now: Duration::ZERO,
            does: Box::new(does),
            tcp_works: true,
            asked: 0,
            log: HashMap::new(),
            done: Vec::new(),
        }
    }

    /// Asks for all names, a millisecond a turn, until every one has ended.
    fn run(&mut self, names: impl IntoIterator<Item = String>) {
        let mut names = names.into_iter().peekable();
        for _ in 0..200_000 {
            self.turn(&mut names);
            if names.peek().is_none() && self.engine.inflight() == 0 {
                return;
            }
        }
        panic!("{} names do not end", self.engine.inflight());
    }

    fn turn(&mut self, names: &mut impl Iterator<Item = String>) {
        let (mut done_now, mut inbox, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut out = |finished: &Finished<'_>| done_now.push(done(finished));
        let now = self.now;
        self.engine.tick(now, &mut out);
        loop {
            while let Some(datagram) = self.engine.send(now) {
                self.asked += 1;
                let lane = datagram.lane;
                let text = String::from_utf8_lossy(&datagram.query[12..]).into_owned();
                *self.log.entry((text, lane)).or_default() += 1;
                match (self.does)(lane, self.asked) {
                    Does::Nothing => {}
                    Does::Refuses => refused.push(lane),
                    does => {
                        let reply = reply(datagram.query, datagram.id, does);
                        inbox.push(((lane, datagram.port), reply));
                    }
                }
            }
            if !self.engine.wants_more(now) {
                break;
            }
            let Some(name) = names.next() else { break };
            self.engine.admit(name.as_bytes(), now, &mut out);
        }
        self.now += MS;
        refused.dedup();
        for lane in refused {
            self.engine.refused(lane, self.now, &mut out);
        }
        for (port, reply) in inbox {
            self.engine.received(port, &reply, self.now, &mut out);
        }
        while let Some(ask) = self.engine.next_tcp() {
            let answer = (reply(&ask.query, 0, Does::Answers), MS);
            let answer = self.tcp_works.then_some(answer);
            self.engine
                .tcp_ended((ask.key, ask.lane), answer.as_ref(), self.now, &mut out);
        }
        self.done.append(&mut done_now);
    }

    fn words(&self) -> Vec<(&'static str, bool)> {
        self.done.iter().map(|done| (done.word, done.tcp)).collect()
    }
}

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("n{number}.example"))
}

/// Without a cache, so that each name is a question.
fn plain() -> Config {
    Config {
        cache: 0,
        ..Config::default()
    }
}

fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) % 100
}

#[test]
fn every_name_is_answered_once() {
    let mut bench = Bench::new(1, plain(), |_, _| Does::Answers);
    bench.run(names(5_000));
    assert_eq!(bench.words(), vec![("answer", false); 5_000]);
    let mut texts: Vec<_> = bench.done.iter().map(|done| &done.text).collect();
    texts.sort();
    texts.dedup();
    assert_eq!((texts.len(), bench.asked), (5_000, 5_000));
    let summary = bench.engine.summary(bench.now, false);
    assert_eq!(
        (summary.answered, summary.lost, summary.unfinished),
        (5_000, 0, 0)
    );
}

#[test]
fn what_is_lost_is_asked_again_until_it_is_answered() {
    for percent in [5, 30] {
        let lossy = move |_, n| {
            if scattered(n) < percent {
                Does::Nothing
            } else {
                Does::Answers
            }
        };
        let mut bench = Bench::new(1, plain(), lossy);
        bench.run(names(20_000));
        assert!(bench.done.iter().all(|done| done.word == "answer"));
        assert_eq!(bench.done.len(), 20_000);
        let summary = bench.engine.summary(bench.now, false);
        let least = 20_000 * percent / 100;
        assert!(summary.lost >= least && summary.sent >= 20_000 + least - summary.tcp);
        assert!(
            bench.now < Duration::from_secs(6),
            "{percent} %: {:?}",
            bench.now
        );
    }
}

#[test]
fn a_dead_server_costs_little_beside_a_live_one() {
    let dead = |lane, _| {
        if lane == 0 {
            Does::Nothing
        } else {
            Does::Answers
        }
    };
    let mut bench = Bench::new(2, plain(), dead);
    bench.run(names(10_000));
    assert!(bench.done.iter().all(|done| done.word == "answer"));
    let summary = bench.engine.summary(bench.now, false);
    assert!(summary.servers[0].sent < 200, "{}", summary.servers[0].sent);
    assert!(bench.now < Duration::from_secs(3), "{:?}", bench.now);
}

#[test]
fn a_server_that_fails_is_not_the_last_word_when_there_is_another() {
    let fails = |lane, _| {
        if lane == 0 {
            Does::Says(2)
        } else {
            Does::Answers
        }
    };
    let mut bench = Bench::new(2, plain(), fails);
    bench.run(names(500));
    assert_eq!(bench.words(), vec![("answer", false); 500]);
    let mut alone = Bench::new(1, plain(), |_, _| Does::Says(2));
    alone.run(names(500));
    assert_eq!(alone.words(), vec![("servfail", false); 500]);
    let mut both = Bench::new(2, plain(), |lane, _| {
        Does::Says(if lane == 0 { 2 } else { 5 })
    });
    both.run(names(500));
    assert_eq!(
        both.words(),
        vec![("servfail", false); 500],
        "REFUSED tells less"
    );
    assert!(
        both.log.values().all(|times| *times == 1),
        "each is asked once"
    );
}

#[test]
fn nxdomain_is_an_answer() {
    let mut bench = Bench::new(2, plain(), |_, _| Does::Says(3));
    bench.run(names(100));
    assert_eq!(
        (bench.words(), bench.asked),
        (vec![("nxdomain", false); 100], 100)
    );
}

#[test]
fn what_does_not_fit_udp_comes_over_tcp_and_stays_truncated_without() {
    for (does, without) in [(Does::Truncates, "truncated"), (Does::Garbles, "malformed")] {
        let mut bench = Bench::new(1, plain(), move |_, _| does);
        bench.run(names(100));
        assert_eq!(bench.words(), vec![("answer", true); 100], "{does:?}");
        let mut broken = Bench::new(1, plain(), move |_, _| does);
        broken.tcp_works = false;
        broken.run(names(100));
        assert_eq!(broken.words(), vec![(without, false); 100]);
    }
}

#[test]
fn a_server_that_dislikes_edns_is_asked_without() {
    let mut bench = Bench::new(1, plain(), |_, _| Does::DislikesEdns);
    bench.run(names(100));
    assert_eq!(bench.words(), vec![("answer", false); 100]);
    assert!(bench.done.iter().all(|done| done.sent == 2));
}

#[test]
fn silence_ends_with_tcp_or_with_the_timeout() {
    let mut bench = Bench::new(1, plain(), |_, _| Does::Nothing);
    bench.run(names(100));
    assert_eq!(
        bench.words(),
        vec![("answer", true); 100],
        "the last try is TCP"
    );
    let mut dead = Bench::new(1, plain(), |_, _| Does::Nothing);
    dead.tcp_works = false;
    dead.run(names(100));
    assert_eq!(dead.words(), vec![("silent", false); 100]);
    assert!(dead.now >= Duration::from_secs(5));
}

#[test]
fn a_closed_port_is_told_at_once_and_asked_over_tcp() {
    let mut bench = Bench::new(1, plain(), |_, _| Does::Refuses);
    bench.run(names(100));
    assert_eq!(bench.words(), vec![("answer", true); 100]);
    let mut closed = Bench::new(1, plain(), |_, _| Does::Refuses);
    closed.tcp_works = false;
    closed.run(names(100));
    assert_eq!(closed.words(), vec![("closed", false); 100]);
    assert!(closed.now < Duration::from_secs(3), "{:?}", closed.now);
}

#[test]
fn the_same_question_is_asked_once_while_it_holds() {
    let mut bench = Bench::new(1, Config::default(), |_, _| Does::Answers);
    let same = ["a.example", "A.example", "a.example A", "b.example"];
    bench.run(same.into_iter().chain(same).map(str::to_owned));
    assert_eq!(bench.asked, 2);
    let hits = bench.done.iter().filter(|done| done.hit).count();
    assert_eq!((bench.done.len(), hits), (8, 6));
    bench.now += Duration::from_secs(29);
    bench.run(["a.example".to_owned()]);
    assert_eq!(bench.asked, 2, "its TTL is 30");
    bench.now += Duration::from_secs(30);
    bench.run(["a.example".to_owned()]);
    assert_eq!(bench.asked, 3);
}

#[test]
fn lines_that_ask_nothing_have_their_result_too() {
    let mut bench = Bench::new(1, plain(), |_, _| Does::Answers);
    let lines = [
        "a..b",
        "",
        "# comment",
        "x NOTYPE",
        "a b c",
        "ok.example AAAA",
        "  ok.example  ",
    ];
    bench.run(lines.map(str::to_owned));
    let mut words: Vec<_> = bench.done.iter().map(|done| done.word).collect();
    words.sort_unstable();
    assert_eq!(words, ["answer", "answer", "invalid", "invalid", "invalid"]);
}

#[test]
fn a_rate_is_kept() {
    let config = Config {
        rate: Some(500.0),
        ..plain()
    };
    let mut bench = Bench::new(1, config, |_, _| Does::Answers);
    bench.run(names(1_000));
    let took = bench.now.as_secs_f64();
    assert!((1.9..2.3).contains(&took), "{took}");
}

#[test]
fn no_more_are_under_way_than_allowed() {
    let config = Config {
        max_inflight: 10,
        ..plain()
    };
    let mut bench = Bench::new(1, config, |_, _| Does::Answers);
    let mut names = names(200);
    for _ in 0..100 {
        bench.turn(&mut names);
        assert!(bench.engine.inflight() <= 10);
    }
    assert_eq!(bench.done.len(), 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the servers do, every name ends once, in time, and an answer that some server gives
    /// to everything is never missed.
    #[test]
    fn every_name_ends_once_whatever_happens(
        seed in any::<u64>(), servers in 1_usize..4, count in 1_usize..400, tcp in any::<bool>(),
        cache in prop_oneof![Just(0), Just(50)],
    ) {
        let does = move |lane: usize, n: u64| {
            if lane > 0 {
                return Does::Answers;
            }
            match scattered(n ^ seed) {
                0..10 => Does::Nothing,
                10..20 => Does::Says(2),
                20..25 => Does::Says(5),
                25..30 => Does::Truncates,
                30..35 => Does::Garbles,
                35..40 => Does::DislikesEdns,
                40..42 => Does::Refuses,
                _ => Does::Answers,
            }
        };
        let mut bench = Bench::new(servers, Config { cache, ..Config::default() }, does);
        bench.tcp_works = tcp;
        bench.run(names(count).chain(names(count / 2)));
        prop_assert_eq!(bench.done.len(), count + count / 2);
        let mut times: HashMap<_, usize> = HashMap::new();
        for done in &bench.done {
            *times.entry(&done.text).or_default() += 1;
        }
        prop_assert_eq!(times.len(), count);
        prop_assert!(bench.engine.summary(bench.now, false).unfinished == 0);
    }
}
