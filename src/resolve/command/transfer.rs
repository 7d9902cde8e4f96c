//! A zone transfer (AXFR, RFC 5936): one connection, many messages, every record handed on as it
//! comes.
//!
//! Separate from the engine because a transfer is no question with one reply: nothing is kept, and
//! it is whole when the SOA comes a second time.

use std::net::SocketAddr;
use std::ops::ControlFlow;

use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::config::Config;
use super::question::Question;
use super::record::Record;
use super::session::Session;
use super::verdict::Verdict;
use crate::deadline::{Deadline, Expired};
use crate::failure::{Class, Failure, Kind, Stage, Who};
use crate::resolve::client::Client;
use crate::resolve::link;
use crate::resolve::name::DomainName;
use crate::resolve::stream::framed;
use crate::resolve::transfer::{self, Progress, TransferError};
use crate::resolve::upstream::Upstream;
use crate::resolve::wire::{self, Ask, AskOptions, Rcode, RecordType};
use crate::run::Cx;
use crate::time::Millis;

/// What became of a transfer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transfer {
    /// The zone as typed.
    pub name: String,
    /// Whether it came whole.
    pub ok: bool,
    /// What became of it.
    pub verdict: Verdict,
    /// One next step.
    pub advice: Option<String>,
    /// Why it is not whole.
    pub failure: Option<Failure>,
    /// The server.
    pub server: SocketAddr,
    /// The response code of the last message.
    pub rcode: Option<String>,
    /// The serial of the zone.
    pub serial: Option<u32>,
    /// Records, the SOA at the end included.
    pub records: u64,
    /// Messages.
    pub messages: u64,
    /// Octets of the messages.
    pub bytes: u64,
    /// To the connection.
    pub connect_ms: Option<Millis>,
    /// To the first message.
    pub first_ms: Option<Millis>,
    /// The whole transfer.
    pub total_ms: Millis,
}

/// Why a transfer ended before it was whole.
enum Broken {
    /// There is no connection.
    Unconnected(link::Broken),
    System(std::io::Error),
    Closed,
    /// The server's no, or what is no transfer.
    Wrong(TransferError),
    TimedOut,
    /// The caller has enough.
    Stopped,
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::System(error),
        }
    }
}

impl From<Expired> for Broken {
    fn from(expired: Expired) -> Self {
        match expired {
            Expired::Cancelled => Self::Stopped,
            Expired::TimedOut => Self::TimedOut,
        }
    }
}

/// Transfers the zone of a question from the first server of the session's configuration.
///
/// The time limit of the configuration bounds every wait (for the connection, for a message), not
/// the transfer as a whole: a zone may be large. `record` sees every record as it comes and may
/// end the transfer. Cancel safe.
pub async fn run(
    session: &Session,
    question: &Question,
    cx: &Cx,
    record: &mut (dyn FnMut(&Record) -> ControlFlow<()> + Send),
) -> Result<Transfer, Failure> {
    let limit = Some(session.config().timeout);
    let (client, upstream) = session.first_server(&cx.deadline(limit)).await?;
    let name = DomainName::parse(&question.text).map_err(|error| {
        let message = format!("{:?} is not a domain name: {error}", question.text);
        Failure::new(Stage::Resolve, Kind::Invalid, message).by(Who::Netkit)
    })?;
    let mut state = State {
        report: Transfer {
            name: question.typed.clone(),
            ok: false,
            verdict: Verdict::Interrupted,
            advice: None,
            failure: None,
            server: upstream.addr,
            rcode: None,
            serial: None,
            records: 0,
            messages: 0,
            bytes: 0,
            connect_ms: None,
            first_ms: None,
            total_ms: Millis::default(),
        },
        began: Instant::now(),
        config: session.config(),
        cx,
    };
    let ask = Ask {
        class: session.config().policy.options.class,
        ..Ask::new(name, RecordType::AXFR)
    };
    let end = state.converse(&client, &upstream, &ask, record).await;
    state.finish(end);
    Ok(state.report)
}

struct State<'a> {
    report: Transfer,
    began: Instant,
    config: &'a Config,
    cx: &'a Cx,
}

impl State<'_> {
    /// Bounds one wait.
    async fn bounded<T, E>(&self, wait: impl Future<Output = Result<T, E>>) -> Result<T, Broken>
    where
        Broken: From<E>,
    {
        let at = Instant::now().checked_add(self.config.timeout);
        let deadline = Deadline::new(at, self.cx.cancel().clone());
        Ok(deadline.bound(wait).await??)
    }

    async fn converse(
        &mut self,
        client: &Client,
        upstream: &Upstream,
        ask: &Ask,
        record: &mut (dyn FnMut(&Record) -> ControlFlow<()> + Send),
    ) -> Result<(), Broken> {
        let connect = async {
            let connected = client.connect_tcp(upstream).await;
            connected.map_err(Broken::Unconnected)
        };
        let (mut stream, took) = self.bounded(connect).await?;
        self.report.connect_ms = Some(took.into());
        let id = wire::random_id();
        let question = framed(&wire::encode(id, ask, &self.options()));
        self.bounded(stream.write_all(&question)).await?;
        let mut reader = transfer::Transfer::new(id, ask.clone());
        let mut message = Vec::new();
        loop {
            let length = self.bounded(stream.read_u16()).await?;
            message.resize(usize::from(length), 0);
            self.bounded(stream.read_exact(&mut message)).await?;
            if self.report.messages == 0 {
                self.report.first_ms = Some(self.began.elapsed().into());
            }
            self.report.messages += 1;
            self.report.bytes += u64::from(length);
            if self.take(&mut reader, &message, record)? == Progress::Done {
                return Ok(());
            }
        }
    }

    /// A transfer asks the server itself, and its messages are no datagrams.
    fn options(&self) -> AskOptions {
        AskOptions {
            recursion_desired: false,
            ..self.config.policy.options.clone()
        }
    }

    /// Hands on the records of one message.
    fn take(
        &mut self,
        reader: &mut transfer::Transfer,
        message: &[u8],
        record: &mut (dyn FnMut(&Record) -> ControlFlow<()> + Send),
    ) -> Result<Progress, Broken> {
        let mut wanted = ControlFlow::Continue(());
        let taken = reader.message(message, |own| {
            if wanted.is_continue() {
                wanted = record(&Record::from(&own));
            }
        });
        self.report.records = reader.records();
        self.report.serial = reader.soa().and_then(transfer::serial);
        self.report.rcode = match &taken {
            Ok(_) => Some(Rcode::NOERROR.to_string()),
            Err(TransferError::Rcode(rcode)) => Some(rcode.to_string()),
            Err(_) => self.report.rcode.take(),
        };
        match wanted {
            ControlFlow::Break(()) => Err(Broken::Stopped),
            ControlFlow::Continue(()) => taken.map_err(Broken::Wrong),
        }
    }

    fn finish(&mut self, end: Result<(), Broken>) {
        self.report.total_ms = self.began.elapsed().into();
        let (verdict, failure) = match end {
            Ok(()) => {
                (self.report.ok, self.report.verdict) = (true, Verdict::Answer);
                return;
            }
            Err(Broken::Stopped) => return,
            Err(Broken::Unconnected(link::Broken::Explained(failure))) => {
                (of_own(&failure), *failure)
            }
            Err(broken) => {
                let (verdict, kind, message) = self.explain(broken);
                let addr = self.report.server;
                let failure = Failure::new(Stage::Resolve, kind, message);
                (verdict, failure.by(Who::NameServer { addr }))
            }
        };
        let report = &mut self.report;
        report.verdict = verdict;
        report.advice = verdict.advice().map(str::to_owned);
        report.failure = Some(failure);
    }

    fn explain(&self, broken: Broken) -> (Verdict, Kind, String) {
        let report = &self.report;
        let (server, name, records) = (report.server, &report.name, report.records);
        match broken {
            Broken::Wrong(TransferError::Rcode(rcode)) => {
                let (verdict, kind) = code(rcode);
                let message = format!("{server} does not transfer {name} ({rcode})");
                (verdict, kind, message)
            }
            Broken::Wrong(why) => {
                let message = format!("what {server} sent is not the zone: {why}");
                (Verdict::Malformed, Kind::DnsMalformed, message)
            }
            Broken::Unconnected(broken) => unreachable(server, broken),
            Broken::System(error) => {
                let message = format!("{server} after {records} records: {error}");
                (Verdict::TcpBroken, Kind::DnsUnreachable, message)
            }
            Broken::TimedOut if report.connect_ms.is_none() => {
                let message = format!("{server} does not take connections: silence");
                (Verdict::Silent, Kind::DnsTimeout, message)
            }
            Broken::TimedOut => {
                let message = format!("{server} fell silent after {records} records");
                (Verdict::TcpBroken, Kind::DnsTimeout, message)
            }
            Broken::Closed | Broken::Stopped => {
                let message = format!("{server} closed the connection after {records} records");
                (Verdict::TcpBroken, Kind::DnsMalformed, message)
            }
        }
    }
}

/// What keeps this machine from connecting at all.
fn of_own(failure: &Failure) -> Verdict {
    match failure.kind.class() {
        Class::Local | Class::Usage => Verdict::LocalError,
        _ => Verdict::Unreachable,
    }
}

fn unreachable(server: SocketAddr, broken: link::Broken) -> (Verdict, Kind, String) {
    let (closed, text) = match broken {
        link::Broken::Failed { errno, text } => {
            let code = errno.map(|errno| errno.code);
            (code == Some(libc::ECONNREFUSED), text)
        }
        _ => (false, "no connection".to_owned()),
    };
    let verdict = if closed {
        Verdict::PortClosed
    } else {
        Verdict::Unreachable
    };
    let message = format!("{server} cannot be reached: {text}");
    (verdict, Kind::DnsUnreachable, message)
}

fn code(rcode: Rcode) -> (Verdict, Kind) {
    match rcode {
        Rcode::REFUSED => (Verdict::Refused, Kind::DnsRefused),
        Rcode::SERVFAIL => (Verdict::Servfail, Kind::Servfail),
        _ => (Verdict::ServerError, Kind::Servfail),
    }
}
