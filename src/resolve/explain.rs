//! Ledger and findings to a typed failure, in words.
//!
//! Separate so that every sentence about a failed lookup stands in one place. Pure.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::failure::{Errno, Evidence, Failure, Kind, Stage, Who};

use super::judge::{Fault, Finding, Found};
use super::ledger::{Attempt, Carrier, End, Outcome, Received, Step, Trigger};
use super::lookup::Question;
use super::name::DomainName;
use super::servers::Tried;
use super::wire::Rcode;

/// What was asked, in the user's words, and everything that was tried.
pub(super) struct Case<'a> {
    /// The name as typed.
    pub(super) name: &'a str,
    /// What it should have: `IPv4 address`, `MX record`.
    pub(super) wanted: String,
    pub(super) ledger: &'a [Tried],
}

impl<'a> Case<'a> {
    /// The case of a question for addresses.
    pub(super) fn of(question: &'a Question, ledger: &'a [Tried]) -> Self {
        Self {
            name: &question.name,
            wanted: format!("{} address", question.family),
            ledger,
        }
    }

    /// Makes the failure whose finding is at `at` of the ledger.
    pub(super) fn failure(&self, at: usize) -> Failure {
        let tried = &self.ledger[at];
        let server = tried.outcome.server;
        let kind = kind(&tried.finding);
        let failure = Failure::new(Stage::Resolve, kind, self.message(tried, server));
        let mut failure = self.with_evidence(failure.by(who(tried)));
        failure.errno = errno(tried).cloned();
        failure
    }

    /// The failure of a lookup whose time was over before anybody could be asked.
    pub(super) fn out_of_time(&self) -> Failure {
        let message = format!("the time was over before {} could be looked up", self.name);
        self.with_evidence(Failure::new(Stage::Resolve, Kind::DnsTimeout, message))
    }

    /// One line of evidence for each exchange.
    pub(super) fn evidence(&self) -> Vec<Evidence> {
        let exchanges = self.ledger.iter().map(|tried| Evidence::Dns {
            server: Some(tried.outcome.server),
            outcome: self.outcome(tried),
        });
        exchanges.collect()
    }

    fn with_evidence(&self, failure: Failure) -> Failure {
        self.evidence().into_iter().fold(failure, Failure::because)
    }

    /// What one server had to say; names the name asked when it is not the one typed.
    fn outcome(&self, tried: &Tried) -> String {
        let asked = tried.ask.name.to_string();
        let text = describe(tried);
        let typed = self.name.strip_suffix('.').unwrap_or(self.name);
        if asked.eq_ignore_ascii_case(typed) {
            text
        } else {
            format!("{text} (asked for {asked})")
        }
    }

    fn message(&self, tried: &Tried, server: SocketAddr) -> String {
        let name = self.name;
        match &tried.finding {
            Finding::Nxdomain { name: missing } if !self.is_alias_target(missing, tried) => {
                format!("{name} does not exist (NXDOMAIN from {server})")
            }
            Finding::Nxdomain { name: missing } => {
                format!(
                    "{name} is an alias of {missing}, which does not exist (NXDOMAIN from {server})"
                )
            }
            Finding::NoData => {
                format!("{name} has no {} (no data from {server})", self.wanted)
            }
            Finding::Loop { at } => {
                format!("{name} is an alias that leads back to itself at {at} ({server})")
            }
            Finding::Alias { target, .. } => {
                format!("{name} leads through too many aliases, the last to {target} ({server})")
            }
            Finding::Fault(Fault::Lame) => {
                format!("{server} does not resolve {name}: it only refers to other servers")
            }
            Finding::Fault(Fault::Code { rcode, .. }) if *rcode == Rcode::REFUSED => {
                format!("{server} refused to answer for {name} (REFUSED)")
            }
            Finding::Fault(Fault::Code { rcode, .. }) => {
                format!("{server} could not answer for {name} ({rcode})")
            }
            Finding::Unusable => no_use(tried, name),
            Finding::Silent => format!("no name server answered for {name}: {}", self.silence()),
            Finding::Unreachable => {
                format!(
                    "the name server {server} cannot be reached: {}",
                    describe(tried)
                )
            }
            Finding::Explained(failure) => {
                format!(
                    "the name server {server} cannot be asked: {}",
                    failure.message
                )
            }
            Finding::OutOfFiles => format!("no descriptor left to ask {server} for {name}"),
            Finding::Records(_) => format!("{name} was found"),
        }
    }

    /// Whether an alias led to a name, in this reply or an earlier one.
    fn is_alias_target(&self, name: &DomainName, tried: &Tried) -> bool {
        let led_here = |tried: &Tried| match &tried.finding {
            Finding::Alias { target, .. } => target == name,
            _ => false,
        };
        *name != tried.ask.name || self.ledger.iter().any(led_here)
    }

    /// The servers that were asked: what came of it for one, their addresses for several.
    fn silence(&self) -> String {
        if let [only] = self.ledger {
            return format!("{}: {}", only.outcome.server, describe(only));
        }
        let mut servers = Vec::new();
        for tried in self.ledger {
            let server = tried.outcome.server.to_string();
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        format!("asked {}", servers.join(", "))
    }
}

/// What a server sent in the place of a reply; packets that were ignored are told apart from this.
fn no_use(tried: &Tried, name: &str) -> String {
    let outcome = &tried.outcome;
    let text = format!("{} sent no usable reply for {name}", outcome.server);
    let ignored = |attempt: &Attempt| attempt.ignored_count > 0;
    if outcome.attempts.iter().any(ignored) {
        return text;
    }
    format!("{text}: {}", describe(tried))
}

fn kind(finding: &Finding) -> Kind {
    match finding {
        Finding::Nxdomain { .. } => Kind::Nxdomain,
        Finding::NoData | Finding::Records(_) => Kind::NoData,
        Finding::Loop { .. } | Finding::Alias { .. } => Kind::CnameLoop,
        Finding::Fault(Fault::Code { rcode, .. }) if *rcode == Rcode::REFUSED => Kind::DnsRefused,
        Finding::Fault(_) => Kind::Servfail,
        Finding::Unusable => Kind::DnsMalformed,
        Finding::Silent => Kind::DnsTimeout,
        Finding::Unreachable => Kind::DnsUnreachable,
        Finding::Explained(failure) => failure.kind,
        Finding::OutOfFiles => Kind::TooManyFiles,
    }
}

fn who(tried: &Tried) -> Who {
    match &tried.finding {
        Finding::Silent => Who::Nobody,
        Finding::OutOfFiles => Who::OwnKernel,
        Finding::Explained(failure) => failure.who.clone(),
        Finding::Unreachable if !was_refused(&tried.outcome) => Who::OwnKernel,
        _ => Who::NameServer {
            addr: tried.outcome.server,
        },
    }
}

/// The error number of a server that cannot be reached, the last if there are two.
fn errno(tried: &Tried) -> Option<&Errno> {
    let is_local = [Finding::Unreachable, Finding::OutOfFiles].contains(&tried.finding);
    let mut ends = tried.outcome.attempts.iter().rev();
    ends.find_map(|attempt| match &attempt.end {
        End::Failed { errno, .. } if is_local => errno.as_ref(),
        _ => None,
    })
}

/// Whether the server's own kernel said no, as opposed to a missing route of ours.
fn was_refused(outcome: &Outcome) -> bool {
    outcome.attempts.iter().any(|attempt| {
        matches!(&attempt.end, End::Failed { errno: Some(errno), .. }
            if [libc::ECONNREFUSED, libc::ECONNRESET].contains(&errno.code))
    })
}

/// What happened at one server, in a few words.
pub(super) fn describe(tried: &Tried) -> String {
    let attempts = &tried.outcome.attempts;
    let mut text = match &tried.outcome.received {
        Some(received) if tried.finding != Finding::Unusable => {
            format!("{}{}", verdict(tried), way(received))
        }
        _ => silence(attempts),
    };
    let ignored = attempts.iter().flat_map(|attempt| &attempt.ignored);
    let count: u32 = attempts.iter().map(|attempt| attempt.ignored_count).sum();
    if let Some(first) = ignored.into_iter().next() {
        let unit = if count == 1 { "reply" } else { "replies" };
        // Writing to a string cannot fail.
        let _ = write!(text, "; {count} {unit} ignored ({})", first.why);
    }
    text
}

/// How a reply came, where that was not the ordinary way.
fn way(received: &Received) -> String {
    match (received.carrier, received.trigger) {
        (Carrier::Udp, Trigger::WithoutEdns) => " without EDNS".to_owned(),
        (Carrier::Udp, Trigger::FreshCookie) => " with its cookie".to_owned(),
        (Carrier::Udp, _) => String::new(),
        (carrier, Trigger::First) => format!(" over {carrier}"),
        (carrier, trigger) => format!(" over {carrier} ({trigger})"),
    }
}

/// The words for a reply.
fn verdict(tried: &Tried) -> String {
    match &tried.finding {
        Finding::Records(found) => records(found),
        Finding::Alias { target, .. } => format!("alias of {target}"),
        Finding::Loop { .. } => "NOERROR, an alias loop".to_owned(),
        Finding::Nxdomain { .. } => "NXDOMAIN".to_owned(),
        Finding::NoData => format!("NOERROR, no {} record", tried.ask.rtype),
        Finding::Fault(Fault::Lame) => "NOERROR, only a referral".to_owned(),
        Finding::Fault(Fault::Code { rcode, detail }) => match detail {
            Some(detail) => format!("{rcode} ({detail})"),
            None => rcode.to_string(),
        },
        _ => "no usable reply".to_owned(),
    }
}

/// `1 address`, `3 records`.
fn records(found: &Found) -> String {
    let (count, one, many) = match found.addresses.len() {
        0 => (found.count, "record", "records"),
        count => (count, "address", "addresses"),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The words for no reply: `no reply over UDP (2 sent) and TCP`, or each carrier's own.
fn silence(attempts: &[Attempt]) -> String {
    if let [udp, tcp] = attempts
        && let (Some(none), Some(_)) = (wait(&udp.end), wait(&tcp.end))
        && partial(tcp) == 0
    {
        return format!("{none} over UDP ({} sent) and TCP", udp.sent);
    }
    let ends: Vec<_> = attempts.iter().map(end).collect();
    ends.join("; ")
}

/// The words for a wait in vain; one that was cut short, as somebody else had answered, is not over.
fn wait(end: &End) -> Option<&'static str> {
    match end {
        End::Silent { .. } => Some("no reply"),
        End::Abandoned => Some("no reply yet"),
        _ => None,
    }
}

/// How a try ended, in a few words.
pub(super) fn end(attempt: &Attempt) -> String {
    let carrier = attempt.carrier;
    match &attempt.end {
        End::Silent {
            step: Step::Connect,
        } if carrier != Carrier::Udp => "TCP handshake unanswered".to_owned(),
        End::Silent {
            step: Step::Handshake,
        } => format!("{carrier} handshake not finished"),
        End::Silent { .. } | End::Abandoned if partial(attempt) > 0 => {
            let (octets, unit) = octets(partial(attempt));
            format!("no whole reply over {carrier}, {octets} {unit} of one came")
        }
        End::Silent { .. } | End::Abandoned => {
            let none = wait(&attempt.end).unwrap_or_default();
            let sent = match carrier {
                Carrier::Udp => format!(" ({} sent)", attempt.sent),
                _ => String::new(),
            };
            format!("{none} over {carrier}{sent}")
        }
        End::Failed { errno, text, .. } => error(carrier, errno.as_ref(), text),
        End::Explained { failure, .. } => failure.message.clone(),
        End::Http { status } => format!("HTTP status {status} over {carrier}"),
        End::Closed { .. } if partial(attempt) > 0 => {
            let (octets, unit) = octets(partial(attempt));
            format!("{carrier} closed after {octets} {unit} of a reply")
        }
        End::Closed { .. } => format!("{carrier} closed without a reply"),
        End::Unusable => format!("unusable reply over {carrier}"),
        End::Truncated => format!("truncated reply over {carrier}"),
        End::Replied(rcode) => format!("{rcode} over {carrier}"),
    }
}

/// Octets of a reply that never came whole.
fn partial(attempt: &Attempt) -> u64 {
    let has_messages = attempt.carrier == Carrier::Udp || attempt.ignored_count > 0;
    if has_messages {
        0
    } else {
        attempt.received_bytes
    }
}

fn octets(count: u64) -> (u64, &'static str) {
    (count, if count == 1 { "octet" } else { "octets" })
}

/// The words for an error of the system; its own for those that are not about networks.
fn error(carrier: Carrier, errno: Option<&Errno>, text: &str) -> String {
    let what = match errno.map(|errno| errno.code) {
        Some(libc::ECONNREFUSED) if carrier.is_datagrams() => "port closed (ICMP)",
        Some(libc::ECONNREFUSED) => "refused",
        Some(libc::ECONNRESET) => "reset",
        Some(libc::EHOSTUNREACH) => "host unreachable",
        Some(libc::ENETUNREACH) => "no route",
        Some(libc::EPERM | libc::EACCES) => "forbidden by this machine",
        _ => return format!("{carrier}: {text}"),
    };
    format!("{carrier} {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_told_in_words() {
        let rows = [
            (Carrier::Udp, libc::ECONNREFUSED, "UDP port closed (ICMP)"),
            (Carrier::Tcp, libc::ECONNREFUSED, "TCP refused"),
            (Carrier::Udp, libc::ENETUNREACH, "UDP no route"),
            (Carrier::Udp, libc::EPERM, "UDP forbidden by this machine"),
            (Carrier::Tcp, libc::EMFILE, "TCP: text"),
        ];
        for (carrier, code, expected) in rows {
            let errno = Errno::from_code(code);
            assert_eq!(error(carrier, Some(&errno), "text"), expected);
        }
        assert_eq!(error(Carrier::Udp, None, "text"), "UDP: text");
    }
}
