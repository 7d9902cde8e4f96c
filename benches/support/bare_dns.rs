//! The barest way to ask for very many names: one socket, one window, sendmmsg(2) and recvmmsg(2).
//!
//! No repetition but of everything when nothing has come for a while, no check but that an id is
//! one that was sent, no output: what no honest tool can be faster than.
#![expect(
    unsafe_code,
    reason = "sendmmsg(2) and recvmmsg(2) are neither in std nor in a safe crate of ours"
)]

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Datagrams a call.
const BATCH: usize = 64;
/// Room for one reply.
const ROOM: usize = 512;
/// Silence after which everything that is not answered is sent again.
const PATIENCE: Duration = Duration::from_millis(50);

/// Asks `server` for the A records of all names, `window` at a time; returns how many were answered.
pub(crate) fn ask(server: &str, names: &str, window: usize) -> io::Result<usize> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut names = names.lines();
    let mut asked: Vec<Option<Vec<u8>>> = vec![None; 1 << 16];
    let (mut id, mut under_way, mut answered) = (0_u16, 0, 0);
    let mut outbox: Vec<u16> = Vec::new();
    let mut inbox = vec![0; BATCH * ROOM];
    loop {
        while under_way < window && outbox.len() < BATCH {
            let Some(name) = names.next() else { break };
            while asked[usize::from(id)].is_some() {
                id = id.wrapping_add(1);
            }
            asked[usize::from(id)] = Some(question(id, name));
            outbox.push(id);
            under_way += 1;
            id = id.wrapping_add(1);
        }
        while !outbox.is_empty() {
            let messages = outbox
                .iter()
                .filter_map(|id| asked[usize::from(*id)].as_deref());
            let sent = send(&socket, messages)?;
            outbox.drain(..sent);
        }
        if under_way == 0 {
            return Ok(answered);
        }
        match receive(&socket, &mut inbox) {
            Ok(count) => {
                for reply in inbox.chunks_exact(ROOM).take(count) {
                    let id = u16::from_be_bytes([reply[0], reply[1]]);
                    if asked[usize::from(id)].take().is_some() {
                        under_way -= 1;
                        answered += 1;
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let waiting = (0..=u16::MAX).filter(|id| asked[usize::from(*id)].is_some());
                outbox.extend(waiting);
            }
            Err(error) => return Err(error),
        }
    }
}

fn question(id: u16, name: &str) -> Vec<u8> {
    let mut message = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message[..2].copy_from_slice(&id.to_be_bytes());
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap_or(63));
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    message
}

fn send<'a>(socket: &UdpSocket, messages: impl Iterator<Item = &'a [u8]>) -> io::Result<usize> {
    let mut parts: Vec<libc::iovec> = messages
        .take(BATCH)
        .map(|message| libc::iovec {
            iov_base: message.as_ptr().cast_mut().cast(),
            iov_len: message.len(),
        })
        .collect();
    let mut headers = headers(&mut parts);
    let count = u32::try_from(headers.len()).unwrap_or(0);
    // SAFETY: every header has one part, which leads to a message that outlives the call.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, 0) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

fn receive(socket: &UdpSocket, inbox: &mut [u8]) -> io::Result<usize> {
    let mut parts: Vec<libc::iovec> = inbox
        .chunks_exact_mut(ROOM)
        .map(|room| libc::iovec {
            iov_base: room.as_mut_ptr().cast(),
            iov_len: room.len(),
        })
        .collect();
    let mut headers = headers(&mut parts);
    let count = u32::try_from(headers.len()).unwrap_or(0);
    let (fd, flags) = (socket.as_raw_fd(), libc::MSG_WAITFORONE);
    // SAFETY: every header has one part, which leads to writable bytes of its own; no timeout.
    let came =
        unsafe { libc::recvmmsg(fd, headers.as_mut_ptr(), count, flags, std::ptr::null_mut()) };
    usize::try_from(came).map_err(|_| io::Error::last_os_error())
}

fn headers(parts: &mut [libc::iovec]) -> Vec<libc::mmsghdr> {
    let header = |part: &mut libc::iovec| {
        // SAFETY: all-zero is a valid header: null pointers with zero lengths.
        let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
        header
    };
    parts.iter_mut().map(header).collect()
}
