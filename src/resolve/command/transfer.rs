//! A zone transfer (AXFR, RFC 5936): one connection, many messages, every record handed on as it
//! comes.
//!
//! Separate from the engine because a transfer is no question with one reply: nothing is kept, and
//! it is whole when the SOA comes a second time.

use std::net::SocketAddr;
use std::ops::ControlFlow;

use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::config::Config;
use super::question::Question;
use super::record::Record;
use super::session::Session;
use super::verdict::Verdict;
use crate::deadline::{Deadline, Expired};
use crate::failure::{Failure, Kind, Stage, Who};
use crate::resolve::message::{Message, Section};
use crate::resolve::name::DomainName;
use crate::resolve::wire::{self, Ask, Rcode, RecordType};
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
    System(std::io::Error),
    Closed,
    Code(Rcode),
    Malformed(String),
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
    let server = session.first_server(&cx.deadline(limit)).await?;
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
            server,
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
    let ask = Ask::new(name, RecordType::AXFR);
    let end = state.converse(&ask, record).await;
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
    async fn bounded<T>(
        &self,
        wait: impl Future<Output = std::io::Result<T>>,
    ) -> Result<T, Result<Broken, Expired>> {
        let at = Instant::now().checked_add(self.config.timeout);
        let deadline = Deadline::new(at, self.cx.cancel().clone());
        match deadline.bound(wait).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Ok(error.into())),
            Err(expired) => Err(Err(expired)),
        }
    }

    async fn converse(
        &mut self,
        ask: &Ask,
        record: &mut (dyn FnMut(&Record) -> ControlFlow<()> + Send),
    ) -> Result<(), Result<Broken, Expired>> {
        let mut stream = self.bounded(TcpStream::connect(self.report.server)).await?;
        self.report.connect_ms = Some(self.began.elapsed().into());
        let id = wire::random_id();
        let mut options = self.config.policy.options.clone();
        // A transfer asks the server itself, and its messages are no datagrams.
        options.recursion_desired = false;
        let question = wire::encode(id, ask, &options);
        let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
        let framed = [&length.to_be_bytes(), &question[..]].concat();
        self.bounded(stream.write_all(&framed)).await?;
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
            if self.take(&message, id, record).map_err(Ok)?.is_break() {
                return Ok(());
            }
        }
    }

    /// Takes the records of one message; `Break` when the zone is whole.
    fn take(
        &mut self,
        bytes: &[u8],
        id: u16,
        record: &mut (dyn FnMut(&Record) -> ControlFlow<()> + Send),
    ) -> Result<ControlFlow<()>, Broken> {
        let malformed = |why: &dyn std::fmt::Display| Broken::Malformed(why.to_string());
        let message = Message::new(bytes).map_err(|fault| malformed(&fault))?;
        let header = message.header();
        if header.id != id || !header.response() {
            return Err(malformed(&"a message that is no reply to the question"));
        }
        let rcode = Rcode(header.rcode_low().into());
        self.report.rcode = Some(rcode.to_string());
        if rcode != Rcode::NOERROR {
            return Err(Broken::Code(rcode));
        }
        for own in wire::records(&message, Section::Answer) {
            let is_soa = own.rtype == RecordType::SOA;
            if self.report.records == 0 && !is_soa {
                return Err(malformed(&"the first record is no SOA (RFC 5936 §2.2)"));
            }
            let shown = Record::from(&own);
            self.report.serial = self.report.serial.or_else(|| shown.soa_serial());
            self.report.records += 1;
            if record(&shown).is_break() {
                return Err(Broken::Stopped);
            }
            if is_soa && self.report.records > 1 {
                return Ok(ControlFlow::Break(()));
            }
        }
        match message.fault() {
            Some(fault) => Err(malformed(&fault)),
            None if header.count(Section::Answer) == 0 => {
                Err(malformed(&"a message without records"))
            }
            None => Ok(ControlFlow::Continue(())),
        }
    }

    fn finish(&mut self, end: Result<(), Result<Broken, Expired>>) {
        self.report.total_ms = self.began.elapsed().into();
        let (verdict, kind, message) = match end {
            Ok(()) => {
                (self.report.ok, self.report.verdict) = (true, Verdict::Answer);
                return;
            }
            Err(Err(Expired::Cancelled) | Ok(Broken::Stopped)) => return,
            Err(Err(Expired::TimedOut)) => self.silent(),
            Err(Ok(broken)) => self.broken(broken),
        };
        let report = &mut self.report;
        report.verdict = verdict;
        report.advice = verdict.advice().map(str::to_owned);
        let failure = Failure::new(Stage::Resolve, kind, message);
        let addr = report.server;
        report.failure = Some(failure.by(Who::NameServer { addr }));
    }

    fn silent(&self) -> (Verdict, Kind, String) {
        let (server, records) = (self.report.server, self.report.records);
        if self.report.connect_ms.is_some() {
            let message = format!("{server} fell silent after {records} records");
            return (Verdict::TcpBroken, Kind::DnsTimeout, message);
        }
        let message = format!("{server} does not take connections: silence");
        (Verdict::Silent, Kind::DnsTimeout, message)
    }

    fn broken(&self, broken: Broken) -> (Verdict, Kind, String) {
        let report = &self.report;
        let (server, name, records) = (report.server, &report.name, report.records);
        match broken {
            Broken::Code(rcode) => {
                let (verdict, kind) = code(rcode);
                let message = format!("{server} does not transfer {name} ({rcode})");
                (verdict, kind, message)
            }
            Broken::Malformed(why) => {
                let message = format!("{server} sent no transfer: {why}");
                (Verdict::Malformed, Kind::DnsMalformed, message)
            }
            Broken::System(error) if report.connect_ms.is_none() => {
                let closed = error.kind() == std::io::ErrorKind::ConnectionRefused;
                let verdict = if closed {
                    Verdict::PortClosed
                } else {
                    Verdict::Unreachable
                };
                let message = format!("{server} cannot be reached: {error}");
                (verdict, Kind::DnsUnreachable, message)
            }
            Broken::System(error) => {
                let message = format!("{server} after {records} records: {error}");
                (Verdict::TcpBroken, Kind::DnsUnreachable, message)
            }
            Broken::Closed | Broken::Stopped => {
                let message = format!("{server} closed the connection after {records} records");
                (Verdict::TcpBroken, Kind::DnsMalformed, message)
            }
        }
    }
}

fn code(rcode: Rcode) -> (Verdict, Kind) {
    match rcode {
        Rcode::REFUSED => (Verdict::Refused, Kind::DnsRefused),
        Rcode::SERVFAIL => (Verdict::Servfail, Kind::Servfail),
        _ => (Verdict::ServerError, Kind::Servfail),
    }
}
