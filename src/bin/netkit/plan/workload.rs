//! Where the Workload API of SPIFFE is asked who we are: by the flag, or by the environment where a
//! flag needs it.

use netkit::net::tls::workload_endpoint::VARIABLE;
use netkit::net::tls::{SvidChoice, WorkloadEndpoint};

use super::Environment;
use crate::usage::UsageError;

/// A socket, and who named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkloadSocket {
    pub(crate) endpoint: WorkloadEndpoint,
    /// The flag or the variable.
    pub(crate) named_by: &'static str,
    /// Which of the identities that it offers is ours.
    pub(crate) choice: SvidChoice,
}

impl WorkloadSocket {
    /// The socket that the flag names.
    pub(super) fn of_flag(endpoint: &WorkloadEndpoint) -> Self {
        Self {
            endpoint: endpoint.clone(),
            named_by: "--spiffe-socket",
            choice: SvidChoice::First,
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
            choice: SvidChoice::First,
        }))
    }
}

/// Has `socket` give the identity that is chosen. Errs when something is chosen of nothing.
pub(super) fn choosing(
    socket: Option<WorkloadSocket>,
    choice: Option<&SvidChoice>,
) -> Result<Option<WorkloadSocket>, UsageError> {
    match (socket, choice) {
        (None, Some(_)) => {
            let message =
                "--spiffe-svid chooses among what the Workload API offers, and it is not asked";
            Err(UsageError::new(message, "--spiffe-socket ADDRESS with it"))
        }
        (socket, choice) => Ok(socket.map(|socket| WorkloadSocket {
            choice: choice.cloned().unwrap_or_default(),
            ..socket
        })),
    }
}

/// How an address is written.
pub(crate) const FORMS: &str = "`unix:/path` or `tcp://IP:PORT`";
