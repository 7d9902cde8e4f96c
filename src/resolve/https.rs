//! Questions over HTTP/2 (RFC 8484 over RFC 9113): one stream each on one connection.

use bytes::Bytes;

use crate::net::http2::{self, SendRequest};
use crate::net::tls::TlsConnection;

use super::doh::{self, Asked};
use super::ledger::{Attempt, Step};
use super::link::{Broken, Reply};
use super::task::Task;

/// A connection that can be asked; the last owner closes it.
#[derive(Debug)]
pub(super) struct Http2 {
    sender: SendRequest<Bytes>,
    driver: Driver,
}

/// The task that moves the frames.
#[derive(Debug)]
struct Driver {
    open: tokio::sync::watch::Receiver<bool>,
    _task: Task,
}

impl Http2 {
    /// Begins HTTP/2 on an encrypted connection.
    pub(super) async fn new(connection: TlsConnection) -> Result<Self, Broken> {
        let begun = http2::begin(connection).await;
        let (sender, connection) = begun.map_err(|error| broken(&error))?;
        let (end, open) = tokio::sync::watch::channel(true);
        let task = Task::spawn(async move {
            // Whoever asks hears the error from its own stream.
            let _ = connection.await;
            end.send_replace(false);
        });
        let driver = Driver { open, _task: task };
        Ok(Self { sender, driver })
    }

    pub(super) fn is_open(&self) -> bool {
        *self.driver.open.borrow()
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
        let ready = self.sender.clone().ready().await;
        let mut sender = ready.map_err(|error| broken(&error))?;
        let is_whole = asked.body.is_none();
        let request = sender.send_request(asked.head, is_whole);
        let (response, mut stream) = request.map_err(|error| broken(&error))?;
        if let Some(body) = asked.body {
            let body = stream.send_data(body.into(), true);
            body.map_err(|error| broken(&error))?;
        }
        sent(entry);
        *step = Step::Receive;
        let response = response.await.map_err(|error| broken(&error))?;
        let facts = doh::facts("2", response.status(), response.headers());
        entry.http = Some(facts);
        let mut body = response.into_body();
        let mut message = Vec::new();
        while let Some(part) = body.data().await {
            let part = part.map_err(|error| broken(&error))?;
            entry.received_bytes += part.len() as u64;
            if message.len() + part.len() > doh::MAX_BODY {
                return Err(Broken::too_long());
            }
            message.extend_from_slice(&part);
            // A window that is not given back stops the server; an error shows up as the next part.
            let _ = body.flow_control().release_capacity(part.len());
        }
        Ok(Reply(message))
    }
}

fn broken(error: &http2::Error) -> Broken {
    match error.get_io() {
        Some(io) => io.into(),
        None if error.is_go_away() => Broken::Closed { after_bytes: 0 },
        None => Broken::protocol(format!("HTTP/2: {error}")),
    }
}
