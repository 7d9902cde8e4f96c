//! placeholder until the engine lands
#![expect(missing_docs, clippy::all, clippy::pedantic)]
use super::{Connected, SocketOptions};
use crate::failure::Failure;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;
#[derive(Debug)]
pub struct Config<'a> {
    pub timeout: Duration,
    pub parallel: Option<usize>,
    pub options: &'a SocketOptions,
}
#[derive(Debug)]
pub struct Swept<T> {
    pub token: T,
    pub addr: SocketAddr,
    pub started: Instant,
    pub ended: Instant,
    pub result: Result<Connected, Failure>,
}
pub async fn sweep<T>(
    _targets: impl Iterator<Item = (SocketAddr, T)>,
    _config: &Config<'_>,
    _stop: &tokio_util::sync::CancellationToken,
    _collect: impl FnMut(Swept<T>),
) {
}
