//! Looking up the hosts that are names, when --resolve asks for it.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use netkit::addr::Family;
use netkit::addr::describe::AddrReport;
use netkit::addr::groups::EndpointGroup;
use netkit::deadline::Deadline;
use netkit::error::Error;
use netkit::failure::Failure;
use netkit::resolve::policy::Steered;
use netkit::resolve::{Lookup, Question, StubConfig};
use tokio::runtime::{Builder, Runtime};

use super::super::policy::Policy;
use super::Trouble;
use crate::exit::Exit;
use crate::plan::ResolvePlan;

/// Answers of servers kept while they hold: a list of inputs names the same host again and again.
const CACHE: usize = 1024;

/// The shared resolver, and a runtime to wait for it in.
pub(super) struct Resolver {
    /// Lookups wait for each other: a batch is worked on in several threads.
    runtime: Mutex<Runtime>,
    names: Steered,
    /// Kept up to date while this lives.
    _policy: Option<Policy>,
    families: Vec<Family>,
    timeout: Duration,
}

impl Resolver {
    /// `network` is Go's: one that ends with 4 or 6 asks for that family only.
    pub(super) fn new(plan: &ResolvePlan, network: &str) -> Result<Self, Trouble> {
        let base = network.split(':').next().unwrap_or_default();
        let families = match base.as_bytes().last() {
            Some(b'4') => vec![Family::Ipv4],
            Some(b'6') => vec![Family::Ipv6],
            _ => vec![Family::Ipv6, Family::Ipv4],
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::local("starting", &error))?;
        let (names, policy) = runtime.block_on(names(plan))?;
        Ok(Self {
            runtime: Mutex::new(runtime),
            names,
            _policy: policy,
            families,
            timeout: plan.timeout,
        })
    }

    /// Fills in the addresses of a host that is a name, or why there are none.
    pub(super) fn resolve(&self, report: &mut AddrReport) {
        let Some(endpoint) = report
            .endpoint
            .as_mut()
            .filter(|endpoint| endpoint.needs_dns)
        else {
            return;
        };
        let host = endpoint.host.clone().unwrap_or_default();
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        match runtime.block_on(self.addresses(&host)) {
            Ok(addresses) => endpoint.resolved = Some(addresses),
            Err(failure) => endpoint.resolve_failure = Some(failure),
        }
    }

    /// The addresses of all families; a failure if no family has any.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Failure> {
        let deadline = Deadline::after(self.timeout);
        let ask = async |family: Family| {
            let name = host.into();
            self.names
                .lookup(&Question { name, family }, &deadline)
                .await
        };
        let (mut addresses, mut failed) = (Vec::new(), None);
        for answer in futures_util::future::join_all(self.families.iter().map(|&f| ask(f))).await {
            match answer {
                Ok(answer) => addresses.extend(answer.addresses),
                Err(failure) => failed = Some(failure),
            }
        }
        match failed {
            Some(failure) if addresses.is_empty() => Err(failure),
            _ => Ok(addresses),
        }
    }
}

/// Who is asked: servers as named, or as rules say.
async fn names(plan: &ResolvePlan) -> Result<(Steered, Option<Policy>), Trouble> {
    let stub = StubConfig {
        servers: plan.servers.clone(),
        cache: CACHE,
        ..StubConfig::default()
    };
    let Some(rules) = &plan.policy else {
        return Ok((Steered::new(stub), None));
    };
    let policy = Policy::open(rules, &stub).await?;
    let names = Steered::new(stub).under(policy.live.clone(), rules.region.as_deref());
    Ok((names, Some(policy)))
}

/// The status of a name that was looked up.
pub(super) fn status(endpoint: Option<&EndpointGroup>) -> Exit {
    match endpoint.and_then(|endpoint| endpoint.resolve_failure.as_ref()) {
        Some(failure) => failure.into(),
        None => Exit::Success,
    }
}
