//! What a server tells people: a line an event, and the summary.

mod forward;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use netkit::event::Stamped;
use netkit::listen::{EndedBy, Event, Report, Totals};
use netkit::net::listen::ListenFacts;
use netkit::net::serve::{Cause, Closed, Opened};
use netkit::net::syn::Syn;
use netkit::policy::admission::{Overload, Reason};
use netkit::policy::fault::Direction;
use netkit::time::Millis;

use super::View;
use super::facts::counted;
use super::json::listen::{Rates, causes, reasons};
use super::style::Tone;
use super::text::escape_bytes;
use crate::plan::ListenPlan;

/// The line of an event; empty if it has none.
pub(crate) fn event(
    event: &Stamped<Event>,
    plan: &ListenPlan,
    sockets: &[ListenFacts],
    before: &Totals,
    start: SystemTime,
    view: &View,
) -> String {
    match &event.event {
        Event::Listening(facts) => listening(facts, view),
        Event::Exhausted { errno } => {
            let text = exhausted(*errno, plan.config.limits.overload);
            format!("{}\n", view.paint(Tone::Warn, &text))
        }
        Event::Stats(totals) if plan.stats_lines => {
            format!("{} {}\n", clock(start, event.at), stats(before, totals))
        }
        Event::Draining { by, open } => draining(*by, *open, plan.config.grace, view),
        event_of if plan.lines => {
            let text = connection(event_of, plan, sockets, view);
            if text.is_empty() {
                return text;
            }
            format!("{} {text}", clock(start, event.at))
        }
        _ => String::new(),
    }
}

/// The time of day, UTC, to the millisecond.
fn clock(start: SystemTime, at: Duration) -> String {
    let text = humantime::format_rfc3339_millis(start + at).to_string();
    text.get(11..).unwrap_or(&text).to_owned()
}

pub(crate) fn listening(facts: &ListenFacts, view: &View) -> String {
    let mut text = format!("listening on {}", facts.local);
    if !facts.local.starts_with(facts.network.name()) {
        put!(text, " ({})", facts.network);
    }
    if facts.both_families {
        text.push_str(", IPv4 and IPv6");
    }
    if let Some(backlog) = facts.backlog {
        put!(text, ", backlog {backlog}");
    }
    if facts.inherited {
        text.push_str(", from the service manager");
    }
    let mut text = view.paint(Tone::Strong, &text) + "\n";
    for warning in &facts.warnings {
        put!(text, "{}\n", view.paint(Tone::Warn, warning));
    }
    text
}

/// What a lack of descriptors or memory means.
pub(crate) fn exhausted(errno: i32, overload: Overload) -> String {
    let what = match errno {
        24 => "no descriptor is left (ulimit -n)",
        23 => "the system has no descriptor left (fs.file-max)",
        _ => "the kernel has no memory left for sockets",
    };
    let then = match overload {
        Overload::Wait => "connections wait in the backlog",
        Overload::Reject => "who comes is rejected",
        Overload::Reset => "who comes is reset",
        Overload::CloseIdle => "who is idle longest makes room",
    };
    format!("cannot accept: {what}; {then}")
}

fn draining(by: EndedBy, open: u64, grace: Duration, view: &View) -> String {
    if open == 0 || by == EndedBy::Count {
        return String::new();
    }
    let (open, grace) = (counted(open, "connection"), Millis(grace));
    let text = format!("stopping: {open} open, reset in {grace}");
    format!("{}\n", view.paint(Tone::Warn, &text))
}

fn connection(event: &Event, plan: &ListenPlan, sockets: &[ListenFacts], view: &View) -> String {
    match event {
        Event::Opened(opened) => accept(opened, sockets, view),
        Event::Closed(closed) => close(closed, view),
        Event::Upstream(upstream) => forward::upstream(upstream, view),
        Event::Proxied(proxied) => forward::proxied(proxied, view),
        Event::Secured(secured) => forward::secured(secured, view),
        Event::Mirror(report) => forward::mirror(report, view),
        Event::Rejected {
            peer,
            reason,
            reset,
            ..
        } => {
            let how = if *reset { "rst" } else { "fin" };
            let text = format!("- reject {}  {} ({how})", name(*peer), describe(*reason));
            format!("{}\n", view.paint(Tone::Bad, &text))
        }
        Event::Fault {
            id,
            peer,
            fault,
            direction,
            ..
        } => {
            let text = describe_fault(*id, *peer, fault, *direction);
            format!("{}\n", view.paint(Tone::Warn, &text))
        }
        Event::Data {
            id,
            peer,
            bytes,
            cut,
            ..
        } => data(*id, *peer, bytes, *cut, plan.hex, view),
        _ => String::new(),
    }
}

fn describe_fault(
    id: Option<u64>,
    peer: Option<SocketAddr>,
    fault: &str,
    direction: Direction,
) -> String {
    if fault == "no-accept" {
        // Nobody is accepted, so there is no peer to name.
        return format!("- fault  {fault}");
    }
    let who = id.map_or_else(|| "-".to_owned(), |id| format!("#{id}"));
    // As it was asked for.
    let towards = if direction == Direction::Up {
        "up:"
    } else {
        ""
    };
    format!("{who} fault  {}  {towards}{fault}", name(peer))
}

/// The other end as it is shown.
pub(crate) fn name(peer: Option<SocketAddr>) -> String {
    peer.map_or_else(|| "unix".to_owned(), |peer| peer.to_string())
}

fn accept(opened: &Opened, sockets: &[ListenFacts], view: &View) -> String {
    let mut text = format!("#{} accept {}", opened.id, name(opened.peer));
    if let (Some(socket), [_, _, ..]) = (sockets.get(opened.listener), sockets) {
        put!(text, " at {}", socket.local);
    }
    text.push('\n');
    if let Some(syn) = &opened.syn {
        let line = format!("    syn {}", describe_syn(syn));
        put!(text, "{}\n", view.paint(Tone::Dim, &line));
    }
    text
}

fn describe_syn(syn: &Syn) -> String {
    let mut text = format!("ttl {}, window {}", syn.ttl, syn.window);
    if let Some(mss) = syn.mss {
        put!(text, ", MSS {mss}");
    }
    if let Some(scale) = syn.window_scale {
        put!(text, ", scale {scale}");
    }
    let flags = [
        (syn.sack, "SACK"),
        (syn.timestamps, "timestamps"),
        (syn.ecn, "ECN"),
        (syn.mptcp, "MPTCP"),
        (syn.fastopen, "Fast Open"),
    ];
    for (_, name) in flags.into_iter().filter(|(on, _)| *on) {
        put!(text, ", {name}");
    }
    let kinds: Vec<_> = syn.options.iter().map(u8::to_string).collect();
    put!(text, " ({})", kinds.join(" "));
    text
}

fn close(closed: &Closed, view: &View) -> String {
    let (tone, _) = describe_cause(closed.cause);
    let lasted = Millis(closed.lasted);
    let mut text = format!(
        "#{} close  {}  in {}, out {}, {lasted}, {}\n",
        closed.id,
        name(closed.peer),
        passed(closed.bytes_in),
        passed(closed.bytes_out),
        view.paint(tone, how_briefly(closed.cause)),
    );
    if let Some(error) = &closed.error {
        let line = format!("    {}", escape_bytes(error.as_bytes()));
        put!(text, "{}\n", view.paint(tone, &line));
    }
    if let Some(info) = &closed.tcp_info {
        let line = format!(
            "    tcp rtt {} (± {}), {} sent again, cwnd {}, MSS {}, {}",
            info.rtt_ms,
            info.rttvar_ms,
            info.total_retransmits,
            info.snd_cwnd,
            info.snd_mss,
            info.state
        );
        put!(text, "{}\n", view.paint(Tone::Dim, &line));
    }
    text
}

fn passed(count: Option<u64>) -> String {
    count.map_or_else(|| "?".to_owned(), bytes)
}

/// How it ended and by whom, in the few columns that a line of eighty has left.
fn how_briefly(cause: Cause) -> &'static str {
    match cause {
        Cause::Fin => "fin by peer",
        Cause::Reset => "rst by peer",
        Cause::Lost => "timeout",
        Cause::Finished => "fin by us",
        Cause::IdleTimeout => "idle limit",
        Cause::MaxLifetime => "age limit",
        Cause::MaxBytes => "byte limit",
        Cause::MadeRoom => "made room",
        Cause::Fault => "fault",
        Cause::Shutdown => "rst at stop",
        Cause::Drained => "fin at stop",
        Cause::Unexpected => "unexpected",
        Cause::UpstreamFin => "fin upstream",
        Cause::UpstreamReset => "rst upstream",
        Cause::UpstreamFailed => "no upstream",
        Cause::Handshake => "handshake",
        Cause::Failed => "failed",
    }
}

/// Who ended it, and how.
fn describe_cause(cause: Cause) -> (Tone, &'static str) {
    match cause {
        Cause::Fin => (Tone::Good, "closed by the peer (fin)"),
        Cause::Reset => (Tone::Bad, "reset by the peer (rst)"),
        Cause::Lost => (Tone::Bad, "lost: the peer no longer answers (timeout)"),
        Cause::Finished => (Tone::Good, "closed by us: all was said (fin)"),
        Cause::IdleTimeout => (Tone::Warn, "closed by us: idle too long (limit)"),
        Cause::MaxLifetime => (Tone::Warn, "closed by us: too old (limit)"),
        Cause::MaxBytes => (Tone::Warn, "closed by us: enough bytes (limit)"),
        Cause::MadeRoom => (Tone::Warn, "closed by us: idle longest when full (limit)"),
        Cause::Fault => (Tone::Warn, "ended by us, as asked (fault)"),
        Cause::Shutdown => (Tone::Bad, "reset by us: the grace was over (rst)"),
        Cause::Drained => (Tone::Good, "closed by us: idle when told to stop (fin)"),
        Cause::Unexpected => (Tone::Bad, "closed by us: not what the script expects"),
        Cause::UpstreamFin => (Tone::Good, "closed by the service (fin)"),
        Cause::UpstreamReset => (Tone::Bad, "reset: the service reset, or was lost (rst)"),
        Cause::UpstreamFailed => (Tone::Bad, "reset: the service was not reached (rst)"),
        Cause::Handshake => (Tone::Bad, "ended before the conversation (handshake)"),
        Cause::Failed => (Tone::Bad, "failed"),
    }
}

fn describe(reason: Reason) -> &'static str {
    match reason {
        Reason::MaxConnections => "too many connections",
        Reason::MaxPerIp => "too many from this address",
        Reason::AcceptRate => "too many a second",
        Reason::Breaker => "shed: the overload breaker is open",
        Reason::Descriptors => "no descriptor is left",
    }
}

fn data(
    id: Option<u64>,
    peer: Option<SocketAddr>,
    bytes: &[u8],
    cut: bool,
    hex: bool,
    view: &View,
) -> String {
    let who = id.map_or_else(|| "-".to_owned(), |id| format!("#{id}"));
    let more = if cut { " …" } else { "" };
    let mut text = format!("{who} data   {}  {} B", name(peer), bytes.len());
    if hex {
        text.push_str(more);
        text.push('\n');
        bytes
            .chunks(16)
            .enumerate()
            .for_each(|(line, chunk)| hex_line(&mut text, line, chunk));
    } else {
        let shown = if view.rich {
            escape_bytes(bytes)
        } else {
            bytes.escape_ascii().to_string()
        };
        put!(text, "  {shown}{more}\n");
    }
    text
}

fn hex_line(text: &mut String, line: usize, chunk: &[u8]) {
    let mut digits = String::new();
    for byte in chunk {
        let _ = write!(digits, "{byte:02x} ");
    }
    let plain = |byte: &u8| {
        if byte.is_ascii_graphic() || *byte == b' ' {
            char::from(*byte)
        } else {
            '.'
        }
    };
    let plain: String = chunk.iter().map(plain).collect();
    let _ = writeln!(text, "    {:04x}  {digits:<48} {plain}", line * 16);
}

/// The numbers now, and since the look before.
pub(crate) fn stats(before: &Totals, now: &Totals) -> String {
    let rates = Rates::between(before, now);
    let mut text = format!(
        "{} open, {} accepted ({:.0}/s), in {}/s, out {}/s",
        now.open,
        now.accepted,
        rates.accepts,
        rate(rates.bytes_in),
        rate(rates.bytes_out),
    );
    if now.rejected.sum() > 0 {
        put!(text, ", {} rejected", now.rejected.sum());
    }
    if now.datagrams_in > 0 {
        put!(
            text,
            ", {}/{} datagrams answered",
            now.datagrams_out,
            now.datagrams_in
        );
    }
    text
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative"
)]
fn rate(value: f64) -> String {
    bytes(value.round() as u64)
}

/// A size as people read it.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1 << 10 {
        return format!("{count} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = count as f64;
    let mut unit = "B";
    for name in UNITS {
        if value < 1_024.0 {
            break;
        }
        value /= 1_024.0;
        unit = name;
    }
    format!("{value:.1} {unit}")
}

/// Connections, or datagrams where there can be no connections.
fn what_was_served(report: &Report) -> String {
    let mut networks = report.listeners.iter().map(|facts| facts.network);
    let totals = &report.totals;
    if totals.datagrams_in > 0 && networks.all(|network| network.transport().is_datagram()) {
        return counted(totals.datagrams_in, "datagram");
    }
    counted(totals.accepted, "connection")
}

/// What became of it all.
pub(crate) fn summary(report: &Report, view: &View) -> String {
    let totals = &report.totals;
    let mut text = format!(
        "served {} in {}: in {}, out {}\n",
        what_was_served(report),
        totals.lasted_ms,
        bytes(totals.bytes_in),
        bytes(totals.bytes_out),
    );
    for (cause, count) in causes(&totals.closed) {
        let (tone, how) = describe_cause(cause);
        put!(text, "  {count} {}\n", view.paint(tone, how));
    }
    if totals.open > 0 {
        put!(text, "  {} still open\n", totals.open);
    }
    if totals.datagrams_in > 0 {
        put!(
            text,
            "answered {} of {}\n",
            totals.datagrams_out,
            counted(totals.datagrams_in, "datagram")
        );
    }
    if totals.datagrams_held_back > 0 {
        put!(
            text,
            "  {} held back or cut: peers elsewhere\n",
            totals.datagrams_held_back
        );
    }
    forward::summary(&mut text, totals);
    for (reason, count) in reasons(&totals.rejected) {
        let line = format!("  {count} rejected: {}", describe(reason));
        put!(text, "{}\n", view.paint(Tone::Bad, &line));
    }
    if totals.faults > 0 {
        put!(text, "  {} applied\n", counted(totals.faults, "fault"));
    }
    if totals.accept_errors > 0 {
        put!(
            text,
            "  accepting failed {} times for want of descriptors\n",
            totals.accept_errors
        );
    }
    if totals.events_lost > 0 {
        put!(
            text,
            "  {} events were not shown: they came too fast\n",
            totals.events_lost
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_whom_it_strikes_and_nobody_where_nobody_is() {
        use Direction::{Down, Up};
        let peer = "192.0.2.1:7".parse().ok();
        let rows = [
            (None, None, "no-accept", Down, "- fault  no-accept"),
            (None, peer, "drop", Down, "- fault  192.0.2.1:7  drop"),
            (Some(3), None, "delay", Up, "#3 fault  unix  up:delay"),
        ];
        for (id, peer, fault, direction, line) in rows {
            assert_eq!(describe_fault(id, peer, fault, direction), line);
        }
    }

    #[test]
    fn a_lack_of_descriptors_says_what_happens_instead() {
        let rows = [
            (Overload::Wait, "wait in the backlog"),
            (Overload::Reject, "rejected"),
            (Overload::Reset, "reset"),
            (Overload::CloseIdle, "makes room"),
        ];
        for (overload, then) in rows {
            let text = exhausted(24, overload);
            assert!(
                text.contains("no descriptor is left") && text.ends_with(then),
                "{text}"
            );
        }
    }

    #[test]
    fn datagrams_are_counted_where_there_are_no_connections() {
        let facts = |network: &str| {
            serde_json::from_value::<ListenFacts>(serde_json::json!({
                "local": "127.0.0.1:7", "network": network, "ip": "127.0.0.1", "port": 7,
                "path": null, "both_families": false, "backlog": null, "inherited": false,
                "warnings": [],
            }))
        };
        let mut report = Report::default();
        report.totals.datagrams_in = 2;
        report.listeners = vec![facts("udp").unwrap()];
        assert_eq!(what_was_served(&report), "2 datagrams");
        report.listeners.push(facts("tcp").unwrap());
        assert_eq!(what_was_served(&report), "0 connections");
    }
}
