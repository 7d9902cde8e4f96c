//! Bytes through `--stdio`: over a link that loses and reorders them, and with a program that is
//! not ours at the other end, nothing is lost and both ends are closed in order.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bed::link::{Path, Shape};
use crate::bed::namespace::Namespace;
use crate::bed::net::{SERVER_V4, Wire};
use crate::bed::serve::Echo;
use crate::bed::skip::Need;
use crate::netkit::NETKIT;

/// A folder of one test, gone after it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("netkit-lab-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("the temporary folder can be written");
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("the folder can be written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Bytes of every value, without a short period.
fn noise(length: u32) -> Vec<u8> {
    let mix = |at: u32| at.wrapping_mul(0x9e37_79b9).rotate_left(13).to_le_bytes()[0];
    (0..length).map(mix).collect()
}

/// Runs `netkit dial --stdio` with a file as its input and returns its output.
fn relay(machine: &Namespace, target: &str, input: &PathBuf) -> Vec<u8> {
    let input = fs::File::open(input).expect("it was just written");
    let mut command = Command::new("timeout");
    command
        .args(["30", NETKIT, "dial", target, "--stdio"])
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = machine.spawn(&mut command).expect("timeout(1) starts");
    let output = child.wait_with_output().expect("its output is read");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaint}", output.status);
    output.stdout
}

#[test]
fn nothing_is_lost_over_a_link_that_loses_and_reorders() {
    let path = Path {
        delay: Duration::from_millis(5),
        jitter: Duration::from_millis(3),
        loss_pct: 1,
        reorder: true,
    };
    let shape = Shape {
        there: path,
        back: path,
    };
    let Some((net, _link)) = Wire::shaped(shape, &[]) else {
        return;
    };
    let folder = Folder::new("lossy");
    let server = Echo::start(&net.server);
    let sent = noise(500_000);
    let to = format!("{SERVER_V4}:{}", server.port);
    let heard = relay(&net.client, &to, &folder.file("input", &sent));
    assert!(
        heard == sent,
        "{} of {} bytes came back",
        heard.len(),
        sent.len()
    );
    assert!(server.visit().expect("a clean end") == sent);
}

#[test]
fn both_directions_are_closed_in_order_with_nc() {
    let Some(net) = Wire::lay(&[Need::Program("nc"), Need::Program("ss")]) else {
        return;
    };
    let folder = Folder::new("nc");
    let (ours, theirs) = (noise(300_000), noise(200_001));
    let reply = folder.file("reply", &theirs);
    let kept = folder.file("kept", b"");
    let mut nc = Command::new("timeout");
    nc.args(["30", "nc", "-N", "-l", "5000"])
        .stdin(fs::File::open(reply).expect("it was just written"))
        .stdout(fs::File::create(&kept).expect("the folder can be written"));
    let mut nc = net.server.spawn(&mut nc).expect("nc starts");
    while !net.server.run("ss", &["-Hltn"]).contains(":5000") {
        assert!(nc.try_wait().expect("it is ours").is_none(), "nc has ended");
    }
    let to = format!("{SERVER_V4}:5000");
    let heard = relay(&net.client, &to, &folder.file("input", &ours));
    assert!(
        heard == theirs,
        "{} of {} bytes came",
        heard.len(),
        theirs.len()
    );
    assert!(nc.wait().expect("it is ours").success());
    assert!(fs::read(kept).expect("nc wrote it") == ours);
}
