//! Carrying out a plan: opens what it names, calls the library, hands results to `output`.
//!
//! The only place where both meet. Nothing is measured here and nothing is formatted.

mod heartbeat;
mod hooks;
mod input;
mod listen;
mod many;
mod metrics;
mod parse_addr;
mod policy;
mod recorded;
mod repeat;
mod replay;
mod resolve;
mod single;
mod stdio;
mod wait;
mod workload;

pub(crate) use heartbeat::heartbeat;
pub(crate) use listen::listen;
pub(crate) use parse_addr::parse_addr;
pub(crate) use replay::run as replay;
pub(crate) use resolve::resolve;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use netkit::addr::{Target, TargetSpec};
use netkit::error::Error;
use netkit::io::SystemIo;
use netkit::net::limits::{self, DescriptorLimit};
use netkit::resolve::policy::Steered;
use netkit::resolve::{NameServer, StubConfig};
use netkit::run::Cx;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::messages;
use crate::output::json::{Line, config::DialConfig};
use crate::output::{Out, WhenFull};
use crate::plan::{DialPlan, Format, Mode, OutputSettings, PolicyPlan};
use crate::signal::Signals;
use crate::usage::UsageError;
use policy::Policy;

/// Why nothing could be measured.
#[derive(Debug)]
pub(crate) enum Trouble {
    Usage(Box<UsageError>),
    Local(Box<Error>),
}

impl Trouble {
    /// Says it, as a line of JSON too where that was asked for; returns the status.
    fn tell(self, json: bool) -> Exit {
        match self {
            Self::Usage(error) => messages::usage(&error, json),
            Self::Local(error) => messages::local(&error, json),
        }
    }
}

impl From<UsageError> for Trouble {
    fn from(error: UsageError) -> Self {
        Self::Usage(error.into())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Local(error.into())
    }
}

/// What every mode needs.
struct Session {
    output: OutputSettings,
    dial: netkit::dial::Config,
    /// What is echoed in JSON.
    config: DialConfig,
    io: SystemIo<Steered>,
    /// Rules that names are looked up by, kept up to date while this lives.
    _policy: Option<Policy>,
    cx: Cx,
    signals: Signals,
    /// The descriptor limit, where it was raised.
    limit: Option<DescriptorLimit>,
}

/// Dials as planned and says how netkit ends.
pub(crate) async fn dial(plan: DialPlan, output: OutputSettings) -> Exit {
    let json = matches!(output.format, Format::Json | Format::Pretty);
    let mut out = Out::default();
    let ended = Box::pin(carry_out(plan, output, &mut out)).await;
    finish(&mut out, ended.unwrap_or_else(|trouble| trouble.tell(json)))
}

/// Waits for the writer; what went wrong with standard output decides about the status.
fn finish(out: &mut Out, exit: Exit) -> Exit {
    let lost = out.close();
    if lost > 0 {
        messages::say(&format!(
            "netkit: {lost} lines are missing: standard output was read too slowly"
        ));
    }
    match out.failure() {
        // Standard output is what failed: the line of JSON has no place to go.
        Some(error) => messages::local(&Error::local("writing to standard output", error), false),
        None if out.is_closed() => Exit::Success,
        None => exit,
    }
}

async fn carry_out(
    mut plan: DialPlan,
    output: OutputSettings,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let specs = crate::signal::ending_at_once(|| input::load(&mut plan))?;
    let mut session = Session::new(&plan, output).await?;
    session.prepare(&plan.mode, out)?;
    match plan.mode {
        Mode::Single => Ok(Box::pin(single::run(&session, &first(&specs)?, out)).await),
        Mode::Stdio => stdio::run(&session, &first(&specs)?).await,
        Mode::Repeat(schedule) => Ok(repeat::run(&session, &all(&specs)?, &schedule, out).await),
        Mode::Many { parallel, only } => {
            Ok(many::run(&session, &specs, parallel, &only, out).await)
        }
        Mode::Wait { wait, command } => {
            wait::run(&session, &all(&specs)?, &wait, &command, out).await
        }
    }
}

/// The one target of a plan for one.
fn first(specs: &[TargetSpec]) -> Result<Target, Trouble> {
    let target = specs.iter().find_map(|spec| spec.targets().next());
    target.ok_or_else(|| UsageError::new("no target was given", "a target").into())
}

/// All targets of a plan that watches each of them.
fn all(specs: &[TargetSpec]) -> Result<Vec<Target>, Trouble> {
    let total = crate::plan::total(specs);
    if total > crate::plan::MOST_WATCHED {
        let message = format!("{total} targets are too many to watch at once");
        let expected = format!(
            "at most {} with --count or --wait",
            crate::plan::MOST_WATCHED
        );
        return Err(UsageError::new(message, expected).into());
    }
    Ok(specs.iter().flat_map(TargetSpec::targets).collect())
}

impl Session {
    async fn new(plan: &DialPlan, output: OutputSettings) -> Result<Self, Trouble> {
        let cancel = CancellationToken::new();
        let signals = Signals::install(cancel.clone())
            .map_err(|error| Error::local("listening for signals", &error))?;
        let (io, policy) = system_io(&plan.name_servers, plan.policy.as_ref()).await?;
        let cx = Cx::new(cancel);
        let limit = plan.config.timeout;
        // What changes later is used, and told by nobody: a dial has no line for it.
        let (tls, _) = workload::client(plan.tls.as_ref(), &cx, limit).await?;
        Ok(Self {
            output,
            dial: netkit::dial::Config {
                tls,
                ..plan.config.clone()
            },
            config: DialConfig::from(plan),
            io,
            _policy: policy,
            cx,
            signals,
            limit: None,
        })
    }

    /// What a run that goes on needs, and a single dial need not pay for: descriptors, and a writer
    /// that no reader can hold up.
    fn prepare(&mut self, mode: &Mode, out: &mut Out) -> Result<(), Trouble> {
        let when_full = match mode {
            Mode::Single | Mode::Stdio => return Ok(()),
            Mode::Many { .. } => WhenFull::Keep,
            Mode::Repeat(_) | Mode::Wait { .. } => WhenFull::Lose,
        };
        // A limit that cannot be read stays as it is.
        self.limit = limits::raise_descriptor_limit().ok();
        out.queue(when_full, self.signals.asked())
            .map_err(|error| Error::local("starting to write", &error).into())
    }

    /// Undoes what [`Session::prepare`] did to the process, for a command that replaces it.
    fn restore_limit(&self) {
        if let Some(limit) = &self.limit {
            // Lowering a soft limit is never refused; a command with a higher one still runs.
            let _ = limits::restore_descriptor_limit(limit);
        }
    }

    /// A line of JSON about something that happened `at` after the start.
    fn line<T: Serialize>(&self, kind: &'static str, at: Duration, body: T) -> String {
        Line::new(kind, self.cx.wall(), at, body).compact(self.output.view.rich)
    }

    /// Says something interim on standard error: standard output is for data.
    fn say_interim(&self, text: &str) {
        if self.output.format != Format::Quiet {
            messages::say(&format!("netkit: {text}"));
        }
    }

    /// Waits for a run; SIGQUIT calls `interim` meanwhile.
    async fn drive<T>(&self, run: impl Future<Output = T>, mut interim: impl FnMut()) -> T {
        let mut run = std::pin::pin!(run);
        loop {
            tokio::select! {
                biased;
                result = &mut run => return result,
                () = self.signals.interim() => interim(),
            }
        }
    }
}

/// The real world, asking the name servers that were named, or else the system's.
async fn system_io(
    name_servers: &[NameServer],
    policy: Option<&PolicyPlan>,
) -> Result<(SystemIo<Steered>, Option<Policy>), Trouble> {
    let stub = StubConfig {
        servers: name_servers.to_vec(),
        ..StubConfig::default()
    };
    let Some(rules) = policy else {
        return Ok((SystemIo::new(Steered::new(stub)), None));
    };
    let policy = Policy::open(rules, &stub).await?;
    let names = Steered::new(stub).under(policy.live.clone(), rules.region.as_deref());
    Ok((SystemIo::new(names), Some(policy)))
}

/// Locks what an observer and a signal share; both run on one thread, so nobody ever waits.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
