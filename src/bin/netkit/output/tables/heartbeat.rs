//! A heartbeat for people: a line a beat, a line a change, the summary of each target.

pub(crate) mod live;

use std::time::Duration;

use netkit::heartbeat::event::{Beat, Cause, Certificate, Disconnect, Fact, Reconnect, SkipReason};
use netkit::heartbeat::report::{Outage, Pool, Summary};
use netkit::heartbeat::{Config, Report, State, Tally};
use netkit::policy::detector::Method;
use netkit::time::Millis;

use super::headline;
use super::repeat;
use crate::output::View;
use crate::output::facts::counted;
use crate::output::style::Tone;
use crate::output::text::{cut, wrap};
use crate::output::waterfall::bar;

/// Cells of the bar of a beat.
const BAR: usize = 30;
/// Lines of the histogram.
const ROWS: usize = 8;
/// Outages that the summary lists.
const OUTAGES: usize = 10;

/// What one fact of a target looks like; empty if it is not shown.
pub(crate) fn fact(fact: &Fact, of: &Subject<'_>, view: &View) -> String {
    match fact {
        Fact::Beat(beat) => self::beat(beat, of, view),
        Fact::Late(late) => {
            let text = format!("reply came after all, {} after sending", late.rtt_ms);
            line(late.seq, of, (&text, Tone::Warn), "", view)
        }
        Fact::Skipped(skipped) => {
            let text = format!("not sent: {}", skip_reason(skipped.reason));
            line(skipped.seq, of, (&text, Tone::Warn), "", view)
        }
        Fact::State(change) => {
            let failure = change.failure.as_ref();
            let why = failure.map_or_else(
                || change.reason.replace('_', " "),
                |failure| view.safe(&failure.message),
            );
            let text = format!(
                "{} ({} for {}): {why}",
                word(change.to),
                word(change.from),
                change.lasted_ms
            );
            notice(of, &text, tone(change.to), view)
        }
        Fact::Breaker(change) => {
            let text = format!(
                "breaker {} ({} for {}): {}",
                change.to.code().replace('_', "-"),
                change.from.code().replace('_', "-"),
                change.lasted_ms,
                change.reason.code().replace('_', " ")
            );
            notice(of, &text, Tone::Warn, view)
        }
        Fact::Certificate(shown) => {
            let (text, tone) = certificate(shown);
            notice(of, &text, tone, view)
        }
        Fact::Disconnect(end) => notice(of, &disconnect(end, view), Tone::Bad, view),
        Fact::Reconnect(back) => {
            let (text, tone) = reconnect(back);
            notice(of, &text, tone, view)
        }
        Fact::Stall(stall) => {
            let text = format!(
                "this machine stood still for {}: nobody is blamed for it",
                stall.ms
            );
            notice(of, &text, Tone::Warn, view)
        }
        _ => String::new(),
    }
}

/// What is about to happen, and how soon a death would be noticed.
pub(crate) fn opening(config: &Config, targets: usize, view: &View) -> String {
    let timing = config.timing();
    let (method, noticed) = (
        config.detector.method,
        config.detector.detection_time(timing),
    );
    let detector = match method {
        Method::Consecutive { fall } => format!("{fall} failures in a row"),
        Method::Window(window) => format!("{} % of {} beats", window.failure_pct, window.size),
        Method::Phi(phi) => format!("phi {}", phi.threshold),
    };
    let text = format!(
        "{} by {} every {}; a dead one is down within {} ({detector})",
        counted(targets as u64, "target"),
        config.probe.name(),
        Millis(timing.interval),
        Millis(noticed)
    );
    format!("{}\n", view.paint(Tone::Dim, &text))
}

/// Whom a line is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// Empty for all of them.
    pub(crate) name: &'a str,
    /// Whether there are others.
    pub(crate) several: bool,
    /// What is known of it.
    pub(crate) tally: Option<&'a Tally>,
}

fn beat(beat: &Beat, of: &Subject<'_>, view: &View) -> String {
    match (&beat.failure, beat.rtt_ms) {
        (None, Some(rtt)) => {
            let bar = if view.rich {
                scaled(rtt.0, of)
            } else {
                String::new()
            };
            line(beat.seq, of, (&rtt.to_string(), Tone::Plain), &bar, view)
        }
        (None, None) => line(beat.seq, of, ("answered", Tone::Plain), "", view),
        (Some(failure), _) => {
            let text = view.safe(&failure.message);
            line(beat.seq, of, (&text, Tone::Bad), "", view)
        }
    }
}

/// A bar against the longest of the last round trips.
fn scaled(rtt: Duration, of: &Subject<'_>) -> String {
    let recent = of.tally.into_iter().flat_map(Tally::recent).flatten();
    let longest = recent.max().unwrap_or(rtt).max(rtt);
    let bar = bar(Duration::ZERO, rtt, longest, BAR);
    bar.trim_end().to_owned()
}

/// Number, name where there are several, what became of it, and a bar.
fn line(seq: u64, of: &Subject<'_>, (text, tone): (&str, Tone), bar: &str, view: &View) -> String {
    let name = view.safe(of.name);
    if !view.rich {
        return format!("#{seq} {name}: {text}\n");
    }
    let number = format!("{:>7} ", format!("#{seq}"));
    let name = if of.several {
        format!("{name} ")
    } else {
        String::new()
    };
    let used = number.chars().count() + name.chars().count();
    let text = cut(text, view.width.saturating_sub(used));
    let text = if bar.is_empty() {
        text
    } else {
        format!("{text:>9}")
    };
    let room = view.width.saturating_sub(used + text.chars().count() + 2);
    let bar: String = bar.chars().take(room).collect();
    let text = format!(
        "{}{name}{}  {}",
        view.paint(Tone::Dim, &number),
        view.paint(tone, &text),
        view.paint(Tone::Good, &bar)
    );
    format!("{}\n", text.trim_end())
}

/// A change: it stands out from the beats.
fn notice(of: &Subject<'_>, text: &str, tone: Tone, view: &View) -> String {
    let name = if of.name.is_empty() || (view.rich && !of.several) {
        String::new()
    } else {
        format!("{}: ", view.safe(of.name))
    };
    if !view.rich {
        return format!("{name}{text}\n");
    }
    let text = cut(&format!("{name}{text}"), view.width.saturating_sub(2));
    format!("{}\n", view.paint(tone, &format!("● {text}")))
}

/// A state in words.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::AppHung => "hung",
        state => state.code(),
    }
}

pub(super) fn tone(state: State) -> Tone {
    match state {
        State::Up => Tone::Good,
        State::Down | State::AppHung => Tone::Bad,
        _ => Tone::Warn,
    }
}

fn skip_reason(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Late => "this machine came to it too late",
        SkipReason::Busy => "too many beats are under way",
        SkipReason::BreakerOpen => "the breaker is open",
        SkipReason::PoolBusy => "the pool's connections were in use until its time was over",
        SkipReason::LocalStall => "this machine stood still meanwhile",
    }
}

fn disconnect(end: &Disconnect, view: &View) -> String {
    format!(
        "session lost ({}), noticed {} after the last sign of life: {}",
        end.cause.code(),
        end.noticed_ms,
        view.safe(&end.failure.message)
    )
}

/// Digits of a fingerprint that tell one from another.
const DIGITS: usize = 16;

fn certificate(shown: &Certificate) -> (String, Tone) {
    let short = |sha256: &str| sha256.chars().take(DIGITS).collect::<String>();
    let mut text = match &shown.previous_sha256 {
        Some(_) => "another certificate: ".to_owned(),
        None => "certificate ".to_owned(),
    };
    put!(text, "SHA-256 {}…", short(&shown.sha256));
    if let Some(before) = &shown.previous_sha256 {
        put!(text, ", no longer {}…", short(before));
    }
    if let Some(left) = shown.cert_days {
        put!(text, ", {}", days_left(left));
    }
    if let Some(version) = shown.version {
        put!(text, " (TLS {})", version.as_str());
    }
    let tone = match shown.previous_sha256 {
        Some(_) => Tone::Warn,
        None => Tone::Dim,
    };
    (text, tone)
}

fn days_left(days: i64) -> String {
    let count = counted(days.unsigned_abs(), "day");
    if days < 0 {
        format!("expired {count} ago")
    } else {
        format!("{count} left")
    }
}

fn reconnect(back: &Reconnect) -> (String, Tone) {
    let attempts = counted(back.attempts_total, "attempt");
    let exit = match back.cause {
        Some(Cause::Exit) => "; its process had ended (exit)",
        _ => "",
    };
    let Some(took) = back.recovered_ms else {
        return (format!("given up after {attempts}{exit}"), Tone::Bad);
    };
    let peer = back.peer.as_deref().unwrap_or("the peer");
    let moved = back.previous_peer.is_some() && back.previous_peer != back.peer;
    let before = match &back.previous_peer {
        Some(before) if moved => format!(", no longer {before}"),
        _ => String::new(),
    };
    let again = if back.cause.is_some() { " again" } else { "" };
    let text = format!("session with {peer} stands{again}{before} ({attempts}, {took}){exit}");
    (text, Tone::Good)
}

/// All targets at the end, or in between.
pub(crate) fn summary(report: &Report, tallies: &[Tally], view: &View) -> String {
    let mut text = String::new();
    for (summary, tally) in report.targets.iter().zip(tallies) {
        text.push_str(&one(summary, tally, report, view));
    }
    if let Some(pool) = &report.pool {
        put!(text, "{}\n", view.paint(Tone::Dim, &shared(pool)));
    }
    if report.stalls > 0 {
        let stalls = counted(report.stalls, "time");
        let line = format!(
            "this machine stood still {stalls}, {} in all",
            report.stalled_ms
        );
        put!(text, "{}\n", view.paint(Tone::Warn, &line));
    }
    text
}

/// What sharing connections came to.
fn shared(pool: &Pool) -> String {
    format!(
        "pool: {}, {}, {} made",
        counted(pool.hits, "hit"),
        match pool.misses {
            1 => "1 miss".to_owned(),
            misses => format!("{misses} misses"),
        },
        counted(pool.connections, "connection")
    )
}

fn one(summary: &Summary, tally: &Tally, report: &Report, view: &View) -> String {
    let mut text = if view.rich {
        "\n".to_owned()
    } else {
        String::new()
    };
    let good = match summary.state {
        State::Up => Some(summary.lost == 0).filter(|good| *good),
        State::Unknown => None,
        _ => Some(false),
    };
    text.push_str(&headline(
        view,
        good,
        &summary.target,
        &verdict(summary, view),
    ));
    if view.rich {
        text.push_str(&wrapped(&counts(summary), "  ", Tone::Plain, view));
    }
    let times = availability(summary);
    if !times.is_empty() {
        text.push_str(&wrapped(&times, "  ", Tone::Plain, view));
    }
    let rtt = tally.latencies().summary();
    let alone = report.targets.len() == 1;
    let late = report.lateness.as_ref().filter(|_| alone);
    let bars = if alone {
        tally.latencies().bars(ROWS)
    } else {
        Vec::new()
    };
    text.push_str(&repeat::times(
        (rtt.as_ref(), late),
        summary.jitter_ms,
        &bars,
        view,
    ));
    text.push_str(&outages(summary, view));
    text
}

/// On a terminal the counts have a line of their own.
fn verdict(summary: &Summary, view: &View) -> String {
    let state = word(summary.state);
    if view.rich {
        format!("{state} for {}", summary.state_ms)
    } else {
        format!("{state}, {}", counts(summary))
    }
}

fn counts(summary: &Summary) -> String {
    let loss = summary.loss_pct.map_or_else(
        || "nothing decided".to_owned(),
        |loss| format!("{loss:.1}% lost"),
    );
    let mut text = format!(
        "{} sent, {} received, {loss}",
        summary.sent, summary.received
    );
    let more = [
        (summary.late, "late"),
        (summary.skipped, "skipped"),
        (summary.refused, "refused by the breaker"),
    ];
    for (count, what) in more.iter().filter(|(count, _)| *count > 0) {
        put!(text, ", {count} {what}");
    }
    for (kind, count) in &summary.failures {
        put!(text, ", {count} {}", kind.replace('_', " "));
    }
    text
}

fn availability(summary: &Summary) -> String {
    let mut parts = Vec::new();
    if let Some(percent) = summary.availability_pct {
        parts.push(format!("available {percent:.3}%"));
    }
    if summary.outages_total > 0 {
        parts.push(counted(summary.outages_total, "outage"));
    }
    let times = [
        ("longest up", summary.longest_up_ms),
        ("longest down", summary.longest_down_ms),
        ("MTBF", summary.mtbf_ms),
        ("MTTR", summary.mttr_ms),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            parts.push(format!("{name} {time}"));
        }
    }
    if summary.reconnects > 0 {
        parts.push(counted(summary.reconnects, "reconnect"));
    }
    if let Some(days) = summary.cert_days {
        parts.push(format!("certificate {}", days_left(days)));
    }
    parts.join(", ")
}

fn outages(summary: &Summary, view: &View) -> String {
    let list = &summary.outages;
    let shown = &list[list.len().saturating_sub(OUTAGES)..];
    let mut text = String::new();
    for outage in shown {
        let line = self::outage(outage);
        if view.rich {
            text.push_str(&wrapped(&line, "  ✘ ", Tone::Bad, view));
        } else {
            put!(text, "outage: {line}\n");
        }
    }
    let hidden = summary.outages_total - shown.len() as u64;
    if hidden > 0 {
        let indent = if view.rich { "  " } else { "" };
        put!(text, "{indent}and {} before\n", counted(hidden, "outage"));
    }
    text
}

fn outage(outage: &Outage) -> String {
    let end = outage.end_ms.map_or_else(
        || "and goes on".to_owned(),
        |end| format!("until {}", seconds(end)),
    );
    let mut text = format!(
        "{} from {} {end}, {}, noticed after {}",
        word(outage.state),
        seconds(outage.start_ms),
        outage.lasted_ms,
        Millis(outage.noticed_ms.0.saturating_sub(outage.start_ms.0))
    );
    let failure = outage.failure.as_deref().map(|kind| kind.replace('_', " "));
    let cause = outage
        .cause
        .map(|cause| format!("session ended by {}", cause.code()));
    let why: Vec<_> = failure.into_iter().chain(cause).collect();
    if !why.is_empty() {
        put!(text, " ({})", why.join(", "));
    }
    text
}

/// A line behind its beginning, or as many as it takes, the further ones aligned; in a pipe one.
fn wrapped(line: &str, begin: &str, tone: Tone, view: &View) -> String {
    if !view.rich {
        return format!("{line}\n");
    }
    let indent = begin.chars().count();
    let mut begin = begin.to_owned();
    let mut text = String::new();
    for part in wrap(line, view.width.saturating_sub(indent)) {
        put!(text, "{}\n", view.paint(tone, &format!("{begin}{part}")));
        begin = " ".repeat(indent);
    }
    text
}

/// A moment of the run.
fn seconds(at: Millis) -> String {
    format!("{:.3} s", at.0.as_secs_f64())
}
