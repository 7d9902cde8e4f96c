//! The stable vocabulary of failures: stages and kinds, and what a kind means for a verdict.

use serde::{Deserialize, Serialize};

/// Where in an operation something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading what the user wrote.
    Parse,
    /// Turning a name into addresses.
    Resolve,
    /// Establishing the transport.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Sending bytes.
    Send,
    /// Waiting for or reading bytes.
    Receive,
    /// This machine: sockets, files, permissions.
    Local,
}

impl Stage {
    /// The name used in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Local => "local",
        }
    }
}

/// Which of the exit codes of DESIGN §3 a kind leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The input was not valid (2 on the command line).
    Usage,
    /// The peer or the network said no (1).
    Peer,
    /// The name did not resolve (3).
    Resolve,
    /// TLS failed (4).
    Tls,
    /// An expectation was not met (5).
    Expectation,
    /// This machine could not measure (6).
    Local,
    /// Time ran out and nobody said anything (124).
    Silence,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $class:ident;)*) => {
        /// What went wrong, as a stable `snake_case` code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code used in JSON and in `--fail-if`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What this kind means for the verdict.
            #[must_use]
            pub fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)* }
            }
        }
    };
}

kinds! {
    /// What the user wrote cannot be read.
    Invalid = "invalid", Usage;
    /// RST to our SYN (TCP); ICMP port unreachable (UDP).
    Refused = "refused", Peer;
    /// Silence: SYN retransmitted until the deadline.
    Filtered = "filtered", Silence;
    /// ICMP administratively prohibited and its kin.
    Rejected = "rejected", Peer;
    /// ICMP host unreachable, or neighbour discovery failed.
    HostUnreachable = "host_unreachable", Peer;
    /// ICMP network unreachable, or no route.
    NetUnreachable = "net_unreachable", Peer;
    /// A datagram did not fit the path.
    MessageTooLong = "message_too_long", Peer;
    /// RST on an established connection.
    Reset = "reset", Peer;
    /// FIN before what was expected.
    ClosedEarly = "closed_early", Peer;
    /// Data stayed unacknowledged: the peer is gone without a word.
    HalfOpen = "half_open", Peer;
    /// Our own deadline, with the stage it hit.
    Timeout = "timeout", Silence;
    /// UDP: sent, nothing came back. Neither success nor failure.
    NoReply = "no_reply", Silence;
    /// The name does not exist.
    Nxdomain = "nxdomain", Resolve;
    /// The name exists and has no address of the wanted family.
    NoData = "no_data", Resolve;
    /// The name server failed.
    Servfail = "servfail", Resolve;
    /// The name server refused to answer.
    DnsRefused = "dns_refused", Resolve;
    /// No name server answered in time.
    DnsTimeout = "dns_timeout", Resolve;
    /// The name server could not be reached.
    DnsUnreachable = "dns_unreachable", Resolve;
    /// The name server's answer cannot be read.
    DnsMalformed = "dns_malformed", Resolve;
    /// An alias (CNAME) that leads back to itself, or through too many others.
    CnameLoop = "cname_loop", Resolve;
    /// DNSSEC validation failed.
    DnssecBogus = "dnssec_bogus", Expectation;
    /// DNSSEC validation was asked for and could not be done.
    DnssecIndeterminate = "dnssec_indeterminate", Expectation;
    /// TLS: the certificate is not signed by anybody trusted.
    TlsUntrusted = "tls_untrusted", Tls;
    /// TLS: a certificate has expired.
    TlsExpired = "tls_expired", Tls;
    /// TLS: a certificate is not valid yet.
    TlsNotYetValid = "tls_not_yet_valid", Tls;
    /// TLS: the certificate is for somebody else.
    TlsNameMismatch = "tls_name_mismatch", Tls;
    /// TLS: the peer is another workload than the one that was asked for (SPIFFE).
    SpiffeMismatch = "spiffe_mismatch", Tls;
    /// TLS: the peer demands a certificate of ours, or another one.
    TlsClientCertRequired = "tls_client_cert_required", Tls;
    /// TLS: no version, suite or protocol in common, or a handshake that broke off.
    TlsProtocol = "tls_protocol", Tls;
    /// TLS: what answered does not speak it.
    TlsNotTls = "tls_not_tls", Tls;
    /// The Workload API (SPIFFE) gives this process no identity.
    NoIdentity = "no_identity", Local;
    /// The Workload API (SPIFFE) cannot be asked, or its answer cannot be used.
    WorkloadApi = "workload_api", Local;
    /// The peer answered, and not with what was expected.
    UnexpectedReply = "unexpected_reply", Expectation;
    /// A condition of the user's that makes a failure of a success.
    FailIf = "fail_if", Expectation;
    /// The circuit breaker is open.
    BreakerOpen = "breaker_open", Peer;
    /// One of our own limits.
    LimitReached = "limit_reached", Local;
    /// The system denied it to this user.
    Permission = "permission", Local;
    /// The local address is taken.
    AddrInUse = "addr_in_use", Local;
    /// The local address is not on this machine.
    AddrNotAvailable = "addr_not_available", Local;
    /// The descriptor limit.
    TooManyFiles = "too_many_files", Local;
    /// No network interface of that name.
    NoSuchInterface = "no_such_interface", Local;
    /// The system does not know this option, protocol or family.
    Unsupported = "unsupported", Local;
    /// A local route says no: prohibit or blackhole.
    LocalPolicy = "local_policy", Peer;
    /// No such file, or it cannot be read.
    File = "file", Local;
    /// Any other error of this machine; the error number tells.
    LocalError = "local_error", Local;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_snake_case() {
        let mut codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert!(
            codes
                .iter()
                .all(|c| c.chars().all(|ch| ch.is_ascii_lowercase() || ch == '_'))
        );
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Kind::ALL.len());
    }
}
