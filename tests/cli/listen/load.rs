//! `netkit listen` under load: no byte wrong, no memory without bound, no descriptor left.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream as AsyncStream;

use super::Served;

/// Runs clients on a runtime of this thread.
pub(super) fn clients<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(work)
}

pub(super) fn addr(served: &Served) -> SocketAddr {
    ([127, 0, 0, 1], served.ports[0]).into()
}

/// The byte at a place of the stream of a connection.
fn byte(connection: usize, at: usize) -> u8 {
    let mixed = (at ^ (at >> 7) ^ (at >> 13)).wrapping_add(connection.wrapping_mul(31));
    u8::try_from(mixed & 0xff).expect("a byte is left")
}

/// A size from 1 B to 1 MiB, as many small ones as large.
fn size(connection: usize, message: usize) -> usize {
    let mixed = (connection * 7_919 + message * 104_729).wrapping_mul(0x9e37_79b9) >> 7;
    let bits = mixed % 21;
    let most = 1_usize << bits;
    (mixed / 21) % most + 1
}

/// Sends messages of all sizes without waiting for answers, and checks every byte of them.
pub(super) async fn converse(to: SocketAddr, connection: usize, messages: usize) -> usize {
    let mut stream = AsyncStream::connect(to).await.expect("it accepts");
    let total: usize = (0..messages).map(|message| size(connection, message)).sum();
    let (mut reader, mut writer) = stream.split();
    let send = async {
        let mut at = 0;
        for message in 0..messages {
            let end = at + size(connection, message);
            let bytes: Vec<u8> = (at..end).map(|at| byte(connection, at)).collect();
            writer.write_all(&bytes).await.expect("it reads");
            at = end;
        }
        writer.shutdown().await.expect("it is open");
    };
    let receive = async {
        let (mut at, mut buffer) = (0, vec![0; 16 << 10]);
        loop {
            let count = reader.read(&mut buffer).await.expect("it answers");
            if count == 0 {
                return at;
            }
            for (offset, got) in buffer[..count].iter().enumerate() {
                let place = at + offset;
                assert_eq!(*got, byte(connection, place), "at {place}");
            }
            at += count;
        }
    };
    let ((), received) = tokio::join!(send, receive);
    assert_eq!(received, total);
    total
}

#[test]
fn a_thousand_pipelined_connections_get_every_byte_back() {
    let mut served = Served::start("127.0.0.1:0 -c 1000 --summary", 1);
    let to = addr(&served);
    let total = clients(async {
        let all = (0..1_000).map(|connection| converse(to, connection, 2));
        futures_of(all).await.into_iter().sum::<usize>()
    });
    let summary = served.next_of("summary");
    let totals = &summary["totals"];
    assert_eq!(totals["bytes_in"].as_u64(), Some(total as u64));
    assert_eq!(totals["bytes_out"], totals["bytes_in"]);
    assert_eq!(
        (&totals["closed"]["fin"], &totals["open"]),
        (&1_000.into(), &0.into())
    );
    assert_eq!(served.code(), Some(0));
}

/// All of them at once.
pub(super) async fn futures_of<T: 'static>(
    all: impl Iterator<Item = impl Future<Output = T> + 'static>,
) -> Vec<T> {
    let local = tokio::task::LocalSet::new();
    let work = async {
        let handles: Vec<_> = all.map(tokio::task::spawn_local).collect();
        let mut done = Vec::new();
        for handle in handles {
            done.push(handle.await.expect("no client panics"));
        }
        done
    };
    local.run_until(work).await
}

#[test]
fn who_does_not_read_is_not_read_from_and_costs_little() {
    let served = Served::start("127.0.0.1:0 --summary", 1);
    let before = served.resident();
    let stuck: Vec<TcpStream> = (0..50).map(|_| served.connect()).collect();
    let piece = vec![7; 1 << 20];
    for mut client in &stuck {
        client.set_nonblocking(true).unwrap();
        // Until neither end's kernel takes more.
        let mut quiet = Instant::now();
        while quiet.elapsed() < Duration::from_millis(20) {
            // How much of it goes is the kernel's business; that any goes is ours.
            let went = client.write(&piece).unwrap_or(0);
            if went > 0 {
                quiet = Instant::now();
            } else {
                std::thread::yield_now();
            }
        }
    }
    let grown = served.resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes for 50 slow readers");
    // The others do not notice.
    let mut client = served.connect();
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let mut served = Served::start("127.0.0.1:0 --summary", 1);
    let round = |count: usize| {
        for number in 0..count {
            let mut client = served.connect();
            match number % 3 {
                0 => drop(client),
                1 => {
                    client.write_all(b"hello").unwrap();
                    client.read_exact(&mut [0; 5]).unwrap();
                }
                // Closing with unread bytes resets.
                _ => client.write_all(&[0; 1_000]).unwrap(),
            }
        }
    };
    round(2_000);
    served.settle();
    let (descriptors, memory) = (served.descriptors(), served.resident());
    round(10_000);
    served.settle();
    assert_eq!(served.descriptors(), descriptors);
    let grown = served.resident().saturating_sub(memory);
    assert!(
        grown < 1 << 20,
        "{grown} bytes for 10,000 connections that are gone"
    );
    served.signal("TERM");
    let totals = &served.next_of("summary")["totals"];
    assert_eq!(
        (&totals["accepted"], &totals["open"]),
        (&12_000.into(), &0.into())
    );
}

#[test]
fn thousands_of_silent_connections_do_not_disturb_the_others() {
    let served = Served::start("127.0.0.1:0 --summary", 1);
    let silent: Vec<TcpStream> = (0..10_000)
        .map(|_| {
            let mut client = served.connect();
            client.write_all(b"G").unwrap();
            client
        })
        .collect();
    let mut client = served.connect();
    client.set_nodelay(true).unwrap();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let begun = Instant::now();
            client.write_all(b"x").unwrap();
            client.read_exact(&mut [0]).unwrap();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    assert!(
        times[100] < Duration::from_millis(20),
        "median {:?}",
        times[100]
    );
    drop(silent);
}

#[test]
fn without_descriptors_it_waits_rejects_or_makes_room_but_never_spins_or_ends() {
    // The limit of 64 is low enough that the server's own few make it 40 or so connections.
    for (overload, expected) in [
        ("wait", None),
        ("reject", Some("descriptors")),
        ("close-idle", None),
    ] {
        let line = format!("127.0.0.1:0 --max-connections 1000 --workers 1 --overload {overload}");
        let mut served = Served::start_under("ulimit -n 64;", &line);
        let held: Vec<TcpStream> = (0..80).map(|_| served.connect()).collect();
        let warning = served.next_of("warning");
        assert!(
            warning["message"]
                .as_str()
                .unwrap()
                .contains("no descriptor"),
            "{warning:#}"
        );
        if let Some(reason) = expected {
            assert_eq!(served.next_of("reject")["reason"], reason);
        }
        if overload == "close-idle" {
            assert_eq!(served.next_of("close")["cause"], "made_room");
        }
        let before = served.processor_time();
        std::thread::sleep(Duration::from_millis(300));
        let spent = served.processor_time().saturating_sub(before);
        assert!(
            spent < Duration::from_millis(150),
            "{overload}: {spent:?} of 300 ms"
        );
        drop(held);
        served.settle();
        let mut client = served.connect();
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
    }
}

#[test]
fn the_last_descriptor_is_used_and_nobody_makes_room_for_nobody() {
    let line = "127.0.0.1:0 --max-connections 1000 --workers 1 --overload close-idle";
    let mut served = Served::start_under("ulimit -n 64;", line);
    let exchange = |client: &mut TcpStream| {
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
    };
    let connect = |served: &Served| {
        let mut client = served.connect();
        exchange(&mut client);
        client
    };
    // Once it serves, all its own are open; as many connections as fit find no descriptor for one more.
    let mut held = vec![connect(&served)];
    while served.descriptors_below(64) < 64 {
        held.push(connect(&served));
        assert!(held.len() < 64, "descriptors are taken");
    }
    held.iter_mut().for_each(exchange);
    // The one that is too many is served, and the warning says at whose cost.
    let _last = connect(&served);
    let warning = served.next_of("warning");
    assert!(
        warning["message"].as_str().unwrap().contains("makes room"),
        "{warning:#}"
    );
    served.signal("TERM");
    let totals = &served.next_of("summary")["totals"];
    assert_eq!(
        (&totals["closed"]["made_room"], &totals["accept_errors"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn limits_of_time_and_bytes_close_connections() {
    let mut served = Served::start("127.0.0.1:0 --idle-timeout 200ms", 1);
    let mut idle = served.connect();
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    assert_eq!(served.next_of("close")["cause"], "idle_timeout");
    let mut served = Served::start("127.0.0.1:0 --max-lifetime 200ms", 1);
    let mut busy = served.connect();
    let begun = Instant::now();
    while busy.write_all(b"x").is_ok() && matches!(busy.read(&mut [0]), Ok(1)) {}
    assert!(begun.elapsed() >= Duration::from_millis(190));
    assert_eq!(served.next_of("close")["cause"], "max_lifetime");
    for behaviour in ["--echo", "--heartbeat"] {
        let mut served = Served::start(&format!("127.0.0.1:0 --max-bytes 4 {behaviour}"), 1);
        let mut client = served.connect();
        client.write_all(b"123\n").unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).unwrap();
        assert_eq!(heard.len(), 4, "{behaviour}");
        assert_eq!(served.next_of("close")["cause"], "max_bytes");
    }
}

#[test]
fn a_full_server_lets_others_wait_in_the_backlog() {
    let mut served = Served::start("127.0.0.1:0 --max-connections 1", 1);
    let first = served.connect();
    served.next_of("accept");
    let mut second = served.connect();
    second.write_all(b"x").unwrap();
    second
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    assert!(second.read(&mut [0]).is_err());
    drop(first);
    second
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    second.read_exact(&mut [0]).unwrap();
}

#[test]
fn one_address_and_one_second_have_their_limits() {
    let mut served = Served::start("127.0.0.1:0 --max-per-ip 1 --shed-above 1000", 1);
    let _first = served.connect();
    let mut second = served.connect();
    assert_eq!(second.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(served.next_of("reject")["reason"], "max_per_ip");
    let mut served = Served::start("127.0.0.1:0 --accept-rate 5 --overload reject", 1);
    for _ in 0..8 {
        drop(served.connect());
    }
    assert_eq!(served.next_of("reject")["reason"], "accept_rate");
}
