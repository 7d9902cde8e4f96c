//! `dial`: races, deadlines, exchanges, and what a stopped run leaves behind.

mod exchange;
mod fold;
mod many;
mod race;
mod repeat;
mod stdio;
#[cfg(feature = "tls")]
mod tls;
mod wait;

use std::net::IpAddr;
use std::time::Duration;

use netkit::addr::{Family, Host, Network, Target};
use netkit::dial::{self, Config, Report};
use netkit::event::Ignore;
use netkit::run::Cx;

use crate::fakes::{Connect, FakeIo, Peer, Reply};

pub(crate) const V6: &str = "2001:db8::80";
pub(crate) const V4: &str = "192.0.2.80";

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A name with one address in each family, both answered at once.
pub(crate) fn dual_stack() -> FakeIo {
    FakeIo::default()
        .reply(Family::Ipv6, Reply::After(ms(1), vec![ip(V6)]))
        .reply(Family::Ipv4, Reply::After(ms(1), vec![ip(V4)]))
}

pub(crate) fn connects_after(millis: u64) -> Connect {
    Connect::After(ms(millis), Peer::default())
}

pub(crate) fn name() -> Target {
    Target::inet(Network::Tcp, Host::Name("dual.example".into()), 80)
}

pub(crate) fn literal(text: &str) -> Target {
    Target::inet(Network::Tcp, ip(text).into(), 80)
}

pub(crate) async fn run(target: &Target, config: &Config, io: &FakeIo) -> Report {
    dial::run(target, config, io, &Cx::default(), &mut Ignore).await
}

/// The time of an attempt's start in whole milliseconds.
pub(crate) fn started(report: &Report, attempt: usize) -> u128 {
    report.attempts[attempt].started_ms.0.as_millis()
}
