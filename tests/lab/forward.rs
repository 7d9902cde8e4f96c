//! `netkit listen --forward` with much to carry: a gibibyte the plain way, a quarter of one through each
//! stack of layers, both ways at once. Nothing is lost or reordered, and either end may close first while
//! the other still speaks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::LazyLock;
use std::thread;

use crate::bed::namespace::Namespace;
use crate::bed::skip::ready;
use crate::listen::Server;

/// A prime: no buffer on the way hides in it.
const PERIOD: usize = 65_521;
/// Bytes written and read at once.
const CHUNK: usize = 256 << 10;

/// What a stream consists of: a period, and as much again as is looked at at once.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let byte = |at: usize| (at.wrapping_mul(2_654_435_761) >> 16).to_le_bytes()[0];
    (0..PERIOD).map(byte).cycle().take(PERIOD + CHUNK).collect()
});

/// Says so many bytes of the pattern, beginning at `from`.
fn say(stream: &mut TcpStream, from: usize, count: usize) {
    let mut said = 0;
    while said < count {
        let (at, some) = ((from + said) % PERIOD, CHUNK.min(count - said));
        stream
            .write_all(&PATTERN[at..at + some])
            .expect("the other end reads");
        said += some;
    }
}

/// Hears bytes of the pattern, beginning at `from`, until so many have come.
fn hear(stream: &mut TcpStream, from: usize, count: usize) {
    let (mut buffer, mut heard) = (vec![0; CHUNK], 0);
    while heard < count {
        let most = CHUNK.min(count - heard);
        let some = stream
            .read(&mut buffer[..most])
            .expect("the other end speaks");
        assert!(some > 0, "it ended after {heard} of {count} bytes");
        let at = (from + heard) % PERIOD;
        assert!(
            buffer[..some] == PATTERN[at..at + some],
            "other bytes from {heard} on"
        );
        heard += some;
    }
}

fn hear_the_end(stream: &mut TcpStream) {
    assert_eq!(stream.read(&mut [0]).expect("an end, not a reset"), 0);
}

/// Who closes first while the other goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum First {
    Client,
    Service,
}

/// Says half while it hears half; then one closes, and the other says its second half after it has
/// heard of that.
fn converse(mut stream: TcpStream, own: usize, theirs: usize, closes_first: bool, half: usize) {
    let mut writer = stream.try_clone().expect("a descriptor");
    thread::scope(|scope| {
        scope.spawn(move || {
            say(&mut writer, own, half);
            if closes_first {
                writer.shutdown(Shutdown::Write).expect("it is connected");
            }
        });
        hear(&mut stream, theirs, half);
    });
    if closes_first {
        hear(&mut stream, theirs + half, half);
    } else {
        hear_the_end(&mut stream);
        say(&mut stream, own + half, half);
        stream.shutdown(Shutdown::Write).expect("it is connected");
        return;
    }
    hear_the_end(&mut stream);
}

fn carries(machine: &Namespace, flags: &str, half: usize, first: First) {
    let listener = machine
        .enter(|| TcpListener::bind("127.0.0.1:0"))
        .expect("loopback works");
    let port = listener.local_addr().expect("it is bound").port();
    let line = format!("127.0.0.1:0 --once --forward 127.0.0.1:{port} {flags}");
    let mut server = Server::start(machine, &line);
    let to = format!("127.0.0.1:{}", server.port);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (stream, _) = listener.accept().expect("netkit connects");
            converse(stream, 7, 0, first == First::Service, half);
        });
        let client = machine
            .enter(|| TcpStream::connect(to))
            .expect("netkit listens");
        converse(client, 0, 7, first == First::Client, half);
    });
    let close = server.next_of("close");
    let (alone, both) = (half as u64, 2 * half as u64);
    let (cause, up, down) = match first {
        First::Client => ("fin", alone, both),
        First::Service => ("upstream_fin", both, alone),
    };
    assert_eq!(close["cause"], cause, "{flags}: {close:#}");
    assert_eq!(
        (&close["bytes_in"], &close["bytes_out"]),
        (&up.into(), &down.into()),
        "{flags}"
    );
}

#[test]
fn a_gibibyte_passes_the_plain_way_and_either_end_may_close_first() {
    if !ready(&[]) {
        return;
    }
    let machine = Namespace::new().expect("root may do that");
    // Three halves: one each way, and one after the first end.
    let half = (1 << 30) / 3;
    for first in [First::Client, First::Service] {
        carries(&machine, "", half, first);
    }
}

#[test]
fn a_quarter_of_one_passes_through_every_stack_of_layers() {
    if !ready(&[]) {
        return;
    }
    let machine = Namespace::new().expect("root may do that");
    let rows = [
        (
            "--fault up:throttle=200MiB/s --fault throttle=200MiB/s",
            First::Client,
        ),
        (
            "--fault up:delay=20ms --fault delay=20ms --fault jitter=10ms",
            First::Service,
        ),
        ("--fault up:slice=16KiB --fault slice=16KiB", First::Client),
        (
            "--fault up:slice=64KiB --fault up:delay=10ms --fault throttle=400MiB/s --fault delay=10ms \
             --dump",
            First::Service,
        ),
    ];
    let half = (1 << 28) / 3;
    for (flags, first) in rows {
        carries(&machine, flags, half, first);
    }
}
