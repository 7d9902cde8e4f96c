//! What a forwarder is asked to do.

use super::Mirror;
use crate::addr::Target;
use crate::dial;
use crate::net::proxy_protocol::Version;

/// Where connections go, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// The service.
    pub target: Target,
    /// How it is dialled: the limits, the family, the socket's options. Its exchange is not used.
    pub dial: dial::Config,
    /// Whether the service is told who the client is, by a PROXY header.
    pub proxy: Option<Version>,
    /// Who gets a copy of what clients say.
    pub mirror: Option<Mirror>,
}
