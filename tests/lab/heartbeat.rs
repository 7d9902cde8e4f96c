//! `netkit heartbeat` and real outages: what it says of them, asserted from its JSON.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::namespace::Hook;
use crate::bed::net::{SERVER_V4, Wire};
use crate::bed::serve::{Echo, listen_with_full_queue, port};
use crate::dns::Script;
use crate::watching::{Program, serve, watch};

/// Where the servers of these cases listen.
const PORT: u16 = 7007;
/// Another address of the server.
const OTHER_V4: &str = "192.0.2.3";

fn echo(net: &Wire) -> Program {
    serve(&net.server, &format!("{SERVER_V4}:{PORT} --echo"))
}

/// Echo beats on one session, every 100 ms.
fn beats(net: &Wire, more: &str) -> Program {
    let flags = format!("{SERVER_V4}:{PORT} --probe echo -i 100ms -t 100ms {more}");
    watch(&net.client, &flags)
}

/// Cuts the wire, both ways, without a word.
fn cut(net: &Wire) {
    for hook in [Hook::Input, Hook::Output] {
        net.server.filter(hook, "drop");
    }
}

fn number(value: &Value, key: &str) -> f64 {
    let number = value[key].as_f64();
    number.unwrap_or_else(|| panic!("{key} is no number in {value:#}"))
}

fn between(value: &Value, key: &str, least: f64, most: f64) {
    let number = number(value, key);
    assert!((least..=most).contains(&number), "{key} in {value:#}");
}

#[test]
fn a_blackout_of_3_s_in_8_s_is_20_to_25_failures_of_80_and_its_length() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = Echo::start(&net.server);
    let flags = format!("{SERVER_V4}:{} -c 80 -i 100ms -t 2s", server.port);
    let mut run = watch(&net.client, &flags);
    run.until(|line| line["type"] == "beat" && line["seq"] == 24);
    let before = Instant::now();
    cut(&net);
    let dark = Instant::now();
    // The outage itself, not a wait for something.
    std::thread::sleep(Duration::from_secs(3));
    let lit = Instant::now();
    net.server.unfilter();
    let after = Instant::now();
    let target = run.summary();
    let why = run.transcript();
    assert_eq!(target["scheduled"], 80, "{why}");
    between(&target, "lost", 19.0, 25.0);
    let slow = |line: &&Value| line["ok"] == true && number(line, "rtt_ms") > 500.0;
    let beats = run.lines.iter().filter(|line| line["type"] == "beat");
    let slow = beats.filter(slow).count();
    assert!(
        (8..=12).contains(&slow),
        "{slow} rescued by a second SYN{why}"
    );
    assert_eq!(target["outages_total"], 1, "{why}");
    let outage = &target["outages"][0];
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let (least, most) = (ms(lit - dark) - 100.0, ms(after - before) + 100.0);
    between(outage, "lasted_ms", least, most);
    between(
        outage,
        "start_ms",
        2_400.0,
        2_500.0 + ms(dark - before) + 100.0,
    );
}

#[test]
fn random_loss_of_30_percent_is_reported_within_the_binomial_bound() {
    let Some(net) = Wire::lay(&[]) else { return };
    let _server = serve(&net.server, &format!("udp://{SERVER_V4}:{PORT} --echo"));
    let rule = format!("udp dport {PORT} numgen random mod 100 < 30 drop");
    net.server.filter(Hook::Input, &rule);
    let flags = format!("udp://{SERVER_V4}:{PORT} --probe echo -c 400 -i 10ms -t 400ms");
    let target = watch(&net.client, &flags).summary();
    let (lost, received) = (number(&target, "lost"), number(&target, "received"));
    // Four standard deviations: wrong once in 16,000 runs. What a busy machine skips is no loss.
    let (expected, deviation) = (0.3 * (lost + received), (0.21 * (lost + received)).sqrt());
    let (least, most) = (expected - 4.0 * deviation, expected + 4.0 * deviation);
    between(&target, "lost", least, most);
    assert_eq!(target["scheduled"], 400, "{target:#}");
    let pct = lost * 100.0 / (lost + received);
    between(&target, "loss_pct", pct - 1e-6, pct + 1e-6);
}

#[test]
fn a_stopped_server_hangs_and_a_silent_wire_is_down() {
    let Some(net) = Wire::lay(&[]) else { return };
    let server = echo(&net);
    // Long enough that the session is not given up while it hangs.
    let mut run = beats(&net, "--fall 3");
    run.until_state("up");
    server.signal("STOP");
    let hung = run.until(|line| {
        line["type"] == "state"
            && !line["failure"].is_null()
            && (line["to"] == "app_hung" || line["to"] == "down")
    });
    assert_eq!(hung["to"], "app_hung", "{}", run.transcript());
    server.signal("CONT");
    run.until_state("up");
    let outage = run.stop()["outages"][0].clone();
    assert_eq!(outage["state"], "app_hung", "{outage:#}");

    let mut run = beats(&net, "");
    run.until_state("up");
    cut(&net);
    run.until_state("down");
    let target = run.stop();
    assert_eq!(target["state"], "down", "{}", run.transcript());
    assert!(!run.states().contains(&"app_hung"), "{}", run.transcript());
}

/// Beats until they are answered, does this, and tells what ended the session: as it was noticed, and
/// after `mend` as it turned out when it was dialled again.
fn causes_of(net: &Wire, deed: impl FnOnce(), mend: impl FnOnce()) -> [String; 2] {
    let mut run = beats(net, "--give-up-after never");
    run.until_state("up");
    deed();
    let end = run.until(|line| line["type"] == "disconnect");
    // At least one more try meets what has happened.
    run.until(|line| line["type"] == "beat" && line["ok"] == false);
    mend();
    let back = run.until(|line| line["type"] == "reconnect");
    run.until(|line| line["type"] == "beat" && line["ok"] == true);
    let _ = run.stop();
    [end, back].map(|line| line["cause"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn five_ways_to_end_a_session_are_five_causes() {
    let Some(net) = Wire::lay(&[]) else { return };
    let mut server = echo(&net);
    // What a killed process leaves to the kernel is a FIN, when it has read everything; that its port
    // is closed from then on tells that the process is gone.
    let mut again = None;
    let killed = causes_of(&net, || server.kill(), || again = Some(echo(&net)));
    let reset = format!("tcp dport {PORT} reject with tcp reset");
    let unfilter = || net.server.unfilter();
    let reset = causes_of(&net, || net.server.filter(Hook::Input, &reset), unfilter);
    let silent = causes_of(&net, || cut(&net), unfilter);
    let route = |verb: &str| {
        net.client
            .ip(&format!("route {verb} 192.0.2.0/24 dev wire"));
    };
    let unroutable = causes_of(&net, || route("del"), || route("add"));
    let same = |cause: &str| [cause.to_owned(), cause.to_owned()];
    assert_eq!(killed, ["fin", "exit"]);
    assert_eq!(
        [reset, silent, unroutable],
        [same("rst"), same("timeout"), same("local")]
    );
    drop(again);
}

#[test]
fn a_server_that_closes_a_session_and_lives_on_has_sent_a_fin() {
    let Some(net) = Wire::lay(&[]) else { return };
    let _server = serve(
        &net.server,
        &format!("{SERVER_V4}:{PORT} --echo --max-lifetime 1s"),
    );
    let mut run = beats(&net, "--give-up-after never");
    for kind in ["disconnect", "reconnect"] {
        let line = run.until(|line| line["type"] == kind && !line["cause"].is_null());
        assert_eq!(line["cause"], "fin", "{}", run.transcript());
    }
}

#[test]
fn a_stopped_prober_blames_itself() {
    let Some(net) = Wire::lay(&[]) else { return };
    let _server = echo(&net);
    let mut run = beats(&net, "");
    run.until_state("up");
    run.signal("STOP");
    // The stop itself, not a wait for something.
    std::thread::sleep(Duration::from_secs(1));
    run.signal("CONT");
    let stall = run.until(|line| line["type"] == "stall");
    assert_eq!(stall["kind"], "local_stall");
    between(&stall, "ms", 900.0, 2_000.0);
    let last = run
        .lines
        .iter()
        .filter_map(|line| line["seq"].as_u64())
        .max();
    run.until(|line| line["type"] == "beat" && line["seq"].as_u64() > last.map(|seq| seq + 10));
    let target = run.stop();
    assert_eq!(run.states(), ["up"], "{}", run.transcript());
    assert_eq!(target["lost"], 0, "{}", run.transcript());
    between(&target, "skipped", 5.0, 20.0);
}

#[test]
fn a_server_that_comes_back_elsewhere_is_found_by_its_name() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.server.ip(&format!("addr add {OTHER_V4}/24 dev wire"));
    let mut server = echo(&net);
    let zone = Script::new()
        .address("web.example", SERVER_V4)
        .address("web.example", OTHER_V4);
    let names = net.client.enter(|| zone.start());
    let flags = format!(
        "web.example:{PORT} -4 --ns {} --probe echo -i 100ms -t 100ms --give-up-after never",
        names.addr()
    );
    let mut run = watch(&net.client, &flags);
    run.until_state("up");
    let asked = names.seen().len();
    server.kill();
    run.until_state("down");
    let _server = serve(&net.server, &format!("{OTHER_V4}:{PORT} --echo"));
    let again = run.until(|line| {
        line["type"] == "reconnect" && line["cause"] == "exit" && !line["peer"].is_null()
    });
    assert_eq!(
        again["previous_peer"],
        format!("{SERVER_V4}:{PORT}"),
        "{again:#}"
    );
    assert_eq!(again["peer"], format!("{OTHER_V4}:{PORT}"), "{again:#}");
    assert!(again["attempts_total"].as_u64() > Some(1), "{again:#}");
    assert!(
        names.seen().len() > asked,
        "the name was not asked for again"
    );
    run.until_state("up");
}

#[test]
fn a_name_that_leads_elsewhere_now_is_followed() {
    let Some(net) = Wire::lay(&[]) else { return };
    net.server.ip(&format!("addr add {OTHER_V4}/24 dev wire"));
    let (mut server, _other) = (
        echo(&net),
        serve(&net.server, &format!("{OTHER_V4}:{PORT} --echo")),
    );
    let zone = |address| Script::new().address("web.example", address);
    let names = net.client.enter(|| zone(SERVER_V4).start());
    let at = names.addr();
    let flags = format!("web.example:{PORT} -4 --ns {at} --probe echo -i 100ms --fall 2");
    let mut run = watch(&net.client, &flags);
    run.until_state("up");
    // The same name server, which knows better now.
    drop(names);
    let _names = net.client.enter(|| zone(OTHER_V4).at(at).start());
    server.kill();
    let again = run.until(|line| line["type"] == "reconnect" && !line["cause"].is_null());
    let peers = [&again["previous_peer"], &again["peer"]];
    let wanted = [SERVER_V4, OTHER_V4].map(|ip| Value::from(format!("{ip}:{PORT}")));
    assert_eq!(peers, wanted.each_ref(), "{again:#}");
    run.until(|line| line["type"] == "beat" && line["ok"] == true);
}

#[test]
fn a_full_accept_queue_is_down() {
    let Some(net) = Wire::lay(&[]) else { return };
    let (listener, _waiting) = listen_with_full_queue(&net.server);
    let flags = format!("{SERVER_V4}:{} -c 5 -i 200ms -t 1s", port(&listener));
    let mut run = watch(&net.client, &flags);
    let target = run.summary();
    assert_eq!(target["state"], "down", "{}", run.transcript());
    assert_eq!(target["lost"], 5, "{}", run.transcript());
    assert_eq!(target["outages"][0]["failure"], "filtered", "{target:#}");
}
