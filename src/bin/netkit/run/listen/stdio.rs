//! One connection, connected to standard input and output: the listening half of nc.

use std::io;

use netkit::dial::stdio;
use netkit::error::Error;
use netkit::listen;
use netkit::net::listen::Listener;
use netkit::run::Cx;

use super::super::Trouble;
use crate::exit::Exit;
use crate::messages;
use crate::output::listen as words;
use crate::output::text::escape;
use crate::plan::{Format, ListenPlan, OutputSettings};
use crate::signal::Signals;

pub(super) async fn run(
    plan: &ListenPlan,
    output: &OutputSettings,
    listeners: Vec<Listener>,
    cx: &Cx,
    signals: &Signals,
) -> Result<Exit, Trouble> {
    // Standard output is the connection's: what is said goes to standard error.
    let say = |text: &str| {
        if output.format != Format::Quiet {
            messages::say(text.trim_end());
        }
    };
    for listener in &listeners {
        say(&words::listening(listener.facts(), &output.messages));
    }
    let accepted = listen::accept(listeners, &plan.config, cx).await?;
    let Some(accepted) = accepted else {
        let cancelled = cx.cancel().is_cancelled();
        return Ok(if cancelled {
            signals.stopped()
        } else {
            Exit::Silence
        });
    };
    say(&format!("connection from {}", words::name(accepted.peer)));
    let config = stdio::Config {
        interactive: output.stdin_tty,
        ..stdio::Config::default()
    };
    let (input, stdout) = (tokio::io::stdin(), tokio::io::stdout());
    let (deadline, progress) = (
        cx.deadline(plan.config.duration),
        stdio::Progress::default(),
    );
    let connection = accepted.connection;
    let relay = stdio::relay(connection, input, stdout, config, &progress, &deadline);
    let mut relay = std::pin::pin!(relay);
    let relayed = loop {
        tokio::select! {
            biased;
            relayed = &mut relay => break relayed,
            () = signals.interim() => {
                let (sent, received) = (progress.sent_bytes(), progress.received_bytes());
                say(&format!("sent {sent} B, received {received} B so far"));
            }
        }
    };
    match relayed {
        Ok(relayed) => Ok(ended(&relayed, signals)),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Success),
        Err(error) => Err(Error::local("relaying standard input and output", &error).into()),
    }
}

fn ended(relayed: &stdio::Relayed, signals: &Signals) -> Exit {
    match &relayed.failure {
        Some(failure) => {
            messages::say(&escape(&format!("netkit: {failure}")));
            failure.into()
        }
        None if relayed.interrupted && relayed.sent_bytes + relayed.received_bytes == 0 => {
            signals.stopped()
        }
        None => Exit::Success,
    }
}
