//! The system calls that neither std nor tokio offers, one thin wrapper each.
//!
//! The only `unsafe` of the crate. Everything crosses this border as integers, byte slices and
//! owned descriptors; what the bytes mean is decided outside, in safe code that tests can feed.
//! Descriptors made here are always non-blocking and closed on exec.

mod addrinfo;
mod clock;
mod datagrams;
mod epoll;
mod limit;
mod listen;
mod many;
mod option;
mod poller;
mod process;
mod raw_addr;
mod socket;
mod splice;
mod watch;

pub(in crate::net) use addrinfo::addresses;
pub(in crate::net) use clock::since_boot;
pub(in crate::net) use datagrams::Batch;
pub(in crate::net) use epoll::{Epoll, Events};
pub(in crate::net) use limit::{
    descriptor_limit, index_of_interface, lengthen_table, name_of_interface, set_descriptor_limit,
};
pub(in crate::net) use listen::{
    accept, enable, hung_up, inherited, linger_zero, listen, somebody_waits,
};
pub(in crate::net) use many::{DATAGRAMS_AT_ONCE, Run, receive_many, send_runs};
pub(in crate::net) use option::{get_bytes, get_int, set_bytes, set_int};
pub(in crate::net) use poller::{Fetched, Poller, Ready, Waker};
pub(in crate::net) use process::kill_group;
pub(in crate::net) use raw_addr::{RawAddr, parse_inet};
pub(in crate::net) use socket::{
    bind, connect, local_addr, peer_addr, receive, receive_error, send, shutdown_write, socket,
};
pub(in crate::net) use splice::Pipe;
pub(in crate::net) use watch::{Watched, watch};

use std::io;

use libc::c_int;

/// Turns the convention of system calls (-1 and `errno`) into a result.
fn check(result: c_int) -> io::Result<c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// The same for calls that count bytes.
fn check_size(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
