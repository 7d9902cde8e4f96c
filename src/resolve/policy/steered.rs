//! A lookup that obeys a policy.
//!
//! Servers first: a rule may name others than the usual ones. Then the addresses: rules arrange what came
//! back. Every reply is a measurement, and so is every connection that is reported back.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::net::{self, PeerAddr, SocketOptions};
use crate::resolve::{Answer, DomainName, Lookup, NameServer, Question, StubConfig, StubResolver};
use crate::time::Millis;

use super::choose::Choice;
use super::live::LivePolicy;
use super::measured::Measured;
use super::rules::{Fired, Rules, Subject};

/// How long measuring the addresses of an answer may hold it up.
const MEASURE: Duration = Duration::from_millis(300);
/// Servers that are remembered; beyond it they are set up anew.
const MOST: usize = 256;

/// A [`StubResolver`] under a policy; without one it is the plain resolver.
///
/// Cheap to clone; clones share what was measured.
///
/// ```no_run
/// use netkit::resolve::StubConfig;
/// use netkit::resolve::policy::{LivePolicy, Steered};
/// # fn example() -> Result<(), netkit::resolve::policy::Fault> {
/// let rules = "[[rule]]\nname = \"east\"\nregions = [\"east\"]\nprefer = [\"10.1.0.0/16\"]".parse()?;
/// let resolver = Steered::new(StubConfig::default()).under(LivePolicy::fixed(rules), Some("east"));
/// # let _ = resolver; Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Steered {
    usual: StubResolver,
    shared: Option<Arc<Shared>>,
}

#[derive(Debug)]
struct Shared {
    config: StubConfig,
    policy: LivePolicy,
    region: Option<String>,
    measured: Measured,
    /// One resolver for each server that rules name: it keeps connections and answers.
    others: Mutex<HashMap<NameServer, StubResolver>>,
}

impl Steered {
    /// Resolves as the configuration says, without a policy.
    #[must_use]
    pub fn new(config: StubConfig) -> Self {
        let usual = StubResolver::new(config);
        Self {
            usual,
            shared: None,
        }
    }

    /// Obeys a policy from now on, for a client in that region.
    #[must_use]
    pub fn under(self, policy: LivePolicy, region: Option<&str>) -> Self {
        let shared = Shared {
            config: self.usual.config().clone(),
            policy,
            region: region.map(str::to_owned),
            measured: Measured::default(),
            others: Mutex::default(),
        };
        Self {
            shared: Some(Arc::new(shared)),
            ..self
        }
    }
}

impl Lookup for Steered {
    async fn lookup(&self, question: &Question, deadline: &Deadline) -> Result<Answer, Failure> {
        let name = DomainName::parse(&question.name);
        let literal = question.name.parse::<IpAddr>().is_ok();
        match (&self.shared, name) {
            (Some(shared), Ok(name)) if !literal => {
                shared.lookup(&self.usual, &name, question, deadline).await
            }
            _ => self.usual.lookup(question, deadline).await,
        }
    }

    fn saw(&self, ip: IpAddr, latency: Option<Duration>) {
        if let Some(shared) = &self.shared {
            shared.measured.saw_address(ip, latency, Instant::now());
        }
    }
}

impl Shared {
    async fn lookup(
        &self,
        usual: &StubResolver,
        name: &DomainName,
        question: &Question,
        deadline: &Deadline,
    ) -> Result<Answer, Failure> {
        // These rules hold for this lookup to its end, whatever replaces them meanwhile.
        let rules = self.policy.rules();
        let subject = Subject {
            name,
            region: self.region.as_deref(),
        };
        let choice = rules.servers_for(&subject, &self.measured, Instant::now());
        let (mut answer, mut fired) = match choice {
            None => (usual.lookup(question, deadline).await?, Vec::new()),
            Some(choice) => self.ask(choice, question, deadline).await?,
        };
        self.measure(&rules, &subject, &answer.addresses, deadline)
            .await;
        let now = Instant::now();
        let before = answer.addresses.clone();
        fired.extend(rules.arrange(&subject, &mut answer.addresses, &self.measured, now));
        if answer.addresses.is_empty() {
            return Err(nothing_left(question, &before, &fired));
        }
        answer.evidence.extend(fired.iter().map(evidence));
        Ok(answer)
    }

    /// Asks the chosen servers, the next one when the one before has failed or has used up the
    /// patience of the rule; the first answer wins.
    async fn ask(
        &self,
        choice: Choice,
        question: &Question,
        deadline: &Deadline,
    ) -> Result<(Answer, Vec<Fired>), Failure> {
        let mut waiting = choice.servers.iter();
        let mut running = FuturesUnordered::new();
        let mut first_failure = None;
        let mut next_at = Instant::now();
        loop {
            let may_ask = waiting.len() > 0;
            if may_ask && (running.is_empty() || next_at <= Instant::now()) {
                let left = waiting.len();
                let server = waiting.next();
                running.extend(server.map(|server| self.ask_one(server, question, deadline)));
                let now = Instant::now();
                let share = deadline.remaining(now).map(|rest| rest / usable(left));
                next_at = now + choice.patience.or(share).unwrap_or(MEASURE);
            }
            tokio::select! {
                Some((server, result)) = running.next() => match result {
                    Ok(answer) => return Ok((answer, told(&choice, &server))),
                    Err(failure) if is_final(&failure) => return Err(failure),
                    Err(failure) => {
                        first_failure.get_or_insert(failure);
                        next_at = Instant::now();
                    }
                },
                () = tokio::time::sleep_until(next_at), if may_ask => {}
                else => {
                    let failure = first_failure.unwrap_or_else(|| nobody(question));
                    return Err(choice.fired.iter().fold(failure, |f, fired| f.because(evidence(fired))));
                }
            }
        }
    }

    /// Asks one server and remembers how long it took.
    async fn ask_one(
        &self,
        server: &NameServer,
        question: &Question,
        deadline: &Deadline,
    ) -> (NameServer, Result<Answer, Failure>) {
        let watch = Stopwatch::new(self, server);
        let result = self.other(server).lookup(question, deadline).await;
        watch.stop(result.as_ref().map(|_| ()).map_err(is_final));
        (server.clone(), result)
    }

    fn other(&self, server: &NameServer) -> StubResolver {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if others.len() >= MOST {
            others.clear();
        }
        let made = || {
            StubResolver::new(StubConfig {
                servers: vec![server.clone()],
                ..self.config.clone()
            })
        };
        others.entry(server.clone()).or_insert_with(made).clone()
    }

    /// Connects to the addresses that a rule wants measured and nobody has measured lately.
    async fn measure(
        &self,
        rules: &Rules,
        subject: &Subject<'_>,
        addresses: &[IpAddr],
        deadline: &Deadline,
    ) {
        let Some(port) = rules.measures(subject, addresses) else {
            return;
        };
        let now = Instant::now();
        let deadline = deadline.within(now, MEASURE);
        let options = SocketOptions::default();
        let unknown = addresses.iter().copied();
        let unknown = unknown.filter(|ip| self.measured.address(*ip, now).is_none());
        let connects = unknown.map(|ip| {
            let (deadline, options) = (&deadline, &options);
            async move {
                let began = Instant::now();
                let addr = PeerAddr::Tcp(std::net::SocketAddr::new(ip, port));
                let connected = net::connect(&addr, options, deadline).await;
                let now = Instant::now();
                let latency = connected.ok().map(|_| now - began);
                self.measured.saw_address(ip, latency, now);
            }
        });
        connects
            .collect::<FuturesUnordered<_>>()
            .collect::<()>()
            .await;
    }
}

/// Times one server. A try that is given up counts as having taken as long as it has lasted: a slow
/// first server must not stay unmeasured because its backup is faster.
struct Stopwatch<'a> {
    shared: &'a Shared,
    server: &'a NameServer,
    began: Instant,
    is_over: bool,
}

impl<'a> Stopwatch<'a> {
    fn new(shared: &'a Shared, server: &'a NameServer) -> Self {
        Self {
            shared,
            server,
            began: Instant::now(),
            is_over: false,
        }
    }

    /// `Err(true)`: it answered, only not with addresses.
    fn stop(mut self, result: Result<(), bool>) {
        self.is_over = true;
        let now = Instant::now();
        let latency = (result != Err(false)).then(|| now - self.began);
        self.shared.measured.saw_server(self.server, latency, now);
    }
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let lasted = now - self.began;
        if !self.is_over && !lasted.is_zero() {
            self.shared
                .measured
                .saw_server(self.server, Some(lasted), now);
        }
    }
}

fn usable(left: usize) -> u32 {
    u32::try_from(left.max(1)).unwrap_or(u32::MAX)
}

/// What the rule did, and that a backup was faster.
fn told(choice: &Choice, winner: &NameServer) -> Vec<Fired> {
    let mut fired = choice.fired.clone();
    if let (Some(first), Some(rule)) = (choice.servers.first(), fired.first())
        && first != winner
    {
        let rule = rule.rule.clone();
        let patience = choice.patience.map(Millis);
        let because = patience.map_or_else(
            || "had not answered".to_owned(),
            |patience| format!("had not answered within {patience}, or failed"),
        );
        fired.push(Fired {
            rule,
            action: super::Action::Switch,
            detail: format!("{winner} answered: {first} {because}"),
        });
    }
    fired
}

/// Whether another server would say the same.
fn is_final(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::Nxdomain | Kind::NoData | Kind::Invalid)
}

fn evidence(fired: &Fired) -> Evidence {
    Evidence::Policy {
        rule: fired.rule.clone(),
        action: fired.action.to_string(),
        detail: fired.detail.clone(),
    }
}

fn nobody(question: &Question) -> Failure {
    let message = format!("{}: no server could be asked in time", question.name);
    Failure::new(Stage::Resolve, Kind::Timeout, message).by(Who::Netkit)
}

fn nothing_left(question: &Question, before: &[IpAddr], fired: &[Fired]) -> Failure {
    let (name, count) = (&question.name, before.len());
    let message = format!("{name} has {count} addresses and the policy leaves none of them");
    let failure = Failure::new(Stage::Resolve, Kind::NoData, message).by(Who::Netkit);
    let failure = fired
        .iter()
        .fold(failure, |failure, fired| failure.because(evidence(fired)));
    failure.hint("see the rules named in the evidence")
}
