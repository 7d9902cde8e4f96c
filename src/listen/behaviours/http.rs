//! The least that HTTP/1.1 clients take for a server (RFC 9112): 200, and what was asked.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;

use super::pool::Pool;
use super::{Ending, Stream};

/// The longest head that is read.
const MOST_HEAD: usize = 64 << 10;

/// What a request says that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    method: String,
    target: String,
    version: String,
    fields: Vec<(String, String)>,
    /// Bytes of the body; `None` if their end cannot be told (chunked).
    body: Option<u64>,
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
        let close = request.close || request.body.is_none();
        if let Some(body) = request.body
            && !skip(stream, body, &mut said, pool).await?
        {
            return Ok(Ending::Fin);
        }
        let body = request.method != "HEAD";
        let text = answer(200, "OK", &facts(&request, peer), body, close);
        stream.write_all(&text).await?;
        stream.flush().await?;
        if close {
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
    let body = match (field("transfer-encoding"), field("content-length")) {
        (Some(_), _) => None,
        (None, Some(length)) => Some(length.parse().ok()?),
        (None, None) => Some(0),
    };
    let connection = field("connection").unwrap_or_default().to_ascii_lowercase();
    let close = match version {
        "HTTP/1.0" => !connection.contains("keep-alive"),
        _ => connection.contains("close"),
    };
    Some(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        version: version.to_owned(),
        body,
        close,
        fields,
    })
}

/// Passes over the body; false if the peer closes before its end.
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
fn facts(request: &Request, peer: Option<SocketAddr>) -> String {
    let mut text = format!(
        "{} {} {}\n",
        request.method, request.target, request.version
    );
    if let Some(peer) = peer {
        let _ = writeln!(text, "peer: {peer}");
    }
    if let Some(body) = request.body {
        let _ = writeln!(text, "body: {body} bytes");
    }
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
        assert_eq!((request.body, request.close), (Some(3), false));
        let chunked = parse(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        assert_eq!(chunked.body, None);
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
