//! clap's errors in the house form.
//!
//! clap knows what is wrong and where; its own rendering is replaced so that every usage error of
//! netkit looks the same and can be a line of JSON.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use netkit::addr::ParseError;

use super::values::ValueError;
use crate::usage::UsageError;

/// Words a clap error; `argv` is searched for the text at fault.
pub(crate) fn complaint(error: &clap::Error, argv: &[OsString]) -> UsageError {
    let context = Context { error };
    match error.kind() {
        ErrorKind::UnknownArgument => unknown_flag(&context, argv),
        ErrorKind::InvalidSubcommand => unknown_subcommand(&context),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => bad_value(&context),
        ErrorKind::MissingRequiredArgument => missing(&context),
        _ => other(error),
    }
}

struct Context<'a> {
    error: &'a clap::Error,
}

impl Context<'_> {
    fn text(&self, kind: ContextKind) -> Option<String> {
        match self.error.get(kind)? {
            ContextValue::String(text) => Some(text.clone()),
            ContextValue::Strings(texts) => Some(texts.join(", ")),
            _ => None,
        }
    }

    fn first(&self, kind: ContextKind) -> Option<String> {
        match self.error.get(kind)? {
            ContextValue::String(text) => Some(text.clone()),
            ContextValue::Strings(texts) => texts.first().cloned(),
            _ => None,
        }
    }
}

fn unknown_flag(context: &Context<'_>, argv: &[OsString]) -> UsageError {
    let flag = context.text(ContextKind::InvalidArg).unwrap_or_default();
    let typed = argv.iter().map(|word| word.to_string_lossy());
    let typed = typed
        .into_iter()
        .find(|word| word.starts_with(&flag))
        .map(|word| {
            let length = word.len();
            (word.into_owned(), 0..length)
        });
    let what = if flag.starts_with('-') {
        "option"
    } else {
        "argument"
    };
    UsageError {
        message: format!("there is no {what} {flag}"),
        typed,
        expected: Some("an option that --help lists".to_owned()),
        suggestion: context.first(ContextKind::SuggestedArg),
        hint: None,
    }
}

/// A flag or a word without which another means nothing.
fn missing(context: &Context<'_>) -> UsageError {
    let needed = context.text(ContextKind::InvalidArg).unwrap_or_default();
    UsageError::new(format!("{needed} is missing"), "it beside what was given")
}

fn unknown_subcommand(context: &Context<'_>) -> UsageError {
    let name = context
        .text(ContextKind::InvalidSubcommand)
        .unwrap_or_default();
    UsageError {
        message: format!("there is no subcommand {name}"),
        typed: Some((name.clone(), 0..name.len())),
        expected: Some("one that `netkit --help` lists".to_owned()),
        suggestion: context.first(ContextKind::SuggestedSubcommand),
        hint: None,
    }
}

fn bad_value(context: &Context<'_>) -> UsageError {
    let named = context.text(ContextKind::InvalidArg).unwrap_or_default();
    // clap names the flag with its placeholder: `--ttl <HOPS>`.
    let flag = named
        .split([' ', '=', '['])
        .next()
        .unwrap_or_default()
        .to_owned();
    let value = context.text(ContextKind::InvalidValue).unwrap_or_default();
    if let Some(error) = context
        .error
        .source()
        .and_then(|error| error.downcast_ref::<ValueError>())
    {
        let span = error.span.clone().unwrap_or(0..value.len());
        return UsageError::value_at(&flag, &value, span, &error.message, &error.expected);
    }
    if let Some(error) = context
        .error
        .source()
        .and_then(|error| error.downcast_ref::<ParseError>())
    {
        let (span, message) = (error.span.clone(), &error.message);
        return UsageError::value_at(&flag, &value, span, message, &error.expected);
    }
    let valid = context
        .text(ContextKind::ValidValue)
        .filter(|values| !values.is_empty());
    let expected = match valid {
        Some(values) => format!("one of {values}"),
        None => format!("a value, as in {named}"),
    };
    if value.is_empty() {
        return UsageError::new(format!("{flag} has no value"), expected);
    }
    let error = UsageError::value(&flag, &value, &format!("`{value}` is not known"), &expected);
    match context.first(ContextKind::SuggestedValue) {
        Some(suggestion) => error.suggest(suggestion),
        None => error,
    }
}

/// The rest (a flag given twice, a missing subcommand) in clap's words, without its dress.
fn other(error: &clap::Error) -> UsageError {
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    UsageError::new(line.trim_start_matches("error: "), "what --help describes")
}
