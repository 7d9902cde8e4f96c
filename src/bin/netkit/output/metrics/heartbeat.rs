//! OpenMetrics text of what a heartbeat has counted, by target.
//!
//! Made when a scraper asks, from the same fold as the summary, so that neither can say what the
//! other does not.

use std::time::Duration;

use netkit::heartbeat::{Fold, State, Summary, Tally};
use netkit::policy::breaker;

use super::head;

/// Upper bounds of the buckets of round trips, in microseconds: 1, 2.5, 5 of each power of ten.
const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// A counter: its name without prefix, what it is, and where its value stands.
type Counter = (&'static str, &'static str, fn(&Summary) -> u64);

const COUNTERS: &[Counter] = &[
    ("beats", "Beats that are decided.", |of| {
        of.received + of.lost
    }),
    ("replies", "Beats that were answered in time.", |of| {
        of.received
    }),
    (
        "late_replies",
        "Replies that came after the timeout.",
        |of| of.late,
    ),
    ("skipped", "Beats that this machine did not send.", |of| {
        of.skipped
    }),
    ("refused", "Beats that the circuit breaker refused.", |of| {
        of.refused
    }),
    ("disconnects", "Sessions that ended.", |of| of.disconnects),
    ("reconnects", "Sessions that came back.", |of| of.reconnects),
    ("outages", "Times that the target went down.", |of| {
        of.outages_total
    }),
];

/// One target: its label, its figures, its round trips.
struct Row<'a> {
    label: String,
    summary: Summary,
    tally: &'a Tally,
}

/// The whole text as of `now` after the start, its end mark included.
pub(crate) fn text(fold: &Fold, now: Duration) -> String {
    let rows: Vec<_> = fold
        .targets()
        .iter()
        .map(|tally| Row::new(tally, now))
        .collect();
    let mut text = String::new();
    for (name, help, value) in COUNTERS {
        let name = format!("netkit_heartbeat_{name}");
        head(&mut text, &name, "counter", help);
        for row in &rows {
            put!(
                text,
                "{name}_total{{{}}} {}\n",
                row.label,
                value(&row.summary)
            );
        }
    }
    failures(&mut text, &rows);
    states(&mut text, &rows);
    breakers(&mut text, &rows);
    round_trips(&mut text, &rows);
    own(&mut text, fold, now);
    text.push_str("# EOF\n");
    text
}

impl<'a> Row<'a> {
    fn new(tally: &'a Tally, now: Duration) -> Self {
        let summary = tally.summary(now);
        Self {
            label: format!("target=\"{}\"", escaped(&summary.target)),
            summary,
            tally,
        }
    }
}

fn failures(text: &mut String, rows: &[Row<'_>]) {
    let name = "netkit_heartbeat_failures";
    head(text, name, "counter", "Beats that failed, by kind.");
    for Row { label, summary, .. } in rows {
        for (kind, count) in &summary.failures {
            put!(text, "{name}_total{{{label},kind=\"{kind}\"}} {count}\n");
        }
    }
}

fn states(text: &mut String, rows: &[Row<'_>]) {
    let name = "netkit_heartbeat_state";
    head(
        text,
        name,
        "gauge",
        "1 for the state the target is in, 0 for the others.",
    );
    for Row { label, summary, .. } in rows {
        for state in State::ALL {
            let is = u8::from(summary.state == state);
            put!(text, "{name}{{{label},state=\"{state}\"}} {is}\n");
        }
    }
}

fn breakers(text: &mut String, rows: &[Row<'_>]) {
    use breaker::State::{Closed, HalfOpen, Open};
    let name = "netkit_heartbeat_breaker";
    head(
        text,
        name,
        "gauge",
        "1 for the state the circuit breaker is in, 0 for the others.",
    );
    for Row { label, summary, .. } in rows {
        let Some(breaker) = summary.breaker else {
            continue;
        };
        for state in [Closed, Open, HalfOpen] {
            let is = u8::from(breaker == state);
            put!(text, "{name}{{{label},state=\"{}\"}} {is}\n", state.code());
        }
    }
}

fn round_trips(text: &mut String, rows: &[Row<'_>]) {
    let name = "netkit_heartbeat_rtt_seconds";
    head(
        text,
        name,
        "histogram",
        "Round trips of the beats answered in time.",
    );
    for Row { label, tally, .. } in rows {
        let rtt = tally.latencies();
        for bound in BOUNDS.map(Duration::from_micros) {
            let (le, count) = (bound.as_secs_f64(), rtt.count_up_to(bound));
            put!(text, "{name}_bucket{{{label},le=\"{le:?}\"}} {count}\n");
        }
        let count = rtt.count();
        put!(text, "{name}_bucket{{{label},le=\"+Inf\"}} {count}\n");
        put!(text, "{name}_count{{{label}}} {count}\n");
        put!(text, "{name}_sum{{{label}}} {:?}\n", rtt.sum_seconds());
    }
}

/// What is this machine's, and no target's.
fn own(text: &mut String, fold: &Fold, now: Duration) {
    let name = "netkit_heartbeat_local_stalls";
    head(
        text,
        name,
        "counter",
        "Times that this machine itself was stopped.",
    );
    put!(text, "{name}_total {}\n", fold.report(now).stalls);
}

/// As the exposition format wants a label's value.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use netkit::event::Stamped;
    use netkit::heartbeat::event::{Beat, Event, Fact};
    use netkit::time::Millis;

    use super::*;

    fn beat(target: usize, rtt: Option<u64>) -> Stamped<Event> {
        let rtt_ms = rtt.map(|millis| Millis(Duration::from_millis(millis)));
        let fact = Fact::Beat(Beat {
            seq: 0,
            ok: rtt.is_some(),
            due_ms: Millis(Duration::ZERO),
            sent_ms: Some(Millis(Duration::ZERO)),
            lateness_ms: Some(Millis(Duration::ZERO)),
            rtt_ms,
            kernel_ack_ms: None,
            reused: None,
            failure: None,
        });
        let target = Some(target);
        Stamped::new(Duration::from_secs(1), Event { target, fact })
    }

    #[test]
    fn every_family_is_typed_once_and_every_target_labelled() {
        let mut fold = Fold::new(["a:1".to_owned(), "unix:\"x\\".to_owned()]);
        for event in [beat(0, Some(3)), beat(0, Some(30)), beat(1, None)] {
            fold.apply(&event);
        }
        let text = text(&fold, Duration::from_secs(2));
        for line in [
            "netkit_heartbeat_beats_total{target=\"a:1\"} 2",
            "netkit_heartbeat_replies_total{target=\"unix:\\\"x\\\\\"} 0",
            "netkit_heartbeat_failures_total{target=\"unix:\\\"x\\\\\",kind=\"unknown\"} 1",
            "netkit_heartbeat_state{target=\"a:1\",state=\"unknown\"} 1",
            "netkit_heartbeat_rtt_seconds_bucket{target=\"a:1\",le=\"0.0025\"} 0",
            "netkit_heartbeat_rtt_seconds_bucket{target=\"a:1\",le=\"0.005\"} 1",
            "netkit_heartbeat_rtt_seconds_bucket{target=\"a:1\",le=\"+Inf\"} 2",
            "netkit_heartbeat_rtt_seconds_sum{target=\"a:1\"} 0.033",
            "netkit_heartbeat_local_stalls_total 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let types: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("# TYPE"))
            .collect();
        let mut once = types.clone();
        once.dedup();
        assert_eq!(types, once);
        assert!(text.ends_with("# EOF\n"));
    }
}
