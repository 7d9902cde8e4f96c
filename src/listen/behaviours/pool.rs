//! Buffers that belong to nobody while nothing comes: a connection borrows one to read.

use std::cell::RefCell;
use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// Bytes read at once.
const SIZE: usize = 64 << 10;
/// Buffers that are kept; more are made when more are borrowed at once, and then dropped.
const KEPT: usize = 16;

/// The buffers.
#[derive(Clone, Debug, Default)]
pub struct Pool(Rc<RefCell<Vec<Box<[u8]>>>>);

/// Bytes that were read, in a buffer that goes back when they are dropped.
#[derive(Debug)]
pub struct Lease {
    buffer: Box<[u8]>,
    len: usize,
    pool: Pool,
}

impl Deref for Lease {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.buffer));
    }
}

impl Pool {
    /// Waits for bytes; `None` is the end of the stream. Cancel safe.
    pub async fn read(&self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Lease>> {
        std::future::poll_fn(|cx| self.poll_read(stream, cx)).await
    }

    /// Reads, if there is something to read; `None` is the end of the stream.
    pub fn poll_read(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Lease>>> {
        let mut buffer = self.take();
        let mut room = ReadBuf::new(&mut buffer);
        let polled = Pin::new(stream).poll_read(cx, &mut room);
        let len = room.filled().len();
        match polled {
            Poll::Ready(Ok(())) if len > 0 => {
                let pool = self.clone();
                Poll::Ready(Ok(Some(Lease { buffer, len, pool })))
            }
            other => {
                self.give(buffer);
                other.map_ok(|()| None)
            }
        }
    }

    fn take(&self) -> Box<[u8]> {
        let kept = self.0.borrow_mut().pop();
        kept.unwrap_or_else(|| vec![0; SIZE].into())
    }

    fn give(&self, buffer: Box<[u8]>) {
        let mut kept = self.0.borrow_mut();
        if kept.len() < KEPT && buffer.len() == SIZE {
            kept.push(buffer);
        }
    }
}
