//! Serving: binds what the plan names, and shows what the server tells.

mod abrupt;
mod control;
mod record;
#[cfg(feature = "tls")]
mod secure;
mod stdio;

use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use netkit::addr::listen::ListenAddr;
use netkit::addr::{Family, Host};
use netkit::dial::tls::Tls;
use netkit::error::Error;
use netkit::event::Stamped;
use netkit::failure::{Failure, Kind};
use netkit::io::{Io, SystemIo};
use netkit::listen::{self, Behaviour, Event, Means, Report, Totals};
use netkit::net::limits;
use netkit::net::listen::{BindAddr, Listener, Removal, bind, inherited};
use netkit::net::serve::Cause;
use netkit::net::tls::{TlsClient, TlsOptions};
use netkit::resolve::{Question, StubConfig, StubResolver};
use netkit::run::Cx;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use self::record::Record;
use super::workload::Identities;
use super::{Trouble, finish, lock, metrics};
use crate::args::faults::script;
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::json::forward as lines_of_forwarding;
use crate::output::json::identity::Change;
use crate::output::json::listen as lines;
use crate::output::json::{Line, listen::config::ListenConfig};
use crate::output::listen as words;
use crate::output::metrics::text as text_of;
use crate::output::progress::Progress;
use crate::output::text::escape;
use crate::output::{Out, WhenFull};
use crate::plan::{Content, Format, ListenPlan, OutputSettings, named_by_flag};
use crate::signal::Signals;
use crate::usage::UsageError;

/// Serves as planned and says how netkit ends.
pub(crate) async fn listen(plan: ListenPlan, output: OutputSettings) -> Exit {
    let json = output.format == Format::Json;
    let mut out = Out::default();
    let ended = carry_out(plan, output, &mut out).await;
    finish(&mut out, ended.unwrap_or_else(|trouble| trouble.tell(json)))
}

async fn carry_out(
    mut plan: ListenPlan,
    output: OutputSettings,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let cancel = CancellationToken::new();
    let signals = Signals::install(cancel.clone())
        .map_err(|error| Error::local("listening for signals", &error))?;
    let cx = Cx::new(cancel);
    // A limit that cannot be read stays as it is.
    let _ = limits::raise_descriptor_limit();
    limits::make_room();
    fill_in(&mut plan)?;
    speak_tls_to_the_service(&mut plan)?;
    let mut means = Means::new(io(&plan));
    let (told, identities) = secure(&plan, &mut means, &cx).await?;
    let record = Record::open(plan.record.as_deref())?;
    let listeners = listeners(&plan, &cx).await?;
    let control = take_orders(&plan, &listeners, &mut means)?;
    abrupt::prepare(&signals, &listeners, control.clone(), &means);
    if plan.stdio {
        return stdio::run(&plan, &output, listeners, &cx, &signals).await;
    }
    let (page_at, scrapes) = answer_scrapes(&plan).await?;
    fit_the_descriptors(&mut plan);
    // Beside a live line, lines are written at once; whoever is slow to read them then holds up
    // what is told, and never the workers.
    if !plan.status {
        out.queue(WhenFull::Lose, signals.asked())
            .map_err(|error| Error::local("starting to write", &error))?;
    }
    let fold = Mutex::new(Fold {
        plan: &plan,
        config: ListenConfig::from(&plan),
        output,
        cx: &cx,
        report: Report::default(),
        verdict: Verdict::default(),
        status: Progress::spinner(plan.status, "waiting for connections"),
        page_at,
        askers: Vec::new(),
        record,
        sockets: listeners.len(),
        asked: false,
        told,
        out,
    });
    lock(&fold).show_authority();
    let look = Arc::clone(&means.look);
    let mut observer = |event: &Stamped<Event>| lock(&fold).event(event);
    let run = listen::serve_through(listeners, &plan.config, means, &cx, &mut observer);
    let report = serve_and_hear(run, &signals, identities, scrapes, &fold, &look).await?;
    let mut fold = lock(&fold);
    let exit = fold.exit(&report, &signals);
    fold.status.finish();
    fold.summary(&report, exit);
    Ok(exit)
}

/// What is told of the certificates before the first connection.
#[derive(Debug, Default)]
struct OfTls {
    /// The authority that was made up (PEM), for clients to trust.
    authority: Option<String>,
    /// What is worth telling about the files, such as a key that others can read.
    warnings: Vec<String>,
}

/// Prepares the handshakes with a service at `tls://`: reads whom to trust.
fn speak_tls_to_the_service(plan: &mut ListenPlan) -> Result<(), Trouble> {
    let Behaviour::Forward(forward) = &mut plan.config.behaviour else {
        return Ok(());
    };
    if !forward.target.tls {
        return Ok(());
    }
    let options = TlsOptions {
        roots: plan.forward_roots.clone(),
        ..TlsOptions::default()
    };
    let client = TlsClient::new(&options).map_err(|unprepared| {
        Error::new("preparing TLS", named_by_flag(unprepared, "--forward-ca"))
    })?;
    forward.dial.tls = Some(Tls {
        client,
        name: None,
        always: false,
        starttls: None,
        preamble: Vec::new(),
        resume: false,
    });
    Ok(())
}

/// Connects, by the name servers that are asked for.
fn io(plan: &ListenPlan) -> SystemIo {
    SystemIo::new(StubResolver::new(StubConfig {
        servers: plan.name_servers.clone(),
        ..StubConfig::default()
    }))
}

/// Prepares TLS, where it is asked for; returns the certificate of an authority that was made up.
#[cfg(feature = "tls")]
async fn secure(
    plan: &ListenPlan,
    means: &mut Means<SystemIo>,
    cx: &Cx,
) -> Result<(OfTls, Identities), Trouble> {
    let (tls, identities) = secure::open(plan.tls.as_ref(), cx).await?;
    let told = tls.as_ref().map_or_else(OfTls::default, |tls| OfTls {
        authority: tls.authority().map(str::to_owned),
        warnings: tls.warnings().to_vec(),
    });
    means.tls = tls;
    Ok((told, identities))
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unused_async, reason = "with the feature `tls` it waits")]
async fn secure(
    plan: &ListenPlan,
    _: &mut Means<SystemIo>,
    _: &Cx,
) -> Result<(OfTls, Identities), Trouble> {
    if plan.tls.is_some() {
        let message = "--tls: this netkit was built without TLS";
        return Err(UsageError::new(message, "one that was built with the feature `tls`").into());
    }
    Ok((OfTls::default(), Identities::default()))
}

/// Begins to take orders, where that is asked for.
fn take_orders(
    plan: &ListenPlan,
    listeners: &[Listener],
    means: &mut Means<SystemIo>,
) -> Result<Option<Removal>, Trouble> {
    let Some(path) = &plan.control else {
        return Ok(None);
    };
    let (removal, orders) = control::start(path, listeners)?;
    means.orders = Some(orders);
    Ok(removal)
}

/// Waits for the server; SIGQUIT shows what is known by then, who scrapes gets the same, and a new
/// identity is told.
async fn serve_and_hear(
    run: impl Future<Output = Result<Report, Error>>,
    signals: &Signals,
    mut identities: Identities,
    mut scrapes: mpsc::Receiver<metrics::Reply>,
    fold: &Mutex<Fold<'_>>,
    look: &Notify,
) -> Result<Report, Error> {
    let mut run = std::pin::pin!(run);
    loop {
        tokio::select! {
            biased;
            result = &mut run => return result,
            () = signals.interim() => {
                lock(fold).asked = true;
                look.notify_one();
            }
            Some(asker) = scrapes.recv() => {
                lock(fold).askers.push(asker);
                look.notify_one();
            }
            change = identities.next() => lock(fold).identity(&change),
        }
    }
}

/// Reads what the behaviour says from where the command line says it is.
fn fill_in(plan: &mut ListenPlan) -> Result<(), Trouble> {
    match plan.content.take() {
        None => {}
        Some(Content::Bytes(bytes)) => plan.config.behaviour = Behaviour::Respond(bytes),
        Some(Content::File(path)) => {
            plan.config.behaviour = Behaviour::Respond(read("--respond @", &path)?);
        }
        Some(Content::Script(path)) => {
            let text = String::from_utf8_lossy(&read("--script ", &path)?).into_owned();
            let steps = script(&text).map_err(|error| {
                let message = format!("--script {}: {error}", path.display());
                UsageError::new(message, "a script: a step a line")
            })?;
            plan.config.behaviour = Behaviour::Script(steps);
        }
    }
    Ok(())
}

/// Reads a file that a flag names.
fn read(flag: &str, path: &Path) -> Result<Vec<u8>, Trouble> {
    std::fs::read(path).map_err(|error| {
        let failure = Error::local("", &error).failure;
        let what = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file",
            std::io::ErrorKind::PermissionDenied => "this user may not read it",
            std::io::ErrorKind::IsADirectory => "it is a directory, not a file",
            _ => &failure.message,
        };
        let message = format!("{flag}{}: {what}", path.display());
        let failure = Failure { message, ..failure };
        Error::new(
            "reading what to say",
            failure.hint("name a file that can be read"),
        )
        .into()
    })
}

/// Scrapers that may wait to be heard.
const SCRAPERS: usize = 16;

/// Starts to answer scrapes, where that was asked for: says where, and hands on who asks.
async fn answer_scrapes(
    plan: &ListenPlan,
) -> Result<(Option<SocketAddr>, mpsc::Receiver<metrics::Reply>), Trouble> {
    let (asks, scrapes) = mpsc::channel(SCRAPERS);
    let Some(addr) = plan.metrics else {
        return Ok((None, scrapes));
    };
    let local = metrics::start(addr, asks).await?;
    Ok((Some(local), scrapes))
}

/// Holds as many connections as the descriptors that are left allow, unless it is told how many.
fn fit_the_descriptors(plan: &mut ListenPlan) {
    let each = match plan.config.behaviour {
        // The service's end; a program's watcher and what the runtime knows it by.
        Behaviour::Forward(_) => 2,
        Behaviour::Exec(_) => 3,
        _ => 1,
    };
    let most = &mut plan.config.limits.max_connections;
    most.get_or_insert_with(|| limits::connections_left(plan.config.workers, each));
}

/// Binds every address of the plan, or takes over the sockets that were passed.
async fn listeners(plan: &ListenPlan, cx: &Cx) -> Result<Vec<Listener>, Trouble> {
    let failed = |mut failure: Failure| {
        if failure.kind == Kind::TooManyFiles {
            failure.hint =
                Some("raise the limit (`ulimit -n`), or listen at fewer addresses".into());
        }
        Trouble::from(Error::new("listening", failure))
    };
    if plan.passed > 0 {
        return inherited(plan.passed).map_err(failed);
    }
    let mut listeners = Vec::with_capacity(plan.addrs.len());
    for addr in &plan.addrs {
        let options = plan.options.fitting(addr.network());
        let addr = resolved(addr, cx).await.map_err(failed)?;
        listeners.push(bind(&addr, &options).map_err(failed)?);
    }
    Ok(listeners)
}

/// The address of a place: a name means its first address, IPv4 before IPv6, as in Go.
async fn resolved(addr: &ListenAddr, cx: &Cx) -> Result<BindAddr, netkit::failure::Failure> {
    let (network, host, port) = match addr {
        ListenAddr::Unix { network, path } => {
            let (network, path) = (*network, path.clone());
            return Ok(BindAddr::Unix { network, path });
        }
        ListenAddr::Inet {
            network,
            host,
            port,
        } => (*network, host, *port),
    };
    let (ip, scope) = match host {
        None => (None, 0),
        Some(Host::Ip { ip, zone }) => {
            let scope = zone.as_deref().map(netkit::net::interface::scope_id);
            (Some(*ip), scope.transpose()?.unwrap_or(0))
        }
        Some(Host::Name(name)) => (Some(look_up(name, network.family(), cx).await?), 0),
    };
    Ok(BindAddr::Inet {
        network,
        ip,
        scope,
        port,
    })
}

async fn look_up(
    name: &std::sync::Arc<str>,
    family: Option<Family>,
    cx: &Cx,
) -> Result<IpAddr, netkit::failure::Failure> {
    let io = SystemIo::default();
    let deadline = cx.deadline(Some(netkit::dial::config::TIMEOUT));
    let families = match family {
        Some(family) => vec![family],
        None => vec![Family::Ipv4, Family::Ipv6],
    };
    let mut first = None;
    for family in families {
        let question = Question {
            name: name.clone(),
            family,
        };
        match io.lookup(&question, &deadline).await {
            Ok(answer) if !answer.addresses.is_empty() => return Ok(answer.addresses[0]),
            Ok(_) => {}
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    Err(first.unwrap_or_else(|| {
        use netkit::failure::{Failure, Kind, Stage};
        Failure::new(
            Stage::Resolve,
            Kind::NoData,
            format!("{name} has no address"),
        )
    }))
}

/// What the events become.
struct Fold<'a> {
    plan: &'a ListenPlan,
    config: ListenConfig,
    output: OutputSettings,
    cx: &'a Cx,
    report: Report,
    verdict: Verdict,
    /// The live line.
    status: Progress,
    /// Where scrapers ask, until it has been told.
    page_at: Option<SocketAddr>,
    /// Those who wait for the next numbers.
    askers: Vec<metrics::Reply>,
    /// How many sockets there are.
    sockets: usize,
    /// SIGQUIT asks for what is known; the next numbers are shown.
    asked: bool,
    /// Where pieces go.
    record: Record,
    told: OfTls,
    out: &'a mut Out,
}

impl Fold<'_> {
    fn event(&mut self, event: &Stamped<Event>) -> ControlFlow<()> {
        let before = self.report.totals.clone();
        self.report.apply(event);
        self.record.event(event, self.cx.wall());
        if let Event::Closed(closed) = &event.event {
            self.verdict.add(outcome(closed.cause));
        }
        let mut text = match self.output.format {
            Format::Quiet => String::new(),
            Format::Human => {
                let sockets = &self.report.listeners;
                let (plan, view) = (self.plan, &self.output.view);
                words::event(event, plan, sockets, &before, self.cx.wall(), view)
            }
            Format::Json | Format::Pretty => lines::event(
                event,
                self.plan,
                &before,
                self.cx.wall(),
                self.output.view.rich,
            ),
        };
        if let Event::Stats(totals) = &event.event {
            self.look(&before, totals);
            if std::mem::take(&mut self.asked) {
                text += &self.interim(event, &before);
            }
        }
        if self.report.listeners.len() == self.sockets {
            text += &self.warnings_of_tls(event.at);
            text += &self.where_scrapers_ask();
        }
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        let out = &mut *self.out;
        self.status.suspend(|| out.write(&text))
    }

    /// Shows the certificate that clients have to trust.
    fn show_authority(&mut self) {
        let Some(pem) = &self.told.authority else {
            return;
        };
        let text = match self.output.format {
            Format::Quiet => return,
            Format::Human => pem.to_owned(),
            Format::Json | Format::Pretty => {
                let body = lines_of_forwarding::Authority { pem };
                let line = Line::new("authority", self.cx.wall(), self.cx.elapsed(), body);
                line.compact(self.output.view.rich)
            }
        };
        let _ = self.out.write(&text);
    }

    /// With JSON, once all sockets listen: readers wait for those lines first. People have read it on
    /// standard error.
    fn warnings_of_tls(&mut self, at: Duration) -> String {
        let json = matches!(self.output.format, Format::Json | Format::Pretty);
        if !json {
            return String::new();
        }
        let warnings = std::mem::take(&mut self.told.warnings);
        let line = |message: &String| {
            let body = lines::Warning { message };
            Line::new("warning", self.cx.wall(), at, body).compact(self.output.view.rich)
        };
        warnings.iter().map(line).collect()
    }

    /// Our own identity is another, or cannot be renewed.
    fn identity(&mut self, change: &Change) {
        let text = match self.output.format {
            Format::Quiet => return,
            Format::Human => escape(&change.words()) + "\n",
            Format::Json | Format::Pretty => {
                let line = Line::new("identity", self.cx.wall(), self.cx.elapsed(), change);
                line.compact(self.output.view.rich)
            }
        };
        let out = &mut *self.out;
        let _ = self.status.suspend(|| out.write(&text));
    }

    /// Shows the numbers where they are shown without a line of their own.
    fn look(&mut self, before: &Totals, totals: &Totals) {
        if self.plan.status {
            self.status.say(words::stats(before, totals));
        }
        for asker in self.askers.drain(..) {
            // Who no longer waits does not want it.
            let _ = asker.send(text_of(totals));
        }
    }

    /// In JSON, once the sockets are known: where scrapers ask. People are told on standard error.
    fn where_scrapers_ask(&mut self) -> String {
        match (self.page_at.take(), self.output.format) {
            (Some(local), Format::Json | Format::Pretty) => {
                let body = lines::Metrics::new(local);
                let line = Line::new("metrics", self.cx.wall(), self.cx.elapsed(), body);
                line.compact(self.output.view.rich)
            }
            _ => String::new(),
        }
    }

    /// SIGQUIT: what is known by now, beside the data; in JSON a line of statistics, unless that is
    /// shown anyway.
    fn interim(&self, event: &Stamped<Event>, before: &Totals) -> String {
        match self.output.format {
            Format::Json | Format::Pretty if self.plan.stats_lines => String::new(),
            Format::Json | Format::Pretty => {
                let body = lines::Stats::new(before, &self.report.totals);
                let line = Line::new("stats", self.cx.wall(), event.at, body);
                line.compact(self.output.view.rich)
            }
            Format::Human | Format::Quiet => {
                let text = words::summary(&self.report, &self.output.messages);
                messages::say(text.trim_end());
                String::new()
            }
        }
    }

    fn summary(&mut self, report: &Report, exit: Exit) {
        match self.output.format {
            Format::Json | Format::Pretty => self.write_summary(report, exit),
            Format::Human => {
                let text = words::summary(report, &self.output.view);
                // What is wrong with standard output is told at the end.
                let _ = self.out.write_last(&text);
            }
            Format::Quiet => {}
        }
    }

    fn write_summary(&mut self, report: &Report, exit: Exit) {
        let body = lines::Summary::new(report, exit.code(), &self.config);
        let line = Line::new("summary", self.cx.wall(), self.cx.elapsed(), body);
        let _ = self.out.write_last(&line.compact(self.output.view.rich));
    }

    /// A counted run ends by its connections; a server that served until it was told to stop has
    /// done what was asked.
    fn exit(&self, report: &Report, signals: &Signals) -> Exit {
        use netkit::listen::EndedBy;
        if !self.plan.counted {
            return Exit::Success;
        }
        let none = match report.ended_by {
            Some(EndedBy::Signal) => signals.stopped(),
            _ => Exit::Silence,
        };
        self.verdict.exit(none)
    }
}

/// The outcome of one connection.
fn outcome(cause: Cause) -> Exit {
    match cause {
        Cause::Reset
        | Cause::Lost
        | Cause::Failed
        | Cause::Shutdown
        | Cause::UpstreamReset
        | Cause::UpstreamFailed
        | Cause::Handshake => Exit::Peer,
        Cause::IdleTimeout => Exit::Silence,
        Cause::Unexpected => Exit::Expectation,
        _ => Exit::Success,
    }
}
