//! Where the Workload API of SPIFFE is asked who we are: by the flag, or by the environment where a
//! flag needs it.

use netkit::net::tls::WorkloadEndpoint;
use netkit::net::tls::workload_endpoint::VARIABLE;

use super::Environment;
use crate::usage::UsageError;

/// A socket, and who named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkloadSocket {
    pub(crate) endpoint: WorkloadEndpoint,
    /// The flag or the variable.
    pub(crate) named_by: &'static str,
}

impl WorkloadSocket {
    /// The socket that the flag names.
    pub(super) fn of_flag(endpoint: &WorkloadEndpoint) -> Self {
        Self {
            endpoint: endpoint.clone(),
            named_by: "--spiffe-socket",
        }
    }

    /// The socket that the environment names, if it does. Errs when that is no address.
    pub(super) fn of_environment(environment: &Environment) -> Result<Option<Self>, UsageError> {
        let Some(text) = &environment.spiffe_socket else {
            return Ok(None);
        };
        let endpoint = text.parse().map_err(|why| {
            let message = format!("{VARIABLE}: `{text}` is no address of a Workload API: {why}");
            UsageError::new(message, FORMS)
        })?;
        Ok(Some(Self {
            endpoint,
            named_by: VARIABLE,
        }))
    }
}

/// How an address is written.
pub(crate) const FORMS: &str = "`unix:/path` or `tcp://IP:PORT`";
