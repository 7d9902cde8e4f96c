//! One network namespace: a machine of its own, as far as addresses, routes, firewall and sockets
//! go.
//!
//! It has no name in the file system. It lives as long as a descriptor, a thread or a process
//! refers to it, so nothing is left behind, whatever becomes of the test.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use super::sys;

/// A network namespace with its loopback interface up.
#[derive(Debug)]
pub(crate) struct Namespace {
    file: File,
}

impl Namespace {
    /// Makes a namespace; fails without the privilege to do so.
    pub(crate) fn new() -> io::Result<Self> {
        let unshare = || {
            sys::unshare_network()?;
            File::open("/proc/thread-self/ns/net")
        };
        // A thread of its own: the caller stays where it is.
        let file = thread::scope(|scope| join(scope.spawn(unshare)))?;
        let namespace = Self { file };
        // Duplicate address detection would hold every IPv6 address back for a second, and the
        // limit on ICMP errors would hide some of those that a test waits for.
        for key in ["ipv6/conf/all/accept_dad", "ipv6/conf/default/accept_dad"] {
            namespace.sysctl(key, "0");
        }
        for key in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
            namespace.sysctl(key, "0");
        }
        namespace.ip("link set lo up");
        Ok(namespace)
    }

    /// A path by which other programs of this machine can name it while it lives.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// Runs `work` on a thread inside. Sockets made there stay inside, wherever they are used.
    pub(crate) fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            sys::set_network(self.file.as_fd()).expect("a namespace that is open can be entered");
            work()
        };
        thread::scope(|scope| join(scope.spawn(inside)))
    }

    /// Starts a program inside.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        // A child is born in the namespace of the thread that makes it.
        self.enter(|| command.spawn())
    }

    /// Runs a program inside to its end, with nothing on its standard input.
    pub(crate) fn output(&self, command: &mut Command) -> Output {
        let command = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = self.spawn(command);
        let output = child.and_then(Child::wait_with_output);
        output.unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Runs a program inside that must succeed, and returns what it wrote.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, program: &str, args: &[S]) -> String {
        let output = self.output(Command::new(program).args(args));
        expect_success(program, &output);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `ip` inside, with arguments separated by spaces.
    pub(crate) fn ip(&self, arguments: &str) -> String {
        self.run("ip", &arguments.split_whitespace().collect::<Vec<_>>())
    }

    /// Gives `nft` a script to run inside.
    pub(crate) fn nft(&self, script: &str) {
        let mut command = Command::new("nft");
        let command = command
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.spawn(command).expect("nft starts");
        let mut input = child.stdin.take().expect("its input is piped");
        input
            .write_all(script.as_bytes())
            .expect("nft reads its script");
        drop(input);
        let output = child.wait_with_output().expect("nft ends");
        expect_success(script, &output);
    }

    /// Adds one rule to the chain of `hook`, after those that are there.
    pub(crate) fn filter(&self, hook: Hook, rule: &str) {
        let hook = hook.name();
        self.nft(&format!(
            "table inet lab {{ chain {hook} {{ type filter hook {hook} priority 0\n{rule}\n}}\n}}"
        ));
    }

    /// How many packets the first rule with a counter has seen.
    pub(crate) fn counted(&self) -> u64 {
        let counts = self.all_counted();
        *counts.first().expect("a rule counts")
    }

    /// How many packets each rule with a counter has seen, in the order of `nft list ruleset`.
    pub(crate) fn all_counted(&self) -> Vec<u64> {
        let rules = self.run("nft", &["list", "ruleset"]);
        let packets = rules.split("counter packets ").skip(1);
        let counts = packets.map(|rest| rest.split(' ').next()?.parse().ok());
        let counts: Option<Vec<_>> = counts.collect();
        counts.unwrap_or_else(|| panic!("no rule counts in: {rules}"))
    }

    /// Forgets all rules.
    pub(crate) fn unfilter(&self) {
        self.nft("flush ruleset");
    }

    /// Sets a kernel parameter below `net/`.
    pub(crate) fn sysctl(&self, key: &str, value: &str) {
        let path = format!("/proc/sys/net/{key}");
        self.enter(|| fs::write(&path, value))
            .unwrap_or_else(|error| panic!("{path} = {value}: {error}"));
    }
}

/// Where in the life of a packet a firewall rule looks at it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hook {
    /// It has arrived and is for this machine.
    Input,
    /// It is passing through.
    Forward,
    /// It was made here and is leaving.
    Output,
}

impl Hook {
    fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
        }
    }
}

/// Waits for a thread and passes its panic on, so that a test fails with its own message.
fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn expect_success(what: &str, output: &Output) {
    assert!(
        output.status.success(),
        "{what}\nended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}
