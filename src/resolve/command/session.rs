//! One configuration and many questions: reads the system's files once, picks the servers, asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::build;
use super::config::{Config, ServerMode};
use super::kept::{Reports, missed};
use super::question::Question;
use super::report::{Report, ReportSource};
use super::system::system_view;
use super::validation::Validation;
use crate::addr::Family;
use crate::deadline::Deadline;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::resolve::cache::Cache;
use crate::resolve::check::{CheckReport, check};
use crate::resolve::client::Client;
use crate::resolve::dnssec::prepare;
use crate::resolve::exchange::Clock;
use crate::resolve::hosts::Hosts;
use crate::resolve::name::DomainName;
use crate::resolve::registry::Class;
use crate::resolve::search::walk;
use crate::resolve::server::Transports;
use crate::resolve::servers::Servers;
use crate::resolve::setup::Setup;
use crate::resolve::upstream::Upstream;
use crate::resolve::wire::{Ask, RecordType};
use crate::run::Cx;

/// Puts questions, as one configuration has it. Creating one reads nothing.
#[derive(Debug)]
pub struct Session {
    config: Config,
    setup: OnceLock<Setup>,
    hosts: OnceLock<Hosts>,
    /// Where the next question begins in the list of servers, for `rotate`.
    turn: AtomicUsize,
    /// Held while asking, for `single-request`.
    single: Mutex<()>,
    /// What was answered, by name without regard to case and type.
    cache: Cache<(String, RecordType), Reports>,
}

impl Session {
    /// A session that has asked nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            setup: OnceLock::new(),
            hosts: OnceLock::new(),
            turn: AtomicUsize::new(0),
            single: Mutex::new(()),
            cache: Cache::new(config.stub.cache),
            config,
        }
    }

    /// How questions are put.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Asks one question; see [`run`](super::run).
    pub async fn ask(&self, question: &Question, cx: &Cx) -> Vec<Report> {
        let mut reports = self.ask_servers(question, cx).await;
        for report in &mut reports {
            report.qclass = self.config.policy.options.class.to_string();
        }
        if self.config.compare_system {
            let deadline = cx.restarted().deadline(Some(self.config.timeout));
            for report in &mut reports {
                report.system = system_view(question, report, &self.config, &deadline).await;
            }
        }
        reports
    }

    /// The server that is asked first, for what is asked of one only.
    pub(super) async fn first_server(
        &self,
        deadline: &Deadline,
    ) -> Result<(Client, Upstream), Failure> {
        let servers = self.servers(self.setup(), deadline).await?;
        let first = servers.list.into_iter().next();
        first.map(|first| (servers.client, first)).ok_or_else(|| {
            Failure::new(
                Stage::Resolve,
                Kind::DnsUnreachable,
                "no name server is known",
            )
        })
    }

    async fn ask_servers(&self, question: &Question, cx: &Cx) -> Vec<Report> {
        let now = Instant::now();
        let clock = Clock {
            origin: now,
            deadline: Deadline::new(now.checked_add(self.config.timeout), cx.cancel().clone()),
        };
        if let Some(known) = self.known(question) {
            return vec![build::known(question, known, &clock)];
        }
        if self.config.stub.cache == 0 {
            // Boxed, as below: it passes through many hands.
            return Box::pin(self.ask_anew(question, &clock, cx)).await;
        }
        let key = (question.text.to_ascii_lowercase(), question.rtype);
        let ask = async { missed(Box::pin(self.ask_anew(question, &clock, cx)).await) };
        match self.cache.or_ask(key, &clock.deadline, ask).await {
            Ok(Reports(mut reports)) => {
                for report in &mut reports {
                    // It may have been asked in another way of writing it.
                    report.name.clone_from(&question.typed);
                }
                reports
            }
            // Somebody else's question took all the time there was.
            Err(_) => Box::pin(self.ask_anew(question, &clock, cx)).await,
        }
    }

    /// Asks the servers, whatever was answered before.
    async fn ask_anew(&self, question: &Question, clock: &Clock, cx: &Cx) -> Vec<Report> {
        let setup = self.setup();
        let servers = match self.servers(setup, &clock.deadline).await {
            Ok(servers) => servers,
            Err(failure) => return vec![build::failed(question, failure, clock)],
        };
        let names = setup.candidates(&question.text).unwrap_or_default();
        if self.config.mode == ServerMode::All {
            let each = servers.list.iter().map(|one| {
                let servers = Servers {
                    list: vec![one.clone()],
                    ..servers.clone()
                };
                self.ask_of(question, &names, servers, clock, cx)
            });
            return futures_util::future::join_all(each).await;
        }
        vec![self.ask_of(question, &names, servers, clock, cx).await]
    }

    /// Tests every server with one question; errs when the servers cannot be found.
    pub async fn check(&self, question: &Question, cx: &Cx) -> Result<Vec<CheckReport>, Failure> {
        let now = Instant::now();
        let clock = Clock {
            origin: now,
            deadline: Deadline::new(now.checked_add(self.config.timeout), cx.cancel().clone()),
        };
        let servers = self.servers(self.setup(), &clock.deadline).await?;
        let name = DomainName::parse(&question.text).map_err(|error| {
            Failure::new(Stage::Parse, Kind::Invalid, error.to_string()).by(Who::Netkit)
        })?;
        let ask = Ask {
            class: self.config.policy.options.class,
            ..Ask::new(name, question.rtype)
        };
        let each = servers.list.iter();
        let each = each.map(|upstream| check(&servers.client, upstream, &ask, &clock));
        Ok(futures_util::future::join_all(each).await)
    }

    async fn ask_of(
        &self,
        question: &Question,
        names: &[DomainName],
        mut servers: Servers,
        clock: &Clock,
        cx: &Cx,
    ) -> Report {
        let setup = self.setup();
        let _guard = if setup.conf.single_request {
            clock.deadline.bound(self.single.lock()).await.ok()
        } else {
            None
        };
        let strict = self.config.strict_errors;
        let walk = walk(names, question.rtype, &mut servers, clock, strict).await;
        let mut report = build::report(question, names, &walk, clock);
        if let Some(anchors) = &self.config.dnssec {
            let validation = Validation {
                anchors,
                servers: &servers,
                clock,
                now: cx.wall(),
            };
            validation.run(&walk, &mut report).await;
        }
        report.remarks.extend(build::warnings(setup));
        report
    }

    fn setup(&self) -> &Setup {
        self.setup.get_or_init(|| Setup::new(&self.config.stub))
    }

    /// The servers as configured, with what the flags say instead.
    async fn servers(&self, setup: &Setup, deadline: &Deadline) -> Result<Servers, Failure> {
        let mut servers = setup.servers(&self.turn, deadline).await?;
        let trust_ad = servers.policy.options.authentic_data;
        servers.policy = self.config.policy.clone();
        servers.policy.options.authentic_data |= trust_ad;
        servers.patience = self.config.patience;
        if self.config.dnssec.is_some() {
            prepare(&mut servers.policy.options);
        }
        servers.race = self.config.mode == ServerMode::Race;
        let wanted = self.config.policy.transports;
        for upstream in &mut servers.list {
            upstream.transports = narrowed(upstream, wanted);
        }
        servers.timeout = servers.timeout.max(self.config.timeout);
        if let Some(tries) = self.config.tries {
            servers.attempts = tries.max(1);
            servers.timeout = self.config.timeout / u32::from(tries.max(1));
        }
        Ok(servers)
    }

    /// What this machine knows without asking anybody; `None` when it must ask.
    fn known(&self, question: &Question) -> Option<(Vec<IpAddr>, ReportSource)> {
        if self.config.policy.options.class != Class::IN {
            return None;
        }
        let family = match question.rtype {
            RecordType::A => Family::Ipv4,
            RecordType::AAAA => Family::Ipv6,
            _ => return None,
        };
        let of_family = |list: &[IpAddr]| -> Vec<IpAddr> {
            list.iter()
                .copied()
                .filter(|ip| Family::of(*ip) == family)
                .collect()
        };
        if self.config.uses_hosts()
            && let Some(found) = self.hosts().addresses(&question.text)
        {
            return Some((of_family(found), ReportSource::Hosts));
        }
        if !self.config.stub.servers.is_empty() {
            return None;
        }
        let name = DomainName::parse(&question.text).ok()?;
        if name.is_within(&DomainName::parse("localhost").ok()?) {
            let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            return Some((of_family(&loopback), ReportSource::Special));
        }
        let is_onion = name.is_within(&DomainName::parse("onion").ok()?);
        is_onion.then_some((Vec::new(), ReportSource::Special))
    }

    fn hosts(&self) -> &Hosts {
        self.hosts
            .get_or_init(|| self.config.stub.files.read_hosts())
    }
}

/// What a server may be asked over, given what all may be asked over.
fn narrowed(upstream: &Upstream, wanted: Transports) -> Transports {
    match upstream.transports {
        Transports::Both => wanted,
        own => own,
    }
}
