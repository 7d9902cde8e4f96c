//! The layers between a socket and whoever speaks on it, as types.
//!
//! From the wire up: the socket, what counts its bytes, what makes it go wrong (all of that is
//! [`Wire`]), bytes that were read too far, TLS ([`Carrier`]), what ends it for what is said, and
//! what copies that ([`Talk`]). The wire stays with its owner, who ends it; the rest borrows it for
//! a conversation.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::Connection;
#[cfg(feature = "tls")]
use crate::net::layers::Flushed;
use crate::net::layers::{Delayed, Faulty, Metered, Mirrored, Prefixed, Recorded, Throttled};
#[cfg(feature = "tls")]
use crate::net::tls::TlsServerStream;

/// A socket with its layers below TLS.
pub(super) type Wire = Delayed<Throttled<Faulty<Metered<Box<dyn Connection>>>>>;

/// What is said, in plain text.
pub(super) type Talk<'a> = Recorded<Mirrored<Faulty<Carrier<'a>>>>;

/// The layer that ends a conversation for what is said.
pub(super) fn heeding<'talk, 'a>(talk: &'talk mut Talk<'a>) -> &'talk mut Faulty<Carrier<'a>> {
    talk.inner_mut().inner_mut()
}

/// The layer that ends streams.
pub(super) fn faulty(wire: &mut Wire) -> &mut Faulty<Metered<Box<dyn Connection>>> {
    wire.inner_mut().inner_mut()
}

/// The socket.
pub(super) fn socket(wire: &mut Wire) -> &mut Box<dyn Connection> {
    faulty(wire).inner_mut().inner_mut()
}

/// What carries what is said: the wire itself, or TLS over it.
#[derive(Debug)]
pub(super) enum Carrier<'a> {
    /// The wire itself.
    Plain(Prefixed<&'a mut Wire>),
    /// TLS over it.
    #[cfg(feature = "tls")]
    Tls(Box<Flushed<TlsServerStream<Prefixed<&'a mut Wire>>>>),
}

/// Calls a method of the stream that it is.
macro_rules! each {
    ($carrier:expr, $stream:ident => $call:expr) => {
        match $carrier {
            Carrier::Plain($stream) => $call,
            #[cfg(feature = "tls")]
            Carrier::Tls($stream) => $call,
        }
    };
}

impl AsyncRead for Carrier<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(&mut *self, stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Carrier<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(&mut *self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut *self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut *self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
