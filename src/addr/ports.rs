//! Port lists: numbers, ranges and service names, in the order written, each port once.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::piece::{Piece, excerpt};
use super::service::Services;
use super::{ParseError, Transport};

pub(super) const EXPECTED_PORT: &str = "a port from 1 to 65535";
const EXPECTED_LIST: &str = "ports such as 443, 22,80 or 8000-8010";

/// Disjoint ranges in the order written. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortList(Arc<[RangeInclusive<u16>]>);

impl PortList {
    /// Parses a comma-separated list; the second value is the error that port 0 is to a dialler.
    pub(super) fn parse(
        list: Piece<'_>,
        transport: Transport,
    ) -> Result<(Self, Option<ParseError>), ParseError> {
        let (mut ranges, mut covered, mut zero) = (Vec::new(), Covered::default(), None);
        let mut start = 0;
        for item in list.text().split(',') {
            let piece = list.slice(start..start + item.len());
            start += item.len() + 1;
            let range = parse_item(piece, transport)?;
            if *range.start() == 0 && zero.is_none() {
                zero = Some(piece.error("port 0 cannot be dialled", EXPECTED_PORT));
            }
            covered.add(range, &mut ranges);
        }
        Ok((Self(ranges.into()), zero))
    }

    /// How many ports.
    pub(super) fn len(&self) -> u32 {
        self.0
            .iter()
            .map(|range| u32::from(range.end() - range.start()) + 1)
            .sum()
    }

    /// The range at `index`.
    pub(super) fn range(&self, index: usize) -> Option<RangeInclusive<u16>> {
        self.0.get(index).cloned()
    }
}

/// The ports seen so far, as sorted disjoint ranges that do not touch.
#[derive(Default)]
struct Covered(Vec<(u32, u32)>);

impl Covered {
    /// Appends what of `range` is new to `out`, and covers it.
    fn add(&mut self, range: RangeInclusive<u16>, out: &mut Vec<RangeInclusive<u16>>) {
        let (mut low, mut high) = (u32::from(*range.start()), u32::from(*range.end()));
        let first = self.0.partition_point(|&(_, end)| end + 1 < low);
        let last = self.0.partition_point(|&(start, _)| start <= high + 1);
        let mut next = low;
        for &(start, end) in &self.0[first..last] {
            push_range(out, next, start.min(high + 1));
            next = next.max(end + 1);
            (low, high) = (low.min(start), high.max(end));
        }
        push_range(out, next, u32::from(*range.end()) + 1);
        self.0.splice(first..last, [(low, high)]);
    }
}

/// Appends `from..to` unless it is empty.
fn push_range(out: &mut Vec<RangeInclusive<u16>>, from: u32, to: u32) {
    if let (true, Ok(from), Ok(to)) = (
        from < to,
        u16::try_from(from),
        u16::try_from(to.saturating_sub(1)),
    ) {
        out.push(from..=to);
    }
}

fn parse_item(item: Piece<'_>, transport: Transport) -> Result<RangeInclusive<u16>, ParseError> {
    let text = item.text();
    if text.is_empty() {
        return Err(item.error("a port is missing", EXPECTED_LIST));
    }
    if let Some(slash) = text.find('/') {
        return Err(unexpected_slash(item, slash));
    }
    if is_number(text) {
        return parse_number(item).map(|port| port..=port);
    }
    match text.split_once('-') {
        Some((low, high)) if is_number_or_empty(low) && is_number_or_empty(high) => {
            parse_range(item, low, high)
        }
        _ => parse_name(item, transport).map(|port| port..=port),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && is_number_or_empty(text)
}

fn is_number_or_empty(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits, with leading zeros as Go allows them.
fn parse_number(item: Piece<'_>) -> Result<u16, ParseError> {
    let digits = item.text().trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse().map_err(|_| {
        let message = format!("port {} is out of range", excerpt(item.text()));
        item.error(message, EXPECTED_PORT)
    })
}

fn parse_range(item: Piece<'_>, low: &str, high: &str) -> Result<RangeInclusive<u16>, ParseError> {
    let (low_piece, high_piece) = item.split(low.len(), 1);
    match (low, high) {
        ("", "") => Err(item.error("a range without ports", EXPECTED_LIST)),
        ("", _) => Err(item
            .error("the range has no first port", EXPECTED_LIST)
            .suggest(item.replaced(high))),
        (_, "") => Err(item
            .error("the range has no last port", EXPECTED_LIST)
            .suggest(item.replaced(&format!("{low}-{}", u16::MAX)))),
        _ => {
            let (first, last) = (parse_number(low_piece)?, parse_number(high_piece)?);
            if first > last {
                let message = format!("the port range {first}-{last} is reversed");
                let turned = item.replaced(&format!("{last}-{first}"));
                return Err(item.error(message, "the lower port first").suggest(turned));
            }
            Ok(first..=last)
        }
    }
}

/// `80/tcp` and `80/index.html`.
fn unexpected_slash(item: Piece<'_>, slash: usize) -> ParseError {
    let rest = item.after(slash);
    rest.error(
        "a port ends the target, nothing may follow it",
        EXPECTED_LIST,
    )
    .suggest(rest.replaced(""))
}

fn parse_name(item: Piece<'_>, transport: Transport) -> Result<u16, ParseError> {
    let (name, services) = (item.text(), Services::system());
    if let Some(port) = services.port(name, transport) {
        return Ok(port);
    }
    let (protocol, other_protocol, other) = match transport {
        Transport::Udp => ("udp", "tcp", Transport::Tcp),
        _ => ("tcp", "udp", Transport::Udp),
    };
    let error = |message: String| item.error(message, "a port number or a known service name");
    if let Some(port) = services.port(name, other) {
        let message = format!(
            "{} is a service of {other_protocol}, not of {protocol}",
            excerpt(name)
        );
        return Err(error(message).suggest(item.replaced(&port.to_string())));
    }
    let unknown = error(format!("unknown {protocol} service {}", excerpt(name)));
    Err(match services.nearest(name, transport) {
        Some(nearest) => unknown.suggest(item.replaced(nearest)),
        None => unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(text: &str) -> Vec<u16> {
        let (list, _) = PortList::parse(Piece::new(text), Transport::Tcp).unwrap();
        let ports: Vec<u16> = list.0.iter().cloned().flatten().collect();
        assert_eq!(ports.len(), list.len() as usize);
        ports
    }

    #[test]
    fn keeps_the_order_written_and_each_port_once() {
        assert_eq!(ports("22,80,8000-8002"), [22, 80, 8000, 8001, 8002]);
        assert_eq!(ports("80,22,80,0080"), [80, 22]);
        assert_eq!(ports("5,3-7,1-4,9"), [5, 3, 4, 6, 7, 1, 2, 9]);
        assert_eq!(ports("1,3,2,1-3"), [1, 3, 2]);
        assert_eq!(ports("https,443,http"), [443, 80]);
        assert_eq!(ports("65535,65534-65535"), [65535, 65534]);
        assert_eq!(ports("0-65535").len(), 65536);
    }

    #[test]
    fn agrees_with_a_naive_list_whatever_overlaps() {
        let mut seed = 1u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u16::try_from(seed >> 27).unwrap()
        };
        for _ in 0..500 {
            let ranges: Vec<_> = (0..6).map(|_| (random(), random())).collect();
            let ranges = ranges.iter().map(|&(a, b)| a.min(b)..=a.max(b));
            let mut naive = Vec::new();
            for port in ranges.clone().flatten() {
                if !naive.contains(&port) {
                    naive.push(port);
                }
            }
            let text: Vec<_> = ranges
                .map(|r| format!("{}-{}", r.start(), r.end()))
                .collect();
            assert_eq!(ports(&text.join(",")), naive, "{text:?}");
        }
    }
}
