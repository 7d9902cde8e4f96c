//! Unix sockets as targets: `unix:/run/x.sock`, `unix:@abstract`, `unixgram:…`.

use std::path::PathBuf;

use super::piece::Piece;
use super::{ParseError, UnixPath};

/// `sun_path` has 108 bytes, one of them for the final (or, in the abstract namespace, first) NUL.
const MAX_PATH: usize = 107;

const EXPECTED: &str = "a path or an abstract name, such as unix:/run/x.sock or unix:@name";

/// Reads what stands after `unix:`; `//` before an absolute path is allowed, as in a URL.
pub(super) fn parse_unix(piece: Piece<'_>) -> Result<UnixPath, ParseError> {
    let path = strip_authority(piece)?;
    let text = path.text();
    if text.is_empty() || text == "@" {
        return Err(path.error("the name of the socket is missing", EXPECTED));
    }
    if let Some(at) = text.find('\0') {
        let nul = path.slice(at..at + 1);
        return Err(nul.error("a NUL cannot be in the name of a socket", EXPECTED));
    }
    let abstract_name = text.strip_prefix('@');
    let length = abstract_name.unwrap_or(text).len();
    if length > MAX_PATH {
        let message = format!("the name of the socket has {length} bytes");
        return Err(path.error(message, format!("at most {MAX_PATH} bytes")));
    }
    Ok(match abstract_name {
        Some(name) => UnixPath::Abstract(name.as_bytes().to_vec()),
        None => UnixPath::File(PathBuf::from(text)),
    })
}

/// `//` and an absolute path, or the path itself; of several leading slashes one is kept, so that
/// the joined form reads back.
fn strip_authority(piece: Piece<'_>) -> Result<Piece<'_>, ParseError> {
    let text = piece.text();
    let slashes = text.len() - text.trim_start_matches('/').len();
    match slashes {
        0 | 1 => Ok(piece),
        2 if text.len() > 2 && !text.starts_with("//@") => {
            let host = piece.slice(2..text[2..].find('/').map_or(text.len(), |at| at + 2));
            Err(host
                .error("a Unix socket has no host", EXPECTED)
                .suggest(piece.replaced(&text[1..])))
        }
        2 => Ok(piece.after(2)),
        _ => Ok(piece.after(slashes - 1)),
    }
}
