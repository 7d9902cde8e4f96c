//! The networks that most cases use: two machines on one wire, or with a router between them.
//!
//! All addresses are from the blocks for documentation (RFC 5737, RFC 3849).

use std::time::{Duration, Instant};

use super::link::{self, Shape};
use super::namespace::Namespace;
use super::skip::{self, Need};

/// No device needs longer to come up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The client, in every network.
pub(crate) const CLIENT_V4: &str = "192.0.2.1";
/// The client's IPv6 address.
pub(crate) const CLIENT_V6: &str = "2001:db8:1::1";
/// The server on the client's wire.
pub(crate) const SERVER_V4: &str = "192.0.2.2";
/// Its IPv6 address.
pub(crate) const SERVER_V6: &str = "2001:db8:1::2";
/// The router, on the client's side.
pub(crate) const ROUTER_V4: &str = "192.0.2.254";
/// Its IPv6 address there.
pub(crate) const ROUTER_V6: &str = "2001:db8:1::fe";
/// The server behind the router.
pub(crate) const FAR_V4: &str = "198.51.100.2";
/// Its IPv6 address.
pub(crate) const FAR_V6: &str = "2001:db8:2::2";

/// Two machines on one wire.
#[derive(Debug)]
pub(crate) struct Wire {
    /// `192.0.2.1` and `2001:db8:1::1`.
    pub(crate) client: Namespace,
    /// `192.0.2.2` and `2001:db8:1::2`.
    pub(crate) server: Namespace,
}

impl Wire {
    /// Lays an Ethernet wire; `None` where the test is skipped.
    pub(crate) fn lay(needs: &[Need]) -> Option<Self> {
        let wire = Self::bare(needs)?;
        veth(&wire.client, "wire", &wire.server, "wire");
        wire.assign("wire");
        Some(wire)
    }

    /// Lays a wire on which packets take time, and keeps it while the guard lives; `None` where
    /// the test is skipped.
    pub(crate) fn shaped(shape: Shape, needs: &[Need]) -> Option<(Self, link::Link)> {
        let wire = Self::bare(&[&[Need::Tun], needs].concat())?;
        let link = link::Link::between(&wire.client, &wire.server, shape);
        wire.assign(link::DEVICE);
        Some((wire, link))
    }

    fn bare(needs: &[Need]) -> Option<Self> {
        if !skip::ready(needs) {
            return None;
        }
        let (client, server) = (namespace(), namespace());
        Some(Self { client, server })
    }

    fn assign(&self, device: &str) {
        address(&self.client, device, CLIENT_V4, CLIENT_V6);
        address(&self.server, device, SERVER_V4, SERVER_V6);
    }
}

/// Two machines with a router between them.
#[derive(Debug)]
pub(crate) struct Routed {
    /// `192.0.2.1` and `2001:db8:1::1`.
    pub(crate) client: Namespace,
    /// `192.0.2.254` and `2001:db8:1::fe` towards the client.
    pub(crate) router: Namespace,
    /// `198.51.100.2` and `2001:db8:2::2`.
    pub(crate) server: Namespace,
}

impl Routed {
    /// Lays the wires and the routes; `None` where the test is skipped.
    pub(crate) fn lay(needs: &[Need]) -> Option<Self> {
        if !skip::ready(needs) {
            return None;
        }
        let (client, router, server) = (namespace(), namespace(), namespace());
        veth(&client, "wire", &router, "near");
        veth(&router, "far", &server, "wire");
        router.sysctl("ipv4/ip_forward", "1");
        router.sysctl("ipv6/conf/all/forwarding", "1");
        address(&client, "wire", CLIENT_V4, CLIENT_V6);
        address(&router, "near", ROUTER_V4, ROUTER_V6);
        address(&router, "far", "198.51.100.254", "2001:db8:2::fe");
        address(&server, "wire", FAR_V4, FAR_V6);
        client.ip(&format!("route add default via {ROUTER_V4}"));
        client.ip(&format!("-6 route add default via {ROUTER_V6}"));
        server.ip("route add default via 198.51.100.254");
        server.ip("-6 route add default via 2001:db8:2::fe");
        Some(Self {
            client,
            router,
            server,
        })
    }
}

fn namespace() -> Namespace {
    Namespace::new().expect("the skip policy has found the privilege")
}

/// Joins two machines by a pair of virtual Ethernet devices, both up.
fn veth(one: &Namespace, device: &str, other: &Namespace, its_device: &str) {
    let there = other.path();
    one.ip(&format!(
        "link add {device} type veth peer name {its_device} netns {there}"
    ));
    one.ip(&format!("link set {device} up"));
    other.ip(&format!("link set {its_device} up"));
    carries(one, device);
    carries(other, its_device);
}

/// Waits until a device takes packets. The kernel puts the end that came up first to work later, when
/// a worker of its gets to it, and loses without a word what is sent before: a SYN or a neighbour's
/// question is then repeated after a second.
fn carries(machine: &Namespace, device: &str) {
    let begun = Instant::now();
    let show = format!("-o link show dev {device}");
    while !machine.ip(&show).contains("state UP") {
        assert!(begun.elapsed() < PATIENCE, "{device} never came up");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn address(machine: &Namespace, device: &str, v4: &str, v6: &str) {
    machine.ip(&format!("addr add {v4}/24 dev {device}"));
    machine.ip(&format!("addr add {v6}/64 dev {device} nodad"));
}
