//! A real Prometheus that scrapes `netkit heartbeat --metrics`, and is asked about an outage.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::bed::namespace::{Hook, Namespace};
use crate::bed::net::{SERVER_V4, Wire};
use crate::bed::serve::Echo;
use crate::bed::skip::Need;
use crate::watching::{PATIENCE, watch};

const METRICS: &str = "127.0.0.1:9100";
const PROMETHEUS: &str = "127.0.0.1:9090";

/// A Prometheus with a folder of its own, killed when dropped.
struct Prometheus<'a> {
    machine: &'a Namespace,
    child: Child,
    folder: PathBuf,
}

impl<'a> Prometheus<'a> {
    fn start(machine: &'a Namespace) -> Self {
        let name = format!("netkit-prometheus-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let config = folder.join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 500ms, scrape_timeout: 400ms}}\n\
             scrape_configs:\n- job_name: netkit\n  static_configs: [{{targets: ['{METRICS}']}}]\n"
        );
        std::fs::write(&config, text).expect("it is ours");
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ));
        command.arg(format!("--web.listen-address={PROMETHEUS}"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = machine
            .spawn(&mut command)
            .expect("prometheus is installed");
        Self {
            machine,
            child,
            folder,
        }
    }

    /// What a query finds now; nothing while it is not up yet.
    fn query(&self, query: &str) -> Vec<Value> {
        let mut curl = Command::new("curl");
        curl.args([
            "-s",
            "-m",
            "5",
            "-G",
            "--data-urlencode",
            &format!("query={query}"),
        ]);
        curl.arg(format!("http://{PROMETHEUS}/api/v1/query"));
        let output = self.machine.output(&mut curl);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        answer["data"]["result"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// Asks until something is found.
    fn until(&self, query: &str) -> Vec<Value> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let found = self.query(query);
            if !found.is_empty() {
                return found;
            }
        }
        let all = self.query("{job=\"netkit\"}");
        panic!("nothing is found by {query} among {all:#?}");
    }
}

impl Drop for Prometheus<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn prometheus_shows_an_outage() {
    let needs = [Need::Program("prometheus"), Need::Program("curl")];
    let Some(net) = Wire::lay(&needs) else { return };
    let server = Echo::start(&net.server);
    let target = format!("{SERVER_V4}:{}", server.port);
    let flags = format!("{target} -i 100ms -t 200ms --metrics {METRICS}");
    let mut run = watch(&net.client, &flags);
    run.until_state("up");
    let prometheus = Prometheus::start(&net.client);
    let up = prometheus.until("netkit_heartbeat_state{state=\"up\"} == 1");
    assert_eq!(up[0]["metric"]["target"], target, "{up:#?}");
    for hook in [Hook::Input, Hook::Output] {
        net.server.filter(hook, "drop");
    }
    run.until_state("down");
    prometheus.until("netkit_heartbeat_state{state=\"down\"} == 1");
    prometheus.until("increase(netkit_heartbeat_failures_total{kind!=\"\"}[20s]) > 0");
    net.server.unfilter();
    run.until_state("up");
    prometheus.until("netkit_heartbeat_state{state=\"up\"} == 1");
    // It is over, and still to be seen.
    prometheus.until("max_over_time(netkit_heartbeat_state{state=\"down\"}[5m]) == 1");
    prometheus.until("netkit_heartbeat_outages_total == 1");
    prometheus.until("histogram_quantile(0.5, netkit_heartbeat_rtt_seconds_bucket) < 0.2");
    let _ = run.stop();
}

#[test]
fn an_address_that_is_taken_is_a_failure_of_this_machine() {
    let Some(net) = Wire::lay(&[]) else { return };
    let taken = net.client.enter(|| TcpListener::bind(METRICS));
    let _taken = taken.expect("a fresh machine has free ports");
    let mut command = Command::new(crate::netkit::NETKIT);
    command.args(["heartbeat", "192.0.2.2:1", "-c", "1", "--metrics", METRICS]);
    let output = net.client.output(&mut command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("listening for scrapes"), "{said}");
}
