//! Who we are by the Workload API of SPIFFE: asked for before anything else, and followed while the run
//! lasts, so that a new identity is used by the next handshake.

use std::time::Duration;

use netkit::dial;
use netkit::error::Error;
use netkit::net::tls::{TlsClient, Unprepared};
use netkit::run::Cx;
use tokio::sync::mpsc;

use super::Trouble;
use crate::output::json::identity::Change;
use crate::plan::TlsPlan;

/// What there is to tell of our identity, as it happens.
#[derive(Debug, Default)]
pub(super) struct Identities(Option<mpsc::UnboundedReceiver<Change>>);

impl Identities {
    /// Waits for the next change; for ever where there is none to come. Cancel safe.
    pub(super) async fn next(&mut self) -> Change {
        let change = match &mut self.0 {
            Some(told) => told.recv().await,
            None => None,
        };
        match change {
            Some(change) => change,
            None => std::future::pending().await,
        }
    }
}

/// Makes ready to shake hands as planned: reads the files, or asks the Workload API within `limit`.
pub(super) async fn client(
    plan: Option<&TlsPlan>,
    cx: &Cx,
    limit: Duration,
) -> Result<(Option<dial::Tls>, Identities), Trouble> {
    #[cfg(not(feature = "tls"))]
    let _ = (cx, limit);
    let Some(plan) = plan else {
        return Ok((None, Identities::default()));
    };
    #[cfg(feature = "tls")]
    if let Some(socket) = &plan.workload {
        return asked::client(plan, socket, cx, limit).await;
    }
    let client = TlsClient::new(&plan.options).map_err(|what| unprepared(plan, what))?;
    Ok((Some(plan.with(client)), Identities::default()))
}

fn unprepared(plan: &TlsPlan, what: Unprepared) -> Trouble {
    Error::new("preparing TLS", plan.named(what)).into()
}

#[cfg(feature = "tls")]
pub(super) use asked::ask;

#[cfg(feature = "tls")]
mod asked {
    use super::{
        Change, Cx, Duration, Error, Identities, TlsClient, TlsPlan, Trouble, dial, mpsc,
        unprepared,
    };
    use crate::plan::WorkloadSocket;
    use netkit::failure::{Failure, Kind};
    use netkit::net::tls::workload::{News, Subscription, TIMEOUT, follow};
    use netkit::net::tls::{SvidChoice, WorkloadIdentity};

    /// A client that is whoever the Workload API says.
    pub(super) async fn client(
        plan: &TlsPlan,
        socket: &WorkloadSocket,
        cx: &Cx,
        limit: Duration,
    ) -> Result<(Option<dial::Tls>, Identities), Trouble> {
        let asked = ask(socket, cx, limit).await?;
        let client = TlsClient::of_workload(&plan.options, &asked.identity)
            .map_err(|what| unprepared(plan, what))?;
        let tls = plan.with(client.clone());
        let adopt = move |identity: &_| client.adopt(identity);
        Ok((Some(tls), asked.followed(adopt)))
    }

    /// The first answer, and what comes after.
    pub(in super::super) struct Asked {
        pub(in super::super) identity: WorkloadIdentity,
        subscription: Subscription,
    }

    /// Asks who we are, for at most `limit`, and no longer than an agent that works can need.
    pub(in super::super) async fn ask(
        socket: &WorkloadSocket,
        cx: &Cx,
        limit: Duration,
    ) -> Result<Asked, Trouble> {
        let deadline = cx.deadline(Some(limit.min(TIMEOUT)));
        let open = Subscription::open(&socket.endpoint, &socket.choice, &deadline);
        let (identity, subscription) =
            crate::signal::ending_at_once_during(open)
                .await
                .map_err(|failure| {
                    // What was asked for is there to be named, the socket is not at fault.
                    let chosen = socket.choice != SvidChoice::First;
                    let flag = match failure.kind {
                        Kind::NoIdentity if chosen => "--spiffe-svid",
                        _ => socket.named_by,
                    };
                    Error::new(flag, failure)
                })?;
        Ok(Asked {
            identity,
            subscription,
        })
    }

    impl Asked {
        /// Follows what comes, as long as the runtime lives; `adopt` puts each identity to use.
        pub(in super::super) fn followed(
            self,
            adopt: impl Fn(&WorkloadIdentity) -> Result<(), Failure> + Send + 'static,
        ) -> Identities {
            let (tell, told) = mpsc::unbounded_channel();
            // Where nobody listens, the identity is used all the same.
            let tell = move |change| drop(tell.send(change));
            tell(Change::issued(self.identity.facts()));
            let (mut current, mut lost) = (self.identity, false);
            let take = move |news| match news {
                News::Identity(fresh) => match adopt(&fresh) {
                    Ok(()) => {
                        if let Some(change) = Change::between(&current, &fresh, lost) {
                            tell(change);
                        }
                        (current, lost) = (fresh, false);
                    }
                    Err(failure) => tell(Change::refused(current.facts(), failure)),
                },
                News::Lost { failure, retry_in } => {
                    lost = true;
                    tell(Change::lost(current.facts(), failure, retry_in));
                }
                _ => {}
            };
            tokio::spawn(follow(self.subscription, take));
            Identities(Some(told))
        }
    }
}
