//! Passing connections on to a service: plainly, or through layers that make it go wrong.

mod compare;
mod config;
mod datagrams;
mod dialler;
mod mirror;
mod pump;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

pub use self::compare::Compared;
pub use self::config::Forward;
pub use self::datagrams::IDLE;
pub(super) use self::dialler::{Dialler, dialler};
pub use self::mirror::{BUFFER, Mirror};
pub(super) use self::mirror::{Job, Mirrors};
use self::pump::Closed;
use super::attend::{Attendance, Ended, Guest};
use super::behaviours::Stream;
use super::event::{Event, Upstream};
use super::wire::{self, Wire};
use crate::net::layers::{End, Faulty, Metered, Mirrored, Shadowed};
use crate::net::proxy_protocol::{self, Ends as ProxyEnds};
use crate::net::relay::{Broken, Ends, Side};
use crate::net::serve::{Cause, Count};
use crate::net::{Close, Connection};
use crate::policy::fault::Direction;

/// What a service is told before what the client says.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// In the clear, before TLS begins.
    pub(super) before_tls: Vec<u8>,
    /// On the stream itself.
    pub(super) first: Vec<u8>,
}

impl Opening {
    /// Who the client is, where that is to be said, then what it has said already. A PROXY header is
    /// what a connection begins with: with TLS it comes before the handshake.
    pub(super) fn new(forward: &Forward, ends: Option<ProxyEnds>, said: Vec<u8>) -> Self {
        let written = |version| proxy_protocol::write(version, ends);
        let mut header = forward.proxy.map(written).unwrap_or_default();
        if forward.target.tls {
            return Self {
                before_tls: header,
                first: said,
            };
        }
        header.extend(said);
        Self {
            before_tls: Vec::new(),
            first: header,
        }
    }
}

/// How the two sides came apart.
pub(super) enum Parted {
    /// Both have closed.
    Closed(Closed),
    /// The service could not be reached.
    Unreached,
    /// The client's side has failed: why is for its wire to say.
    ClientFailed(std::io::Error),
    /// The service's side has failed, or was made to fail.
    UpstreamFailed(Ended),
}

impl Attendance {
    /// Connects to the service, and says `before_tls` before TLS begins; tells what came of it.
    pub(super) async fn reach(
        &self,
        forward: &Forward,
        guest: &Guest,
        before_tls: Vec<u8>,
    ) -> Option<Box<dyn Connection>> {
        let began = Instant::now();
        let mut dial = forward.dial.clone();
        let said = before_tls.len() as u64;
        if let Some(tls) = &mut dial.tls {
            tls.preamble = before_tls;
        }
        let dialled = (self.means.dialler)(&forward.target, dial).await;
        let took = began.elapsed();
        let count = match dialled {
            Ok(_) => Count::UpstreamsConnected,
            Err(_) => Count::UpstreamsFailed,
        };
        self.counts.borrow_mut().add(count, 1);
        if self.config.telling.connections || self.config.controlled {
            let (facts, failure) = match &dialled {
                Ok(connection) => (Some(connection.facts()), None),
                Err(failure) => (None, Some(failure.clone())),
            };
            let remote = facts.as_ref().and_then(|facts| facts.peer.clone());
            guest.upstream.replace(remote.clone());
            self.tell(Event::Upstream(Box::new(Upstream {
                id: guest.id,
                listener: guest.listener,
                peer: guest.peer,
                target: forward.target.to_string(),
                local: facts.and_then(|facts| facts.local),
                remote,
                took,
                failure,
            })));
        }
        let connection = dialled.ok()?;
        guest.upstream_meter.pass(0, said);
        Some(connection)
    }

    /// Forwards a connection whose bytes nobody needs to see but a shadow, as fast as the system can.
    pub(super) async fn relay(
        &self,
        forward: &Forward,
        client: &mut Wire,
        guest: &Guest,
        shadowed: Shadowed,
        opening: Opening,
    ) -> Parted {
        let Opening { before_tls, first } = opening;
        let Some(mut upstream) = self.reach(forward, guest, before_tls).await else {
            return Parted::Unreached;
        };
        let client_socket = &**wire::socket(client);
        let ends = Ends::new(
            client_socket,
            &*upstream,
            &guest.meter,
            &guest.upstream_meter,
        );
        let Some(ends) = ends else {
            let mut client = Mirrored::new(client, shadowed);
            return self.exchange(&mut client, upstream, guest, first).await;
        };
        ends.client.send_at_once();
        ends.upstream.send_at_once();
        match self.relay.run(ends, &shadowed, first).await {
            Ok(by) => Parted::Closed(Closed { by, cut: None }),
            Err(broken) => part(broken, &mut *upstream, None),
        }
    }

    /// Forwards what is said on a layered stream.
    pub(super) async fn exchange(
        &self,
        client: &mut impl Stream,
        upstream: Box<dyn Connection>,
        guest: &Guest,
        first: Vec<u8>,
    ) -> Parted {
        let metered = Metered::new(upstream, guest.upstream_meter.clone());
        let (seed, heard) = (
            self.config.seed.wrapping_add(1),
            self.heard(guest, Direction::Up),
        );
        let wire = guest.up.over(metered, seed, guest.id, &heard);
        let mut upstream = guest.up.heeding(wire, &heard);
        let said = upstream.write_all(&first).await;
        let result = match said {
            Ok(()) => pump::pump(client, &mut upstream, &self.pool).await,
            Err(error) => Err(Broken {
                side: Side::Upstream,
                error,
            }),
        };
        let end = ended(&mut upstream).await;
        match result {
            Ok(closed) => Parted::Closed(closed),
            Err(broken) => part(broken, &mut **wire::socket(upstream.inner_mut()), end),
        }
    }
}

/// How a fault has ended the stream to a service, if one has. By FIN, what the fault has let through
/// arrives; then the end, which is the drop.
async fn ended(upstream: &mut Faulty<Wire>) -> Option<End> {
    let heeded = upstream.end();
    let wire = upstream.inner_mut();
    if heeded.is_some() {
        let _ = wire.shutdown().await;
        return heeded;
    }
    let faulty = wire::faulty(wire);
    let end = faulty.end();
    if end == Some(End::Fin) {
        let _ = faulty.inner_mut().shutdown().await;
    }
    end
}

/// What a failure of one side means for the other: a reset is passed on.
fn part(broken: Broken, upstream: &mut dyn Connection, fault: Option<End>) -> Parted {
    match broken.side {
        Side::Client => {
            if Cause::of(&broken.error) == Cause::Reset {
                upstream.set_close(Close::Rst);
            }
            Parted::ClientFailed(broken.error)
        }
        Side::Upstream if fault.is_some() => {
            if fault == Some(End::Rst) {
                upstream.set_close(Close::Rst);
            }
            Parted::UpstreamFailed(Cause::Fault.into())
        }
        Side::Upstream => {
            let ended = Ended::by_reset(Cause::UpstreamReset);
            Parted::UpstreamFailed(ended.told(&broken.error))
        }
    }
}

/// How a connection ends whose service was not reached.
#[must_use]
pub(super) fn unreached() -> Ended {
    Ended::by_reset(Cause::UpstreamFailed)
}
