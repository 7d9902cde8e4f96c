//! The real binary: output, the JSON contract, exit codes, signals, terminal safety, generated files.
//!
//! Servers are threads of this process on ports of the kernel's choice; they check that they were
//! hit. Nothing leaves loopback.

mod contract;
mod demo;
#[path = "../support/dns.rs"]
mod dns;
mod exit_codes;
mod generated;
mod heartbeat;
mod listen;
mod many;
mod names;
mod parse_addr;
mod pipes;
mod policy;
mod proof;
mod repeat;
mod resolve_again;
mod resolve_bulk;
mod resolve_check;
mod resolve_system;
mod resolve_verdicts;
mod shell;
mod signals;
mod single;
mod starttls;
mod support;
mod tls;
mod tls_hostile;
mod tls_modes;
#[path = "../support/tls.rs"]
mod tls_server;
mod usage;
mod wait;
#[path = "../support/workload.rs"]
mod workload;
