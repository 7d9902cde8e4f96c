//! The flags of `netkit parse-addr`.
//!
//! `-v` inverts a filter here, as in grep and grepcidr; there is nothing to be verbose about.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use netkit::addr::Prefix;
use netkit::addr::describe::As;
use netkit::resolve::NameServer;

use super::{ColorArg, PolicyArgs, values};

/// Say what an address is, compute with networks, find addresses in text.
///
/// Reads the texts on the command line, or one a line from --input or standard input. Addresses,
/// networks, endpoints, ports, hardware addresses and ranges mean what they mean to Go's `net` and
/// `net/netip`.
#[derive(Debug, Args)]
#[command(
    after_help = crate::help::parse_addr_short(),
    after_long_help = crate::help::parse_addr_long(),
    group = ArgGroup::new("operation").multiple(false),
)]
pub(crate) struct ParseAddrArgs {
    /// What to parse; without any, or with `-`, one a line from standard input.
    #[arg(value_name = "TEXT")]
    pub(crate) texts: Vec<String>,
    /// Reads one input a line from a file; `-` is standard input.
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub(crate) input: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) parse: ParseArgs,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) output: AddrOutputArgs,
}

/// What a text is taken for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Parsing")]
pub(crate) struct ParseArgs {
    /// What the text is taken for; auto recognises it.
    #[arg(long = "as", value_name = "KIND", default_value = "auto", value_parser = kind_parser())]
    pub(crate) kind: KindArg,
    /// Go's network for --as tcp, udp, ip-addr and port: tcp, tcp4, tcp6, udp, …, ip4:icmp.
    #[arg(long, value_name = "NETWORK")]
    pub(crate) network: Option<String>,
    /// Looks for IPv4 behind this NAT64 prefix too (RFC 6052; may be given more than once).
    #[arg(long, value_name = "PREFIX", value_parser = values::nat64_prefix)]
    pub(crate) nat64: Vec<Prefix>,
    /// Looks up hosts that are names.
    #[arg(long)]
    pub(crate) resolve: bool,
    /// Asks this name server instead of the system's (may be given more than once).
    #[arg(long, value_name = "SERVER", requires = "resolve")]
    pub(crate) ns: Vec<NameServer>,
    /// Bounds the lookup of one host [default: 5s].
    #[arg(short, long, value_name = "DURATION", value_parser = values::positive_duration, requires = "resolve")]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

/// A kind, or none: recognise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KindArg(pub(crate) Option<As>);

/// The word for no kind.
const AUTO: &str = "auto";

fn kind_parser() -> impl clap::builder::TypedValueParser<Value = KindArg> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    let names = std::iter::once(AUTO).chain(As::ALL.map(As::name));
    PossibleValuesParser::new(names).map(|name| {
        // Names that are no kind do not get past the list; `auto` is left.
        KindArg(As::ALL.into_iter().find(|kind| kind.name() == name))
    })
}

/// Arithmetic on the networks that are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Computing")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag, and clap lets one of them through"
)]
pub(crate) struct ComputeArgs {
    /// Whether each network holds these addresses or networks (status 1 if one does not).
    #[arg(long, value_name = "ADDR", num_args = 1.., group = "operation", value_parser = values::network)]
    pub(crate) contains: Vec<Prefix>,
    /// Whether each network has an address in common with this one (status 1 if one has not).
    #[arg(long, value_name = "CIDR", group = "operation", value_parser = values::network)]
    pub(crate) overlaps: Option<Prefix>,
    /// The parts of that length, lazily.
    #[arg(long, value_name = "/N", group = "operation", value_parser = values::prefix_length)]
    pub(crate) split: Option<u8>,
    /// That many parts, as equal as can be.
    #[arg(long, value_name = "N", group = "operation", value_parser = values::parts)]
    pub(crate) split_into: Option<u128>,
    /// The network of that length around each.
    #[arg(long, value_name = "/N", group = "operation", value_parser = values::prefix_length)]
    pub(crate) supernet: Option<u8>,
    /// The address at that place: 0 is the first, -1 the last.
    #[arg(
        long,
        value_name = "I",
        group = "operation",
        allow_negative_numbers = true
    )]
    pub(crate) nth: Option<i128>,
    /// Addresses drawn at random [default: 1].
    #[arg(long, value_name = "N", group = "operation", num_args = 0..=1, default_missing_value = "1")]
    pub(crate) random: Option<u64>,
    /// Draws the same addresses again.
    #[arg(long, value_name = "SEED", requires = "random")]
    pub(crate) seed: Option<u64>,
    /// All addresses a host may have.
    #[arg(long, group = "operation")]
    pub(crate) hosts: bool,
    /// The fewest networks with the addresses of all inputs.
    #[arg(long, group = "operation")]
    pub(crate) aggregate: bool,
    /// The addresses of all inputs that are not in these networks.
    #[arg(long, value_name = "CIDR", num_args = 1.., group = "operation", value_parser = values::network)]
    pub(crate) exclude: Vec<Prefix>,
    /// The addresses of all inputs that are in these networks.
    #[arg(long, value_name = "CIDR", num_args = 1.., group = "operation", value_parser = values::network)]
    pub(crate) intersect: Vec<Prefix>,
    /// The fewest networks that cover each range (`first-last`).
    #[arg(long, group = "operation")]
    pub(crate) summarize: bool,
    /// The inputs in order: IPv4 first, then by address, then the larger network.
    #[arg(long)]
    pub(crate) sort: bool,
    /// Each input once.
    #[arg(long)]
    pub(crate) unique: bool,
}

/// Finding addresses in lines.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filtering")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct FilterArgs {
    /// Prints the lines that hold an address of these networks, or of the networks in these files.
    #[arg(long = "in", value_name = "CIDR|FILE", num_args = 1.., group = "operation")]
    pub(crate) networks: Vec<String>,
    /// Prints the other lines.
    #[arg(short = 'v', long, requires = "networks")]
    pub(crate) invert: bool,
    /// Any address of a line may match [default].
    #[arg(long, requires = "networks", conflicts_with = "first")]
    pub(crate) any: bool,
    /// Only the first address of a line counts.
    #[arg(long, requires = "networks")]
    pub(crate) first: bool,
    /// Prints how many lines there are instead.
    #[arg(long, requires = "networks")]
    pub(crate) count: bool,
}

/// What comes out, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct AddrOutputArgs {
    /// Prints the canonical text only.
    #[arg(short, long)]
    pub(crate) short: bool,
    /// Prints JSON Lines.
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints indented JSON.
    #[arg(long)]
    pub(crate) pretty: bool,
    /// With --json: only what it is and whether it is valid.
    #[arg(long, requires = "json")]
    pub(crate) brief: bool,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorArg,
    /// Prints nothing: the status tells.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}
