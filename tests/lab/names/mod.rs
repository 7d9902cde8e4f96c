//! Name servers of other people, zones that other people's tools sign, and netkit asking them.

mod dnssec;
mod servers;
mod sockets;
mod trace;
mod zones;

use std::process::Command;

use serde_json::Value;

use crate::bed::namespace::Namespace;
use crate::netkit::NETKIT;

/// A run of `netkit resolve` that has ended.
#[derive(Debug)]
struct Resolved {
    command: String,
    status: Option<i32>,
    lines: Vec<Value>,
    stderr: String,
}

/// Runs `netkit resolve … --json`; the arguments are separated by spaces.
fn resolve(machine: &Namespace, arguments: &str) -> Resolved {
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "40", NETKIT, "resolve", "--json"]);
    command.args(arguments.split_whitespace());
    let output = machine.output(&mut command);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Result<_, serde_json::Error> = stdout.lines().map(serde_json::from_str).collect();
    let command = format!("netkit resolve --json {arguments}");
    Resolved {
        lines: lines.unwrap_or_else(|error| panic!("{command}: {error}\n{stdout}{stderr}")),
        status: output.status.code(),
        command,
        stderr,
    }
}

impl Resolved {
    /// What a JSON pointer names in the only line.
    fn at(&self, pointer: &str) -> &Value {
        assert_eq!(self.lines.len(), 1, "{self}");
        let value = self.lines[0].pointer(pointer);
        value.unwrap_or_else(|| panic!("there is no {pointer}{self}"))
    }

    fn text(&self, pointer: &str) -> &str {
        let value = self.at(pointer).as_str();
        value.unwrap_or_else(|| panic!("{pointer} is no text{self}"))
    }

    fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.status, Some(code), "{self}");
        self
    }
}

/// A transcript.
impl std::fmt::Display for Resolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "\n$ {}", self.command)?;
        for line in &self.lines {
            writeln!(f, "{line:#}")?;
        }
        write!(f, "{}exit status {:?}", self.stderr, self.status)
    }
}
