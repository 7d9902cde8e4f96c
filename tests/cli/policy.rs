//! `--policy` and `--region`: the rules are obeyed, named in the report, and followed.

use std::fs;
use std::path::PathBuf;

use crate::dns::Script;
use crate::support::{Server, netkit, valid};

/// A file of rules that is gone when the test is.
struct Rules(PathBuf);

impl Rules {
    fn new(test: &str, rules: &str) -> Self {
        let name = format!("netkit-rules-{}-{test}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, rules).expect("the folder for temporary files takes files");
        Self(path)
    }

    fn flags(&self, region: &str) -> String {
        format!("--policy {} --region {region}", self.0.display())
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A zone whose first address answers nobody.
fn zone() -> Script {
    Script::new()
        .address("web.example", "203.0.113.7")
        .address("web.example", "127.0.0.1")
}

const EAST: &str =
    "[[rule]]\nname = 'east-cluster'\nregions = ['east']\nprefer = ['127.0.0.0/8']\n";

#[test]
fn dial_takes_the_address_that_its_region_prefers_and_says_which_rule_said_so() {
    let (server, names) = (Server::echo(), zone().start());
    let rules = Rules::new(
        "dial",
        "[[rule]]\nname = 'east-cluster'\nregions = ['east']\nkeep = ['127.0.0.0/8']\n",
    );
    let (port, ns, flags) = (server.port(), names.addr(), rules.flags("east"));
    let line = format!("dial -4 web.example:{port} --ns {ns} {flags} --json");
    let value = netkit(&line).run().status(0).one();
    valid(&value);
    assert_eq!(
        value["resolve"]["addresses"],
        serde_json::json!(["127.0.0.1"])
    );
    assert_eq!(value["attempts"].as_array().map(Vec::len), Some(1));
    let evidence = &value["resolve"]["questions"][0]["evidence"][0];
    assert_eq!(evidence["type"], "policy");
    assert_eq!(
        (&evidence["rule"], &evidence["action"]),
        (&"east-cluster".into(), &"drop".into())
    );
    assert_eq!(value["config"]["region"], "east");
    let outcome = netkit(&line.replace(" --json", "")).run().status(0);
    outcome.says("policy rule \"east-cluster\", drop: 203.0.113.7");
    server.was_hit(2);
}

#[test]
fn resolve_shows_what_the_rules_made_of_the_answer_and_what_the_server_said() {
    let (names, rules) = (zone().start(), Rules::new("resolve", EAST));
    let line = format!("resolve web.example A --ns {} --json", names.addr());
    let value = netkit(&format!("{line} {}", rules.flags("east")))
        .run()
        .status(0)
        .one();
    valid(&value);
    let data = |value: &serde_json::Value| -> Vec<String> {
        let answers = value["answers"].as_array().expect("a list");
        answers
            .iter()
            .map(|record| record["data"].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(data(&value), ["127.0.0.1", "203.0.113.7"]);
    assert_eq!(
        value["policy"]["received"],
        serde_json::json!(["203.0.113.7", "127.0.0.1"])
    );
    assert_eq!(value["policy"]["fired"][0]["rule"], "east-cluster");
    assert_eq!(value["policy"]["region"], "east");
    let elsewhere = netkit(&format!("{line} {}", rules.flags("west")))
        .run()
        .status(0)
        .one();
    assert_eq!(data(&elsewhere), ["203.0.113.7", "127.0.0.1"]);
    assert_eq!(elsewhere["policy"]["fired"], serde_json::json!([]));
    let plain = netkit(&line).run().status(0).one();
    assert_eq!(plain["policy"], serde_json::Value::Null);
}

#[test]
fn a_rule_asks_its_own_servers_and_leaves_the_slow_one_within_its_patience() {
    let slow = zone().both(crate::dns::Behaviour::Silent).start();
    let backup = Script::new().address("web.example", "198.51.100.1").start();
    let text = format!(
        "[[rule]]\nname = 'overseas'\nregions = ['overseas']\nservers = ['{}', '{}']\nswitch_above = '80ms'\n",
        slow.addr(),
        backup.addr()
    );
    let (usual, rules) = (zone().start(), Rules::new("servers", &text));
    let flags = rules.flags("overseas");
    let line = format!("resolve web.example A --ns {} {flags} --json", usual.addr());
    let value = netkit(&line).run().status(0).one();
    valid(&value);
    assert_eq!(value["server"], backup.addr().to_string());
    assert_eq!(usual.seen().len(), 0, "the rule names other servers");
    let total = value["total_ms"].as_f64().expect("a number");
    assert!((79.0..400.0).contains(&total), "{total}");
}

#[test]
fn a_policy_that_cannot_be_used_is_refused_with_its_line() {
    let broken = Rules::new("broken", "[[rule]]\nname = 'a'\nprefer = ['10.1.2.3/16']\n");
    for command in ["dial web.example:80", "resolve web.example"] {
        let line = format!("{command} --ns 127.0.0.1:1 {}", broken.flags("x"));
        let outcome = netkit(&line).run().status(2);
        let outcome = outcome.complains("line 3, column 11");
        outcome.complains("did you mean 10.1.0.0/16?");
        let missing = format!("{command} --ns 127.0.0.1:1 --policy /nonexistent/rules.toml");
        netkit(&missing)
            .run()
            .status(6)
            .complains("/nonexistent/rules.toml");
        let alone = format!("{command} --ns 127.0.0.1:1 --region east");
        netkit(&alone).run().status(2).complains("--policy");
        for place in [
            "etcd://127.0.0.1",
            "etcd://127.0.0.1:2379",
            "etcd://:1/x",
            "http://x/y",
        ] {
            let line = format!("{command} --ns 127.0.0.1:1 --policy {place}");
            netkit(&line)
                .run()
                .status(2)
                .complains("etcd://HOST:PORT/PREFIX");
        }
    }
}

#[test]
fn hosts_that_are_parsed_are_looked_up_under_the_rules() {
    let names = zone().start();
    let rules = Rules::new("parse", EAST);
    let line = format!(
        "parse-addr web.example:80 --as tcp --ns {} --json",
        names.addr()
    );
    let resolved = |flags: &str| {
        let value = netkit(&format!("{line} --resolve {flags}"))
            .run()
            .status(0)
            .one();
        valid(&value);
        value["endpoint"]["resolved"][0].clone()
    };
    assert_eq!(resolved("--network tcp4"), "203.0.113.7");
    let flags = format!("--network tcp4 {}", rules.flags("east"));
    assert_eq!(resolved(&flags), "127.0.0.1");
    let alone = format!("parse-addr 192.0.2.1 {}", rules.flags("east"));
    netkit(&alone)
        .run()
        .status(2)
        .complains("--resolve with it");
}
