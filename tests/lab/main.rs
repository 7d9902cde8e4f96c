//! The real world in a box: `netkit` in network namespaces, against firewalls, dead routes, slow
//! links and servers that misbehave.
//!
//! Needs root. Elsewhere every case says that it was skipped, and why; with `CI=true` or
//! `NETKIT_LAB=require` a skip is a failure.

mod bed;
mod bed_works;
mod bulk;
mod datagrams;
#[path = "../support/dns.rs"]
mod dns;
mod every_type;
mod forward;
mod heartbeat;
mod interop;
mod limits;
mod listen;
mod liveness;
mod name_servers;
mod names;
mod netkit;
mod options;
mod policy_etcd;
mod race;
mod resolve;
mod scrapes;
mod sweeps;
mod tls;
#[path = "../support/tls.rs"]
mod tls_server;
mod transfers;
mod verdicts;
mod watching;
