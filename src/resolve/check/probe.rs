//! Asking the questions of a test, and the words for a try without a reply.

use std::time::Duration;

use super::report::{Grade, Row};
use super::rows::{Judged, Test};
use crate::resolve::client::Client;
use crate::resolve::edns::{Cookie, EdnsAsk, EdnsOption};
use crate::resolve::exchange::{Clock, Policy};
use crate::resolve::explain;
use crate::resolve::ledger::{Attempt, Outcome, Trigger};
use crate::resolve::registry::OptionCode;
use crate::resolve::server::Transports;
use crate::resolve::upstream::Upstream;
use crate::resolve::wire::{Ask, AskOptions, Rcode, RecordType, Reply};
use crate::time::Millis;

/// A code of the range for local use (RFC 6891 §9), which nobody can know.
const UNKNOWN_OPTION: OptionCode = OptionCode(65_001);
/// A type of the range for private use (RFC 6895 §3.1).
const UNKNOWN_TYPE: RecordType = RecordType(65_280);
/// Questions that go over one connection at once.
const PIPELINED: usize = 3;

/// Everything that a test asks with.
pub(super) struct Prober<'a> {
    pub(super) client: &'a Client,
    pub(super) upstream: &'a Upstream,
    pub(super) ask: &'a Ask,
    pub(super) clock: &'a Clock,
}

/// What came of one question of a test.
pub(super) struct Seen {
    pub(super) outcome: Outcome,
}

impl Seen {
    /// The reply to the question as the test put it; not the one without EDNS after it.
    pub(super) fn reply(&self) -> Option<&Reply> {
        let received = self.outcome.received.as_ref();
        let own = received.filter(|received| received.trigger != Trigger::WithoutEdns);
        own.map(|received| &received.reply)
    }

    /// The code of the first reply, whatever was asked after it.
    pub(super) fn first_code(&self) -> Option<Rcode> {
        self.outcome.attempts.iter().find_map(Attempt::rcode)
    }

    /// Whether the question had to be put again without EDNS.
    pub(super) fn was_put_plainly(&self) -> bool {
        let mut attempts = self.outcome.attempts.iter();
        attempts.any(|attempt| attempt.trigger == Trigger::WithoutEdns)
    }

    /// How it ended without a reply.
    pub(super) fn silence(&self) -> String {
        let attempts = self.outcome.attempts.iter();
        let ends = attempts.map(|attempt| match attempt.ignored.first() {
            Some(ignored) => format!("{} ({})", explain::end(attempt), ignored.why),
            None => explain::end(attempt),
        });
        ends.collect::<Vec<_>>().join("; ")
    }

    fn round_trip(&self) -> Option<Duration> {
        let received = self.outcome.received.as_ref()?;
        let mut attempts = self.outcome.attempts.iter();
        let own = attempts.find(|attempt| {
            (attempt.carrier, attempt.trigger) == (received.carrier, received.trigger)
        });
        own.and_then(Attempt::waited)
    }
}

impl Prober<'_> {
    /// Runs a test.
    pub(super) async fn row(&self, test: Test) -> Row {
        let (judged, round_trip) = match self.not_for(test) {
            Some(why) => (Judged::new(Grade::Skipped, why), None),
            None => self.run(test).await,
        };
        Row {
            test: test.name().to_owned(),
            grade: judged.grade,
            text: judged.text,
            rule: test.rule().map(str::to_owned),
            rtt_ms: round_trip.map(Millis),
        }
    }

    /// Why a test does not apply to this server.
    fn not_for(&self, test: Test) -> Option<String> {
        let about = match self.upstream.transports {
            Transports::Both => return None,
            Transports::UdpOnly if test.needs_tcp() => "TCP",
            Transports::TcpOnly if test.needs_udp() => "UDP",
            other if other.is_secure() && (test.needs_tcp() || test.needs_udp()) => "plain DNS",
            _ => return None,
        };
        Some(format!("it is about {about}"))
    }

    async fn run(&self, test: Test) -> (Judged, Option<Duration>) {
        match test {
            Test::TcHonesty => self.tc_honesty().await,
            Test::Pipelining => self.pipelining().await,
            _ => {
                let (over, ask, options) = self.question(test);
                let seen = self.put(over, &ask, options).await;
                (test.judge(&seen, self.ask), seen.round_trip())
            }
        }
    }

    /// Over what, what and how a simple test asks.
    fn question(&self, test: Test) -> (Transports, Ask, AskOptions) {
        let mut options = AskOptions::default();
        let mut ask = self.ask.clone();
        let mut edns = EdnsAsk::default();
        match test {
            Test::UnknownOption => edns.options = vec![EdnsOption::new(UNKNOWN_OPTION, b"test")],
            Test::UnknownVersion => edns.version = 1,
            Test::DnssecOk => edns.dnssec_ok = true,
            Test::Cookie => edns.cookie = Some(Cookie::random()),
            Test::Payload4096 => edns.payload = 4_096,
            Test::Nsid => edns.options = vec![EdnsOption::nsid()],
            Test::Case => options.random_case = true,
            Test::UnknownType => ask.rtype = UNKNOWN_TYPE,
            _ => {}
        }
        let is_plain = [Test::Udp, Test::Tcp].contains(&test);
        options.edns = (!is_plain).then_some(edns);
        let over = match test {
            Test::Tcp => Transports::TcpOnly,
            _ => self.preferred(),
        };
        (over, ask, options)
    }

    /// UDP, unless the server is named with something else.
    fn preferred(&self) -> Transports {
        match self.upstream.transports {
            Transports::Both => Transports::UdpOnly,
            own => own,
        }
    }

    async fn put(&self, transports: Transports, ask: &Ask, options: AskOptions) -> Seen {
        let policy = Policy {
            transports,
            options,
            ..Policy::default()
        };
        let exchange = self
            .client
            .exchange(self.upstream, ask, &policy, self.clock);
        Seen {
            outcome: exchange.await,
        }
    }

    /// The smallest payload that may be announced makes a long answer not fit; over TCP the same
    /// question must bring at least the same records.
    async fn tc_honesty(&self) -> (Judged, Option<Duration>) {
        let options = || AskOptions {
            edns: Some(EdnsAsk {
                payload: 512,
                dnssec_ok: true,
                ..EdnsAsk::default()
            }),
            ..AskOptions::default()
        };
        let udp = self.put(Transports::UdpOnly, self.ask, options());
        let tcp = self.put(Transports::TcpOnly, self.ask, options());
        let (udp, tcp) = tokio::join!(udp, tcp);
        let round_trip = tcp.round_trip();
        (super::rows::tc_honesty(&udp, &tcp), round_trip)
    }

    /// Several questions at once over one connection of their own (RFC 7766 §6.2.1.1).
    async fn pipelining(&self) -> (Judged, Option<Duration>) {
        let client = Client::new(self.client.config().clone());
        let own = Prober {
            client: &client,
            ..*self
        };
        let put = |_| own.put(Transports::TcpOnly, self.ask, AskOptions::default());
        let seen = futures_util::future::join_all((0..PIPELINED).map(put)).await;
        let round_trip = seen.iter().filter_map(Seen::round_trip).max();
        (super::rows::pipelining(&seen), round_trip)
    }
}
