//! Whom a bulk run asks: the servers of a stub resolver's configuration, as sockets take them.

use super::Server;
use crate::deadline::Deadline;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::resolve::server::Transports;
use crate::resolve::setup::Setup;
use crate::resolve::stub::StubConfig;

/// The servers that are named, or else the system's; `transports` applies to those that name none.
///
/// Reads resolv.conf if no server is named. A server that is given by name is resolved by the
/// system's own servers, by the deadline. Errs when one cannot be found, when a zone is no interface
/// of this machine, and when one is asked over TLS or QUIC only.
pub async fn servers(
    config: &StubConfig,
    transports: Transports,
    deadline: &Deadline,
) -> Result<Vec<Server>, Failure> {
    let setup = Setup::new(config);
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let upstreams = setup.servers(&turn, deadline).await?;
    let servers = upstreams.list.iter().map(|upstream| {
        if upstream.transports.is_secure() {
            let message =
                format!("{upstream} is asked over TLS or QUIC, and a list over UDP and TCP");
            return Err(Failure::new(Stage::Parse, Kind::Invalid, message).by(Who::Netkit));
        }
        let addr = upstream.addr;
        let transports = match upstream.transports {
            Transports::Both => transports,
            own => own,
        };
        Ok(Server { addr, transports })
    });
    servers.collect()
}
