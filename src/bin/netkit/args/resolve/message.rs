//! What is sent: the bits of the header, the class, and EDNS.

use clap::Args;
use netkit::resolve::edns::{Cookie, EDNS_PAYLOAD, EdnsOption, Subnet};
use netkit::resolve::registry::{Class, Opcode};

use crate::args::dns;

/// What is sent.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Message")]
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
pub(crate) struct MessageArgs {
    /// Class of the questions, by name or as CLASS65280 [default: IN].
    #[arg(long, value_name = "CLASS", value_parser = dns::class)]
    pub(crate) class: Option<Class>,
    /// What kind of message is sent, by name or as OPCODE7 [default: QUERY].
    #[arg(long, value_name = "OPCODE", value_parser = dns::opcode)]
    pub(crate) opcode: Option<Opcode>,
    /// RD not set: the server is to say only what it knows itself.
    #[arg(long)]
    pub(crate) no_rd: bool,
    /// AD: asks for the server's own verdict on DNSSEC.
    #[arg(long)]
    pub(crate) ad: bool,
    /// CD: takes data whose validation fails as well.
    #[arg(long)]
    pub(crate) cd: bool,
    /// The bit of the header that has no meaning; a server must answer all the same.
    #[arg(long)]
    pub(crate) z: bool,
    /// The letters of the name in random case, which the reply must repeat (0x20).
    #[arg(long, alias = "0x20")]
    pub(crate) random_case: bool,
    /// No EDNS: no OPT record at all.
    #[arg(long)]
    pub(crate) no_edns: bool,
    /// DO: asks for signatures and proofs as well.
    #[arg(long = "do")]
    pub(crate) dnssec_ok: bool,
    /// UDP payload size to announce, in octets.
    #[arg(long, value_name = "OCTETS")]
    #[arg(help = format!("UDP payload size to announce, in octets [default: {EDNS_PAYLOAD}]"))]
    pub(crate) bufsize: Option<u16>,
    /// Version of EDNS; a server that does not know it must say BADVERS [default: 0].
    #[arg(long, value_name = "N")]
    pub(crate) edns_version: Option<u8>,
    /// Asks the server who it is (RFC 5001).
    #[arg(long)]
    pub(crate) nsid: bool,
    /// Sends a cookie: a new one, or this one, with the server's half behind ours (RFC 7873).
    #[arg(long, value_name = "HEX", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "", value_parser = dns::cookie)]
    pub(crate) cookie: Option<Cookie>,
    /// Pads questions to a multiple of BLOCK octets; 128 without a number, and over TLS, HTTPS and
    /// QUIC without the flag (RFC 8467).
    #[arg(long, value_name = "BLOCK", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "128", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) padding: Option<u16>,
    /// On whose behalf is asked; 0.0.0.0/0 is nobody's (RFC 7871).
    #[arg(long, value_name = "ADDR/LEN", value_parser = dns::subnet)]
    pub(crate) subnet: Option<Subnet>,
    /// Any EDNS option: its code or name, and its data (may be given more than once).
    #[arg(long, value_name = "CODE[:HEX]", value_parser = dns::edns_option)]
    pub(crate) edns_option: Vec<EdnsOption>,
}
