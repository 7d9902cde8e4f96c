//! The Workload API of SPIFFE: who we are and whom to trust, from the agent on this machine.
//!
//! One call (`FetchX509SVID`) whose answer never ends: the first message at once, another whenever
//! something changes. Own code instead of a crate; ARCHITECTURE.md says why. It hands out values and
//! changes no handshake itself: that is what [`TlsClient::adopt`](super::TlsClient::adopt) and
//! [`TlsServer::adopt`](super::TlsServer::adopt) are for.

mod grpc;
mod identity;
mod proto;

use std::io;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;

use self::grpc::{Broken, Call};
pub use self::identity::{Unusable, WorkloadIdentity};
use super::{SvidChoice, WorkloadEndpoint};
use crate::deadline::{Deadline, Expired};
use crate::failure::{Failure, Kind, Stage, Who};
use crate::policy::backoff::Backoff;

/// How long the first answer may take: it comes at once from an agent that works.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The one call that is made.
const METHOD: &str = "/SpiffeWorkloadAPI/FetchX509SVID";
/// Without it no agent answers, so that nobody can be tricked into asking (Workload Endpoint §5).
const METADATA: (&str, &str) = ("workload.spiffe.io", "true");

/// The shortest and the longest pause before the agent is asked again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// An answer that goes on: what comes next is the identity that takes the place of the last one.
pub struct Subscription {
    endpoint: WorkloadEndpoint,
    choice: SvidChoice,
    call: Call,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Subscription").field(&self.endpoint).finish()
    }
}

impl Subscription {
    /// Asks the Workload API and waits for its first answer, of which one identity is taken.
    ///
    /// Errs with stage `local` and kind `file` (no socket), `permission`, `no_identity` (the agent
    /// knows no identity for this process, or not the one that is chosen), `workload_api` (nobody listens, it is no Workload API, or
    /// its answer is malformed) or `timeout`. Cancel safe: dropping the future closes the connection.
    pub async fn open(
        endpoint: &WorkloadEndpoint,
        choice: &SvidChoice,
        deadline: &Deadline,
    ) -> Result<(WorkloadIdentity, Self), Failure> {
        let ask = async {
            let stream = connect(endpoint).await;
            let stream = stream.map_err(|error| unreachable(endpoint, &error))?;
            let call = Call::begin(stream, METHOD, METADATA).await;
            let call = call.map_err(|broken| explain(endpoint, broken))?;
            let mut subscription = Self {
                endpoint: endpoint.clone(),
                choice: choice.clone(),
                call,
            };
            let first = subscription.next().await?;
            Ok((first, subscription))
        };
        match deadline.bound(ask).await {
            Ok(result) => result,
            Err(expired) => Err(late(endpoint, expired)),
        }
    }

    /// Waits for the next identity, however long that takes. Errs when none will come any more, as
    /// [`open`](Self::open) does. Cancel safe.
    pub async fn next(&mut self) -> Result<WorkloadIdentity, Failure> {
        let message = self.call.message().await;
        let message = message.map_err(|broken| explain(&self.endpoint, broken))?;
        WorkloadIdentity::read(&message, &self.choice).map_err(|unusable| match unusable {
            Unusable::Malformed(why) => {
                malformed(&self.endpoint, &format!("the answer cannot be used: {why}"))
            }
            Unusable::NotOffered(what) => {
                let failure = failure(&self.endpoint, Kind::NoIdentity, &what).by(Who::Peer);
                failure.hint("choose one of those, or none to take the first")
            }
        })
    }
}

/// What happens to a subscription.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum News {
    /// This identity takes the place of the one before; after a loss it may be the same.
    Identity(WorkloadIdentity),
    /// The stream was lost; the identity stays, and the agent is asked again.
    Lost {
        /// Why.
        failure: Failure,
        /// The pause before that.
        retry_in: Duration,
    },
}

/// Follows a subscription for ever: hands on each identity that comes, and asks again when the stream
/// is lost, with growing pauses. Cancel safe: dropping the future closes the connection.
pub async fn follow(mut subscription: Subscription, mut tell: impl FnMut(News)) {
    let (endpoint, choice) = (subscription.endpoint.clone(), subscription.choice.clone());
    let mut backoff = Backoff::new(PAUSES.0, PAUSES.1);
    loop {
        let opened = Instant::now();
        let mut failure = loop {
            match subscription.next().await {
                Ok(identity) => tell(News::Identity(identity)),
                Err(failure) => break failure,
            }
        };
        // An agent that answers and hangs up, time and again, is not asked ever faster.
        if opened.elapsed() >= PAUSES.1 {
            backoff.reset();
        }
        subscription = loop {
            let retry_in = backoff.next_pause();
            tell(News::Lost { failure, retry_in });
            tokio::time::sleep(retry_in).await;
            let deadline = Deadline::after(TIMEOUT);
            match Subscription::open(&endpoint, &choice, &deadline).await {
                Ok((identity, fresh)) => {
                    tell(News::Identity(identity));
                    break fresh;
                }
                Err(again) => failure = again,
            }
        };
    }
}

async fn connect(endpoint: &WorkloadEndpoint) -> io::Result<Box<dyn grpc::Stream>> {
    Ok(match endpoint {
        WorkloadEndpoint::Unix(path) => Box::new(UnixStream::connect(path).await?),
        WorkloadEndpoint::Tcp(addr) => Box::new(TcpStream::connect(addr).await?),
    })
}

/// The socket cannot be connected to.
fn unreachable(endpoint: &WorkloadEndpoint, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Kind::File,
        io::ErrorKind::PermissionDenied => Kind::Permission,
        _ => Kind::WorkloadApi,
    };
    let failure = failure(endpoint, kind, &error.to_string()).with_errno(error);
    match kind {
        Kind::File => failure.hint("no agent of SPIFFE has its socket there; check the path"),
        Kind::Permission => failure.hint("this user may not write to the socket; see its mode"),
        _ => failure,
    }
}

fn explain(endpoint: &WorkloadEndpoint, broken: Broken) -> Failure {
    /// The codes of gRPC that say something of their own.
    const PERMISSION_DENIED: u32 = 7;
    const UNIMPLEMENTED: u32 = 12;
    let no_api = |what: &str| {
        let what = format!("what listens there is not a Workload API: {what}");
        failure(endpoint, Kind::WorkloadApi, &what).by(Who::Peer)
    };
    match broken {
        Broken::Status(PERMISSION_DENIED, words) => {
            let what = format!("it has no identity for this process{}", said(&words));
            failure(endpoint, Kind::NoIdentity, &what).by(Who::Peer)
        }
        Broken::Status(UNIMPLEMENTED, words) => {
            no_api(&format!("it does not know FetchX509SVID{}", said(&words)))
        }
        Broken::Status(code, words) => malformed(
            endpoint,
            &format!(
                "it refused to answer with code {code} of gRPC{}",
                said(&words)
            ),
        ),
        Broken::NotGrpc(what) => no_api(&what),
        Broken::Ended => malformed(endpoint, "it ended the stream"),
        Broken::Message(what) => malformed(endpoint, &format!("the answer cannot be used: {what}")),
        Broken::Http2(error) => match error.get_io() {
            Some(io) if has_hung_up(io) => malformed(endpoint, "it closed the connection"),
            Some(io) => malformed(endpoint, &format!("the connection broke: {io}")).with_errno(io),
            None if error.is_go_away() && error.is_remote() => {
                malformed(endpoint, "it closed the connection")
            }
            None => no_api(&format!("HTTP/2: {error}")),
        },
    }
}

fn has_hung_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// The words of the agent, where it has any.
fn said(words: &str) -> String {
    match words {
        "" => String::new(),
        words => format!(": {words:?}"),
    }
}

fn malformed(endpoint: &WorkloadEndpoint, what: &str) -> Failure {
    failure(endpoint, Kind::WorkloadApi, what)
        .by(Who::Peer)
        .hint("something is wrong with the agent of SPIFFE; its log may say what")
}

fn late(endpoint: &WorkloadEndpoint, expired: Expired) -> Failure {
    let what = match expired {
        Expired::TimedOut => "it accepted the connection and did not answer in time",
        Expired::Cancelled => "asking it was interrupted",
    };
    failure(endpoint, Kind::Timeout, what)
        .hint("the agent may be starting, or hang; a Workload API answers at once")
}

fn failure(endpoint: &WorkloadEndpoint, kind: Kind, what: &str) -> Failure {
    let message = format!("the Workload API at {endpoint}: {what}");
    Failure::new(Stage::Local, kind, message).by(Who::OwnKernel)
}
