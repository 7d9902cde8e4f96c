//! The protocols that speak in lines: SMTP, IMAP, POP3 and FTP. A dialogue is a table of turns.

use super::{Look, Machine, Refusal};

/// A line that is longer has no place in these protocols (RFC 5321 §4.5.3.1.5 allows 512).
const LONGEST: usize = 4096;

/// One turn: what the server must say, and what it is told then.
#[derive(Debug)]
pub(super) struct Turn {
    judge: fn(&str) -> Judged,
    /// A word that must be on a line of its own among what the server says.
    offer: Option<&'static str>,
    /// `None` in the last turn: TLS begins.
    say: Option<&'static str>,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// One of several lines.
    GoesOn,
    /// The last line of a yes.
    Yes,
    /// A refusal.
    No,
    /// Nothing of this protocol.
    Stranger,
}

/// RFC 3207.
pub(super) const SMTP: &[Turn] = &[
    turn(|line| numbered(line, "220"), Some("EHLO netkit\r\n")),
    Turn {
        judge: |line| numbered(line, "250"),
        offer: Some("STARTTLS"),
        say: Some("STARTTLS\r\n"),
    },
    turn(|line| numbered(line, "220"), None),
];

/// RFC 9051 §6.2.1.
pub(super) const IMAP: &[Turn] = &[turn(greeted, Some("a1 STARTTLS\r\n")), turn(tagged, None)];

/// RFC 2595 §4.
pub(super) const POP3: &[Turn] = &[turn(marked, Some("STLS\r\n")), turn(marked, None)];

/// RFC 4217 §4.
pub(super) const FTP: &[Turn] = &[
    turn(|line| numbered(line, "220"), Some("AUTH TLS\r\n")),
    turn(|line| numbered(line, "234"), None),
];

const fn turn(judge: fn(&str) -> Judged, say: Option<&'static str>) -> Turn {
    Turn {
        judge,
        offer: None,
        say,
    }
}

/// `220-more` or `220 last` (RFC 5321 §4.2.1). FTP has lines without a number in between.
fn numbered(line: &str, wanted: &str) -> Judged {
    let (number, rest) = line.split_at_checked(3).unwrap_or((line, ""));
    let is_number = number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    match rest.as_bytes().first() {
        _ if !is_number && line.starts_with(' ') => Judged::GoesOn,
        _ if !is_number => Judged::Stranger,
        Some(b'-') => Judged::GoesOn,
        None | Some(b' ') if number == wanted => Judged::Yes,
        None | Some(b' ') => Judged::No,
        Some(_) => Judged::Stranger,
    }
}

fn greeted(line: &str) -> Judged {
    match line.split_ascii_whitespace().take(2).collect::<Vec<_>>()[..] {
        ["*", "OK"] => Judged::Yes,
        // Logged in already: no TLS any more (RFC 9051 §7.1.4); or no service at all.
        ["*", "PREAUTH" | "BYE"] => Judged::No,
        _ => Judged::Stranger,
    }
}

fn tagged(line: &str) -> Judged {
    match line.split_ascii_whitespace().take(2).collect::<Vec<_>>()[..] {
        ["a1", "OK"] => Judged::Yes,
        ["a1", ..] | ["*", "BYE"] => Judged::No,
        ["*", ..] => Judged::GoesOn,
        _ => Judged::Stranger,
    }
}

fn marked(line: &str) -> Judged {
    match line.split_ascii_whitespace().next() {
        Some("+OK") => Judged::Yes,
        Some("-ERR") => Judged::No,
        _ => Judged::Stranger,
    }
}

/// A dialogue of turns.
#[derive(Debug)]
pub(super) struct Lines {
    turns: &'static [Turn],
    offered: bool,
}

impl Lines {
    pub(super) fn new(turns: &'static [Turn]) -> Self {
        let offered = false;
        Self { turns, offered }
    }

    /// The server said yes to this turn.
    fn go_on(&mut self, turn: &Turn, took: usize) -> Result<Look, Refusal> {
        if let Some(offer) = turn.offer.filter(|_| !self.offered) {
            return Err(Refusal::No(format!("it does not offer {offer}")));
        }
        self.turns = &self.turns[1..];
        Ok(match turn.say {
            Some(words) => Look::Say(took, words.into()),
            None => Look::Begin(took, Vec::new()),
        })
    }
}

impl Machine for Lines {
    fn look(&mut self, came: &[u8]) -> Result<Look, Refusal> {
        let Some(turn) = self.turns.first() else {
            return Ok(Look::More);
        };
        let Some(end) = came.iter().position(|byte| *byte == b'\n') else {
            return match came.len() {
                ..=LONGEST => Ok(Look::More),
                _ => Err(Refusal::Stranger),
            };
        };
        let line = String::from_utf8_lossy(&came[..end]);
        let line = line.trim_end_matches('\r');
        let word = line.get(4..).unwrap_or_default().trim();
        self.offered |= turn
            .offer
            .is_some_and(|offer| word.eq_ignore_ascii_case(offer));
        match (turn.judge)(line) {
            Judged::GoesOn => Ok(Look::Took(end + 1)),
            Judged::Yes => self.go_on(turn, end + 1),
            Judged::No => Err(Refusal::No(format!("{line:?}"))),
            Judged::Stranger => Err(Refusal::Stranger),
        }
    }
}
