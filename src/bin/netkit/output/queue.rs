//! A thread that writes for a run that must not wait.
//!
//! Separate because a reader that stops reading blocks the write, and the run has one thread: its
//! probes would stop, and its signals would not be heard (DESIGN §1 rule 1). Knows nothing of lines
//! but that each comes whole.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

/// Lines that wait for a slow reader: seconds of a fast stream, a few megabytes.
const CAPACITY: usize = 4_096;
/// How often a wait for the reader looks whether a signal has come.
const TICK: Duration = Duration::from_millis(20);
/// How long after a signal the reader is still waited for.
const GRACE: Duration = Duration::from_millis(500);

/// Octets that are worth a write of their own.
const BLOCK: usize = 32 << 10;

/// After a line the thread rests this long, and then writes all that has come meanwhile: to wake it
/// for every line would cost a fast sweep a fifth of its time.
const TOGETHER: Duration = Duration::from_millis(1);

/// What happens to a line when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// It is lost and counted: a schedule goes on whatever the reader does.
    Lose,
    /// It is kept: a sweep has no schedule, and each result is there once. The run is to begin nothing
    /// new meanwhile ([`Queue::has_room`]), so what is kept is what was under way.
    Keep,
}

/// Nobody takes lines any more: the thread has said why.
struct ThreadHasEnded;

/// The near end of the queue.
#[derive(Debug)]
pub(crate) struct Queue {
    /// `None` once it is closed.
    lines: Option<SyncSender<Vec<u8>>>,
    /// Never carries anything: it ends with the thread.
    ended: Receiver<Infallible>,
    thread: Option<JoinHandle<io::Result<()>>>,
    /// Lines for which there was no room.
    kept: VecDeque<Vec<u8>>,
    when_full: WhenFull,
    /// Set by the handler of the first signal.
    stopped: Arc<AtomicBool>,
    stopped_at: Option<Instant>,
    lost: u64,
    room: Arc<Room>,
}

/// What waits to be written, and who waits for it to be.
#[derive(Debug, Default)]
struct Room {
    waiting: AtomicUsize,
    waker: AtomicWaker,
}

impl Room {
    fn written(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::AcqRel);
        self.waker.wake();
    }
}

impl Queue {
    /// Starts the thread; errs when the system has none left.
    pub(crate) fn start(
        to: impl Write + Send + 'static,
        when_full: WhenFull,
        stopped: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let (lines, queued) = mpsc::sync_channel(CAPACITY);
        let (alive, ended) = mpsc::channel();
        let room = Arc::<Room>::default();
        let freed = Arc::clone(&room);
        let thread = std::thread::Builder::new()
            .name("stdout".into())
            .spawn(move || {
                let result = drain(&queued, to, alive, &freed);
                freed.written(0);
                result
            })?;
        Ok(Self {
            lines: Some(lines),
            ended,
            thread: Some(thread),
            kept: VecDeque::new(),
            when_full,
            stopped,
            stopped_at: None,
            lost: 0,
            room,
        })
    }

    /// From now on lines are not lost for want of room: what follows is the result.
    pub(crate) fn keep_all(&mut self) {
        self.when_full = WhenFull::Keep;
    }

    /// Lines that were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether nothing is kept back.
    pub(crate) fn has_room(&mut self) -> bool {
        // What is wrong with the thread is told by the next line, or at the end.
        let _ = self.pass_on();
        self.kept.is_empty()
    }

    /// Waits until everything is written; after a signal only for a short time.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        while self.thread.is_some() && !self.gives_up() {
            if self.pass_on().is_err() {
                return self.verdict();
            }
            if self.kept.is_empty() {
                self.lines = None;
            }
            if self.has_ended() {
                return self.verdict();
            }
        }
        self.lost += u64::try_from(self.kept.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Waits until no more than `most` octets wait to be written, or nobody writes any more, which
    /// the next write tells. Cancel safe.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>, most: usize) -> Poll<()> {
        let is_ready = || {
            self.room.waiting.load(Ordering::Acquire) <= most
                || self.thread.as_ref().is_none_or(JoinHandle::is_finished)
        };
        if !is_ready() {
            self.room.waker.register(cx.waker());
            // It may have been written before the waker was there.
            if !is_ready() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    /// Takes a line, or several.
    pub(crate) fn push(&mut self, line: Vec<u8>) -> io::Result<()> {
        let length = line.len();
        self.room.waiting.fetch_add(length, Ordering::AcqRel);
        self.kept.push_back(line);
        if self.pass_on().is_err() {
            self.verdict()?;
            return Err(ErrorKind::BrokenPipe.into());
        }
        if self.when_full == WhenFull::Lose && self.kept.pop_back().is_some() {
            self.lost += 1;
            self.room.written(length);
        }
        Ok(())
    }

    /// Hands over what is kept, as far as there is room; errs when the thread has ended.
    fn pass_on(&mut self) -> Result<(), ThreadHasEnded> {
        while let Some(line) = self.kept.pop_front() {
            let lines = self.lines.as_ref().ok_or(ThreadHasEnded)?;
            match lines.try_send(line) {
                Ok(()) => {}
                Err(TrySendError::Disconnected(_)) => return Err(ThreadHasEnded),
                Err(TrySendError::Full(line)) => {
                    self.kept.push_front(line);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Waits a little for the end of the thread.
    fn has_ended(&self) -> bool {
        self.ended.recv_timeout(TICK) == Err(RecvTimeoutError::Disconnected)
    }

    /// Whether a signal has come and the reader has had its time since.
    fn gives_up(&mut self) -> bool {
        if !self.stopped.load(Ordering::SeqCst) {
            return false;
        }
        self.stopped_at.get_or_insert_with(Instant::now).elapsed() >= GRACE
    }

    /// What the thread, which has ended, says about its writing.
    fn verdict(&mut self) -> io::Result<()> {
        let panicked = |_| Err(io::Error::other("the writing thread has failed"));
        self.thread
            .take()
            .map_or(Ok(()), |thread| thread.join().unwrap_or_else(panicked))
    }
}

impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line.to_vec()).map(|()| line.len())
    }

    /// Does nothing: the thread flushes each line.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what is queued, the lines of each [`TOGETHER`] in one go.
fn drain(
    queued: &Receiver<Vec<u8>>,
    to: impl Write,
    _alive: Sender<Infallible>,
    room: &Room,
) -> io::Result<()> {
    // Small lines are joined; what is a block already is passed on as it is.
    let mut to = BufWriter::with_capacity(BLOCK, to);
    while let Ok(line) = queued.recv() {
        to.write_all(&line)?;
        to.flush()?;
        room.written(line.len());
        std::thread::sleep(TOGETHER);
        let mut count = 0;
        for line in queued.try_iter() {
            to.write_all(&line)?;
            count += line.len();
        }
        to.flush()?;
        room.written(count);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes nothing until the other end of the channel is dropped.
    struct Stuck(Receiver<Infallible>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stuck(when_full: WhenFull, stopped: bool) -> (Queue, Sender<Infallible>) {
        let (release, held) = mpsc::channel();
        let stopped = Arc::new(AtomicBool::new(stopped));
        (
            Queue::start(Stuck(held), when_full, stopped).unwrap(),
            release,
        )
    }

    #[test]
    fn a_schedule_loses_and_counts_what_nobody_reads() {
        let (mut queue, release) = stuck(WhenFull::Lose, false);
        for _ in 0..CAPACITY + 10 {
            queue.write_all(b"line\n").unwrap();
        }
        // One line may be in the hands of the thread.
        assert!((9..=10).contains(&queue.lost()), "{}", queue.lost());
        drop(release);
        queue.close().unwrap();
    }

    #[test]
    fn a_stopped_run_gives_a_stuck_reader_up() {
        let (mut queue, _release) = stuck(WhenFull::Keep, true);
        for _ in 0..CAPACITY + 2 {
            queue.write_all(b"line\n").unwrap();
        }
        queue.close().unwrap();
        assert!(queue.lost() >= 1);
    }

    #[test]
    fn a_sweep_is_told_that_there_is_no_room_and_loses_nothing() {
        let (mut queue, release) = stuck(WhenFull::Keep, false);
        assert!(queue.has_room());
        for _ in 0..CAPACITY + 10 {
            queue.write_all(b"line\n").unwrap();
        }
        assert!(!queue.has_room());
        drop(release);
        queue.close().unwrap();
        assert_eq!(queue.lost(), 0);
        assert!(queue.kept.is_empty());
    }

    #[test]
    fn the_error_of_the_writer_is_the_error_of_the_queue() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut queue = Queue::start(Full, WhenFull::Keep, Arc::default()).unwrap();
        let written = queue.write_all(b"line\n");
        let error = written.and_then(|()| queue.close()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }
}
