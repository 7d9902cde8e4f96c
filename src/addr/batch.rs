//! Lines by the million: read in blocks of whole lines, worked on by several threads, handed over in
//! order.
//!
//! Separate from what is done with the lines: the work is a function of a block, and whoever runs it
//! owns both ends. Memory is a block or two a thread, and one line where a line is longer.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How much is read at once, as a rule: large against the cost of handing over, small against the
/// cache.
pub const BLOCK: usize = 256 * 1024;

/// More threads than this would wait for the reader.
pub const MAX_THREADS: usize = 8;

/// How a batch is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Threads, from 1 to [`MAX_THREADS`].
    pub threads: usize,
    /// Whether lines are counted, so that a block knows the number of its first one.
    pub numbered: bool,
    /// Bytes read at once; [`BLOCK`] unless the results are much larger than the lines.
    pub block: usize,
}

/// Whole lines; the last of all may lack its newline.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The number of the first line, from 1; always 1 unless lines are counted.
    pub first_line: u64,
}

/// Reads `input` to its end. `work` turns a block into a result, on any of the threads; `commit` is
/// given the results in the order of the input. Results are reused: `work` finds what `commit` left.
///
/// Ends with the first error of `commit`, or with that of the input once all blocks before it are
/// committed.
///
/// ```
/// use netkit::addr::batch::{BLOCK, Block, Settings, lines, run};
/// let settings = Settings { threads: 2, numbered: false, block: BLOCK };
/// let mut lines_read = 0;
/// let count = |block: Block<'_>, out: &mut usize| *out = lines(block.bytes).count();
/// run(&b"a\nb\nc"[..], settings, count, |out| {
///     lines_read += *out;
///     Ok::<_, std::io::Error>(())
/// })
/// .unwrap();
/// assert_eq!(lines_read, 3);
/// ```
pub fn run<R, T, E>(
    input: R,
    settings: Settings,
    work: impl Fn(Block<'_>, &mut T) + Sync,
    commit: impl FnMut(&mut T) -> Result<(), E> + Send,
) -> Result<(), E>
where
    R: Read + Send,
    T: Default,
    E: From<io::Error> + Send,
{
    let line = Line {
        source: Mutex::new(Source::new(input, settings)),
        order: Mutex::new(Order {
            turn: 0,
            commit,
            error: None,
        }),
        turned: Condvar::new(),
        stopped: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        for _ in 1..settings.threads.clamp(1, MAX_THREADS) {
            scope.spawn(|| line.worker(&work));
        }
        line.worker(&work);
    });
    let order = line
        .order
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    order.error.map_or(Ok(()), Err)
}

/// What the threads share.
struct Line<R, C, E> {
    source: Mutex<Source<R>>,
    order: Mutex<Order<C, E>>,
    turned: Condvar,
    stopped: AtomicBool,
}

/// Whose result is next, and what takes it.
struct Order<C, E> {
    turn: u64,
    commit: C,
    error: Option<E>,
}

impl<R, C, E> Line<R, C, E>
where
    R: Read,
    E: From<io::Error>,
{
    fn worker<T: Default>(&self, work: &impl Fn(Block<'_>, &mut T))
    where
        C: FnMut(&mut T) -> Result<(), E>,
    {
        let (mut bytes, mut result) = (Vec::new(), T::default());
        while let Some((sequence, read)) = self.next_block(&mut bytes) {
            let turn = Turn {
                line: self,
                sequence,
            };
            let done = read.map(|first_line| {
                let bytes = bytes.as_slice();
                work(Block { bytes, first_line }, &mut result);
                &mut result
            });
            turn.hand_over(done);
        }
    }

    /// The next block, its place in the order, and the number of its first line; an error has a place
    /// too.
    fn next_block(&self, block: &mut Vec<u8>) -> Option<(u64, io::Result<u64>)> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let read = source.fill(block);
        match read {
            Ok(false) => None,
            Ok(true) => Some((source.take_number(), Ok(source.count_lines(block)))),
            Err(error) => {
                self.stopped.store(true, Ordering::Relaxed);
                Some((source.take_number(), Err(error)))
            }
        }
    }

    /// Waits until `sequence` is next.
    fn wait_for(&self, sequence: u64) -> MutexGuard<'_, Order<C, E>> {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        self.turned
            .wait_while(order, |order| order.turn != sequence)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the order. Gives way to the next when dropped, so that a panic in the work ends the
/// others instead of leaving them waiting.
struct Turn<'a, R, C, E>
where
    R: Read,
    E: From<io::Error>,
{
    line: &'a Line<R, C, E>,
    sequence: u64,
}

impl<R, C, E> Turn<'_, R, C, E>
where
    R: Read,
    E: From<io::Error>,
{
    fn hand_over<T>(&self, result: io::Result<&mut T>)
    where
        C: FnMut(&mut T) -> Result<(), E>,
    {
        let mut order = self.line.wait_for(self.sequence);
        if order.error.is_some() {
            return;
        }
        let committed = result
            .map_err(E::from)
            .and_then(|result| (order.commit)(result));
        if let Err(error) = committed {
            order.error = Some(error);
            self.line.stopped.store(true, Ordering::Relaxed);
        }
    }
}

impl<R, C, E> Drop for Turn<'_, R, C, E>
where
    R: Read,
    E: From<io::Error>,
{
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.line.stopped.store(true, Ordering::Relaxed);
        }
        let mut order = self.line.wait_for(self.sequence);
        order.turn += 1;
        self.line.turned.notify_all();
    }
}

/// Cuts the input into blocks of whole lines.
struct Source<R> {
    input: R,
    /// The begin of a line whose end was not in the last block.
    rest: Vec<u8>,
    number: u64,
    ended: bool,
    settings: Settings,
    /// The number of the next line.
    line: u64,
}

impl<R: Read> Source<R> {
    fn new(input: R, settings: Settings) -> Self {
        Self {
            input,
            rest: Vec::new(),
            number: 0,
            ended: false,
            settings,
            line: 1,
        }
    }

    /// The number of the first line of a block.
    fn count_lines(&mut self, block: &[u8]) -> u64 {
        let first = self.line;
        if self.settings.numbered {
            self.line += count_newlines(block);
        }
        first
    }

    fn take_number(&mut self) -> u64 {
        self.number += 1;
        self.number - 1
    }

    /// Fills `block` with at least one whole line, or with what is left at the end; false if nothing
    /// is. A slow input is handed on as it comes.
    fn fill(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        block.clear();
        block.append(&mut self.rest);
        while !self.ended {
            let filled = block.len();
            block.resize(filled + self.settings.block.max(1), 0);
            let read = self.read(&mut block[filled..]);
            block.truncate(filled + *read.as_ref().unwrap_or(&0));
            self.ended = read? == 0;
            if let Some(newline) = memchr::memrchr(b'\n', &block[filled..]) {
                let end = filled + newline + 1;
                self.rest.extend_from_slice(&block[end..]);
                block.truncate(end);
                return Ok(true);
            }
        }
        Ok(!block.is_empty())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

fn count_newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// The lines of a block, without their ends (`\n` or `\r\n`).
pub fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', block).map(|at| (at, at + 1));
    // What follows the last newline is a line too, if anything does.
    let last = std::iter::once((block.len(), block.len()));
    ends.chain(last.filter(|_| !block.is_empty() && !block.ends_with(b"\n")))
        .map(move |(end, next)| {
            let line = &block[start..end];
            start = next;
            line.strip_suffix(b"\r").unwrap_or(line)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `step` bytes a time, as a slow pipe does, and then perhaps an error.
    struct Slow<'a> {
        text: &'a [u8],
        step: usize,
        fails: bool,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.text.is_empty() && self.fails {
                return Err(io::Error::other("torn"));
            }
            let len = self.step.min(self.text.len()).min(buffer.len());
            buffer[..len].copy_from_slice(&self.text[..len]);
            self.text = &self.text[len..];
            Ok(len)
        }
    }

    fn on(threads: usize) -> Settings {
        Settings {
            threads,
            numbered: true,
            block: BLOCK,
        }
    }

    fn copy(input: impl Read + Send, threads: usize) -> (Vec<u8>, io::Result<()>) {
        let (mut out, mut line) = (Vec::new(), 1);
        let work = |block: Block<'_>, result: &mut (Vec<u8>, u64)| {
            *result = (block.bytes.to_vec(), block.first_line);
        };
        let outcome = run(input, on(threads), work, |result: &mut (Vec<u8>, u64)| {
            assert_eq!(result.1, line);
            line += result.0.split(|&byte| byte == b'\n').count() as u64 - 1;
            out.extend_from_slice(&result.0);
            Ok(())
        });
        (out, outcome)
    }

    #[test]
    fn order_and_bytes_are_kept_however_the_input_comes() {
        let mut text = Vec::new();
        for number in 0..20_000 {
            text.extend_from_slice(format!("line {number}\r\n").as_bytes());
        }
        text.extend_from_slice(&vec![b'x'; 3 * BLOCK]);
        text.extend_from_slice(b"\n\n\xff\0 no newline at the end");
        for step in [1 + BLOCK / 3, 7_001, usize::MAX] {
            for threads in [1, 2, 5] {
                let slow = Slow {
                    text: &text,
                    step,
                    fails: false,
                };
                let (out, outcome) = copy(slow, threads);
                assert!(outcome.is_ok());
                assert!(out == text, "step {step}, {threads} threads");
            }
        }
    }

    #[test]
    fn a_torn_input_is_an_error_after_everything_before_it() {
        let slow = Slow {
            text: b"one\ntwo\n",
            step: 4,
            fails: true,
        };
        let (out, outcome) = copy(slow, 3);
        assert_eq!(out, b"one\ntwo\n");
        assert_eq!(outcome.unwrap_err().to_string(), "torn");
    }

    #[test]
    fn the_first_error_of_the_taker_ends_everything() {
        let mut taken = 0;
        let endless = io::repeat(b'\n');
        let outcome = run(
            endless,
            on(4),
            |_: Block<'_>, (): &mut ()| {},
            |()| {
                taken += 1;
                if taken == 3 {
                    Err(io::Error::other("full"))
                } else {
                    Ok(())
                }
            },
        );
        assert_eq!(outcome.unwrap_err().to_string(), "full");
        assert_eq!(taken, 3);
    }

    #[test]
    #[should_panic(expected = "scoped thread panicked")]
    fn a_panic_in_the_work_leaves_nobody_waiting() {
        let main = std::thread::current().id();
        let work = move |_: Block<'_>, (): &mut ()| {
            if std::thread::current().id() == main {
                std::thread::yield_now();
            } else {
                panic!("deliberate");
            }
        };
        let _ = run(io::repeat(b'\n'), on(3), work, |()| Ok::<_, io::Error>(()));
    }

    #[test]
    fn lines_lose_their_ends_only() {
        let read: Vec<&[u8]> = lines(b"a\r\n\nb\rc\nlast\r").collect();
        assert_eq!(read, [&b"a"[..], b"", b"b\rc", b"last"]);
    }
}
