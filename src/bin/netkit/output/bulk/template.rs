//! JSON lines at the speed of the engine: a template for each shape of reply, cut from the line
//! that serde writes for it.
//!
//! The line of a reply with marks in the place of everything that varies is written once by way of
//! the report; what stands between the marks is copied from then on. So the fast lines have the
//! keys, the order and the words of the slow ones, whatever the report may gain.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use netkit::resolve::bulk::{Cached, Ending, Finished, Reply};
use netkit::resolve::command::Report;

use super::json_line;
use super::simple::{Simple, digit, push_number};

/// Templates at most: shapes beyond that are written the slow way.
const MOST: usize = 256;

/// Marks, none of which is a part of another or of any other text of a line.
const NAME: &str = "mark-of-the-name";
const TTL: u32 = 1_901_000_100;
const SIZE: u64 = 1_902_000_000;
const SENT: u64 = 1_903_000_000;
const RTT: u64 = 1_904_000_000;
const TOOK: u64 = 1_905_000_000;
const AT: u64 = 1_906_000_000;

/// What all lines of one template have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    server: SocketAddr,
    qtype: u16,
    count: u16,
    flags: [u8; 2],
    opt: Option<[u8; 6]>,
    has_cache: bool,
}

/// What varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    Stamp,
    At,
    Name,
    Ttl(usize),
    Data(usize),
    Size,
    Sent,
    Rtt,
    Took,
}

/// Text, and the hole after it.
type Piece = (Box<[u8]>, Option<Hole>);

/// A line with holes in it.
type Template = Box<[Piece]>;

/// The templates so far.
#[derive(Debug)]
pub(super) struct Templates {
    wall: SystemTime,
    known: Vec<(Shape, Option<Template>)>,
    /// Which one was used last, and mostly is used next.
    last: usize,
    /// The second that was last written out, and how.
    second: (u64, String),
}

impl Templates {
    pub(super) fn new(wall: SystemTime) -> Self {
        Self {
            wall,
            known: Vec::new(),
            last: 0,
            second: (u64::MAX, String::new()),
        }
    }

    /// How many shapes have a template.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.known
            .iter()
            .filter(|(_, pieces)| pieces.is_some())
            .count()
    }

    /// Writes the line; `false` when it has to be written the slow way.
    pub(super) fn write(
        &mut self,
        line: &mut Vec<u8>,
        finished: &Finished<'_>,
        simple: &Simple<'_>,
        at: Duration,
    ) -> bool {
        let Ending::Reply(reply) = finished.ending else {
            return false;
        };
        let shape = Shape {
            server: reply.server,
            qtype: simple.qtype,
            count: simple.count,
            flags: simple.flags,
            opt: simple.opt,
            has_cache: finished.cache == Cached::Miss,
        };
        let wall = self.wall;
        let place = self.place(shape, || cut(finished, simple, wall));
        let Some((_, Some(pieces))) = place.and_then(|place| self.known.get(place)) else {
            return false;
        };
        for (text, hole) in pieces {
            line.extend_from_slice(text);
            match hole {
                None => {}
                Some(Hole::Stamp) => push_stamp(line, &mut self.second, self.wall + at),
                Some(Hole::At) => push_millis(line, at),
                Some(Hole::Name) => line.extend_from_slice(finished.text.as_bytes()),
                Some(Hole::Ttl(place)) => {
                    let record = simple.records().nth(*place);
                    push_number(line, record.map_or(0, |record| record.ttl).into());
                }
                Some(Hole::Data(place)) => {
                    simple
                        .records()
                        .nth(*place)
                        .into_iter()
                        .for_each(|record| record.write_address(line));
                }
                Some(Hole::Size) => push_number(line, reply.bytes.len() as u64),
                Some(Hole::Sent) => push_number(line, finished.query.len() as u64),
                Some(Hole::Rtt) => push_millis(line, reply.rtt),
                Some(Hole::Took) => push_millis(line, finished.took),
            }
        }
        true
    }
}

impl Templates {
    /// Where the template of a shape is, a new one if there is room.
    fn place(
        &mut self,
        shape: Shape,
        template: impl FnOnce() -> Option<Template>,
    ) -> Option<usize> {
        let is_it = |(known, _): &(Shape, _)| *known == shape;
        if self.known.get(self.last).is_none_or(|last| !is_it(last)) {
            self.last = match self.known.iter().position(is_it) {
                Some(place) => place,
                None if self.known.len() >= MOST => return None,
                None => {
                    self.known.push((shape, template()));
                    self.known.len() - 1
                }
            };
        }
        Some(self.last)
    }
}

/// Writes the line of a reply with marks in it, and cuts it at them. `None` if a mark is missing:
/// then something varies that no mark stands for.
fn cut(finished: &Finished<'_>, simple: &Simple<'_>, wall: SystemTime) -> Option<Template> {
    let (report, at) = (marked(finished, simple)?, Duration::from_micros(AT));
    let text = json_line(&report, wall, at, false);
    let stamp = humantime::format_rfc3339_micros(wall + at).to_string();
    let mut marks = vec![
        (stamp, Hole::Stamp),
        (millis_of(AT), Hole::At),
        (NAME.to_owned(), Hole::Name),
        (SIZE.to_string(), Hole::Size),
        (SENT.to_string(), Hole::Sent),
        (millis_of(RTT), Hole::Rtt),
        (millis_of(TOOK), Hole::Took),
    ];
    for place in 0..report.answers.len() {
        marks.push((ttl(place).to_string(), Hole::Ttl(place)));
        marks.push((data(place, simple.qtype), Hole::Data(place)));
    }
    let pieces = pieces(&text, &marks);
    let all = marks
        .iter()
        .all(|(_, hole)| pieces.iter().any(|(_, found)| *found == Some(*hole)));
    all.then_some(pieces)
}

/// The report of a reply with marks in the place of everything that varies within its shape.
fn marked(finished: &Finished<'_>, simple: &Simple<'_>) -> Option<Report> {
    let Ending::Reply(reply) = finished.ending else {
        return None;
    };
    let bytes = simple.with_records(reply.bytes, ttl, mark_of);
    let ending = Ending::Reply(Reply {
        bytes: &bytes,
        rtt: Duration::from_micros(RTT),
        ..reply
    });
    let mut report = Report::from(&Finished {
        took: Duration::from_micros(TOOK),
        ending,
        ..finished.clone()
    });
    let name = finished.text;
    let mark = |text: &mut String| {
        if text == name {
            NAME.clone_into(text);
        }
    };
    mark(&mut report.name);
    report.asked.iter_mut().for_each(mark);
    report
        .search
        .names
        .iter_mut()
        .for_each(|step| mark(&mut step.name));
    report
        .answers
        .iter_mut()
        .for_each(|record| mark(&mut record.name));
    report.size = Some(usize::try_from(SIZE).ok()?);
    let [attempt] = report.attempts.as_mut_slice() else {
        return None;
    };
    mark(&mut attempt.name);
    (attempt.sent_bytes, attempt.received_bytes) = (SENT, SIZE);
    Some(report)
}

/// The text between the marks, each with the hole that follows.
fn pieces(text: &str, marks: &[(String, Hole)]) -> Box<[Piece]> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let found = marks
            .iter()
            .filter_map(|(mark, hole)| Some((rest.find(mark)?, mark, hole)));
        let Some((at, mark, hole)) =
            found.min_by_key(|(at, mark, _)| (*at, usize::MAX - mark.len()))
        else {
            pieces.push((rest.as_bytes().into(), None));
            return pieces.into();
        };
        pieces.push((rest.as_bytes()[..at].into(), Some(*hole)));
        rest = &rest[at + mark.len()..];
    }
}

fn ttl(place: usize) -> u32 {
    TTL + u32::try_from(place).unwrap_or_default()
}

/// The address that stands for the one at a place: of three digits at its end, or one, so that
/// none is the beginning of another. From blocks for documentation.
fn mark_of(place: usize) -> Ipv6Addr {
    let place = u16::try_from(place).unwrap_or_default();
    Ipv6Addr::new(
        0x2001,
        0xdb8,
        0xffff,
        0xfffe,
        0,
        0,
        0xcb00,
        0x7100 + 201 + place,
    )
}

/// The same as text.
fn data(place: usize, qtype: u16) -> String {
    let mark = mark_of(place);
    match (qtype, mark.octets()) {
        (1, [.., a, b, c, d]) => Ipv4Addr::new(a, b, c, d).to_string(),
        _ => mark.to_string(),
    }
}

/// Milliseconds as serde writes them.
fn millis_of(micros: u64) -> String {
    let mut text = Vec::new();
    push_millis(&mut text, Duration::from_micros(micros));
    String::from_utf8_lossy(&text).into_owned()
}

/// Writes milliseconds rounded to whole microseconds, with a fraction of one to three digits, as
/// serde writes [`netkit::time::Millis`].
fn push_millis(line: &mut Vec<u8>, duration: Duration) {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 500);
    let micros = (nanos + 500) / 1_000;
    push_number(line, micros / 1_000);
    let fraction = micros % 1_000;
    let digits = [digit(fraction / 100), digit(fraction / 10), digit(fraction)];
    let used = match fraction {
        _ if fraction % 100 == 0 => 1,
        _ if fraction % 10 == 0 => 2,
        _ => 3,
    };
    line.push(b'.');
    line.extend_from_slice(&digits[..used]);
}

/// Writes a wall time as humantime does; the part up to the second is kept from line to line.
fn push_stamp(line: &mut Vec<u8>, second: &mut (u64, String), time: SystemTime) {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    if second.0 != since.as_secs() {
        let text = humantime::format_rfc3339_micros(time).to_string();
        // "2026-01-01T00:00:00.000000Z"
        let whole = text.split('.').next().unwrap_or_default();
        *second = (since.as_secs(), whole.to_owned());
    }
    line.extend_from_slice(second.1.as_bytes());
    line.push(b'.');
    let mut micros = u64::from(since.subsec_micros());
    let mut digits = [b'0'; 6];
    for place in digits.iter_mut().rev() {
        *place = digit(micros);
        micros /= 10;
    }
    line.extend_from_slice(&digits);
    line.push(b'Z');
}
