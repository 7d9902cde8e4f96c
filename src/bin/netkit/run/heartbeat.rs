//! Watching: a line a fact, hooks, gates, and the summary.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use netkit::addr::{Target, TargetSpec};
use netkit::error::Error;
use netkit::event::Stamped;
use netkit::heartbeat::event::Change;
use netkit::heartbeat::{self, Event, Fact, Fold, Report, State};
use netkit::net::limits;
use netkit::run::Cx;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::hooks::Hooks;
use super::workload::{self, Identities};
use super::{Trouble, finish, input, lock, metrics, system_io};
use crate::exit::Exit;
use crate::messages;
use crate::output::json::Line;
use crate::output::json::heartbeat::{HeartbeatConfig, Of, Summary};
use crate::output::json::identity::Change as OfIdentity;
use crate::output::metrics::heartbeat as openmetrics;
use crate::output::tables::heartbeat::live::Screen;
use crate::output::tables::heartbeat::{self as table, Subject};
use crate::output::text::escape;
use crate::output::{Out, WhenFull};
use crate::plan::{Format, HeartbeatPlan, MOST_BEATEN, OutputSettings};
use crate::signal::Signals;
use crate::usage::UsageError;

/// Between two frames of `--live`.
const FRAME: Duration = Duration::from_millis(250);

/// Watches as planned and says how netkit ends.
pub(crate) async fn heartbeat(plan: HeartbeatPlan, output: OutputSettings) -> Exit {
    let json = matches!(output.format, Format::Json | Format::Pretty);
    let mut out = Out::default();
    let ended = carry_out(plan, output, &mut out).await;
    finish(&mut out, ended.unwrap_or_else(|trouble| trouble.tell(json)))
}

async fn carry_out(
    mut plan: HeartbeatPlan,
    output: OutputSettings,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let targets = crate::signal::ending_at_once(|| load(&mut plan))?;
    let cancel = CancellationToken::new();
    let signals = Signals::install(cancel.clone())
        .map_err(|error| Error::local("listening for signals", &error))?;
    let cx = Cx::new(cancel);
    let limit = plan.config.dial.timeout;
    let (tls, identities) = workload::client(plan.tls.as_ref(), &cx, limit).await?;
    warn(tls.as_ref());
    plan.config.dial.tls = tls;
    let (io, _policy) = system_io(&plan.name_servers, plan.policy.as_ref()).await?;
    // A limit that cannot be read stays as it is.
    let _ = limits::raise_descriptor_limit();
    out.queue(WhenFull::Lose, signals.asked())
        .map_err(|error| Error::local("starting to write", &error))?;
    let (asks, scrapes) = mpsc::channel(1);
    if let Some(addr) = plan.metrics {
        metrics::start(addr, asks).await?;
    }
    let mut watched = Watched::new(&plan, &targets, output, &cx, out);
    watched.open();
    let shown = Mutex::new(watched);
    let mut observer = |event: &Stamped<Event>| lock(&shown).event(event);
    let run = heartbeat::run(&targets, &plan.config, &io, &cx, &mut observer);
    let news = News {
        scrapes,
        identities,
    };
    let report = drive(run, &signals, news, plan.live.is_some(), &shown).await;
    let mut watched = shown
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let exit = watched.finish(&report, &signals);
    watched.hooks.finish().await;
    Ok(exit)
}

/// What is worth telling of the files of a client; a dial has it in its report.
fn warn(tls: Option<&netkit::dial::Tls>) {
    for warning in tls.iter().flat_map(|tls| tls.client.warnings()) {
        messages::say(&escape(&format!("warning: {warning}")));
    }
}

/// All targets, each of them checked.
fn load(plan: &mut HeartbeatPlan) -> Result<Vec<Target>, Trouble> {
    let specs = std::mem::take(&mut plan.specs);
    let list = plan.list.take();
    let specs = input::with_list(specs, list.as_ref(), plan.network, &plan.needs)?;
    for spec in &specs {
        crate::plan::check_probe(spec, &plan.config)?;
    }
    let total = crate::plan::total(&specs);
    if total > MOST_BEATEN {
        let message = format!("{total} targets are too many to watch at once");
        return Err(UsageError::new(message, format!("at most {MOST_BEATEN}")).into());
    }
    Ok(specs.iter().flat_map(TargetSpec::targets).collect())
}

/// What comes from outside while targets are watched.
struct News {
    scrapes: mpsc::Receiver<metrics::Reply>,
    identities: Identities,
}

/// Waits for the run; meanwhile SIGQUIT and scrapers are answered and the table is drawn.
async fn drive(
    run: impl Future<Output = Report>,
    signals: &Signals,
    mut news: News,
    live: bool,
    shown: &Mutex<Watched<'_>>,
) -> Report {
    let mut run = std::pin::pin!(run);
    let mut frames = tokio::time::interval(FRAME);
    loop {
        tokio::select! {
            biased;
            report = &mut run => return report,
            () = signals.interim() => lock(shown).interim(),
            // A scraper that has gone away meanwhile needs no page.
            Some(reply) = news.scrapes.recv() => drop(reply.send(lock(shown).page())),
            change = news.identities.next() => lock(shown).identity(&change),
            _ = frames.tick(), if live => lock(shown).draw(),
        }
    }
}

/// What the events are folded into and shown as.
struct Watched<'a> {
    plan: &'a HeartbeatPlan,
    targets: &'a [Target],
    names: Vec<String>,
    output: OutputSettings,
    config: HeartbeatConfig,
    cx: &'a Cx,
    fold: Fold,
    hooks: Hooks,
    screen: Screen,
    /// With `--until`: of which targets it holds.
    reached: Vec<bool>,
    out: &'a mut Out,
}

impl<'a> Watched<'a> {
    fn new(
        plan: &'a HeartbeatPlan,
        targets: &'a [Target],
        output: OutputSettings,
        cx: &'a Cx,
        out: &'a mut Out,
    ) -> Self {
        let names: Vec<_> = targets.iter().map(ToString::to_string).collect();
        Self {
            plan,
            targets,
            fold: Fold::new(names.clone()),
            names,
            output,
            config: plan.into(),
            cx,
            hooks: Hooks::new(&plan.hooks),
            screen: Screen::default(),
            reached: vec![false; targets.len()],
            out,
        }
    }

    /// For people: what is about to happen.
    fn open(&mut self) {
        let view = self.output.view;
        if self.output.format == Format::Human && view.rich && self.plan.live.is_none() {
            let text = table::opening(&self.plan.config, self.targets.len(), &view);
            let _ = self.out.write(&text);
        }
    }

    fn event(&mut self, event: &Stamped<Event>) -> ControlFlow<()> {
        self.fold.apply(event);
        let index = event.event.target;
        if let (Some(index), Fact::State(change)) = (index, &event.event.fact) {
            self.call_hooks(index, change, event.at);
        }
        let text = match self.output.format {
            Format::Json | Format::Pretty => self.json(event),
            Format::Human => self.human(event),
            Format::Quiet => String::new(),
        };
        self.out.write(&text)?;
        match (index, &event.event.fact) {
            (Some(index), Fact::Beat(_)) => self.until(index, event.at),
            _ => ControlFlow::Continue(()),
        }
    }

    /// Our own identity is another, or cannot be renewed.
    fn identity(&mut self, change: &OfIdentity) {
        let text = match self.output.format {
            Format::Json | Format::Pretty => self.line("identity", self.cx.elapsed(), change),
            Format::Human => escape(&change.words()) + "\n",
            Format::Quiet => return,
        };
        if self.plan.live.is_some() && self.output.format == Format::Human {
            self.screen.notice(text);
        } else {
            // A reader that has gone away is noticed with the next beat.
            let _ = self.out.write(&text);
        }
    }

    fn call_hooks(&self, index: usize, change: &Change, at: Duration) {
        let involved = change.to.is_down() || change.from.is_down();
        let tally = &self.fold.targets()[index];
        let outages = tally.summary(at).outages;
        let down = outages.last().map(|outage| outage.lasted_ms.0);
        let subject = (index, self.names[index].as_str());
        self.hooks
            .change(subject, change, down.filter(|_| involved));
    }

    /// Whether `--until` holds of every target now.
    fn until(&mut self, index: usize, at: Duration) -> ControlFlow<()> {
        let Some(until) = &self.plan.until else {
            return ControlFlow::Continue(());
        };
        self.reached[index] = until.holds(&self.fold.targets()[index].summary(at));
        if self.reached.iter().all(|reached| *reached) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn human(&mut self, event: &Stamped<Event>) -> String {
        let name = event.event.target.map_or("", |index| &self.names[index]);
        let subject = Subject {
            name,
            several: self.targets.len() > 1,
            tally: event.event.target.map(|index| &self.fold.targets()[index]),
        };
        let text = table::fact(&event.event.fact, &subject, &self.output.view);
        if self.plan.live.is_none() {
            return text;
        }
        let beat = matches!(
            event.event.fact,
            Fact::Beat(_) | Fact::Late(_) | Fact::Skipped(_)
        );
        if !beat && !text.is_empty() {
            self.screen.notice(text);
        }
        String::new()
    }

    fn json(&self, event: &Stamped<Event>) -> String {
        let (at, target) = (event.at, event.event.target);
        let target = target.map_or("", |index| &self.names[index]);
        match &event.event.fact {
            Fact::Beat(fact) => self.line("beat", at, Of { target, fact }),
            Fact::Late(fact) => self.line("late", at, Of { target, fact }),
            Fact::Skipped(fact) => self.line("skipped", at, Of { target, fact }),
            Fact::State(fact) => self.line("state", at, Of { target, fact }),
            Fact::Breaker(fact) => self.line("breaker", at, Of { target, fact }),
            Fact::Opened(fact) => self.line("opened", at, Of { target, fact }),
            Fact::Certificate(fact) => self.line("certificate", at, Of { target, fact }),
            Fact::Disconnect(fact) => self.line("disconnect", at, Of { target, fact }),
            Fact::Reconnect(fact) => self.line("reconnect", at, Of { target, fact }),
            Fact::Stall(stall) => self.line("stall", at, stall),
            _ => String::new(),
        }
    }

    fn line<T: serde::Serialize>(&self, kind: &'static str, at: Duration, body: T) -> String {
        Line::new(kind, self.cx.wall(), at, body).compact(self.output.view.rich)
    }

    fn draw(&mut self) {
        let Some(height) = self.plan.live else { return };
        let (now, view) = (self.cx.elapsed(), self.output.view);
        let frame = self.screen.frame(self.fold.targets(), now, height, &view);
        let _ = self.out.write(&frame);
    }

    /// What a scraper gets.
    fn page(&self) -> String {
        openmetrics::text(&self.fold, self.cx.elapsed())
    }

    /// SIGQUIT: what is known so far. In JSON a line like the others, else beside the data.
    fn interim(&mut self) {
        let report = self.fold.report(self.cx.elapsed());
        match self.output.format {
            Format::Json | Format::Pretty => {
                let line = self.summary_line(&report, None);
                let _ = self.out.write(&line);
            }
            Format::Human | Format::Quiet => {
                let view = &self.output.messages;
                let text = table::summary(&report, self.fold.targets(), view);
                messages::say(text.trim_end());
            }
        }
    }

    fn finish(&mut self, report: &Report, signals: &Signals) -> Exit {
        self.draw();
        let exit = self.exit(report, signals.stopped());
        let text = match self.output.format {
            Format::Json | Format::Pretty => self.summary_line(report, Some(exit)),
            Format::Human => {
                let view = &self.output.view;
                table::summary(report, self.fold.targets(), view) + &self.gate_words(report)
            }
            Format::Quiet => String::new(),
        };
        signals.end_at_once();
        // What is wrong with standard output is told at the end.
        let _ = self.out.write_last(&text);
        exit
    }

    /// The first target of which `--fail-if` holds.
    fn failed(&self, report: &Report) -> Option<String> {
        let gate = self.plan.fail_if.as_ref()?;
        let failed = report.targets.iter().find(|target| gate.holds(target))?;
        Some(format!("{}: {gate}", failed.target))
    }

    fn until_is_missed(&self) -> bool {
        self.plan.until.is_some() && !self.reached.iter().all(|reached| *reached)
    }

    fn gate_words(&self, report: &Report) -> String {
        let view = &self.output.view;
        let failed = self
            .failed(report)
            .map(|gate| format!("--fail-if holds of {gate}"));
        let missed = if self.until_is_missed() { "not " } else { "" };
        let until = self.plan.until.as_ref();
        let until = until.map(|until| format!("--until {until} was {missed}reached"));
        let lines = failed.into_iter().chain(until);
        lines
            .map(|line| view.paint(crate::output::style::Tone::Strong, &line) + "\n")
            .collect()
    }

    fn exit(&self, report: &Report, stopped: Exit) -> Exit {
        if self.failed(report).is_some() {
            return Exit::Expectation;
        }
        let interrupted = self.cx.cancel().is_cancelled();
        if self.plan.until.is_some() && (!self.until_is_missed() || !interrupted) {
            return if self.until_is_missed() {
                Exit::Expectation
            } else {
                Exit::Success
            };
        }
        let decided = |target: &heartbeat::Summary| target.received + target.lost > 0;
        if interrupted && !report.targets.iter().any(decided) {
            return stopped;
        }
        let healthy = |target: &heartbeat::Summary| target.state == State::Up;
        if report.targets.iter().all(healthy) {
            Exit::Success
        } else {
            Exit::Peer
        }
    }

    fn summary_line(&self, report: &Report, exit: Option<Exit>) -> String {
        let body = Summary {
            mode: "heartbeat",
            report,
            failed: self.failed(report),
            interrupted: self.cx.cancel().is_cancelled(),
            exit_code: exit.map(Exit::code),
            config: &self.config,
        };
        self.line("summary", self.cx.elapsed(), body)
    }
}
