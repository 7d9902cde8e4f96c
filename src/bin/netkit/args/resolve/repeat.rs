//! Asking several servers, or again and again.

use std::time::Duration;

use clap::Args;
use netkit::resolve::command::watch::Until;

use crate::args::values;

/// Asking several servers, or again and again.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparing and repeating")]
pub(crate) struct AgainArgs {
    /// Asks all servers and shows how their answers differ (status 5 if they do).
    #[arg(long)]
    pub(crate) compare: bool,
    /// Asks N times: latency percentiles, loss, what the TTL does; 0 goes on until interrupted.
    #[arg(short, long, value_name = "N", conflicts_with = "compare")]
    pub(crate) count: Option<u64>,
    /// Asks again when the TTL is over, and prints changes only.
    #[arg(long, conflicts_with_all = ["compare", "count"])]
    pub(crate) watch: bool,
    /// Ends the watch once the answer holds this record: `A=192.0.2.1`.
    #[arg(long, value_name = "TYPE=DATA", value_parser = until, requires = "watch")]
    pub(crate) until: Option<Until>,
    /// Time from one question to the next [default: 1s with --count, the TTL with --watch].
    #[arg(short, long, value_name = "DURATION", value_parser = values::interval)]
    pub(crate) interval: Option<Duration>,
}

fn until(text: &str) -> Result<Until, values::ValueError> {
    let expected = "a type and its data, such as `A=192.0.2.1`";
    let wrong = |message: String| values::ValueError::new(message, expected);
    let (rtype, data) = text
        .split_once('=')
        .ok_or_else(|| wrong(format!("`{text}` has no `=`")))?;
    let rtype: netkit::resolve::wire::RecordType = rtype
        .trim()
        .parse()
        .map_err(|error| wrong(format!("{error}")))?;
    if data.trim().is_empty() {
        return Err(wrong(format!("`{text}` names no data")));
    }
    Ok(Until {
        rtype: rtype.to_string(),
        data: data.trim().to_owned(),
    })
}
