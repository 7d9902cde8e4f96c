//! A heartbeat that runs inside a machine of the lab, read line by line, and the servers it
//! watches: processes, because they are stopped and killed.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::namespace::Namespace;
use crate::netkit::NETKIT;

/// Far longer than any step takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A program of the lab that prints JSON lines; killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    command: String,
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    /// The lines so far.
    pub(crate) lines: Vec<Value>,
}

/// Starts `netkit heartbeat … --json`.
pub(crate) fn watch(machine: &Namespace, arguments: &str) -> Program {
    Program::start(machine, &format!("heartbeat --json {arguments}"))
}

/// Starts `netkit listen … --json` and waits until it listens.
pub(crate) fn serve(machine: &Namespace, arguments: &str) -> Program {
    let mut server = Program::start(machine, &format!("listen --json {arguments}"));
    server.until(|line| line["type"] == "listening");
    server
}

impl Program {
    fn start(machine: &Namespace, arguments: &str) -> Self {
        let mut command = Command::new(NETKIT);
        command.args(arguments.split_whitespace());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = machine
            .spawn(&mut command)
            .expect("the program can be started");
        let out = child.stdout.take().expect("it is piped");
        Self {
            command: format!("netkit {arguments}"),
            child,
            out: BufReader::new(out).lines(),
            lines: Vec::new(),
        }
    }

    /// Reads on until a line is as wanted, and returns it.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let Some(line) = self.next() else { break };
            if wanted(&line) {
                return line;
            }
        }
        panic!(
            "the line that was waited for has not come{}",
            self.transcript()
        );
    }

    /// Reads on until the target is in that state.
    pub(crate) fn until_state(&mut self, state: &str) -> Value {
        self.until(|line| line["type"] == "state" && line["to"] == state)
    }

    fn next(&mut self) -> Option<Value> {
        let line = self.out.next()?.expect("text");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        self.lines.push(line.clone());
        Some(line)
    }

    /// Sends it a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.expect("kill starts").success());
    }

    /// Kills it as nothing can prevent, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Reads to its end and returns the figures of its first target.
    pub(crate) fn summary(&mut self) -> Value {
        while self.next().is_some() {}
        let _ = self.child.wait();
        let last = self.lines.last().filter(|line| line["type"] == "summary");
        let target = last.map(|line| line["targets"][0].clone());
        target.unwrap_or_else(|| panic!("there is no summary{}", self.transcript()))
    }

    /// Stops it and returns the figures of its first target.
    pub(crate) fn stop(&mut self) -> Value {
        self.signal("INT");
        self.summary()
    }

    /// The states it went through.
    pub(crate) fn states(&self) -> Vec<&str> {
        let changes = self.lines.iter().filter(|line| line["type"] == "state");
        changes.filter_map(|line| line["to"].as_str()).collect()
    }

    /// All it has said, for whoever has to find out what went wrong.
    pub(crate) fn transcript(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(ToString::to_string).collect();
        format!("\n$ {}\n{}", self.command, lines.join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
