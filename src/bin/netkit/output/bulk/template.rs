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
use super::simple::Simple;
use super::word::{Stamps, WIDTH, Word};

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
    /// Datagrams.
    sent: u32,
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

/// Text, and the place of the hole after it in [`Template::holes`].
type Piece = (Box<[u8]>, usize);

/// A line with holes in it.
#[derive(Debug)]
struct Template {
    pieces: Box<[Piece]>,
    /// What stands after the last hole.
    rest: Box<[u8]>,
    /// Every hole once.
    holes: Box<[Hole]>,
    /// Octets of the text.
    text: usize,
}

/// The templates so far.
#[derive(Debug)]
pub(super) struct Templates {
    wall: SystemTime,
    known: Vec<(Shape, Option<Template>)>,
    /// Which one was used last, and mostly is used next.
    last: usize,
    stamps: Stamps,
    /// The values for the holes of the line at hand …
    words: Vec<Word>,
    /// … and the line itself, in more room than it needs.
    page: Vec<u8>,
}

impl Templates {
    pub(super) fn new(wall: SystemTime) -> Self {
        Self {
            wall,
            known: Vec::new(),
            last: 0,
            stamps: Stamps::new(),
            words: Vec::new(),
            page: Vec::new(),
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
            sent: finished.sent,
        };
        let wall = self.wall;
        let place = self.place(shape, || cut(finished, simple, wall));
        let Some((_, Some(template))) = place.and_then(|place| self.known.get(place)) else {
            return false;
        };
        let record = |place: usize| simple.records().nth(place);
        let stamps = &mut self.stamps;
        self.words.clear();
        self.words
            .extend(template.holes.iter().map(|hole| match *hole {
                Hole::Stamp => stamps.of(wall + at),
                Hole::At => Word::of_millis(at),
                Hole::Name => Word::EMPTY,
                Hole::Ttl(place) => Word::of_number(record(place).map_or(0, |one| one.ttl.into())),
                Hole::Data(place) => record(place).map_or(Word::EMPTY, |one| one.address()),
                Hole::Size => Word::of_number(reply.bytes.len() as u64),
                Hole::Sent => {
                    Word::of_number(finished.query.len() as u64 * u64::from(finished.sent))
                }
                Hole::Rtt => Word::of_millis(reply.rtt),
                Hole::Took => Word::of_millis(finished.took),
            }));
        template.fill(finished.text.as_bytes(), &self.words, &mut self.page, line);
        true
    }
}

impl Template {
    /// Writes the line with the name and the words in its holes.
    fn fill(&self, name: &[u8], words: &[Word], page: &mut Vec<u8>, line: &mut Vec<u8>) {
        let longest = self.text + self.pieces.len() * name.len().max(WIDTH) + WIDTH;
        if page.len() < longest {
            page.resize(longest, 0);
        }
        let mut at = 0;
        for (text, hole) in &self.pieces {
            at = put(text, page, at);
            at = match (self.holes[*hole], &words[*hole]) {
                (Hole::Name, _) => put(name, page, at),
                (_, word) => word.put(page, at),
            };
        }
        at = put(&self.rest, page, at);
        line.extend_from_slice(&page[..at]);
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

/// Writes a text at `at` and returns where it ends.
fn put(text: &[u8], page: &mut [u8], at: usize) -> usize {
    page[at..at + text.len()].copy_from_slice(text);
    at + text.len()
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
    let template = template(&text, &marks);
    (template.holes.len() == marks.len()).then_some(template)
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
fn template(text: &str, marks: &[(String, Hole)]) -> Template {
    let (mut pieces, mut holes) = (Vec::<Piece>::new(), Vec::new());
    let mut rest = text;
    loop {
        let found = marks
            .iter()
            .filter_map(|(mark, hole)| Some((rest.find(mark)?, mark, hole)));
        let Some((at, mark, hole)) =
            found.min_by_key(|(at, mark, _)| (*at, usize::MAX - mark.len()))
        else {
            return Template {
                text: rest.len() + pieces.iter().map(|(text, _)| text.len()).sum::<usize>(),
                pieces: pieces.into(),
                rest: rest.as_bytes().into(),
                holes: holes.into(),
            };
        };
        let place = holes
            .iter()
            .position(|known| known == hole)
            .unwrap_or_else(|| {
                holes.push(*hole);
                holes.len() - 1
            });
        pieces.push((rest.as_bytes()[..at].into(), place));
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
    let word = Word::of_millis(Duration::from_micros(micros));
    String::from_utf8_lossy(word.as_bytes()).into_owned()
}
