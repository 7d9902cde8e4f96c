//! Runs the binary and keeps everything it said; every failed check prints the whole transcript.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::Value;

/// No test of this suite takes that long: a hang is a failure with a transcript, not a stuck run.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command line that is about to run.
pub(crate) struct Netkit {
    command: Command,
    words: String,
    stdin: Option<Vec<u8>>,
}

/// What became of it.
pub(crate) struct Outcome {
    words: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// A child that is still running.
pub(crate) struct Running {
    child: Child,
    words: String,
    begun: Instant,
    stdout: Option<Collected>,
    stderr: Option<Collected>,
}

/// What a stream of a child said so far, while a thread goes on reading it.
struct Collected {
    said: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

/// Splits `line` at spaces; words with spaces are added with [`Netkit::arg`].
pub(crate) fn netkit(line: &str) -> Netkit {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netkit"));
    command.args(line.split_whitespace());
    for name in [
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "TERM",
        "SPIFFE_ENDPOINT_SOCKET",
    ] {
        command.env_remove(name);
    }
    Netkit {
        command,
        words: format!("netkit {line}"),
        stdin: None,
    }
}

impl Netkit {
    pub(crate) fn arg(mut self, word: impl Into<OsString>) -> Self {
        let word = word.into();
        self.words = format!("{} {:?}", self.words, word.to_string_lossy());
        self.command.arg(word);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.words = format!("{name}={value} {}", self.words);
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Sends standard output elsewhere.
    pub(crate) fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stdout(to.into());
        self.words.push_str(" > elsewhere");
        self
    }

    /// Starts it with pipes at all ends.
    pub(crate) fn start(mut self) -> Running {
        self.command.stdout(Stdio::piped());
        self.launch()
    }

    fn launch(mut self) -> Running {
        let stdin = if self.stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        self.command.stdin(stdin).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = self
            .command
            .spawn()
            .expect("the binary was built for this test");
        if let (Some(bytes), Some(mut pipe)) = (self.stdin.take(), child.stdin.take()) {
            // The child may leave before it has read everything.
            std::thread::spawn(move || pipe.write_all(&bytes));
        }
        let stdout = child.stdout.take().map(Collected::from);
        let stderr = child.stderr.take().map(Collected::from);
        Running {
            child,
            words: self.words,
            begun,
            stdout,
            stderr,
        }
    }

    /// Runs it to its end, its output in pipes.
    pub(crate) fn run(self) -> Outcome {
        self.start().wait()
    }

    /// Runs it to its end with the standard output it was given.
    pub(crate) fn run_as_is(self) -> Outcome {
        self.launch().wait()
    }
}

impl Collected {
    fn from(mut stream: impl Read + Send + 'static) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 8 * 1024];
            loop {
                match stream.read(&mut piece).expect("a pipe can be read") {
                    0 => break,
                    n => to
                        .lock()
                        .expect("the reader does not panic")
                        .extend_from_slice(&piece[..n]),
                }
            }
        });
        Self { said, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().expect("the reader does not panic")).into_owned()
    }

    fn whole(self) -> String {
        self.reader.join().expect("the reader does not panic");
        String::from_utf8_lossy(&self.said.lock().expect("the reader does not panic")).into_owned()
    }
}

impl Running {
    /// Sends a signal by its name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(
            status.expect("kill(1) exists").success(),
            "{}: cannot signal",
            self.words
        );
    }

    /// Sends it again and again until either stream has `text` in it: a child that is not yet where
    /// the signal means something has not heard the first.
    pub(crate) fn signal_until_it_says(&self, name: &str, text: &str) {
        while !self.has_said(text) {
            assert!(
                self.begun.elapsed() < PATIENCE,
                "{} never said {text:?}",
                self.words
            );
            self.signal(name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until either stream has `text` in it.
    pub(crate) fn waits_for(&self, text: &str) {
        while !self.has_said(text) {
            assert!(
                self.begun.elapsed() < PATIENCE,
                "{} never said {text:?}",
                self.words
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn has_said(&self, text: &str) -> bool {
        [&self.stdout, &self.stderr]
            .into_iter()
            .flatten()
            .any(|stream| stream.so_far().contains(text))
    }

    pub(crate) fn wait(mut self) -> Outcome {
        let code = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status.code();
            }
            if self.begun.elapsed() > PATIENCE {
                self.child.kill().expect("it is our child");
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let took = self.begun.elapsed();
        let text = |stream: Option<Collected>| stream.map(Collected::whole).unwrap_or_default();
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        let outcome = Outcome {
            words: self.words,
            code,
            stdout,
            stderr,
            took,
        };
        assert!(took < PATIENCE, "it hung{outcome}");
        outcome
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            words,
            code,
            stdout,
            stderr,
            took,
        } = self;
        write!(
            f,
            "\n$ {words}\n{stdout}--- standard error\n{stderr}--- status {code:?} in {took:?}"
        )
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn status(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "standard output lacks {text:?}{self}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "standard error lacks {text:?}{self}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn says_nothing(self) -> Self {
        assert!(
            self.stdout.is_empty() && self.stderr.is_empty(),
            "it spoke{self}"
        );
        self
    }

    /// Every line as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line);
        self.stdout
            .lines()
            .map(|line| parse(line).unwrap_or_else(|error| panic!("{error}: {line}{self}")))
            .collect()
    }

    /// The one line of JSON.
    #[track_caller]
    pub(crate) fn one(&self) -> Value {
        let mut lines = self.json();
        assert_eq!(lines.len(), 1, "not one line{self}");
        lines.remove(0)
    }

    /// Standard output with times, addresses and numbers of the kernel's choice replaced.
    pub(crate) fn normal(&self) -> String {
        let rules = [
            (r"\d+(\.\d+)? (µs|ms|s)\b", "TIME"),
            (r"127\.0\.0\.1:\d+", "ADDR"),
            (
                r"MSS \d+( \(announced \d+\))?, path MTU \d+, \w+, cwnd \d+",
                "MSS",
            ),
            (r"[█▏ ]{8,}", " BAR "),
        ];
        let mut text = self.stdout.clone();
        for (pattern, name) in rules {
            let pattern = Regex::new(pattern).expect("a test's own pattern");
            text = pattern.replace_all(&text, name).into_owned();
        }
        text
    }
}
