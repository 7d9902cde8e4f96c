//! TOML to rules; every fault with the line it stands in.
//!
//! The only file that knows the `toml` crate. Spans are kept until everything is checked: a rule that
//! parses may still contradict itself.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use crate::addr::Prefix;
use crate::resolve::DomainName;

use super::rules::{Order, Pattern, Rule, Rules, SWITCH_AFTER};

/// Why a text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, without a full stop.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            message,
        } = self;
        write!(f, "line {line}, column {column}: {message}")
    }
}

impl std::error::Error for Fault {}

impl FromStr for Rules {
    type Err = Fault;

    /// Reads a policy in TOML; see the module for its keys.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let message = error.message().trim_end_matches('.').replace('\n', ", ");
            fault(text, span, message)
        })?;
        let mut names = HashSet::new();
        let rules = written.rule.into_iter().map(|rule| {
            let span = rule.name.span();
            if !names.insert(rule.name.get_ref().clone()) {
                let message = format!("two rules are named {:?}", rule.name.get_ref());
                return Err(fault(text, span, message));
            }
            rule.checked(text)
        });
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }
}

/// The document as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    rule: Vec<WrittenRule>,
}

type Words = Vec<Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    name: Spanned<String>,
    #[serde(default)]
    regions: Words,
    #[serde(default)]
    names: Words,
    #[serde(default)]
    answers_in: Words,
    #[serde(default)]
    servers: Words,
    #[serde(default)]
    prefer: Words,
    #[serde(default)]
    avoid: Words,
    #[serde(default)]
    keep: Words,
    #[serde(default)]
    drop: Words,
    #[serde(default)]
    replace: Words,
    order: Option<Spanned<Order>>,
    switch_above: Option<Spanned<String>>,
    switch_after: Option<Spanned<u32>>,
    measure_port: Option<Spanned<u16>>,
    #[serde(default)]
    last: bool,
}

impl WrittenRule {
    fn checked(self, text: &str) -> Result<Rule, Fault> {
        self.contradiction()
            .map_or(Ok(()), |(span, message)| Err(fault(text, span, message)))?;
        let above = self.switch_above.as_ref();
        let above = above.map(|word| read(text, word, duration)).transpose()?;
        Ok(Rule {
            regions: self
                .regions
                .iter()
                .map(|word| read(text, word, region))
                .collect::<Result<_, _>>()?,
            names: all(text, &self.names, pattern)?,
            answers_in: all(text, &self.answers_in, network)?,
            servers: all(text, &self.servers, parse)?,
            prefer: all(text, &self.prefer, network)?,
            avoid: all(text, &self.avoid, network)?,
            keep: all(text, &self.keep, network)?,
            drop: all(text, &self.drop, network)?,
            replace: all(text, &self.replace, parse)?,
            order: self.order.map(Spanned::into_inner).unwrap_or_default(),
            switch_above: above,
            switch_after: self.switch_after.map_or(SWITCH_AFTER, Spanned::into_inner),
            measure_port: self.measure_port.map(Spanned::into_inner),
            last: self.last,
            name: self.name.into_inner().into(),
        })
    }

    /// What can never do anything, or cannot be known when it is needed.
    fn contradiction(&self) -> Option<(Range<usize>, String)> {
        let name = self.name.span();
        let say = |span: Range<usize>, text: &str| Some((span, text.to_owned()));
        if self.name.get_ref().trim().is_empty() {
            return say(name, "a rule needs a name: reports say which one acted");
        }
        let lists = [&self.servers, &self.prefer, &self.avoid, &self.keep];
        let lists = lists.into_iter().chain([&self.drop, &self.replace]);
        let idle = lists.into_iter().all(Vec::is_empty) && self.order.is_none() && !self.last;
        if idle {
            let what = "servers, prefer, avoid, keep, drop, replace, order or last";
            let text = format!("this rule does nothing: expected one of {what}");
            return Some((name, text));
        }
        if let (Some(first), false) = (self.servers.first(), self.answers_in.is_empty()) {
            let text = "servers are chosen before there is an answer: not with answers_in";
            return say(first.span(), text);
        }
        let choices = self.servers.len().max(self.prefer.len());
        match (&self.switch_above, &self.switch_after) {
            (Some(above), _) if choices < 2 => say(
                above.span(),
                "nothing to switch to: name two servers or preferred networks",
            ),
            (_, Some(after)) if choices < 2 => say(
                after.span(),
                "nothing to switch to: name two servers or preferred networks",
            ),
            (_, Some(after)) if *after.get_ref() == 0 => say(
                after.span(),
                "0 failures would switch away from a healthy line: at least 1",
            ),
            _ => self.idle_measuring(),
        }
    }

    fn idle_measuring(&self) -> Option<(Range<usize>, String)> {
        let port = self.measure_port.as_ref()?;
        if *port.get_ref() == 0 {
            return Some((port.span(), "port 0 cannot be connected to".to_owned()));
        }
        let by_latency = self
            .order
            .as_ref()
            .is_some_and(|o| *o.get_ref() == Order::Latency);
        let used = by_latency || self.prefer.len() > 1 && self.switch_above.is_some();
        let text = "nothing uses the measurement: order = \"latency\", or prefer with switch_above";
        (!used).then(|| (port.span(), text.to_owned()))
    }
}

type Read<T> = fn(&str) -> Result<T, String>;

fn all<T>(text: &str, words: &Words, read_word: Read<T>) -> Result<Vec<T>, Fault> {
    let words = words.iter();
    words.map(|word| read(text, word, read_word)).collect()
}

fn read<T>(text: &str, word: &Spanned<String>, read_word: Read<T>) -> Result<T, Fault> {
    read_word(word.get_ref()).map_err(|message| fault(text, word.span(), message))
}

fn parse<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

fn region(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a region needs a name".to_owned()),
        own => Ok(own.to_owned()),
    }
}

/// A network; an address alone is a network of one.
fn network(text: &str) -> Result<Prefix, String> {
    if let Ok(ip) = text.parse() {
        return Ok(Prefix::single(ip));
    }
    let prefix: Prefix = text.parse().map_err(|_| {
        format!("{text:?} is neither an address nor a network such as 192.0.2.0/24")
    })?;
    match prefix.masked() {
        masked if masked == prefix => Ok(prefix),
        masked => Err(format!("{text:?} has host bits: did you mean {masked}?")),
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    let (base, below) = match text.strip_prefix('*') {
        Some("") => return all_names(),
        Some(rest) => match rest.strip_prefix('.') {
            Some(base) => (base, true),
            None => {
                return Err(format!(
                    "{text:?}: a star stands for whole labels: `*.example`"
                ));
            }
        },
        None => (text, false),
    };
    if base.contains('*') {
        return Err(format!("{text:?}: only one star, at the front"));
    }
    let base = DomainName::parse(base).map_err(|reason| format!("{text:?}: {reason}"))?;
    Ok(Pattern { base, below })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "one arm of `pattern`, which fails"
)]
fn all_names() -> Result<Pattern, String> {
    let base = DomainName::root();
    Ok(Pattern { base, below: true })
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!(
            "{text:?} is not a duration: expected one such as \"80ms\""
        )),
    }
}

/// Places a fault in the text.
fn fault(text: &str, span: Range<usize>, message: String) -> Fault {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Fault {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message,
    }
}
