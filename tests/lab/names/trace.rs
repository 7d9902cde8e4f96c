//! From a root of our own down: three name servers, and what can be wrong between them.

use super::servers::Daemon;
use super::zones::{Folder, Signing, text};
use super::{Resolved, resolve};
use crate::bed::namespace::Namespace;
use crate::bed::skip::{self, Need};

const NEEDS: &[Need] = &[
    Need::Program("knotd"),
    Need::Program("dnssec-keygen"),
    Need::Program("dnssec-signzone"),
];

const ROOT: &str = "127.0.0.2";
const TLD: &str = "127.0.0.3";
const AUTH: &str = "127.0.0.4";

/// Root, `test` and its children, each at a server of its own.
fn world() -> Option<(Namespace, Folder, [Daemon; 3])> {
    if !skip::ready(NEEDS) {
        return None;
    }
    let machine = Namespace::new().expect("namespaces can be made");
    let folder = Folder::new();
    let good = "www IN A 192.0.2.1\nalias IN CNAME www\naway IN CNAME www.other.test.\n\
                loop1 IN CNAME loop2.other.test.\ndangling IN CNAME nope.other.test.\nns2 IN A 127.0.0.4";
    let ds = folder.sign("good.test", &text("good.test", AUTH, good), Signing::PLAIN);
    let other = "www IN A 192.0.2.7\nloop2 IN CNAME loop1.good.test.";
    folder.write("other.testzone", &text("other.test", AUTH, other));
    // What the parent says: a lame server, one that nobody runs, one without glue, one from
    // another zone, and one that has to be asked of itself.
    let test = format!(
        "good IN NS ns.good\nns.good IN A {AUTH}\n{ds}\
         other IN NS ns.other\nns.other IN A {AUTH}\n\
         differs IN NS ns.differs\nns.differs IN A {AUTH}\ndiffers IN NS lame\nlame IN A {TLD}\n\
         differs IN NS dead\ndead IN A 127.0.0.77\n\
         glueless IN NS ns2.good.test.\n\
         noglue IN NS ns.noglue\n\
         circle1 IN NS ns.circle2\ncircle2 IN NS ns.circle1\n\
         nobody IN NS lame\n"
    );
    folder.write(
        "differs.testzone",
        &text(
            "differs.test",
            AUTH,
            "@ IN NS ns2\nns2 IN A 127.0.0.4\nwww IN A 192.0.2.5",
        ),
    );
    folder.write(
        "glueless.testzone",
        &text("glueless.test", AUTH, "www IN A 192.0.2.6")
            .replace("NS ns.glueless.test.", "NS ns2.good.test."),
    );
    let ds = folder.sign("test", &text("test", TLD, &test), Signing::PLAIN);
    let root = format!("test. IN NS ns.test.\nns.test. IN A {TLD}\n{ds}");
    folder.sign(".", &text(".", ROOT, &root), Signing::PLAIN);
    let below = ["good.test", "other.test", "differs.test", "glueless.test"];
    let daemons = [
        Daemon::knot(&machine, &folder, ROOT, &["."]),
        Daemon::knot(&machine, &folder, TLD, &["test"]),
        Daemon::knot(&machine, &folder, AUTH, &below),
    ];
    Some((machine, folder, daemons))
}

fn trace(machine: &Namespace, question: &str) -> Resolved {
    resolve(machine, &format!("{question} --trace --roots {ROOT}:53"))
}

/// The zones of the steps.
fn zones(run: &Resolved) -> Vec<&str> {
    let steps = run.at("/steps").as_array().expect("steps are a list");
    steps
        .iter()
        .map(|step| step["zone"].as_str().unwrap_or_default())
        .collect()
}

#[test]
fn a_trace_goes_down_by_referrals_and_shows_each_step() {
    let Some((machine, _folder, _daemons)) = world() else {
        return;
    };
    let run = trace(&machine, "www.good.test A");
    run.exits(0);
    assert_eq!(run.text("/type"), "trace", "{run}");
    assert_eq!(run.text("/verdict"), "answer", "{run}");
    assert_eq!(zones(&run), [".", "test", "good.test"], "{run}");
    let root = run.at("/steps/0");
    assert_eq!(root["outcome"], "referral", "{run}");
    assert_eq!(root["servers"][0]["server"], "127.0.0.2:53", "{run}");
    assert!(
        root["servers"][0]["rtt_ms"]
            .as_f64()
            .is_some_and(|rtt| rtt > 0.0),
        "{run}"
    );
    assert_eq!(root["referral"]["zone"], "test", "{run}");
    assert_eq!(root["referral"]["ds"][0]["algorithm"], 13, "{run}");
    let last = run.at("/steps/2");
    assert_eq!(last["servers"][0]["name"], "ns.good.test", "{run}");
    assert_eq!(last["servers"][0]["source"], "glue", "{run}");
    assert_eq!(last["servers"][0]["authoritative"], true, "{run}");
    assert_eq!(last["ns"]["same"], true, "{run}");
    let answers = run.at("/answers").as_array().expect("answers are a list");
    assert!(
        answers.iter().any(|record| record["data"] == "192.0.2.1"),
        "{run}"
    );
}

#[test]
fn lame_and_dead_servers_and_differing_ns_sets_are_named() {
    let Some((machine, _folder, _daemons)) = world() else {
        return;
    };
    let run = trace(&machine, "www.differs.test A");
    run.exits(0);
    let step = run.at("/steps/2");
    let servers = step["servers"].as_array().expect("servers are a list");
    let of = |name: &str| {
        let own = servers.iter().find(|server| server["name"] == name);
        own.unwrap_or_else(|| panic!("no {name}{run}"))
    };
    assert_eq!(of("ns.differs.test")["outcome"], "answer", "{run}");
    assert_eq!(of("lame.test")["outcome"], "lame", "{run}");
    assert_eq!(of("dead.test")["outcome"], "unreachable", "{run}");
    assert_eq!(step["ns"]["same"], false, "{run}");
    assert_eq!(
        step["ns"]["only_parent"],
        serde_json::json!(["dead.test", "lame.test"]),
        "{run}"
    );
    assert_eq!(
        step["ns"]["only_child"],
        serde_json::json!(["ns2.differs.test"]),
        "{run}"
    );
    assert_eq!(
        run.at("/steps/1/referral/ds"),
        &serde_json::json!([]),
        "{run}"
    );
    let nobody = trace(&machine, "www.nobody.test A");
    nobody.exits(3);
    assert_eq!(nobody.text("/verdict"), "lame", "{nobody}");
}

#[test]
fn addresses_without_glue_are_looked_up_or_their_lack_is_named() {
    let Some((machine, _folder, _daemons)) = world() else {
        return;
    };
    let run = trace(&machine, "www.glueless.test A");
    run.exits(0);
    assert_eq!(zones(&run).last(), Some(&"glueless.test"), "{run}");
    let steps = run.at("/steps").as_array().expect("steps are a list");
    let last = steps.last().expect("there are steps");
    assert_eq!(last["servers"][0]["source"], "looked_up", "{run}");
    let side = steps
        .iter()
        .find(|step| step["for_server"] == "ns2.good.test");
    assert!(side.is_some(), "{run}");

    let missing = trace(&machine, "www.noglue.test A");
    missing.exits(3);
    assert_eq!(missing.text("/verdict"), "lame", "{missing}");
    let steps = missing.at("/steps").as_array().expect("steps are a list");
    let last = steps.last().expect("there are steps");
    assert_eq!(last["servers"][0]["problem"], "missing_glue", "{missing}");

    let circle = trace(&machine, "www.circle1.test A");
    circle.exits(3);
    assert!(circle.text("/reason").contains("circle1.test"), "{circle}");
}

#[test]
fn aliases_are_followed_across_zones_and_circles_end() {
    let Some((machine, _folder, _daemons)) = world() else {
        return;
    };
    let away = trace(&machine, "away.good.test A");
    away.exits(0);
    assert_eq!(
        zones(&away),
        [".", "test", "good.test", "test", "other.test"],
        "{away}"
    );
    let answers = away.at("/answers").as_array().expect("answers are a list");
    let data: Vec<_> = answers
        .iter()
        .filter_map(|it| it["data"].as_str())
        .collect();
    assert!(data.contains(&"192.0.2.7"), "{away}");

    let circle = trace(&machine, "loop1.good.test A");
    circle.exits(3);
    assert_eq!(circle.text("/verdict"), "cname_loop", "{circle}");
    let dangling = trace(&machine, "dangling.good.test A");
    dangling.exits(3);
    assert_eq!(dangling.text("/verdict"), "cname_dangling", "{dangling}");
    let nothing = trace(&machine, "nope.good.test A");
    nothing.exits(3);
    assert_eq!(nothing.text("/verdict"), "nxdomain", "{nothing}");
}
