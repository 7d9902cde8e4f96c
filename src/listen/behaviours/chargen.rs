//! Characters without end (RFC 864), in its recommended pattern.

use std::io;

use tokio::io::AsyncWriteExt;

use super::pool::Pool;
use super::{Ending, Stream};

/// Characters of a line, before its CR and LF.
const LINE: usize = 72;
/// Where the LF stands.
const END: usize = LINE + 1;
/// The printable characters of ASCII.
const PRINTABLE: usize = 95;
/// Bytes after which the pattern begins anew.
const PERIOD: usize = PRINTABLE * (LINE + 2);

/// The pattern, without end: each line begins one character later.
pub fn pattern() -> impl Iterator<Item = u8> {
    (0..).map(|at: usize| {
        let (line, column) = (at % PERIOD / (LINE + 2), at % (LINE + 2));
        match column {
            LINE => b'\r',
            END => b'\n',
            _ => printable(line + column),
        }
    })
}

fn printable(at: usize) -> u8 {
    b' ' + u8::try_from(at % PRINTABLE).unwrap_or_default()
}

/// Sends the pattern until the peer closes; what it says is thrown away.
pub(super) async fn run(stream: &mut impl Stream, pool: &Pool) -> io::Result<Ending> {
    let page: Vec<u8> = pattern().take(PERIOD).collect();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let discard = async {
        while pool.read(&mut reader).await?.is_some() {}
        io::Result::Ok(Ending::Fin)
    };
    let generate = async {
        loop {
            writer.write_all(&page).await?;
        }
    };
    tokio::select! {
        ending = discard => ending,
        ending = generate => ending,
    }
}
