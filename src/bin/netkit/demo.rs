//! `netkit demo`: every finished subcommand against servers of our own on loopback.
//!
//! The commands are child processes of this very binary, so what is shown is what a user gets. No
//! root, no internet, no configuration; the servers are threads with blocking sockets, because a
//! demonstration must not depend on the code it demonstrates.

mod servers;

use std::io;
use std::process::Command;
use std::time::Instant;

use netkit::time::Millis;

use crate::exit::Exit;
use crate::output::style::Tone;
use crate::output::{Out, View};
use servers::Servers;

/// A command, the question it answers, and how it must end.
struct Step {
    question: &'static str,
    arguments: Vec<String>,
    status: u8,
}

/// Runs all steps. Succeeds only if each ended as it should.
pub(crate) fn run(view: &View) -> io::Result<Exit> {
    let begun = Instant::now();
    let servers = Servers::start()?;
    let steps = steps(&servers);
    let mut out = Out::default();
    let mut as_expected = 0;
    for step in &steps {
        let flow = out.write(&announce(step, view));
        if flow.is_break() {
            break;
        }
        let status = child(step)?;
        if status == Some(step.status) {
            as_expected += 1;
        } else {
            let status = status.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
            let text = format!("expected status {}, got {status}\n", step.status);
            let _ = out.write(&view.paint(Tone::Bad, &text));
        }
    }
    let took = Millis(begun.elapsed());
    let all = steps.len();
    let text = format!("\n{as_expected} of {all} commands ended as they should, in {took}\n");
    let tone = if as_expected == all {
        Tone::Good
    } else {
        Tone::Bad
    };
    let _ = out.write(&view.paint(tone, &text));
    if let Some(error) = out.failure() {
        return Err(io::Error::new(error.kind(), error.to_string()));
    }
    let done = as_expected == all || out.is_closed();
    Ok(if done { Exit::Success } else { Exit::Peer })
}

fn announce(step: &Step, view: &View) -> String {
    let words: Vec<_> = step.arguments.iter().map(|word| quoted(word)).collect();
    let command = format!("$ netkit {}", words.join(" "));
    format!(
        "\n{}\n{}\n",
        view.paint(Tone::Dim, &format!("# {}", step.question)),
        view.paint(Tone::Strong, &command)
    )
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn child(step: &Step) -> io::Result<Option<u8>> {
    let status = Command::new(std::env::current_exe()?)
        .args(&step.arguments)
        .status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()))
}

fn steps(servers: &Servers) -> Vec<Step> {
    let (echo, closed, late) = (servers.echo, servers.closed, servers.late);
    let step = |question, status: Exit, arguments: &[&str]| Step {
        question,
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        status: status.code(),
    };
    let ports = format!(
        "127.0.0.1:{},{},{}",
        echo.port(),
        servers.greeter.port(),
        closed.port()
    );
    vec![
        step(
            "Can I reach it, and how long does it take?",
            Exit::Success,
            &["dial", &echo.to_string()],
        ),
        step(
            "And if nothing listens there: who says no?",
            Exit::Peer,
            &["dial", &closed.to_string()],
        ),
        step(
            "A name with an IPv6 address where nobody answers: which address wins?",
            Exit::Success,
            &[
                "dial",
                &format!("demo.netkit.test:{}", echo.port()),
                "--ns",
                &servers.name_server.to_string(),
            ],
        ),
        step(
            "Does it speak, and what does it say first?",
            Exit::Success,
            &[
                "dial",
                &servers.greeter.to_string(),
                "--banner",
                "--expect-regex",
                "^220 ",
            ],
        ),
        step(
            "Does anything come back over UDP?",
            Exit::Success,
            &[
                "dial",
                "--udp",
                &servers.udp_echo.to_string(),
                "--send",
                r"ping\n",
            ],
        ),
        step(
            "And from a service that stays silent? Silence is not success.",
            Exit::Silence,
            &[
                "dial",
                &format!("udp://{}", servers.udp_silent),
                "--timeout",
                "300ms",
            ],
        ),
        step(
            "How does the connect time spread?",
            Exit::Success,
            &[
                "dial",
                &echo.to_string(),
                "--count",
                "5",
                "--interval",
                "50ms",
            ],
        ),
        step("What is open?", Exit::Peer, &["dial", &ports]),
        step(
            "Wait until it is there, then go on.",
            Exit::Success,
            &[
                "dial",
                &late.to_string(),
                "--wait",
                "5s",
                "--",
                "echo",
                "the service is there",
            ],
        ),
        step(
            "The same for a script: one line of JSON.",
            Exit::Success,
            &[
                "dial",
                &echo.to_string(),
                "--send",
                r"hello\n",
                "--expect",
                "hello",
                "--json",
            ],
        ),
    ]
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
