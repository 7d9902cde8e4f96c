//! Connect probes: a dial of its own a beat, any number of them under way.

use std::time::Duration;

use tokio::time::Instant;

use super::config::Config;
use super::event::Certificate;
use super::link::Boxed;
use super::waiting::Pending;
use crate::addr::Target;
use crate::dial;
use crate::event::Ignore;
use crate::failure::Failure;
use crate::io::Io;
use crate::run::Cx;

/// A connect probe that is over.
pub(super) struct Connected {
    pub(super) beat: Pending,
    pub(super) sent: Instant,
    /// When it was over.
    pub(super) at: Instant,
    /// All stalls of this machine when it began.
    pub(super) stalled: Duration,
    pub(super) result: Result<Duration, Box<Failure>>,
    pub(super) certificate: Option<Box<Certificate>>,
}

/// Begins one.
pub(super) fn connect<'a, I: Io>(
    target: &'a Target,
    config: &'a Config,
    io: &'a I,
    beat: Pending,
    stalled: Duration,
) -> Boxed<'a, Connected> {
    let sent = Instant::now();
    Box::pin(async move {
        let dial = dial::Config {
            timeout: config.timeout(),
            ..config.dial.clone()
        };
        let report = dial::run(target, &dial, io, &Cx::default(), &mut Ignore).await;
        let at = Instant::now();
        let whole = at.saturating_duration_since(sent);
        let connected = report.connected_after();
        let certificate = report.tls.as_ref().and_then(Certificate::of);
        let result = match report.failure {
            Some(failure) => Err(Box::new(failure)),
            None => Ok(connected.unwrap_or(whole)),
        };
        Connected {
            beat,
            sent,
            at,
            stalled,
            result,
            certificate,
        }
    })
}
