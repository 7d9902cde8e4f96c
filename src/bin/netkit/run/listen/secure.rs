//! TLS towards clients: reads the certificates, and reads them again when they change.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use netkit::error::Error;
use netkit::net::tls::{TlsServer, TlsServerOptions};
use tokio::signal::unix::{SignalKind, signal};

use super::super::Trouble;
use crate::messages;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Reads the certificates.
pub(super) fn open(options: Option<&TlsServerOptions>) -> Result<Option<TlsServer>, Trouble> {
    let Some(options) = options else {
        return Ok(None);
    };
    let server = TlsServer::new(options.clone())
        .map_err(|failure| Error::new("reading certificates", failure))?;
    for warning in server.warnings() {
        messages::say(&format!("warning: {warning}"));
    }
    watch(server.clone())?;
    Ok(Some(server))
}

/// Reads them again on SIGHUP and when they change, as long as the runtime lives.
fn watch(server: TlsServer) -> Result<(), Trouble> {
    let files = files(server.options());
    if files.is_empty() {
        return Ok(());
    }
    let mut hangup = signal(SignalKind::hangup())
        .map_err(|error| Error::local("listening for signals", &error))?;
    tokio::spawn(async move {
        let mut seen = stamps(&files);
        loop {
            let asked = tokio::select! {
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let now = stamps(&files);
            if !asked && now == seen {
                continue;
            }
            match server.reload() {
                Ok(()) => messages::say("certificates read again"),
                // A key may be there before its certificate: the next look finds both.
                Err(failure) => messages::say(&format!(
                    "certificates not read again, the old ones stay: {}",
                    failure.message
                )),
            }
            seen = now;
        }
    });
    Ok(())
}

fn files(options: &TlsServerOptions) -> Vec<PathBuf> {
    let identity = options.identity.iter();
    let own = identity.flat_map(|files| [files.certificate.clone(), files.key.clone()]);
    own.chain(options.client_ca.clone()).collect()
}

/// When each was last written, and how long it is.
fn stamps(files: &[PathBuf]) -> Vec<Option<(SystemTime, u64)>> {
    let stamp = |path: &PathBuf| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    };
    files.iter().map(stamp).collect()
}
