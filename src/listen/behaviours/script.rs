//! A conversation by the book: say, expect, wait, end.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::pool::Pool;
use super::{Ending, Stream};

/// One line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Says these bytes.
    Send(Vec<u8>),
    /// Waits until these bytes have come; what came before them is passed over.
    Expect(Vec<u8>),
    /// Does nothing for so long.
    Wait(Duration),
    /// Sends back what comes, to the end.
    Echo,
    /// Resets.
    Reset,
    /// Closes; also the end of every script.
    Close,
}

/// What the peer said instead, at most so many of its last bytes.
const PASSED_OVER: usize = 64 << 10;

/// The peer closed, or said too much, before it said what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unexpected;

/// Follows the script.
pub(super) async fn run(
    stream: &mut impl Stream,
    steps: &[Step],
    pool: &Pool,
) -> io::Result<Ending> {
    let mut heard = Vec::new();
    for step in steps {
        match step {
            Step::Send(bytes) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
            }
            Step::Expect(bytes) => {
                if expect(stream, bytes, &mut heard, pool).await? == Err(Unexpected) {
                    return Ok(Ending::Unexpected);
                }
            }
            Step::Wait(time) => tokio::time::sleep(*time).await,
            Step::Echo => {
                stream.write_all(&heard).await?;
                return super::echo(stream, pool).await;
            }
            Step::Reset => return Ok(Ending::Reset),
            Step::Close => break,
        }
    }
    Ok(Ending::Finished)
}

/// Waits for bytes; what has come after them is kept in `heard`.
async fn expect(
    stream: &mut impl Stream,
    wanted: &[u8],
    heard: &mut Vec<u8>,
    pool: &Pool,
) -> io::Result<Result<(), Unexpected>> {
    loop {
        if let Some(at) = find(heard, wanted) {
            heard.drain(..at + wanted.len());
            return Ok(Ok(()));
        }
        // Only what may be the beginning of the wanted bytes is still of interest.
        let keep = wanted.len().saturating_sub(1).min(heard.len());
        if heard.len() > PASSED_OVER + keep {
            heard.drain(..heard.len() - keep);
        }
        match pool.read(stream).await? {
            Some(bytes) => heard.extend_from_slice(&bytes),
            None => return Ok(Err(Unexpected)),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
