//! The engine: one question to one server, over UDP and, when UDP does not do, TCP; or over the one
//! carrier that the server is named with.
//!
//! `client.exchange(upstream, ask, policy, clock) -> Outcome { received, attempts }`. TCP is begun
//! for four reasons, each recorded: the reply was truncated, the UDP port is closed (ICMP), UDP
//! stays silent (TCP then runs beside the retransmissions), or what came over UDP is unusable.
//! Knows nothing of other servers, search lists or caches; they are built on it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::deadline::Deadline;

use super::client::Client;
use super::conversation::{Asking, Came};
use super::edns::{Cookie, PADDING_BLOCK};
use super::ledger::{Attempt, Carrier, End, Outcome, Received, Step, Trigger, Unusable};
use super::link::Broken;
use super::query::Query;
use super::registry::OptionCode;
use super::server::Transports;
use super::udp::{Heard, UdpAsk};
use super::upstream::Upstream;
use super::wire::{self, Ask, AskOptions, Rcode, Record, Reply};

/// UDP payload size to announce: no fragments on any sane path (DNS flag day 2020).
pub const EDNS_PAYLOAD: u16 = wire::EDNS_PAYLOAD;
/// Silence over UDP after which the question is sent again and TCP is begun beside it.
pub const RETRANSMIT: Duration = Duration::from_millis(400);
/// The least silence that means anything where the round-trip time is known: a resolver that must
/// ask others itself needs longer than its cache does.
const LEAST_SILENCE: Duration = Duration::from_millis(200);
/// The most that a slow server's round-trip time may put TCP off.
const MOST_SILENCE: Duration = Duration::from_secs(2);

/// How one server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Over what, unless the server is named with a carrier that proves who it is.
    pub transports: Transports,
    /// Pause before the first retransmission; it doubles from then on. 400 ms.
    pub retransmit: Duration,
    /// Silence over UDP after which TCP is tried as well, while the server's round-trip time is not
    /// known; three of those afterwards. 400 ms.
    pub tcp_after: Duration,
    /// How long TCP may take to improve on a truncated reply that has records already. 1 s.
    pub truncated_wait: Duration,
    /// How long to listen, after the first reply over UDP, for a second one that says something
    /// else: then somebody forges answers. `None`, the default, does not wait.
    pub second_answer: Option<Duration>,
    /// What is sent. RD and EDNS with 1232 octets.
    pub options: AskOptions,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            transports: Transports::Both,
            retransmit: RETRANSMIT,
            tcp_after: RETRANSMIT,
            truncated_wait: Duration::from_secs(1),
            second_answer: None,
            options: AskOptions::default(),
        }
    }
}

/// When a lookup began, for the ledger, and by when it must be over.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The zero of the ledger.
    pub origin: Instant,
    /// The end of this exchange.
    pub deadline: Deadline,
}

impl Clock {
    /// Time since the lookup began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// Asks one server over plain DNS, with a client of its own; see [`Client::exchange`].
pub async fn exchange(server: SocketAddr, ask: &Ask, policy: &Policy, clock: &Clock) -> Outcome {
    let client = Client::default();
    client.exchange(&server.into(), ask, policy, clock).await
}

impl Client {
    /// Asks one server, by the deadline of `clock`.
    ///
    /// Returns as soon as there is a usable reply or nothing is left to try, at the latest when the
    /// deadline is over. A reply of FORMERR, NOTIMP or BADVERS to a question with EDNS is asked
    /// once more without. Connections are kept for the next question. Cancel safe: dropping the
    /// future closes its sockets, and gives up a connection that it was waiting on.
    pub async fn exchange(
        &self,
        upstream: &Upstream,
        ask: &Ask,
        policy: &Policy,
        clock: &Clock,
    ) -> Outcome {
        let mut policy = policy.clone();
        if upstream.transports.is_secure() {
            policy.transports = upstream.transports;
            pad(&mut policy);
        }
        let round = |policy: Policy, trigger| Round {
            client: self,
            upstream,
            query: question(ask, &policy),
            policy,
            clock,
            trigger,
        };
        let mut outcome = round(policy.clone(), Trigger::First).run().await;
        // RFC 7873 §5.3: once with the server's half, and then over TCP, where no cookie is needed.
        let carriers = [policy.transports, over_tcp(policy.transports)];
        for transports in carriers {
            let Some(cookie) = wanted_cookie(&policy, &outcome) else {
                break;
            };
            policy.transports = transports;
            if let Some(edns) = &mut policy.options.edns {
                edns.cookie = Some(cookie);
            }
            let next = round(policy.clone(), Trigger::FreshCookie).run().await;
            outcome.attempts.extend(next.attempts);
            outcome.received = next.received.or(outcome.received);
        }
        if policy.options.edns.is_some() && dislikes_edns(&outcome) {
            policy.options.edns = None;
            let second = round(policy, Trigger::WithoutEdns).run().await;
            outcome.attempts.extend(second.attempts);
            // Without a second reply the first one stands.
            outcome.received = second.received.or(outcome.received);
        }
        outcome
    }
}

/// The question with a random id, or with none where each has a stream of its own.
fn question(ask: &Ask, policy: &Policy) -> Query {
    let query = Query::new(ask, &policy.options);
    match carrier(policy.transports) {
        Some(carrier) if carrier.has_streams() => query.with_id(0),
        _ => query,
    }
}

/// The one connection that is used from the start; `None` where UDP comes first.
fn carrier(transports: Transports) -> Option<Carrier> {
    match transports {
        Transports::Both | Transports::UdpOnly => None,
        Transports::TcpOnly => Some(Carrier::Tcp),
        Transports::Tls => Some(Carrier::Tls),
        Transports::Https => Some(Carrier::Https),
        Transports::Quic => Some(Carrier::Quic),
        Transports::H3 => Some(Carrier::H3),
    }
}

/// What is encrypted is padded, so that its length tells less (RFC 8467 §4.1).
fn pad(policy: &mut Policy) {
    if let Some(edns) = &mut policy.options.edns {
        edns.padding.get_or_insert(PADDING_BLOCK);
    }
}

/// The carrier on which a server must not ask for cookies, where it may be used.
fn over_tcp(transports: Transports) -> Transports {
    match transports {
        Transports::Both => Transports::TcpOnly,
        other => other,
    }
}

/// Our cookie with the server's half, if the server asks for it and it is not what it was sent.
fn wanted_cookie(policy: &Policy, outcome: &Outcome) -> Option<Cookie> {
    let received = outcome.received.as_ref()?;
    let ours = policy.options.edns.as_ref()?.cookie.as_ref()?;
    let theirs = received.reply.edns.as_ref()?;
    let theirs = Cookie::from_bytes(&theirs.option(OptionCode::COOKIE)?.data)?;
    let is_wanted = received.reply.rcode == Rcode::BADCOOKIE && !theirs.server.is_empty();
    let may_help = theirs.server != ours.server || received.carrier == Carrier::Udp;
    (is_wanted && may_help).then_some(theirs)
}

/// Whether the server could not read the question because of the OPT record (RFC 6891 §7).
fn dislikes_edns(outcome: &Outcome) -> bool {
    outcome.received.as_ref().is_some_and(|received| {
        let reply = &received.reply;
        let code = reply.rcode;
        code == Rcode::BADVERS
            || reply.edns.is_none() && [Rcode::FORMERR, Rcode::NOTIMP].contains(&code)
    })
}

/// One question over every carrier that the policy allows, and what both halves share.
struct Round<'a> {
    client: &'a Client,
    upstream: &'a Upstream,
    query: Query,
    policy: Policy,
    clock: &'a Clock,
    trigger: Trigger,
}

impl Round<'_> {
    async fn run(self) -> Outcome {
        let (mut udp, mut linked) = (None, Vec::new());
        let received = {
            let (begin_tcp, tcp_begins) = oneshot::channel();
            let (tcp_runs, tcp_over) = oneshot::channel();
            // Boxed: the halves pass through many hands.
            let udp = Box::pin(self.over_udp(&mut udp, begin_tcp, tcp_over));
            let linked = Box::pin(self.over_link(&mut linked, tcp_begins, tcp_runs));
            self.first_reply(udp, linked).await
        };
        let attempts = udp.into_iter().chain(linked);
        Outcome {
            server: self.upstream.addr,
            received,
            attempts: attempts
                .map(|entry| entry.settled(self.clock.elapsed()))
                .collect(),
        }
    }

    /// Ends a while after TCP has failed: a retransmission gets its chance to be answered better, and
    /// a bad reply is not worth waiting longer.
    async fn hopeless(&self, tcp_over: oneshot::Receiver<Infallible>) {
        let _ = tcp_over.await;
        tokio::time::sleep(self.policy.retransmit * 3 / 2).await;
    }

    /// Takes the first reply that is final, and a truncated one when nothing better comes.
    async fn first_reply(
        &self,
        udp: impl Future<Output = Option<Received>>,
        tcp: impl Future<Output = Option<Received>>,
    ) -> Option<Received> {
        match select(pin!(udp), pin!(tcp)).await {
            Either::Left((first, tcp)) => self.better(first, tcp).await,
            Either::Right((first, udp)) => self.better(first, udp).await,
        }
    }

    async fn better(
        &self,
        first: Option<Received>,
        rest: impl Future<Output = Option<Received>>,
    ) -> Option<Received> {
        match first {
            None => rest.await,
            Some(first) if first.is_final() => Some(first),
            Some(first) if first.reply.answers.is_empty() => rest.await.or(Some(first)),
            Some(first) => {
                let rest = tokio::time::timeout(self.policy.truncated_wait, rest);
                rest.await.ok().flatten().or(Some(first))
            }
        }
    }

    /// Asks over UDP, and says when TCP should begin and why.
    async fn over_udp(
        &self,
        entry: &mut Option<Attempt>,
        begin_tcp: oneshot::Sender<Trigger>,
        tcp_over: oneshot::Receiver<Infallible>,
    ) -> Option<Received> {
        if carrier(self.policy.transports).is_some() {
            return None;
        }
        let bytes = self.query.bytes().len();
        let opened = Attempt::open(Carrier::Udp, self.trigger, self.clock.elapsed(), bytes);
        let mut side = UdpSide {
            round: self,
            entry: entry.insert(opened),
            begin_tcp: Some(begin_tcp),
            socket: None,
        };
        let (end, came) = side.run(tcp_over).await;
        side.entry.close(self.clock.elapsed(), end);
        let (reply, packet) = came?;
        side.learn();
        side.watch(&reply).await;
        Some(Received {
            reply,
            packet,
            carrier: Carrier::Udp,
            trigger: self.trigger,
        })
    }

    /// Waits for a reason to use a connection, and uses it. `_runs` is dropped when that is over.
    async fn over_link(
        &self,
        entries: &mut Vec<Attempt>,
        begins: oneshot::Receiver<Trigger>,
        _runs: oneshot::Sender<Infallible>,
    ) -> Option<Received> {
        let (carrier, trigger) = match (carrier(self.policy.transports), self.policy.transports) {
            (Some(carrier), _) => (carrier, self.trigger),
            (None, Transports::UdpOnly) => return None,
            (None, _) => (Carrier::Tcp, self.reason_for_tcp(begins).await?),
        };
        let asking = Asking {
            client: self.client,
            upstream: self.upstream,
            query: &self.query,
            clock: self.clock,
            carrier,
        };
        let (reply, packet) = asking.ask(trigger, entries).await?;
        Some(Received {
            reply,
            packet,
            carrier,
            trigger: entries.last()?.trigger,
        })
    }

    async fn reason_for_tcp(&self, begins: oneshot::Receiver<Trigger>) -> Option<Trigger> {
        let known = self.client.round_trip(self.upstream.addr);
        let silence = known.map_or(self.policy.tcp_after, |known| {
            (known * 3).clamp(LEAST_SILENCE, MOST_SILENCE)
        });
        tokio::select! {
            biased;
            trigger = begins => trigger.ok(),
            () = tokio::time::sleep(silence) => Some(Trigger::UdpSilent),
        }
    }
}

/// How the UDP half ended, and the reply if there is one.
type Over = (End, Option<Came>);

/// The UDP half of a round while it runs.
struct UdpSide<'a> {
    round: &'a Round<'a>,
    entry: &'a mut Attempt,
    begin_tcp: Option<oneshot::Sender<Trigger>>,
    socket: Option<UdpAsk>,
}

impl UdpSide<'_> {
    async fn run(&mut self, tcp_over: oneshot::Receiver<Infallible>) -> Over {
        let deadline = &self.round.clock.deadline;
        match deadline.bound(self.talk(tcp_over)).await {
            Ok((end, reply)) => (end, reply),
            Err(expired) => (End::expired(Step::Receive, expired), None),
        }
    }

    /// Sends, sends again and listens until there is a reply or no hope of one.
    async fn talk(&mut self, tcp_over: oneshot::Receiver<Infallible>) -> Over {
        let Round {
            client,
            upstream,
            query,
            policy,
            clock,
            ..
        } = self.round;
        let _port = client.source_port().await;
        let sent = UdpAsk::send(client, upstream.addr, query.bytes(), policy.retransmit).await;
        let mut udp = match sent {
            Ok(udp) => udp,
            Err(broken) => return self.failed(broken, Step::Send),
        };
        (self.entry.sent, self.entry.local) = (udp.sent, udp.local_addr());
        self.entry.asked = Some(clock.elapsed());
        let mut hopeless = pin!(self.round.hopeless(tcp_over));
        loop {
            let heard = tokio::select! {
                biased;
                heard = udp.next(query.bytes()) => heard,
                () = &mut hopeless, if self.entry.has_bad_reply() => {
                    return (End::Unusable, None);
                }
            };
            self.entry.sent = udp.sent;
            match heard {
                Heard::SentAgain => {}
                Heard::Failed(error) => return self.failed((&error).into(), Step::Send),
                Heard::Datagram { length, from } => {
                    if let Some(over) = self.datagram(udp.datagram(length), from) {
                        self.socket = Some(udp);
                        return over;
                    }
                }
            }
        }
    }

    fn failed(&mut self, broken: Broken, step: Step) -> Over {
        self.begin_tcp(Trigger::UdpUnreachable);
        (broken.end(step), None)
    }

    fn begin_tcp(&mut self, trigger: Trigger) {
        if let Some(begin) = self.begin_tcp.take() {
            // Nobody listens any more once silence has begun TCP, or when TCP is not allowed.
            let _ = begin.send(trigger);
        }
    }

    /// Judges a datagram; `Some` ends the UDP half.
    fn datagram(&mut self, packet: &[u8], from: SocketAddr) -> Option<Over> {
        match self.judge(packet, from) {
            Ok(reply) if reply.truncated => {
                self.begin_tcp(Trigger::Truncated);
                Some((End::Truncated, Some((reply, packet.into()))))
            }
            Ok(reply) => Some((End::Replied(reply.rcode), Some((reply, packet.into())))),
            Err(why) => {
                let trigger = if why.is_truncated() {
                    Trigger::Truncated
                } else {
                    Trigger::UdpUnusable
                };
                self.ignore(packet, why);
                self.begin_tcp(trigger);
                None
            }
        }
    }

    /// Takes a datagram for the reply, or says why not; the source is judged first.
    fn judge(&mut self, packet: &[u8], from: SocketAddr) -> Result<Reply, Unusable> {
        self.entry.received_bytes += packet.len() as u64;
        let server = self.round.upstream.addr;
        let is_server = |from: SocketAddr| {
            (from.ip().to_canonical(), from.port()) == (server.ip().to_canonical(), server.port())
        };
        if !is_server(from) {
            return Err(Unusable::WrongSource { from });
        }
        self.round.query.reply(packet)
    }

    fn ignore(&mut self, packet: &[u8], why: Unusable) {
        let at = self.round.clock.elapsed();
        self.entry.ignore(at, packet, why);
    }

    /// Remembers how fast the server is; after a retransmission nobody knows which was answered
    /// (Karn's algorithm, RFC 6298 §3).
    fn learn(&self) {
        if let (1, Some(waited)) = (self.entry.sent, self.entry.waited()) {
            self.round.client.learn(self.round.upstream.addr, waited);
        }
    }

    /// Listens on for a second reply that says something else than the first.
    async fn watch(&mut self, first: &Reply) {
        let (Some(wait), Some(mut udp)) = (self.round.policy.second_answer, self.socket.take())
        else {
            return;
        };
        let clock = self.round.clock;
        let deadline = clock.deadline.within(Instant::now(), wait);
        while let Ok(Ok((length, from))) = deadline.bound(udp.listen()).await {
            let packet = udp.datagram(length);
            match self.judge(packet, from) {
                Ok(second) if says_the_same(first, &second) => {}
                Ok(_) => self.ignore(packet, Unusable::SecondAnswer),
                Err(why) => self.ignore(packet, why),
            }
        }
    }
}

/// Whether two replies have the same code and the same records, in any order and of any age.
fn says_the_same(first: &Reply, second: &Reply) -> bool {
    let ageless = |record: &Record| Record {
        ttl: 0,
        ..record.clone()
    };
    let records = |reply: &Reply| reply.answers.iter().map(ageless).collect::<Vec<_>>();
    let (ours, theirs) = (records(first), records(second));
    first.rcode == second.rcode
        && ours.len() == theirs.len()
        && ours.iter().all(|record| theirs.contains(record))
}
