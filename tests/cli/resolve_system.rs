//! `netkit resolve` as the system sees names: resolv.conf, search list, hosts file.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::dns::{Behaviour, DnsServer, Script};
use crate::support::{netkit, valid};

/// Files of one test, gone with it.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("netkit-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("the temporary folder can be written");
        Self(dir)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("its folder can be written");
        path.display().to_string()
    }

    /// A resolv.conf that asks this server. The port is ours to understand.
    fn conf(&self, server: &DnsServer, more: &str) -> String {
        self.write(
            "resolv.conf",
            &format!("nameserver {}\n{more}\n", server.addr()),
        )
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn ask(line: &str) -> Value {
    let value = netkit(&format!("{line} --json")).run().one();
    valid(&value);
    value
}

#[test]
fn each_name_of_the_search_list_is_told_and_why_it_stopped() {
    let server = Script::new().address("web.b.example", "192.0.2.1").start();
    let files = Files::new("search");
    let conf = files.conf(&server, "search a.example b.example c.example");
    let hosts = files.write("hosts", "");
    let line = format!("resolve web A --resolv-conf {conf} --hosts-file {hosts}");
    let value = ask(&line);
    assert_eq!(
        (&value["name"], &value["asked"]),
        (&"web".into(), &"web.b.example".into())
    );
    let search = &value["search"];
    let tried: Vec<_> = search["names"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["verdict"].clone())
        .collect();
    assert_eq!(tried, ["nxdomain", "answer"]);
    assert_eq!(search["stopped"], "found");
    assert_eq!(
        search["untried"],
        serde_json::json!(["web.c.example", "web"])
    );
}

#[test]
fn an_error_ends_the_search_only_when_errors_are_strict() {
    let server = Script::new().both(Behaviour::Code(2)).start();
    let files = Files::new("strict");
    let conf = files.conf(&server, "search a.example b.example");
    let hosts = files.write("hosts", "");
    let line = format!("resolve web A --resolv-conf {conf} --hosts-file {hosts}");
    assert_eq!(ask(&line)["search"]["names"].as_array().unwrap().len(), 3);
    let strict = ask(&format!("{line} --strict-errors"));
    assert_eq!(strict["search"]["names"].as_array().unwrap().len(), 1);
    assert_eq!(strict["search"]["stopped"], "strict_errors");
}

#[test]
fn the_hosts_file_is_asked_first_unless_a_server_is_named() {
    let server = Script::new().address("web.example", "192.0.2.1").start();
    let files = Files::new("hosts");
    let conf = files.conf(&server, "");
    let hosts = files.write("hosts", "192.0.2.77 web.example\n");
    let line = format!("resolve web.example A --resolv-conf {conf} --hosts-file {hosts}");
    let data = |value: &Value| value["answers"][0]["data"].clone();
    let value = ask(&line);
    assert_eq!(
        (data(&value), &value["source"]),
        ("192.0.2.77".into(), &"hosts".into())
    );
    assert!(server.seen().is_empty(), "nobody is asked");
    assert_eq!(data(&ask(&format!("{line} --no-hosts"))), "192.0.2.1");
    assert_eq!(
        data(&ask(&format!("{line} @{}", server.addr()))),
        "192.0.2.1"
    );
    assert_eq!(
        data(&ask(&format!("{line} @{} --hosts", server.addr()))),
        "192.0.2.77"
    );
}

#[test]
fn a_name_of_tors_is_asked_of_nobody_and_does_not_exist() {
    let server = Script::new().address("web.onion", "192.0.2.1").start();
    let files = Files::new("onion");
    let conf = files.conf(&server, "");
    let line = format!("resolve web.onion A --resolv-conf {conf} --no-hosts --json");
    let outcome = netkit(&line).run().status(3);
    let value = outcome.one();
    assert_eq!(value["verdict"], "nxdomain");
    assert_eq!(value["failure"]["kind"], "nxdomain");
    assert!(server.seen().is_empty(), "nobody is asked");
}

#[test]
fn special_names_are_asked_of_a_server_that_is_named() {
    let server = Script::new()
        .address("localhost", "192.0.2.1")
        .address("host.invalid", "192.0.2.2")
        .address("hidden.onion", "192.0.2.3")
        .start();
    for (name, ip) in [
        ("localhost", "192.0.2.1"),
        ("host.invalid", "192.0.2.2"),
        ("hidden.onion", "192.0.2.3"),
    ] {
        let value = ask(&format!("resolve {name} A @{}", server.addr()));
        assert_eq!(value["answers"][0]["data"], ip, "{name}");
    }
}

#[test]
fn what_is_wrong_in_resolv_conf_is_told_with_its_line() {
    let server = Script::new().address("web.example", "192.0.2.1").start();
    let files = Files::new("warnings");
    let conf = files.conf(&server, "options frobnicate");
    let line = format!("resolve web.example A --no-hosts --resolv-conf {conf}");
    let remarks = ask(&line)["remarks"].to_string();
    assert!(remarks.contains("line 2: unknown option"), "{remarks}");
}

#[test]
fn the_view_of_the_system_is_compared_and_the_difference_explained() {
    // `localhost` is in every hosts file: getaddrinfo asks nobody.
    let server = Script::new().address("localhost", "192.0.2.1").start();
    let line = format!("resolve localhost A @{} --compare-system", server.addr());
    let value = ask(&line);
    let system = &value["system"];
    assert_eq!(system["addresses"], serde_json::json!(["127.0.0.1"]));
    assert_eq!(system["agrees"], false);
    let reasons = system["reasons"].to_string();
    assert!(reasons.contains("has localhost"), "{reasons}");
    let shown = netkit(&line).run().status(0).stdout;
    for part in ["system: getaddrinfo: 127.0.0.1 (different", "because: "] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn the_rest_of_a_name_as_typed_is_in_both_alphabets() {
    let server = Script::new()
        .address("xn--bcher-kva.example", "192.0.2.1")
        .start();
    let value = ask(&format!("resolve bücher.example A @{}", server.addr()));
    assert_eq!(value["name"], "bücher.example");
    assert_eq!(value["asked"], "xn--bcher-kva.example");
    assert_eq!(value["unicode"], "bücher.example");
    let line = format!("resolve bücher.example MX @{} --verbose", server.addr());
    let asked = "asked: xn--bcher-kva.example, which stands for bücher.example";
    assert!(netkit(&line).run().status(3).stdout.contains(asked));
}

#[test]
fn a_name_whose_a_is_found_is_found_and_strict_errors_ask_for_more() {
    let server = Script::new().address("v4.example", "192.0.2.1").start();
    let line = format!("resolve v4.example @{}", server.addr());
    netkit(&line).run().status(0);
    netkit(&format!("{line} --strict-errors")).run().status(0);
    netkit(&format!("{line} AAAA")).run().status(3);
    netkit(&format!("{line} A AAAA")).run().status(3);
}
