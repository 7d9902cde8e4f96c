//! The stub resolver: a name as typed to the addresses of one family.
//!
//! Adds to the engine what a user expects of "the resolver": literals, the hosts file, `localhost`,
//! the search list, and aliases that lead out of a reply. With servers given by hand nothing of
//! that is answered from elsewhere: those servers are asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::addr::Family;
use crate::deadline::Deadline;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::time::Millis;

use super::cache::{Cache, Looked};
use super::client::ClientConfig;
use super::exchange::Clock;
use super::explain::Case;
use super::hosts::Hosts;
use super::lookup::{Answer, Lookup, Question, Source};
use super::name::DomainName;
use super::search::search;
use super::server::NameServer;
use super::servers::Servers;
use super::setup::Setup;
use super::system::SystemFiles;

/// Whom the stub resolver asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StubConfig {
    /// Servers to ask instead of the system's, in this order; empty means the system's.
    pub servers: Vec<NameServer>,
    /// How sockets to servers are made, and whom to trust over TLS.
    pub client: ClientConfig,
    /// Where the system's configuration is.
    pub files: SystemFiles,
    /// How many answers of servers to keep for as long as they hold; 0, the default, keeps none, so
    /// that every lookup measures. With a cache, questions asked at the same time are asked once.
    pub cache: usize,
}

/// Resolves as the system would, or by the servers it is given.
///
/// Cheap to clone; clones share what was read from the system's files. Creating one reads nothing.
///
/// ```no_run
/// use netkit::addr::Family;
/// use netkit::deadline::Deadline;
/// use netkit::resolve::{Lookup, Question, StubConfig, StubResolver};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let servers = vec!["192.0.2.53".parse()?];
/// let resolver = StubResolver::new(StubConfig { servers, ..StubConfig::default() });
/// let question = Question { name: "www.example".into(), family: Family::Ipv4 };
/// let deadline = Deadline::after(std::time::Duration::from_secs(5));
/// let answer = resolver.lookup(&question, &deadline).await?;
/// println!("{:?} from {:?}", answer.addresses, answer.server);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct StubResolver {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    config: StubConfig,
    setup: OnceLock<Setup>,
    hosts: OnceLock<Hosts>,
    /// Where the next lookup begins in the list of servers, for `rotate`.
    turn: AtomicUsize,
    cache: Cache<Question, Looked>,
    /// Held while asking, for `single-request`.
    single: Mutex<()>,
}

impl StubResolver {
    /// Creates a resolver; the system's files are read when the first name is looked up.
    #[must_use]
    pub fn new(config: StubConfig) -> Self {
        let shared = Shared {
            cache: Cache::new(config.cache),
            config,
            ..Shared::default()
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// What it was made of.
    #[must_use]
    pub fn config(&self) -> &StubConfig {
        &self.shared.config
    }

    fn setup(&self) -> &Setup {
        let config = &self.shared.config;
        self.shared.setup.get_or_init(|| Setup::new(config))
    }

    fn hosts(&self) -> &Hosts {
        let files = &self.shared.config.files;
        self.shared.hosts.get_or_init(|| files.read_hosts())
    }

    /// What this machine knows without asking anybody; `None` when it must ask.
    fn known(&self, question: &Question) -> Option<Result<(Vec<IpAddr>, Source), Failure>> {
        let name = &*question.name;
        if let Ok(ip) = name.parse::<IpAddr>() {
            return Some(pick(question, &[ip], Source::Literal));
        }
        if !self.shared.config.servers.is_empty() {
            return None;
        }
        if let Some(addresses) = self.hosts().addresses(name) {
            return Some(pick(question, addresses, Source::Hosts));
        }
        let name = DomainName::parse(name).ok()?;
        if name.is_within(&DomainName::parse("localhost").ok()?) {
            let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            return Some(pick(question, &loopback, Source::Special));
        }
        name.is_within(&DomainName::parse("onion").ok()?)
            .then(|| Err(onion(question)))
    }

    /// Asks servers, or takes what they said before.
    async fn ask(&self, question: &Question, clock: &Clock) -> Result<Answer, Failure> {
        let ask = async {
            let setup = self.setup();
            let mut looked = self.ask_by(setup, question, clock).await;
            looked.result = looked
                .result
                .map_err(|failure| setup.with_warnings(failure));
            looked
        };
        if self.shared.config.cache == 0 {
            return ask.await.result;
        }
        let kept = self
            .shared
            .cache
            .or_ask(question.folded(), &clock.deadline, ask)
            .await;
        match kept {
            Ok(looked) => looked.result,
            Err(_) => Err(out_of_time(question)),
        }
    }

    async fn ask_by(&self, setup: &Setup, question: &Question, clock: &Clock) -> Looked {
        let ready = self.prepare(setup, question, &clock.deadline).await;
        let (names, servers) = match ready {
            Ok(ready) => ready,
            Err(failure) => return Looked::from(failure),
        };
        if !setup.conf.single_request {
            return search(question, &names, servers, clock).await;
        }
        match clock.deadline.bound(self.shared.single.lock()).await {
            Ok(_guard) => search(question, &names, servers, clock).await,
            Err(_) => Looked::from(out_of_time(question)),
        }
    }

    /// The names to try and the servers to ask, unless there is a reason not to.
    async fn prepare(
        &self,
        setup: &Setup,
        question: &Question,
        deadline: &Deadline,
    ) -> Result<(Vec<DomainName>, Servers), Failure> {
        if setup.conf.no_aaaa && question.family == Family::Ipv6 {
            return Err(no_data(question, "resolv.conf says no-aaaa"));
        }
        let names = setup.candidates(&question.name).map_err(|reason| {
            let message = format!("{:?} is not a domain name: {reason}", question.name);
            Failure::new(Stage::Resolve, Kind::Invalid, message).by(Who::Netkit)
        })?;
        let servers = setup.servers(&self.shared.turn, deadline).await?;
        Ok((names, servers))
    }
}

fn out_of_time(question: &Question) -> Failure {
    Case::of(question, &[]).out_of_time()
}

impl Lookup for StubResolver {
    async fn lookup(&self, question: &Question, deadline: &Deadline) -> Result<Answer, Failure> {
        let clock = Clock {
            origin: Instant::now(),
            deadline: deadline.clone(),
        };
        if let Some(known) = self.known(question) {
            return known.map(|(addresses, source)| Answer {
                addresses,
                name: question.name.to_string(),
                source,
                server: None,
                ttl: None,
                took: Millis(clock.elapsed()),
                evidence: Vec::new(),
            });
        }
        self.ask(question, &clock).await
    }
}

/// The addresses of the wanted family, or that there are none.
fn pick(
    question: &Question,
    addresses: &[IpAddr],
    source: Source,
) -> Result<(Vec<IpAddr>, Source), Failure> {
    let of_family = |ip: &IpAddr| Family::of(*ip) == question.family;
    let wanted: Vec<_> = addresses.iter().copied().filter(of_family).collect();
    if !wanted.is_empty() {
        return Ok((wanted, source));
    }
    let place = match source {
        Source::Hosts => "the hosts file has it with the other family only",
        _ => "it is a literal of the other family",
    };
    Err(no_data(question, place))
}

fn no_data(question: &Question, why: &str) -> Failure {
    let message = format!(
        "{} has no {} address: {why}",
        question.name, question.family
    );
    Failure::new(Stage::Resolve, Kind::NoData, message).by(Who::Netkit)
}

fn onion(question: &Question) -> Failure {
    let message = format!(
        "{} is not in the DNS: .onion names belong to Tor (RFC 7686)",
        question.name
    );
    Failure::new(Stage::Resolve, Kind::Nxdomain, message)
        .by(Who::Netkit)
        .hint("name a server with --ns to ask it nevertheless")
}
