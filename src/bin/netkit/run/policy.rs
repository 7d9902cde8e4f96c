//! Opening a policy and following it: what changes is told on standard error, and looking up goes on.

use std::io;

use netkit::error::Error;
use netkit::resolve::policy::{Change, LivePolicy, Refused};
use netkit::resolve::{StubConfig, StubResolver};
use tokio::task::JoinSet;

use super::Trouble;
use crate::messages;
use crate::output::text::escape;
use crate::plan::PolicyPlan;
use crate::signal;
use crate::usage::UsageError;

/// The rules of a run, and the task that follows their source; it ends with this value.
pub(super) struct Policy {
    pub(super) live: LivePolicy,
    _upkeep: JoinSet<()>,
}

impl Policy {
    /// Reads the rules; without valid ones nothing runs. A host name in the place is looked up as `stub` says.
    pub(super) async fn open(plan: &PolicyPlan, stub: &StubConfig) -> Result<Self, Trouble> {
        let source = plan.place.clone().source(StubResolver::new(stub.clone()));
        let opened = signal::ending_at_once_during(LivePolicy::open(source)).await;
        let (live, upkeep) = opened.map_err(trouble)?;
        let place = plan.place.to_string();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let never = upkeep.run(|change| tell(&place, &change)).await;
            match never {}
        });
        Ok(Self {
            live,
            _upkeep: task,
        })
    }
}

fn trouble(refused: Refused) -> Trouble {
    match refused {
        Refused::Invalid { part, fault } => {
            let message = format!("--policy: {part}, {fault}");
            UsageError::new(message, "rules as in `man netkit-resolve`, POLICY").into()
        }
        Refused::Unreadable(error) => {
            Error::local("reading the policy", &io::Error::other(error.to_string())).into()
        }
    }
}

fn tell(place: &str, change: &Change) {
    messages::say(&escape(&match change {
        Change::Replaced(1) => format!("netkit: {place}: 1 rule in force now"),
        Change::Replaced(count) => format!("netkit: {place}: {count} rules in force now"),
        Change::Kept(why) => format!("netkit: {why}; the old rules stay in force"),
    }));
}
