//! `netkit demo`: all of it, on any machine, in ten seconds.

use std::time::Duration;

use crate::support::netkit;

#[test]
fn the_demonstration_ends_as_it_should() {
    let outcome = netkit("demo").run().status(0);
    assert!(outcome.took < Duration::from_secs(10), "{outcome}");
    let commands = outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with("$ netkit "))
        .count();
    let verdict = format!("{commands} of {commands} commands ended as they should");
    assert!(commands >= 8, "{outcome}");
    outcome.says(&verdict).says("the service is there");
}
