//! `dial --replay`: which recorded connection is played, and what does not go with it.

use std::path::PathBuf;

use super::rules::{Checked, Pair, by_hand, exclusive};
use crate::args::{DialArgs, ExchangeArgs};
use crate::usage::UsageError;

/// Which connection of a record is played, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordPlan {
    pub(crate) file: PathBuf,
    /// Its number; `None`: the first one.
    pub(crate) connection: Option<u64>,
    /// Without the recorded pauses.
    pub(crate) fast: bool,
}

impl RecordPlan {
    pub(super) fn new(args: &ExchangeArgs) -> Option<Self> {
        Some(Self {
            file: args.replay.clone()?,
            connection: args.replay_connection,
            fast: args.replay_fast,
        })
    }
}

/// A recording says by itself what is said and when it is over; and it is one connection.
pub(super) fn replay_alone(args: &DialArgs) -> Checked {
    let (replay, exchange) = (args.exchange.replay.is_some(), &args.exchange);
    let why = "the recording says what is said, and what must come back";
    let one = "a recording is one connection, played once";
    let with = |given, flag, why| Pair(replay, "--replay", given, flag, why);
    exclusive(&by_hand(exchange).map(|(given, flag)| with(given, flag, why)))?;
    exclusive(&[
        with(exchange.shutdown_write, "--shutdown-write", why),
        with(exchange.stdio, "--stdio", why),
        with(
            args.hold.is_some(),
            "--hold",
            "the recording says when it ends",
        ),
        with(
            args.race.race_all,
            "--race-all",
            "waiting for the losers eats the time of what follows",
        ),
        with(
            args.socket.fastopen,
            "--fastopen",
            "the SYN would leave only with the first recorded piece",
        ),
        with(args.repeat.count.is_some(), "--count", one),
        with(args.wait.wait.is_some(), "--wait", one),
    ])
}

/// One connection is played against one target.
pub(super) fn replay_has_one_target(args: &DialArgs, many: bool) -> Checked {
    if many && args.exchange.replay.is_some() {
        let message = "--replay plays one connection, and several targets were given";
        return Err(UsageError::new(message, "one target"));
    }
    Ok(())
}
