//! Files that the command line names: the payload, the recording, and the list of targets.

use std::io::{self, Read};

use netkit::addr::list::{LineError, parse_lines};
use netkit::addr::{Network, TargetSpec};
use netkit::error::Error;

use super::{Trouble, recorded};
use crate::plan::{DialPlan, ListSource, NetworkNeeds, check_network};
use crate::usage::UsageError;

/// Reads the payload and the recording into the plan, and all targets.
pub(super) fn load(plan: &mut DialPlan) -> Result<Vec<TargetSpec>, Trouble> {
    if let Some(path) = &plan.payload {
        let bytes = std::fs::read(path).map_err(|error| {
            unreadable("reading --send-file", &error, &path.display().to_string())
        })?;
        if bytes.is_empty() && plan.config.socket.fastopen {
            let message = format!(
                "--fastopen has nothing to put into the SYN: {} is empty",
                path.display()
            );
            return Err(UsageError::new(message, "--send-file with at least one byte").into());
        }
        plan.config.exchange.send = Some(bytes);
    }
    plan.config.replay = plan.replay.as_ref().map(recorded::read).transpose()?;
    let specs = std::mem::take(&mut plan.specs);
    with_list(specs, plan.list.take().as_ref(), plan.network, &plan.needs)
}

/// The targets of the command line and those of the list.
pub(super) fn with_list(
    mut specs: Vec<TargetSpec>,
    source: Option<&ListSource>,
    network: Network,
    needs: &NetworkNeeds,
) -> Result<Vec<TargetSpec>, Trouble> {
    if let Some(source) = source {
        specs.extend(list(source, network, needs)?);
    }
    if specs.is_empty() {
        return Err(UsageError::new("the list names no target", "one target a line").into());
    }
    Ok(specs)
}

fn list(
    source: &ListSource,
    network: Network,
    needs: &NetworkNeeds,
) -> Result<Vec<TargetSpec>, Trouble> {
    let (name, text) = read(source)?;
    let mut specs = Vec::new();
    for spec in parse_lines(&text, network) {
        let spec = spec.map_err(|error| in_list(error, &name))?;
        spec.check_dialable().map_err(UsageError::from)?;
        check_network(&spec, needs)?;
        specs.push(spec);
    }
    Ok(specs)
}

fn read(source: &ListSource) -> Result<(String, String), Trouble> {
    let (name, text) = match source {
        ListSource::Stdin => {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            ("standard input".to_owned(), read.map(|_| text))
        }
        ListSource::File(path) => (path.display().to_string(), std::fs::read_to_string(path)),
    };
    match text {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(unreadable("reading targets", &error, &name).into()),
    }
}

fn in_list(error: LineError, name: &str) -> UsageError {
    let (line, error) = (error.line, UsageError::from(error.error));
    UsageError {
        message: format!("line {line} of {name}: {}", error.message),
        ..error
    }
}

/// An error of a file, with the file's name in front.
pub(super) fn unreadable(operation: &'static str, error: &io::Error, name: &str) -> Error {
    let mut local = Error::local(operation, error);
    local.failure.message = format!("{name}: {}", local.failure.message);
    local
}
