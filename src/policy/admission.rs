//! Who may come in: the limits of a server, decided when a connection arrives and not suffered
//! later.
//!
//! A pure state machine: it is told the time and what happens, and says what to do. It knows
//! nothing of sockets.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What happens at a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Overload {
    /// Stops accepting, so that the kernel's backlog queues. The default.
    #[default]
    Wait,
    /// Accepts and closes (FIN).
    Reject,
    /// Accepts and resets (RST).
    Reset,
    /// Closes the connection that has been idle longest to make room.
    CloseIdle,
}

/// The limits. `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Connections open at once.
    pub max_connections: Option<u64>,
    /// Connections open at once from one address. Such a peer is always rejected, never waited for:
    /// it is known only once it is accepted.
    pub max_per_ip: Option<u64>,
    /// Connections accepted a second; a second's worth may come at once.
    pub accept_rate: Option<f64>,
    /// Connections in all; then no more are accepted.
    pub count: Option<u64>,
    /// What happens at a limit.
    pub overload: Overload,
    /// When rejecting itself is too much.
    pub breaker: Breaker,
}

/// The overload breaker: above a rate of rejects it opens for a while and sheds at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Breaker {
    /// Rejects within one second that open it. `None` never opens.
    pub rejects: Option<u64>,
    /// How long it stays open.
    pub open_for: Duration,
}

impl Default for Breaker {
    /// 1,000 rejects a second, one second.
    fn default() -> Self {
        Self {
            rejects: Some(1_000),
            open_for: Duration::from_secs(1),
        }
    }
}

/// Why a connection was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Too many connections.
    MaxConnections,
    /// Too many from this address.
    MaxPerIp,
    /// Too many a second.
    AcceptRate,
    /// The breaker is open.
    Breaker,
    /// No descriptors are left.
    Descriptors,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::MaxConnections,
        Self::MaxPerIp,
        Self::AcceptRate,
        Self::Breaker,
        Self::Descriptors,
    ];

    /// The word used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::MaxConnections => "max_connections",
            Self::MaxPerIp => "max_per_ip",
            Self::AcceptRate => "accept_rate",
            Self::Breaker => "breaker",
            Self::Descriptors => "descriptors",
        }
    }
}

/// Whether to accept at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Accept.
    Open,
    /// Not before this time.
    Until(Duration),
    /// Not before a connection closes.
    Full,
    /// Never again: all connections that were to be served have come.
    Done,
}

/// What becomes of an accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is served, under this number (from 1).
    Admit(u64),
    /// It is served under this number once the longest idle connection has been closed for it.
    Replace(u64),
    /// It is closed.
    Reject(Reason),
    /// It is reset.
    Reset(Reason),
}

/// The state behind the limits. Times count from any fixed moment.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    open: u64,
    most_open: u64,
    admitted: u64,
    per_ip: HashMap<IpAddr, u64>,
    tokens: f64,
    filled_at: Duration,
    /// Rejects since `window_at`.
    rejects: u64,
    window_at: Duration,
    shedding_until: Option<Duration>,
    opened: u64,
}

impl Admission {
    /// Starts with no connection and a full second's worth of accepts.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let tokens = limits.accept_rate.map_or(0.0, burst);
        Self {
            limits,
            open: 0,
            most_open: 0,
            admitted: 0,
            per_ip: HashMap::new(),
            tokens,
            filled_at: Duration::ZERO,
            rejects: 0,
            window_at: Duration::ZERO,
            shedding_until: None,
            opened: 0,
        }
    }

    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open
    }

    /// The most that were open at once. Where one makes room for another, both may be for a moment, and
    /// this counts them.
    #[must_use]
    pub fn most_open(&self) -> u64 {
        self.most_open
    }

    /// Connections that were let in.
    #[must_use]
    pub fn admitted(&self) -> u64 {
        self.admitted
    }

    /// How often the breaker has opened.
    #[must_use]
    pub fn breaker_opened(&self) -> u64 {
        self.opened
    }

    /// Whether all connections that were to be served have come and gone.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_done() && self.open == 0
    }

    fn is_done(&self) -> bool {
        self.limits
            .count
            .is_some_and(|count| self.admitted >= count)
    }

    /// Whether to accept now. Only `wait` ever closes the gate for a limit.
    pub fn gate(&mut self, now: Duration) -> Gate {
        if self.is_done() {
            return Gate::Done;
        }
        if self.limits.overload != Overload::Wait {
            return Gate::Open;
        }
        if self.is_full() {
            return Gate::Full;
        }
        let rate = self.limits.accept_rate;
        match rate {
            Some(rate) if !self.has_token(rate, now) => {
                Gate::Until(now + Duration::from_secs_f64((1.0 - self.tokens) / rate))
            }
            _ => Gate::Open,
        }
    }

    /// Decides about a connection that has been accepted.
    pub fn admit(&mut self, ip: Option<IpAddr>, now: Duration) -> Verdict {
        if self.is_shedding(now) {
            return Verdict::Reset(Reason::Breaker);
        }
        let full = self.is_full();
        if full && self.limits.overload != Overload::CloseIdle {
            return self.reject(Reason::MaxConnections, now);
        }
        let ip = ip.filter(|_| self.limits.max_per_ip.is_some());
        let from_there = ip.and_then(|ip| self.per_ip.get(&ip)).copied();
        if self
            .limits
            .max_per_ip
            .is_some_and(|most| from_there.unwrap_or(0) >= most && ip.is_some())
        {
            return self.reject(Reason::MaxPerIp, now);
        }
        if let Some(rate) = self.limits.accept_rate {
            if !self.has_token(rate, now) {
                return self.reject(Reason::AcceptRate, now);
            }
            self.tokens -= 1.0;
        }
        if let Some(ip) = ip {
            *self.per_ip.entry(ip).or_default() += 1;
        }
        self.open += 1;
        self.most_open = self.most_open.max(self.open);
        self.admitted += 1;
        if full {
            Verdict::Replace(self.admitted)
        } else {
            Verdict::Admit(self.admitted)
        }
    }

    /// A connection that was let in has closed.
    pub fn release(&mut self, ip: Option<IpAddr>) {
        self.open = self.open.saturating_sub(1);
        let Some(ip) = ip.filter(|_| self.limits.max_per_ip.is_some()) else {
            return;
        };
        if let Some(count) = self.per_ip.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                self.per_ip.remove(&ip);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.limits
            .max_connections
            .is_some_and(|most| self.open >= most)
    }

    fn is_shedding(&mut self, now: Duration) -> bool {
        match self.shedding_until {
            Some(until) if now < until => true,
            Some(_) => {
                self.shedding_until = None;
                false
            }
            None => false,
        }
    }

    fn reject(&mut self, reason: Reason, now: Duration) -> Verdict {
        self.count_reject(now);
        match self.limits.overload {
            Overload::Reset => Verdict::Reset(reason),
            _ => Verdict::Reject(reason),
        }
    }

    fn count_reject(&mut self, now: Duration) {
        if now >= self.window_at + Duration::from_secs(1) {
            (self.rejects, self.window_at) = (0, now);
        }
        self.rejects += 1;
        let breaker = self.limits.breaker;
        if breaker.rejects.is_some_and(|most| self.rejects > most) {
            self.shedding_until = Some(now + breaker.open_for);
            (self.rejects, self.window_at) = (0, now);
            self.opened += 1;
        }
    }

    /// Fills the bucket up to now and says whether a token is in it.
    fn has_token(&mut self, rate: f64, now: Duration) -> bool {
        let passed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.filled_at = now.max(self.filled_at);
        self.tokens = (self.tokens + passed * rate).min(burst(rate));
        // What is missing by a rounding error is there.
        self.tokens >= 1.0 - 1e-9
    }
}

/// A second's worth, and at least one.
fn burst(rate: f64) -> f64 {
    rate.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IP: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn admission(limits: Limits) -> Admission {
        Admission::new(limits)
    }

    #[test]
    fn waiting_closes_the_gate_and_a_close_opens_it() {
        let mut state = admission(Limits {
            max_connections: Some(2),
            ..Limits::default()
        });
        for id in 1..=2 {
            assert_eq!(state.gate(Duration::ZERO), Gate::Open);
            assert_eq!(state.admit(IP, Duration::ZERO), Verdict::Admit(id));
        }
        assert_eq!(state.gate(Duration::ZERO), Gate::Full);
        state.release(IP);
        assert_eq!(state.gate(Duration::ZERO), Gate::Open);
    }

    #[test]
    fn each_mode_has_its_answer_to_a_full_house() {
        let rows = [
            (Overload::Reject, Verdict::Reject(Reason::MaxConnections)),
            (Overload::Reset, Verdict::Reset(Reason::MaxConnections)),
            (Overload::CloseIdle, Verdict::Replace(2)),
        ];
        for (overload, expected) in rows {
            let mut state = admission(Limits {
                max_connections: Some(1),
                overload,
                ..Limits::default()
            });
            assert_eq!(state.admit(IP, Duration::ZERO), Verdict::Admit(1));
            assert_eq!(state.gate(Duration::ZERO), Gate::Open);
            assert_eq!(state.admit(IP, Duration::ZERO), expected);
        }
    }

    #[test]
    fn one_address_cannot_take_all_places() {
        let mut state = admission(Limits {
            max_per_ip: Some(1),
            ..Limits::default()
        });
        let other = Some(IpAddr::from([127, 0, 0, 2]));
        assert_eq!(state.admit(IP, Duration::ZERO), Verdict::Admit(1));
        let rejected = Verdict::Reject(Reason::MaxPerIp);
        assert_eq!(state.admit(IP, Duration::ZERO), rejected);
        assert_eq!(state.admit(other, Duration::ZERO), Verdict::Admit(2));
        state.release(IP);
        assert_eq!(state.admit(IP, Duration::ZERO), Verdict::Admit(3));
    }

    #[test]
    fn the_breaker_opens_above_its_rate_and_closes_again() {
        let mut state = admission(Limits {
            max_connections: Some(0),
            overload: Overload::Reject,
            breaker: Breaker {
                rejects: Some(3),
                open_for: Duration::from_secs(2),
            },
            ..Limits::default()
        });
        let rejected = Verdict::Reject(Reason::MaxConnections);
        for _ in 0..4 {
            assert_eq!(state.admit(IP, Duration::from_secs(1)), rejected);
        }
        let shed = Verdict::Reset(Reason::Breaker);
        assert_eq!(state.admit(IP, Duration::from_millis(2_999)), shed);
        assert_eq!(state.admit(IP, Duration::from_secs(3)), rejected);
        assert_eq!(state.breaker_opened(), 1);
    }

    #[test]
    fn the_rate_is_waited_for_as_long_as_it_takes() {
        let mut state = admission(Limits {
            accept_rate: Some(2.0),
            ..Limits::default()
        });
        for _ in 0..2 {
            assert_eq!(state.gate(Duration::ZERO), Gate::Open);
            state.admit(IP, Duration::ZERO);
        }
        let next = Duration::from_millis(500);
        assert_eq!(state.gate(Duration::ZERO), Gate::Until(next));
        assert_eq!(state.gate(next), Gate::Open);
    }

    #[test]
    fn a_counted_run_is_finished_when_all_have_gone() {
        let mut state = admission(Limits {
            count: Some(1),
            ..Limits::default()
        });
        assert!(!state.is_finished());
        state.admit(IP, Duration::ZERO);
        assert_eq!(state.gate(Duration::ZERO), Gate::Done);
        assert!(!state.is_finished());
        state.release(IP);
        assert!(state.is_finished());
    }

    proptest! {
        /// Whatever comes in whatever order, no limit is ever passed.
        #[test]
        fn limits_hold(
            steps in proptest::collection::vec((any::<bool>(), 0_u8..4, 0_u64..400), 1..300),
            most in 1_u64..8, each in 1_u64..4, rate in 1_u32..50,
            mode in 0_usize..3,
        ) {
            let overload = [Overload::Wait, Overload::Reject, Overload::Reset][mode];
            let mut state = admission(Limits {
                max_connections: Some(most),
                max_per_ip: Some(each),
                accept_rate: Some(rate.into()),
                overload,
                ..Limits::default()
            });
            let mut open: Vec<IpAddr> = Vec::new();
            let (mut now, mut admitted) = (Duration::ZERO, 0_u32);
            for (arrives, host, millis) in steps {
                now += Duration::from_millis(millis);
                if !arrives {
                    if let Some(ip) = open.pop() { state.release(Some(ip)); }
                    continue;
                }
                if state.gate(now) != Gate::Open { continue; }
                let ip = IpAddr::from([127, 0, 0, host]);
                if let Verdict::Admit(_) = state.admit(Some(ip), now) {
                    open.push(ip);
                    admitted += 1;
                }
                prop_assert!(open.len() as u64 <= most);
                prop_assert!(open.iter().filter(|other| **other == ip).count() as u64 <= each);
                let allowed = f64::from(rate) * (1.0 + now.as_secs_f64()) + 1.0;
                prop_assert!(f64::from(admitted) <= allowed);
                prop_assert_eq!(state.open(), open.len() as u64);
            }
        }
    }
}
