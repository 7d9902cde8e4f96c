//! Workers, floors and limits over real sockets.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::sync::atomic::AtomicBool;

use super::*;
use crate::addr::Network;
use crate::net::listen::{BindAddr, ListenOptions, bind};

fn config(workers: usize) -> Config {
    Config {
        workers: Some(workers),
        work: Work::Echo,
        plain: Arc::new(|_| true),
        datagrams: Datagrams::default(),
        limits: Limits::default(),
        idle_timeout: None,
        max_lifetime: None,
        max_bytes: None,
        accept_delay: Duration::ZERO,
        no_accept: false,
        telling: Telling::default(),
    }
}

/// Sends so much and reads it back, both at once; every byte is that of its place and this client.
fn converse(to: SocketAddr, client: usize, size: usize) {
    let byte = move |at: usize| u8::try_from((at ^ (at >> 8) ^ client) & 0xff).unwrap();
    let mut stream = TcpStream::connect(to).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        let bytes: Vec<u8> = (0..size).map(byte).collect();
        for piece in bytes.chunks(10_007) {
            writer.write_all(piece).unwrap();
        }
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    sender.join().unwrap();
    let right = heard.iter().enumerate().all(|(at, got)| *got == byte(at));
    assert!(
        right && heard.len() == size,
        "client {client}: {}",
        heard.len()
    );
}

#[test]
fn connections_lose_nothing_while_they_go_from_worker_to_worker() {
    let addr = BindAddr::Inet {
        network: Network::Tcp,
        ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        scope: 0,
        port: 0,
    };
    let listener = bind(&addr, &ListenOptions::default()).unwrap();
    let to = (Ipv4Addr::LOCALHOST, listener.facts().port.unwrap()).into();
    let (server, _outlet) = Server::start(vec![listener], config(3)).unwrap();
    let done = AtomicBool::new(false);
    let changes = std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            let mut changes = 0;
            while !done.load(Ordering::Relaxed) {
                server
                    .shared
                    .active
                    .store(1 + changes % 3, Ordering::Relaxed);
                server.shared.wake_all();
                changes += 1;
                std::thread::yield_now();
            }
            changes
        });
        let clients: Vec<_> = (0..24)
            .map(|client| scope.spawn(move || converse(to, client, 1 << 20)))
            .collect();
        let ended = clients.into_iter().all(|client| client.join().is_ok());
        done.store(true, Ordering::Relaxed);
        assert!(ended, "a client has failed");
        changing.join().unwrap()
    });
    assert!(changes > 10, "{changes}");
    // Nobody is counted twice, or no longer, wherever it was served.
    while server.open() > 0 {
        std::thread::yield_now();
    }
    let counts = server.counts();
    assert_eq!(counts.get(Count::Accepted), 24);
    let loads = server.shared.loads.iter();
    assert!(
        loads
            .map(|load| load.load(Ordering::Relaxed))
            .all(|load| load == 0)
    );
}
