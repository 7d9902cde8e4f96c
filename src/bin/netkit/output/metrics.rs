//! OpenMetrics text of what a server has counted (openmetrics.io, version 1.0.0).

pub(crate) mod heartbeat;

use netkit::listen::Totals;

use super::json::listen::rows_of_reasons;

/// One kind of number: its name without prefix, what it is, and its values by label.
struct Family {
    name: &'static str,
    gauge: bool,
    help: &'static str,
    values: Vec<(String, u64)>,
}

fn counter(name: &'static str, help: &'static str, value: u64) -> Family {
    let values = vec![(String::new(), value)];
    Family {
        name,
        gauge: false,
        help,
        values,
    }
}

fn labelled<'a>(
    name: &'static str,
    help: &'static str,
    label: &str,
    rows: impl IntoIterator<Item = (&'a str, u64)>,
) -> Family {
    let labelled = |(value, count): (&str, u64)| (format!("{{{label}=\"{value}\"}}"), count);
    Family {
        name,
        gauge: false,
        help,
        values: rows.into_iter().map(labelled).collect(),
    }
}

/// What stands before the values of a family.
fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    put!(text, "# TYPE {name} {kind}\n# HELP {name} {help}\n");
}

/// The whole text, its end mark included.
pub(crate) fn text(totals: &Totals) -> String {
    let mut text = String::new();
    for family in families(totals).into_iter().chain(of_forwarding(totals)) {
        let name = format!("netkit_listen_{}", family.name);
        let kind = if family.gauge { "gauge" } else { "counter" };
        head(&mut text, &name, kind, family.help);
        let suffix = if family.gauge { "" } else { "_total" };
        for (labels, value) in &family.values {
            put!(text, "{name}{suffix}{labels} {value}\n");
        }
    }
    text.push_str("# EOF\n");
    text
}

/// What a forwarder counts besides.
fn of_forwarding(totals: &Totals) -> Vec<Family> {
    vec![
        counter(
            "upstreams_connected",
            "Connections to the service that is forwarded to.",
            totals.upstreams_connected,
        ),
        counter(
            "upstreams_failed",
            "Connections to the service that could not be made.",
            totals.upstreams_failed,
        ),
        counter("up_bytes", "Bytes sent to the service.", totals.bytes_up),
        counter(
            "down_bytes",
            "Bytes received from the service.",
            totals.bytes_down,
        ),
        counter(
            "mirror_dropped_bytes",
            "Bytes that a mirror was too slow to take, or not there to take.",
            totals.mirror_bytes_dropped,
        ),
        counter(
            "mirror_differed",
            "Connections whose mirror answered differently.",
            totals.mirror_differed,
        ),
    ]
}

fn families(totals: &Totals) -> Vec<Family> {
    let closed = totals.closed.rows();
    let closed = closed.iter().map(|(cause, count)| (cause.code(), *count));
    let rejected = rows_of_reasons(&totals.rejected);
    let rejected = rejected
        .iter()
        .map(|(reason, count)| (reason.code(), *count));
    let mut open = counter(
        "open_connections",
        "Connections that are open.",
        totals.open,
    );
    open.gauge = true;
    vec![
        open,
        counter("accepted", "Connections that were let in.", totals.accepted),
        labelled("closed", "Connections that have closed.", "cause", closed),
        labelled(
            "rejected",
            "Connections that were not let in.",
            "reason",
            rejected,
        ),
        counter("received_bytes", "Bytes received.", totals.bytes_in),
        counter("sent_bytes", "Bytes sent.", totals.bytes_out),
        counter(
            "received_datagrams",
            "Datagrams received.",
            totals.datagrams_in,
        ),
        counter("sent_datagrams", "Datagrams sent.", totals.datagrams_out),
        counter(
            "held_back_datagrams",
            "Datagrams unanswered or cut, lest this server be a reflector.",
            totals.datagrams_held_back,
        ),
        counter("faults", "Faults that were applied.", totals.faults),
        counter("pauses", "Times that accepting paused.", totals.pauses),
        counter(
            "accept_errors",
            "Times that accept failed for want of descriptors or memory.",
            totals.accept_errors,
        ),
        counter(
            "breaker_opened",
            "Times that the overload breaker opened.",
            totals.breaker_opened,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_typed_and_counters_end_in_total() {
        let mut totals = Totals {
            open: 3,
            accepted: 7,
            ..Totals::default()
        };
        totals.closed.fin = 4;
        let text = text(&totals);
        assert!(
            text.contains("# TYPE netkit_listen_accepted counter\n"),
            "{text}"
        );
        assert!(
            text.contains("\nnetkit_listen_accepted_total 7\n"),
            "{text}"
        );
        assert!(
            text.contains("\nnetkit_listen_open_connections 3\n"),
            "{text}"
        );
        assert!(
            text.contains("netkit_listen_closed_total{cause=\"fin\"} 4\n"),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert_eq!(line.split(' ').count(), 2, "{line}");
        }
    }
}
