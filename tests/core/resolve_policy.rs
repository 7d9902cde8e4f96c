//! A policy at work: real lookups over loopback, rules that change while they run.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_resolver::proto::rr::RecordType;
use netkit::addr::Family;
use netkit::deadline::Deadline;
use netkit::failure::{Evidence, Kind};
use netkit::resolve::policy::file::FileSource;
use netkit::resolve::policy::{Change, Document, LivePolicy, Part, Refused, Steered};
use netkit::resolve::policy::{Source, SourceError};
use netkit::resolve::{Answer, Lookup, NameServer, Question, StubConfig};
use tokio::sync::mpsc;

use crate::dns::{Behaviour, DnsServer, Script};
use crate::stopwatch::Stopwatch;

/// A server that has the shop at `ip` and takes `delay` for it.
fn server(ip: &str, delay: u64) -> DnsServer {
    let script = Script::new().address("www.shop.test", ip);
    script
        .delay(RecordType::A, Duration::from_millis(delay))
        .start()
}

fn usual(servers: &[SocketAddr]) -> Steered {
    Steered::new(StubConfig {
        servers: servers.iter().copied().map(NameServer::from).collect(),
        ..StubConfig::default()
    })
}

async fn look_up(resolver: &Steered) -> Answer {
    let question = Question {
        name: "www.shop.test".into(),
        family: Family::Ipv4,
    };
    let deadline = Deadline::after(Duration::from_secs(5));
    let answer = resolver.lookup(&question, &deadline).await;
    answer.unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// Which rules acted, and what they did: `east: prefer`.
fn fired(answer: &Answer) -> Vec<String> {
    let rules = answer.evidence.iter().filter_map(|fact| match fact {
        Evidence::Policy { rule, action, .. } => Some(format!("{rule}: {action}")),
        _ => None,
    });
    rules.collect()
}

fn live(text: &str) -> LivePolicy {
    LivePolicy::fixed(text.parse().expect("valid rules"))
}

/// A source that the test feeds.
struct Fed(mpsc::UnboundedReceiver<String>);

impl Source for Fed {
    async fn next(&mut self) -> Result<Document, SourceError> {
        match self.0.recv().await {
            Some(text) => Ok(document(text)),
            None => std::future::pending().await,
        }
    }
}

fn document(text: String) -> Document {
    let name = "fed".to_owned();
    Document {
        parts: vec![Part { name, text }],
    }
}

/// The rules of three regions: the cluster of the east, the CDN of the north, a backup overseas.
fn three_regions(north: SocketAddr, slow: SocketAddr, backup: SocketAddr) -> String {
    format!(
        r#"
[[rule]]
name = "east-cluster"
regions = ["east"]
prefer = ["10.1.0.0/16"]

[[rule]]
name = "north-cdn"
regions = ["north"]
names = ["*.shop.test"]
servers = ["{north}"]

[[rule]]
name = "overseas-backup"
regions = ["overseas"]
servers = ["{slow}", "{backup}"]
switch_above = "80ms"
"#
    )
}

#[tokio::test]
async fn three_regions_with_12_45_and_89_ms_each_get_their_way() {
    let near = Script::new()
        .address("www.shop.test", "203.0.113.7")
        .address("www.shop.test", "10.1.0.5")
        .delay(RecordType::A, Duration::from_millis(12))
        .start();
    let (cdn, slow, backup) = (
        server("198.51.100.45", 45),
        server("198.51.100.89", 89),
        server("198.51.100.1", 1),
    );
    let text = three_regions(cdn.addr(), slow.addr(), backup.addr());
    let policy = live(&text);
    let client = |region| usual(&[near.addr()]).under(policy.clone(), Some(region));

    let east = look_up(&client("east")).await;
    assert_eq!(east.addresses[0].to_string(), "10.1.0.5");
    assert_eq!(fired(&east), ["east-cluster: prefer"]);

    let north = look_up(&client("north")).await;
    assert_eq!(north.addresses[0].to_string(), "198.51.100.45");
    assert_eq!(north.server, Some(cdn.addr()));
    assert_eq!(fired(&north), ["north-cdn: servers"]);

    // 89 ms is more than 80: the backup is asked beside the first server and answers first, and from
    // then on it leads.
    let overseas = client("overseas");
    let watch = Stopwatch::start();
    let first = look_up(&overseas).await;
    assert!(watch.stop().is_least(Duration::from_millis(79)));
    assert_eq!(first.server, Some(backup.addr()));
    assert_eq!(
        fired(&first),
        ["overseas-backup: servers", "overseas-backup: switch"]
    );
    let asked = slow.seen().len();
    let second = look_up(&overseas).await;
    assert_eq!(second.server, Some(backup.addr()));
    assert_eq!(slow.seen().len(), asked, "it is known to be slow");

    let elsewhere = look_up(&client("west")).await;
    assert_eq!(elsewhere.addresses[0].to_string(), "203.0.113.7");
    assert_eq!(fired(&elsewhere), [""; 0]);
}

#[tokio::test]
async fn rules_are_switched_while_lookups_run_and_none_is_lost() {
    let (near, mid, far) = (
        server("10.0.0.12", 12),
        server("10.0.0.45", 45),
        server("10.0.0.89", 89),
    );
    let rule = |name: &str, server: &DnsServer| {
        format!(
            "[[rule]]\nname = '{name}'\nservers = ['{}']\n",
            server.addr()
        )
    };
    let versions = [rule("near", &near), rule("mid", &mid), rule("far", &far)];
    let (feed, source) = mpsc::unbounded_channel();
    feed.send(versions[0].clone()).unwrap();
    let (policy, upkeep) = LivePolicy::open(Fed(source)).await.unwrap();
    let replaced = AtomicUsize::new(0);
    let keep = upkeep.run(|_| {
        replaced.fetch_add(1, Ordering::Relaxed);
    });
    let resolver = usual(&[near.addr()]).under(policy, None);
    let lookups = async {
        let mut running = tokio::task::JoinSet::new();
        for n in 0..300 {
            if n % 10 == 0 {
                feed.send(versions[n / 10 % 3].clone()).unwrap();
            }
            let resolver = resolver.clone();
            running.spawn(async move { look_up(&resolver).await });
            // Lets the new rules in between two lookups, while those before are still under way.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        running.join_all().await
    };
    let answers = tokio::select! {
        answers = lookups => answers,
        never = keep => match never {},
    };
    assert_eq!(answers.len(), 300);
    let mut by_rule = [0; 3];
    for answer in &answers {
        let (rule, ip) = (fired(answer), answer.addresses[0].to_string());
        let at = ["near", "mid", "far"]
            .iter()
            .position(|name| rule == [format!("{name}: servers")]);
        let at = at.unwrap_or_else(|| panic!("{rule:?}"));
        assert_eq!(
            ip,
            ["10.0.0.12", "10.0.0.45", "10.0.0.89"][at],
            "rule and answer agree"
        );
        by_rule[at] += 1;
    }
    assert!(by_rule.iter().all(|count| *count > 20), "{by_rule:?}");
    assert!(replaced.load(Ordering::Relaxed) >= 29);
}

#[tokio::test]
async fn a_dead_or_refusing_server_gives_way_and_a_final_answer_does_not() {
    let dead = Script::new().both(Behaviour::Silent).start();
    let good = server("192.0.2.1", 0);
    let rules = format!(
        "[[rule]]\nname='r'\nservers=['{}','{}']\nswitch_above='50ms'",
        dead.addr(),
        good.addr()
    );
    let answer = look_up(&usual(&[]).under(live(&rules), None)).await;
    assert_eq!(answer.server, Some(good.addr()));

    let empty = Script::new().address("other.test", "192.0.2.9").start();
    let rules = format!(
        "[[rule]]\nname='r'\nservers=['{}','{}']",
        empty.addr(),
        good.addr()
    );
    let resolver = usual(&[]).under(live(&rules), None);
    let question = Question {
        name: "www.shop.test".into(),
        family: Family::Ipv4,
    };
    let deadline = Deadline::after(Duration::from_secs(5));
    let failure = resolver.lookup(&question, &deadline).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Nxdomain);
    assert!(good.seen().len() == 1, "asked by the first resolver only");
}

#[tokio::test]
async fn rules_that_leave_nothing_are_named_in_the_failure() {
    let server = server("10.9.9.9", 0);
    let policy = live("[[rule]]\nname='public only'\ndrop=['10.0.0.0/8']");
    let resolver = usual(&[server.addr()]).under(policy, None);
    let question = Question {
        name: "www.shop.test".into(),
        family: Family::Ipv4,
    };
    let deadline = Deadline::after(Duration::from_secs(5));
    let failure = resolver.lookup(&question, &deadline).await.unwrap_err();
    assert_eq!(failure.kind, Kind::NoData);
    let named =
        |fact: &Evidence| matches!(fact, Evidence::Policy { rule, .. } if rule == "public only");
    assert!(failure.evidence.iter().any(named), "{failure:?}");
}

/// A file that is gone when the test is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("netkit-policy-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Puts a text in place as careful editors do.
    fn replace(&self, text: &str) {
        let new = self.0.with_extension("new");
        fs::write(&new, text).expect("the folder for temporary files takes files");
        fs::rename(&new, &self.0).expect("both are in one folder");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_file_is_followed_and_what_is_broken_leaves_the_old_rules() {
    let file = Scratch::new("followed.toml");
    let rule = |name: &str| format!("[[rule]]\nname = '{name}'\ndrop = ['::/0']\n");
    file.replace(&rule("one"));
    let (mut policy, upkeep) = LivePolicy::open(FileSource::new(file.0.clone()))
        .await
        .unwrap();
    let (told, mut changes) = mpsc::unbounded_channel();
    let keep = upkeep.run(move |change| told.send(change).unwrap());
    let story = async {
        let names = |policy: &LivePolicy| policy.rules().rules[0].name.to_string();
        assert_eq!(names(&policy), "one");
        // Renamed into place.
        file.replace(&rule("two"));
        policy.changed().await;
        assert_eq!(
            (names(&policy), changes.recv().await),
            ("two".to_owned(), Some(Change::Replaced(1)))
        );
        // Written over, with the same length, at once.
        fs::write(&file.0, rule("six")).unwrap();
        policy.changed().await;
        assert_eq!(
            (names(&policy), changes.recv().await),
            ("six".to_owned(), Some(Change::Replaced(1)))
        );
        file.replace("[[rule]]\nname = 'broken'\nprefer = ['x']\n");
        match changes.recv().await {
            Some(Change::Kept(Refused::Invalid { part, fault })) => {
                assert_eq!((part, fault.line), (file.0.display().to_string(), 3));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(names(&policy), "six");
        fs::remove_file(&file.0).unwrap();
        assert!(matches!(
            changes.recv().await,
            Some(Change::Kept(Refused::Unreadable(_)))
        ));
        assert_eq!(names(&policy), "six");
        file.replace(&rule("back"));
        policy.changed().await;
        assert_eq!(names(&policy), "back");
    };
    tokio::select! {
        () = story => {}
        never = keep => match never {},
    }
}

#[tokio::test]
async fn without_old_rules_a_broken_file_is_an_error() {
    let file = Scratch::new("broken.toml");
    let missing = LivePolicy::open(FileSource::new(file.0.clone())).await;
    assert!(matches!(missing, Err(Refused::Unreadable(_))));
    file.replace("[[rule]]\nname = 'a'\n");
    let idle = LivePolicy::open(FileSource::new(file.0.clone())).await;
    let Err(Refused::Invalid { fault, .. }) = idle else {
        panic!("{idle:?}");
    };
    assert_eq!(fault.line, 2);
}
