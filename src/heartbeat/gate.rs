//! Conditions on what is known of a target: `loss>1% or p99>20ms or state==down`.
//!
//! Pure: text to a value, a value and a [`Summary`] to yes or no. `and` binds tighter than `or`,
//! parentheses group. What is not known yet fulfils no comparison. `state==down` holds of a hung
//! application too, `state==app_hung` of nothing else.

mod parse;
mod possible;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::event::State;
use super::report::{Spread, Summary};
use crate::time::Millis;

pub use possible::{Bound, Bounds};

/// A condition. `Display` writes it as it was typed; read one with [`str::parse`].
///
/// ```
/// use netkit::heartbeat::{Tally, gate::Gate};
/// use std::time::Duration;
/// let gate: Gate = "loss>1% or state==down".parse().unwrap();
/// let summary = Tally::new("localhost:80".to_owned()).summary(Duration::ZERO);
/// assert!(!gate.holds(&summary));
/// assert_eq!("p99>20".parse::<Gate>().unwrap_err().span, 4..6);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    text: String,
    root: Node,
}

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateError {
    /// What is wrong.
    pub message: String,
    /// What would be right there.
    pub expected: String,
    /// The bytes at fault.
    pub span: Range<usize>,
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.message, self.expected)
    }
}

impl std::error::Error for GateError {}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Any(Vec<Self>),
    All(Vec<Self>),
    Compare(Quantity, Operator, Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    /// Percent, or how many.
    Number(f64),
    Time(Duration),
    State(State),
}

/// What can be compared, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Percent,
    Count,
    Time,
    State,
}

/// A word, what it is compared with, and what it is of a target.
type Row = (&'static str, Unit, fn(&Summary) -> Option<Value>);
type Quantity = &'static Row;

/// Every word on the left side.
const QUANTITIES: &[Row] = &[
    ("loss", Unit::Percent, |s| s.loss_pct.map(Value::Number)),
    ("loss_1m", Unit::Percent, |s| {
        s.loss_1m_pct.map(Value::Number)
    }),
    ("loss_5m", Unit::Percent, |s| {
        s.loss_5m_pct.map(Value::Number)
    }),
    ("availability", Unit::Percent, |s| {
        s.availability_pct.map(Value::Number)
    }),
    ("min", Unit::Time, |s| rtt(s, |rtt| rtt.min)),
    ("mean", Unit::Time, |s| rtt(s, |rtt| rtt.mean)),
    ("p50", Unit::Time, |s| rtt(s, |rtt| rtt.p50)),
    ("p90", Unit::Time, |s| rtt(s, |rtt| rtt.p90)),
    ("p99", Unit::Time, |s| rtt(s, |rtt| rtt.p99)),
    ("max", Unit::Time, |s| rtt(s, |rtt| rtt.max)),
    ("jitter", Unit::Time, |s| time(s.jitter_ms)),
    ("longest_down", Unit::Time, |s| time(s.longest_down_ms)),
    ("mttr", Unit::Time, |s| time(s.mttr_ms)),
    ("state", Unit::State, |s| Some(Value::State(s.state))),
    ("up", Unit::Count, |s| count(s.streak.max(0).unsigned_abs())),
    ("down", Unit::Count, |s| {
        count(s.streak.min(0).unsigned_abs())
    }),
    ("sent", Unit::Count, |s| count(s.sent)),
    ("received", Unit::Count, |s| count(s.received)),
    ("lost", Unit::Count, |s| count(s.lost)),
    ("late", Unit::Count, |s| count(s.late)),
    ("skipped", Unit::Count, |s| count(s.skipped)),
    ("refused", Unit::Count, |s| count(s.refused)),
    ("outages", Unit::Count, |s| count(s.outages_total)),
    ("reconnects", Unit::Count, |s| count(s.reconnects)),
    ("cert_days", Unit::Count, |s| s.cert_days.map(days)),
];

fn rtt(summary: &Summary, of: impl Fn(Spread) -> Millis) -> Option<Value> {
    time(summary.rtt_ms.map(of))
}

fn time(time: Option<Millis>) -> Option<Value> {
    time.map(|Millis(time)| Value::Time(time))
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
#[expect(clippy::unnecessary_wraps, reason = "one shape for all quantities")]
fn count(count: u64) -> Option<Value> {
    Some(Value::Number(count as f64))
}

#[expect(clippy::cast_precision_loss, reason = "days of a calendar")]
fn days(days: i64) -> Value {
    Value::Number(days as f64)
}

impl Gate {
    /// Whether it holds for what is known of a target.
    #[must_use]
    pub fn holds(&self, summary: &Summary) -> bool {
        self.root.holds(summary)
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Node {
    fn holds(&self, summary: &Summary) -> bool {
        match self {
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(summary)),
            Self::All(nodes) => nodes.iter().all(|node| node.holds(summary)),
            Self::Compare((_, _, read), operator, value) => {
                read(summary).is_some_and(|found| operator.holds(found, *value))
            }
        }
    }
}

impl Operator {
    fn holds(self, found: Value, wanted: Value) -> bool {
        let order = match (found, wanted) {
            (Value::Number(a), Value::Number(b)) => a.partial_cmp(&b),
            (Value::Time(a), Value::Time(b)) => Some(a.cmp(&b)),
            // A hung application is one kind of down.
            (Value::State(a), Value::State(b)) => {
                let same = a == b || (b == State::Down && a.is_down());
                same.then_some(std::cmp::Ordering::Equal)
            }
            _ => None,
        };
        match self {
            Self::Less => order.is_some_and(std::cmp::Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
            Self::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
            Self::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
            Self::NotEqual => !order.is_some_and(std::cmp::Ordering::is_eq),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heartbeat::{Fact, Tally, event::Beat};

    fn summary() -> Summary {
        let mut tally = Tally::new("x:1".to_owned());
        for seq in 0..100 {
            let ok = seq >= 2;
            let beat = Beat {
                seq,
                ok,
                due_ms: Millis::default(),
                sent_ms: Some(Millis::default()),
                lateness_ms: None,
                rtt_ms: ok.then_some(Millis(Duration::from_millis(seq))),
                kernel_ack_ms: None,
                reused: None,
                failure: None,
            };
            tally.apply(Duration::from_secs(seq), &Fact::Beat(beat));
        }
        tally.summary(Duration::from_secs(100))
    }

    #[test]
    fn a_hung_application_is_down_and_a_dead_machine_is_not_hung() {
        let is = |state, gate: &str| {
            let summary = Summary { state, ..summary() };
            gate.parse::<Gate>().unwrap().holds(&summary)
        };
        let rows = [
            ("state==down", true, true, false),
            ("state!=down", false, false, true),
            ("state==app_hung", false, true, false),
            ("state!=app_hung", true, false, true),
        ];
        for (gate, down, hung, up) in rows {
            let found = [State::Down, State::AppHung, State::Up].map(|state| is(state, gate));
            assert_eq!(found, [down, hung, up], "{gate}");
        }
    }

    #[test]
    fn conditions_hold_or_do_not() {
        let rows = [
            ("loss>1%", true),
            ("loss > 2 %", false),
            ("loss>=2%", true),
            ("loss<1", false),
            ("p99>20ms", true),
            ("max<=99ms and min==2ms", true),
            ("max>1s or loss>1%", true),
            ("loss>1% and (max>1s or state==down)", false),
            ("state!=down", true),
            ("state==unknown", true),
            ("up>=98", true),
            ("up>=3 and down==0", true),
            ("sent==100 and lost==2 and late==0", true),
            ("longest_down<1s", false),
            ("mean>0.03s", true),
        ];
        let summary = summary();
        for (text, expected) in rows {
            let gate: Gate = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(gate.holds(&summary), expected, "{text}");
            assert_eq!(gate.to_string(), text);
        }
    }

    #[test]
    fn a_fault_is_underlined() {
        let rows = [
            ("", 0..0),
            ("los>1%", 0..3),
            ("loss 1%", 5..6),
            ("loss>", 5..5),
            ("loss>1ms", 5..8),
            ("p99>20", 4..6),
            ("p99>20%", 4..7),
            ("state>down", 5..6),
            ("state==dead", 7..11),
            ("loss>1% p99>1ms", 8..11),
            ("(loss>1%", 8..8),
            ("loss>1% or", 10..10),
            ("loss>-1%", 5..8),
            ("up>=x", 4..5),
        ];
        for (text, span) in rows {
            let error = text.parse::<Gate>().expect_err(text);
            assert_eq!(error.span, span, "{text}: {error}");
        }
    }
}
