//! TLS towards clients: reads the certificates, and reads them again when they change.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use netkit::error::Error;
use netkit::failure::Failure;
use netkit::net::tls::workload::TIMEOUT;
use netkit::net::tls::{TlsServer, TlsServerOptions, Unprepared};
use netkit::run::Cx;
use tokio::signal::unix::{SignalKind, signal};

use super::super::Trouble;
use super::super::workload::{Identities, ask};
use crate::messages;
use crate::output::text::escape;
use crate::plan::{ServeTls, named_by_flag};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Reads the certificates, or asks the Workload API for them.
pub(super) async fn open(
    plan: Option<&ServeTls>,
    cx: &Cx,
) -> Result<(Option<TlsServer>, Identities), Trouble> {
    let Some(ServeTls { options, workload }) = plan else {
        return Ok((None, Identities::default()));
    };
    let unprepared = |what| Trouble::from(Error::new("preparing TLS", named(what)));
    if let Some(socket) = workload {
        let asked = ask(socket, cx, TIMEOUT).await?;
        let server = TlsServer::of_workload(options.clone(), &asked.identity);
        let (server, clone) = server.map(|one| (one.clone(), one)).map_err(unprepared)?;
        let identities = asked.followed(move |identity| clone.adopt(identity).map_err(named));
        return Ok((Some(server), identities));
    }
    // Before they are read: what changes meanwhile is read again.
    let seen = stamps(&files(options));
    let server = TlsServer::new(options.clone()).map_err(unprepared)?;
    for warning in server.warnings() {
        messages::say(&format!("warning: {warning}"));
    }
    watch(server.clone(), seen)?;
    Ok((Some(server), Identities::default()))
}

/// The failure with the flag that named what is wrong.
fn named(unprepared: Unprepared) -> Failure {
    named_by_flag(unprepared, "--client-ca")
}

/// Reads them again on SIGHUP and when they are no longer those that were `seen`, as long as the runtime
/// lives.
fn watch(server: TlsServer, mut seen: Vec<Option<Stamp>>) -> Result<(), Trouble> {
    let files = files(server.options());
    if files.is_empty() {
        return Ok(());
    }
    let mut hangup = signal(SignalKind::hangup())
        .map_err(|error| Error::local("listening for signals", &error))?;
    tokio::spawn(async move {
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
                Err(unprepared) => messages::say(&escape(&format!(
                    "certificates not read again, the old ones stay: {}",
                    named(unprepared).message
                ))),
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

/// What a file is told from another by, or from itself before it was written.
#[derive(PartialEq)]
struct Stamp {
    device: u64,
    inode: u64,
    written: SystemTime,
    length: u64,
}

/// One for each; `None` where there is no file. Links are followed, so that a link that is swapped is
/// another file.
fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |path: &PathBuf| {
        let meta = std::fs::metadata(path).ok()?;
        Some(Stamp {
            device: meta.dev(),
            inode: meta.ino(),
            written: meta.modified().ok()?,
            length: meta.len(),
        })
    };
    files.iter().map(stamp).collect()
}
