//! Many addresses in one loop: every one reported once, in time, and nothing left open.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use netkit::failure::{Evidence, Kind, Stage};
use netkit::net::sweep::{self, Config, Swept};
use netkit::net::{LocalAddr, OptionValue, SocketOptions};
use tokio_util::sync::CancellationToken;

use super::silent::Silent;

const MINUTE: Duration = Duration::from_secs(60);

async fn sweep(
    targets: &[SocketAddr],
    timeout: Duration,
    parallel: Option<usize>,
    options: &SocketOptions,
) -> Vec<Swept<usize>> {
    let config = Config {
        timeout,
        parallel,
        options,
    };
    let mut results = Vec::new();
    let numbered = targets
        .iter()
        .copied()
        .enumerate()
        .map(|(index, addr)| (addr, index));
    sweep::sweep(numbered, &config, &CancellationToken::new(), |swept| {
        results.push(swept);
    })
    .await;
    results
}

/// Open and closed ports of loopback, mixed; the listeners keep the open ones open.
fn mixed(count: usize) -> (Vec<TcpListener>, Vec<SocketAddr>) {
    let bind = |index| TcpListener::bind(["127.0.0.1:0", "[::1]:0"][index / 2 % 2]).unwrap();
    let listeners: Vec<_> = (0..count).map(bind).collect();
    let targets = listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap())
        .collect();
    let open = listeners.into_iter().step_by(2).collect();
    (open, targets)
}

#[tokio::test]
async fn every_port_is_reported_once_and_truly() {
    let (_open, targets) = mixed(500);
    for parallel in [None, Some(1), Some(7)] {
        let options = SocketOptions::default();
        let results = sweep(&targets, MINUTE, parallel, &options).await;
        let by_index: BTreeMap<_, _> = results.iter().map(|swept| (swept.token, swept)).collect();
        assert_eq!((results.len(), by_index.len()), (500, 500));
        for (index, swept) in by_index {
            assert_eq!(swept.addr, targets[index]);
            match &swept.result {
                Ok(connected) => {
                    assert_eq!(index % 2, 0, "{}", swept.addr);
                    assert_eq!(connected.facts.peer, Some(swept.addr.to_string()));
                    let info = connected.tcp_info.as_ref().unwrap();
                    assert_eq!(info.syn_retransmits, Some(0));
                }
                Err(failure) => {
                    assert_eq!((index % 2, failure.kind), (1, Kind::Refused), "{failure}");
                    assert_eq!(failure.evidence, [Evidence::Rst]);
                    assert!(failure.message.contains(&swept.addr.to_string()));
                }
            }
        }
    }
}

#[tokio::test]
async fn options_are_applied_to_every_socket_and_read_back() {
    let (_open, targets) = mixed(40);
    let v4: Vec<_> = targets.into_iter().filter(SocketAddr::is_ipv4).collect();
    let options = SocketOptions {
        ttl: Some(9),
        local_addr: Some(LocalAddr {
            ip: "127.0.0.5".parse().unwrap(),
            port: 0,
        }),
        ..SocketOptions::default()
    };
    let results = sweep(&v4, MINUTE, None, &options).await;
    let open: Vec<_> = results
        .iter()
        .filter_map(|swept| swept.result.as_ref().ok())
        .collect();
    assert_eq!(open.len(), v4.len() / 2);
    for connected in open {
        assert!(
            connected
                .facts
                .local
                .as_ref()
                .unwrap()
                .starts_with("127.0.0.5:")
        );
        assert_eq!(
            connected.facts.options[0].accepted,
            Some(OptionValue::Number(9))
        );
    }
}

#[tokio::test]
async fn a_refused_option_fails_every_target_locally() {
    let (_open, targets) = mixed(4);
    let options = SocketOptions {
        interface: Some("no-such-if".to_owned()),
        ..SocketOptions::default()
    };
    let results = sweep(&targets, MINUTE, None, &options).await;
    let kinds = results
        .iter()
        .map(|swept| swept.result.as_ref().unwrap_err());
    assert!(kinds.clone().all(|failure| failure.stage == Stage::Local));
    assert_eq!(
        kinds
            .filter(|failure| failure.kind == Kind::NoSuchInterface)
            .count(),
        4
    );
}

#[tokio::test]
async fn silent_targets_share_one_timeout() {
    let silent = Silent::listen();
    let targets = vec![silent.socket_addr(); 300];
    let (timeout, begun) = (Duration::from_millis(250), Instant::now());
    let results = sweep(&targets, timeout, Some(1_000), &SocketOptions::default()).await;
    let took = begun.elapsed();
    assert_eq!(results.len(), 300);
    for swept in &results {
        let failure = swept.result.as_ref().unwrap_err();
        assert_eq!(failure.kind, Kind::Filtered);
        assert_eq!(failure.evidence, [Evidence::SynRetransmits { count: 0 }]);
        assert!(swept.ended - swept.started >= timeout);
    }
    // One after the other they would take 75 s.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(silent.handshakes_under_way(), 0);
}

#[tokio::test]
async fn never_more_are_under_way_than_allowed() {
    let silent = Silent::listen();
    let config = Config {
        timeout: Duration::from_millis(20),
        parallel: Some(5),
        options: &SocketOptions::default(),
    };
    let (mut most, mut done) = (0, 0);
    let collect = |_: Swept<()>| {
        most = most.max(silent.handshakes_under_way());
        done += 1;
    };
    let targets = std::iter::repeat_n((silent.socket_addr(), ()), 50);
    sweep::sweep(targets, &config, &CancellationToken::new(), collect).await;
    assert_eq!(done, 50);
    assert!((1..=5).contains(&most), "{most}");
}

#[tokio::test]
async fn cancelling_stops_an_endless_sweep_and_closes_everything() {
    let silent = Silent::listen();
    let (stop, options) = (CancellationToken::new(), SocketOptions::default());
    let config = Config {
        timeout: MINUTE,
        parallel: Some(100),
        options: &options,
    };
    let targets = std::iter::repeat((silent.socket_addr(), ()));
    let mut reported = 0;
    let sweep = sweep::sweep(targets, &config, &stop, |_| reported += 1);
    let cancel = async {
        silent.until_under_way(100).await;
        stop.cancel();
    };
    let ((), ()) = tokio::join!(sweep, cancel);
    assert_eq!((reported, silent.handshakes_under_way()), (0, 0));
}

#[tokio::test]
async fn an_endless_sweep_of_refusals_lets_others_run() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (stop, options) = (CancellationToken::new(), SocketOptions::default());
    let config = Config {
        timeout: MINUTE,
        parallel: None,
        options: &options,
    };
    let mut refused = 0_u64;
    let sweep = sweep::sweep(std::iter::repeat((closed, ())), &config, &stop, |swept| {
        refused += u64::from(swept.result.is_err());
    });
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.cancel();
    };
    let ((), ()) = tokio::join!(sweep, cancel);
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn without_room_nothing_new_begins_and_nothing_is_lost() {
    let (_open, targets) = mixed(40);
    let options = SocketOptions::default();
    let config = Config {
        timeout: MINUTE,
        parallel: Some(4),
        options: &options,
    };
    let numbered = targets.iter().copied().zip(0..);
    let (done, mut asked) = (std::cell::Cell::new(0), 0);
    let has_room = || {
        asked += 1;
        // Some steps with room, then a while without.
        let room = asked % 8 < 2;
        assert!(asked > 0 && done.get() <= 40);
        room
    };
    let stop = CancellationToken::new();
    let mut seen = Vec::new();
    let collect = |swept: Swept<i32>| {
        done.set(done.get() + 1);
        seen.push(swept.token);
    };
    sweep::sweep_while(numbered, &config, &stop, collect, has_room).await;
    seen.sort_unstable();
    assert_eq!(seen, (0..40).collect::<Vec<_>>());
    let never = sweep::sweep_while(
        targets.iter().copied().zip(0..),
        &config,
        &stop,
        |_| (),
        || false,
    );
    let ended = tokio::time::timeout(Duration::from_millis(100), never).await;
    assert!(ended.is_err(), "it began something, or ended");
}
