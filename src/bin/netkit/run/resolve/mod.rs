//! `netkit resolve`: puts the questions, all at once, and shows the reports in the order asked.

mod again;
mod bulk;
mod check;
mod trace;
mod transfer;

use futures_util::stream::{self, StreamExt as _};
use netkit::error::Error;
use netkit::resolve::command::{Question, Report, Session, SteeredSession};
use netkit::resolve::dnssec::Anchors;
use netkit::run::Cx;
use tokio_util::sync::CancellationToken;

use super::Trouble;
use super::policy::Policy;
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::json::{Line, resolve as json};
use crate::output::{Out, tables};
use crate::plan::{AnchorSource, AnswerForm, Group, OutputSettings, QueryPlan, QueryTask};
use crate::signal::Signals;
use crate::usage::UsageError;

/// Names that are asked for at the same time; each is bounded by its own timeout.
const AT_ONCE: usize = 64;

/// What every mode needs.
struct Job {
    plan: QueryPlan,
    output: OutputSettings,
    session: Asking,
    /// Kept up to date while this lives.
    _policy: Option<Policy>,
    cx: Cx,
    signals: Signals,
}

/// Asks as planned and says how netkit ends.
pub(crate) async fn resolve(plan: QueryPlan, output: OutputSettings) -> Exit {
    let json = plan.form.is_json();
    let mut out = Out::default();
    let ended = match Job::new(plan, output).await {
        Ok(job) => job.run(&mut out).await,
        Err(trouble) => Err(trouble),
    };
    let exit = ended.unwrap_or_else(|trouble| trouble.tell(json));
    // Results of a bulk run are written by a thread; none is lost but to a signal.
    let lost = out.close();
    if lost > 0 {
        messages::say(&format!(
            "netkit: {lost} blocks of lines are missing: standard output was read too slowly"
        ));
    }
    match out.failure() {
        Some(error) => messages::local(&Error::local("writing to standard output", error), false),
        None if out.is_closed() => Exit::Success,
        None => exit,
    }
}

/// Who asks: servers as configured, or as rules say.
enum Asking {
    Plain(Box<Session>),
    Steered(Box<SteeredSession>),
}

impl Asking {
    async fn new(plan: &QueryPlan) -> Result<(Self, Option<Policy>), Trouble> {
        let config = plan.config.clone();
        let Some(rules) = &plan.policy else {
            return Ok((Self::Plain(Session::new(config).into()), None));
        };
        let policy = Policy::open(rules, &config.stub).await?;
        let region = rules.region.as_deref();
        let session = SteeredSession::new(config, policy.live.clone(), region);
        Ok((Self::Steered(session.into()), Some(policy)))
    }

    async fn ask(&self, question: &Question, cx: &Cx) -> Vec<Report> {
        match self {
            Self::Plain(session) => session.ask(question, cx).await,
            Self::Steered(session) => session.ask(question, cx).await,
        }
    }
}

impl Job {
    async fn new(mut plan: QueryPlan, output: OutputSettings) -> Result<Self, Trouble> {
        if let Some(source) = &plan.anchors {
            plan.config.dnssec = Some(anchors(source)?);
        }
        let cancel = CancellationToken::new();
        let signals = Signals::install(cancel.clone())
            .map_err(|error| Error::local("listening for signals", &error))?;
        let (session, policy) = Asking::new(&plan).await?;
        Ok(Self {
            session,
            _policy: policy,
            plan,
            output,
            cx: Cx::new(cancel),
            signals,
        })
    }

    async fn run(&self, out: &mut Out) -> Result<Exit, Trouble> {
        if let Some(plan) = &self.plan.bulk {
            return bulk::run(self, plan, out).await;
        }
        if self.plan.trace.is_some() {
            return Ok(self.trace(out).await);
        }
        Ok(match &self.plan.check {
            Some(question) => self.check(question, out).await,
            None => self.carry_out(out).await,
        })
    }

    async fn carry_out(&self, out: &mut Out) -> Exit {
        let Asking::Plain(session) = &self.session else {
            // The plan lets rules steer nothing else.
            return self.once(out).await;
        };
        match &self.plan.task {
            QueryTask::Once => self.once(out).await,
            QueryTask::Compare => self.compare(out).await,
            QueryTask::Transfer => self.transfer(session, out).await,
            QueryTask::Repeat(schedule) => self.repeat(session, schedule, out).await,
            QueryTask::Watch { until, interval } => {
                self.watch(session, until.as_ref(), *interval, out).await
            }
        }
    }

    /// Asks everything once.
    async fn once(&self, out: &mut Out) -> Exit {
        let mut verdict = Verdict::default();
        let groups = self.plan.groups.iter().map(|group| self.group(group));
        let mut groups = stream::iter(groups).buffered(AT_ONCE);
        let mut shown = Vec::new();
        while let Some((group, reports)) = groups.next().await {
            verdict.add(self.exit(group, &reports));
            match self.plan.form {
                // One table for all of them.
                AnswerForm::Human if self.output.view.rich => shown.extend(reports),
                _ => {
                    let text: String = reports.iter().map(|report| self.text(report)).collect();
                    if out.write(&text).is_break() {
                        break;
                    }
                    self.tell_failures(group, &reports);
                }
            }
        }
        self.signals.end_at_once();
        if !shown.is_empty() {
            // What is wrong with standard output is told at the end.
            let _ = out.write(&tables::resolve::render(&shown, &self.output.view));
        }
        verdict.exit(self.signals.stopped())
    }

    /// The reports on one name.
    async fn group<'a>(&self, group: &'a Group) -> (&'a Group, Vec<Report>) {
        let asked = group
            .questions
            .iter()
            .map(|question| self.session.ask(question, &self.cx));
        let reports = futures_util::future::join_all(asked).await;
        (group, reports.into_iter().flatten().collect())
    }

    /// One report in the form that was asked for.
    fn text(&self, report: &Report) -> String {
        let view = &self.output.view;
        let line = || {
            let body = json::Resolve::alone(report, config(&self.plan));
            Line::new("resolve", self.cx.wall(), self.cx.elapsed(), body)
        };
        match self.plan.form {
            AnswerForm::Human => tables::resolve::plain(report, view),
            AnswerForm::Short => tables::resolve::short(report, view),
            AnswerForm::Zone => tables::resolve::zone(report),
            AnswerForm::Json => line().compact(view.rich),
            AnswerForm::Pretty => line().pretty(view.rich),
            AnswerForm::Rfc8427 => crate::output::json::rfc8427::line(report, view),
            AnswerForm::Quiet => String::new(),
        }
    }

    /// Says on standard error what forms without words leave out.
    fn tell_failures(&self, group: &Group, reports: &[Report]) {
        let is_wordless = [AnswerForm::Short, AnswerForm::Zone].contains(&self.plan.form);
        if !is_wordless || self.exit(group, reports) == Exit::Success {
            return;
        }
        for report in reports.iter().filter(|report| !report.ok) {
            let why = tables::resolve::failed(report, &self.output.messages);
            messages::say(&format!("netkit: {why}"));
        }
    }

    /// The status of one name: that of its reports, or success when one answer is enough.
    fn exit(&self, group: &Group, reports: &[Report]) -> Exit {
        let lenient = group.any && !self.plan.config.strict_errors;
        let strict = group.any && self.plan.config.strict_errors;
        let found = reports.iter().any(|report| report.ok);
        let counts =
            |report: &&Report| !(found && (lenient || strict && !report.verdict.is_temporary()));
        let mut verdict = Verdict::default();
        for report in reports.iter().filter(counts) {
            verdict.add(self.exit_of(report));
        }
        verdict.exit(Exit::Success)
    }

    fn exit_of(&self, report: &Report) -> Exit {
        match (report.verdict, &report.failure) {
            (netkit::resolve::command::Verdict::Interrupted, _) => self.signals.stopped(),
            (netkit::resolve::command::Verdict::LocalError, Some(failure)) => failure.into(),
            (verdict, _) => verdict.into(),
        }
    }
}

/// Reads the keys that proof begins at.
fn anchors(source: &AnchorSource) -> Result<Anchors, Trouble> {
    let AnchorSource::File(file) = source else {
        return Ok(Anchors::root());
    };
    let text = std::fs::read_to_string(file).map_err(|error| {
        let mut local = Error::local("reading the trust anchors", &error);
        local.failure.message = format!("{}: {error}", file.display());
        local
    })?;
    Anchors::parse(&text).map_err(|error| {
        let message = format!("--trust-anchor {}: {error}", file.display());
        let accepted = "DS or DNSKEY records as in a zone file: `example. IN DS 12345 13 2 …`";
        UsageError::new(message, accepted).into()
    })
}

/// What was asked for, as JSON echoes it.
fn config(plan: &QueryPlan) -> json::ResolveConfig {
    json::ResolveConfig::from(plan)
}
