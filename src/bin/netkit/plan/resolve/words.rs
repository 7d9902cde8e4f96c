//! Which word is what: names, addresses, types, classes and @servers in any order.
//!
//! A word that is a type is a type, unless no name would be left: then the first such word is the
//! name. dig decides word by word and takes `dig mx` for the root's MX; here a question without a
//! name is never what was meant.

use std::net::IpAddr;

use netkit::resolve::NameServer;
use netkit::resolve::command::Question;
use netkit::resolve::wire::RecordType;

use super::Group;
use crate::args::QueryArgs;
use crate::usage::UsageError;

/// The words by what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) subjects: Vec<Subject>,
    /// Types that were named, each once.
    pub(super) types: Vec<RecordType>,
    /// What is asked without a type.
    pub(super) defaults: Vec<RecordType>,
    pub(super) servers: Vec<NameServer>,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Name(String),
    Address(IpAddr),
}

/// What dig writes with a plus, and the flag that does it here.
const PLUS: &[(&str, &str)] = &[
    ("+tcp", "--tcp"),
    ("+vc", "--tcp"),
    ("+short", "--short"),
    ("+json", "--json"),
    ("+notcp", "--no-tcp-fallback"),
    ("+ignore", "--no-tcp-fallback"),
    ("+trace", "--trace"),
    ("+dnssec", "--dnssec"),
    ("+norec", "--no-rd"),
    ("+norecurse", "--no-rd"),
    ("+noedns", "--no-edns"),
    ("+time", "--timeout"),
    ("+timeout", "--timeout"),
    ("+tries", "--tries"),
    ("+subnet", "--subnet"),
    ("+nsid", "--nsid"),
    ("+cd", "--cd"),
];

/// Sorts the words. With a list of names a word that is a type is never the name.
pub(super) fn sort(args: &QueryArgs, has_list: bool) -> Result<Words, UsageError> {
    let mut words = Words {
        defaults: defaults(args),
        ..Words::default()
    };
    let mut type_like = Vec::new();
    for word in &args.words {
        if let Some(server) = word.strip_prefix('@') {
            words.servers.push(server_of(word, server)?);
        } else if word.starts_with('+') {
            return Err(plus(word));
        } else if let Ok(ip) = word.parse() {
            words.subjects.push(Subject::Address(ip));
        } else if let Ok(rtype) = rtype(word) {
            type_like.push((word, rtype));
        } else {
            words.subjects.push(Subject::Name(word.clone()));
        }
    }
    words
        .subjects
        .extend(args.names.iter().cloned().map(Subject::Name));
    words
        .subjects
        .extend(args.reverse.iter().copied().map(Subject::Address));
    let mut types = type_like.into_iter();
    if words.subjects.is_empty()
        && !has_list
        && let Some((word, _)) = types.next()
    {
        words.subjects.push(Subject::Name(word.clone()));
    }
    let flagged = args
        .types
        .iter()
        .map(|word| rtype(word).map_err(|error| bad_type(word, &error)));
    let flagged = flagged.collect::<Result<Vec<_>, _>>()?;
    for rtype in types.map(|(_, rtype)| rtype).chain(flagged) {
        if !words.types.contains(&rtype) {
            words.types.push(rtype);
        }
    }
    Ok(words)
}

/// What is asked about a name without a type.
fn defaults(args: &QueryArgs) -> Vec<RecordType> {
    match (args.ipv4, args.ipv6) {
        (true, false) => vec![RecordType::A],
        (false, true) => vec![RecordType::AAAA],
        _ => vec![RecordType::A, RecordType::AAAA],
    }
}

/// The questions, name by name.
pub(super) fn groups(words: &Words) -> Result<Vec<Group>, UsageError> {
    if words.subjects.is_empty() {
        return Err(UsageError::new("nothing was asked", "a name or an address"));
    }
    words
        .subjects
        .iter()
        .map(|subject| group(subject, words))
        .collect()
}

fn group(subject: &Subject, words: &Words) -> Result<Group, UsageError> {
    let any = words.types.is_empty();
    let types = if any { &words.defaults } else { &words.types };
    let questions = match subject {
        Subject::Address(ip) if any => vec![Question::reverse(*ip, RecordType::PTR)],
        Subject::Address(ip) => types
            .iter()
            .map(|rtype| Question::reverse(*ip, *rtype))
            .collect(),
        Subject::Name(name) => {
            let ask = |rtype: &RecordType| {
                Question::new(name, *rtype).map_err(|error| bad_name(name, &error))
            };
            types.iter().map(ask).collect::<Result<Vec<_>, _>>()?
        }
    };
    Ok(Group { questions, any })
}

fn server_of(word: &str, server: &str) -> Result<NameServer, UsageError> {
    server.parse().map_err(|error: netkit::addr::ParseError| {
        let span = error.span.start + 1..error.span.end + 1;
        UsageError {
            message: error.message,
            typed: Some((word.to_owned(), span)),
            expected: Some(error.expected.clone()),
            suggestion: None,
            hint: None,
        }
    })
}

fn plus(word: &str) -> UsageError {
    let key = word.split('=').next().unwrap_or(word);
    let error = UsageError {
        typed: Some((word.to_owned(), 0..word.len())),
        ..UsageError::new(
            format!("{word} is an option of dig"),
            "an option that --help lists",
        )
    };
    match PLUS.iter().find(|(dig, _)| *dig == key) {
        Some((_, own)) => error.suggest(*own),
        None => error,
    }
}

fn bad_name(name: &str, error: &netkit::resolve::NameError) -> UsageError {
    UsageError {
        typed: Some((name.to_owned(), 0..name.len())),
        ..UsageError::new(
            format!("{name:?} is not a domain name: {error}"),
            "a name such as www.example.com",
        )
    }
}

/// Reads a type in any case.
fn rtype(word: &str) -> Result<RecordType, String> {
    word.parse()
        .map_err(|error: netkit::resolve::registry::UnknownCode| error.to_string())
}

fn bad_type(word: &str, error: &str) -> UsageError {
    UsageError::value(
        "--type",
        word,
        error,
        "a record type such as MX, or TYPE65280",
    )
}
