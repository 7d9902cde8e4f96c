//! A [`Session`] under a policy: other servers where a rule says so, and answers as the rules arrange them.
//!
//! Only address records are touched; the rest of a reply is shown as it came.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::time::Instant;

use super::config::Config;
use super::question::Question;
use super::record::Record;
use super::remark::{Remark, RemarkCode};
use super::report::Report;
use super::session::Session;
use super::verdict::Verdict;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::resolve::policy::{Choice, Fired, LivePolicy, Measured, Rules, Subject};
use crate::resolve::{DomainName, NameServer};
use crate::run::Cx;

/// Sets of servers that are remembered.
const MOST: usize = 256;

/// What a policy made of a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolicyFacts {
    /// Where the client is, in its own words.
    pub region: Option<String>,
    /// The rules that acted, in the order in which they did.
    pub fired: Vec<Fired>,
    /// The addresses that the server gave, in its order; `null` when no rule touched them.
    pub received: Option<Vec<IpAddr>>,
}

/// Puts questions as one configuration and a policy have it.
#[derive(Debug)]
pub struct SteeredSession {
    usual: Session,
    policy: LivePolicy,
    region: Option<String>,
    measured: Measured,
    others: Mutex<HashMap<Vec<NameServer>, Arc<Session>>>,
}

impl SteeredSession {
    /// A session that has asked nothing yet.
    #[must_use]
    pub fn new(config: Config, policy: LivePolicy, region: Option<&str>) -> Self {
        Self {
            usual: Session::new(config),
            policy,
            region: region.map(str::to_owned),
            measured: Measured::default(),
            others: Mutex::default(),
        }
    }

    /// Asks one question under the rules in force now; they hold for it to its end.
    pub async fn ask(&self, question: &Question, cx: &Cx) -> Vec<Report> {
        let Ok(name) = DomainName::parse(&question.text) else {
            return self.usual.ask(question, cx).await;
        };
        let rules = self.policy.rules();
        let subject = Subject {
            name: &name,
            region: self.region.as_deref(),
        };
        let choice = rules.servers_for(&subject, &self.measured, Instant::now());
        let mut reports = match &choice {
            Some(choice) => self.other(choice).ask(question, cx).await,
            None => self.usual.ask(question, cx).await,
        };
        for report in &mut reports {
            self.remember(choice.as_ref(), report);
            let fired = choice.iter().flat_map(|choice| choice.fired.clone());
            let mut facts = PolicyFacts {
                region: self.region.clone(),
                fired: fired.collect(),
                received: None,
            };
            self.arrange(&rules, &subject, report, &mut facts);
            report.remarks.extend(facts.fired.iter().map(remark));
            report.policy = Some(facts);
        }
        reports
    }

    /// The session that asks the chosen servers.
    fn other(&self, choice: &Choice) -> Arc<Session> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if others.len() >= MOST {
            others.clear();
        }
        let made = || {
            let mut config = self.usual.config().clone();
            config.stub.servers.clone_from(&choice.servers);
            config.patience = choice.patience;
            Arc::new(Session::new(config))
        };
        others
            .entry(choice.servers.clone())
            .or_insert_with(made)
            .clone()
    }

    /// Takes every try of a server that a rule chose as a measurement.
    fn remember(&self, choice: Option<&Choice>, report: &Report) {
        let now = Instant::now();
        for server in choice.iter().flat_map(|choice| &choice.servers) {
            // One that is given by name stands for several addresses: none of them speaks for it.
            let Some(addr) = server.addr() else {
                continue;
            };
            let mut tries = report.attempts.iter();
            if !tries.any(|attempt| attempt.server == addr) {
                continue;
            }
            let answered = report.server == Some(addr) && report.rcode.is_some();
            let latency = report.rtt_ms.filter(|_| answered).map(|rtt| rtt.0);
            let gave_way = report.server.is_some_and(|other| other != addr) && report.ok;
            match (latency, gave_way) {
                (None, true) => {
                    // Slower than the rule has patience for, or it failed: either way it took this long.
                    let lasted = report.total_ms.0;
                    self.measured.saw_server(server, Some(lasted), now);
                }
                (latency, _) => self.measured.saw_server(server, latency, now),
            }
        }
    }

    fn arrange(
        &self,
        rules: &Rules,
        subject: &Subject<'_>,
        report: &mut Report,
        facts: &mut PolicyFacts,
    ) {
        let before: Vec<IpAddr> = report.answers.iter().filter_map(address).collect();
        let mut after = before.clone();
        let fired = rules.arrange(subject, &mut after, &self.measured, Instant::now());
        if fired.is_empty() {
            return;
        }
        facts.fired.extend(fired);
        report.answers = records(&report.answers, &after);
        if after.is_empty() {
            nothing_left(report, before.len());
        }
        facts.received = Some(before);
    }
}

fn remark(fired: &Fired) -> Remark {
    let Fired {
        rule,
        action,
        detail,
    } = fired;
    let text = format!("policy rule {rule:?}, {action}: {detail}");
    Remark::new(RemarkCode::Policy, text)
}

/// The address of an address record.
fn address(record: &Record) -> Option<IpAddr> {
    let is_address = matches!(record.rtype.as_str(), "A" | "AAAA");
    is_address.then(|| record.data.parse().ok())?
}

/// The records with these addresses in this order, behind the aliases that lead to them.
fn records(all: &[Record], addresses: &[IpAddr]) -> Vec<Record> {
    let (of_addresses, others): (Vec<_>, Vec<_>) =
        all.iter().partition(|record| address(record).is_some());
    let with = |ip: &IpAddr| {
        let own = of_addresses
            .iter()
            .find(|record| address(record) == Some(*ip));
        let alike = of_addresses
            .iter()
            .find(|record| address(record).is_some_and(|own| own.is_ipv4() == ip.is_ipv4()));
        own.or(alike).map(|model| {
            let mut record = (*model).clone();
            if address(model) != Some(*ip) {
                // An address that the rules brought in has no record of its own.
                (record.data, record.rdata) = (ip.to_string(), None);
            }
            record
        })
    };
    let arranged = addresses.iter().filter_map(with);
    others.into_iter().cloned().chain(arranged).collect()
}

fn nothing_left(report: &mut Report, count: usize) {
    let message = format!(
        "{} has {count} addresses and the policy leaves none of them",
        report.name
    );
    report.ok = false;
    report.verdict = Verdict::NoData;
    report.advice = Some("see the rules that acted, in `policy`".to_owned());
    report.failure = Some(Failure::new(Stage::Resolve, Kind::NoData, message).by(Who::Netkit));
}
