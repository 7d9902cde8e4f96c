//! Bytes as they are typed: text with C escapes, hexadecimal, an expression to match them.

use super::values::{Parsed, ValueError};

/// Reads text with C escapes into bytes.
pub(crate) fn c_text(text: &str) -> Parsed<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let offset = text.len() - rest.len() + at;
        let (byte, length) = escape(&rest.as_bytes()[at + 1..]).ok_or_else(|| {
            let expected = r"one of \n \r \t \0 \a \b \e \f \v \\ \' \xHH \NNN (octal)";
            let end = text.len().min(offset + 2);
            let end = (end..=text.len())
                .find(|end| text.is_char_boundary(*end))
                .unwrap_or(end);
            let message = format!("`{}` is not an escape", &text[offset..end]);
            ValueError::new(message, expected).at(offset..end)
        })?;
        bytes.push(byte);
        rest = &rest[at + 1 + length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// One escape behind its backslash: its byte, and how many bytes it takes up.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let simple = match *text.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 0x07,
        b'b' => 0x08,
        b'e' => 0x1b,
        b'f' => 0x0c,
        b'v' => 0x0b,
        byte @ (b'\\' | b'\'' | b'"' | b'?') => byte,
        b'x' => return number(&text[1..], 2, 16).map(|(byte, length)| (byte, length + 1)),
        b'0'..=b'7' => return number(text, 3, 8),
        _ => return None,
    };
    Some((simple, 1))
}

/// Up to `most` digits of `radix` as one byte.
fn number(text: &[u8], most: usize, radix: u32) -> Option<(u8, usize)> {
    let digits = text
        .iter()
        .take(most)
        .take_while(|byte| char::from(**byte).is_digit(radix))
        .count();
    let digits = std::str::from_utf8(&text[..digits]).ok()?;
    Some((u8::from_str_radix(digits, radix).ok()?, digits.len()))
}

/// Reads hexadecimal bytes; spaces, colons, commas, dashes and `0x` may stand between them.
pub(crate) fn hex(text: &str) -> Parsed<Vec<u8>> {
    let expected = "pairs of hexadecimal digits, such as `16030100` or `16:03:01`";
    let plain = text.replace("0x", "").replace("0X", "");
    let digits: Vec<u8> = plain
        .bytes()
        .filter(|byte| !b" :,-\t\n".contains(byte))
        .collect();
    if let Some(at) = text.char_indices().find(|(_, c)| !is_hex_or_separator(*c)) {
        let message = format!("`{}` is not a hexadecimal digit", at.1);
        return Err(ValueError::new(message, expected).at(at.0..at.0 + at.1.len_utf8()));
    }
    let pairs = digits
        .chunks(2)
        .map(|pair| number(pair, 2, 16).filter(|(_, length)| *length == 2));
    let bytes: Option<Vec<u8>> = pairs.map(|pair| pair.map(|(byte, _)| byte)).collect();
    bytes.ok_or_else(|| ValueError::new("a digit has no partner", expected))
}

fn is_hex_or_separator(c: char) -> bool {
    c.is_ascii_hexdigit() || " :,-\t\nxX".contains(c)
}

/// Reads a regular expression over bytes.
pub(crate) fn regex(text: &str) -> Parsed<regex::bytes::Regex> {
    regex::bytes::Regex::new(text).map_err(|error| {
        // The crate's text draws its own picture over several lines; its last line is the reason.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim();
        let reason = reason.trim_start_matches("error: ");
        ValueError::new(
            format!("not a regular expression: {reason}"),
            "a regular expression",
        )
    })
}
