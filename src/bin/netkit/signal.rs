//! Signals: SIGINT and SIGTERM stop the run and let it report; a second one ends netkit at once;
//! SIGQUIT asks for interim statistics.

use std::io;
use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// The ears of a run.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    stopped: Arc<OnceLock<Exit>>,
    interim: Arc<Notify>,
}

impl Signals {
    /// Starts to listen; must be called inside a runtime.
    pub(crate) fn install(cancel: CancellationToken) -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut quit = signal(SignalKind::quit())?;
        let signals = Self {
            stopped: Arc::default(),
            interim: Arc::default(),
        };
        let ears = signals.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => ears.stop(Exit::Interrupted, &cancel),
                    _ = terminate.recv() => ears.stop(Exit::Terminated, &cancel),
                    _ = quit.recv() => ears.interim.notify_one(),
                }
            }
        });
        Ok(signals)
    }

    /// The status of a run that was stopped before it had anything to report.
    pub(crate) fn stopped(&self) -> Exit {
        self.stopped.get().copied().unwrap_or(Exit::Interrupted)
    }

    /// Waits for the next request for interim statistics. Cancel safe.
    pub(crate) async fn interim(&self) {
        self.interim.notified().await;
    }

    fn stop(&self, exit: Exit, cancel: &CancellationToken) {
        if self.stopped.set(exit).is_err() {
            // The second signal means: now, whatever hangs.
            std::process::exit(exit.code().into());
        }
        cancel.cancel();
    }
}
