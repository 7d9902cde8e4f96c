//! Groups of flags with one meaning in every subcommand.
//!
//! Defaults are not clap's: a flag that was not given is `None`, the core's `Config::default()`
//! decides, and the help text reads the same constants.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use netkit::addr::Network;
use netkit::dial::config::TIMEOUT;
use netkit::dial::{repeat, wait};
use netkit::net::Keepalive;
use netkit::resolve::NameServer;

use super::values;

/// Writes a default the way it can be typed.
pub(super) fn default(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// What to reach, over what, and how to find its address.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// What to dial: `host:port`, `host port`, a port list or range, a CIDR block; `-` reads a list.
    #[arg(value_name = "TARGET", help_heading = None)]
    pub(crate) targets: Vec<String>,
    /// Reads targets from a file, one a line, `#` comments; `-` is standard input.
    #[arg(long = "targets", value_name = "FILE")]
    pub(crate) list: Option<PathBuf>,
    /// The network, for targets that do not name one [default: tcp].
    #[arg(long, value_name = "NETWORK", value_parser = network_parser())]
    pub(crate) network: Option<Network>,
    /// Short for --network udp.
    #[arg(short = 'u', long)]
    pub(crate) udp: bool,
    /// IPv4 only.
    #[arg(short = '4', long)]
    pub(crate) ipv4: bool,
    /// IPv6 only.
    #[arg(short = '6', long)]
    pub(crate) ipv6: bool,
    /// Asks this name server instead of the system's (may be given more than once).
    #[arg(long, value_name = "SERVER")]
    pub(crate) ns: Vec<NameServer>,
}

pub(super) fn network_parser() -> impl clap::builder::TypedValueParser<Value = Network> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Network::ALL.map(Network::name))
        .try_map(|name| Network::from_name(&name).ok_or("an unknown network"))
}

/// How long, and in which order addresses are tried.
#[derive(Debug, Args)]
#[command(next_help_heading = "Timing and racing")]
pub(crate) struct RaceArgs {
    /// Bounds the whole dial: resolve, connect, exchange.
    #[arg(short, long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    #[arg(help = format!("Bounds the whole dial: resolve, connect, exchange [default: {}]", default(TIMEOUT)))]
    pub(crate) timeout: Option<Duration>,
    /// Bounds the connection attempt to one address.
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    pub(crate) attempt_timeout: Option<Duration>,
    /// Pause before the next address is tried beside the last, at least 10ms.
    #[arg(long, value_name = "DURATION", value_parser = values::attempt_delay, allow_negative_numbers = true)]
    #[arg(help = format!(
        "Pause before the next address is tried beside the last, at least {} [default: {}; go 300ms, curl 200ms]",
        default(netkit::dial::config::MIN_ATTEMPT_DELAY), default(netkit::dial::config::ATTEMPT_DELAY)
    ))]
    pub(crate) attempt_delay: Option<Duration>,
    /// Dials as that client would [default: rfc8305].
    #[arg(long, value_name = "CLIENT")]
    pub(crate) strategy: Option<StrategyArg>,
    /// Lets the losers of the race finish, and reports them.
    #[arg(long)]
    pub(crate) race_all: bool,
}

/// Whose algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StrategyArg {
    /// Happy Eyeballs v2.
    Rfc8305,
    /// Go's net.Dialer: two families 300 ms apart, serial inside each.
    Go,
    /// curl: two families 200 ms apart, serial inside each.
    Curl,
    /// One address after the other, as nc.
    Serial,
}

/// What is said once the connection stands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Exchange")]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
pub(crate) struct ExchangeArgs {
    /// Sends text, with C escapes (`PING\r\n`).
    #[arg(long, value_name = "TEXT", value_parser = values::c_text, allow_hyphen_values = true)]
    pub(crate) send: Option<Payload>,
    /// Sends bytes in hexadecimal.
    #[arg(long, value_name = "HEX", value_parser = values::hex)]
    pub(crate) send_hex: Option<Payload>,
    /// Sends the content of a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) send_file: Option<PathBuf>,
    /// Succeeds only if this text, with C escapes, comes back.
    #[arg(long, value_name = "TEXT", value_parser = values::c_text, allow_hyphen_values = true)]
    pub(crate) expect: Option<Payload>,
    /// Succeeds only if what comes back matches; a match has at most 64 KiB.
    #[arg(long, value_name = "REGEX", value_parser = values::regex, allow_hyphen_values = true)]
    pub(crate) expect_regex: Option<regex::bytes::Regex>,
    /// Reads until that many bytes have come; 0 does not wait for a reply.
    #[arg(long, value_name = "BYTES", value_parser = values::size, allow_negative_numbers = true)]
    pub(crate) read: Option<u64>,
    /// Waits for the server to speak first.
    #[arg(long)]
    pub(crate) banner: bool,
    /// Closes the sending side after sending, and reads to the end.
    #[arg(long)]
    pub(crate) shutdown_write: bool,
    /// Connects standard input and output to the connection, as nc.
    #[arg(long)]
    pub(crate) stdio: bool,
    /// Plays the client's side of a connection that `listen --record` has written, each piece at its
    /// recorded time, and fails if the server says anything else than was recorded.
    #[arg(long, value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,
    /// With `--replay`: the connection with this number (`id`) in the record [default: the first].
    #[arg(long, value_name = "ID", value_parser = values::connection_id, requires = "replay", allow_negative_numbers = true)]
    pub(crate) replay_connection: Option<u64>,
    /// With `--replay`: says each piece as soon as the server has said what it had said before it.
    #[arg(long, requires = "replay")]
    pub(crate) replay_fast: bool,
}

/// One value of bytes: under its own name, because clap takes a field of type `Vec` for many values.
type Payload = Vec<u8>;

/// Noticing a peer that is gone.
#[derive(Debug, Args)]
#[command(next_help_heading = "Keepalive")]
pub(crate) struct KeepaliveArgs {
    /// Idle time before the first probe.
    #[arg(long, value_name = "IDLE", value_parser = values::keepalive_time, allow_negative_numbers = true)]
    #[arg(help = format!("Idle time before the first keepalive probe [default: {}]", default(Keepalive::default().idle)))]
    pub(crate) keepalive: Option<Duration>,
    /// Time between probes.
    #[arg(long, value_name = "DURATION", value_parser = values::keepalive_time, allow_negative_numbers = true)]
    #[arg(help = format!("Time between keepalive probes [default: {}]", default(Keepalive::default().interval)))]
    pub(crate) keepalive_interval: Option<Duration>,
    /// Unanswered probes until the connection is given up.
    #[arg(long, value_name = "N", value_parser = values::keepalive_count, allow_negative_numbers = true)]
    #[arg(help = format!("Unanswered probes until the connection is given up [default: {}]", Keepalive::default().count))]
    pub(crate) keepalive_count: Option<u32>,
    /// Sends no keepalive probes.
    #[arg(long)]
    pub(crate) no_keepalive: bool,
    /// How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`).
    #[arg(long, value_name = "DURATION", value_parser = values::user_timeout, allow_negative_numbers = true)]
    pub(crate) user_timeout: Option<Duration>,
}

/// What the socket is asked to be.
#[derive(Debug, Args)]
#[command(next_help_heading = "Socket")]
pub(crate) struct SocketArgs {
    /// Source address, with a port if it matters. As in Go and curl, this group is about the
    /// connection: name servers are asked from wherever the system likes.
    #[arg(long, value_name = "IP[:PORT]", value_parser = values::local_addr)]
    pub(crate) local_addr: Option<netkit::net::LocalAddr>,
    /// Network interface to leave by (`SO_BINDTODEVICE`).
    #[arg(long, value_name = "NAME", value_parser = values::kernel_name)]
    pub(crate) interface: Option<String>,
    /// Firewall mark (`SO_MARK`).
    #[arg(long, value_name = "N", value_parser = values::mark, allow_negative_numbers = true)]
    pub(crate) mark: Option<u32>,
    /// Type-of-service byte.
    #[arg(long, value_name = "BYTE", value_parser = values::tos, allow_negative_numbers = true)]
    pub(crate) tos: Option<u8>,
    /// Differentiated services code point: a number or a name (`ef`, `af41`).
    #[arg(long, value_name = "DSCP", value_parser = values::dscp, allow_negative_numbers = true)]
    pub(crate) dscp: Option<u8>,
    /// Time to live, or hop limit.
    #[arg(long, value_name = "HOPS", value_parser = values::ttl, allow_negative_numbers = true)]
    pub(crate) ttl: Option<u8>,
    /// Maximum segment size to announce (`TCP_MAXSEG`).
    #[arg(long, value_name = "BYTES", value_parser = values::mss, allow_negative_numbers = true)]
    pub(crate) mss: Option<u16>,
    /// Congestion control algorithm (`TCP_CONGESTION`).
    #[arg(long, value_name = "NAME", value_parser = values::kernel_name)]
    pub(crate) congestion: Option<String>,
    /// Sends small segments at once (`TCP_NODELAY`) [default: on].
    #[arg(long, value_name = "ON|OFF", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "on", value_parser = values::on_off)]
    pub(crate) nodelay: Option<bool>,
    /// Puts data into the SYN where the server allows it (RFC 7413).
    #[arg(long)]
    pub(crate) fastopen: bool,
    /// Multipath TCP, falling back to TCP (RFC 8684).
    #[arg(long)]
    pub(crate) mptcp: bool,
    /// How the connection is closed [default: fin].
    #[arg(long, value_name = "HOW")]
    pub(crate) close: Option<CloseArg>,
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CloseArg {
    /// Politely.
    Fin,
    /// At once, leaving no `TIME_WAIT` behind.
    Rst,
}

/// Again and again.
#[derive(Debug, Args)]
#[command(next_help_heading = "Repetition")]
pub(crate) struct RepeatArgs {
    /// Dials that often, on a schedule that does not wait for slow replies; 0: until Ctrl-C.
    #[arg(short, long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    pub(crate) count: Option<u64>,
    /// Time from one probe to the next.
    #[arg(short, long, value_name = "DURATION", value_parser = values::interval, allow_negative_numbers = true)]
    #[arg(help = format!("Time from one probe to the next, at least 1ms [default: {}]", default(repeat::INTERVAL)))]
    pub(crate) interval: Option<Duration>,
    /// Dials under way at once [default: what the descriptor limit allows].
    #[arg(short = 'P', long, value_name = "N", value_parser = values::parallel, allow_negative_numbers = true)]
    pub(crate) parallel: Option<usize>,
    /// With `--count` and `--send`: each probe is a request on a connection that an earlier one left.
    #[arg(long)]
    pub(crate) reuse: bool,
}

/// Until it answers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct WaitArgs {
    /// Retries for that long, until every target answers.
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    #[arg(help = format!(
        "Retries for that long, until every target answers (pauses grow from {} to {})",
        default(wait::BACKOFF_MIN), default(wait::BACKOFF_MAX)
    ))]
    pub(crate) wait: Option<Duration>,
    /// What to wait for [default: open].
    #[arg(long, value_name = "STATE")]
    pub(crate) wait_for: Option<UntilArg>,
    /// One of the targets is enough.
    #[arg(long)]
    pub(crate) any: bool,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UntilArg {
    /// The dial succeeds.
    Open,
    /// Nobody serves there any more.
    Closed,
}

/// How one of many targets ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum OnlyArg {
    /// Connected, or replied.
    Open,
    /// RST, or ICMP port unreachable.
    Refused,
    /// Silence.
    Filtered,
    /// Unreachable or rejected.
    Unreachable,
    /// UDP: sent, and nothing came back.
    NoReply,
    /// The name did not resolve.
    Unresolved,
    /// Everything else.
    Failed,
}

/// What comes out, and how.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Prints JSON Lines.
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints indented JSON.
    #[arg(long)]
    pub(crate) pretty: bool,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorArg,
    /// Prints nothing but errors.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Prints more: all attempts, everything received; of many targets, each with its evidence.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// When to show progress on standard error.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) progress: ProgressArg,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArg {
    /// On a terminal, unless `NO_COLOR` or `TERM=dumb` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// When to show progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressArg {
    /// On a terminal.
    #[default]
    Auto,
    Always,
    Never,
}
