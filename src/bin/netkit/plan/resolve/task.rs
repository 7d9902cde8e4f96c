//! Once, compared, repeated or watched.

use std::time::Duration;

use netkit::resolve::command::repeat::{INTERVAL, PARALLEL, Schedule};
use netkit::resolve::command::watch::Until;

use super::Group;
use crate::args::{AgainArgs, NsModeArg};
use crate::usage::UsageError;

/// What is done with the questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Each is asked once.
    Once,
    /// All servers are asked, and compared.
    Compare,
    /// Zones are transferred.
    Transfer,
    /// Each is asked again and again.
    Repeat(Schedule),
    /// Asked again when the TTL is over, changes shown.
    Watch {
        until: Option<Until>,
        interval: Option<Duration>,
    },
}

/// Reads the flags; `servers` is how many were named.
pub(super) fn task(
    args: &AgainArgs,
    servers: usize,
    mode: Option<NsModeArg>,
) -> Result<Task, UsageError> {
    if args.interval.is_some() && args.count.is_none() && !args.watch {
        let message = "--interval is about asking again";
        return Err(UsageError::new(message, "--count or --watch with it"));
    }
    if args.compare {
        return compare(servers, mode);
    }
    if args.watch || args.count.is_some() {
        one_at_a_time(mode)?;
    }
    if args.watch {
        let (until, interval) = (args.until.clone(), args.interval);
        return Ok(Task::Watch { until, interval });
    }
    Ok(args.count.map_or(Task::Once, |count| {
        Task::Repeat(Schedule {
            count: (count > 0).then_some(count),
            interval: args.interval.unwrap_or(INTERVAL),
            parallel: PARALLEL,
        })
    }))
}

fn compare(servers: usize, mode: Option<NsModeArg>) -> Result<Task, UsageError> {
    if mode.is_some() {
        let message = "--compare asks all servers, whatever --ns-mode says";
        return Err(UsageError::new(message, "one of the two"));
    }
    if servers < 2 {
        let message = format!("--compare was given {servers} servers");
        return Err(UsageError::new(
            message,
            "at least two, each with @SERVER or --ns",
        ));
    }
    Ok(Task::Compare)
}

fn one_at_a_time(mode: Option<NsModeArg>) -> Result<(), UsageError> {
    match mode {
        Some(NsModeArg::All) => Err(UsageError::new(
            "--ns-mode all gives several answers, --count and --watch follow one",
            "--ns-mode first or race",
        )),
        _ => Ok(()),
    }
}

/// The one question that is watched.
pub(super) fn watched(groups: &mut [Group], until: Option<&Until>) -> Result<(), UsageError> {
    let wanted = |text: &str| until.is_none_or(|until| until.rtype == text);
    if let [
        Group {
            questions,
            any: true,
        },
    ] = &mut groups[..]
    {
        // Of the types that nobody named, the one that is waited for.
        questions.retain(|question| wanted(&question.rtype.to_string()));
        questions.truncate(1);
    }
    match groups {
        [Group { questions, .. }] if questions.len() == 1 => Ok(()),
        _ => Err(UsageError::new(
            "--watch follows one name and one type",
            "one name, and one type that --until names too",
        )),
    }
}
