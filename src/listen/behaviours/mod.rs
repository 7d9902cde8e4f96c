//! What a server says, over any stream of bytes.
//!
//! Small engines that know nothing of sockets, so that tests run them on streams in memory that
//! read and write in pieces. None owns a buffer while it waits: they borrow one when there is
//! something to read. (A plain echo or discard does not come here: [`crate::net::serve`] does it.)

mod chargen;
mod http;
mod pool;
mod script;
mod time_of_day;

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

pub use self::chargen::pattern;
pub use self::pool::{Lease, Pool};
pub use self::script::{Step, Unexpected};
pub use self::time_of_day::time_of_day;
use super::config::Behaviour;

/// A stream that a behaviour can run over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// How a behaviour came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The peer closed, and was told everything.
    Fin,
    /// Everything was said.
    Finished,
    /// The script says to reset.
    Reset,
    /// The peer did not say what the script expects.
    Unexpected,
}

/// Runs a behaviour until its end. The stream is then flushed, and its sending side still open.
///
/// Errs with the error of the stream. Not cancel safe: a behaviour that is dropped is not resumed.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use netkit::listen::{Behaviour, behaviours::{Ending, Pool, run}};
/// let (mut client, mut server) = tokio::io::duplex(64);
/// let behaviour = Behaviour::Greet { text: b"hello\n".to_vec(), then_echo: false };
/// let ending = run(&behaviour, &mut server, None, &Pool::default()).await.unwrap();
/// assert_eq!(ending, Ending::Finished);
/// # });
/// ```
pub async fn run(
    behaviour: &Behaviour,
    stream: &mut impl Stream,
    peer: Option<SocketAddr>,
    pool: &Pool,
) -> io::Result<Ending> {
    let ending = match behaviour {
        Behaviour::Echo => echo(stream, pool).await?,
        Behaviour::Discard => discard(stream, pool).await?,
        Behaviour::Chargen => chargen::run(stream, pool).await?,
        Behaviour::Daytime => say(stream, &time_of_day(std::time::SystemTime::now())).await?,
        Behaviour::Greet { text, then_echo } => {
            stream.write_all(text).await?;
            if *then_echo {
                echo(stream, pool).await?
            } else {
                Ending::Finished
            }
        }
        Behaviour::Heartbeat => heartbeat(stream, pool).await?,
        Behaviour::Http => http::run(stream, peer, pool).await?,
        Behaviour::Respond(text) => respond(stream, text, pool).await?,
        Behaviour::Script(steps) => script::run(stream, steps, pool).await?,
        // A program has the bare socket: there is no stream to run over.
        // Two streams are needed to forward, and `listen::forward` has them.
        Behaviour::Exec(_) | Behaviour::Forward(_) => Ending::Finished,
    };
    stream.flush().await?;
    Ok(ending)
}

/// What a behaviour answers to one datagram; false is silence.
#[must_use]
pub fn reply(behaviour: &Behaviour, question: &[u8], answer: &mut Vec<u8>) -> bool {
    match behaviour {
        Behaviour::Echo => answer.extend_from_slice(question),
        Behaviour::Chargen => answer.extend(pattern().take(question.len().max(1))),
        Behaviour::Daytime => answer.extend(time_of_day(std::time::SystemTime::now())),
        Behaviour::Greet { text, .. } | Behaviour::Respond(text) => answer.extend_from_slice(text),
        Behaviour::Heartbeat => {
            (0..lines(question).max(1)).for_each(|_| answer.extend_from_slice(ACK));
        }
        Behaviour::Discard
        | Behaviour::Http
        | Behaviour::Exec(_)
        | Behaviour::Script(_)
        | Behaviour::Forward(_) => {
            return false;
        }
    }
    true
}

const ACK: &[u8] = b"ACK\n";

/// How many lines end in it.
fn lines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

async fn say(stream: &mut impl Stream, text: &[u8]) -> io::Result<Ending> {
    stream.write_all(text).await?;
    Ok(Ending::Finished)
}

async fn echo(stream: &mut impl Stream, pool: &Pool) -> io::Result<Ending> {
    while let Some(bytes) = pool.read(stream).await? {
        stream.write_all(&bytes).await?;
    }
    Ok(Ending::Fin)
}

async fn discard(stream: &mut impl Stream, pool: &Pool) -> io::Result<Ending> {
    while pool.read(stream).await?.is_some() {}
    Ok(Ending::Fin)
}

/// `ACK\n` for each line.
async fn heartbeat(stream: &mut impl Stream, pool: &Pool) -> io::Result<Ending> {
    while let Some(bytes) = pool.read(stream).await? {
        let count = lines(&bytes);
        drop(bytes);
        for _ in 0..count {
            stream.write_all(ACK).await?;
        }
        stream.flush().await?;
    }
    Ok(Ending::Fin)
}

/// Says its text once the peer has said something, or nothing more.
async fn respond(stream: &mut impl Stream, text: &[u8], pool: &Pool) -> io::Result<Ending> {
    let _ = pool.read(stream).await?;
    say(stream, text).await
}

#[cfg(test)]
mod tests;
