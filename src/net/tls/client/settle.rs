//! Taking in what a server says right after the handshake of TLS 1.3.
//!
//! There the client is done before the server has looked at its certificate: a refusal comes as the
//! first thing after, and so do the tickets that a later session resumes with (RFC 8446 §4.6.1).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::super::library::ClientStream;
use super::super::library::rustls::client::ClientConnection;
use super::super::sniff::Sniffed;
use super::tickets;
use crate::deadline::Deadline;

/// What a server may need beside a round trip to look at a certificate.
const PATIENCE: Duration = Duration::from_millis(100);
/// However slow the handshake was.
const MOST_PATIENCE: Duration = Duration::from_secs(2);

/// Waits for the server's first word where one is wanted: a refusal (an error), tickets or data.
/// Silence is no error.
pub(super) async fn settle(
    stream: &mut ClientStream<Sniffed>,
    asked: bool,
    resumable: bool,
    handshake: Duration,
    deadline: &Deadline,
) -> io::Result<()> {
    let has_tickets = tickets(stream.get_ref().1).is_some();
    if !has_tickets || !(asked || resumable) {
        return Ok(());
    }
    let patience = (handshake * 2 + PATIENCE).min(MOST_PATIENCE);
    let patience = deadline.within(Instant::now(), patience);
    let heard = patience
        .bound(poll_fn(|cx| poll_first_word(stream, cx)))
        .await;
    heard.unwrap_or(Ok(()))
}

/// Feeds the session until it has a ticket or data, or the server closes. What it has stays in the
/// session, for whoever reads next.
fn poll_first_word(
    stream: &mut ClientStream<Sniffed>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let (io, session) = stream.get_mut();
    let mut space = [0; 4096];
    loop {
        if session.tls13_tickets_received() > 0 {
            return Poll::Ready(Ok(()));
        }
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer))?;
        let has_data = feed(session, buffer.filled())?;
        if has_data || buffer.filled().is_empty() {
            return Poll::Ready(Ok(()));
        }
    }
}

/// Gives bytes to the session (none is the end); tells whether it holds data for a reader.
fn feed(session: &mut ClientConnection, mut bytes: &[u8]) -> io::Result<bool> {
    loop {
        session.read_tls(&mut bytes)?;
        let state = session
            .process_new_packets()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if bytes.is_empty() {
            return Ok(state.plaintext_bytes_to_read() > 0);
        }
    }
}
