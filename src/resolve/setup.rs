//! How a lookup asks: servers, search list and options, from the configuration or the system's.
//!
//! Separate from the resolver so that the search list (resolv.conf(5), ndots) is tested without a
//! socket.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::failure::{Evidence, Failure};
use crate::net::interface::scope_id;

use super::exchange::Policy;
use super::name::{DomainName, NameError};
use super::resolv_conf::ResolvConf;
use super::server::{NameServer, Transports};
use super::servers::{Servers, Upstream};
use super::stub::StubConfig;

/// How to ask.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) conf: ResolvConf,
    pub(super) search: Vec<DomainName>,
    /// Where the warnings of `conf` come from.
    pub(super) source: String,
}

impl Setup {
    /// Takes the servers of the configuration, or reads the system's files.
    pub(super) fn new(config: &StubConfig) -> Self {
        let source = config.files.resolv_conf.display().to_string();
        if !config.servers.is_empty() {
            let conf = ResolvConf {
                servers: config.servers.clone(),
                ..ResolvConf::default()
            };
            return Self {
                conf,
                search: Vec::new(),
                source,
            };
        }
        let mut conf = config.files.read_resolv_conf();
        let domain = || config.files.read_host_domain().into_iter().collect();
        let search = conf.search.take().unwrap_or_else(domain);
        Self {
            conf,
            search,
            source,
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

    /// The servers of the next lookup; `turn` is counted up for `rotate`.
    pub(super) fn servers(&self, turn: &AtomicUsize) -> Result<Servers, Failure> {
        let upstreams = self.conf.servers.iter().map(|server| self.upstream(server));
        let mut list = upstreams.collect::<Result<Vec<_>, _>>()?;
        if self.conf.rotate {
            let turn = turn.fetch_add(1, Ordering::Relaxed) % list.len();
            list.rotate_left(turn);
        }
        let mut policy = Policy::default();
        policy.options.authentic_data = self.conf.trust_ad;
        Ok(Servers {
            list,
            timeout: self.conf.timeout,
            attempts: self.conf.attempts,
            race: false,
            patience: None,
            policy,
        })
    }

    fn upstream(&self, server: &NameServer) -> Result<Upstream, Failure> {
        let mut addr = server.addr;
        if let (std::net::SocketAddr::V6(v6), Some(zone)) = (&mut addr, &server.zone) {
            v6.set_scope_id(scope_id(zone)?);
        }
        let transports = match server.transports {
            Transports::Both if self.conf.use_vc => Transports::TcpOnly,
            own => own,
        };
        Ok(Upstream { addr, transports })
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
        let source = "resolv.conf".to_owned();
        Setup {
            conf,
            search,
            source,
        }
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

    #[test]
    fn rotate_begins_with_another_server_each_time() {
        let conf = setup("nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions rotate use-vc");
        let turn = AtomicUsize::new(0);
        let first = || conf.servers(&turn).unwrap().list[0];
        let begins: Vec<_> = std::iter::repeat_with(first).take(3).collect();
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

    #[test]
    fn a_zone_must_be_an_interface() {
        let failure = setup("nameserver fe80::1%nonesuch0").servers(&AtomicUsize::new(0));
        assert_eq!(failure.unwrap_err().kind, Kind::NoSuchInterface);
    }
}
