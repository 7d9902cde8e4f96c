//! `netkit demo`: every finished subcommand against servers of our own on loopback.
//!
//! The commands are child processes of this very binary, so what is shown is what a user gets. No
//! root, no internet, no configuration; the servers are threads with blocking sockets, because a
//! demonstration must not depend on the code it demonstrates.

mod servers;
mod zones;

use std::io::{self, BufRead as _, Read as _};
use std::process::Command;
use std::time::Instant;

use netkit::time::Millis;

use crate::exit::Exit;
use crate::output::style::Tone;
use crate::output::{Out, View};
use servers::Servers;

/// A question, the command that answers it, and how it must end. `{name}` stands for the address of
/// a server.
struct Step(&'static str, Exit, &'static [&'static str]);

const STEPS: &[Step] = &[
    Step(
        "Can I reach it, and how long does it take?",
        Exit::Success,
        &["dial", "{echo}"],
    ),
    Step(
        "And if nothing listens there: who says no?",
        Exit::Peer,
        &["dial", "{closed}"],
    ),
    Step(
        "A name with an IPv6 address where nobody answers: which address wins?",
        Exit::Success,
        &[
            "dial",
            "demo.netkit.test:{echo_port}",
            "--ns",
            "{name_server}",
        ],
    ),
    Step(
        "Does it speak, and what does it say first?",
        Exit::Success,
        &["dial", "{greeter}", "--banner", "--expect-regex", "^220 "],
    ),
    Step(
        "It greets in clear: what becomes of a TLS handshake there?",
        Exit::Tls,
        &["dial", "tls://{greeter}", "--insecure"],
    ),
    Step(
        "Does anything come back over UDP?",
        Exit::Success,
        &["dial", "--udp", "{udp_echo}", "--send", r"ping\n"],
    ),
    Step(
        "And from a service that stays silent? Silence is not success.",
        Exit::Silence,
        &["dial", "udp://{udp_silent}", "--timeout", "300ms"],
    ),
    Step(
        "How does the connect time spread?",
        Exit::Success,
        &["dial", "{echo}", "--count", "5", "--interval", "50ms"],
    ),
    Step(
        "What is open?",
        Exit::Peer,
        &["dial", "127.0.0.1:{echo_port},{greeter_port},{closed_port}"],
    ),
    Step(
        "Wait until it is there, then go on.",
        Exit::Success,
        &[
            "dial",
            "{late}",
            "--wait",
            "5s",
            "--",
            "echo",
            "the service is there",
        ],
    ),
    Step(
        "The same for a script: one line of JSON.",
        Exit::Success,
        &[
            "dial", "{echo}", "--send", r"hello\n", "--expect", "hello", "--json",
        ],
    ),
    Step(
        "Does it stay up? A beat on one connection every 100 ms.",
        Exit::Success,
        &[
            "heartbeat",
            "{echo}",
            "--probe",
            "echo",
            "--interval",
            "100ms",
            "--count",
            "5",
        ],
    ),
    Step(
        "And when it is down: since when, why, how soon was that noticed?",
        Exit::Peer,
        &[
            "heartbeat",
            "{closed}",
            "--interval",
            "50ms",
            "--count",
            "4",
        ],
    ),
    Step(
        "What is this address, and what is inside it?",
        Exit::Success,
        &["parse-addr", "2002:c000:204::1"],
    ),
    Step(
        "Is this one? If not, why not?",
        Exit::Peer,
        &["parse-addr", "10.0.0.01"],
    ),
    Step(
        "What is left of a network without some of it?",
        Exit::Success,
        &["parse-addr", "10.0.0.0/24", "--exclude", "10.0.0.64/26"],
    ),
    Step(
        "What does that name server say?",
        Exit::Success,
        &["resolve", "demo.netkit.test", "@{name_server}"],
    ),
    Step(
        "Its UDP port is closed, and dig gives up. Is the answer to be had all the same?",
        Exit::Success,
        &["resolve", "demo.netkit.test", "A", "@{tcp_name_server}"],
    ),
    Step(
        "And if no name server listens there?",
        Exit::Resolve,
        &["resolve", "demo.netkit.test", "A", "@{closed}"],
    ),
    Step(
        "Is the answer signed, and does the chain hold?",
        Exit::Success,
        &[
            "resolve",
            "signed.test",
            "A",
            "@{signed}",
            "--dnssec",
            "--trust-anchor",
            "{anchor}",
        ],
    ),
    Step(
        "And here: which link is broken?",
        Exit::Expectation,
        &[
            "resolve",
            "expired.test",
            "A",
            "@{signed}",
            "--dnssec",
            "--trust-anchor",
            "{anchor}",
        ],
    ),
    Step(
        "Who delegates to whom, from the root down?",
        Exit::Success,
        &[
            "resolve",
            "demo.netkit.test",
            "A",
            "--trace",
            "--roots",
            "{root}",
        ],
    ),
];

/// A question, a server of ours, a client, and how the client must end. The server serves one
/// connection; `{served}` stands for its address.
struct Served(
    &'static str,
    &'static [&'static str],
    Exit,
    &'static [&'static str],
);

const SERVED: &[Served] = &[
    Served(
        "Be the other end: what did the client do?",
        &["listen", "127.0.0.1:0", "--once", "--dump", "--syn"],
        Exit::Success,
        &[
            "dial", "{served}", "--send", r"hello\n", "--expect", "hello",
        ],
    ),
    Served(
        "What does a client say when the server resets after ten bytes?",
        &["listen", "127.0.0.1:0", "--once", "--fault", "rst-after=10"],
        Exit::Peer,
        &[
            "dial",
            "{served}",
            "--send",
            "0123456789abcdef",
            "--expect",
            "abcdef",
        ],
    ),
    Served(
        "Stand between a client and its server, and make the way long.",
        &[
            "listen",
            "127.0.0.1:0",
            "--once",
            "--forward",
            "{echo}",
            "--fault",
            "up:delay=50ms",
        ],
        Exit::Success,
        &[
            "dial", "{served}", "--send", r"hello
", "--expect", "hello",
        ],
    ),
    Served(
        "And keep what passes, while a shadow hears it too.",
        &[
            "listen",
            "127.0.0.1:0",
            "--once",
            "--forward",
            "{echo}",
            "--mirror",
            "{greeter}",
            "--record",
            "{record}",
        ],
        Exit::Success,
        &[
            "dial", "{served}", "--send", r"hello\n", "--expect", "hello",
        ],
    ),
    Served(
        "The same words to another server: does it answer as that one did?",
        &["listen", "127.0.0.1:0", "--once", "--greet", r"hullo\n"],
        Exit::Expectation,
        &["dial", "{served}", "--replay", "{record}", "--replay-fast"],
    ),
    Served(
        "And over TLS, by a certificate made up for it.",
        &["listen", "127.0.0.1:0", "--once", "--tls-self-signed"],
        Exit::Success,
        &[
            "dial",
            "tls://{served}",
            "--insecure",
            "--send",
            r"hello\n",
            "--expect",
            "hello",
            "--shutdown-write",
        ],
    ),
];

/// Runs all steps. Succeeds only if each ended as it should.
pub(crate) fn run(view: &View) -> io::Result<Exit> {
    let begun = Instant::now();
    let servers = Servers::start()?;
    let mut out = Out::default();
    let mut as_expected = 0;
    for step in STEPS {
        if run_step(step, &servers, view, &mut out)? {
            as_expected += 1;
        }
    }
    for served in SERVED {
        as_expected += run_served(served, &servers, view, &mut out)?;
    }
    let (all, took) = (STEPS.len() + 2 * SERVED.len(), Millis(begun.elapsed()));
    let tone = if as_expected == all {
        Tone::Good
    } else {
        Tone::Bad
    };
    let text = format!("{as_expected} of {all} commands ended as they should, in {took}");
    let _ = out.write(&format!("\n{}\n", view.paint(tone, &text)));
    if let Some(error) = out.failure() {
        return Err(io::Error::new(error.kind(), error.to_string()));
    }
    let done = as_expected == all || out.is_closed();
    Ok(if done { Exit::Success } else { Exit::Peer })
}

/// Shows a command, runs it, and says whether it ended as it should.
fn run_step(step: &Step, servers: &Servers, view: &View, out: &mut Out) -> io::Result<bool> {
    let Step(question, expected, words) = step;
    let words: Vec<_> = words.iter().map(|word| servers.fill(word)).collect();
    if out.write(&announce(question, &words, view)).is_break() {
        return Ok(false);
    }
    let status = this_program(&words, view)?.status()?;
    if status.code() == Some(expected.code().into()) {
        return Ok(true);
    }
    let text = format!("expected status {}, got {status}", expected.code());
    let _ = out.write(&format!("{}\n", view.paint(Tone::Bad, &text)));
    Ok(false)
}

/// Shows a server and its client, runs both, and says how many of the two ended as they should.
fn run_served(served: &Served, servers: &Servers, view: &View, out: &mut Out) -> io::Result<usize> {
    let Served(question, listen, expected, client) = served;
    let words: Vec<_> = listen.iter().map(|word| servers.fill(word)).collect();
    if out.write(&announce(question, &words, view)).is_break() {
        return Ok(0);
    }
    let mut child = this_program(&words, view)?
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let mut lines = io::BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 && !line.starts_with("listening") {
        let _ = out.write(&std::mem::take(&mut line));
    }
    let _ = out.write(&line);
    let addr = line.split([' ', ',']).nth(2).unwrap_or_default();
    let words: Vec<_> = client
        .iter()
        .map(|word| servers.fill(&word.replace("{served}", addr)))
        .collect();
    let _ = out.write(&command(&words, view));
    let status = this_program(&words, view)?.status()?;
    let mut rest = String::new();
    lines.read_to_string(&mut rest)?;
    let served = child.wait()?.success();
    let _ = out.write(&rest);
    let client = status.code() == Some(expected.code().into());
    Ok(usize::from(served) + usize::from(client))
}

/// This very program, with as little colour as the demonstration itself.
fn this_program(words: &[String], view: &View) -> io::Result<Command> {
    let mut program = Command::new(std::env::current_exe()?);
    program.args(words);
    if !view.colour {
        program.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE");
    }
    Ok(program)
}

fn announce(question: &str, words: &[String], view: &View) -> String {
    let question = view.paint(Tone::Dim, &format!("# {question}"));
    format!("\n{question}\n{}", command(words, view))
}

/// A command line, as a shell would take it.
fn command(words: &[String], view: &View) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    let command = format!("$ netkit {}", words.join(" "));
    format!("{}\n", view.paint(Tone::Strong, &command))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell_only_where_they_must_be() {
        assert_eq!(quoted("127.0.0.1:80"), "127.0.0.1:80");
        assert_eq!(quoted("^220 "), "'^220 '");
        assert_eq!(quoted(r"ping\n"), r"'ping\n'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
