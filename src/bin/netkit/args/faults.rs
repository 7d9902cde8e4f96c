//! Faults as they are typed: `delay=200ms`, `30%:rst-after=1KiB`, `hang-up-on=QUIT`.
//!
//! Separate because a forwarder will take the same words. The names that toxiproxy gives to the same
//! things are read too.

use netkit::policy::chance::Distribution;
use netkit::policy::fault::{After, Direction, Fault, Rule};

use super::bytes::c_text;
use super::values::{Parsed, ValueError, duration, positive_duration, size};

const EXPECTED: &str = "a fault: delay=TIME, jitter=TIME, distribution=NAME, accept-delay=TIME, no-accept, \
    stall-after=TIME|SIZE, rst-after=TIME|SIZE, fin-after=TIME|SIZE, half-close, throttle=SIZE/s, burst=SIZE, \
    slice=SIZE, corrupt=PERCENT, drop=PERCENT, duplicate[=PERCENT], reorder[=PERCENT], \
    close-on-accept, hang-up-on=TEXT, slow-close=TIME; for some connections: 30%:rst-after=1KiB; \
    towards the service with --forward: up:delay=TIME";

/// Every word, for the suggestion after a misspelt one.
const WORDS: [&str; 19] = [
    "delay",
    "jitter",
    "distribution",
    "accept-delay",
    "no-accept",
    "stall-after",
    "rst-after",
    "fin-after",
    "half-close",
    "throttle",
    "burst",
    "slice",
    "corrupt",
    "drop",
    "duplicate",
    "reorder",
    "close-on-accept",
    "hang-up-on",
    "slow-close",
];

/// Reads a fault and its share.
pub(crate) fn fault(text: &str) -> Parsed<Rule> {
    let (mut direction, mut share, mut rest) = (None, None, text);
    // The two prefixes, in either order; a colon in a text is not the end of one.
    while let Some((prefix, after)) = rest.split_once(':') {
        match prefix {
            "up" if direction.is_none() => direction = Some(Direction::Up),
            "down" if direction.is_none() => direction = Some(Direction::Down),
            _ if prefix.ends_with('%') && share.is_none() => share = Some(percent(prefix)?),
            _ => break,
        }
        rest = after;
    }
    let share = share.unwrap_or(1.0);
    let (word, value) = match rest.split_once('=') {
        Some((word, value)) => (word, Some(value)),
        None => (rest, None),
    };
    let fault = named(word, value)?;
    if share < 1.0 && fault.is_for_all() {
        let message = format!("{word} strikes before there is a connection to choose");
        return Err(ValueError::new(message, "it without a share"));
    }
    let direction = direction.unwrap_or_default();
    if direction == Direction::Up && fault.is_for_all() {
        let message = format!("{word} is about how clients are let in");
        return Err(ValueError::new(message, "it without `up:`"));
    }
    Ok(Rule {
        direction,
        share,
        fault,
    })
}

fn named(word: &str, value: Option<&str>) -> Parsed<Fault> {
    let needs = |form: &'static str| {
        value.ok_or_else(|| {
            ValueError::new(format!("{word} has no value"), format!("{word}={form}"))
        })
    };
    let time = || positive_duration(needs("200ms")?);
    Ok(match word {
        "delay" | "latency" => Fault::Delay(time()?),
        "jitter" => Fault::Jitter(time()?),
        "accept-delay" => Fault::AcceptDelay(time()?),
        "stall-after" | "timeout" => Fault::StallAfter(after(needs("1s")?)?),
        "rst-after" | "reset_peer" | "reset-peer" => Fault::RstAfter(after(needs("1KiB")?)?),
        "fin-after" | "limit_data" | "limit-data" => Fault::FinAfter(after(needs("1KiB")?)?),
        "distribution" => Fault::Distribution(distribution(needs("normal")?)?),
        "burst" => Fault::Burst(speed(needs("64KiB")?)?),
        "throttle" | "bandwidth" => Fault::Throttle(speed(needs("64KiB/s")?)?),
        "slice" | "slicer" => Fault::Slice(piece(needs("1")?)?),
        "corrupt" => Fault::Corrupt(percent(needs("1%")?)?),
        "drop" => Fault::Drop(percent(needs("30%")?)?),
        "duplicate" => Fault::Duplicate(value.map_or(Ok(1.0), percent)?),
        "reorder" => Fault::Reorder(value.map_or(Ok(1.0), percent)?),
        "hang-up-on" => Fault::HangUpOn(said(needs("TEXT")?)?),
        "slow-close" | "slow_close" => Fault::SlowClose(time()?),
        _ => return plain(word, value),
    })
}

/// The faults without a value.
fn plain(word: &str, value: Option<&str>) -> Parsed<Fault> {
    let fault = match word {
        "no-accept" => Fault::NoAccept,
        "half-close" => Fault::HalfClose,
        "close-on-accept" => Fault::CloseOnAccept,
        _ => return Err(unknown(word)),
    };
    match value {
        None => Ok(fault),
        Some(value) => {
            let message = format!("{word} takes no value, and `{value}` is one");
            Err(ValueError::new(message, word))
        }
    }
}

fn unknown(word: &str) -> ValueError {
    let near = WORDS.iter().find(|known| {
        known.replace('-', "") == word.replace(['-', '_'], "")
            || (word.len() > 2 && known.starts_with(word))
    });
    let message = match near {
        Some(near) => format!("`{word}` is no fault; did you mean {near}?"),
        None => format!("`{word}` is no fault"),
    };
    ValueError::new(message, EXPECTED)
}

/// A time where there is a unit of time, else a size: `1s`, `1KiB`, `1024`.
fn after(text: &str) -> Parsed<After> {
    if let Ok(bytes) = size(text) {
        return Ok(After::Bytes(bytes));
    }
    duration(text).map(After::Time).map_err(|_| {
        let message = format!("`{text}` is neither a time nor a size");
        ValueError::new(
            message,
            "a time with its unit (`1s`) or a size (`1KiB`, `100`)",
        )
    })
}

/// How jitter is spread.
fn distribution(text: &str) -> Parsed<Distribution> {
    let mut known = Distribution::ALL.into_iter();
    known.find(|known| known.word() == text).ok_or_else(|| {
        let message = format!("`{text}` is not a distribution");
        ValueError::new(message, "uniform, normal or pareto")
    })
}

/// Bytes a second.
fn speed(text: &str) -> Parsed<u64> {
    match size(text.strip_suffix("/s").unwrap_or(text)) {
        Ok(0) | Err(_) => Err(ValueError::new(
            format!("`{text}` is not a speed"),
            "bytes a second: `64KiB/s`, `1MB/s`",
        )),
        speed => speed,
    }
}

fn piece(text: &str) -> Parsed<usize> {
    let wrong = || {
        ValueError::new(
            format!("`{text}` is not a size of a piece"),
            "a size from 1",
        )
    };
    let size = size(text)?;
    usize::try_from(size)
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(wrong)
}

fn said(text: &str) -> Parsed<Vec<u8>> {
    let bytes = c_text(text)?;
    if bytes.is_empty() {
        return Err(ValueError::new("hang-up-on has no text", "hang-up-on=TEXT"));
    }
    Ok(bytes)
}

/// A share: `30%`, `0.5%`.
fn percent(text: &str) -> Parsed<f64> {
    let number = text
        .strip_suffix('%')
        .and_then(|number| number.parse::<f64>().ok());
    match number {
        Some(number) if number > 0.0 && number <= 100.0 => Ok(number / 100.0),
        _ => Err(ValueError::new(
            format!("`{text}` is not a share"),
            "a percentage above 0%, at most 100%",
        )),
    }
}

/// What a script may say, a step a line; empty lines and those that begin with `#` are passed over.
pub(crate) fn script(text: &str) -> Result<Vec<netkit::listen::behaviours::Step>, String> {
    let lines = text.lines().enumerate();
    let steps = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    steps
        .map(|(number, line)| step(line).map_err(|error| format!("line {}: {error}", number + 1)))
        .collect()
}

fn step(line: &str) -> Parsed<netkit::listen::behaviours::Step> {
    use netkit::listen::behaviours::Step;
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let alone = |step| match rest.trim() {
        "" => Ok(step),
        _ => Err(ValueError::new(format!("{word} takes nothing"), word)),
    };
    match word {
        "send" => Ok(Step::Send(c_text(rest)?)),
        "expect" => Ok(Step::Expect(c_text(rest)?)),
        "wait" => Ok(Step::Wait(duration(rest.trim())?)),
        "echo" => alone(Step::Echo),
        "reset" => alone(Step::Reset),
        "close" => alone(Step::Close),
        _ => Err(ValueError::new(
            format!("`{word}` is no step"),
            "send TEXT, expect TEXT, wait TIME, echo, reset or close",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netkit::listen::behaviours::Step;
    use std::time::Duration;

    #[test]
    fn every_word_of_the_issue_is_read() {
        let ms = Duration::from_millis;
        let rows = [
            ("delay=200ms", Fault::Delay(ms(200))),
            ("latency=200ms", Fault::Delay(ms(200))),
            ("jitter=50ms", Fault::Jitter(ms(50))),
            ("accept-delay=1", Fault::AcceptDelay(ms(1_000))),
            ("no-accept", Fault::NoAccept),
            ("stall-after=1s", Fault::StallAfter(After::Time(ms(1_000)))),
            ("rst-after=1KiB", Fault::RstAfter(After::Bytes(1_024))),
            ("fin-after=10", Fault::FinAfter(After::Bytes(10))),
            ("half-close", Fault::HalfClose),
            ("throttle=64KiB/s", Fault::Throttle(65_536)),
            ("slice=1", Fault::Slice(1)),
            ("corrupt=1%", Fault::Corrupt(0.01)),
            ("drop=30%", Fault::Drop(0.3)),
            ("duplicate", Fault::Duplicate(1.0)),
            ("reorder=50%", Fault::Reorder(0.5)),
            ("close-on-accept", Fault::CloseOnAccept),
            (
                r"hang-up-on=QUIT\r\n",
                Fault::HangUpOn(b"QUIT\r\n".to_vec()),
            ),
            ("slow-close=1s", Fault::SlowClose(ms(1_000))),
            (
                "distribution=pareto",
                Fault::Distribution(Distribution::Pareto),
            ),
            ("burst=1KiB", Fault::Burst(1_024)),
        ];
        for (text, expected) in rows {
            assert_eq!(fault(text), Ok(Rule::for_all(expected)), "{text}");
        }
        let some = fault("30%:rst-after=1KiB").unwrap();
        assert!((some.share - 0.3).abs() < 1e-9);
        for text in ["up:30%:delay=1s", "30%:up:delay=1s"] {
            let rule = fault(text).unwrap();
            assert_eq!((rule.direction, rule.share), (Direction::Up, 0.3), "{text}");
        }
        // A colon in a text is not the end of a share.
        assert!(fault("hang-up-on=a:b").is_ok());
    }

    #[test]
    fn what_is_no_fault_is_refused() {
        for text in [
            "",
            "slow",
            "delay",
            "delay=",
            "delay=x",
            "drop=30",
            "drop=0%",
            "drop=101%",
            "slice=0",
            "no-accept=1",
            "30%:no-accept",
            "up:no-accept",
            "up:down:delay=1s",
            "distribution=flat",
            "x%:delay=1s",
            "throttle=0",
            "hang-up-on=",
        ] {
            assert!(fault(text).is_err(), "{text}");
        }
        assert!(fault("rst").unwrap_err().message.contains("rst-after"));
    }

    #[test]
    fn scripts_are_read_line_by_line() {
        let text = "# greet\nsend 220 ready\\r\\n\n\nexpect EHLO\nwait 50ms\nreset\n";
        let steps = [
            Step::Send(b"220 ready\r\n".to_vec()),
            Step::Expect(b"EHLO".to_vec()),
            Step::Wait(Duration::from_millis(50)),
            Step::Reset,
        ];
        assert_eq!(script(text).as_deref(), Ok(&steps[..]));
        assert!(script("send a\nshout").unwrap_err().starts_with("line 2: "));
        assert!(script("close now").is_err());
    }
}
