//! Rules for names: where they come from, and for whom.

use clap::Args;
use netkit::resolve::policy::Place;

/// Rules for names: where they come from, and for whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyArgs {
    /// Rules that choose name servers and arrange answers: a TOML file, or etcd://HOST:PORT/PREFIX;
    /// followed while netkit runs.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) policy: Option<Place>,
    /// The region that rules of the policy may ask for.
    #[arg(long, value_name = "NAME", requires = "policy", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) region: Option<String>,
}
