//! The forms of what goes into a DNS message: classes, opcodes, cookies, options.
//!
//! Separate from the other values because their words are the registries of the DNS.

use netkit::resolve::edns::{Cookie, EdnsOption, OptionError, Subnet};
use netkit::resolve::registry::{Class, Opcode, UnknownCode};

use super::values::{Parsed, ValueError};

/// The error of a registry in the house form.
fn unknown(error: &UnknownCode) -> ValueError {
    let nearest = error.nearest.map(|nearest| format!(", such as {nearest}"));
    ValueError::new(
        format!("`{}` is no {}", error.word, error.kind),
        format!(
            "the name of a known {}{}, or its number as {}",
            error.kind,
            nearest.unwrap_or_default(),
            error.numeric
        ),
    )
}

/// Reads a class.
pub(crate) fn class(text: &str) -> Parsed<Class> {
    text.parse().map_err(|error| unknown(&error))
}

/// Reads an opcode; it has four bits.
pub(crate) fn opcode(text: &str) -> Parsed<Opcode> {
    let opcode: Opcode = text.parse().map_err(|error| unknown(&error))?;
    if opcode.0 > 15 {
        let message = format!("`{text}` has more than four bits");
        return Err(ValueError::new(message, "an opcode from 0 to 15"));
    }
    Ok(opcode)
}

/// Reads a cookie; nothing stands for a new one.
pub(crate) fn cookie(text: &str) -> Parsed<Cookie> {
    if text.is_empty() {
        return Ok(Cookie::random());
    }
    let bytes = super::bytes::hex(text)?;
    Cookie::from_bytes(&bytes).ok_or_else(|| {
        let message = format!("`{text}` has {} octets", bytes.len());
        ValueError::new(
            message,
            "our 8 octets, or 16 to 40 with the server's half, in hexadecimal digits",
        )
    })
}

/// Reads a client subnet.
pub(crate) fn subnet(text: &str) -> Parsed<Subnet> {
    text.parse().map_err(|form: &str| {
        let form = form.strip_prefix("a subnet is ").unwrap_or(form);
        ValueError::new(format!("`{text}` is no subnet"), form)
    })
}

/// Reads an option.
pub(crate) fn edns_option(text: &str) -> Parsed<EdnsOption> {
    text.parse().map_err(|error| match error {
        OptionError::Code(code) => {
            let mut value = unknown(&code);
            "the code of an option as a number, or its name, and `:` and hexadecimal digits if it has data"
                .clone_into(&mut value.expected);
            value
        }
        other => ValueError::new(other.to_string(), "CODE or CODE:HEX, such as 65001:00ff"),
    })
}
