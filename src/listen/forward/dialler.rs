//! Connecting to the service: by dial's own machinery, without its report where nobody reads it.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::addr::{Endpoint, Host, Target, Transport};
use crate::deadline::Deadline;
use crate::dial;
use crate::event::Ignore;
use crate::failure::{Failure, Kind, Stage};
use crate::io::Io;
use crate::net::{Connection, PeerAddr};
use crate::run::Cx;

/// What came of it.
pub(in crate::listen) type Dialled = Result<Box<dyn Connection>, Failure>;

/// Dials a target. Cancel safe: dropping the future closes the sockets.
pub(in crate::listen) type Dialler =
    Rc<dyn Fn(&Target, dial::Config) -> Pin<Box<dyn Future<Output = Dialled>>>>;

/// Dials through `io`.
pub(in crate::listen) fn dialler<I: Io + 'static>(io: Arc<I>) -> Dialler {
    Rc::new(move |target, config| {
        let (io, target) = (Arc::clone(&io), target.clone());
        Box::pin(async move {
            match direct(&target, &config) {
                Some(addr) => {
                    let deadline = Deadline::after(config.limit_of_one());
                    io.connect(&addr, &config.socket, &deadline).await
                }
                None => raced(&target, &config, &*io).await,
            }
        })
    })
}

/// The only address there is: nothing to look up and nothing to race.
fn direct(target: &Target, config: &dial::Config) -> Option<PeerAddr> {
    if config.family.is_some() || target.tls {
        return None;
    }
    let transport = target.network.transport();
    match &target.endpoint {
        Endpoint::Unix(path) if transport == Transport::Unixgram => {
            Some(PeerAddr::Unixgram(path.clone()))
        }
        Endpoint::Unix(path) => Some(PeerAddr::Unix(path.clone())),
        Endpoint::Inet {
            host: Host::Ip { ip, zone: None },
            port,
        } => {
            let addr = (*ip, *port).into();
            Some(match transport {
                Transport::Udp => PeerAddr::Udp(addr),
                _ => PeerAddr::Tcp(addr),
            })
        }
        Endpoint::Inet { .. } => None,
    }
}

async fn raced(target: &Target, config: &dial::Config, io: &impl Io) -> Dialled {
    let cx = Cx::new(CancellationToken::new());
    let (report, connection) = dial::open(target, config, io, &cx, &mut Ignore).await;
    connection.ok_or_else(|| {
        report.failure.unwrap_or_else(|| {
            let message = format!("{target}: the dial was interrupted");
            Failure::new(Stage::Connect, Kind::Timeout, message)
        })
    })
}
