//! A connection in words: the handshake, TCP, keepalive, options, the exchange.

use std::time::Duration;

use netkit::dial::Report;
use netkit::dial::report::{Bytes, Detection, Exchange, Hold, Resolve};
use netkit::net::facts::KeepaliveValues;
use netkit::net::{KeepaliveFacts, OptionFact, TcpInfo};
use netkit::time::Millis;

use super::{Fact, counted};
use crate::output::View;
use crate::output::style::Tone;
use crate::output::text::{cut, escape_bytes};

/// How much of what was received is shown on a terminal unless more is asked for.
const SHOWN: usize = 320;

/// Everything about the socket.
pub(super) fn connection_facts(report: &Report, view: &View) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let (Some(local), Some(peer)) = (&report.local, &report.peer) {
        facts.push(Fact::new(
            "path",
            format!("{local} -> {peer} ({})", report.network),
        ));
    }
    facts.extend(handshake(report));
    facts.extend(report.tcp_info.as_ref().map(tcp));
    facts.extend(report.keepalive.as_ref().map(keepalive));
    facts.extend(report.detection.as_ref().map(detection));
    facts.extend(
        report
            .options
            .iter()
            .map(|option| option_fact(option, view)),
    );
    facts.extend(report.mptcp.map(mptcp));
    facts.extend(report.fastopen.map(fastopen));
    facts.extend(report.hold.as_ref().map(hold));
    facts
}

/// Our own figure beside the kernel's.
fn handshake(report: &Report) -> Option<Fact> {
    let (took, info) = (report.connect_ms?, report.tcp_info.as_ref()?);
    let here = connect_time(took.0, info.syn_retransmits.unwrap_or(0));
    // After a lost SYN the kernel's figure comes from a clock of milliseconds.
    let coarse = if info.syn_retransmits.unwrap_or(0) > 0 {
        ", coarse"
    } else {
        ""
    };
    let text = format!("{here}; handshake RTT {} (kernel{coarse})", info.rtt_ms);
    let tone = if coarse.is_empty() {
        Tone::Plain
    } else {
        Tone::Warn
    };
    Some(Fact::new("connect", text).tone(tone))
}

/// A connect time, taken apart where SYN segments were lost: `1.012 s = 1 SYN retransmit + 12 ms`.
pub(crate) fn connect_time(took: Duration, retransmits: u32) -> String {
    if retransmits == 0 {
        return Millis(took).to_string();
    }
    let seconds = format!("{:.3} s", took.as_secs_f64());
    let lost = counted(retransmits.into(), "SYN retransmit");
    match waited(took, retransmits) {
        Some(waited) => format!(
            "{seconds} = {lost} + {}",
            Millis(took.saturating_sub(waited))
        ),
        None => format!("{seconds} with {lost}"),
    }
}

/// How long the kernel waited for its retransmissions: the first timeout is 1 s (RFC 6298 §2); it
/// doubles, or stays for `tcp_syn_linear_timeouts` of them on newer kernels.
fn waited(took: Duration, retransmits: u32) -> Option<Duration> {
    let linear = u64::from(retransmits);
    let doubling = 1_u64.checked_shl(retransmits)?.saturating_sub(1);
    let fits = [doubling, linear]
        .map(Duration::from_secs)
        .into_iter()
        .filter(|sum| *sum <= took);
    fits.max()
}

fn tcp(info: &TcpInfo) -> Fact {
    let announced = if info.advmss == info.snd_mss {
        String::new()
    } else {
        format!(" (announced {})", info.advmss)
    };
    let mut text = format!("MSS {}{announced}, path MTU {}", info.snd_mss, info.pmtu);
    if let Some(congestion) = &info.congestion {
        put!(text, ", {congestion}, cwnd {}", info.snd_cwnd);
    }
    put!(text, ", RTO {}", info.rto_ms);
    if !info.options.is_empty() {
        put!(text, ", {}", info.options.join(" "));
    }
    Fact::new("tcp", text)
}

fn keepalive(facts: &KeepaliveFacts) -> Fact {
    let in_force = facts.accepted.unwrap_or(facts.requested);
    let mut text = keepalive_values(&in_force);
    let mut tone = Tone::Plain;
    if facts
        .accepted
        .is_some_and(|accepted| accepted != facts.requested)
    {
        text = format!("{text}; asked for {}", keepalive_values(&facts.requested));
        tone = Tone::Warn;
    }
    if let Some(timeout) = facts.user_timeout_ms {
        text = format!("{text}; user timeout {}", whole(timeout));
    }
    Fact::new("keepalive", text).tone(tone)
}

fn keepalive_values(values: &KeepaliveValues) -> String {
    if !values.enabled {
        return "off".to_owned();
    }
    let KeepaliveValues {
        idle_ms,
        interval_ms,
        count,
        ..
    } = values;
    format!(
        "after {} idle, every {}, {}",
        whole(*idle_ms),
        whole(*interval_ms),
        counted((*count).into(), "probe")
    )
}

/// `15 s` instead of `15.0 s`: these are never fractions.
fn whole(time: Millis) -> String {
    match time.0 {
        time if time.subsec_nanos() == 0 => format!("{} s", time.as_secs()),
        time => Millis(time).to_string(),
    }
}

fn detection(detection: &Detection) -> Fact {
    let when = |time: Option<Millis>, by: &str| match time {
        Some(time) => format!("after {} ({})", whole(time), by.replace('_', " ")),
        None => "never".to_owned(),
    };
    let idle = when(detection.idle_ms, &detection.idle_by);
    let in_flight = when(detection.in_flight_ms, &detection.in_flight_by);
    Fact::new(
        "dead peer",
        format!("noticed {idle} when idle, {in_flight} with data in flight"),
    )
}

fn option_fact(option: &OptionFact, view: &View) -> Fact {
    let (name, requested) = (&option.name, view.safe(&option.requested.to_string()));
    let accepted = option.accepted.as_ref();
    match accepted.map(|accepted| view.safe(&accepted.to_string())) {
        Some(accepted) if is_as_asked(&accepted, &requested) => {
            Fact::new("option", format!("{name} {accepted}"))
        }
        Some(accepted) => {
            let text = format!("{name} {accepted}; asked for {requested}");
            Fact::new("option", text).tone(Tone::Warn)
        }
        None => Fact::new(
            "option",
            format!("{name} {requested}, which cannot be read back"),
        ),
    }
}

/// Whether the kernel did what was asked; a port of 0 asks for any.
fn is_as_asked(accepted: &str, requested: &str) -> bool {
    let any_port = requested.strip_suffix(":0");
    accepted == requested || any_port.is_some_and(|address| accepted.starts_with(address))
}

fn mptcp(spoken: bool) -> Fact {
    if spoken {
        Fact::new("mptcp", "the peer speaks it")
    } else {
        Fact::new("mptcp", "the peer does not speak it; this is plain TCP").tone(Tone::Warn)
    }
}

fn fastopen(taken: bool) -> Fact {
    if taken {
        Fact::new("fastopen", "the server took the data of the SYN")
    } else {
        let text = "the server took no data in the SYN; a cookie for next time may have come";
        Fact::new("fastopen", text).tone(Tone::Warn)
    }
}

fn hold(hold: &Hold) -> Fact {
    let probes = match (hold.probes_sent, hold.probes_acked) {
        (Some(sent), Some(acked)) => {
            format!(
                "{} sent, {acked} acknowledged",
                counted(sent.into(), "probe")
            )
        }
        _ => "probes cannot be counted".to_owned(),
    };
    let end = if hold.alive { "alive" } else { "dead" };
    let tone = if hold.alive { Tone::Good } else { Tone::Bad };
    Fact::new(
        "held",
        format!("{}: {probes}; {end} at the end", hold.held_ms),
    )
    .tone(tone)
}

/// What was said, and what came back.
pub(super) fn exchange_facts(report: &Report, view: &View) -> Vec<Fact> {
    let Some(exchange) = &report.exchange else {
        return Vec::new();
    };
    let mut facts = vec![Fact::new(
        "exchange",
        summary(exchange, report.first_byte_ms),
    )];
    let received = exchange
        .received
        .as_ref()
        .filter(|_| exchange.received_bytes > 0);
    facts.extend(received.map(|bytes| Fact::new("received", shown(bytes, view))));
    facts
}

fn summary(exchange: &Exchange, first_byte: Option<Millis>) -> String {
    let mut text = format!(
        "sent {} B, received {} B",
        exchange.sent_bytes, exchange.received_bytes
    );
    if let Some(time) = first_byte {
        put!(text, ", first byte after {time}");
    }
    match exchange.matched {
        Some(true) => text.push_str(", as expected"),
        Some(false) => text.push_str(", not as expected"),
        None => {}
    }
    if let Some(how) = &exchange.closed_by_peer {
        put!(text, ", closed by the peer ({})", how.to_uppercase());
    }
    if exchange.truncated {
        text.push_str(", more than was kept");
    }
    text
}

/// Received bytes: text as it came in a pipe, escaped and cut on a terminal; what is not text is
/// escaped everywhere.
fn shown(bytes: &Bytes, view: &View) -> String {
    let text = match bytes {
        Bytes::Text(text) if !view.rich => return text.clone(),
        bytes => escape_bytes(&bytes.to_vec()),
    };
    if view.verbose || !view.rich || text.chars().count() <= SHOWN {
        return text;
    }
    format!("{} (--verbose shows all)", cut(&text, SHOWN))
}

/// A lookup in a line: how many addresses of which family, from where.
pub(crate) fn describe_resolve(resolve: &Resolve) -> String {
    let asked = resolve.questions.iter().map(|question| {
        let record = if question.family == netkit::addr::Family::Ipv6 {
            "AAAA"
        } else {
            "A"
        };
        match (&question.addresses, &question.failure) {
            (_, Some(failure)) => format!("{record} {}", failure.kind.code().replace('_', " ")),
            (Some(count), None) => format!("{record} {count}"),
            (None, None) => format!("{record} unanswered"),
        }
    });
    let mut text = asked.collect::<Vec<_>>().join(", ");
    if let Some(server) = &resolve.server {
        put!(text, " from {server}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_syns_are_taken_out_of_the_connect_time() {
        let rows = [
            (12, 0, "12.0 ms"),
            (1_012, 1, "1.012 s = 1 SYN retransmit + 12.0 ms"),
            (2_010, 2, "2.010 s = 2 SYN retransmits + 10.0 ms"),
            (3_030, 2, "3.030 s = 2 SYN retransmits + 30.0 ms"),
            (7_001, 3, "7.001 s = 3 SYN retransmits + 1.00 ms"),
            (200, 1, "0.200 s with 1 SYN retransmit"),
        ];
        for (took, retransmits, text) in rows {
            assert_eq!(connect_time(Duration::from_millis(took), retransmits), text);
        }
    }

    #[test]
    fn keepalive_says_what_differs_from_what_was_asked() {
        let asked: KeepaliveValues = netkit::net::Keepalive::default().into();
        let accepted = Some(KeepaliveValues { count: 3, ..asked });
        let facts = KeepaliveFacts {
            requested: asked,
            accepted,
            user_timeout_ms: None,
        };
        let fact = keepalive(&facts);
        assert_eq!(
            fact.text,
            "after 15 s idle, every 15 s, 3 probes; asked for after 15 s idle, every 15 s, 9 probes"
        );
        assert_eq!(fact.tone, Tone::Warn);
    }
}
