//! Where the Workload API is: the address of its socket (SPIFFE Workload Endpoint §4).

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The environment variable that names the socket (SPIFFE Workload Endpoint §4).
pub const VARIABLE: &str = "SPIFFE_ENDPOINT_SOCKET";

/// The socket of a Workload API.
///
/// ```
/// use netkit::net::tls::WorkloadEndpoint;
/// let short: WorkloadEndpoint = "unix:/run/spire/agent.sock".parse().unwrap();
/// assert_eq!(short, "unix:///run/spire/agent.sock".parse().unwrap());
/// assert_eq!(short.to_string(), "unix:/run/spire/agent.sock");
/// assert!("tcp://localhost:8000".parse::<WorkloadEndpoint>().is_err(), "an address, not a name");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkloadEndpoint {
    /// A Unix socket, by its absolute path.
    Unix(PathBuf),
    /// A TCP port of an address.
    Tcp(SocketAddr),
}

impl fmt::Display for WorkloadEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Two slashes at once would be read as those before an authority.
            Self::Unix(path) if path.as_os_str().as_encoded_bytes().starts_with(b"//") => {
                write!(f, "unix://{}", path.display())
            }
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(addr) => write!(f, "tcp://{addr}"),
        }
    }
}

impl FromStr for WorkloadEndpoint {
    type Err = String;

    /// Errs with what is wrong, in words.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("unix:") {
            return unix(rest).map(Self::Unix);
        }
        if let Some(rest) = text.strip_prefix("tcp:") {
            return tcp(rest).map(Self::Tcp);
        }
        Err("it begins neither with `unix:` nor with `tcp://`".to_owned())
    }
}

/// An absolute path, with an empty authority or none in front.
fn unix(rest: &str) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err("its path is not absolute".to_owned());
    }
    if path.contains(['?', '#']) {
        return Err("a query or a fragment has no meaning here".to_owned());
    }
    Ok(path.into())
}

fn tcp(rest: &str) -> Result<SocketAddr, String> {
    let addr = rest.strip_prefix("//").ok_or("`//` is missing")?;
    addr.parse()
        .map_err(|_| "after `tcp://` stand an IP address and a port, and nothing else".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_the_specification_says() {
        for text in [
            "unix:/a",
            "unix:///a/b",
            "unix:////a",
            "tcp://127.0.0.1:8000",
            "tcp://[::1]:8000",
        ] {
            let endpoint: WorkloadEndpoint = text.parse().expect(text);
            assert_eq!(endpoint.to_string().parse(), Ok(endpoint), "{text}");
        }
        for text in [
            "",
            "/run/agent.sock",
            "unix:",
            "unix:run/agent.sock",
            "unix://",
            "unix://host/path",
            "unix:/a?b",
            "unix:/a#b",
            "tcp:127.0.0.1:1",
            "tcp://localhost:1",
            "tcp://127.0.0.1",
            "tcp://127.0.0.1:1/path",
            "tcp://u@127.0.0.1:1",
            "http://127.0.0.1:1",
            "UNIX:/a",
        ] {
            assert!(text.parse::<WorkloadEndpoint>().is_err(), "{text}");
        }
    }
}
