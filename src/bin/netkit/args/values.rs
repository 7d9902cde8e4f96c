//! The forms in which values are typed: durations, sizes, text with escapes, code points.
//!
//! Separate from the flags because several flags share a form and each form has its own tests. A
//! parser knows nothing of the flag it serves; it says what it wanted, and [`crate::usage`] says
//! where.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use netkit::net::LocalAddr;

pub(crate) use super::bytes::{c_text, hex, regex};

/// Why a value is not of its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueError {
    /// What is wrong with it, without a full stop.
    pub(crate) message: String,
    /// What would be right, as a noun phrase.
    pub(crate) expected: String,
    /// The bytes at fault, where it is not the whole value.
    pub(crate) span: Option<std::ops::Range<usize>>,
}

impl ValueError {
    pub(crate) fn new(message: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            expected: expected.into(),
            span: None,
        }
    }

    pub(super) fn at(mut self, span: std::ops::Range<usize>) -> Self {
        self.span = Some(span);
        self
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.message, self.expected)
    }
}

impl std::error::Error for ValueError {}

pub(super) type Parsed<T> = Result<T, ValueError>;

const DURATION: &str = "a duration: seconds (`2`, `0.5`) or with units (`500ms`, `1m30s`)";

/// Reads a duration: a bare number counts seconds and may have a fraction, anything else is read
/// as humantime reads it.
pub(crate) fn duration(text: &str) -> Parsed<Duration> {
    let wrong = || ValueError::new(format!("`{text}` is not a duration"), DURATION);
    let bare = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !bare {
        return humantime::parse_duration(text.trim()).map_err(|_| wrong());
    }
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// A duration above zero.
pub(crate) fn positive_duration(text: &str) -> Parsed<Duration> {
    match duration(text)? {
        Duration::ZERO => Err(ValueError::new(
            format!("`{text}` is no time at all"),
            "a duration above zero, such as `500ms` or `2`",
        )),
        duration => Ok(duration),
    }
}

/// The shortest time between probes: the runtime's timers tick once a millisecond.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// Time from one probe to the next.
pub(crate) fn interval(text: &str) -> Parsed<Duration> {
    let interval = duration(text)?;
    if interval < MIN_INTERVAL {
        let expected = "a duration of at least 1ms, the tick of the timers";
        return Err(ValueError::new(format!("`{text}` is too short"), expected));
    }
    Ok(interval)
}

/// Connection Attempt Delay: RFC 8305 §5 forbids less than 10 ms.
pub(crate) fn attempt_delay(text: &str) -> Parsed<Duration> {
    let delay = duration(text)?;
    if delay < netkit::dial::config::MIN_ATTEMPT_DELAY {
        let expected = "at least 10ms (RFC 8305 section 5)";
        return Err(ValueError::new(format!("`{text}` is too short"), expected));
    }
    Ok(delay)
}

/// The longest keepalive time that Linux takes, `MAX_TCP_KEEPIDLE`.
const MAX_KEEPALIVE: Duration = Duration::from_secs(32_767);

/// A keepalive time: the kernel counts whole seconds.
pub(crate) fn keepalive_time(text: &str) -> Parsed<Duration> {
    let time = duration(text)?;
    if time.subsec_nanos() != 0 || !(Duration::from_secs(1)..=MAX_KEEPALIVE).contains(&time) {
        let expected = "whole seconds from 1s to 32767s, as the kernel counts them";
        return Err(ValueError::new(
            format!("`{text}` cannot be a keepalive time"),
            expected,
        ));
    }
    Ok(time)
}

/// `TCP_USER_TIMEOUT`: the kernel counts milliseconds in an `int`.
pub(crate) fn user_timeout(text: &str) -> Parsed<Duration> {
    let time = duration(text)?;
    let milliseconds = time.as_millis();
    if milliseconds == 0 || milliseconds > i32::MAX as u128 {
        let expected = "a duration from 1ms to 24 days";
        return Err(ValueError::new(
            format!("`{text}` cannot be a user timeout"),
            expected,
        ));
    }
    Ok(time)
}

const SIZE: &str = "a size: bytes (`512`), `64KiB`, `1MB`";

/// Powers of 1024 carry an `i` (IEC 80000-13), powers of 1000 do not.
const UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("k", 1_000),
    ("kb", 1_000),
    ("kib", 1 << 10),
    ("m", 1_000_000),
    ("mb", 1_000_000),
    ("mib", 1 << 20),
    ("g", 1_000_000_000),
    ("gb", 1_000_000_000),
    ("gib", 1 << 30),
];

/// Reads a size in bytes.
pub(crate) fn size(text: &str) -> Parsed<u64> {
    let wrong = || ValueError::new(format!("`{text}` is not a size"), SIZE);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, factor) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(*factor).ok_or_else(wrong)
}

/// The names of the differentiated services code points (RFC 2474, 2597, 3246, 5865, 8622).
const DSCP: &[(&str, u8)] = &[
    ("df", 0),
    ("le", 1),
    ("cs0", 0),
    ("cs1", 8),
    ("cs2", 16),
    ("cs3", 24),
    ("cs4", 32),
    ("cs5", 40),
    ("cs6", 48),
    ("cs7", 56),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("va", 44),
    ("voice-admit", 44),
    ("ef", 46),
];

/// Reads a DSCP: a name or 0 to 63.
pub(crate) fn dscp(text: &str) -> Parsed<u8> {
    let name = text.to_ascii_lowercase();
    if let Some((_, value)) = DSCP.iter().find(|(known, _)| *known == name) {
        return Ok(*value);
    }
    integer(text)
        .filter(|value| *value < 64)
        .and_then(|value| u8::try_from(value).ok())
        .ok_or_else(|| {
            let expected = "0 to 63, or a name: ef, va, le, df, cs0 to cs7, af11 to af43";
            ValueError::new(format!("`{text}` is not a DSCP"), expected)
        })
}

/// Reads a type-of-service byte: 0 to 255, decimal or `0x` hexadecimal.
pub(crate) fn tos(text: &str) -> Parsed<u8> {
    integer(text)
        .and_then(|value| u8::try_from(value).ok())
        .ok_or_else(|| {
            ValueError::new(
                format!("`{text}` is not a TOS byte"),
                "0 to 255, or 0x00 to 0xff",
            )
        })
}

/// Reads a firewall mark: 32 bits, decimal or `0x` hexadecimal.
pub(crate) fn mark(text: &str) -> Parsed<u32> {
    integer(text)
        .and_then(|value| u32::try_from(value).ok())
        .ok_or_else(|| {
            let expected = "0 to 4294967295, or 0x0 to 0xffffffff";
            ValueError::new(format!("`{text}` is not a mark"), expected)
        })
}

fn integer(text: &str) -> Option<u64> {
    // `from_str_radix` takes a sign; a code point has none.
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = digits.map_or((text, 10), |digits| (digits, 16));
    digits
        .starts_with(|c: char| c.is_ascii_hexdigit())
        .then_some(())?;
    u64::from_str_radix(digits, radix).ok()
}

/// Reads a whole number within bounds.
fn bounded(text: &str, least: u64, most: u64) -> Parsed<u64> {
    let number = text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| {
            let expected = format!("a whole number from {least} to {most}");
            ValueError::new(format!("`{text}` will not do"), expected)
        })
}

/// Time to live.
pub(crate) fn ttl(text: &str) -> Parsed<u8> {
    bounded(text, 1, 255).map(|value| u8::try_from(value).unwrap_or(u8::MAX))
}

/// Maximum segment size: what Linux takes, `TCP_MIN_MSS` to `MAX_TCP_WINDOW`.
pub(crate) fn mss(text: &str) -> Parsed<u16> {
    bounded(text, 88, 32_767).map(|value| u16::try_from(value).unwrap_or(u16::MAX))
}

/// Keepalive probes: what Linux takes, `MAX_TCP_KEEPCNT`.
pub(crate) fn keepalive_count(text: &str) -> Parsed<u32> {
    bounded(text, 1, 127).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
}

/// A number of things at once; more sockets than ports make no sense.
pub(crate) fn parallel(text: &str) -> Parsed<usize> {
    bounded(text, 1, 65_535).map(|value| usize::try_from(value).unwrap_or(usize::MAX))
}

/// A rate of datagrams: as [`rate`], within what a machine can keep to.
pub(crate) fn rate_of_datagrams(text: &str) -> Parsed<f64> {
    let rate = rate(text).ok().filter(|rate| (0.001..=1e8).contains(rate));
    rate.ok_or_else(|| {
        let expected = "how many a second, from 0.001 to 100000000: `100`, `0.5`, `100/s`";
        ValueError::new(format!("`{text}` is not such a rate"), expected)
    })
}

/// Reads how many names may be under way at once.
pub(crate) fn inflight(text: &str) -> Parsed<usize> {
    let number = text.parse().ok().filter(|n| (1..=1 << 20).contains(n));
    number.ok_or_else(|| ValueError::new("not such a number", "a number from 1 to 1048576"))
}

/// A switch with a value.
pub(crate) fn on_off(text: &str) -> Parsed<bool> {
    match text {
        "on" | "yes" | "true" | "1" => Ok(true),
        "off" | "no" | "false" | "0" => Ok(false),
        _ => Err(ValueError::new(format!("`{text}` is neither"), "on or off")),
    }
}

/// Reads a source address: `192.0.2.1`, `192.0.2.1:5000`, `2001:db8::1`, `[2001:db8::1]:5000`.
pub(crate) fn local_addr(text: &str) -> Parsed<LocalAddr> {
    let expected =
        "an address of this machine: `192.0.2.1`, `192.0.2.1:5000`, `[2001:db8::1]:5000`";
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(LocalAddr { ip, port: 0 });
    }
    let addr: Result<SocketAddr, _> = text.parse();
    addr.map(|addr| LocalAddr {
        ip: addr.ip(),
        port: addr.port(),
    })
    .map_err(|_| ValueError::new(format!("`{text}` is not a local address"), expected))
}

/// The longest name of an interface or of a congestion control algorithm: `IFNAMSIZ` and
/// `TCP_CA_NAME_MAX` are 16, with the NUL at the end.
const MOST_OF_A_NAME: usize = 15;

/// A name that the kernel knows a thing by.
pub(crate) fn kernel_name(text: &str) -> Parsed<String> {
    let expected = "a name of 1 to 15 bytes, without white space and slashes";
    if text.is_empty() {
        return Err(ValueError::new("the name is empty", expected));
    }
    let foreign = |c: char| c.is_whitespace() || matches!(c, '/' | '\0');
    if text.len() > MOST_OF_A_NAME || text.contains(foreign) {
        let message = format!("`{text}` cannot be such a name");
        return Err(ValueError::new(message, expected));
    }
    Ok(text.to_owned())
}

/// How often; 0 means without an end.
pub(crate) fn count(text: &str) -> Parsed<u64> {
    bounded(text, 0, u64::MAX).map_err(|error| ValueError {
        expected: "a whole number; 0 goes on until Ctrl-C".to_owned(),
        ..error
    })
}

/// Any number.
pub(crate) fn whole(text: &str) -> Parsed<u64> {
    bounded(text, 0, u64::MAX).map_err(|error| ValueError {
        expected: "a whole number".to_owned(),
        ..error
    })
}

/// Where scrapes are answered.
pub(crate) fn scrape_addr(text: &str) -> Parsed<std::net::SocketAddr> {
    let port = text.strip_prefix(':').and_then(|port| port.parse().ok());
    let all = port.map(|port| (std::net::Ipv6Addr::UNSPECIFIED, port).into());
    all.or_else(|| text.parse().ok()).ok_or_else(|| {
        ValueError::new(
            format!("`{text}` is not an address and a port"),
            "`127.0.0.1:9100`, `[::1]:9100`, or `:9100` for all addresses",
        )
    })
}

/// The number of a connection in a record.
pub(crate) fn connection_id(text: &str) -> Parsed<u64> {
    bounded(text, 0, u64::MAX).map_err(|error| ValueError {
        expected: "a whole number, as `id` in the record".to_owned(),
        ..error
    })
}

/// A limit that lets something through.
pub(crate) fn at_least_one(text: &str) -> Parsed<u64> {
    bounded(text, 1, u64::MAX)
}

/// A size above zero.
pub(crate) fn positive_size(text: &str) -> Parsed<u64> {
    match size(text)? {
        0 => Err(ValueError::new(format!("`{text}` is nothing at all"), SIZE)),
        size => Ok(size),
    }
}

/// Threads; more than this make no sense on any machine.
pub(crate) fn workers(text: &str) -> Parsed<usize> {
    bounded(text, 1, 1_024).map(|value| usize::try_from(value).unwrap_or(usize::MAX))
}

/// The length of a queue, an `int` to the kernel.
pub(crate) fn backlog(text: &str) -> Parsed<u32> {
    bounded(text, 0, i32::MAX as u64).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
}

/// How many a second: `100`, `0.5`, `100/s`.
pub(crate) fn rate(text: &str) -> Parsed<f64> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    match number.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err(ValueError::new(
            format!("`{text}` is not a rate"),
            "how many a second: `100`, `0.5`, `100/s`",
        )),
    }
}

/// A number of beats that a counter of 32 bits holds.
pub(crate) fn at_least_one_u32(text: &str) -> Parsed<u32> {
    bounded(text, 1, u32::MAX.into()).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
}

/// A share: above 0 and at most 100, with or without `%`.
pub(crate) fn percent(text: &str) -> Parsed<f64> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<f64>().ok();
    let share = number.filter(|number| *number > 0.0 && *number <= 100.0);
    share.ok_or_else(|| {
        let expected = "a percentage above 0 and up to 100, such as `50` or `0.5%`";
        ValueError::new(format!("`{text}` is not such a share"), expected)
    })
}

/// A number above zero, with a fraction if need be.
pub(crate) fn positive_number(text: &str) -> Parsed<f64> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or_else(|| ValueError::new(format!("`{text}` will not do"), "a number above 0"))
}

/// When a target is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GiveUp {
    After(Duration),
    Never,
}

/// Reads after how long a target is given up.
pub(crate) fn give_up(text: &str) -> Parsed<GiveUp> {
    if text == "never" {
        return Ok(GiveUp::Never);
    }
    let limit = positive_duration(text).map(GiveUp::After);
    limit.map_err(|error| ValueError {
        expected: format!("{}, or `never`", error.expected),
        ..error
    })
}

/// Reads the settings of a circuit breaker.
pub(crate) fn breaker(text: &str) -> Parsed<netkit::policy::breaker::Config> {
    let expected = "settings such as `failures=5,open=10s,half-open=1`";
    let mut config = netkit::policy::breaker::Config::default();
    for setting in text.split(',') {
        let at = setting.as_ptr() as usize - text.as_ptr() as usize;
        let span = at..at + setting.len();
        let wrong = |message: String| ValueError::new(message, expected).at(span.clone());
        let Some((name, value)) = setting.split_once('=') else {
            return Err(wrong(format!("`{setting}` is no setting")));
        };
        let unfit = |error: ValueError| wrong(error.message);
        match name {
            "failures" => config.failures = at_least_one_u32(value).map_err(unfit)?,
            "half-open" => config.half_open = at_least_one_u32(value).map_err(unfit)?,
            "open" => config.open = positive_duration(value).map_err(unfit)?,
            _ => return Err(wrong(format!("`{name}` is not a setting of it"))),
        }
    }
    Ok(config)
}

/// Reads a condition on the statistics of a target.
pub(crate) fn gate(text: &str) -> Parsed<netkit::heartbeat::gate::Gate> {
    text.parse()
        .map_err(|error: netkit::heartbeat::gate::GateError| {
            ValueError::new(error.message, error.expected).at(error.span)
        })
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;

/// Reads a network: `address/length`, host bits allowed, or one address.
pub(crate) fn network(text: &str) -> Parsed<netkit::addr::Prefix> {
    let expected = "a network such as 192.0.2.0/24, or an address";
    netkit::addr::filter::parse_network(text).map_err(|error| {
        let class = error.class.code().replace('_', " ");
        ValueError::new(format!("`{text}` is not a network ({class})"), expected).at(error.span())
    })
}

/// Reads the prefix of a NAT64 translator (RFC 6052 §2.2).
pub(crate) fn nat64_prefix(text: &str) -> Parsed<netkit::addr::Prefix> {
    let expected = "an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits";
    let prefix = network(text)?;
    if prefix.ip().is_ipv6() && netkit::addr::forms::is_nat64_length(prefix.bits()) {
        Ok(prefix)
    } else {
        Err(ValueError::new(
            format!("`{text}` is no prefix of a translator"),
            expected,
        ))
    }
}

/// Reads a prefix length: `/24` or `24`.
pub(crate) fn prefix_length(text: &str) -> Parsed<u8> {
    let digits = text.strip_prefix('/').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse() {
        Ok(bits) if plain && bits <= 128 => Ok(bits),
        _ => Err(ValueError::new(
            format!("`{text}` is not a prefix length"),
            "a prefix length from /0 to /128",
        )),
    }
}

/// Reads how many parts a network is split into.
pub(crate) fn parts(text: &str) -> Parsed<u128> {
    match text.parse() {
        Ok(parts) if parts > 0 => Ok(parts),
        _ => Err(ValueError::new(
            format!("`{text}` is not a number of parts"),
            "a number from 1",
        )),
    }
}
