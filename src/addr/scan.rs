//! Finding addresses in text, wherever they stand.
//!
//! A *run* is a maximal sequence of hexadecimal digits, dots and colons. An IPv6 address is a whole
//! run (without a final dot or colon, as at the end of a sentence, or a first colon, as in `ip:…`);
//! an IPv4 address is a field of a run between colons. Neither may touch a letter, digit or
//! underscore outside its run: `v1.2.3.4` and `4.3.2.1.in-addr.arpa` hold no address.

use std::net::IpAddr;
use std::ops::Range;

use super::ip::{hex_group, parse_ipv4, parse_ipv6};
use super::table::PrefixTable;

/// What a byte is to a run: 0 outside; else a mark, and what it adds to the counts of the run.
const CLASS: [u64; 256] = classes();

/// One dot in the sum of classes.
const DOT: u64 = 1;
/// One colon; four billion dots would spill over.
const COLON: u64 = 1 << 32;
/// Marks a byte of a run.
const RUN: u64 = 1 << 63;

const fn classes() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = match byte {
            b'.' => RUN | DOT,
            b':' => RUN | COLON,
            _ if byte.is_ascii_hexdigit() => RUN,
            _ => 0,
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

/// No IPv6 address without a zone is longer.
const LONGEST_IPV6: usize = 45;

/// An address and the bytes where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The address.
    pub ip: IpAddr,
    /// Where.
    pub span: Range<usize>,
}

/// The addresses in `text`, from left to right. Runs do not cross lines, so that a text may hold
/// many.
///
/// ```
/// use netkit::addr::scan::addresses;
/// let line = b"GET / from [2001:db8::1]:4711 via 192.0.2.7:80, v1.2.3.4";
/// let found: Vec<String> = addresses(line).map(|found| found.ip.to_string()).collect();
/// assert_eq!(found, ["2001:db8::1", "192.0.2.7"]);
/// ```
#[must_use]
pub fn addresses(text: &[u8]) -> Addresses<'_> {
    Addresses {
        text,
        at: 0,
        run: 0..0,
        among: None,
    }
}

/// As [`addresses`], but may leave out those that are in no network of the table: most runs are
/// passed over for how they begin, without being read.
#[must_use]
pub fn addresses_among<'a>(text: &'a [u8], table: &'a PrefixTable) -> Addresses<'a> {
    let among = Some(table);
    Addresses {
        among,
        ..addresses(text)
    }
}

/// Iterator of [`addresses`].
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    text: &'a [u8],
    /// Everything before is done, except for `run`.
    at: usize,
    /// What is left of a run that is read field by field.
    run: Range<usize>,
    /// The networks that matter; none means all do.
    among: Option<&'a PrefixTable>,
}

/// A run that could hold an address.
struct Run {
    span: Range<usize>,
    /// Its first dot or colon.
    mark: usize,
    /// Its dots and colons.
    counts: u64,
}

impl Addresses<'_> {
    /// Goes on at `at`, which must not lie within a run.
    pub fn skip_to(&mut self, at: usize) {
        self.at = self.at.max(at);
        self.run = 0..0;
    }

    /// The next run that could hold an address.
    #[inline]
    fn next_run(&mut self) -> Option<Run> {
        let text = self.text;
        loop {
            // Only a run with a dot or a colon can hold an address; most bytes of a log are in none.
            let mark = self.at + memchr::memchr2(b'.', b':', text.get(self.at..)?)?;
            let before = text[self.at..mark].iter().rev();
            let start = mark - before.take_while(|&&byte| is_run(byte)).count();
            let (mut at, mut counts) = (mark, 0u64);
            while let Some(&byte) = text.get(at)
                && is_run(byte)
            {
                counts = counts.wrapping_add(CLASS[usize::from(byte)] & !RUN);
                at += 1;
            }
            self.at = at;
            if counts >= 2 * COLON || counts & (COLON - 1) >= 3 {
                let span = start..at;
                return Some(Run { span, mark, counts });
            }
        }
    }

    /// Whether the run, which has three dots and no colon, is worth reading.
    #[inline]
    fn quad_matters(&self, run: &Run) -> bool {
        let Some(table) = self.among else {
            return true;
        };
        let octet = &self.text[run.span.start..run.mark];
        // What is longer than an octet, or is none, is no address either.
        let digit = |value: u32, &byte: &u8| value * 10 + u32::from(byte.wrapping_sub(b'0'));
        octet.len() <= 3
            && u8::try_from(octet.iter().fold(0, digit)).is_ok_and(|octet| table.holds_octet(octet))
    }

    /// Whether the run, which has colons, is worth reading: its first two groups say where in IPv6
    /// it lies. Runs with dots may hold IPv4 addresses, and those that begin with a colon anything.
    #[inline]
    fn groups_matter(&self, run: &Run) -> bool {
        let Some(table) = self.among else {
            return true;
        };
        if run.counts & (COLON - 1) != 0 {
            return true;
        }
        let bytes = &self.text[..run.span.end];
        let Ok((first, colon)) = hex_group(bytes, run.span.start) else {
            return true;
        };
        let (bits, hosts) = match hex_group(bytes, colon + 1) {
            Ok((second, _)) => (u128::from(first) << 16 | u128::from(second), 96),
            Err(_) => (u128::from(first), 112),
        };
        let lowest = bits << hosts;
        // Among these are the IPv4-mapped ones, which IPv4 networks hold.
        bits == 0 || table.may_hold(lowest, lowest | ((1 << hosts) - 1))
    }

    /// The whole run as IPv6.
    fn ipv6(&self, run: &Range<usize>) -> Option<Found> {
        let text = self.text;
        let (mut start, mut end) = (run.start, run.end);
        let bytes = &text[start..end];
        if bytes.first() == Some(&b':') && bytes.get(1) != Some(&b':') {
            start += 1;
        } else if is_word(start.checked_sub(1).and_then(|at| text.get(at))) {
            return None;
        }
        if is_word(text.get(end)) {
            return None;
        }
        while text[start..end].ends_with(b".") {
            end -= 1;
        }
        if text[start..end].ends_with(b":") && !text[start..end].ends_with(b"::") {
            end -= 1;
        }
        if end - start > LONGEST_IPV6 {
            return None;
        }
        let ip = parse_ipv6(&text[start..end]).ok()?.into();
        Some(Found {
            ip,
            span: start..end,
        })
    }

    /// The next field of the run at hand that is an IPv4 address.
    fn ipv4_field(&mut self) -> Option<Found> {
        let text = self.text;
        while !self.run.is_empty() {
            let start = self.run.start;
            let rest = &text[self.run.clone()];
            let colon = rest.iter().position(|&byte| byte == b':');
            let end = colon.map_or(self.run.end, |at| start + at);
            self.run.start = (end + 1).min(self.run.end);
            if self.stands_alone(&(start..end))
                && let Some(found) = self.ipv4(start, end)
            {
                return Some(found);
            }
        }
        None
    }

    /// Whether what stands there is not part of a word.
    #[inline]
    fn stands_alone(&self, span: &Range<usize>) -> bool {
        let before = span.start.checked_sub(1).and_then(|at| self.text.get(at));
        !is_word(before) && !is_word(self.text.get(span.end))
    }

    #[inline]
    fn ipv4(&self, start: usize, mut end: usize) -> Option<Found> {
        while self.text[start..end].ends_with(b".") {
            end -= 1;
        }
        // 0.0.0.0 to 255.255.255.255
        if !(7..=15).contains(&(end - start)) {
            return None;
        }
        let ip = parse_ipv4(&self.text[start..end]).ok()?.into();
        Some(Found {
            ip,
            span: start..end,
        })
    }
}

/// A byte of a run.
#[inline]
fn is_run(byte: u8) -> bool {
    CLASS[usize::from(byte)] != 0
}

/// A byte that would make an address part of a word.
fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

impl Iterator for Addresses<'_> {
    type Item = Found;

    #[inline]
    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.ipv4_field() {
                return Some(found);
            }
            let run = self.next_run()?;
            if run.counts == 3 * DOT {
                // The usual run: one field, and no final dot, which would leave two.
                if self.quad_matters(&run)
                    && self.stands_alone(&run.span)
                    && let Some(found) = self.ipv4(run.span.start, run.span.end)
                {
                    return Some(found);
                }
                continue;
            }
            if run.counts >= 2 * COLON
                && self.groups_matter(&run)
                && let Some(found) = self.ipv6(&run.span)
            {
                return Some(found);
            }
            if run.counts & (COLON - 1) >= 3 {
                self.run = run.span;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(line: &str) -> Vec<String> {
        addresses(line.as_bytes())
            .map(|f| f.ip.to_string())
            .collect()
    }

    /// The rules of the module, read off one after the other, with std's parsers.
    fn naive(line: &str) -> Vec<(String, usize)> {
        let bytes = line.as_bytes();
        let in_run = |b: u8| b.is_ascii_hexdigit() || b == b'.' || b == b':';
        let word = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
        };
        let (mut out, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let len = bytes[at..].iter().take_while(|&&b| in_run(b)).count();
            if len == 0 {
                at += 1;
                continue;
            }
            let (start, end) = (at, at + len);
            at = end + 1;
            let run = &line[start..end];
            let before = word(start.checked_sub(1));
            let after = word(Some(end));
            let colon_first = run.starts_with(':') && !run.starts_with("::");
            let mut v6 = run.trim_end_matches('.');
            if v6.ends_with(':') && !v6.ends_with("::") {
                v6 = &v6[..v6.len() - 1];
            }
            let skipped = usize::from(colon_first);
            let v6 = v6.get(skipped..).unwrap_or("");
            if let (true, true, Ok(ip)) = (
                colon_first || !before,
                !after,
                v6.parse::<std::net::Ipv6Addr>(),
            ) {
                out.push((ip.to_string(), start + skipped));
                continue;
            }
            let fields: Vec<&str> = run.split(':').collect();
            let mut offset = start;
            for (index, field) in fields.iter().enumerate() {
                let touches = index == 0 && before || index + 1 == fields.len() && after;
                let trimmed = field.trim_end_matches('.');
                if let (false, Ok(ip)) = (touches, trimmed.parse::<std::net::Ipv4Addr>()) {
                    out.push((ip.to_string(), offset));
                }
                offset += field.len() + 1;
            }
        }
        out
    }

    #[test]
    fn finds_addresses_wherever_they_stand() {
        for (line, expected) in [
            ("10.0.0.1", &["10.0.0.1"][..]),
            ("x=10.0.0.1,y=10.0.0.2;", &["10.0.0.1", "10.0.0.2"]),
            (
                "10.0.0.1:80 [::1]:443 fe80::1%eth0",
                &["10.0.0.1", "::1", "fe80::1"],
            ),
            (
                "End: 2001:db8::1. Next: ::. ip:2001:db8::2: x",
                &["2001:db8::1", "::", "2001:db8::2"],
            ),
            ("ip:10.0.0.1:20.0.0.1", &["10.0.0.1", "20.0.0.1"]),
            (
                "10.0.0.0/8 10.0.0.1-10.0.0.9",
                &["10.0.0.0", "10.0.0.1", "10.0.0.9"],
            ),
            ("::ffff:10.0.0.1", &["::ffff:10.0.0.1"]),
            (
                "12:34:56 v1.2.3.4 1.2.3.4x 1.2.3.4.5 01.2.3.4 1.2.3.256",
                &[],
            ),
            ("4.3.2.1.in-addr.arpa 1.2.3.4.", &["1.2.3.4"]),
            ("\u{e9}10.0.0.1\u{e9}", &["10.0.0.1"]),
            ("", &[]),
        ] {
            assert_eq!(found(line), expected, "{line}");
        }
    }

    #[test]
    fn very_long_runs_are_read_in_time() {
        let dots = ".".repeat(1 << 20);
        let colons = ":".repeat(1 << 20);
        assert!(found(&dots).is_empty());
        assert!(found(&colons).is_empty());
        assert_eq!(found(&format!("{colons}10.0.0.1")), ["10.0.0.1"]);
    }

    proptest! {
        #[test]
        fn agrees_with_a_naive_reading(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("10.0.0.1"), Just("2001:db8::1"), Just("::"), Just(":"), Just("."),
                    Just("1"), Just("255"), Just("ff"), Just("x"), Just("_"), Just(" "), Just("/"),
                    Just("0.0.0.0"), Just("::ffff:1.2.3.4"), Just("é"), Just("0:0:0:0:0:ffff:a00:1"),
                    Just("2001"), Just("\n"), Just("["),
                ],
                0..16,
            ),
        ) {
            let line = pieces.concat();
            let ours: Vec<_> = addresses(line.as_bytes())
                .map(|f| (f.ip.to_string(), f.span.start))
                .collect();
            let naive: Vec<_> = naive(&line)
                .into_iter()
                .map(|(ip, at)| (ip.parse::<IpAddr>().unwrap().to_string(), at))
                .collect();
            prop_assert_eq!(&ours, &naive);
            for networks in [&["10.0.0.0/8", "::/128"][..], &["2001:db8::/32"], &["1.0.0.0/8"], &[]] {
                let networks: Vec<_> = networks.iter().map(|text| text.parse().unwrap()).collect();
                let table = PrefixTable::new(&networks);
                let held = |found: &Found| table.contains(found.ip);
                let among: Vec<_> = addresses_among(line.as_bytes(), &table).filter(held).collect();
                let all: Vec<_> = addresses(line.as_bytes()).filter(held).collect();
                prop_assert_eq!(among, all);
            }
        }
    }
}
