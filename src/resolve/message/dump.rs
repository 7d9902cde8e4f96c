//! A hex dump with one octet marked, as a value for whoever draws it.

use std::fmt;

/// Octets of a line.
const WIDTH: usize = 16;

/// Lines of sixteen octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// The lines in order; gaps are lines left out.
    pub lines: Vec<DumpLine>,
}

/// A line of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpLine {
    /// Octet of the message where it begins; a multiple of 16.
    pub offset: usize,
    /// Up to 16 octets.
    pub octets: Vec<u8>,
    /// Place of the marked octet in the line; one past the last when octets are missing.
    pub marked: Option<usize>,
}

impl Dump {
    /// The whole packet, with the octet at `mark` marked.
    #[must_use]
    pub fn whole(packet: &[u8], mark: Option<usize>) -> Self {
        Self::lines(packet, mark, 0, usize::MAX)
    }

    /// The line with the marked octet and `context` lines before and after it.
    #[must_use]
    pub fn around(packet: &[u8], mark: usize, context: usize) -> Self {
        let line = mark.min(packet.len()) / WIDTH;
        Self::lines(
            packet,
            Some(mark),
            line.saturating_sub(context),
            line + context,
        )
    }

    fn lines(packet: &[u8], mark: Option<usize>, first: usize, last: usize) -> Self {
        let mark = mark.map(|mark| mark.min(packet.len()));
        // A mark behind the end needs a place to stand, on a line of its own if the last is full.
        let end = mark.is_some_and(|mark| mark == packet.len() && mark.is_multiple_of(WIDTH));
        let end = end.then_some(&[][..]);
        let lines = packet.chunks(WIDTH).chain(end).enumerate();
        let lines = lines.filter(|(line, _)| (first..=last).contains(line));
        Self {
            lines: lines
                .map(|(line, octets)| DumpLine {
                    offset: line * WIDTH,
                    octets: octets.to_vec(),
                    marked: mark
                        .filter(|mark| mark / WIDTH == line)
                        .map(|mark| mark % WIDTH),
                })
                .collect(),
        }
    }
}

impl DumpLine {
    /// The octets as two digits each, separated by spaces.
    #[must_use]
    pub fn hex(&self) -> String {
        let octets: Vec<_> = self
            .octets
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        octets.join(" ")
    }

    /// The octets as text, a dot for what is not printable ASCII.
    #[must_use]
    pub fn text(&self) -> String {
        let plain = |&octet: &u8| match octet {
            0x20..=0x7e => char::from(octet),
            _ => '.',
        };
        self.octets.iter().map(plain).collect()
    }
}

impl fmt::Display for Dump {
    /// Writes offset, octets and text of each line, and `^^` below the marked octet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(
                f,
                "{:04x}  {:<47}  {}",
                line.offset,
                line.hex(),
                line.text()
            )?;
            if let Some(place) = line.marked {
                writeln!(f, "{:1$}^^", "", 6 + 3 * place)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marked_octet_is_pointed_at() {
        let packet: Vec<u8> = (0x30..0x50).collect();
        let dump = Dump::around(&packet, 18, 0).to_string();
        assert_eq!(
            dump,
            "0010  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO\n\
             \u{20}           ^^\n"
        );
    }

    #[test]
    fn what_is_missing_is_marked_behind_the_end() {
        for length in [0, 1, 15, 16, 17] {
            let packet = vec![0; length];
            for dump in [
                Dump::whole(&packet, Some(length)),
                Dump::around(&packet, length + 9, 1),
            ] {
                let marked: Vec<_> = dump.lines.iter().filter_map(|line| line.marked).collect();
                assert_eq!(marked, [length % 16], "{length}");
            }
        }
    }
}
