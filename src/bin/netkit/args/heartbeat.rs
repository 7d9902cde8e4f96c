//! The flags of `netkit heartbeat`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use netkit::heartbeat::config;
use netkit::heartbeat::gate::Gate;
use netkit::policy::{breaker, detector};

use super::groups::default;
use super::values;
use super::{KeepaliveArgs, OutputArgs, PolicyArgs, SocketArgs, TargetArgs, TlsArgs};

/// One value of bytes: under its own name, because clap takes a field of type `Vec` for many values.
type Payload = Vec<u8>;

/// Everything that can be said after `netkit heartbeat`.
#[derive(Debug, Args)]
pub(crate) struct HeartbeatArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) probe: ProbeArgs,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,
    #[command(flatten)]
    pub(crate) health: HealthArgs,
    #[command(flatten)]
    pub(crate) reconnect: ReconnectArgs,
    #[command(flatten)]
    pub(crate) gates: GateArgs,
    #[command(flatten)]
    pub(crate) keepalive: KeepaliveArgs,
    #[command(flatten)]
    pub(crate) socket: SocketArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Redraws one table of all targets in place instead of printing a line a beat.
    #[arg(long, help_heading = "Output")]
    pub(crate) live: bool,
    /// Answers scrapes there with OpenMetrics (`127.0.0.1:9100`, GET /metrics).
    #[arg(long, value_name = "IP:PORT", help_heading = "Output")]
    pub(crate) metrics: Option<std::net::SocketAddr>,
    /// Sends no beats: plays what `heartbeat --json` has printed through eleven detectors, and tells
    /// how soon each would have noticed the outages and how often it would have been wrong.
    #[arg(long, value_name = "FILE", help_heading = "Replay")]
    #[arg(conflicts_with_all = [
        "TargetArgs", "PolicyArgs", "ProbeArgs", "ScheduleArgs", "HealthArgs", "ReconnectArgs",
        "GateArgs", "KeepaliveArgs", "SocketArgs", "live", "metrics",
    ])]
    pub(crate) replay: Option<std::path::PathBuf>,
    /// With `--replay`: a silence of at least that was an outage [default: five intervals].
    #[arg(long, value_name = "DURATION", help_heading = "Replay", value_parser = values::positive_duration, allow_negative_numbers = true)]
    pub(crate) outage_min: Option<Duration>,
}

/// What a beat is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Probe")]
pub(crate) struct ProbeArgs {
    /// What a beat is [default: connect].
    #[arg(long, value_name = "PROBE")]
    pub(crate) probe: Option<ProbeArg>,
    /// With `line`: what is sent, with C escapes [default: `HEARTBEAT\n`].
    #[arg(long, value_name = "TEXT", value_parser = values::c_text, allow_hyphen_values = true)]
    pub(crate) send: Option<Payload>,
    /// With `line`: what the line that comes back must contain, with C escapes [default: anything].
    #[arg(long, value_name = "TEXT", value_parser = values::c_text, allow_hyphen_values = true)]
    pub(crate) expect: Option<Payload>,
    /// With `dns`: the name to ask for, and of which type [default: the root's NS].
    #[arg(long, value_name = "NAME[/TYPE]")]
    pub(crate) query: Option<String>,
}

/// The probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProbeArg {
    /// A connection of its own for every beat.
    Connect,
    /// A nonce on a persistent session, which must come back (`netkit listen`).
    Echo,
    /// A line on a persistent session, which a line must follow.
    Line,
    /// A question to a name server.
    Dns,
}

/// When beats are due.
#[derive(Debug, Args)]
#[command(next_help_heading = "Schedule")]
pub(crate) struct ScheduleArgs {
    /// Time from one beat to the next.
    #[arg(short, long, value_name = "DURATION", value_parser = values::interval, allow_negative_numbers = true)]
    #[arg(help = format!("Time from one beat to the next, at least 1ms [default: {}]", default(config::INTERVAL)))]
    pub(crate) interval: Option<Duration>,
    /// How long a reply may take.
    #[arg(short, long, value_name = "DURATION", value_parser = values::interval, allow_negative_numbers = true)]
    #[arg(help = format!("How long a reply may take, at least 1ms [default: the interval, at most {}]", default(config::TIMEOUT)))]
    pub(crate) timeout: Option<Duration>,
    /// The interval while the target is suspect [default: the interval].
    #[arg(long, value_name = "DURATION", value_parser = values::interval, allow_negative_numbers = true)]
    pub(crate) interval_suspect: Option<Duration>,
    /// The interval while it is down [default: the interval].
    #[arg(long, value_name = "DURATION", value_parser = values::interval, allow_negative_numbers = true)]
    pub(crate) interval_down: Option<Duration>,
    /// Beats per target; 0: until Ctrl-C [default: 0].
    #[arg(short, long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    pub(crate) count: Option<u64>,
    /// Sends beats for that long.
    #[arg(long = "for", value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    pub(crate) duration: Option<Duration>,
}

/// When a target is up, suspect, down.
#[derive(Debug, Args)]
#[command(next_help_heading = "States")]
pub(crate) struct HealthArgs {
    /// What makes a target down [default: consecutive].
    #[arg(long, value_name = "DETECTOR")]
    pub(crate) detector: Option<DetectorArg>,
    /// Failures in a row that make it down [default: 3].
    #[arg(long, value_name = "N", value_parser = values::at_least_one_u32, allow_negative_numbers = true)]
    pub(crate) fall: Option<u32>,
    /// Replies in a row that bring it up again [default: 1].
    #[arg(long, value_name = "N", value_parser = values::at_least_one_u32, allow_negative_numbers = true)]
    pub(crate) rise: Option<u32>,
    /// Suspect when a beat has waited that long for its reply.
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    #[arg(help = format!(
        "Suspect when a beat has waited that long for its reply [default: {}, or an interval before it is down]",
        default(detector::SUSPECT_AFTER)
    ))]
    pub(crate) suspect_after: Option<Duration>,
    /// With `window`: beats looked back at [default: 10].
    #[arg(long, value_name = "N", value_parser = values::at_least_one_u32, allow_negative_numbers = true)]
    pub(crate) window: Option<u32>,
    /// With `window`: beats before anything is said [default: 5, at most the window].
    #[arg(long, value_name = "N", value_parser = values::at_least_one_u32, allow_negative_numbers = true)]
    pub(crate) window_min: Option<u32>,
    /// With `window`: failed beats of a hundred that make it down [default: 50].
    #[arg(long, value_name = "PERCENT", value_parser = values::percent, allow_negative_numbers = true)]
    pub(crate) failure_rate: Option<f64>,
    /// With `window`: a reply that takes longer is slow [default: none is].
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    pub(crate) slow_after: Option<Duration>,
    /// With `window`: slow replies of a hundred that make it suspect [default: 50].
    #[arg(long, value_name = "PERCENT", value_parser = values::percent, allow_negative_numbers = true, requires = "slow_after")]
    pub(crate) slow_rate: Option<f64>,
    /// With `phi`: how improbable a silence is before it is down, as -log10 [default: 8].
    #[arg(long, value_name = "N", value_parser = values::positive_number, allow_negative_numbers = true)]
    pub(crate) phi: Option<f64>,
    /// With `phi`: a pause that is always accepted [default: 3s].
    #[arg(long, value_name = "DURATION", value_parser = values::duration, allow_negative_numbers = true)]
    pub(crate) phi_pause: Option<Duration>,
}

/// The detectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DetectorArg {
    /// So many failures in a row.
    Consecutive,
    /// A share of the last beats.
    Window,
    /// A silence that is improbable after the replies so far.
    Phi,
}

/// How a lost session comes back, and when nothing is tried.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reconnecting")]
pub(crate) struct ReconnectArgs {
    /// The shortest pause between attempts to connect again.
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    #[arg(help = format!("The shortest pause between attempts to connect again [default: {}]", default(config::BACKOFF_MIN)))]
    pub(crate) backoff_min: Option<Duration>,
    /// The longest pause.
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    #[arg(help = format!("The longest pause [default: {}]", default(config::BACKOFF_MAX)))]
    pub(crate) backoff_max: Option<Duration>,
    /// Gives a target up that long after its session was lost; or `never`.
    #[arg(long, value_name = "DURATION|never", value_parser = values::give_up, allow_negative_numbers = true)]
    #[arg(help = format!(
        "Gives a target up that long after its session was lost; or `never` [default: {} with --count, --for or --until, else never]",
        default(config::GIVE_UP_AFTER)
    ))]
    pub(crate) give_up_after: Option<values::GiveUp>,
    /// Bounds one attempt to connect a session.
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, allow_negative_numbers = true)]
    #[arg(help = format!("Bounds one attempt to connect a session [default: {}]", default(config::CONNECT_TIMEOUT)))]
    pub(crate) connect_timeout: Option<Duration>,
    /// With `echo` and `line`: targets at one address share at most that many connections; each beat has
    /// one for itself, and waits for one until its timeout [default: each target keeps its own].
    #[arg(long, value_name = "N", value_parser = values::at_least_one_u32, allow_negative_numbers = true)]
    pub(crate) pool: Option<u32>,
    /// A circuit breaker: `failures=5,open=10s,half-open=1`; what is left out has these values.
    #[arg(long, value_name = "SETTINGS", value_parser = values::breaker)]
    pub(crate) breaker: Option<breaker::Config>,
}

/// What a script does with it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gates and hooks")]
pub(crate) struct GateArgs {
    /// Ends with 5 if this holds of any target at the end: `loss>1% or p99>20ms or state==down`, with TLS
    /// `cert_days<14`.
    #[arg(long, value_name = "CONDITION", value_parser = values::gate)]
    pub(crate) fail_if: Option<Gate>,
    /// Ends with 0 as soon as this holds of every target: `up>=3`.
    #[arg(long, value_name = "CONDITION", value_parser = values::gate)]
    pub(crate) until: Option<Gate>,
    /// Runs this with sh(1) when a target goes down.
    #[arg(long, value_name = "CMD")]
    pub(crate) on_down: Option<String>,
    /// Runs this when it comes up again, or for the first time.
    #[arg(long, value_name = "CMD")]
    pub(crate) on_up: Option<String>,
    /// Runs this at every change of state.
    #[arg(long, value_name = "CMD")]
    pub(crate) on_change: Option<String>,
}
