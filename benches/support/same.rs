//! Whether two programs say the same, however much it is.
//!
//! Separate from running them for their cost: only who has a peer with the same output needs it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::process::Stdio;

use super::support::process::command;

/// Whether two programs write the same to their standard outputs, read side by side: neither is kept.
pub(crate) fn same_output(one: &[OsString], other: &[OsString]) -> io::Result<bool> {
    let start = |argv| command(argv).stdout(Stdio::piped()).spawn();
    let (mut one, mut other) = (start(one)?, start(other)?);
    let same = match (one.stdout.take(), other.stdout.take()) {
        (Some(one), Some(other)) => same_bytes(BufReader::new(one), BufReader::new(other)),
        _ => Ok(false),
    };
    // Whoever still writes finds its pipe closed.
    one.wait()?;
    other.wait()?;
    same
}

fn same_bytes(mut one: impl BufRead, mut other: impl BufRead) -> io::Result<bool> {
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let len = left.len().min(right.len());
        if left[..len] != right[..len] || len == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        one.consume(len);
        other.consume(len);
    }
}
