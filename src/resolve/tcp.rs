//! One question over one TCP connection (RFC 7766): two octets of length before each message.
//!
//! Separate because it touches the wire. It fills its ledger entry and decides nothing.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::exchange::Clock;
use super::ledger::{Attempt, End, Step};
use super::query::Query;
use super::wire::Reply;

/// Asks over a fresh connection, by the deadline of `clock`. The entry is closed when this returns.
///
/// Cancel safe: dropping the future closes the connection.
pub(super) async fn ask(
    server: SocketAddr,
    query: &Query,
    entry: &mut Attempt,
    clock: &Clock,
) -> Option<(Reply, Box<[u8]>)> {
    let mut step = Step::Connect;
    let talk = talk(server, query, entry, clock, &mut step);
    let (end, reply) = match clock.deadline.bound(talk).await {
        Ok(Ok(reply)) if reply.0.truncated => (End::Truncated, Some(reply)),
        Ok(Ok(reply)) => (End::Replied(reply.0.rcode), Some(reply)),
        Ok(Err(Broken::Closed { after_bytes })) => (End::Closed { after_bytes }, None),
        Ok(Err(Broken::Unusable)) => (End::Unusable, None),
        Ok(Err(Broken::System(error))) => (End::failed(step, &error), None),
        Err(expired) => (End::expired(step, expired), None),
    };
    entry.close(clock.elapsed(), end);
    reply
}

/// Why a conversation ended without a reply.
enum Broken {
    Closed { after_bytes: usize },
    Unusable,
    System(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Connects, asks, and reads messages until one answers the question.
async fn talk(
    server: SocketAddr,
    query: &Query,
    entry: &mut Attempt,
    clock: &Clock,
    step: &mut Step,
) -> Result<(Reply, Box<[u8]>), Broken> {
    let mut stream = TcpStream::connect(server).await?;
    entry.local = stream.local_addr().ok();
    *step = Step::Send;
    stream.write_all(&framed(query.bytes())).await?;
    (entry.sent, entry.asked) = (1, Some(clock.elapsed()));
    *step = Step::Receive;
    loop {
        let message = read_message(&mut stream).await?;
        entry.received_bytes += message.len() as u64;
        match query.reply(&message) {
            Ok(reply) => return Ok((reply, message.into())),
            Err(why) => {
                let is_last = why.is_bad_reply();
                entry.ignore(clock.elapsed(), &message, why);
                if is_last {
                    return Err(Broken::Unusable);
                }
            }
        }
    }
}

/// One write for length and message: two would be two segments (RFC 7766 §8).
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a question is far below 64 KiB");
    [&length.to_be_bytes(), message].concat()
}

async fn read_message(stream: &mut TcpStream) -> Result<Vec<u8>, Broken> {
    let mut length = [0; 2];
    read_whole(stream, &mut length).await?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    read_whole(stream, &mut message).await?;
    Ok(message)
}

/// Fills the buffer, or says how much came before the end.
async fn read_whole(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(), Broken> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]).await? {
            0 => {
                return Err(Broken::Closed {
                    after_bytes: filled,
                });
            }
            count => filled += count,
        }
    }
    Ok(())
}
