//! From an error number, the error queue and `TCP_INFO` to a typed [`Failure`].
//!
//! Pure, and the only place where error numbers get a meaning: on Linux one number stands for
//! several causes (`EHOSTUNREACH` for a firewall, a dead neighbour and a local route), and the
//! evidence tells them apart (DESIGN §5). It opens nothing and waits for nothing.

use std::io;
use std::net::IpAddr;

use super::errqueue::{Origin, QueuedError};
use super::icmp::{self, Says};
use super::{PeerAddr, TcpInfo};
use crate::addr::{Transport, UnixPath};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};

/// Everything that is known of a socket when a call on it fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) peer: &'a PeerAddr,
    pub(super) stage: Stage,
    /// What the error queue held, oldest first.
    pub(super) queue: &'a [QueuedError],
    pub(super) info: Option<&'a TcpInfo>,
    /// `IP_MTU`, where it matters (`EMSGSIZE`).
    pub(super) path_mtu: Option<u32>,
    /// Whether the socket keeps no error queue (MPTCP): then an empty one says nothing.
    pub(super) blind: bool,
}

impl<'a> Seen<'a> {
    /// A connect that failed with nothing but its error number.
    pub(super) fn connecting(peer: &'a PeerAddr) -> Self {
        Self {
            peer,
            stage: Stage::Connect,
            queue: &[],
            info: None,
            path_mtu: None,
            blind: false,
        }
    }

    /// Explains the error of a call.
    pub(super) fn explain(&self, error: &io::Error) -> Failure {
        let Some(code) = error.raw_os_error() else {
            let message = format!("{}: {error}", self.peer);
            return self.fail(Kind::LocalError, message).by(Who::OwnKernel);
        };
        let failure = match (self.icmp(), self.peer) {
            (Some(failure), _) => failure,
            (None, PeerAddr::Unix(path) | PeerAddr::Unixgram(path)) => self.unix(path, code),
            (None, _) if self.stage == Stage::Connect => self.handshake(code),
            (None, _) => self.conversation(code),
        };
        failure.with_errno(error)
    }

    /// The deadline passed while the handshake was under way.
    pub(super) fn silence(&self) -> Failure {
        if let Some(failure) = self.icmp() {
            return failure;
        }
        let count = self.info.map(|info| info.total_retransmits);
        let sent = match count {
            None => String::new(),
            Some(0) => " to one SYN".to_owned(),
            Some(again) => format!(" to {} SYNs", u64::from(again) + 1),
        };
        let message = format!("{} gave no answer{sent}", self.peer);
        let failure = Failure::new(Stage::Connect, Kind::Filtered, message).by(Who::Nobody);
        let failure = match count {
            Some(count) => failure.because(Evidence::SynRetransmits { count }),
            None => failure,
        };
        failure.hint(match count {
            Some(0) => {
                "a firewall drops the packets, no host has that address, or the path is slower than the time given; no SYN was repeated yet"
            }
            _ => {
                "a firewall drops the packets, no host has that address, or the service hangs and its accept queue is full"
            }
        })
    }

    fn fail(&self, kind: Kind, message: String) -> Failure {
        Failure::new(self.stage, kind, message)
    }

    /// The verdict of the last ICMP message, if there was one.
    fn icmp(&self) -> Option<Failure> {
        let read = |entry| icmp::read(entry).map(|(says, meaning)| (entry, says, meaning));
        let (entry, says, meaning) = self.queue.iter().rev().find_map(read)?;
        let kind = says.kind(self.peer.transport());
        let who = self.who(entry);
        let message = self.icmp_message(&who, says, meaning);
        let mut failure = self.fail(kind, message).because(Evidence::Icmp {
            version: if entry.origin == Origin::Icmp { 4 } else { 6 },
            icmp_type: entry.icmp_type,
            icmp_code: entry.icmp_code,
            meaning: meaning.to_owned(),
            offender: entry.offender,
        });
        if let (Says::TooBig, Some(mtu)) = (says, self.path_mtu) {
            failure = failure.because(Evidence::PathMtu { mtu });
        }
        if let Some(hint) = icmp_hint(&who, says, self.peer.transport()) {
            failure = failure.hint(hint);
        }
        Some(failure.by(who))
    }

    fn who(&self, entry: &QueuedError) -> Who {
        let peer = self.peer.socket_addr().map(|addr| addr.ip().to_canonical());
        match entry.offender {
            Some(ip) if Some(ip) == peer => Who::Peer,
            Some(_) if entry.own => Who::OwnKernel,
            Some(addr) => Who::Router { addr },
            None => Who::Nobody,
        }
    }

    fn icmp_message(&self, who: &Who, says: Says, meaning: &str) -> String {
        let peer = self.peer;
        match (who, says) {
            (Who::OwnKernel, Says::Host) => {
                format!("{peer} is unreachable: nobody on the local link answers for it")
            }
            (Who::OwnKernel, _) => format!("this machine turns {peer} down: {meaning}"),
            (Who::Peer, Says::Port) if peer.transport() == Transport::Udp => {
                format!("{peer} refused the datagram: {meaning}")
            }
            (Who::Peer, _) => format!("{peer} turned us down itself: {meaning}"),
            (Who::Router { addr }, _) => format!("{addr} says of {peer}: {meaning}"),
            _ => format!("{peer}: {meaning}"),
        }
    }

    /// `connect` on TCP or UDP, without ICMP: a RST, silence, or our own kernel.
    fn handshake(&self, code: i32) -> Failure {
        let peer = self.peer;
        match code {
            libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EACCES if self.blind => {
                self.untold(code)
            }
            libc::ECONNREFUSED => self
                .fail(Kind::Refused, format!("{peer} refused the connection"))
                .by(Who::Peer)
                .because(Evidence::Rst),
            libc::ECONNRESET => self
                .fail(
                    Kind::Reset,
                    format!("{peer} reset the connection during the handshake"),
                )
                .by(Who::Peer)
                .because(Evidence::Rst),
            libc::ETIMEDOUT => self.silence(),
            _ => self.own_kernel(code),
        }
    }

    /// An error that is a router's or our own kernel's: without an error queue nobody can tell.
    fn untold(&self, code: i32) -> Failure {
        let kind = match code {
            libc::ENETUNREACH => Kind::NetUnreachable,
            libc::EACCES => Kind::Rejected,
            _ => Kind::HostUnreachable,
        };
        let text = "MPTCP sockets keep no ICMP messages, so it is not known who said so";
        self.fail(kind, format!("{}: {}", self.peer, describe(code)))
            .because(Evidence::Note {
                text: text.to_owned(),
            })
            .hint("dial it without --mptcp to learn who says so")
    }

    /// Reading or writing on TCP or UDP, without ICMP.
    fn conversation(&self, code: i32) -> Failure {
        let peer = self.peer;
        match code {
            libc::ECONNREFUSED => self.handshake(code),
            libc::ECONNRESET => self
                .fail(Kind::Reset, format!("{peer} reset the connection"))
                .by(Who::Peer)
                .because(Evidence::Rst),
            libc::EPIPE => self
                .fail(
                    Kind::Reset,
                    format!("{peer} had already closed the connection"),
                )
                .by(Who::Peer),
            libc::ETIMEDOUT => self.vanished(),
            libc::EHOSTUNREACH | libc::ENETUNREACH if peer.transport() == Transport::Tcp => {
                self.unacknowledged(self.own_kernel(code))
            }
            _ => self.own_kernel(code),
        }
    }

    fn vanished(&self) -> Failure {
        let message = format!("{} vanished: what was sent stayed unanswered", self.peer);
        self.unacknowledged(self.fail(Kind::HalfOpen, message).by(Who::Nobody))
    }

    fn unacknowledged(&self, failure: Failure) -> Failure {
        match self.info {
            // Nothing was in flight: it was keepalive that found the peer gone.
            Some(info) if info.total_retransmits == 0 => failure.because(Evidence::Note {
                text: "keepalive probes went unanswered".into(),
            }),
            Some(info) => failure.because(Evidence::Unacknowledged {
                segments: (info.unacked > 0).then_some(info.unacked),
                retransmits: info.total_retransmits,
            }),
            None => failure,
        }
    }

    /// What our own kernel says at once: routes, rules, addresses, limits.
    fn own_kernel(&self, code: i32) -> Failure {
        let peer = self.peer;
        let failure = match code {
            libc::EHOSTUNREACH | libc::EHOSTDOWN => self.fail(
                Kind::HostUnreachable,
                format!("{peer} is unreachable: a route of this machine says so"),
            ),
            libc::ENETUNREACH | libc::ENETDOWN => self.fail(
                Kind::NetUnreachable,
                format!("this machine has no route to {peer}"),
            ),
            libc::EACCES => self.fail(
                Kind::LocalPolicy,
                format!("a route of this machine prohibits {peer}"),
            ),
            libc::EPERM => self
                .fail(
                    Kind::LocalPolicy,
                    format!("a rule of this machine forbids {peer}"),
                )
                .hint("its own firewall drops it; see `nft list ruleset`"),
            libc::EINVAL if self.lacks_zone() => self.lacking_zone(),
            libc::EINVAL => self
                .fail(
                    Kind::LocalPolicy,
                    format!("a route of this machine swallows {peer}"),
                )
                .because(Evidence::Note {
                    text: "EINVAL is how a blackhole route shows".into(),
                }),
            libc::EMSGSIZE => return self.too_long(),
            _ => local_error(self.stage, &peer.to_string(), code),
        };
        failure.by(Who::OwnKernel)
    }

    /// A link-local IPv6 address says nothing without its interface (RFC 4007 §6).
    fn lacks_zone(&self) -> bool {
        match self.peer.socket_addr() {
            Some(std::net::SocketAddr::V6(v6)) => {
                v6.scope_id() == 0 && v6.ip().is_unicast_link_local()
            }
            _ => false,
        }
    }

    fn lacking_zone(&self) -> Failure {
        let message = format!("{} is link-local and needs a zone", self.peer);
        self.fail(Kind::NoSuchInterface, message)
            .hint("append the interface to the address, such as fe80::1%eth0")
    }

    fn too_long(&self) -> Failure {
        let message = format!("the datagram does not fit the path to {}", self.peer);
        let failure = self.fail(Kind::MessageTooLong, message).by(Who::OwnKernel);
        match self.path_mtu {
            Some(mtu) => failure.because(Evidence::PathMtu { mtu }),
            None => failure,
        }
    }

    /// A Unix socket: the kernel knows everything about both ends.
    fn unix(&self, path: &UnixPath, code: i32) -> Failure {
        let failure = match code {
            libc::ECONNREFUSED => self
                .fail(Kind::Refused, format!("nothing listens on {path}"))
                .hint("a socket file stays behind when its service ends; check that it runs"),
            libc::ENOENT | libc::ENOTDIR => self
                .fail(Kind::Refused, format!("no socket at {path}"))
                .hint("check the path; is the service running?"),
            libc::EACCES | libc::EPERM => self.fail(
                Kind::Permission,
                format!("this user may not write to {path}"),
            ),
            libc::EPROTOTYPE => self
                .fail(
                    Kind::Unsupported,
                    format!("{path} is a socket of the other type"),
                )
                .hint("stream and datagram sockets do not connect to each other"),
            libc::ECONNRESET => self.fail(
                Kind::Reset,
                format!("{path}: the other end closed with data unread"),
            ),
            libc::EPIPE | libc::ENOTCONN => self.fail(
                Kind::ClosedEarly,
                format!("{path}: the other end has closed"),
            ),
            libc::EMSGSIZE => self.fail(
                Kind::MessageTooLong,
                format!("the datagram is too long for {path}"),
            ),
            _ => local_error(self.stage, &path.to_string(), code),
        };
        let by_peer = matches!(failure.kind, Kind::Reset | Kind::ClosedEarly);
        failure.by(if by_peer { Who::Peer } else { Who::OwnKernel })
    }
}

fn icmp_hint(who: &Who, says: Says, transport: Transport) -> Option<&'static str> {
    Some(match (who, says) {
        // How a host says over UDP that nothing listens there: the hint of the kind says so.
        (Who::Peer, Says::Port) if transport == Transport::Udp => return None,
        (Who::OwnKernel, Says::Host) => {
            "no such host on the link, or the gateway to it is down; see `ip neigh` and `ip route get ADDRESS`"
        }
        (Who::OwnKernel, Says::Prohibited | Says::Port) => {
            "a firewall rule of this machine; see `nft list ruleset`"
        }
        (Who::Router { .. }, Says::Port) => {
            "a firewall on the way refuses this traffic; its address is above"
        }
        (_, Says::Expired) => "a routing loop, or --ttl is too low",
        (Who::Peer, Says::Prohibited | Says::Port | Says::Other) => {
            "the host's own firewall refuses this traffic"
        }
        _ => return None,
    })
}

/// An error of this machine whose number means the same everywhere.
pub(super) fn local_error(stage: Stage, subject: &str, code: i32) -> Failure {
    let (kind, text) = match code {
        libc::EMFILE => (
            Kind::TooManyFiles,
            "this process has no file descriptor left".into(),
        ),
        libc::ENFILE => (
            Kind::TooManyFiles,
            "this machine has no file descriptor left".into(),
        ),
        libc::EADDRNOTAVAIL => (
            Kind::AddrNotAvailable,
            "no local address or port is left".into(),
        ),
        libc::EADDRINUSE => (Kind::AddrInUse, "the local address is taken".into()),
        libc::EACCES | libc::EPERM => (Kind::Permission, "this user may not do that".into()),
        libc::EAFNOSUPPORT => (
            Kind::Unsupported,
            "this machine lacks the address family".into(),
        ),
        libc::EPROTONOSUPPORT | libc::ENOPROTOOPT | libc::EOPNOTSUPP => (
            Kind::Unsupported,
            format!("not supported here: {}", describe(code)),
        ),
        libc::ENODEV => (Kind::NoSuchInterface, "there is no such interface".into()),
        code => (Kind::LocalError, describe(code)),
    };
    Failure::new(stage, kind, format!("{subject}: {text}")).by(Who::OwnKernel)
}

/// The system's words for an error number, without the number.
pub(super) fn describe(code: i32) -> String {
    let text = io::Error::from_raw_os_error(code).to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// The family mismatch of a source address.
pub(super) fn wrong_family(local: IpAddr, peer: &PeerAddr) -> Failure {
    let message = format!("--local-addr {local}: cannot be the source of packets to {peer}");
    Failure::new(Stage::Local, Kind::AddrNotAvailable, message)
        .by(Who::OwnKernel)
        .hint("give a source address of the same family as the target, or add -4 or -6")
}

#[cfg(test)]
mod tests;
