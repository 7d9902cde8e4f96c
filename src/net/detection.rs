//! How long a dead peer can stay unnoticed: computed from the options and sysctls in force.
//!
//! The formulas are those of Linux's `tcp_timer.c`, so that a report can say beforehand what a
//! silent peer would cost. Pure but for [`Sysctls::read`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::facts::KeepaliveValues;
use super::{KeepaliveFacts, TcpInfo};
use crate::time::Millis;

/// The least retransmission timeout, from which the kernel computes its limits (`TCP_RTO_MIN`).
const RTO_MIN: Duration = Duration::from_millis(200);

/// The worst-case time until a dead peer is noticed, computed from the options in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Detection {
    /// With nothing in flight; `null` means never.
    pub idle_ms: Option<Millis>,
    /// With data in flight; `null` when it cannot be known.
    pub in_flight_ms: Option<Millis>,
    /// What decides the idle case: `keepalive`, `user_timeout`, or `nothing`.
    pub idle_by: String,
    /// What decides the other: `user_timeout` or `tcp_retries2`.
    pub in_flight_by: String,
}

/// The system's settings that decide when retransmission is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sysctls {
    /// `net.ipv4.tcp_retries2`; also for IPv6. Default 15.
    pub retries2: u32,
    /// `net.ipv4.tcp_rto_max_ms`; kernels before 6.15 have it fixed at 120 s.
    pub rto_max: Duration,
}

impl Default for Sysctls {
    fn default() -> Self {
        Self {
            retries2: 15,
            rto_max: Duration::from_secs(120),
        }
    }
}

impl Sysctls {
    /// Reads them from `/proc`; what cannot be read is the kernel's default.
    #[must_use]
    pub fn read() -> Self {
        let read = |name: &str| {
            let text = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok()?;
            text.trim().parse::<u32>().ok()
        };
        let default = Self::default();
        Self {
            retries2: read("tcp_retries2").unwrap_or(default.retries2),
            rto_max: read("tcp_rto_max_ms").map_or(default.rto_max, |millis| {
                Duration::from_millis(millis.into())
            }),
        }
    }
}

impl Detection {
    /// Predicts for a connection that stands; `None` when its keepalive cannot be read.
    #[must_use]
    pub fn of(facts: &KeepaliveFacts, info: Option<&TcpInfo>, sysctls: &Sysctls) -> Option<Self> {
        let rto = info.map_or(RTO_MIN, |info| info.rto_ms.0);
        let user_timeout = facts.user_timeout_ms.map(|millis| millis.0);
        Some(Self::predict(&facts.accepted?, user_timeout, rto, sysctls))
    }

    /// Predicts from keepalive values, user timeout, retransmission timeout and sysctls.
    ///
    /// ```
    /// use netkit::net::{Keepalive, detection::{Detection, Sysctls}};
    /// use std::time::Duration;
    /// let rto = Duration::from_millis(200);
    /// let detection =
    ///     Detection::predict(&Keepalive::default().into(), None, rto, &Sysctls::default());
    /// assert_eq!(detection.idle_ms, Some(Duration::from_secs(150).into()));
    /// assert_eq!(detection.in_flight_ms, Some(Duration::from_millis(924_600).into()));
    /// ```
    #[must_use]
    pub fn predict(
        keepalive: &KeepaliveValues,
        user_timeout: Option<Duration>,
        rto: Duration,
        sysctls: &Sysctls,
    ) -> Self {
        let idle = keepalive.enabled.then(|| idle(keepalive, user_timeout));
        let idle_by = match (keepalive.enabled, user_timeout) {
            (false, _) => "nothing",
            (true, Some(_)) => "user_timeout",
            (true, None) => "keepalive",
        };
        let (in_flight, in_flight_by) = match user_timeout {
            // The clock starts with the first retransmission, and before that comes one loss probe
            // (RFC 8985 §7), each about one timeout after the last.
            Some(limit) => (limit.saturating_add(rto.max(RTO_MIN) * 2), "user_timeout"),
            None => (retransmission(sysctls), "tcp_retries2"),
        };
        Self {
            idle_ms: idle.map(Millis),
            in_flight_ms: Some(Millis(in_flight)),
            idle_by: idle_by.to_owned(),
            in_flight_by: in_flight_by.to_owned(),
        }
    }
}

/// `tcp_keepalive_timer`: probes from `idle` on, every `interval`; given up after `count` of them,
/// or, with a user timeout, at the first due probe after that timeout, whatever the count.
fn idle(keepalive: &KeepaliveValues, user_timeout: Option<Duration>) -> Duration {
    let (idle, interval) = (keepalive.idle_ms.0, keepalive.interval_ms.0);
    let probes = match user_timeout {
        None => keepalive.count.max(1),
        Some(limit) => intervals(limit.saturating_sub(idle), interval).max(1),
    };
    idle.saturating_add(interval.saturating_mul(probes))
}

/// How many intervals cover a span.
fn intervals(span: Duration, interval: Duration) -> u32 {
    let count = span.as_nanos().div_ceil(interval.as_nanos().max(1));
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// `tcp_model_timeout`: the sum of `retries2` + 1 timeouts that double from 200 ms up to the
/// greatest; 924.6 s by default.
fn retransmission(sysctls: &Sysctls) -> Duration {
    let greatest = sysctls.rto_max.max(RTO_MIN);
    let ratio = greatest.as_nanos() / RTO_MIN.as_nanos();
    let doublings = ratio.checked_ilog2().unwrap_or_default();
    // 2^(n + 1) - 1, as far as it fits: beyond lie centuries.
    let factor = |exponent: u32| u32::MAX >> 31_u32.saturating_sub(exponent);
    let doubling = RTO_MIN.saturating_mul(factor(sysctls.retries2.min(doublings)));
    let constant = greatest.saturating_mul(sysctls.retries2.saturating_sub(doublings));
    doubling.saturating_add(constant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(enabled: bool, idle: u64, interval: u64, count: u32) -> KeepaliveValues {
        KeepaliveValues {
            enabled,
            idle_ms: Millis(Duration::from_secs(idle)),
            interval_ms: Millis(Duration::from_secs(interval)),
            count,
        }
    }

    fn predict(keepalive: &KeepaliveValues, user_timeout: Option<u64>) -> (Option<u128>, u128) {
        let user_timeout = user_timeout.map(Duration::from_millis);
        let found = Detection::predict(keepalive, user_timeout, RTO_MIN, &Sysctls::default());
        let millis = |value: Millis| value.0.as_millis();
        (
            found.idle_ms.map(millis),
            found.in_flight_ms.map(millis).unwrap(),
        )
    }

    #[test]
    fn predictions_match_what_was_measured() {
        // keepalive, user timeout, idle, in flight; measured: 3.7 to 3.9 s, 1.84 s, 1.84 s, never
        // and 3.42 s; the rest by the formula.
        let rows = [
            (values(true, 1, 1, 3), None, Some(4_000), 924_600),
            (values(true, 1, 1, 3), Some(2_000), Some(2_000), 2_400),
            (values(true, 1, 1, 9), Some(2_000), Some(2_000), 2_400),
            (values(false, 1, 1, 3), Some(3_000), None, 3_400),
            (values(false, 7_200, 75, 9), None, None, 924_600),
            (values(true, 7_200, 75, 9), None, Some(7_875_000), 924_600),
            (values(true, 10, 3, 9), Some(2_000), Some(13_000), 2_400),
            (values(true, 10, 3, 9), Some(14_000), Some(16_000), 14_400),
        ];
        for (keepalive, user_timeout, idle, in_flight) in rows {
            assert_eq!(
                predict(&keepalive, user_timeout),
                (idle, in_flight),
                "{keepalive:?}"
            );
        }
    }

    #[test]
    fn retransmission_follows_the_sysctls() {
        // tcp_retries2, tcp_rto_max_ms, total: ip-sysctl.rst names 924.6 s for 15.
        let rows = [
            (15, 120_000, 924_600),
            (8, 120_000, 102_200),
            (3, 120_000, 3_000),
            (0, 120_000, 200),
            (15, 1_000, 200 * 7 + 13 * 1_000),
        ];
        for (retries2, rto_max, total) in rows {
            let sysctls = Sysctls {
                retries2,
                rto_max: Duration::from_millis(rto_max),
            };
            assert_eq!(
                retransmission(&sysctls).as_millis(),
                total,
                "{retries2} {rto_max}"
            );
        }
    }

    #[test]
    fn what_decides_is_named() {
        let by = |enabled, user_timeout: Option<u64>| {
            let (keepalive, limit) = (
                values(enabled, 1, 1, 1),
                user_timeout.map(Duration::from_secs),
            );
            let found = Detection::predict(&keepalive, limit, RTO_MIN, &Sysctls::default());
            (found.idle_by, found.in_flight_by)
        };
        let named = |idle: &str, in_flight: &str| (idle.to_owned(), in_flight.to_owned());
        assert_eq!(by(true, None), named("keepalive", "tcp_retries2"));
        assert_eq!(by(true, Some(1)), named("user_timeout", "user_timeout"));
        assert_eq!(by(false, Some(1)), named("nothing", "user_timeout"));
    }

    proptest! {
        /// More retries never mean earlier detection, and no value overflows.
        #[test]
        fn more_retries_take_longer(retries2 in 0_u32..300, rto_max in 0_u64..u64::MAX / 2) {
            let total = |retries2| {
                retransmission(&Sysctls { retries2, rto_max: Duration::from_millis(rto_max) })
            };
            prop_assert!(total(retries2) <= total(retries2 + 1));
        }

        #[test]
        fn a_longer_user_timeout_is_never_noticed_earlier(limit in 0_u64..10_000_000, more in 0_u64..100_000) {
            let keepalive = values(true, 15, 15, 9);
            let (sooner, later) = (predict(&keepalive, Some(limit)), predict(&keepalive, Some(limit + more)));
            prop_assert!(sooner.0 <= later.0 && sooner.1 <= later.1);
        }
    }
}
