//! The engine: one question to one server, over UDP and, when UDP does not do, TCP.
//!
//! `exchange(server, ask, policy) -> Outcome { received, attempts }`. TCP is begun for four
//! reasons, each recorded: the reply was truncated, the UDP port is closed (ICMP), UDP stays
//! silent (TCP then runs beside the retransmissions), or what came over UDP is unusable. Knows
//! nothing of other servers, search lists or caches; they are built on it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::deadline::Deadline;

use super::ledger::{Attempt, Carrier, End, Outcome, Received, Step, Trigger};
use super::query::Query;
use super::server::Transports;
use super::tcp;
use super::udp::{Heard, UdpAsk};
use super::wire::{self, Ask, AskOptions, Rcode, Reply};

/// UDP payload size to announce: no fragments on any sane path (DNS flag day 2020).
pub const EDNS_PAYLOAD: u16 = wire::EDNS_PAYLOAD;
/// Silence over UDP after which the question is sent again and TCP is begun beside it.
pub const RETRANSMIT: Duration = Duration::from_millis(400);

/// How one server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Over what.
    pub transports: Transports,
    /// Pause before the first retransmission; it doubles from then on. 400 ms.
    pub retransmit: Duration,
    /// Silence over UDP after which TCP is tried as well. 400 ms.
    pub tcp_after: Duration,
    /// How long TCP may take to improve on a truncated reply that has records already. 1 s.
    pub truncated_wait: Duration,
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

/// Asks one server, by the deadline of `clock`.
///
/// Returns as soon as there is a usable reply or nothing is left to try, at the latest when the
/// deadline is over. A reply of FORMERR, NOTIMP or BADVERS to a question with EDNS is asked once
/// more without. Cancel safe: dropping the future closes its sockets.
pub async fn exchange(server: SocketAddr, ask: &Ask, policy: &Policy, clock: &Clock) -> Outcome {
    let mut outcome = round(server, ask, policy.clone(), clock, Trigger::First).await;
    if policy.options.edns.is_some() && dislikes_edns(&outcome) {
        let mut plain = policy.clone();
        plain.options.edns = None;
        let second = round(server, ask, plain, clock, Trigger::WithoutEdns).await;
        outcome.attempts.extend(second.attempts);
        // Without a second reply the first one stands.
        outcome.received = second.received.or(outcome.received);
    }
    outcome
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

/// Everything that both carriers of one round share.
struct Round<'a> {
    server: SocketAddr,
    query: Query,
    policy: Policy,
    clock: &'a Clock,
    trigger: Trigger,
}

/// One question over every carrier that the policy allows.
async fn round(
    server: SocketAddr,
    ask: &Ask,
    policy: Policy,
    clock: &Clock,
    trigger: Trigger,
) -> Outcome {
    let query = Query::new(ask, &policy.options);
    let round = Round {
        server,
        query,
        policy,
        clock,
        trigger,
    };
    let (mut udp, mut tcp) = (None, None);
    let received = {
        let (begin_tcp, tcp_begins) = oneshot::channel();
        let (tcp_runs, tcp_over) = oneshot::channel();
        let udp = round.over_udp(&mut udp, begin_tcp, tcp_over);
        let tcp = round.over_tcp(&mut tcp, tcp_begins, tcp_runs);
        round.first_reply(udp, tcp).await
    };
    let attempts = [udp, tcp].into_iter().flatten();
    Outcome {
        server,
        received,
        attempts: attempts
            .map(|entry| entry.settled(clock.elapsed()))
            .collect(),
    }
}

impl Round<'_> {
    /// Ends a while after TCP has failed: a retransmission gets its chance to be answered better, and
    /// a bad reply is not worth waiting longer.
    async fn hopeless(&self, tcp_over: oneshot::Receiver<Infallible>) {
        let _ = tcp_over.await;
        tokio::time::sleep(self.policy.retransmit * 3 / 2).await;
    }

    fn open(&self, carrier: Carrier, trigger: Trigger) -> Attempt {
        let bytes = self.query.bytes().len();
        Attempt::open(carrier, trigger, self.clock.elapsed(), bytes)
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
        if self.policy.transports == Transports::TcpOnly {
            return None;
        }
        let mut side = UdpSide {
            round: self,
            entry: entry.insert(self.open(Carrier::Udp, self.trigger)),
            begin_tcp: Some(begin_tcp),
        };
        let (end, reply) = side.run(tcp_over).await;
        side.entry.close(self.clock.elapsed(), end);
        reply.map(|(reply, packet)| Received {
            reply,
            packet,
            carrier: Carrier::Udp,
            trigger: self.trigger,
        })
    }

    /// Waits for a reason to use TCP, and uses it. `_runs` is dropped when that is over.
    async fn over_tcp(
        &self,
        entry: &mut Option<Attempt>,
        begins: oneshot::Receiver<Trigger>,
        _runs: oneshot::Sender<Infallible>,
    ) -> Option<Received> {
        let trigger = match self.policy.transports {
            Transports::UdpOnly => return None,
            Transports::TcpOnly => self.trigger,
            Transports::Both => self.reason_for_tcp(begins).await?,
        };
        let entry = entry.insert(self.open(Carrier::Tcp, trigger));
        let (reply, packet) = tcp::ask(self.server, &self.query, entry, self.clock).await?;
        Some(Received {
            reply,
            packet,
            carrier: Carrier::Tcp,
            trigger,
        })
    }

    async fn reason_for_tcp(&self, begins: oneshot::Receiver<Trigger>) -> Option<Trigger> {
        tokio::select! {
            biased;
            trigger = begins => trigger.ok(),
            () = tokio::time::sleep(self.policy.tcp_after) => Some(Trigger::UdpSilent),
        }
    }
}

/// How the UDP half ended, and the reply with its octets if there is one.
type Over = (End, Option<(Reply, Box<[u8]>)>);

/// The UDP half of a round while it runs.
struct UdpSide<'a> {
    round: &'a Round<'a>,
    entry: &'a mut Attempt,
    begin_tcp: Option<oneshot::Sender<Trigger>>,
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
            server,
            query,
            policy,
            ..
        } = self.round;
        let mut udp = match UdpAsk::send(*server, query.bytes(), policy.retransmit).await {
            Ok(udp) => udp,
            Err(error) => return self.failed(&error),
        };
        (self.entry.sent, self.entry.local) = (udp.sent, udp.local_addr());
        self.entry.asked = Some(self.round.clock.elapsed());
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
                Heard::Failed(error) => return self.failed(&error),
                Heard::Datagram(length) => {
                    if let Some(over) = self.datagram(udp.datagram(length)) {
                        return over;
                    }
                }
            }
        }
    }

    fn failed(&mut self, error: &io::Error) -> Over {
        self.begin_tcp(Trigger::UdpUnreachable);
        (End::failed(Step::Send, error), None)
    }

    fn begin_tcp(&mut self, trigger: Trigger) {
        if let Some(begin) = self.begin_tcp.take() {
            // Nobody listens any more once silence has begun TCP, or when TCP is not allowed.
            let _ = begin.send(trigger);
        }
    }

    /// Judges a datagram; `Some` ends the UDP half.
    fn datagram(&mut self, packet: &[u8]) -> Option<Over> {
        self.entry.received_bytes += packet.len() as u64;
        match self.round.query.reply(packet) {
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
                self.entry.ignore(self.round.clock.elapsed(), packet, why);
                self.begin_tcp(trigger);
                None
            }
        }
    }
}
