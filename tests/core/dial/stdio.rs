//! The relay between standard streams and a connection loses nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use netkit::deadline::Deadline;
use netkit::dial::stdio::{self, Progress, Relayed};
use netkit::dial::{self, Config};
use netkit::event::Ignore;
use netkit::run::Cx;
use tokio::io::{AsyncReadExt, AsyncWrite};

use super::{V4, literal, ms};
use crate::fakes::{Connect, FakeIo, Peer};

/// Relays `input` to a scripted peer and returns what came out, with the account of it.
async fn relay(peer: Peer, input: &[u8], interactive: bool) -> (Vec<u8>, Relayed) {
    let io = FakeIo::default().connect(V4, Connect::After(ms(1), peer));
    let (target, config, cx) = (literal(V4), Config::default(), Cx::default());
    let (report, connection) = dial::open(&target, &config, &io, &cx, &mut Ignore).await;
    assert!(report.ok);
    let connection = connection.expect("a connection");
    let (config, mut output) = (
        stdio::Config {
            interactive,
            ..Default::default()
        },
        Vec::new(),
    );
    let deadline = Deadline::after(ms(60_000));
    let relayed = stdio::relay(
        connection,
        input,
        &mut output,
        config,
        &Progress::default(),
        &deadline,
    )
    .await;
    assert_eq!(io.open(), 0);
    (output, relayed.expect("no local error"))
}

#[tokio::test(start_paused = true)]
async fn everything_sent_to_an_echo_comes_back_and_both_sides_end() {
    let input: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let echo = Peer {
        echo: true,
        ..Peer::default()
    };
    let (output, relayed) = relay(echo, &input, false).await;
    assert!(
        output == input,
        "{} of {} bytes came back",
        output.len(),
        input.len()
    );
    assert_eq!(
        (relayed.sent_bytes, relayed.received_bytes),
        (200_000, 200_000)
    );
    assert_eq!((relayed.failure, relayed.interrupted), (None, false));
}

#[tokio::test(start_paused = true)]
async fn an_empty_input_still_receives_to_the_end() {
    let peer = Peer {
        greeting: b"220 hello\r\n".to_vec(),
        close: true,
        ..Peer::default()
    };
    let (output, relayed) = relay(peer, b"", false).await;
    assert_eq!(output, b"220 hello\r\n");
    assert_eq!(relayed.failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_terminal_input_ends_with_the_peer() {
    let peer = Peer {
        greeting: b"bye".to_vec(),
        close: true,
        ..Peer::default()
    };
    let io = FakeIo::default().connect(V4, Connect::After(ms(1), peer));
    let (target, config, cx) = (literal(V4), Config::default(), Cx::default());
    let (_, connection) = dial::open(&target, &config, &io, &cx, &mut Ignore).await;
    let config = stdio::Config {
        interactive: true,
        ..Default::default()
    };
    let (deadline, mut output) = (Deadline::after(ms(60_000)), Vec::new());
    let (keyboard, _held_open) = tokio::io::duplex(1);
    let connection = connection.expect("a connection");
    let relayed = stdio::relay(
        connection,
        keyboard,
        &mut output,
        config,
        &Progress::default(),
        &deadline,
    )
    .await;
    assert!(!relayed.expect("no local error").interrupted);
    assert_eq!(output, b"bye");
}

/// An output like a full disk.
struct Full;

impl AsyncWrite for Full {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::StorageFull.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_an_error_of_this_machine_and_ends_the_relay() {
    let peer = Peer {
        greeting: b"data".to_vec(),
        ..Peer::default()
    };
    let io = FakeIo::default().connect(V4, Connect::After(ms(1), peer));
    let (target, config, cx) = (literal(V4), Config::default(), Cx::default());
    let (_, connection) = dial::open(&target, &config, &io, &cx, &mut Ignore).await;
    let (deadline, connection) = (
        Deadline::after(ms(60_000)),
        connection.expect("a connection"),
    );
    let (input, config) = (
        tokio::io::empty().chain(&b"x"[..]),
        stdio::Config::default(),
    );
    let error = stdio::relay(
        connection,
        input,
        Full,
        config,
        &Progress::default(),
        &deadline,
    )
    .await;
    assert_eq!(
        error.expect_err("a full disk").kind(),
        io::ErrorKind::StorageFull
    );
    assert_eq!(io.open(), 0);
}
