//! One next step for each kind of failure where one is known.
//!
//! Separate so that all advice reads alike and a test can look at every line of it.

use super::{Kind, Stage};

/// The advice that needs nothing but the kind; a place that knows more replaces it.
pub(super) fn for_kind(stage: Stage, kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Refused => {
            "the host is up and nothing listens on that port; check the port and the service"
        }
        Kind::Filtered => "a firewall drops the packets, or no host has that address",
        Kind::Rejected => "a firewall on the way refuses this traffic; its address is above",
        Kind::HostUnreachable => "no host answers at that address; check it and the route to it",
        Kind::NetUnreachable => "there is no route to that network; see `ip route get ADDRESS`",
        Kind::LocalPolicy => "a route of this machine forbids it; see `ip route get ADDRESS`",
        Kind::HalfOpen => {
            "the peer vanished without closing; --user-timeout bounds how long that stays unnoticed"
        }
        Kind::NoReply => {
            "silence is not an answer: the datagram may have arrived; send what the service replies to (--send)"
        }
        Kind::Nxdomain => "check the spelling, or ask another name server with --ns",
        Kind::NoData => "the name exists, but not with an address of a family that was asked for",
        Kind::Servfail | Kind::DnsRefused | Kind::DnsTimeout | Kind::DnsUnreachable => {
            "ask another name server with --ns"
        }
        Kind::DnsMalformed => {
            "something may tamper with DNS on the way; ask another server, or over TCP (--ns tcp://…)"
        }
        Kind::CnameLoop => "only the owner of the zone can mend it; the CNAME records show the way",
        Kind::DnssecBogus => {
            "tampered with on the way, or signed wrongly: ask another server, then the owner of the zone"
        }
        Kind::DnssecIndeterminate => {
            "ask a server that has the keys of all zones above the name, or give --trust-anchor FILE"
        }
        Kind::TlsUntrusted => {
            "name the authority's certificate with --ca (--forward-ca of `listen`), if it is to be trusted"
        }
        Kind::TlsExpired => "the peer must renew it; or this machine's clock is wrong",
        Kind::TlsNotYetValid => "wait, or set the clock: this machine's or that of who issued it",
        Kind::SpiffeMismatch => {
            "another workload answers there; check the address, or the ID that was asked for"
        }
        Kind::NoIdentity => {
            "register this workload with the SPIFFE server (`spire-server entry create`); its selectors must fit this process"
        }
        Kind::WorkloadApi => "check the socket: the agent of SPIFFE must listen there",
        Kind::TlsNameMismatch => "verify another name, or ask the peer for its right certificate",
        Kind::TlsNotTls => "check the port: what listens there speaks something else first",
        Kind::AddrInUse => "choose another local port, or leave it out",
        Kind::AddrNotAvailable => "`ip address` lists the addresses of this machine",
        Kind::TooManyFiles => "raise the limit (`ulimit -n`) or lower --parallel",
        Kind::NoSuchInterface => "`ip link` lists the interfaces of this machine",
        Kind::Timeout if stage == Stage::Receive => {
            "the peer accepted and stays silent; it may wait to be spoken to first, or differently (--send)"
        }
        Kind::Timeout if stage == Stage::Tls => {
            "whoever accepts there may not speak TLS, or not before it is asked to (--starttls)"
        }
        _ => return None,
    })
}
