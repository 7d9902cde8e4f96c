//! getaddrinfo(3): what every other program of this machine is told about a name.
#![expect(
    unsafe_code,
    reason = "libc's resolver is neither in std nor in tokio as a list"
)]

use std::ffi::CStr;
use std::net::IpAddr;

use libc::c_int;

use super::raw_addr::parse_inet;

/// Asks libc for the addresses of a name, in its order; blocks for as long as it likes.
///
/// `family` is `AF_INET`, `AF_INET6` or `AF_UNSPEC`, `flags` are `AI_*`. The error is libc's code
/// with its words.
pub(in crate::net) fn addresses(
    name: &CStr,
    family: c_int,
    flags: c_int,
) -> Result<Vec<IpAddr>, (c_int, String)> {
    // SAFETY: an all-zero addrinfo is a valid hint.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    (hints.ai_family, hints.ai_flags, hints.ai_socktype) = (family, flags, libc::SOCK_STREAM);
    let mut list = std::ptr::null_mut();
    // SAFETY: the name ends with a zero byte, hints and list live until the call returns.
    let code = unsafe {
        libc::getaddrinfo(
            name.as_ptr(),
            std::ptr::null(),
            &raw const hints,
            &raw mut list,
        )
    };
    if code != 0 {
        return Err((code, words(code)));
    }
    let mut found = Vec::new();
    let mut entry = list;
    while !entry.is_null() {
        // SAFETY: the entries of the list are valid until it is freed; the address of an entry has
        // `ai_addrlen` octets.
        let (bytes, next) = unsafe {
            let info = &*entry;
            let length = usize::try_from(info.ai_addrlen).unwrap_or(0);
            let bytes = if info.ai_addr.is_null() {
                &[]
            } else {
                std::slice::from_raw_parts(info.ai_addr.cast::<u8>(), length)
            };
            (bytes, info.ai_next)
        };
        found.extend(parse_inet(bytes).map(|addr| addr.ip()));
        entry = next;
    }
    // SAFETY: the list came from getaddrinfo and nothing of it is kept.
    unsafe { libc::freeaddrinfo(list) };
    Ok(found)
}

fn words(code: c_int) -> String {
    // SAFETY: gai_strerror returns a string that lives for ever, for any code.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) };
    text.to_string_lossy().into_owned()
}
