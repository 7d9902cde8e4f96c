//! Signals: SIGINT and SIGTERM stop the run and let it report; a second one ends netkit at once, in
//! the handler, whatever hangs; SIGQUIT asks for interim statistics.
//!
//! The handlers of the first two are registered before anything else ([`heed`]), long before there is
//! a runtime to hear of them: what comes while netkit is starting is remembered.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// The signals that stop a run, and the status of one that had nothing to report.
const STOPPING: [(i32, Exit); 2] = [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)];

/// What the handlers set.
#[derive(Debug, Default)]
struct Heard {
    /// Set by the first signal; the next one then ends netkit in its handler.
    asked: Arc<AtomicBool>,
    /// The place of the last one in [`STOPPING`], plus one; 0 while there was none.
    which: Arc<AtomicUsize>,
}

/// Handlers are the process's, so this is too.
static HEARD: OnceLock<Heard> = OnceLock::new();

impl Heard {
    fn register() -> io::Result<Self> {
        let heard = Self::default();
        for (place, (number, exit)) in (1..).zip(STOPPING) {
            // Handlers run in this order: the first signal finds the flag unset.
            let (asked, which) = (Arc::clone(&heard.asked), Arc::clone(&heard.which));
            flag::register_conditional_shutdown(number, exit.code().into(), Arc::clone(&asked))?;
            flag::register_usize(number, which, place)?;
            flag::register(number, asked)?;
        }
        Ok(heard)
    }

    /// The status that the signal asks for, if one has come.
    fn exit(&self) -> Option<Exit> {
        let place = self.which.load(Ordering::SeqCst).checked_sub(1)?;
        STOPPING.get(place).map(|(_, exit)| *exit)
    }
}

/// Registers the handlers, once a process.
fn heard() -> io::Result<&'static Heard> {
    if let Some(heard) = HEARD.get() {
        return Ok(heard);
    }
    let heard = Heard::register()?;
    Ok(HEARD.get_or_init(|| heard))
}

/// From now on the first signal is remembered for the run that is about to begin. Errs when the
/// system refuses the handlers.
pub(crate) fn heed() -> io::Result<()> {
    heard().map(drop)
}

/// Does what may wait for ever before the run has begun (reading a list that is typed): meanwhile the
/// first signal ends netkit at once.
pub(crate) fn ending_at_once<T>(read: impl FnOnce() -> T) -> T {
    let Some(heard) = HEARD.get() else {
        return read();
    };
    let before = heard.asked.swap(true, Ordering::SeqCst);
    let result = read();
    heard.asked.store(before, Ordering::SeqCst);
    result
}

/// The same for what is awaited.
pub(crate) async fn ending_at_once_during<T>(wait: impl Future<Output = T>) -> T {
    let Some(heard) = HEARD.get() else {
        return wait.await;
    };
    let before = heard.asked.swap(true, Ordering::SeqCst);
    let result = wait.await;
    heard.asked.store(before, Ordering::SeqCst);
    result
}

/// The ears of a run.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    heard: &'static Heard,
    interim: Arc<Notify>,
}

impl Signals {
    /// Starts to listen; must be called inside a runtime. A signal that has come already stops the run.
    pub(crate) fn install(cancel: CancellationToken) -> io::Result<Self> {
        let heard = heard()?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut quit = signal(SignalKind::quit())?;
        let interim = Arc::<Notify>::default();
        // Asked only now: whatever comes from here on is heard by the task.
        if heard.exit().is_some() {
            cancel.cancel();
        }
        let ears = Arc::clone(&interim);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => cancel.cancel(),
                    _ = terminate.recv() => cancel.cancel(),
                    _ = quit.recv() => ears.notify_one(),
                }
            }
        });
        Ok(Self { heard, interim })
    }

    /// The status of a run that was stopped before it had anything to report.
    pub(crate) fn stopped(&self) -> Exit {
        self.heard.exit().unwrap_or(Exit::Interrupted)
    }

    /// Whether a signal has come, even when the runtime has not heard of it yet.
    pub(crate) fn has_come(&self) -> bool {
        self.heard.exit().is_some()
    }

    /// Whether a signal has asked to stop; true at once, even when the runtime is blocked.
    pub(crate) fn asked(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.heard.asked)
    }

    /// From now on the first signal ends netkit at once: all that is left is to write the result.
    pub(crate) fn end_at_once(&self) {
        self.heard.asked.store(true, Ordering::SeqCst);
    }

    /// Waits for the next request for interim statistics. Cancel safe.
    pub(crate) async fn interim(&self) {
        self.interim.notified().await;
    }
}
