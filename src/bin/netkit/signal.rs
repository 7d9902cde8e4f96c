//! Signals: SIGINT and SIGTERM stop the run and let it report; a second one ends netkit at once, in
//! the handler, whatever hangs; SIGQUIT asks for interim statistics.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// The ears of a run.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    stopped: Arc<OnceLock<Exit>>,
    interim: Arc<Notify>,
    /// Set in the handler of the first signal; the next one then ends netkit there.
    asked: Arc<AtomicBool>,
}

impl Signals {
    /// Starts to listen; must be called inside a runtime.
    pub(crate) fn install(cancel: CancellationToken) -> io::Result<Self> {
        let asked = Arc::<AtomicBool>::default();
        for (number, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
            // Handlers run in this order: the first signal finds the flag unset.
            flag::register_conditional_shutdown(number, exit.code().into(), Arc::clone(&asked))?;
            flag::register(number, Arc::clone(&asked))?;
        }
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut quit = signal(SignalKind::quit())?;
        let signals = Self {
            stopped: Arc::default(),
            interim: Arc::default(),
            asked,
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

    /// Whether a signal has asked to stop; true at once, even when the runtime is blocked.
    pub(crate) fn asked(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }

    /// From now on the first signal ends netkit at once: all that is left is to write the result.
    pub(crate) fn end_at_once(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Waits for the next request for interim statistics. Cancel safe.
    pub(crate) async fn interim(&self) {
        self.interim.notified().await;
    }

    fn stop(&self, exit: Exit, cancel: &CancellationToken) {
        // Of two signals in one breath the first gives the status.
        let _ = self.stopped.set(exit);
        cancel.cancel();
    }
}
