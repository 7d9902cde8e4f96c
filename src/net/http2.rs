//! HTTP/2 (RFC 9113) as a client, over any stream: the only file that names h2.
//!
//! For questions over HTTPS and for the Workload API of SPIFFE (gRPC). It knows of no request; whoever
//! makes one takes the types from here, so that an upgrade begins in one place.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use h2::client::{Connection, SendRequest};
pub(crate) use h2::{Error, RecvStream};

/// Begins HTTP/2: says hello and waits for nothing. The connection moves the frames, and must be polled
/// for anything to happen. Cancel safe: dropping the future drops the stream.
pub(crate) async fn begin<T>(stream: T) -> Result<(SendRequest<Bytes>, Connection<T>), Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = h2::client::Builder::new();
    builder.enable_push(false);
    builder.handshake(stream).await
}
