//! Which word is what: names, addresses, types, classes and @servers in any order.
//!
//! A word that is a type or a class is one, unless no name would be left: then the first such word is
//! the name. dig decides word by word and takes `dig mx` for the root's MX; here a question without a
//! name is never what was meant.

use std::net::IpAddr;

use netkit::resolve::NameServer;
use netkit::resolve::command::Question;
use netkit::resolve::registry::Class;
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
    /// The class that was named.
    pub(super) class: Option<Class>,
    pub(super) servers: Vec<NameServer>,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Name(String),
    Address(IpAddr),
}

/// Classes that are words of the command. ANY is a type, and NONE no class of questions.
const CLASSES: [Class; 3] = [Class::IN, Class::CH, Class::HS];

/// A word that has a meaning of its own, and may all the same be a name.
#[derive(Clone, Copy)]
enum Keyword {
    Type(RecordType),
    Class(Class),
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

/// Sorts the words. With a list of names a word that is a type or a class is never the name.
pub(super) fn sort(args: &QueryArgs, has_list: bool) -> Result<Words, UsageError> {
    let mut words = Words {
        defaults: defaults(args),
        ..Words::default()
    };
    let mut keywords = Vec::new();
    for word in &args.words {
        if let Some(server) = word.strip_prefix('@') {
            words.servers.push(server_of(word, server)?);
        } else if word.starts_with('+') {
            return Err(plus(word));
        } else if let Ok(ip) = word.parse() {
            words.subjects.push(Subject::Address(ip));
        } else if let Some(keyword) = keyword(word) {
            keywords.push((word, keyword));
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
    let mut keywords = keywords.into_iter();
    if words.subjects.is_empty()
        && !has_list
        && let Some((word, _)) = keywords.next()
    {
        words.subjects.push(Subject::Name(word.clone()));
    }
    for (_, keyword) in keywords {
        words.keyword(keyword)?;
    }
    for word in &args.types {
        let rtype = rtype(word).map_err(|error| bad_type(word, &error))?;
        words.keyword(Keyword::Type(rtype))?;
    }
    Ok(words)
}

impl Words {
    /// Takes a type once, and one class.
    fn keyword(&mut self, keyword: Keyword) -> Result<(), UsageError> {
        match keyword {
            Keyword::Type(rtype) if self.types.contains(&rtype) => {}
            Keyword::Type(rtype) => self.types.push(rtype),
            Keyword::Class(class) => return self.set_class(class),
        }
        Ok(())
    }

    /// The class of all questions; a second one contradicts it.
    pub(super) fn set_class(&mut self, class: Class) -> Result<(), UsageError> {
        match self.class.replace(class) {
            Some(other) if other != class => Err(UsageError::new(
                format!("two classes were named, {other} and {class}"),
                "one class for all questions",
            )),
            _ => Ok(()),
        }
    }
}

fn keyword(word: &str) -> Option<Keyword> {
    let class = || {
        let mut classes = CLASSES.into_iter();
        classes.find(|class| {
            class
                .mnemonic()
                .is_some_and(|name| name.eq_ignore_ascii_case(word))
        })
    };
    let rtype = rtype(word).ok().map(Keyword::Type);
    rtype.or_else(|| class().map(Keyword::Class))
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
