//! The program under test, run inside a machine of the lab, and what it said: each method is one
//! claim, and a claim that does not hold prints the whole run.

use std::fmt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::namespace::Namespace;

/// The program.
pub(crate) const NETKIT: &str = env!("CARGO_BIN_EXE_netkit");
/// Seconds after which a run that hangs is killed (status 137), so that the test fails instead.
const HANGS: &str = "40";

/// One run of netkit that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    command: String,
    status: ExitStatus,
    stderr: String,
    /// From starting the process to its end.
    pub(crate) took: Duration,
    /// The JSON lines it printed.
    pub(crate) lines: Vec<Value>,
}

/// A run that has not ended.
#[derive(Debug)]
pub(crate) struct Running {
    command: String,
    child: Child,
    started: Instant,
}

/// Runs `netkit dial … --json` to its end. The arguments are separated by spaces.
pub(crate) fn dial(machine: &Namespace, arguments: &str) -> Run {
    start(machine, arguments).end()
}

/// Starts `netkit dial … --json`.
pub(crate) fn start(machine: &Namespace, arguments: &str) -> Running {
    start_as(machine, &[NETKIT], arguments)
}

/// Runs it to its end as a user without any privilege.
pub(crate) fn dial_unprivileged(machine: &Namespace, arguments: &str) -> Run {
    // The folder it was built in may be closed to that user.
    let folder = std::env::temp_dir().join(format!("netkit-lab-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("the temporary folder can be written");
    let program = folder.join("netkit");
    std::fs::copy(NETKIT, &program).expect("the program can be copied");
    let path = program.to_string_lossy();
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let words: Vec<_> = std::iter::once("setpriv")
        .chain(nobody)
        .chain([&*path])
        .collect();
    let run = start_as(machine, &words, arguments).end();
    std::fs::remove_dir_all(&folder).expect("it was just made");
    run
}

/// Starts it by way of another program.
fn start_as(machine: &Namespace, program: &[&str], arguments: &str) -> Running {
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", HANGS]).args(program);
    command.args(["dial", "--json"]);
    command.args(arguments.split_whitespace());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let child = machine.spawn(&mut command).expect("timeout(1) starts");
    let command = format!("netkit dial --json {arguments}");
    Running {
        command,
        child,
        started,
    }
}

impl Running {
    /// Waits for the end.
    pub(crate) fn end(self) -> Run {
        let output = self.child.wait_with_output().expect("its output is read");
        Run::new(self.command, &output, self.started.elapsed())
    }
}

impl Run {
    fn new(command: String, output: &Output, took: Duration) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let lines: Result<_, _> = stdout.lines().map(serde_json::from_str).collect();
        let lines = lines.unwrap_or_else(|error: serde_json::Error| {
            panic!("{command}: {error}\n{stdout}{stderr}")
        });
        Self {
            command,
            status: output.status,
            stderr,
            took,
            lines,
        }
    }

    /// The report, which is the only line.
    pub(crate) fn report(&self) -> &Value {
        assert_eq!(self.lines.len(), 1, "one line was expected{self}");
        assert_eq!(self.lines[0]["type"], "dial", "{self}");
        &self.lines[0]
    }

    /// What a JSON pointer names in the report.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        let value = self.report().pointer(pointer);
        value.unwrap_or_else(|| panic!("there is no {pointer}{self}"))
    }

    /// The number that a JSON pointer names in the report.
    pub(crate) fn number(&self, pointer: &str) -> f64 {
        let value = self.at(pointer).as_f64();
        value.unwrap_or_else(|| panic!("{pointer} is no number{self}"))
    }

    /// Claims that the dial succeeded.
    pub(crate) fn succeeds(&self) -> &Self {
        assert_eq!(self.at("/ok"), true, "{self}");
        assert_eq!(self.at("/failure"), &Value::Null, "{self}");
        self.exits(0)
    }

    /// Claims where it failed and why.
    pub(crate) fn fails(&self, stage: &str, kind: &str) -> &Self {
        assert_eq!(self.at("/ok"), false, "{self}");
        assert_eq!(self.at("/failure/kind"), kind, "{self}");
        assert_eq!(self.at("/failure/stage"), stage, "{self}");
        assert_eq!(self.at("/outcome"), kind, "{self}");
        self
    }

    /// Claims who said no: `peer`, `own_kernel`, `nobody`, …
    pub(crate) fn said_by(&self, party: &str) -> &Self {
        assert_eq!(self.at("/failure/who/party"), party, "{self}");
        self
    }

    /// Claims that a router said no, and which.
    pub(crate) fn said_by_router(&self, address: &str) -> &Self {
        assert_eq!(self.at("/failure/who/addr"), address, "{self}");
        self.said_by("router")
    }

    /// The first piece of evidence of a type.
    pub(crate) fn evidence(&self, kind: &str) -> &Value {
        let evidence = self.at("/failure/evidence").as_array();
        let found = evidence.and_then(|list| list.iter().find(|fact| fact["type"] == kind));
        found.unwrap_or_else(|| panic!("there is no evidence of type {kind}{self}"))
    }

    /// Claims that an ICMP message is the evidence.
    pub(crate) fn icmp(&self, kind: u8, code: u8, offender: &str) -> &Self {
        let icmp = self.evidence("icmp");
        assert_eq!(icmp["icmp_type"], kind, "{self}");
        assert_eq!(icmp["icmp_code"], code, "{self}");
        assert_eq!(icmp["offender"], offender, "{self}");
        self
    }

    /// Claims the exit status.
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Claims how long the whole process took, in milliseconds.
    pub(crate) fn takes(&self, least: u64, most: u64) -> &Self {
        let range = Duration::from_millis(least)..=Duration::from_millis(most);
        assert!(range.contains(&self.took), "not {least} to {most} ms{self}");
        self
    }

    /// Claims what a number in the report is, within bounds.
    pub(crate) fn between(&self, pointer: &str, least: f64, most: f64) -> &Self {
        let number = self.number(pointer);
        let holds = (least..=most).contains(&number);
        assert!(holds, "{pointer} is not in {least} to {most}{self}");
        self
    }
}

/// A transcript, for whoever has to find out what went wrong.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n$ {}", self.command)?;
        for line in &self.lines {
            writeln!(f, "{line:#}")?;
        }
        write!(f, "{}{} after {:?}", self.stderr, self.status, self.took)
    }
}
