//! What this machine's own resolver says about a name (getaddrinfo), without waiting for it longer
//! than one wants.

use std::ffi::CString;
use std::net::IpAddr;

use crate::addr::Family;
use crate::deadline::{Deadline, Expired};

use super::sys;

/// Why libc has no address for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SystemError {
    /// Its own code (`EAI_…`) and words.
    Libc {
        /// The code.
        code: i32,
        /// The words.
        text: String,
    },
    /// It was not done in time; the thread that waits for it is left behind.
    Expired(Expired),
    /// The name has a zero byte, or no thread could be started.
    Unasked(String),
}

impl std::fmt::Display for SystemError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Libc { code, text } => write!(f, "{text} ({})", eai(*code)),
            Self::Expired(Expired::TimedOut) => f.write_str("no answer in time"),
            Self::Expired(Expired::Cancelled) => f.write_str("interrupted"),
            Self::Unasked(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for SystemError {}

/// The name of a code of getaddrinfo(3).
fn eai(code: i32) -> String {
    let name = match code {
        libc::EAI_NONAME => "EAI_NONAME",
        libc::EAI_AGAIN => "EAI_AGAIN",
        libc::EAI_FAIL => "EAI_FAIL",
        libc::EAI_FAMILY => "EAI_FAMILY",
        libc::EAI_MEMORY => "EAI_MEMORY",
        libc::EAI_SYSTEM => "EAI_SYSTEM",
        EAI_NODATA => "EAI_NODATA",
        other => return format!("EAI {other}"),
    };
    name.to_owned()
}

/// Not in every libc's header any more, and still what glibc returns.
const EAI_NODATA: i32 = -5;

/// Asks getaddrinfo as a program does that calls it plainly: every family unless one is named, and
/// families that this machine has no address of left out (`AI_ADDRCONFIG`) if `configured`.
///
/// It runs on a thread of its own, because nothing can stop it; when the deadline is over the
/// thread is left behind and its result is thrown away.
pub async fn system_addresses(
    name: &str,
    family: Option<Family>,
    configured: bool,
    deadline: &Deadline,
) -> Result<Vec<IpAddr>, SystemError> {
    let unasked = |error: &dyn std::fmt::Display| SystemError::Unasked(error.to_string());
    let name = CString::new(name).map_err(|error| unasked(&error))?;
    let family = match family {
        Some(Family::Ipv4) => libc::AF_INET,
        Some(Family::Ipv6) => libc::AF_INET6,
        None => libc::AF_UNSPEC,
    };
    let flags = if configured { libc::AI_ADDRCONFIG } else { 0 };
    let (tell, told) = tokio::sync::oneshot::channel();
    let ask = move || {
        // Nobody listens any more when the deadline was over first.
        let _ = tell.send(sys::addresses(&name, family, flags));
    };
    std::thread::Builder::new()
        .name("getaddrinfo".to_owned())
        .spawn(ask)
        .map_err(|error| unasked(&error))?;
    match deadline.bound(told).await {
        Ok(Ok(Ok(addresses))) => Ok(addresses),
        Ok(Ok(Err((code, text)))) => Err(SystemError::Libc { code, text }),
        Ok(Err(_)) => Err(SystemError::Unasked("the thread ended early".to_owned())),
        Err(expired) => Err(SystemError::Expired(expired)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn literals_are_answered_by_libc_itself() {
        let deadline = Deadline::after(Duration::from_secs(5));
        for (text, family) in [("127.0.0.9", Family::Ipv4), ("::1", Family::Ipv6)] {
            let found = system_addresses(text, Some(family), false, &deadline).await;
            assert_eq!(found, Ok(vec![text.parse().unwrap()]));
        }
        let wrong = system_addresses("::1", Some(Family::Ipv4), false, &deadline).await;
        assert!(matches!(wrong, Err(SystemError::Libc { .. })), "{wrong:?}");
        let zero = system_addresses("a\0b", None, false, &deadline).await;
        assert!(matches!(zero, Err(SystemError::Unasked(_))), "{zero:?}");
    }
}
