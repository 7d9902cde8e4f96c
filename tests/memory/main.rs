//! A day of heartbeats takes no more memory than its first hour.
//!
//! A crate of its own because it counts what the whole process has allocated: there is one test. The
//! day is one of paused time, over fakes.
#![expect(
    unsafe_code,
    reason = "a global allocator is the only way to count memory, and its trait is unsafe"
)]

#[path = "../core/fakes/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod fakes;
#[cfg(feature = "tls")]
#[path = "../support/tls.rs"]
mod tls_server;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use netkit::addr::{Host, Network, Target};
use netkit::event::Stamped;
use netkit::heartbeat::{self, Config, Event, Fold, Probe};
use netkit::policy::breaker;
use netkit::run::Cx;

use fakes::{Connect, FakeIo, Peer};

/// The system's allocator, with a count of the bytes in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Answers, is silent, refuses.
const HOSTS: [&str; 3] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
/// Beats of ten seconds in a day: what grows with beats grows with these.
const INTERVAL: Duration = Duration::from_secs(10);
const DAY: u64 = 24 * 360;
const HOUR: Duration = Duration::from_secs(3_600);
/// What may be allocated for the moment, later than that.
const SLACK: usize = 64 << 10;

fn target(host: &&str) -> Target {
    let host = Host::from(host.parse::<std::net::IpAddr>().expect("an address"));
    Target::inet(Network::Tcp, host, 80)
}

fn world() -> FakeIo {
    let answers = Peer {
        echo: true,
        ..Peer::default()
    };
    let soon = Duration::from_millis(1);
    FakeIo::default()
        .connect(HOSTS[0], Connect::After(soon, answers))
        .connect(HOSTS[1], Connect::After(soon, Peer::default()))
        .connect(HOSTS[2], Connect::Refuse(soon))
}

#[tokio::test(start_paused = true)]
async fn a_day_takes_no_more_memory_than_its_first_hour() {
    let targets: Vec<_> = HOSTS.iter().map(target).collect();
    let (io, cx) = (world(), Cx::default());
    let config = Config {
        probe: Probe::Echo,
        interval: INTERVAL,
        timeout: Some(Duration::from_secs(2)),
        count: Some(DAY),
        breaker: Some(breaker::Config::default()),
        ..Config::default()
    };
    let mut fold = Fold::new(HOSTS.map(str::to_owned));
    let (mut first, mut most) = (0, 0);
    let mut observer = |event: &Stamped<Event>| {
        fold.apply(event);
        // What the fake remembers is not what is measured.
        *io.tried.lock().expect("not poisoned") = Vec::new();
        let in_use = IN_USE.load(Ordering::Relaxed);
        if event.at < HOUR {
            first = in_use.max(first);
        }
        most = in_use.max(most);
        ControlFlow::<()>::Continue(())
    };
    let report = heartbeat::run(&targets, &config, &io, &cx, &mut observer).await;
    let scheduled: Vec<_> = report
        .targets
        .iter()
        .map(|target| target.scheduled)
        .collect();
    assert_eq!(scheduled, [DAY; 3]);
    assert_eq!(report.targets[0].received, DAY);
    assert!(
        most <= first + SLACK,
        "{most} bytes, {first} in the first hour"
    );
}
