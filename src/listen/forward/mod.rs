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
use super::attend::{Attendance, Ended, Guest};
use super::behaviours::Stream;
use super::event::{Event, Upstream};
use super::wire::{self, Wire};
use crate::net::layers::{End, Metered, Mirrored, Shadowed};
use crate::net::relay::{Broken, Ends, Side};
use crate::net::serve::{Cause, Count};
use crate::net::{Close, Connection};

/// How the two sides came apart.
pub(super) enum Parted {
    /// Both have closed; this one did first.
    Closed(Side),
    /// The service could not be reached.
    Unreached,
    /// The client's side has failed: why is for its wire to say.
    ClientFailed(std::io::Error),
    /// The service's side has failed, or was made to fail.
    UpstreamFailed(Ended),
}

impl Attendance {
    /// Connects to the service; tells what came of it.
    pub(super) async fn reach(
        &self,
        forward: &Forward,
        guest: &Guest,
    ) -> Option<Box<dyn Connection>> {
        let began = Instant::now();
        let dialled = (self.means.dialler)(&forward.target, &forward.dial).await;
        let took = began.elapsed();
        let count = match dialled {
            Ok(_) => Count::UpstreamsConnected,
            Err(_) => Count::UpstreamsFailed,
        };
        self.counts.borrow_mut().add(count, 1);
        if self.config.telling.connections {
            let (facts, failure) = match &dialled {
                Ok(connection) => (Some(connection.facts()), None),
                Err(failure) => (None, Some(failure.clone())),
            };
            self.tell(Event::Upstream(Box::new(Upstream {
                id: guest.id,
                listener: guest.listener,
                peer: guest.peer,
                target: forward.target.to_string(),
                local: facts.as_ref().and_then(|facts| facts.local.clone()),
                remote: facts.and_then(|facts| facts.peer),
                took,
                failure,
            })));
        }
        dialled.ok()
    }

    /// Forwards a connection whose bytes nobody needs to see but a shadow, as fast as the system can.
    pub(super) async fn relay(
        &self,
        forward: &Forward,
        client: &mut Wire,
        guest: &Guest,
        shadowed: Shadowed,
        first: Vec<u8>,
    ) -> Parted {
        let Some(mut upstream) = self.reach(forward, guest).await else {
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
        match self.relay.run(ends, &shadowed, first).await {
            Ok(side) => Parted::Closed(side),
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
        let mut upstream = guest.up.over(
            metered,
            self.config.seed.wrapping_add(1),
            guest.id,
            &self.heard(guest),
        );
        let said = upstream.write_all(&first).await;
        let result = match said {
            Ok(()) => pump::pump(client, &mut upstream, &self.pool).await,
            Err(error) => Err(Broken {
                side: Side::Upstream,
                error,
            }),
        };
        let end = wire::faulty(&mut upstream).end();
        if end == Some(End::Fin) {
            // What the fault has let through arrives; then the end, which is the drop.
            let _ = wire::faulty(&mut upstream).inner_mut().shutdown().await;
        }
        match result {
            Ok(side) => Parted::Closed(side),
            Err(broken) => part(broken, &mut **wire::socket(&mut upstream), end),
        }
    }
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
        Side::Upstream => Parted::UpstreamFailed(Ended {
            cause: Cause::UpstreamReset,
            reset: true,
        }),
    }
}

/// How a connection ends whose service was not reached.
#[must_use]
pub(super) fn unreached() -> Ended {
    Ended {
        cause: Cause::UpstreamFailed,
        reset: true,
    }
}
