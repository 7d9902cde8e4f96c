//! Stands in for the client where netkit is built without the feature `tls`: it cannot be made.

use std::convert::Infallible;

use super::{Handshake, TlsOptions, Unprepared};
use crate::deadline::Deadline;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::net::Connection;

/// A client that nobody has.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsClient(Infallible);

impl TlsClient {
    /// Errs always (stage `local`, kind `unsupported`).
    pub fn new(_: &TlsOptions) -> Result<Self, Unprepared> {
        let message = "this netkit was built without TLS";
        Err(Failure::new(Stage::Local, Kind::Unsupported, message)
            .by(Who::Netkit)
            .into())
    }

    /// The same client without any memory.
    #[must_use]
    pub fn fresh(&self) -> Self {
        self.clone()
    }

    /// What is worth telling about the files that were read.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        match self.0 {}
    }

    /// Whether it offers protocols (ALPN).
    #[must_use]
    pub fn offers_protocols(&self) -> bool {
        match self.0 {}
    }

    /// Shakes hands.
    #[expect(clippy::unused_async, reason = "the form of the client that exists")]
    pub async fn meet(
        &self,
        _: Box<dyn Connection>,
        _: &str,
        _: bool,
        _: &Deadline,
    ) -> (Handshake, Result<Met, Failure>) {
        match self.0 {}
    }
}

/// What comes of a handshake that works.
#[derive(Debug)]
pub struct Met {
    /// The encrypted connection.
    pub connection: Box<dyn Connection>,
    /// Tickets of TLS 1.3 that the server has given so far; `None` in TLS 1.2.
    pub tickets: Option<u32>,
}
