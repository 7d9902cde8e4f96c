//! What an operation needs of an established connection, whatever carries it.
//!
//! TCP, UDP, Unix sockets, TLS and test doubles all look like this to the layers above.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::task::noop_waker_ref;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::relay::Bare;
use super::{Close, SocketFacts, TcpInfo};
use crate::failure::{Failure, Stage};

/// An open connection.
///
/// On a datagram transport one write is one datagram and one read returns at most one; an empty
/// datagram and the end of a stream cannot be told apart by `read`, so callers ask
/// [`is_datagram`](Self::is_datagram) before they take 0 bytes for the end.
/// Dropping a connection closes it as [`super::SocketOptions::close`] says.
pub trait Connection: AsyncRead + AsyncWrite + Debug + Send + Unpin {
    /// Whether messages keep their borders and nothing was set up before the first.
    fn is_datagram(&self) -> bool;

    /// The kernel's view of the socket: both ends and the options in force.
    fn facts(&self) -> SocketFacts;

    /// A fresh `TCP_INFO`; `None` on anything but TCP.
    fn tcp_info(&self) -> Option<TcpInfo>;

    /// Classifies an error that reading or writing gave, asking the error queue for evidence.
    fn explain(&self, stage: Stage, error: &io::Error) -> Failure;

    /// The bare socket beneath, if what is written here goes to the wire as it is, for
    /// [`super::relay`] to move bytes without copying them. Default: there is none.
    fn bare(&self) -> Option<Bare<'_>> {
        None
    }

    /// How the connection is closed when dropped. Default: in order.
    fn close(&self) -> Close {
        Close::Fin
    }

    /// Changes how the connection is closed when dropped.
    fn set_close(&mut self, close: Close);

    /// Whether anything has come that nobody asked for. What has come may be lost: this is for
    /// connections that are to be used again, which only a quiet one can be.
    fn rest(&mut self) -> Rest {
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let mut cx = Context::from_waker(noop_waker_ref());
        match Pin::new(self).poll_read(&mut cx, &mut buffer) {
            Poll::Pending => Rest::Quiet,
            Poll::Ready(Ok(())) => Rest::of(buffer.filled().len()),
            Poll::Ready(Err(_)) => Rest::Broken,
        }
    }
}

/// What is there to be read on a connection that nothing is expected on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing.
    Quiet,
    /// The peer has closed it.
    Closed,
    /// It was reset, or is broken otherwise.
    Broken,
    /// Bytes.
    Unread,
}

impl Rest {
    /// By how many bytes a read of one gave.
    pub(super) fn of(count: usize) -> Self {
        if count == 0 {
            Self::Closed
        } else {
            Self::Unread
        }
    }
}
