//! What `netkit listen` serves, next to echo servers in C, Go and tokio, socat and ncat, under a load
//! generator that verifies every byte; and what a connection costs it.
//!
//!     cargo bench --bench listen [-- --quick] [messages|bulk|stream|churn|datagrams|silent|multitude|endure|start|models]
//!
//! `NETKIT_BEFORE=path` adds another netkit, to see in one run what a change has brought.
//!
//! Runs in a network namespace of its own. The load generator and the tokio server are this same
//! program, started again; the C and Go servers under `benches/listen/peers` are compiled first.
#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

mod crowds;
mod endurance;
mod load;
mod multitude;
mod peers;
mod rounds;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "../support/space.rs"]
mod space;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "../support/mod.rs"]
mod support;
mod sys;
mod tokio_echo;
mod tree;

use std::io;
use std::time::Duration;

use load::Job;
use peers::{Built, Kind};
use rounds::{Case, Place, compare};
use support::{Options, process};

/// Descriptors that a server or the load generator needs beside connections; netkit keeps 128.
const SPARE: u64 = 160;
/// What the issue of very many connections asks for; the descriptor limit may allow fewer.
const CROWD: usize = 100_000;

fn main() -> io::Result<()> {
    let args: Vec<_> = std::env::args().collect();
    for (flag, role) in [
        ("--load", load::main as Role),
        ("--tokio", tokio_echo::main),
    ] {
        if let Some(at) = args.iter().position(|arg| arg == flag) {
            return role(&args[at + 1..]);
        }
    }
    if let Err(error) = space::enter() {
        println!("skipped: no network namespace of our own: {error}");
        return Ok(());
    }
    let descriptors = space::raise_descriptor_limit()?;
    let options = Options::read();
    let built = Built::new()?;
    let bench = Bench {
        crowd: usize::try_from(descriptors.saturating_sub(SPARE))
            .unwrap_or(CROWD)
            .min(CROWD),
        halves: halves(),
        options,
        built,
    };
    bench.echoes();
    bench.datagrams();
    bench.crowds();
    Ok(())
}

/// What this program is when it is started again.
type Role = fn(&[String]) -> io::Result<()>;

/// One half of the processors for the server, the other for its clients.
fn halves() -> (Vec<usize>, Vec<usize>) {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let half = all.div_ceil(2);
    ((0..half).collect(), (all - half..all).collect())
}

struct Bench {
    options: Options,
    built: Built,
    /// Silent connections that the descriptor limit allows.
    crowd: usize,
    halves: (Vec<usize>, Vec<usize>),
}

impl Bench {
    fn places(&self) -> [Place<'_>; 2] {
        let (server, client) = (&self.halves.0[..], &self.halves.1[..]);
        [
            Place {
                name: "server and client pinned apart",
                server,
                client,
            },
            Place {
                name: "unpinned",
                server: &[],
                client: &[],
            },
        ]
    }

    fn job(kind: &str, connections: usize, size: usize) -> Job {
        Job {
            kind: kind.to_owned(),
            port: 0,
            connections,
            size,
            time: Duration::ZERO,
            server: 0,
            first: 0,
        }
    }

    fn echoes(&self) {
        let peers = self.built.streams();
        for case in self.cases() {
            if self.options.wants(case.title) {
                for place in self.places() {
                    compare(&case, place, &peers);
                }
            }
        }
        // The same wait for a wake-up is all that one connection on two processors shows.
        let case = self.case("messages: 64 B, 1 connection", ("messages", 1, 64), like_c);
        if self.options.wants(case.title) {
            let one = &self.halves.0[..1];
            let place = Place {
                name: "all on one processor",
                server: one,
                client: one,
            };
            compare(&case, place, &peers);
        }
    }

    fn cases(&self) -> [Case<'static>; 8] {
        let bulk = ("messages", 16, 64 << 10);
        [
            self.case("messages: 64 B, 1 connection", ("messages", 1, 64), small),
            self.case(
                "messages: 64 B, 64 connections",
                ("messages", 64, 64),
                small,
            ),
            self.case(
                "messages: 64 B, 1,000 connections",
                ("messages", 1_000, 64),
                small,
            ),
            self.case("bulk: 64 KiB, 16 connections", bulk, like_c),
            self.case("stream: 1 connection", ("stream", 1, 0), streaming),
            self.case("stream: 8 connections", ("stream", 8, 0), streaming),
            self.case("stream: 8, thrown away unread", ("blind", 8, 0), nothing),
            self.case(
                "churn: connect, 64 B, close; 64 at once",
                ("churn", 64, 64),
                like_c,
            ),
        ]
    }

    fn case<'a>(&self, title: &'a str, job: (&str, usize, usize), claim: Claim) -> Case<'a> {
        let (kind, connections, size) = job;
        let mut job = Self::job(kind, connections, size);
        // Messages are measured in many short rounds: what disturbs a machine lasts longer than one,
        // and so meets all servers alike. Streams need time to find their way.
        let (unit, rounds, millis) = if job.is_stream() {
            (("GB/s", 1e9), 7, 800)
        } else {
            (("k/s", 1e3), 25, 300)
        };
        job.time = Duration::from_millis(self.options.pick(millis, 100));
        Case {
            title,
            job,
            rounds: self.options.pick(rounds, 1),
            unit,
            claim,
        }
    }

    fn datagrams(&self) {
        for connections in [1, 64] {
            let title = format!("datagrams: 64 B, {connections} sockets");
            if self.options.wants(&title) {
                for place in self.places() {
                    let case = self.case(&title, ("datagrams", connections, 64), datagram);
                    compare(&case, place, &self.built.datagrams());
                }
            }
        }
    }

    fn crowds(&self) {
        let (options, crowd) = (&self.options, self.options.pick(self.crowd, 1_000));
        if options.wants("silent") {
            if crowd < CROWD {
                println!(
                    "\nsilent: {crowd} of {CROWD} connections in one process: the descriptor limit \
                     allows no more"
                );
            }
            for place in self.places() {
                crowds::silent(&self.built.streams(), crowd, place, options.pick(5, 1));
            }
        }
        if options.wants("multitude") {
            let wanted = options.pick(CROWD, 2_000);
            let each = options.pick(self.crowd, 1_000);
            multitude::run(&self.built.shared(), wanted, each, options.pick(5, 1));
        }
        if options.wants("endure") {
            let time = Duration::from_secs(options.pick(60, 3));
            endurance::run(&self.built.streams(), time);
        }
        if options.wants("start") {
            crowds::first_accept(&self.built.streams(), options.pick(51, 5));
        }
        if options.wants("models") {
            let sizes = [100, 1_000, 10_000, self.crowd];
            crowds::models(&self.built.models(), &sizes[..options.pick(4, 2)]);
        }
    }
}

type Claim = fn(Kind) -> Option<f64>;

fn small(peer: Kind) -> Option<f64> {
    match peer {
        Kind::C => Some(0.95),
        Kind::Go => Some(1.25),
        _ => None,
    }
}

fn like_c(peer: Kind) -> Option<f64> {
    (peer == Kind::C).then_some(0.95)
}

fn streaming(peer: Kind) -> Option<f64> {
    matches!(peer, Kind::C | Kind::Splice | Kind::Go).then_some(1.0)
}

fn nothing(_: Kind) -> Option<f64> {
    None
}

fn datagram(peer: Kind) -> Option<f64> {
    (peer == Kind::C).then_some(0.9)
}
