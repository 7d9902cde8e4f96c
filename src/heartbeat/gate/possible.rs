//! Whether a condition can hold at all of a run whose limits are known.
//!
//! Each quantity lies between nothing and a bound. A comparison is possible if some value between is;
//! `or` needs one possible part, `and` all of them. What no bound is known for is taken as possible.

use std::time::Duration;

use super::{Gate, Node, Operator, Quantity, Unit, Value};
use crate::heartbeat::event::State;

/// What bounds a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each rules out other words")]
pub struct Bounds {
    /// Beats per target; `None` without an end.
    pub beats: Option<u64>,
    /// How long the reply to one may take.
    pub timeout: Duration,
    /// From the start to the last verdict; `None` without an end.
    pub length: Option<Duration>,
    /// Whether beats have a session that can be lost.
    pub sessions: bool,
    /// Whether a session goes on after a beat that was not answered in time, so that a reply can come
    /// late; one that was taken from a pool does not.
    pub late: bool,
    /// Whether there is a circuit breaker.
    pub breaker: bool,
    /// Whether there may be a target with TLS.
    pub tls: bool,
}

/// Which bound makes a comparison impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// A share is from 0 to 100 %.
    Percent,
    /// A count is at least 0.
    Zero,
    /// [`Bounds::beats`].
    Beats,
    /// [`Bounds::timeout`].
    Timeout,
    /// [`Bounds::length`].
    Length,
    /// [`Bounds::sessions`].
    Sessions,
    /// [`Bounds::late`], where there are sessions.
    Late,
    /// [`Bounds::breaker`].
    Breaker,
    /// [`Bounds::tls`].
    Tls,
}

impl Gate {
    /// Why it can never hold of such a run, if it cannot: the bound that the first impossible
    /// comparison breaks.
    #[must_use]
    pub fn impossible(&self, bounds: &Bounds) -> Option<Bound> {
        self.root.impossible(bounds)
    }
}

impl Node {
    fn impossible(&self, bounds: &Bounds) -> Option<Bound> {
        let reason = |node: &Self| node.impossible(bounds);
        match self {
            Self::Any(nodes) if nodes.iter().any(|node| reason(node).is_none()) => None,
            Self::Any(nodes) | Self::All(nodes) => nodes.iter().find_map(reason),
            Self::Compare(quantity, operator, value) => match *value {
                Value::State(state) => {
                    let hung = state == State::AppHung && *operator == Operator::Equal;
                    (hung && !bounds.sessions).then_some(Bound::Sessions)
                }
                Value::Number(wanted) => number(quantity, bounds, *operator, wanted),
                Value::Time(wanted) => time(quantity, bounds, *operator, wanted),
            },
        }
    }
}

fn number(quantity: Quantity, bounds: &Bounds, operator: Operator, wanted: f64) -> Option<Bound> {
    if quantity.0 == "cert_days" {
        // Any number of days, and negative ones where a certificate has run out.
        return (!bounds.tls).then_some(Bound::Tls);
    }
    let (most, bound) = match (quantity.1, quantity.0) {
        (Unit::Percent, _) => (100.0, Bound::Percent),
        (_, "late" | "reconnects") if !bounds.sessions => (0.0, Bound::Sessions),
        (_, "late") if !bounds.late => (0.0, Bound::Late),
        (_, "refused") if !bounds.breaker => (0.0, Bound::Breaker),
        // Sessions are lost and made again beside the beats.
        (_, "reconnects") => (f64::INFINITY, Bound::Beats),
        _ => (bounds.beats.map_or(f64::INFINITY, beats), Bound::Beats),
    };
    let below = operator == Operator::Less && wanted <= 0.0;
    if below {
        return Some(Bound::Zero);
    }
    let beyond = match operator {
        Operator::Greater => wanted >= most,
        Operator::GreaterOrEqual | Operator::Equal => wanted > most,
        Operator::Less | Operator::LessOrEqual | Operator::NotEqual => false,
    };
    beyond.then_some(bound)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn beats(count: u64) -> f64 {
    count as f64
}

fn time(
    quantity: Quantity,
    bounds: &Bounds,
    operator: Operator,
    wanted: Duration,
) -> Option<Bound> {
    let of_outages = matches!(quantity.0, "longest_down" | "mttr");
    let (most, bound) = match bounds.length {
        Some(length) if of_outages => (length, Bound::Length),
        _ if of_outages => return None,
        _ => (bounds.timeout, Bound::Timeout),
    };
    let beyond = match operator {
        Operator::Greater => wanted >= most,
        Operator::GreaterOrEqual | Operator::Equal => wanted > most,
        Operator::Less | Operator::LessOrEqual | Operator::NotEqual => false,
    };
    beyond.then_some(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten connect probes.
    const SHORT: Bounds = Bounds {
        beats: Some(10),
        timeout: Duration::from_secs(1),
        length: Some(Duration::from_secs(11)),
        sessions: false,
        late: false,
        breaker: false,
        tls: false,
    };

    #[test]
    fn what_can_never_hold_is_known_by_the_bound_it_breaks() {
        let rows = [
            ("up>=10", None),
            ("up>=11", Some(Bound::Beats)),
            ("up>10", Some(Bound::Beats)),
            ("sent==11", Some(Bound::Beats)),
            ("sent!=11", None),
            ("loss>100%", Some(Bound::Percent)),
            ("loss>=100%", None),
            ("loss<0", Some(Bound::Zero)),
            ("p99>1s", Some(Bound::Timeout)),
            ("p99>=1s", None),
            ("p99>999ms", None),
            ("max<5s", None),
            ("longest_down>11s", Some(Bound::Length)),
            ("longest_down>10s", None),
            ("late>0", Some(Bound::Sessions)),
            ("late==0", None),
            ("state==app_hung", Some(Bound::Sessions)),
            ("state==down", None),
            ("refused>=1", Some(Bound::Breaker)),
            ("cert_days<14", Some(Bound::Tls)),
            ("loss>1% or cert_days<14", None),
            ("loss>1% or p99>1s", None),
            ("up>=11 or p99>1s", Some(Bound::Beats)),
            ("loss>1% and p99>1s", Some(Bound::Timeout)),
            ("(up>=3 or up>=11) and lost==0", None),
        ];
        for (text, expected) in rows {
            let gate: Gate = text.parse().unwrap();
            assert_eq!(gate.impossible(&SHORT), expected, "{text}");
        }
    }

    #[test]
    fn a_run_without_end_rules_little_out() {
        let endless = Bounds {
            beats: None,
            length: None,
            sessions: true,
            late: true,
            breaker: true,
            tls: true,
            ..SHORT
        };
        let pooled = Bounds {
            late: false,
            ..endless
        };
        for (text, expected) in [("late>0", Some(Bound::Late)), ("reconnects>9", None)] {
            let gate: Gate = text.parse().unwrap();
            assert_eq!(gate.impossible(&pooled), expected, "{text}");
        }
        for text in [
            "up>=1000000",
            "longest_down>1h",
            "late>0",
            "reconnects>9",
            "cert_days<0",
            "cert_days<14",
        ] {
            assert_eq!(text.parse::<Gate>().unwrap().impossible(&endless), None);
        }
    }
}
