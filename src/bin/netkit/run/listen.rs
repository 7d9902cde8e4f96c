//! Serving: binds what the plan names, and shows what the server tells.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Mutex;

use netkit::addr::listen::ListenAddr;
use netkit::addr::{Family, Host};
use netkit::error::Error;
use netkit::event::Stamped;
use netkit::io::{Io, SystemIo};
use netkit::listen::{self, Event, Report};
use netkit::net::limits;
use netkit::net::listen::{BindAddr, Listener, bind, inherited};
use netkit::net::serve::Cause;
use netkit::resolve::Question;
use netkit::run::Cx;
use tokio_util::sync::CancellationToken;

use super::{Trouble, finish, lock};
use crate::exit::{Exit, Verdict};
use crate::messages;
use crate::output::json::listen as lines;
use crate::output::json::{Line, listen::ListenConfig};
use crate::output::listen as words;
use crate::output::{Out, WhenFull};
use crate::plan::{Format, ListenPlan, OutputSettings};
use crate::signal::Signals;

/// Serves as planned and says how netkit ends.
pub(crate) async fn listen(plan: ListenPlan, output: OutputSettings) -> Exit {
    let json = output.format == Format::Json;
    let mut out = Out::default();
    let exit = match carry_out(plan, output, &mut out).await {
        Ok(exit) => exit,
        Err(Trouble::Usage(error)) => messages::usage(&error, json),
        Err(Trouble::Local(error)) => messages::local(&error, json),
    };
    finish(&mut out, exit)
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
    let limits = &mut plan.config.limits;
    limits
        .max_connections
        .get_or_insert_with(limits::connections);
    let listeners = listeners(&plan, &cx).await?;
    out.queue(WhenFull::Lose, signals.asked())
        .map_err(|error| Error::local("starting to write", &error))?;
    let fold = Mutex::new(Fold {
        plan: &plan,
        config: ListenConfig::from(&plan),
        output,
        cx: &cx,
        report: Report::default(),
        verdict: Verdict::default(),
        out,
    });
    let mut observer = |event: &Stamped<Event>| lock(&fold).event(event);
    let run = listen::serve(listeners, &plan.config, &cx, &mut observer);
    let report = serve_and_hear(run, &signals, &fold).await?;
    let mut fold = lock(&fold);
    let exit = fold.exit(&report, &signals);
    fold.summary(&report, Some(exit));
    Ok(exit)
}

/// Waits for the server; SIGQUIT shows what is known so far.
async fn serve_and_hear(
    run: impl Future<Output = Result<Report, Error>>,
    signals: &Signals,
    fold: &Mutex<Fold<'_>>,
) -> Result<Report, Error> {
    let mut run = std::pin::pin!(run);
    loop {
        tokio::select! {
            biased;
            result = &mut run => return result,
            () = signals.interim() => lock(fold).interim(),
        }
    }
}

/// Binds every address of the plan, or takes over the sockets that were passed.
async fn listeners(plan: &ListenPlan, cx: &Cx) -> Result<Vec<Listener>, Trouble> {
    let failed = |failure| Trouble::from(Error::new("listening", failure));
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
    out: &'a mut Out,
}

impl Fold<'_> {
    fn event(&mut self, event: &Stamped<Event>) -> ControlFlow<()> {
        let before = self.report.totals.clone();
        self.report.apply(event);
        if let Event::Closed(closed) = &event.event {
            self.verdict.add(outcome(closed.cause));
        }
        let text = match self.output.format {
            Format::Quiet => String::new(),
            Format::Human => {
                words::event(event, self.plan, &before, self.cx.wall(), &self.output.view)
            }
            Format::Json | Format::Pretty => lines::event(
                event,
                self.plan,
                &before,
                self.cx.wall(),
                self.output.view.rich,
            ),
        };
        self.out.write(&text)
    }

    /// SIGQUIT: what is known so far, beside the data.
    fn interim(&mut self) {
        match self.output.format {
            Format::Json | Format::Pretty => {
                let report = self.report.clone();
                self.write_summary(&report, None);
            }
            Format::Human | Format::Quiet => {
                let text = words::summary(&self.report, &self.output.messages);
                messages::say(text.trim_end());
            }
        }
    }

    fn summary(&mut self, report: &Report, exit: Option<Exit>) {
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

    fn write_summary(&mut self, report: &Report, exit: Option<Exit>) {
        let body = lines::Summary::new(report, exit.map(Exit::code), &self.config);
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
        Cause::Reset | Cause::Lost | Cause::Failed | Cause::Shutdown => Exit::Peer,
        Cause::IdleTimeout => Exit::Silence,
        _ => Exit::Success,
    }
}
