//! One connection: its bytes on their ways, and resets on them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::*;

/// A client's end, and the server's as a worker has it.
fn pair() -> (TcpStream, Conn) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, peer) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let conn = Conn::new(OwnedFd::from(stream), 1, 0, Some(peer), Duration::ZERO);
    (client, conn)
}

/// What a worker has for its connections.
struct Means {
    buffer: Vec<u8>,
    pipes: Pipes,
    loads: [AtomicUsize; 1],
    waiting: usize,
}

impl Means {
    fn new() -> Self {
        Self {
            buffer: vec![0; 8 << 10],
            pipes: Pipes::default(),
            loads: [AtomicUsize::new(1)],
            waiting: 0,
        }
    }

    fn round(&mut self, conn: &mut Conn, way: Way) -> Step {
        let mut lent = Lent {
            work: Work::Echo,
            buffer: &mut self.buffer,
            pipes: &mut self.pipes,
            loads: &self.loads,
            plenty: 10,
            waiting: &mut self.waiting,
            max_bytes: None,
            unseen: true,
            way,
        };
        conn.round(&mut lent, &mut None)
    }

    /// Serves, each round by its way, until it is over.
    fn serve(&mut self, conn: &mut Conn, way: impl Fn(usize) -> Way) -> Cause {
        for round in 0.. {
            match self.round(conn, way(round)) {
                Step::Over(cause) => return cause,
                Step::More => {}
                // Instead of the kernel's word that there is more: it is asked again and again.
                Step::Wait => std::thread::yield_now(),
            }
        }
        unreachable!("rounds do not end")
    }
}

fn bytes() -> Vec<u8> {
    let mixed = |at: usize| u8::try_from((at ^ (at >> 9)) & 0xff).unwrap();
    (0..24 << 20).map(mixed).collect()
}

#[test]
fn a_stream_keeps_its_bytes_while_it_changes_between_buffer_and_pipe() {
    let (client, mut conn) = pair();
    let (mut reader, mut writer) = (client.try_clone().unwrap(), client);
    let sender = std::thread::spawn(move || {
        writer.write_all(&bytes()).unwrap();
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let receiver = std::thread::spawn(move || {
        let mut heard = Vec::new();
        // The server's end closes when the connection is dropped.
        reader.read_to_end(&mut heard).unwrap();
        assert!(heard == bytes(), "{} bytes, or other ones", heard.len());
    });
    let mut means = Means::new();
    let ways = |round: usize| {
        if (round / 16).is_multiple_of(2) {
            Way::Usual
        } else {
            Way::Other
        }
    };
    let cause = means.serve(&mut conn, ways);
    assert_eq!(
        (cause, conn.bytes_in, conn.bytes_out),
        (Cause::Fin, 24 << 20, 24 << 20)
    );
    assert!(means.pipes.clear(), "nothing went through a pipe");
    assert_eq!(means.waiting, 0);
    drop(conn);
    sender.join().unwrap();
    receiver.join().unwrap();
}

#[test]
fn a_reset_takes_what_was_in_the_pipe_and_the_next_stream_gets_a_new_one() {
    let mut means = Means::new();
    let piece = vec![7; 256 << 10];
    // More than the pool has pipes: places that were lost for good would show.
    for _ in 0..40 {
        let (mut client, mut conn) = pair();
        client.set_nonblocking(true).unwrap();
        while !matches!(conn.extra.as_deref(), Some(Extra::Piped { .. })) {
            // What does not fit is not sent; more comes in the next round.
            let _ = client.write(&piece);
            if !conn.streams() {
                let _ = client.read(&mut vec![0; 1 << 20]);
            }
            assert!(!matches!(means.round(&mut conn, Way::Other), Step::Over(_)));
        }
        // Closing with unread bytes resets.
        drop(client);
        assert_eq!(means.serve(&mut conn, |_| Way::Other), Cause::Reset);
        conn.forget(&mut means.pipes, &mut means.waiting);
    }
}
