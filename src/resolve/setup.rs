//! How a lookup asks: servers, search list and options, from the configuration or the system's.
//!
//! Separate from the resolver so that the search list (resolv.conf(5), ndots) is tested without a
//! socket.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{BoxFuture, join_all};
use tokio::sync::OnceCell;

use crate::addr::Family;
use crate::deadline::Deadline;
use crate::failure::{Evidence, Failure, Kind};
use crate::net::interface::scope_id;

use super::client::Client;
use super::exchange::Policy;
use super::lookup::{Lookup, Question};
use super::name::{DomainName, NameError};
use super::resolv_conf::ResolvConf;
use super::server::{NameServer, ServerHost, Transports};
use super::servers::Servers;
use super::stub::{StubConfig, StubResolver};
use super::system::SystemFiles;
use super::upstream::Upstream;

/// How to ask.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) conf: ResolvConf,
    pub(super) search: Vec<DomainName>,
    /// Where the warnings of `conf` come from.
    pub(super) source: String,
    client: Client,
    /// How a server that is given by name is found.
    files: SystemFiles,
    upstreams: OnceCell<Vec<Upstream>>,
}

impl Setup {
    /// Takes the servers of the configuration, or reads the system's files.
    pub(super) fn new(config: &StubConfig) -> Self {
        let source = config.files.resolv_conf.display().to_string();
        let (conf, search) = if config.servers.is_empty() {
            let mut conf = config.files.read_resolv_conf();
            let domain = || config.files.read_host_domain().into_iter().collect();
            let search = conf.search.take().unwrap_or_else(domain);
            (conf, search)
        } else {
            let conf = ResolvConf {
                servers: config.servers.clone(),
                ..ResolvConf::default()
            };
            (conf, Vec::new())
        };
        Self {
            conf,
            search,
            source,
            client: Client::new(config.client.clone()),
            files: config.files.clone(),
            upstreams: OnceCell::new(),
        }
    }

    /// The names to try for a name as typed, in order.
    ///
    /// A final dot means that name alone. Otherwise a name with at least `ndots` dots is tried as
    /// it is first, any other after the search list; combinations that are too long are left out.
    pub(super) fn candidates(&self, typed: &str) -> Result<Vec<DomainName>, NameError> {
        let name = DomainName::parse(typed)?;
        if self.search.is_empty() || is_absolute(typed) {
            return Ok(vec![name]);
        }
        let below = self
            .search
            .iter()
            .filter_map(|suffix| name.below(suffix).ok());
        let mut names: Vec<_> = below.collect();
        let dots = name.labels().count().saturating_sub(1);
        let own_place = if dots >= usize::from(self.conf.ndots) {
            0
        } else {
            names.len()
        };
        names.retain(|other| *other != name);
        names.insert(own_place.min(names.len()), name);
        Ok(names)
    }

    /// The servers of the next lookup; `turn` is counted up for `rotate`. Those that are given by
    /// name are resolved once, by the system's own servers and by the deadline.
    pub(super) async fn servers(
        &self,
        turn: &AtomicUsize,
        deadline: &Deadline,
    ) -> Result<Servers, Failure> {
        let known = self.upstreams.get_or_try_init(|| self.find_all(deadline));
        let mut list = known.await?.clone();
        if self.conf.rotate {
            let turn = turn.fetch_add(1, Ordering::Relaxed) % list.len();
            list.rotate_left(turn);
        }
        let mut policy = Policy::default();
        policy.options.authentic_data = self.conf.trust_ad;
        Ok(Servers {
            client: self.client.clone(),
            list,
            timeout: self.conf.timeout,
            attempts: self.conf.attempts,
            race: false,
            patience: None,
            policy,
        })
    }

    async fn find_all(&self, deadline: &Deadline) -> Result<Vec<Upstream>, Failure> {
        let mut list = Vec::new();
        for server in &self.conf.servers {
            for addr in self.addresses(server, deadline).await? {
                let mut upstream = Upstream::new(server, addr);
                if upstream.transports == Transports::Both && self.conf.use_vc {
                    upstream.transports = Transports::TcpOnly;
                }
                list.push(upstream);
            }
        }
        Ok(list)
    }

    async fn addresses(
        &self,
        server: &NameServer,
        deadline: &Deadline,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let found = match (&server.host, server.addr()) {
            (ServerHost::Name(name), _) => self.find(name, deadline).await?,
            (ServerHost::Ip { .. }, Some(mut addr)) => {
                if let (SocketAddr::V6(v6), Some(zone)) = (&mut addr, server.zone()) {
                    v6.set_scope_id(scope_id(zone)?);
                }
                return Ok(vec![addr]);
            }
            (ServerHost::Ip { ip, .. }, None) => vec![*ip],
        };
        let with_port = |ip| SocketAddr::new(ip, server.port);
        Ok(found.into_iter().map(with_port).collect())
    }

    /// The addresses of a server that is given by name, as the system itself resolves it.
    ///
    /// Boxed: a resolver that needs a resolver is a type without end.
    fn find<'a>(
        &'a self,
        name: &'a Arc<str>,
        deadline: &'a Deadline,
    ) -> BoxFuture<'a, Result<Vec<IpAddr>, Failure>> {
        Box::pin(self.find_by_system(name, deadline))
    }

    async fn find_by_system(
        &self,
        name: &Arc<str>,
        deadline: &Deadline,
    ) -> Result<Vec<IpAddr>, Failure> {
        let system = StubResolver::new(StubConfig {
            files: self.files.clone(),
            client: self.client.config().clone(),
            ..StubConfig::default()
        });
        let families = [Family::Ipv6, Family::Ipv4];
        let source = self.client.config().local_addr.map(Family::of);
        let usable = |family: &Family| source.is_none_or(|source| source == *family);
        let asked = families.into_iter().filter(usable).map(|family| {
            let (name, system) = (name.clone(), &system);
            async move { system.lookup(&Question { name, family }, deadline).await }
        });
        let answers = join_all(asked).await;
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for answer in answers {
            match answer {
                Ok(answer) => found.extend(answer.addresses),
                Err(failure) => failed.push(failure),
            }
        }
        // A family without addresses says less than one that could not be asked for.
        failed.sort_by_key(|failure| failure.kind == Kind::NoData);
        match failed.into_iter().next() {
            Some(mut failure) if found.is_empty() => {
                let message = format!(
                    "the name server {name} cannot be found: {}",
                    failure.message
                );
                failure.message = message;
                Err(failure)
            }
            _ => Ok(found),
        }
    }

    /// Adds what was not understood in resolv.conf to a failed lookup.
    pub(super) fn with_warnings(&self, failure: Failure) -> Failure {
        self.conf.warnings.iter().fold(failure, |failure, warning| {
            let text = format!("{} {warning}", self.source);
            failure.because(Evidence::Note { text })
        })
    }
}

/// Whether the text ends with a dot that is not escaped.
fn is_absolute(typed: &str) -> bool {
    let Some(rest) = typed.strip_suffix('.') else {
        return false;
    };
    let backslashes = rest.bytes().rev().take_while(|&byte| byte == b'\\').count();
    backslashes % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    fn setup(conf: &str) -> Setup {
        let mut conf = ResolvConf::parse(conf);
        let search = conf.search.take().unwrap_or_default();
        Setup {
            conf,
            search,
            ..Setup::new(&StubConfig::default())
        }
    }

    async fn servers(setup: &Setup, turn: &AtomicUsize) -> Result<Servers, Failure> {
        let soon = Deadline::after(std::time::Duration::from_secs(1));
        setup.servers(turn, &soon).await
    }

    #[test]
    fn the_search_list_applies_as_resolv_conf_5_has_it() {
        let rows: [(&str, &str, &[&str]); 9] = [
            ("", "host", &["host"]),
            ("search a b.c", "host", &["host.a", "host.b.c", "host"]),
            ("search a b.c", "host.", &["host"]),
            ("search a", "x.y", &["x.y", "x.y.a"]),
            ("search a\noptions ndots:2", "x.y", &["x.y.a", "x.y"]),
            ("search a\noptions ndots:0", "host", &["host", "host.a"]),
            ("search .", "host", &["host"]),
            ("search a", "x\\.", &["x\\..a", "x\\."]),
            ("domain a", "host", &["host.a", "host"]),
        ];
        for (conf, typed, expected) in rows {
            let names = setup(conf).candidates(typed).unwrap();
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            assert_eq!(names, expected, "{conf:?} {typed:?}");
        }
    }

    #[test]
    fn combinations_that_are_too_long_are_left_out() {
        let long = format!("{0}.{0}.{0}", "a".repeat(63));
        let names = setup(&format!("search {long}")).candidates(&long).unwrap();
        assert_eq!(names.len(), 1);
        assert!(setup("search a").candidates("x..y").is_err());
    }

    #[tokio::test]
    async fn rotate_begins_with_another_server_each_time() {
        let conf = setup("nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions rotate use-vc");
        let turn = AtomicUsize::new(0);
        let mut begins = Vec::new();
        for _ in 0..3 {
            let servers = servers(&conf, &turn).await.unwrap();
            begins.extend(servers.list.into_iter().take(1));
        }
        let ips: Vec<_> = begins
            .iter()
            .map(|upstream| upstream.addr.ip().to_string())
            .collect();
        assert_eq!(ips, ["192.0.2.1", "192.0.2.2", "192.0.2.1"]);
        assert!(
            begins
                .iter()
                .all(|begin| begin.transports == Transports::TcpOnly)
        );
    }

    #[tokio::test]
    async fn a_zone_must_be_an_interface() {
        let setup = setup("nameserver fe80::1%nonesuch0");
        let failure = servers(&setup, &AtomicUsize::new(0)).await;
        assert_eq!(failure.unwrap_err().kind, Kind::NoSuchInterface);
    }
}
