//! The rules of the sources (DESIGN §2), read from the sources: imports point down, `unsafe` and
//! each foreign crate stay where they belong, the library does not print, every file says what it
//! is.
//!
//! Works on tokens, so that comments and strings may say what code may not.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, lowest first. A module may use its own layer and those before it.
const LAYERS: &[&[&str]] = &[
    &[
        "error", "failure", "event", "run", "deadline", "time", "addr",
    ],
    &["policy", "stats"],
    &["net", "resolve", "io"],
    &["dial", "heartbeat", "listen"],
];

/// Foreign crates that one file keeps from the others, so that an upgrade changes one file. A path
/// that ends in `/` means any one file below it.
const KEPT: &[(&str, &str)] = &[
    ("hickory_resolver", "resolve/wire.rs"),
    ("ring", "resolve/dnssec/crypto.rs"),
    ("hyper", "resolve/policy/etcd.rs"),
    ("tokio_rustls", "net/tls/library.rs"),
    ("rustls_native_certs", "net/tls/library.rs"),
    ("x509_parser", "net/tls/certificate.rs"),
    ("rcgen", "net/tls/server/self_signed.rs"),
    ("quinn", "net/quic.rs"),
    ("h2", "net/http2.rs"),
    ("h3", "resolve/h3.rs"),
    ("h3_quinn", "resolve/h3.rs"),
    ("ipnet", "addr/"),
    ("toml", "resolve/policy/document.rs"),
    ("comfy_table", "bin/netkit/output/table.rs"),
    ("indicatif", "bin/netkit/output/progress.rs"),
];

/// The only place for `unsafe`.
const UNSAFE: &str = "net/sys";

/// What runs on a schedule or measures time: setting the wall clock must change nothing there.
const MONOTONIC: &[&str] = &["heartbeat/", "policy/", "stats/", "dial/", "deadline.rs"];

/// The names of the wall clock, and of libraries that read it.
const WALL_CLOCKS: &[&str] = &[
    "SystemTime",
    "UNIX_EPOCH",
    "jiff",
    "chrono",
    "CLOCK_REALTIME",
];

/// What prints; only the binary may.
const PRINTS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

#[test]
fn the_sources_keep_their_rules() {
    let files = sources();
    let found = violations(&files);
    assert!(found.is_empty(), "{}", listed(&found));
    for name in LAYERS.iter().copied().flatten() {
        let exists = files.iter().any(|file| file.module() == Some(name));
        assert!(
            exists,
            "the layer table names `{name}`, which does not exist"
        );
    }
}

/// A source file below `src`.
struct Source {
    path: String,
    text: String,
}

/// A broken rule.
#[derive(Debug, PartialEq)]
struct Violation {
    path: String,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}: {}", self.path, self.rule)
    }
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let (path, text) = (path.to_owned(), text.to_owned());
        Self { path, text }
    }

    fn is_library(&self) -> bool {
        !self.path.starts_with("bin/")
    }

    /// The top-level module that the file belongs to; none for `lib.rs` and the binary.
    fn module(&self) -> Option<&str> {
        let first = self.path.split('/').next()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (self.is_library() && name != "lib").then_some(name)
    }

    /// How many modules deep the file is: 1 for `time.rs` and `net/mod.rs`, 2 for `net/udp.rs`.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") {
            parts - 1
        } else {
            parts
        }
    }
}

fn violations(files: &[Source]) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files {
        let tokens = tokens(&file.text);
        let mut rules = imports(file, &tokens);
        rules.extend(words(file, &tokens));
        rules.extend(header(&file.text));
        let path = || file.path.clone();
        found.extend(
            rules
                .into_iter()
                .map(|rule| Violation { path: path(), rule }),
        );
    }
    found.extend(kept(files));
    found
}

/// Imports that point up, and modules that no layer claims.
fn imports(file: &Source, tokens: &[&str]) -> Vec<String> {
    let Some(module) = file.module() else {
        return Vec::new();
    };
    let Some(own) = layer(module) else {
        return vec![format!("`{module}` is in no layer; add it to the table")];
    };
    let upward = |name: &&str| layer(name).is_some_and(|other| other > own);
    let names = top_level_names(tokens, file.depth());
    let up = names.into_iter().filter(upward);
    up.map(|name| format!("imports `{name}`, which is above `{module}`"))
        .collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The modules of the crate's root that the tokens name: after `crate::`, in `crate::{…}`, or
/// after as many `super::` as it takes to get there.
fn top_level_names<'a>(tokens: &[&'a str], depth: usize) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut supers = 0;
    for (at, token) in tokens.iter().enumerate() {
        let rest = &tokens[at + 1..];
        match (*token, rest) {
            ("super", ["::", ..]) => supers += 1,
            ("::", _) => {}
            ("crate", ["::", "{", group @ ..]) => names.extend(heads(group)),
            ("crate", ["::", name, ..]) => names.push(*name),
            _ => {
                if supers >= depth {
                    names.push(*token);
                }
                supers = 0;
            }
        }
    }
    names
}

/// The first names of the entries of a `{…}` group whose opening brace has been read.
fn heads<'a>(group: &[&'a str]) -> Vec<&'a str> {
    let mut names = Vec::new();
    let (mut nested, mut fresh) = (0_usize, true);
    for token in group {
        match *token {
            "}" if nested == 0 => break,
            "{" => nested += 1,
            "}" => nested -= 1,
            "," if nested == 0 => fresh = true,
            name if fresh => {
                names.push(name);
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// Words that do not belong in the file.
fn words(file: &Source, tokens: &[&str]) -> Vec<String> {
    let mut rules = Vec::new();
    if !file.path.starts_with(UNSAFE) && tokens.contains(&"unsafe") {
        rules.push(format!("`unsafe` outside {UNSAFE}"));
    }
    if MONOTONIC.iter().any(|place| file.path.starts_with(place)) {
        let clocks = WALL_CLOCKS.iter().filter(|clock| tokens.contains(*clock));
        rules.extend(
            clocks.map(|clock| format!("`{clock}` in what a clock that is set must not touch")),
        );
    }
    let macros = tokens.windows(2).filter(|pair| pair[1] == "!");
    for name in macros.map(|pair| pair[0]) {
        if file.is_library() && PRINTS.contains(&name) {
            rules.push(format!("the library prints (`{name}!`)"));
        }
    }
    rules
}

fn header(text: &str) -> Option<String> {
    let missing = !text.trim_start().starts_with("//!");
    missing.then(|| "does not begin with a `//!` header".to_owned())
}

/// Foreign crates outside the one file that keeps them.
fn kept(files: &[Source]) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, place) in KEPT {
        let users = files.iter().filter(|file| names_crate(file, name));
        let mut allowed = None;
        for file in users {
            let fits = match place.strip_suffix('/') {
                Some(_) => file.path.starts_with(place),
                None => file.path == *place,
            };
            if !fits || *allowed.get_or_insert(&file.path) != &file.path {
                let (path, rule) = (
                    file.path.clone(),
                    format!("`{name}` belongs in {place} alone"),
                );
                found.push(Violation { path, rule });
            }
        }
    }
    found
}

/// Whether the file names a foreign crate, as opposed to a module of the same name.
fn names_crate(file: &Source, name: &str) -> bool {
    let tokens = tokens(&file.text);
    let own = |at: usize| at > 0 && matches!(tokens[at - 1], "::" | "mod" | ".");
    let path = |at: usize| {
        let after_use = at > 0 && tokens[at - 1] == "use";
        after_use || tokens.get(at + 1) == Some(&"::")
    };
    (0..tokens.len()).any(|at| tokens[at] == name && !own(at) && path(at))
}

/// The words and punctuation of Rust source text, without comments, strings and characters.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or_else(|| {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let length = match rest {
                _ if word(first) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
                _ if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            tokens.push(&rest[..length]);
            length
        });
        rest = &rest[length..];
    }
    tokens
}

/// The length of what is not code at the start of the text: space, comment, string, character.
fn skipped(text: &str) -> Option<usize> {
    let end = |found: Option<usize>, extra: usize| found.map_or(text.len(), |at| at + extra);
    let first = text.chars().next()?;
    let raw = text.trim_start_matches('b').strip_prefix('r');
    if first.is_whitespace() {
        Some(first.len_utf8())
    } else if text.starts_with("//") {
        Some(end(text.find('\n'), 1))
    } else if text.starts_with("/*") {
        Some(end(text.find("*/"), 2))
    } else if let Some(raw) = raw.filter(|raw| raw.trim_start_matches('#').starts_with('"')) {
        let hashes = &raw[..raw.find('"')?];
        let body = text.len() - raw.len() + hashes.len() + 1;
        let close = format!("\"{hashes}");
        Some(end(text[body..].find(&close), close.len()).min(text.len() - body) + body)
    } else if let Some(quoted) = text.strip_prefix('"') {
        Some(1 + escaped(quoted, '"').unwrap_or(quoted.len()))
    } else {
        character(text)
    }
}

/// The length of a character literal, which a lifetime is not.
fn character(text: &str) -> Option<usize> {
    let quoted = text.strip_prefix('\'')?;
    let plain = quoted.chars().next()?;
    if plain == '\\' {
        return escaped(quoted, '\'').map(|length| length + 1);
    }
    quoted[plain.len_utf8()..]
        .starts_with('\'')
        .then(|| plain.len_utf8() + 2)
}

/// The length up to and with the closing quote, past escapes.
fn escaped(text: &str, quote: char) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return Some(at + 1);
        }
    }
    None
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.map(|entry| entry.expect("a folder can be listed").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(read(&root, &path));
            }
        }
    }
    assert!(files.len() > 30, "only {} sources found", files.len());
    files
}

fn read(root: &Path, path: &PathBuf) -> Source {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let below = path.strip_prefix(root).expect("it was found there");
    Source::new(&below.to_string_lossy(), &text)
}

fn listed(found: &[Violation]) -> String {
    let lines: Vec<_> = found.iter().map(Violation::to_string).collect();
    lines.join(
        "
",
    )
}

/// The rules broken by one file of this text.
fn broken(path: &str, code: &str) -> String {
    let file = Source::new(path, &format!("//! Header.\n{code}"));
    listed(&violations(&[file]))
}

#[test]
fn an_import_that_points_up_is_found_however_it_is_written() {
    for (path, code) in [
        ("stats/mod.rs", "use crate::dial::Report;"),
        (
            "stats/mod.rs",
            "use crate::{time::{Millis, A}, dial::Report};",
        ),
        ("stats/mod.rs", "fn f() -> crate::dial::Report {}"),
        ("stats/mod.rs", "use super::dial::Report;"),
        ("stats/histogram.rs", "use super::super::dial::Report;"),
    ] {
        let expected = format!("src/{path}: imports `dial`, which is above `stats`");
        assert_eq!(broken(path, code), expected, "{code}");
    }
}

#[test]
fn an_import_that_points_down_or_stays_is_no_violation() {
    for (path, code) in [
        (
            "dial/mod.rs",
            "use crate::{failure::Failure, stats::Latency};",
        ),
        ("net/udp.rs", "use super::dial::Report; use crate::io::Io;"),
        (
            "addr/mod.rs",
            "// use crate::dial\n/* crate::dial */ const A: &str = \"crate::dial\";",
        ),
        (
            "addr/mod.rs",
            "const A: &str = r#\"a\" crate::dial\"#; const B: char = '\"';",
        ),
        (
            "addr/mod.rs",
            "fn f<'a>(a: &'a str) -> char { '\\'' } // unsafe",
        ),
        (
            "bin/netkit/main.rs",
            "fn main() { println!(\"{}\", crate::dial::run()) }",
        ),
    ] {
        assert_eq!(broken(path, code), "", "{code}");
    }
}

#[test]
fn every_other_rule_can_fail_too() {
    for (path, code, rule) in [
        (
            "new/mod.rs",
            "",
            "`new` is in no layer; add it to the table",
        ),
        ("net/udp.rs", "unsafe { f() }", "`unsafe` outside net/sys"),
        (
            "heartbeat/log.rs",
            "let now = std::time::SystemTime::now();",
            "`SystemTime` in what a clock that is set must not touch",
        ),
        (
            "dial/mod.rs",
            "println!()",
            "the library prints (`println!`)",
        ),
        (
            "dial/mod.rs",
            "std::eprintln!()",
            "the library prints (`eprintln!`)",
        ),
        (
            "net/udp.rs",
            "use ipnet::IpNet;",
            "`ipnet` belongs in addr/ alone",
        ),
        (
            "bin/netkit/a.rs",
            "use comfy_table as t;",
            "`comfy_table` belongs in bin/netkit/output/table.rs alone",
        ),
    ] {
        assert_eq!(broken(path, code), format!("src/{path}: {rule}"), "{code}");
    }
    let bare = Source::new("time.rs", "use std::fmt;");
    let found = violations(&[bare]);
    assert_eq!(
        listed(&found),
        "src/time.rs: does not begin with a `//!` header"
    );
    let two = ["addr/a.rs", "addr/b.rs"].map(|path| Source::new(path, "//! A.\nuse ipnet::IpNet;"));
    assert_eq!(
        listed(&violations(&two)),
        "src/addr/b.rs: `ipnet` belongs in addr/ alone"
    );
}
