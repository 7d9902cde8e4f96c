//! Signals: SIGINT and SIGTERM stop the run and let it report; a second one ends netkit at once, from
//! a thread of its own, whatever hangs; SIGQUIT asks for interim statistics.
//!
//! The handlers of the first two are registered before anything else ([`heed`]), long before there is
//! a runtime to hear of them: what comes while netkit is starting is remembered.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Ears;
use signal_hook::{flag, low_level};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// The signals that stop a run, and the status of one that had nothing to report.
const STOPPING: [(i32, Exit); 2] = [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)];

/// The same signal again so soon is the same order: timeout(1) signals its child and then the group
/// that the child is in, and a terminal may do the like.
const ECHO: Duration = Duration::from_millis(100);

/// The stack of the thread that waits for signals, which does next to nothing.
const STACK: usize = 128 << 10;

/// A run that lasts so long gets that thread. A thread costs a dial a tenth of its time, and a server that
/// has one already waits milliseconds for its table of descriptors to grow.
const LASTING: Duration = Duration::from_millis(50);

/// What is done before netkit ends by a second signal.
type LastWords = Box<dyn FnOnce() + Send>;

/// What has been heard.
#[derive(Default)]
struct Heard {
    /// Set by the first signal.
    asked: Arc<AtomicBool>,
    /// The place of the last one in [`STOPPING`], plus one; 0 while there was none.
    which: Arc<AtomicUsize>,
    /// The first one is to end netkit at once, in its handler.
    at_once: Arc<AtomicBool>,
    /// What the thread will hear with, until it is started.
    ears: Mutex<Option<Ears>>,
    last_words: Mutex<Option<LastWords>>,
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heard")
            .field("asked", &self.asked)
            .field("which", &self.which)
            .finish_non_exhaustive()
    }
}

/// Handlers are the process's, so this is too.
static HEARD: OnceLock<Heard> = OnceLock::new();

impl Heard {
    fn register() -> io::Result<Self> {
        let ears = Ears::new(STOPPING.map(|(number, _)| number))?;
        let heard = Self {
            ears: Mutex::new(Some(ears)),
            ..Self::default()
        };
        for (place, (number, exit)) in (1..).zip(STOPPING) {
            let at_once = Arc::clone(&heard.at_once);
            flag::register_conditional_shutdown(number, exit.code().into(), at_once)?;
            flag::register_usize(number, Arc::clone(&heard.which), place)?;
            flag::register(number, Arc::clone(&heard.asked))?;
        }
        Ok(heard)
    }

    /// Has a thread wait for the signal that is not to be survived, if none does yet. What has come before
    /// is heard by it.
    fn watch(&'static self) {
        let ears = self.ears.lock();
        let Some(ears) = ears.unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let thread = std::thread::Builder::new().name("signals".to_owned());
        let thread = thread.stack_size(STACK);
        // Without it a run ends all the same, but not at once.
        let _ = thread.spawn(move || self.wait_for_the_last(ears));
    }

    fn wait_for_the_last(&self, mut ears: Ears) {
        let mut orders = Orders::default();
        for number in ears.forever() {
            if orders.is_final(number, Instant::now()) {
                self.end(number);
            }
        }
    }

    fn end(&self, number: i32) {
        let words = self.last_words.lock();
        if let Some(words) = words.unwrap_or_else(PoisonError::into_inner).take() {
            words();
        }
        let exit = STOPPING.iter().find(|(signal, _)| *signal == number);
        low_level::exit(
            exit.map_or(Exit::Interrupted, |(_, exit)| *exit)
                .code()
                .into(),
        );
    }

    /// Lets the first signal end netkit at once, or no longer. Where one has come already, the next does.
    fn end_at_once(&'static self, on: bool) -> bool {
        let has_come = self.asked.load(Ordering::SeqCst);
        if has_come {
            self.watch();
        }
        let on = on && !has_come;
        self.at_once.swap(on, Ordering::SeqCst)
    }

    /// The status that the signal asks for, if one has come.
    fn exit(&self) -> Option<Exit> {
        let place = self.which.load(Ordering::SeqCst).checked_sub(1)?;
        STOPPING.get(place).map(|(_, exit)| *exit)
    }
}

/// Which order a signal is.
#[derive(Debug, Default)]
struct Orders {
    first: Option<(i32, Instant)>,
}

impl Orders {
    /// Whether a signal that comes now is not to be survived.
    fn is_final(&mut self, number: i32, now: Instant) -> bool {
        if let Some((first, at)) = self.first {
            return first != number || now >= at + ECHO;
        }
        self.first = Some((number, now));
        false
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
    let before = heard.end_at_once(true);
    let result = read();
    heard.end_at_once(before);
    result
}

/// The same for what is awaited.
pub(crate) async fn ending_at_once_during<T>(wait: impl Future<Output = T>) -> T {
    let Some(heard) = HEARD.get() else {
        return wait.await;
    };
    let before = heard.end_at_once(true);
    let result = wait.await;
    heard.end_at_once(before);
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
            let mut lasting = pin!(tokio::time::sleep(LASTING));
            let mut watched = false;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => cancel.cancel(),
                    _ = terminate.recv() => cancel.cancel(),
                    _ = quit.recv() => {
                        ears.notify_one();
                        continue;
                    }
                    () = &mut lasting, if !watched => {}
                }
                heard.watch();
                watched = true;
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
        self.heard.end_at_once(true);
    }

    /// Does this before a second signal ends netkit; it must not take long.
    pub(crate) fn before_the_second(&self, words: impl FnOnce() + Send + 'static) {
        let last_words = self.heard.last_words.lock();
        *last_words.unwrap_or_else(PoisonError::into_inner) = Some(Box::new(words));
        self.heard.watch();
    }

    /// Waits for the next request for interim statistics. Cancel safe.
    pub(crate) async fn interim(&self) {
        self.interim.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_signal_again_at_once_is_the_same_order_and_any_other_is_the_last() {
        let begun = Instant::now();
        let rows = [
            (SIGTERM, Duration::from_millis(1), false),
            (SIGTERM, ECHO / 2, false),
            (SIGTERM, ECHO, true),
            (SIGINT, Duration::from_millis(1), true),
        ];
        for (second, later, last) in rows {
            let mut orders = Orders::default();
            assert!(!orders.is_final(SIGTERM, begun));
            assert_eq!(orders.is_final(second, begun + later), last, "{second}");
        }
    }
}
