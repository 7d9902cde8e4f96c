//! The least that HTTP/1.1 clients take for a server (RFC 9112): 200, and what was asked.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;

use super::pool::Pool;
use super::{Ending, Stream};

/// The longest head that is read.
const MOST_HEAD: usize = 64 << 10;

/// The longest line between the chunks of a body.
const MOST_LINE: usize = 8 << 10;

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// So many bytes.
    Length(u64),
    /// The chunks tell (RFC 9112 §7.1).
    Chunked,
}

/// What a request says that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    method: String,
    target: String,
    version: String,
    fields: Vec<(String, String)>,
    body: Body,
    /// It waits to be told to go on before it sends its body (RFC 9110 §10.1.1).
    waits: bool,
    close: bool,
}

/// Answers requests, one after the other, until the peer closes or a request says to.
pub(super) async fn run(
    stream: &mut impl Stream,
    peer: Option<SocketAddr>,
    pool: &Pool,
) -> io::Result<Ending> {
    let mut said = Vec::new();
    loop {
        let head = match read_head(stream, &mut said, pool).await? {
            Head::Read(length) => said.drain(..length).collect::<Vec<_>>(),
            Head::End => return Ok(Ending::Fin),
            Head::TooLong => {
                let text = answer(431, "Request Header Fields Too Large", "", true, true);
                stream.write_all(&text).await?;
                return Ok(Ending::Finished);
            }
        };
        let Some(request) = parse(&head) else {
            let text = answer(400, "Bad Request", "this is not HTTP/1\n", true, true);
            stream.write_all(&text).await?;
            return Ok(Ending::Finished);
        };
        // Whose body is on its way already waits no more.
        if request.waits && said.is_empty() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            stream.flush().await?;
        }
        let length = match read_body(stream, request.body, &mut said, pool).await? {
            Read::Whole(length) => length,
            Read::End => return Ok(Ending::Fin),
            Read::Malformed => {
                let text = answer(400, "Bad Request", "these are no chunks\n", true, true);
                stream.write_all(&text).await?;
                return Ok(Ending::Finished);
            }
        };
        let body = request.method != "HEAD";
        let facts = facts(&request, length, peer);
        let text = answer(200, "OK", &facts, body, request.close);
        stream.write_all(&text).await?;
        stream.flush().await?;
        if request.close {
            return Ok(Ending::Finished);
        }
    }
}

enum Head {
    /// So many bytes, the empty line included.
    Read(usize),
    End,
    TooLong,
}

async fn read_head(stream: &mut impl Stream, said: &mut Vec<u8>, pool: &Pool) -> io::Result<Head> {
    loop {
        if let Some(length) = end_of_head(said) {
            return Ok(Head::Read(length));
        }
        if said.len() > MOST_HEAD {
            return Ok(Head::TooLong);
        }
        match pool.read(stream).await? {
            Some(bytes) => said.extend_from_slice(&bytes),
            None => return Ok(Head::End),
        }
    }
}

/// Where the empty line ends; a bare LF ends a line too (RFC 9112 §2.2).
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let mut line = 0;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let content = &bytes[line..at];
        if line > 0 && (content.is_empty() || content == b"\r") {
            return Some(at + 1);
        }
        line = at + 1;
    }
    None
}

/// Reads a head; `None` if it is none.
pub(super) fn parse(head: &[u8]) -> Option<Request> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let token = |c: char| c.is_ascii_uppercase() || c == '-';
    if method.is_empty() || !method.chars().all(token) || !version.starts_with("HTTP/1.") {
        return None;
    }
    let fields = lines.take_while(|line| !line.is_empty());
    let fields: Option<Vec<_>> = fields.map(|line| line.split_once(':')).collect();
    let fields: Vec<(String, String)> = fields?
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let field = |wanted: &str| {
        let found = fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    };
    let (coding, length) = (field("transfer-encoding"), field("content-length"));
    let body = match (coding.map(str::to_ascii_lowercase), length) {
        // RFC 9112 section 6.3: where something else comes last, nobody knows the end.
        (Some(coding), _) if coding.ends_with("chunked") => Body::Chunked,
        (Some(_), _) => return None,
        (None, Some(length)) => Body::Length(length.parse().ok()?),
        (None, None) => Body::Length(0),
    };
    let expects = field("expect").is_some_and(|what| what.eq_ignore_ascii_case("100-continue"));
    let waits = expects && version != "HTTP/1.0" && body != Body::Length(0);
    // The same section: two lengths may be an attempt at smuggling.
    let two_lengths = coding.is_some() && length.is_some();
    let connection = field("connection").unwrap_or_default().to_ascii_lowercase();
    let close = match version {
        "HTTP/1.0" => !connection.contains("keep-alive"),
        _ => connection.contains("close") || two_lengths,
    };
    Some(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        version: version.to_owned(),
        body,
        waits,
        close,
        fields,
    })
}

enum Read {
    /// Of so many bytes.
    Whole(u64),
    /// The peer has closed before.
    End,
    /// It is not what was announced.
    Malformed,
}

/// Passes over the body.
async fn read_body(
    stream: &mut impl Stream,
    body: Body,
    said: &mut Vec<u8>,
    pool: &Pool,
) -> io::Result<Read> {
    let Body::Length(length) = body else {
        return read_chunks(stream, said, pool).await;
    };
    Ok(if skip(stream, length, said, pool).await? {
        Read::Whole(length)
    } else {
        Read::End
    })
}

/// Passes over chunks up to the last, and what trails them.
async fn read_chunks(
    stream: &mut impl Stream,
    said: &mut Vec<u8>,
    pool: &Pool,
) -> io::Result<Read> {
    let mut total = 0_u64;
    loop {
        let line = match read_line(stream, said, pool).await? {
            Line::Read(line) => line,
            Line::End => return Ok(Read::End),
            Line::TooLong => return Ok(Read::Malformed),
        };
        let Some(size) = size_of_chunk(&line) else {
            return Ok(Read::Malformed);
        };
        if size == 0 {
            break;
        }
        if !skip(stream, size, said, pool).await? {
            return Ok(Read::End);
        }
        total = total.saturating_add(size);
        match read_line(stream, said, pool).await? {
            Line::Read(line) if line.is_empty() => {}
            Line::End => return Ok(Read::End),
            _ => return Ok(Read::Malformed),
        }
    }
    loop {
        match read_line(stream, said, pool).await? {
            Line::Read(line) if line.is_empty() => return Ok(Read::Whole(total)),
            Line::Read(_) => {}
            Line::End => return Ok(Read::End),
            Line::TooLong => return Ok(Read::Malformed),
        }
    }
}

/// The size that begins a chunk, in hexadecimal; what is said of it after a semicolon is ignored.
fn size_of_chunk(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let text = std::str::from_utf8(digits).ok()?;
    let hexadecimal = text.chars().all(|digit| digit.is_ascii_hexdigit());
    hexadecimal
        .then(|| u64::from_str_radix(text, 16).ok())
        .flatten()
}

enum Line {
    /// Without its end.
    Read(Vec<u8>),
    End,
    TooLong,
}

async fn read_line(stream: &mut impl Stream, said: &mut Vec<u8>, pool: &Pool) -> io::Result<Line> {
    loop {
        if let Some(at) = said.iter().position(|byte| *byte == b'\n') {
            let mut line: Vec<u8> = said.drain(..=at).collect();
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Line::Read(line));
        }
        if said.len() > MOST_LINE {
            return Ok(Line::TooLong);
        }
        match pool.read(stream).await? {
            Some(bytes) => said.extend_from_slice(&bytes),
            None => return Ok(Line::End),
        }
    }
}

/// Passes over so many bytes; false if the peer closes before its end.
async fn skip(
    stream: &mut impl Stream,
    mut left: u64,
    said: &mut Vec<u8>,
    pool: &Pool,
) -> io::Result<bool> {
    loop {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(said.len());
        said.drain(..here);
        left -= here as u64;
        if left == 0 {
            return Ok(true);
        }
        match pool.read(stream).await? {
            Some(bytes) => said.extend_from_slice(&bytes),
            None => return Ok(false),
        }
    }
}

/// What was asked, a fact a line.
fn facts(request: &Request, length: u64, peer: Option<SocketAddr>) -> String {
    let mut text = format!(
        "{} {} {}\n",
        request.method, request.target, request.version
    );
    if let Some(peer) = peer {
        let _ = writeln!(text, "peer: {peer}");
    }
    let _ = writeln!(text, "body: {length} bytes");
    for (name, value) in &request.fields {
        let _ = writeln!(text, "{name}: {value}");
    }
    text
}

fn answer(status: u16, reason: &str, text: &str, body: bool, close: bool) -> Vec<u8> {
    let connection = if close { "close" } else { "keep-alive" };
    let length = text.len();
    let text = if body { text } else { "" };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: {connection}\r\n\r\n{text}"
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_is_read() {
        let request = parse(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n").unwrap();
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", "/x")
        );
        assert_eq!((request.body, request.close), (Body::Length(3), false));
        let chunked = parse(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        assert_eq!(chunked.body, Body::Chunked);
        assert!(parse(b"GET / HTTP/1.0\r\n\r\n").unwrap().close);
    }

    #[test]
    fn what_is_no_request_is_none() {
        for text in [
            "",
            "\r\n\r\n",
            "GET\r\n\r\n",
            "get / HTTP/1.1\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = parse(&bytes);
            let _ = end_of_head(&bytes);
        }
    }
}
