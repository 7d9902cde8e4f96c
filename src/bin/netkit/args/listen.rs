//! The flags of `netkit listen`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use netkit::addr::Network;

use super::{ForwardArgs, KeepaliveArgs, OutputArgs, ServeTlsArgs, values};

/// Everything that can be said after `netkit listen`.
#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// Where to listen: `:8080` (all addresses), `127.0.0.1:0`, `udp://:53`, `unix:/path`; a bare port
    /// is as `:port`. Without any, the sockets that `LISTEN_FDS` passes.
    #[arg(value_name = "ADDR")]
    pub(crate) addrs: Vec<String>,
    /// The network, for addresses that do not name one [default: tcp].
    #[arg(long, value_name = "NETWORK", value_parser = super::groups::network_parser())]
    #[arg(help_heading = "Where")]
    pub(crate) network: Option<Network>,
    /// Short for --network udp.
    #[arg(short = 'u', long, help_heading = "Where")]
    pub(crate) udp: bool,
    #[command(flatten)]
    pub(crate) behaviour: BehaviourArgs,
    #[command(flatten)]
    pub(crate) forward: ForwardArgs,
    #[command(flatten)]
    pub(crate) tls: ServeTlsArgs,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) life: LifeArgs,
    #[command(flatten)]
    pub(crate) socket: ListenSocketArgs,
    #[command(flatten)]
    pub(crate) keepalive: KeepaliveArgs,
    #[command(flatten)]
    pub(crate) telling: TellingArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What is done with a connection.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
#[command(next_help_heading = "Behaviour")]
pub(crate) struct BehaviourArgs {
    /// Sends back what comes (the default).
    #[arg(long)]
    pub(crate) echo: bool,
    /// Throws away what comes (RFC 863).
    #[arg(long)]
    pub(crate) discard: bool,
    /// Sends characters without end (RFC 864).
    #[arg(long)]
    pub(crate) chargen: bool,
    /// Sends the time of day and closes (RFC 867).
    #[arg(long)]
    pub(crate) daytime: bool,
    /// Speaks first, with C escapes, and closes.
    #[arg(long, value_name = "TEXT", value_parser = values::c_text, allow_hyphen_values = true)]
    pub(crate) greet: Option<Payload>,
    /// What follows the greeting, instead of the close.
    #[arg(long, value_name = "BEHAVIOUR")]
    pub(crate) then: Option<ThenArg>,
    /// Answers `ACK\n` to each line.
    #[arg(long)]
    pub(crate) heartbeat: bool,
    /// Answers HTTP requests with 200 and what was asked.
    #[arg(long)]
    pub(crate) http: bool,
    /// Says this, with C escapes, once the peer has said something, and closes; @FILE is a file's content.
    #[arg(long, value_name = "TEXT|@FILE", allow_hyphen_values = true)]
    pub(crate) respond: Option<String>,
    /// Gives each connection to a program, run by `sh -c`, as its standard input and output.
    #[arg(long, value_name = "CMD")]
    pub(crate) exec: Option<String>,
    /// Follows a script: a step a line, `send TEXT`, `expect TEXT`, `wait TIME`, `echo`, `reset`, `close`.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Connects one connection to standard input and output, as nc -l.
    #[arg(long)]
    pub(crate) stdio: bool,
}

/// One value of bytes: under its own name, because clap takes a field of type `Vec` for many values.
type Payload = Vec<u8>;

/// What follows a greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThenArg {
    /// Sends back what comes.
    Echo,
}

/// How it misbehaves.
#[derive(Debug, Args)]
#[command(next_help_heading = "Faults")]
pub(crate) struct FaultArgs {
    /// Misbehaves; may be given more than once, and for a share of the connections.
    ///
    /// delay=200ms, jitter=50ms, distribution=normal (or pareto), accept-delay=1s, no-accept, stall-after=1s, rst-after=1KiB (or a
    /// time), fin-after=1KiB, half-close, throttle=64KiB/s, burst=16KiB, slice=1, corrupt=1%, close-on-accept,
    /// hang-up-on=TEXT, slow-close=1s; on UDP delay, jitter, corrupt, drop=30%, duplicate, reorder.
    /// `30%:rst-after=1KiB` strikes three connections of ten. A fault is towards the client, what it is
    /// sent; with --forward, `up:delay=200ms` is towards the service, what that is sent (`down:` says
    /// the default).
    #[arg(long, value_name = "FAULT", value_parser = super::faults::fault, verbatim_doc_comment)]
    pub(crate) fault: Vec<netkit::policy::fault::Rule>,
    /// Where chance starts from: the same seed strikes the same connections [default: 0].
    #[arg(long, value_name = "N", value_parser = values::whole, allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
}

/// Who may come in, and for how long.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Connections at once [default: what the descriptor limit leaves].
    #[arg(long, value_name = "N", value_parser = values::at_least_one, allow_negative_numbers = true)]
    pub(crate) max_connections: Option<u64>,
    /// Connections at once from one address; one more is rejected, or reset with --overload reset: nobody
    /// waits or makes room for it.
    #[arg(long, value_name = "N", value_parser = values::at_least_one, allow_negative_numbers = true)]
    pub(crate) max_per_ip: Option<u64>,
    /// Connections accepted a second.
    #[arg(long, value_name = "RATE", value_parser = values::rate, allow_negative_numbers = true)]
    pub(crate) accept_rate: Option<f64>,
    /// Closes a connection that says nothing for so long.
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    pub(crate) idle_timeout: Option<Duration>,
    /// Closes a connection that is as old as this.
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    pub(crate) max_lifetime: Option<Duration>,
    /// Closes a connection that has sent so many bytes, once they are answered.
    #[arg(long, value_name = "SIZE", value_parser = values::positive_size)]
    pub(crate) max_bytes: Option<u64>,
    /// What happens at a limit [default: wait].
    #[arg(long, value_name = "HOW")]
    pub(crate) overload: Option<OverloadArg>,
    /// Rejects a second above which the overload breaker sheds everything for a second.
    #[arg(long, value_name = "RATE", value_parser = values::at_least_one, allow_negative_numbers = true)]
    #[arg(help = format!(
        "Rejects a second above which everything is reset for a second [default: {}]",
        netkit::policy::admission::Breaker::default().rejects.unwrap_or_default()
    ))]
    pub(crate) shed_above: Option<u64>,
}

/// What happens at a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverloadArg {
    /// Stops accepting, so that the kernel's backlog queues.
    Wait,
    /// Accepts and closes.
    Reject,
    /// Accepts and resets.
    Reset,
    /// Closes the connection that has been idle longest.
    CloseIdle,
}

/// How long it serves, and how it ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Life")]
pub(crate) struct LifeArgs {
    /// Serves one connection and ends with its outcome.
    #[arg(long)]
    pub(crate) once: bool,
    /// Serves so many connections; 0 goes on until Ctrl-C.
    #[arg(short, long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    pub(crate) count: Option<u64>,
    /// Serves that long.
    #[arg(long = "for", value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    pub(crate) duration: Option<Duration>,
    /// How long connections that are not idle have to end once it stops; what is left is reset.
    #[arg(long, value_name = "DURATION", value_parser = values::duration, allow_negative_numbers = true)]
    #[arg(help = format!(
        "How long connections that are not idle have to end once it stops; what is left is reset [default: {}]",
        humantime::format_duration(netkit::listen::config::GRACE)
    ))]
    pub(crate) grace: Option<Duration>,
    /// Threads that serve [default: as many as are of use, at most one a processor].
    #[arg(long, value_name = "N", value_parser = values::workers, allow_negative_numbers = true)]
    pub(crate) workers: Option<usize>,
}

/// What the listening sockets are asked to be.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
#[command(next_help_heading = "Socket")]
pub(crate) struct ListenSocketArgs {
    /// Network interface to accept from (`SO_BINDTODEVICE`).
    #[arg(long, value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// Lets other processes listen at the same port; the kernel shares connections out.
    #[arg(long)]
    pub(crate) reuse_port: bool,
    /// Connections that may wait to be accepted [default: the kernel's maximum].
    #[arg(long, value_name = "N", value_parser = values::backlog, allow_negative_numbers = true)]
    pub(crate) backlog: Option<u32>,
    /// Takes data in the SYN (TCP Fast Open, RFC 7413).
    #[arg(long)]
    pub(crate) fastopen: bool,
    /// Multipath TCP (RFC 8684).
    #[arg(long)]
    pub(crate) mptcp: bool,
    /// Answers datagrams of other machines without limit, of any length.
    #[arg(long)]
    pub(crate) allow_amplification: bool,
}

/// What is told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct TellingArgs {
    /// Shows the first bytes of each connection, as text or hex [default form: text].
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "text")]
    pub(crate) dump: Option<DumpArg>,
    /// Shows the SYN of each connection: its options, TTL and window.
    #[arg(long)]
    pub(crate) syn: bool,
    /// Shows statistics that often.
    #[arg(long, value_name = "DURATION", value_parser = values::interval, allow_negative_numbers = true)]
    pub(crate) stats_interval: Option<Duration>,
    /// Answers scrapes there with OpenMetrics (`127.0.0.1:9100`, GET /metrics); `:9100` is all addresses.
    #[arg(long, value_name = "[IP]:PORT", value_parser = values::scrape_addr)]
    pub(crate) metrics: Option<std::net::SocketAddr>,
    /// Shows no line per connection: statistics and the summary only.
    #[arg(long)]
    pub(crate) summary: bool,
}

/// How bytes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DumpArg {
    /// As text, with escapes.
    Text,
    /// In hexadecimal, 16 a line.
    Hex,
}
