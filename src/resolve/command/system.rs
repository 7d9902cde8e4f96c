//! What getaddrinfo tells every other program of this machine, beside what the servers say, and why
//! the two differ.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;

use serde::Serialize;
use tokio::time::Instant;

use super::config::Config;
use super::question::Question;
use super::report::Report;
use super::verdict::Verdict;
use crate::addr::Family;
use crate::deadline::Deadline;
use crate::net::addrinfo::{SystemError, system_addresses};
use crate::resolve::name::DomainName;
use crate::resolve::system::SystemFiles;
use crate::resolve::wire::RecordType;
use crate::time::Millis;

/// Which sources the system asks for hosts, in which order (nsswitch.conf(5)).
const NSSWITCH: &str = "/etc/nsswitch.conf";
/// The IPv6 addresses of this machine.
const IF_INET6: &str = "/proc/net/if_inet6";

/// What this machine's programs are told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SystemView {
    /// The addresses of the family asked for, in getaddrinfo's order.
    pub addresses: Vec<IpAddr>,
    /// Why there are none.
    pub error: Option<String>,
    /// How long it took.
    pub took_ms: Millis,
    /// Whether these are the addresses that the report has.
    pub agrees: bool,
    /// What explains the difference, as far as it can be seen.
    pub reasons: Vec<String>,
}

/// The facts about this machine that explain a difference.
struct Facts {
    /// Sources of `hosts:` in nsswitch.conf.
    sources: Vec<String>,
    /// What the hosts file says about the name.
    in_hosts: bool,
    /// What the configuration of the system names.
    system_servers: Vec<String>,
    /// Another resolv.conf that was read in the place of the system's.
    other_conf: Option<String>,
    /// Whether the search list applies to the name.
    searched: Vec<String>,
    has_ipv6: bool,
}

/// Asks getaddrinfo for the family of the question, and compares; `None` for types that are no
/// address.
pub(super) async fn system_view(
    question: &Question,
    report: &Report,
    config: &Config,
    deadline: &Deadline,
) -> Option<SystemView> {
    let family = match question.rtype {
        RecordType::A => Family::Ipv4,
        RecordType::AAAA => Family::Ipv6,
        _ => return None,
    };
    let began = Instant::now();
    let asked = system_addresses(&question.text, Some(family), true, deadline).await;
    let took_ms = began.elapsed().into();
    let (addresses, error) = match asked {
        Ok(addresses) => (addresses, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let agrees = as_set(&addresses) == as_set(&answered(report));
    let mut reasons = if agrees {
        Vec::new()
    } else {
        reasons(
            question,
            family,
            error.as_ref(),
            config,
            &Facts::read(question, config),
        )
    };
    if error.is_some() && !agrees && config.stub.servers.is_empty() {
        reasons.extend(end_of_search(report));
    }
    Some(SystemView {
        addresses,
        error: error.map(|error| error.to_string()),
        took_ms,
        agrees,
        reasons,
    })
}

fn answered(report: &Report) -> Vec<IpAddr> {
    let own = report
        .answers
        .iter()
        .filter(|record| record.rtype == report.qtype);
    own.filter_map(|record| record.data.parse().ok()).collect()
}

fn as_set(addresses: &[IpAddr]) -> BTreeSet<IpAddr> {
    addresses.iter().copied().collect()
}

impl Facts {
    fn read(question: &Question, config: &Config) -> Self {
        let files = &config.stub.files;
        let conf = files.read_resolv_conf();
        let name = DomainName::parse(&question.text);
        let dots = name
            .as_ref()
            .map_or(0, |name| name.labels().count().saturating_sub(1));
        let relative = !question.text.ends_with('.');
        let suffixes = conf.search.as_deref().unwrap_or_default();
        Self {
            sources: sources(&fs::read_to_string(NSSWITCH).unwrap_or_default()),
            in_hosts: files.read_hosts().addresses(&question.text).is_some(),
            system_servers: conf.servers.iter().map(ToString::to_string).collect(),
            other_conf: (files.resolv_conf != SystemFiles::default().resolv_conf)
                .then(|| files.resolv_conf.display().to_string()),
            searched: if relative && dots < usize::from(conf.ndots) {
                suffixes.iter().map(ToString::to_string).collect()
            } else {
                Vec::new()
            },
            has_ipv6: has_global(&fs::read_to_string(IF_INET6).unwrap_or_default()),
        }
    }
}

/// The sources that `hosts:` names; what libc assumes when nothing does.
fn sources(nsswitch: &str) -> Vec<String> {
    let lines = nsswitch
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let hosts = lines
        .filter_map(|line| line.trim().strip_prefix("hosts:"))
        .next_back();
    let words = hosts.unwrap_or("files dns").split_ascii_whitespace();
    words
        .filter(|word| !word.starts_with('[') && !word.ends_with(']'))
        .map(str::to_owned)
        .collect()
}

/// Whether a line of `if_inet6` is an address that is neither loopback (scope 10) nor link-local
/// (scope 20).
fn has_global(if_inet6: &str) -> bool {
    let scopes = if_inet6
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().nth(3));
    scopes
        .into_iter()
        .any(|scope| !["10", "20"].contains(&scope))
}

/// The name of the search list at which libc gives up, and we do not (`res_search(3)` goes on after
/// NXDOMAIN, no data and SERVFAIL only).
fn end_of_search(report: &Report) -> Option<String> {
    let gives_up = [Verdict::Refused, Verdict::ServerError, Verdict::Lame];
    let (_, earlier) = report.search.names.split_last()?;
    let step = earlier
        .iter()
        .find(|step| gives_up.contains(&step.verdict))?;
    Some(format!(
        "getaddrinfo may end its search at {}, where the server says {}; netkit went on",
        step.name, step.verdict
    ))
}

fn reasons(
    question: &Question,
    family: Family,
    error: Option<&SystemError>,
    config: &Config,
    facts: &Facts,
) -> Vec<String> {
    let mut reasons = Vec::new();
    let has = |source: &str| facts.sources.iter().any(|own| own == source);
    let hosts_file = config.stub.files.hosts.display();
    if facts.in_hosts && has("files") && !config.uses_hosts() {
        reasons.push(format!(
            "{hosts_file} has {}, and the servers were asked all the same",
            question.text
        ));
    }
    if !has("dns") && !has("resolve") {
        let order = facts.sources.join(" ");
        reasons.push(format!(
            "{NSSWITCH} does not ask the DNS for hosts (hosts: {order})"
        ));
    }
    let others = facts
        .sources
        .iter()
        .filter(|own| !["files", "dns"].contains(&own.as_str()));
    let others: Vec<_> = others.map(String::as_str).collect();
    if !others.is_empty() {
        reasons.push(format!(
            "{NSSWITCH} asks other sources too: {}",
            others.join(", ")
        ));
    }
    if !config.stub.servers.is_empty() && (has("dns") || has("resolve")) {
        let servers = facts.system_servers.join(", ");
        reasons.push(format!("getaddrinfo asks the system's servers: {servers}"));
    }
    if let (true, Some(other)) = (config.stub.servers.is_empty(), &facts.other_conf) {
        reasons.push(format!(
            "getaddrinfo reads the system's resolv.conf, and not {other}"
        ));
    }
    if !facts.searched.is_empty() && !config.stub.servers.is_empty() {
        let list = facts.searched.join(", ");
        reasons.push(format!("getaddrinfo uses the search list: {list}"));
    }
    if family == Family::Ipv6 && !facts.has_ipv6 && error.is_some() {
        reasons.push(
            "this machine has no global IPv6 address, so IPv6 is left out (AI_ADDRCONFIG)"
                .to_owned(),
        );
    }
    if matches!(error, Some(SystemError::Expired(_))) {
        reasons.push("getaddrinfo was still waiting for its servers".to_owned());
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_of_hosts_are_read_as_libc_reads_them() {
        let rows: [(&str, &[&str]); 4] = [
            ("", &["files", "dns"]),
            ("passwd: files\nhosts: files # dns\n", &["files"]),
            (
                "hosts:  files mdns4_minimal [NOTFOUND=return] dns",
                &["files", "mdns4_minimal", "dns"],
            ),
            ("hosts: files\nhosts: dns\n", &["dns"]),
        ];
        for (text, expected) in rows {
            assert_eq!(sources(text), expected, "{text:?}");
        }
    }

    #[test]
    fn another_resolv_conf_explains_a_difference() {
        let question = Question::new("web.example", RecordType::A).unwrap();
        let mut config = Config::default();
        let mut facts = Facts {
            sources: vec!["files".to_owned(), "dns".to_owned()],
            in_hosts: false,
            system_servers: Vec::new(),
            other_conf: Some("./resolv.conf".to_owned()),
            searched: Vec::new(),
            has_ipv6: true,
        };
        let told = |config: &Config, facts: &Facts| {
            reasons(&question, Family::Ipv4, None, config, facts).join("; ")
        };
        assert!(told(&config, &facts).ends_with("resolv.conf, and not ./resolv.conf"));
        config.stub.servers = vec!["192.0.2.53".parse().unwrap()];
        assert!(
            !told(&config, &facts).contains("and not"),
            "no file was read"
        );
        config.stub.servers.clear();
        facts.other_conf = None;
        assert_eq!(told(&config, &facts), "");
    }

    #[test]
    fn loopback_and_link_local_are_no_ipv6_that_reaches_anybody() {
        let line = |scope: &str| format!("fe80000000000000 02 40 {scope} 80 eth0\n");
        assert!(!has_global(""));
        assert!(!has_global(&[line("10"), line("20")].concat()));
        assert!(has_global(&[line("10"), line("00")].concat()));
    }
}
