//! A connection whose other end is a script on an in-memory stream.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use netkit::failure::{Failure, Kind, Stage, Who};
use netkit::net::{Close, Connection, SocketFacts, TcpInfo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use super::{Open, Peer};

/// Small, so that writes are partial and both sides must make progress.
const BUFFER: usize = 7;

#[derive(Debug)]
pub(crate) struct FakeConnection {
    stream: DuplexStream,
    peer: SocketAddr,
    takes: Option<usize>,
    _open: Open,
}

impl FakeConnection {
    pub(super) fn new(peer: SocketAddr, script: Peer, open: Open) -> Self {
        let (stream, other) = tokio::io::duplex(BUFFER);
        let takes = script.breaks_after;
        tokio::spawn(play(script, other));
        Self {
            stream,
            peer,
            takes,
            _open: open,
        }
    }
}

#[cfg(feature = "tls")]
impl FakeConnection {
    /// A peer that speaks TLS and sends back what it gets.
    pub(super) fn encrypted(
        peer: SocketAddr,
        config: std::sync::Arc<tokio_rustls::rustls::ServerConfig>,
        open: Open,
    ) -> Self {
        let (stream, other) = tokio::io::duplex(BUFFER);
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        tokio::spawn(async move { crate::tls_server::echo(acceptor.accept(other).await?).await });
        Self {
            stream,
            peer,
            takes: None,
            _open: open,
        }
    }
}

async fn play(script: Peer, mut stream: DuplexStream) -> io::Result<()> {
    stream.write_all(&script.greeting).await?;
    if script.close {
        return stream.shutdown().await;
    }
    let mut chunk = [0; 5];
    let mut left = script.closes_after.unwrap_or(usize::MAX);
    loop {
        let count = stream.read(&mut chunk).await?;
        left = left.saturating_sub(count);
        if count == 0 || left == 0 {
            return stream.shutdown().await;
        }
        if script.echo {
            tokio::time::sleep(script.delay).await;
            stream.write_all(&chunk[..count]).await?;
        }
    }
}

impl AsyncRead for FakeConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for FakeConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(takes) = self.takes.as_mut() else {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        };
        let count = bytes.len().min(*takes);
        *takes -= count;
        Poll::Ready(match count {
            0 => Err(io::ErrorKind::BrokenPipe.into()),
            count => Ok(count),
        })
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connection for FakeConnection {
    fn is_datagram(&self) -> bool {
        false
    }

    fn facts(&self) -> SocketFacts {
        SocketFacts {
            local: Some("192.0.2.1:40000".to_owned()),
            peer: Some(self.peer.to_string()),
            ..SocketFacts::default()
        }
    }

    fn tcp_info(&self) -> Option<TcpInfo> {
        None
    }

    fn explain(&self, stage: Stage, error: &io::Error) -> Failure {
        Failure::new(stage, Kind::Reset, error.to_string()).by(Who::Peer)
    }

    fn set_close(&mut self, _: Close) {}
}
