//! The SYN of a connection as its peer sent it (`TCP_SAVED_SYN`): what a middlebox would see.
//!
//! The parser is pure and reads what came from the network: nothing in it is trusted.

use std::os::fd::BorrowedFd;

use serde::{Deserialize, Serialize};

use super::{socket_options, sys};

/// A SYN segment (RFC 9293 §3.1) with its IP header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Syn {
    /// Time to live or hop limit on arrival.
    pub ttl: u8,
    /// Differentiated services byte.
    pub tos: u8,
    /// Receive window, unscaled.
    pub window: u16,
    /// Maximum segment size; `null` if not given.
    pub mss: Option<u16>,
    /// Window scale (RFC 7323), the exponent; `null` if not given.
    pub window_scale: Option<u8>,
    /// Whether selective acknowledgements are allowed (RFC 2018).
    pub sack: bool,
    /// Whether timestamps are sent (RFC 7323).
    pub timestamps: bool,
    /// Whether it is Multipath TCP (RFC 8684).
    pub mptcp: bool,
    /// Whether a Fast Open cookie is asked for or given (RFC 7413).
    pub fastopen: bool,
    /// Whether explicit congestion notification is asked for (RFC 3168).
    pub ecn: bool,
    /// The kinds of all options, in their order: it tells stacks apart.
    pub options: Vec<u8>,
}

/// Room for an IPv6 header and the longest TCP header.
const ROOM: usize = 512;

impl Syn {
    /// Asks the kernel; `None` when it has kept none.
    pub(super) fn read(fd: BorrowedFd<'_>) -> Option<Self> {
        let mut bytes = [0; ROOM];
        let len = sys::get_bytes(fd, socket_options::SAVED_SYN, &mut bytes).ok()?;
        Self::parse(&bytes[..len])
    }

    /// Reads an IP header and the TCP header behind it; `None` when they are cut short or are not.
    ///
    /// ```
    /// assert_eq!(netkit::net::syn::Syn::parse(&[0x45, 0, 0]), None);
    /// ```
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let (ttl, tos, tcp) = match first >> 4 {
            4 => {
                let header = usize::from(first & 15) * 4;
                (*bytes.get(8)?, *bytes.get(1)?, bytes.get(header.max(20)..)?)
            }
            6 => {
                let tos = first << 4 | *bytes.get(1)? >> 4;
                (*bytes.get(7)?, tos, bytes.get(40..)?)
            }
            _ => return None,
        };
        if tcp.len() < 20 {
            return None;
        }
        let window = u16::from_be_bytes(*tcp.get(14..)?.first_chunk()?);
        let length = usize::from(*tcp.get(12)? >> 4) * 4;
        let mut syn = Self {
            ttl,
            tos,
            window,
            // SYN with ECE and CWR (RFC 3168 §6.1.1).
            ecn: tcp.get(13)? & 0xc0 == 0xc0,
            ..Self::default()
        };
        let end = length.clamp(20, tcp.len());
        syn.read_options(tcp.get(20..end)?);
        Some(syn)
    }

    fn read_options(&mut self, mut rest: &[u8]) {
        while let Some((&kind, after)) = rest.split_first() {
            match kind {
                0 => return,
                1 => {
                    self.options.push(kind);
                    rest = after;
                    continue;
                }
                _ => {}
            }
            let Some(&length) = after.first() else { return };
            let length = usize::from(length);
            let Some(value) = rest.get(2..length) else {
                return;
            };
            self.options.push(kind);
            self.read_option(kind, value);
            rest = &rest[length..];
        }
    }

    fn read_option(&mut self, kind: u8, value: &[u8]) {
        match kind {
            2 => self.mss = value.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)),
            3 => self.window_scale = value.first().copied(),
            4 => self.sack = true,
            8 => self.timestamps = true,
            30 => self.mptcp = true,
            34 => self.fastopen = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn linux() -> Vec<u8> {
        let mut bytes = vec![0x45, 0x02, 0, 60, 0, 0, 0x40, 0, 64, 6, 0, 0];
        bytes.extend([127, 0, 0, 1, 127, 0, 0, 1]);
        bytes.extend([0x9c, 0x40, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 0]);
        bytes.extend([0xa0, 0x02, 0xff, 0xd7, 0, 0, 0, 0]);
        bytes.extend([
            2, 4, 0xff, 0xd7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7,
        ]);
        bytes
    }

    #[test]
    fn a_syn_of_linux_is_read() {
        let syn = Syn::parse(&linux()).unwrap();
        assert_eq!((syn.ttl, syn.tos, syn.window), (64, 2, 65_495));
        assert_eq!((syn.mss, syn.window_scale), (Some(65_495), Some(7)));
        assert!(syn.sack && syn.timestamps && !syn.mptcp && !syn.ecn);
        assert_eq!(syn.options, [2, 4, 8, 1, 3]);
    }

    #[test]
    fn an_option_that_lies_about_its_length_ends_the_list() {
        for length in [0, 1, 200] {
            let mut bytes = linux();
            bytes[41] = length;
            assert_eq!(Syn::parse(&bytes).unwrap().options, [] as [u8; 0]);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = Syn::parse(&bytes);
        }
    }
}
