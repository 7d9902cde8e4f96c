//! Text from outside, made safe for a terminal.
//!
//! A peer or a name server may send anything; what it sends must not move the cursor, change
//! colours, reorder the line or hide in it. In a pipe text is left as it came (DESIGN §3), so the
//! decision which of the two applies is [`super::View`]'s, not this file's.

use std::fmt::Write as _;

/// Escapes everything that is not plainly visible: C0 and C1 controls, bidirectional controls,
/// zero-width and other invisible characters.
///
/// `\n`, `\r` and `\t` get their C names, other ASCII `\xNN`, the rest `\u{NNNN}`; a backslash
/// stays as it is, because the result is for reading, not for parsing back.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push_escaped(&mut out, c);
    }
    out
}

/// Escapes bytes: what is UTF-8 as [`escape`] does, every other byte as `\xNN`.
pub(crate) fn escape_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chunk
            .valid()
            .chars()
            .for_each(|c| push_escaped(&mut out, c));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

fn push_escaped(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\0'..='\x1f' | '\x7f' => write!(out, "\\x{:02x}", c as u32),
        c if is_invisible(c) => write!(out, "\\u{{{:x}}}", c as u32),
        c => out.write_char(c),
    };
}

/// Whether a character outside ASCII shows nothing, or changes how others are shown.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'                     // C1 controls
        | '\u{ad}'                              // soft hyphen
        | '\u{34f}' | '\u{61c}'                 // grapheme joiner, Arabic letter mark
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'               // zero width, direction marks
        | '\u{2028}'..='\u{202e}'               // separators, embeddings, overrides
        | '\u{2060}'..='\u{206f}'               // word joiner, isolates, deprecated
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'  // variation selectors, byte order mark
        | '\u{fff9}'..='\u{fffb}'               // interlinear annotation
        | '\u{e000}'..='\u{f8ff}'               // private use
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}'             // tags, variation selectors
        | '\u{f0000}'..='\u{10ffff}')
}

/// Cuts a text to `width` columns of one cell each, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Breaks a text into lines of at most `width` columns, at spaces where there are any, but not
/// between a figure and its unit.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let (width, mut lines, mut line) = (width.max(1), Vec::new(), String::new());
    for word in words(text) {
        let taken = line.chars().count();
        if taken > 0 && taken + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        } else if taken > 0 {
            line.push(' ');
        }
        push_long(&mut lines, &mut line, word, width);
    }
    lines.push(line);
    lines
}

/// The words of a text; `200 ms` is one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let ends = text.match_indices(' ').map(|(at, _)| at);
        let end = ends.into_iter().find(|at| !is_before_unit(text, *at));
        rest = end.map(|end| &text[end + 1..]);
        Some(end.map_or(text, |end| &text[..end]))
    })
}

fn is_before_unit(text: &str, space: usize) -> bool {
    let unit = text[space + 1..].split(|c: char| !c.is_alphabetic()).next();
    text[..space].ends_with(|c: char| c.is_ascii_digit())
        && matches!(unit, Some("µs" | "ms" | "s" | "B"))
}

/// Appends a word, cutting it where it is longer than a line.
fn push_long(lines: &mut Vec<String>, line: &mut String, word: &str, width: usize) {
    let mut room = width.saturating_sub(line.chars().count());
    for c in word.chars() {
        if room == 0 {
            lines.push(std::mem::take(line));
            room = width;
        }
        line.push(c);
        room -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_and_tricks_become_visible() {
        let cases = [
            ("plain text", "plain text"),
            ("220 ready\r\n", "220 ready\\r\\n"),
            ("\u{1b}[2J", "\\x1b[2J"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{7f}\0", "\\x7f\\x00"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
            ("naïve 漢字 ✓", "naïve 漢字 ✓"),
            ("back\\slash", "back\\slash"),
        ];
        for (raw, shown) in cases {
            assert_eq!(escape(raw), shown);
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_shown_in_hex() {
        assert_eq!(escape_bytes(b"\xff\xfeok\x00"), "\\xff\\xfeok\\x00");
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_cuts_long_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("RTO 200 ms, b", 9), ["RTO", "200 ms, b"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 5), [""]);
    }

    proptest! {
        #[test]
        fn no_escaped_byte_can_drive_a_terminal(bytes: Vec<u8>) {
            let shown = escape_bytes(&bytes);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_invisible(c)), "{shown:?}");
        }

        #[test]
        fn no_wrapped_line_is_too_wide(text in "[a-z ]{0,80}", width in 1_usize..20) {
            for line in wrap(&text, width) {
                prop_assert!(line.chars().count() <= width, "{line:?}");
            }
        }
    }
}
