//! Who holds a port: the socket's inode in `/proc/net`, and the process that has it open.
//!
//! Every step may be forbidden to this user; then nobody is named.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::addr::{Transport, UnixPath};

/// The state of a listening TCP socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// The process that holds a port: `nginx (pid 312)`.
pub(super) fn of_port(transport: Transport, addr: SocketAddr) -> Option<String> {
    let name = match transport {
        Transport::Udp => "udp",
        _ => "tcp",
    };
    let texts = ["", "6"].map(|family| fs::read_to_string(format!("/proc/net/{name}{family}")));
    let tables: Vec<_> = texts.into_iter().flatten().collect();
    let inodes = tables.iter().flat_map(|table| table.lines().skip(1));
    let inode = inodes
        .filter_map(|line| row(line, name == "tcp"))
        .filter(|(local, _)| overlaps(*local, addr))
        .find_map(|(_, inode)| (inode != 0).then_some(inode))?;
    process(inode)
}

/// The process that holds a Unix socket.
pub(super) fn of_path(path: &UnixPath) -> Option<String> {
    let table = fs::read_to_string("/proc/net/unix").ok()?;
    let wanted = path.to_string();
    let line = table
        .lines()
        .find(|line| line.split_whitespace().nth(7) == Some(&wanted))?;
    process(line.split_whitespace().nth(6)?.parse().ok()?)
}

/// The local address and the inode of a line, if the socket counts.
fn row(line: &str, listening: bool) -> Option<(SocketAddr, u64)> {
    let words: Vec<_> = line.split_whitespace().collect();
    let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
    if listening && *state != LISTEN {
        return None;
    }
    Some((address(local)?, inode.parse().ok()?))
}

/// `0100007F:1F90`: 32-bit words in the machine's order.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok();
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?.to_ne_bytes()).into(),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?].map(u32::to_ne_bytes);
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Whether one of the two excludes the other.
fn overlaps(held: SocketAddr, wanted: SocketAddr) -> bool {
    let (a, b) = (held.ip().to_canonical(), wanted.ip().to_canonical());
    held.port() == wanted.port() && (a == b || a.is_unspecified() || b.is_unspecified())
}

/// The first process that has the socket open.
fn process(inode: u64) -> Option<String> {
    let link = format!("socket:[{inode}]");
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = numbers.into_iter().find(|pid| has_open(*pid, &link))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(format!("{} (pid {pid})", name.trim()))
}

fn has_open(pid: u32, link: &str) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let mut files = files.flatten();
    files.any(|file| fs::read_link(file.path()).is_ok_and(|to| to == Path::new(link)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_listener_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let holder = of_port(Transport::Tcp, addr).unwrap();
        assert!(
            holder.ends_with(&format!("(pid {})", std::process::id())),
            "{holder}"
        );
        let everywhere = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), addr.port());
        assert_eq!(of_port(Transport::Tcp, everywhere), Some(holder));
        drop(listener);
        assert_eq!(of_port(Transport::Tcp, addr), None);
    }

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let v4 = u32::from_ne_bytes([127, 0, 0, 1]);
        let text = format!("{v4:08X}:1F90");
        assert_eq!(address(&text), Some("127.0.0.1:8080".parse().unwrap()));
        for bad in ["", "0100007F", "0100007:1F90", "0100007F:", "xyz:1"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
