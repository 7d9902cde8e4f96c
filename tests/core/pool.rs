//! The pool of connections: limits, reuse, health, shutdown, and no descriptor lost whatever is
//! cancelled when.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use netkit::addr::Target;
use netkit::deadline::{Deadline, Expired};
use netkit::dial;
use netkit::event::Ignore;
use netkit::io::SystemIo;
use netkit::net::Connection;
use netkit::net::pool::{AtLimit, Config, Pool, Poolable, Pooled, Refused, Stats};
use netkit::run::Cx;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const SECOND: Duration = Duration::from_secs(1);

/// A connection that counts how many of it are open.
#[derive(Debug)]
struct Fake {
    number: usize,
    fit: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
}

impl Poolable for Fake {
    fn is_fit(&mut self) -> bool {
        self.fit.load(Ordering::Relaxed)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A world of fakes.
#[derive(Clone)]
struct World {
    fit: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        Self {
            fit: Arc::new(AtomicBool::new(true)),
            open: Arc::default(),
            made: Arc::default(),
        }
    }

    fn connect(&self) -> Ready<Result<Fake, Infallible>> {
        self.open.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Fake {
            number: self.made.fetch_add(1, Ordering::Relaxed),
            fit: Arc::clone(&self.fit),
            open: Arc::clone(&self.open),
        }))
    }

    async fn get(
        &self,
        pool: &Pool<u8, Fake>,
        key: u8,
    ) -> Result<Pooled<u8, Fake>, Refused<Infallible>> {
        pool.get(key, &Deadline::after(SECOND), || self.connect())
            .await
    }
}

fn pool(max_connections: usize, max_per_key: usize, at_limit: AtLimit) -> Pool<u8, Fake> {
    Pool::new(Config {
        max_connections,
        max_per_key,
        at_limit,
        ..Config::default()
    })
}

#[tokio::test(start_paused = true)]
async fn the_one_used_last_is_used_again() {
    let (world, pool) = (World::new(), pool(4, 4, AtLimit::Wait));
    let first = world.get(&pool, 1).await.unwrap();
    let second = world.get(&pool, 1).await.unwrap();
    drop(first);
    drop(second);
    let again = world.get(&pool, 1).await.unwrap();
    assert_eq!((again.number, again.is_reused()), (1, true));
    let other = world.get(&pool, 2).await.unwrap();
    assert!(!other.is_reused(), "keys do not share");
    let expected = Stats {
        hits: 1,
        misses: 3,
        ..Stats::default()
    };
    assert_eq!(pool.stats(), expected);
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_it_refuses_or_waits_until_the_deadline() {
    let world = World::new();
    let refusing = pool(1, 1, AtLimit::Refuse);
    let held = world.get(&refusing, 1).await.unwrap();
    assert_eq!(world.get(&refusing, 1).await.unwrap_err(), Refused::Limit);
    assert_eq!(world.get(&refusing, 2).await.unwrap_err(), Refused::Limit);
    drop(held);
    let waiting = pool(1, 1, AtLimit::Wait);
    let held = world.get(&waiting, 1).await.unwrap();
    let late = world.get(&waiting, 1).await.unwrap_err();
    assert_eq!(late, Refused::Expired(Expired::TimedOut));
    let give_back = async {
        tokio::time::sleep(SECOND / 2).await;
        drop(held);
    };
    let (got, ()) = tokio::join!(world.get(&waiting, 1), give_back);
    assert!(got.unwrap().is_reused());
    assert_eq!(waiting.stats().waits, 2);
}

#[tokio::test(start_paused = true)]
async fn room_for_another_key_is_made_by_closing_the_longest_idle() {
    let (world, pool) = (World::new(), pool(2, 2, AtLimit::Refuse));
    drop(world.get(&pool, 1).await.unwrap());
    drop(world.get(&pool, 2).await.unwrap());
    let _third = world.get(&pool, 3).await.unwrap();
    assert_eq!((pool.open(), world.open.load(Ordering::Relaxed)), (2, 2));
    assert_eq!(pool.stats().evicted, 1);
    assert!(world.get(&pool, 2).await.unwrap().is_reused());
}

#[tokio::test(start_paused = true)]
async fn the_unfit_the_old_and_the_broken_are_closed() {
    let (world, pool) = (World::new(), pool(4, 4, AtLimit::Wait));
    drop(world.get(&pool, 1).await.unwrap());
    world.fit.store(false, Ordering::Relaxed);
    let fresh = world.get(&pool, 1).await.unwrap();
    assert_eq!((fresh.is_reused(), pool.stats().unfit), (false, 1));
    world.fit.store(true, Ordering::Relaxed);
    fresh.discard();
    let mut busy = world.get(&pool, 1).await.unwrap();
    busy.begin();
    drop(busy);
    assert_eq!((pool.open(), pool.stats().broken), (0, 2));
    drop(world.get(&pool, 1).await.unwrap());
    tokio::time::advance(30 * SECOND).await;
    pool.sweep();
    assert_eq!((pool.open(), pool.stats().expired), (0, 1));
    assert_eq!(world.open.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_closes_the_idle_and_waits_for_the_rest() {
    let (world, pool) = (World::new(), pool(2, 2, AtLimit::Wait));
    drop(world.get(&pool, 1).await.unwrap());
    let held = world.get(&pool, 2).await.unwrap();
    let early = pool.shutdown(&Deadline::after(SECOND)).await;
    assert_eq!(early, Err(Expired::TimedOut));
    assert_eq!(world.open.load(Ordering::Relaxed), 1);
    assert_eq!(world.get(&pool, 1).await.unwrap_err(), Refused::Shutdown);
    let deadline = Deadline::after(SECOND);
    let (done, ()) = tokio::join!(pool.shutdown(&deadline), async { drop(held) });
    assert_eq!((done, world.open.load(Ordering::Relaxed)), (Ok(()), 0));
}

type Sockets = Pool<SocketAddr, Box<dyn Connection>>;

/// One request over the pool, as a user would write it.
async fn request(pool: &Sockets, to: SocketAddr) -> std::io::Result<()> {
    let connect = || async {
        let (target, config) = (Target::from(to), dial::Config::default());
        let io = SystemIo::default();
        let (_, connection) = dial::open(&target, &config, &io, &Cx::default(), &mut Ignore).await;
        connection.ok_or(())
    };
    let deadline = Deadline::after(10 * SECOND);
    let Ok(mut connection) = pool.get(to, &deadline, connect).await else {
        return Ok(());
    };
    connection.begin();
    connection.write_all(b"ping").await?;
    let mut reply = [0; 4];
    connection.read_exact(&mut reply).await?;
    assert_eq!(&reply, b"ping", "the rest of another answer");
    connection.end();
    Ok(())
}

async fn echo(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let (mut read, mut write) = stream.split();
            let _ = tokio::io::copy(&mut read, &mut write).await;
        });
    }
}

/// Sockets of this process whose peer is that port: others in other tests have other ports.
fn sockets_to(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/self/net/tcp").expect("a table");
    let ours: Vec<String> = std::fs::read_dir("/proc/self/fd")
        .expect("a folder")
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .map(|link| link.to_string_lossy().into_owned())
        .collect();
    let peer = format!(":{port:04X}");
    let rows = table
        .lines()
        .map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| {
        let to = row.get(2).is_some_and(|remote| remote.ends_with(&peer));
        let inode = row.get(9).copied().unwrap_or("0");
        to && ours.contains(&format!("socket:[{inode}]"))
    })
    .count()
}

/// Thousands of requests, most of them cancelled somewhere; what is left is what the pool keeps, and
/// after its shutdown nothing.
#[tokio::test]
async fn no_descriptor_is_lost_whatever_is_cancelled_when() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let server = tokio::spawn(echo(listener));
    let pool: Sockets = Pool::new(Config {
        max_connections: 6,
        max_per_key: 6,
        ..Config::default()
    });
    let client = |seed: u64| {
        let pool = pool.clone();
        async move {
            for round in 0..250_u64 {
                // How many turns the request gets: none, or up to more than it needs.
                let turns = (seed * 31 + round * 7) % 40;
                let patience = async {
                    for _ in 0..turns {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::select! {
                    biased;
                    done = request(&pool, to) => done.unwrap(),
                    () = patience => {}
                }
            }
        }
    };
    futures_util::future::join_all((0..12).map(client)).await;
    let stats = pool.stats();
    assert!(stats.hits > 0 && stats.broken > 0, "{stats:?}");
    assert!(pool.open() <= 6 && pool.open() == pool.idle(), "{pool:?}");
    assert_eq!(sockets_to(to.port()), pool.idle());
    pool.shutdown(&Deadline::after(10 * SECOND)).await.unwrap();
    assert_eq!((pool.open(), sockets_to(to.port())), (0, 0));
    server.abort();
}

/// A FIN, a reset and bytes that nobody asked for: none of them is used again.
#[tokio::test]
async fn a_connection_that_is_not_at_rest_is_not_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let pool: Sockets = Pool::new(Config::default());
    let connect = || async {
        let (target, config) = (Target::from(to), dial::Config::default());
        let io = SystemIo::default();
        let (_, connection) = dial::open(&target, &config, &io, &Cx::default(), &mut Ignore).await;
        connection.ok_or(())
    };
    let deadline = Deadline::after(10 * SECOND);
    let (mut held, mut expected) = (Vec::new(), 0);
    for deed in ["nothing", "fin", "bytes"] {
        let pooled = pool.get(to, &deadline, connect).await.unwrap();
        assert!(!pooled.is_reused(), "{deed}");
        let (mut peer, _) = listener.accept().await.unwrap();
        drop(pooled);
        match deed {
            "nothing" => {
                assert!(pool.get(to, &deadline, connect).await.unwrap().is_reused());
                let last = pool.get(to, &deadline, connect).await.unwrap();
                last.discard();
            }
            "fin" => drop(peer),
            _ => {
                peer.write_all(b"unasked").await.unwrap();
                held.push(peer);
            }
        }
        expected += u64::from(deed != "nothing");
    }
    let fresh = pool.get(to, &deadline, connect).await.unwrap();
    assert_eq!((fresh.is_reused(), pool.stats().unfit), (false, expected));
}
