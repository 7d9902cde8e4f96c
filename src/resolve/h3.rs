//! Questions over HTTP/3 (RFC 8484 over RFC 9114): one stream each on one QUIC connection.
//!
//! The only file that imports h3 and h3-quinn.

use bytes::{Buf, Bytes};
use h3::client::SendRequest;
use h3_quinn::OpenStreams;

use crate::net::quic::QuicConnection;

use super::doh::{self, Asked};
use super::ledger::{Attempt, Step};
use super::link::{Broken, Reply};
use super::task::Task;

/// A connection that can be asked; the last owner closes it.
pub(super) struct Http3 {
    sender: SendRequest<OpenStreams, Bytes>,
    connection: QuicConnection,
    _driver: Task,
}

impl std::fmt::Debug for Http3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Http3").field(&self.connection).finish()
    }
}

impl Http3 {
    /// Begins HTTP/3 on a QUIC connection.
    pub(super) async fn new(connection: QuicConnection) -> Result<Self, Broken> {
        let raw = h3_quinn::Connection::new(connection.raw());
        let begun = h3::client::new(raw).await;
        let (mut driver, sender) = begun.map_err(|error| broken(&error))?;
        let driver = Task::spawn(async move {
            // Whoever asks hears the error from its own stream.
            let _ = std::future::poll_fn(|cx| driver.poll_close(cx)).await;
        });
        Ok(Self {
            sender,
            connection,
            _driver: driver,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// Sends a request and reads the response whole.
    pub(super) async fn ask(
        &self,
        asked: Asked,
        entry: &mut Attempt,
        step: &mut Step,
        sent: impl FnOnce(&mut Attempt),
    ) -> Result<Reply, Broken> {
        *step = Step::Send;
        let mut sender = self.sender.clone();
        let request = sender.send_request(asked.head).await;
        let mut stream = request.map_err(|error| broken(&error))?;
        if let Some(body) = asked.body {
            let body = stream.send_data(body.into()).await;
            body.map_err(|error| broken(&error))?;
        }
        stream.finish().await.map_err(|error| broken(&error))?;
        sent(entry);
        *step = Step::Receive;
        let response = stream.recv_response().await;
        let response = response.map_err(|error| broken(&error))?;
        let facts = doh::facts("3", response.status(), response.headers());
        entry.http = Some(facts);
        let mut message = Vec::new();
        while let Some(mut part) = stream.recv_data().await.map_err(|error| broken(&error))? {
            let part = part.copy_to_bytes(part.remaining());
            entry.received_bytes += part.len() as u64;
            if message.len() + part.len() > doh::MAX_BODY {
                return Err(Broken::too_long());
            }
            message.extend_from_slice(&part);
        }
        Ok(Reply(message))
    }
}

fn broken(error: &dyn std::fmt::Display) -> Broken {
    Broken::protocol(format!("HTTP/3: {error}"))
}
