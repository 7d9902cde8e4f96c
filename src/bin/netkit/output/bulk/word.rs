//! Short texts that are written very often: numbers, times, addresses.

use std::fmt::{self, Write as _};
use std::net::Ipv6Addr;
use std::time::{Duration, SystemTime};

/// Octets of the longest: an IPv6 address has 45 at most, everything else less.
pub(super) const WIDTH: usize = 48;

/// A short text in a place of fixed size, so that it is copied without asking how long it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    text: [u8; WIDTH],
    length: usize,
}

impl Word {
    pub(super) const EMPTY: Self = Self {
        text: [0; WIDTH],
        length: 0,
    };

    /// A number in decimal.
    pub(super) fn of_number(number: u64) -> Self {
        let mut word = Self::EMPTY;
        word.number(number);
        word
    }

    /// Milliseconds rounded to whole microseconds, with a fraction of one to three digits, as serde
    /// writes [`netkit::time::Millis`].
    pub(super) fn of_millis(duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 500);
        let micros = (nanos + 500) / 1_000;
        let mut word = Self::of_number(micros / 1_000);
        word.byte(b'.');
        let fraction = micros % 1_000;
        word.three(fraction);
        word.length -= match fraction {
            _ if fraction.is_multiple_of(100) => 2,
            _ if fraction.is_multiple_of(10) => 1,
            _ => 0,
        };
        word
    }

    /// An IPv4 address as std writes it.
    pub(super) fn of_v4(octets: [u8; 4]) -> Self {
        let [first, rest @ ..] = octets;
        let mut word = Self::of_number(first.into());
        for octet in rest {
            word.byte(b'.');
            word.number(octet.into());
        }
        word
    }

    /// An IPv6 address as std writes it.
    pub(super) fn of_v6(octets: [u8; 16]) -> Self {
        let mut word = Self::EMPTY;
        // Every address fits.
        let _ = write!(word, "{}", Ipv6Addr::from(octets));
        word
    }

    /// The text.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }

    /// Writes the text at `at` and returns where it ends; what follows for [`WIDTH`] octets is
    /// undone.
    pub(super) fn put(&self, page: &mut [u8], at: usize) -> usize {
        page[at..at + WIDTH].copy_from_slice(&self.text);
        at + self.length
    }

    fn number(&mut self, number: u64) {
        if number >= 1_000 {
            self.number(number / 1_000);
            self.three(number % 1_000);
        } else if number >= 100 {
            self.three(number);
        } else if number >= 10 {
            self.two(number);
        } else {
            self.byte(digit(number));
        }
    }

    fn three(&mut self, number: u64) {
        self.byte(digit(number / 100));
        self.two(number % 100);
    }

    fn two(&mut self, number: u64) {
        self.byte(digit(number / 10));
        self.byte(digit(number % 10));
    }

    fn byte(&mut self, byte: u8) {
        self.text[self.length] = byte;
        self.length += 1;
    }
}

impl fmt::Write for Word {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.text.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Wall times as humantime writes them; the part up to the second is kept from line to line.
#[derive(Debug)]
pub(super) struct Stamps {
    second: u64,
    /// `2026-01-01T00:00:00.`
    whole: Word,
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self {
            second: u64::MAX,
            whole: Word::EMPTY,
        }
    }

    pub(super) fn of(&mut self, time: SystemTime) -> Word {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        if self.second != since.as_secs() {
            let text = humantime::format_rfc3339_micros(time).to_string();
            self.second = since.as_secs();
            self.whole = Word::EMPTY;
            // A year of five digits is as long as it gets.
            let _ = write!(
                self.whole,
                "{}.",
                text.split('.').next().unwrap_or_default()
            );
        }
        let mut word = self.whole;
        let micros = u64::from(since.subsec_micros());
        word.three(micros / 1_000);
        word.three(micros % 1_000);
        word.byte(b'Z');
        word
    }
}

/// A decimal digit.
fn digit(number: u64) -> u8 {
    b'0'.wrapping_add(u8::try_from(number).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(word: Word) -> String {
        String::from_utf8_lossy(word.as_bytes()).into_owned()
    }

    proptest! {
        #[test]
        fn numbers_and_addresses_are_written_as_std_does(
            number: u64, small in 0_u64..2_000, v4: [u8; 4], v6: [u8; 16],
        ) {
            for number in [number, small] {
                prop_assert_eq!(text(Word::of_number(number)), number.to_string());
            }
            prop_assert_eq!(text(Word::of_v4(v4)), std::net::Ipv4Addr::from(v4).to_string());
            prop_assert_eq!(text(Word::of_v6(v6)), Ipv6Addr::from(v6).to_string());
        }

        #[test]
        fn times_are_written_as_humantime_and_serde_do(micros in 0_u64..1 << 52) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
            let stamp = humantime::format_rfc3339_micros(time).to_string();
            prop_assert_eq!(text(Stamps::new().of(time)), stamp);
            let millis = netkit::time::Millis::from(Duration::from_micros(micros));
            let word = Word::of_millis(Duration::from_micros(micros));
            prop_assert_eq!(text(word), serde_json::to_string(&millis).unwrap());
        }
    }

    #[test]
    fn a_word_is_put_where_it_belongs() {
        let mut page = [b'x'; 64];
        let end = Word::of_v4([192, 0, 2, 1]).put(&mut page, 2);
        assert_eq!((end, &page[..end]), (11, &b"xx192.0.2.1"[..]));
    }
}
