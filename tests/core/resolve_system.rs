//! The stub resolver by the system's files: here files of the test's own, which name a server on
//! loopback.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use netkit::addr::Family;
use netkit::deadline::Deadline;
use netkit::failure::{Evidence, Failure, Kind, Who};
use netkit::resolve::{
    Answer, Lookup, NameServer, Question, ResolvConf, Source, StubConfig, StubResolver, SystemFiles,
};

use crate::dns::{Behaviour, DnsServer, Script};
use crate::stopwatch::Stopwatch;

/// A directory with the three files; removed when dropped.
struct Files {
    directory: PathBuf,
}

impl Files {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("netkit-resolve-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory for the test");
        Self { directory }
    }

    fn with(self, file: &str, text: impl AsRef<str>) -> Self {
        fs::write(self.directory.join(file), text.as_ref()).expect("a file for the test");
        self
    }

    /// Names the server, followed by more lines.
    fn asking(self, server: &DnsServer, more: &str) -> Self {
        let addr = server.addr();
        let line = format!("nameserver [{}]:{}\n{more}\n", addr.ip(), addr.port());
        self.with("resolv.conf", line)
    }

    fn paths(&self) -> SystemFiles {
        SystemFiles {
            resolv_conf: self.directory.join("resolv.conf"),
            hosts: self.directory.join("hosts"),
            hostname: self.directory.join("hostname"),
        }
    }

    fn resolver(&self) -> StubResolver {
        StubResolver::new(StubConfig {
            files: self.paths(),
            ..StubConfig::default()
        })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

async fn lookup(resolver: &StubResolver, name: &str, family: Family) -> Result<Answer, Failure> {
    let name = name.into();
    let deadline = Deadline::after(Duration::from_secs(5));
    resolver.lookup(&Question { name, family }, &deadline).await
}

async fn v4(files: &Files, name: &str) -> Result<Answer, Failure> {
    lookup(&files.resolver(), name, Family::Ipv4).await
}

fn addresses(answer: &Answer) -> Vec<String> {
    answer.addresses.iter().map(ToString::to_string).collect()
}

fn names_seen(server: &DnsServer) -> Vec<String> {
    server.seen().into_iter().map(|seen| seen.name).collect()
}

#[tokio::test]
async fn the_hosts_file_comes_before_any_server() {
    let server = Script::new().address("web", "192.0.2.99").start();
    let hosts = "192.0.2.1 Web.example web\n2001:db8::1 six\n192.0.2.7 localhost\n";
    let files = Files::new().asking(&server, "").with("hosts", hosts);
    let answer = v4(&files, "WEB").await.unwrap();
    assert_eq!(answer.source, Source::Hosts);
    assert_eq!(addresses(&answer), ["192.0.2.1"]);
    assert_eq!((answer.server, answer.ttl), (None, None));
    let answer = v4(&files, "localhost").await.unwrap();
    assert_eq!(
        addresses(&answer),
        ["192.0.2.7"],
        "the file outranks RFC 6761"
    );
    let failure = v4(&files, "six").await.unwrap_err();
    assert_eq!((failure.kind, failure.who), (Kind::NoData, Who::Netkit));
    assert!(server.seen().is_empty(), "{:?}", server.seen());
}

#[tokio::test]
async fn literals_and_special_names_are_known_without_asking() {
    let server = Script::new().start();
    let files = Files::new().asking(&server, "search example");
    let rows = [
        ("192.0.2.1", Family::Ipv4, Source::Literal, "192.0.2.1"),
        ("2001:db8::1", Family::Ipv6, Source::Literal, "2001:db8::1"),
        ("localhost", Family::Ipv4, Source::Special, "127.0.0.1"),
        ("localhost.", Family::Ipv6, Source::Special, "::1"),
        ("a.LocalHost", Family::Ipv4, Source::Special, "127.0.0.1"),
    ];
    for (name, family, source, expected) in rows {
        let answer = lookup(&files.resolver(), name, family).await.unwrap();
        assert_eq!(
            (answer.source, addresses(&answer)),
            (source, vec![expected.to_owned()])
        );
    }
    let failure = v4(&files, "2001:db8::1").await.unwrap_err();
    assert_eq!(failure.kind, Kind::NoData);
    let failure = v4(&files, "x.onion").await.unwrap_err();
    assert_eq!((failure.kind, failure.who), (Kind::Nxdomain, Who::Netkit));
    assert!(server.seen().is_empty(), "{:?}", server.seen());
}

#[tokio::test]
async fn the_search_list_is_tried_in_order_until_a_name_has_addresses() {
    let server = Script::new()
        .address("host.b.example", "192.0.2.1")
        .address("x.y", "192.0.2.2")
        .start();
    let files = Files::new().asking(&server, "search a.example b.example c.example");
    let answer = v4(&files, "host").await.unwrap();
    assert_eq!(answer.name, "host.b.example");
    assert_eq!(names_seen(&server), ["host.a.example", "host.b.example"]);

    let answer = v4(&files, "x.y").await.unwrap();
    assert_eq!(answer.name, "x.y");
    assert_eq!(
        server.seen().len(),
        3,
        "a name with a dot is tried as it is first"
    );

    let failure = v4(&files, "nosuch").await.unwrap_err();
    assert_eq!(failure.kind, Kind::Nxdomain);
    assert!(
        failure.message.starts_with("nosuch does not exist"),
        "{failure}"
    );
    let tried = failure
        .evidence
        .iter()
        .filter_map(|evidence| match evidence {
            Evidence::Dns { outcome, .. } => Some(outcome.as_str()),
            _ => None,
        });
    let expected = [
        "NXDOMAIN (asked for nosuch.a.example)",
        "NXDOMAIN (asked for nosuch.b.example)",
        "NXDOMAIN (asked for nosuch.c.example)",
        "NXDOMAIN",
    ];
    assert_eq!(tried.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_domain_of_the_host_name_is_searched_when_the_file_names_none() {
    let server = Script::new()
        .address("host.corp.example", "192.0.2.1")
        .start();
    let files = Files::new()
        .asking(&server, "")
        .with("hostname", "box.corp.example\n");
    assert_eq!(v4(&files, "host").await.unwrap().name, "host.corp.example");
}

#[tokio::test]
async fn that_a_name_exists_outranks_that_others_do_not() {
    let server = Script::new()
        .address("host.a.example", "2001:db8::1")
        .start();
    let files = Files::new().asking(&server, "search a.example b.example");
    assert_eq!(v4(&files, "host").await.unwrap_err().kind, Kind::NoData);
}

#[tokio::test]
async fn options_change_what_is_sent() {
    let server = Script::new()
        .address("www.example", "192.0.2.1")
        .address("www.example", "2001:db8::1")
        .start();
    let files = Files::new().asking(&server, "options use-vc trust-ad no-aaaa");
    let answer = v4(&files, "www.example").await.unwrap();
    assert_eq!(answer.source, Source::Tcp);
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.tcp && seen.ad), "{seen:?}");
    let resolver = files.resolver();
    let failure = lookup(&resolver, "www.example", Family::Ipv6)
        .await
        .unwrap_err();
    assert_eq!((failure.kind, failure.who), (Kind::NoData, Who::Netkit));
    assert_eq!(server.seen().len(), 1, "AAAA was asked");
}

#[tokio::test]
async fn one_question_at_a_time_when_the_file_says_so() {
    let late = Duration::from_millis(150);
    let server = Script::new()
        .address("www.example", "192.0.2.1")
        .address("www.example", "2001:db8::1")
        .delay(hickory_resolver::proto::rr::RecordType::AAAA, late)
        .start();
    let files = Files::new().asking(&server, "options single-request");
    let resolver = files.resolver();
    let watch = Stopwatch::start();
    let (v6, v4) = tokio::join!(
        lookup(&resolver, "www.example", Family::Ipv6),
        lookup(&resolver, "www.example", Family::Ipv4),
    );
    assert!(
        v4.unwrap().took.0 >= late,
        "the second question waited for the first reply"
    );
    assert!(v6.is_ok() && watch.stop().is_under(late * 2));
    let seen = server.seen();
    assert!(seen[1].at >= seen[0].at + late, "{seen:?}");
}

#[tokio::test]
async fn rotate_spreads_lookups_over_the_servers() {
    let script = || Script::new().address("www.example", "192.0.2.1");
    let (first, second) = (script().start(), script().start());
    let line = format!(
        "nameserver 127.0.0.1:{}\noptions rotate",
        second.addr().port()
    );
    let files = Files::new().asking(&first, &line);
    let resolver = files.resolver();
    for _ in 0..4 {
        lookup(&resolver, "www.example", Family::Ipv4)
            .await
            .unwrap();
    }
    assert_eq!((first.seen().len(), second.seen().len()), (2, 2));
}

#[tokio::test]
async fn the_timeout_of_the_file_bounds_the_wait_for_one_server() {
    let silent = Script::new().both(Behaviour::Silent).start();
    let files = Files::new().asking(&silent, "options timeout:1 attempts:1");
    let watch = Stopwatch::start();
    let failure = v4(&files, "www.example").await.unwrap_err();
    assert_eq!(failure.kind, Kind::DnsTimeout);
    let took = watch.stop();
    let bounds = Duration::from_millis(990)..Duration::from_millis(1_100);
    assert!(took.is_within(&bounds), "{took:?}");
}

#[tokio::test]
async fn what_was_not_understood_is_told_when_a_lookup_fails() {
    let server = Script::new().start();
    let files = Files::new().asking(&server, "options frobnicate");
    let failure = v4(&files, "nosuch.example").await.unwrap_err();
    let path = files.paths().resolv_conf;
    let expected = format!("{} line 2: unknown option \"frobnicate\"", path.display());
    let note = Evidence::Note { text: expected };
    assert!(failure.evidence.contains(&note), "{:?}", failure.evidence);
}

#[tokio::test]
async fn files_are_read_when_a_name_is_looked_up_and_once() {
    let server = Script::new().address("www.example", "192.0.2.1").start();
    let files = Files::new();
    let resolver = files.resolver();
    let files = files.asking(&server, "").with("hosts", "192.0.2.2 web\n");
    assert!(lookup(&resolver, "www.example", Family::Ipv4).await.is_ok());
    fs::remove_file(files.paths().resolv_conf).unwrap();
    fs::remove_file(files.paths().hosts).unwrap();
    assert!(lookup(&resolver, "www.example", Family::Ipv4).await.is_ok());
    assert!(lookup(&resolver.clone(), "web", Family::Ipv4).await.is_ok());
}

#[test]
fn a_file_that_is_not_there_means_a_server_on_this_machine() {
    let files = Files::new();
    assert_eq!(files.paths().read_resolv_conf(), ResolvConf::default());
    // A directory in place of the file can be opened and not read, whoever we are.
    fs::create_dir(files.paths().resolv_conf).unwrap();
    let conf = files.paths().read_resolv_conf();
    assert_eq!(conf.servers, ["127.0.0.1".parse::<NameServer>().unwrap()]);
    assert!(
        conf.warnings[0].message.starts_with("cannot be read: "),
        "{:?}",
        conf.warnings
    );
}
