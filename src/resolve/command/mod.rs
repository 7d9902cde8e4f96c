//! The operation behind `netkit resolve`: a question, the servers it is put to, and a report of
//! everything that was tried.
//!
//! | file | what it adds |
//! |---|---|
//! | `config`, `question` | what is asked, of whom, how |
//! | `session` | system view or the servers given; one server after the other, a race, or all of them |
//! | `validation` | whether what came is proven, where that is asked |
//! | `verdict` | ledger and finding to one word, with one line of advice |
//! | `report`, `attempt` | the serde types: what JSON and tables show |
//! | `build` | from the ledger to the report |
//!
//! A [`Report`] is made for every question, whatever comes of it; an error is only what keeps a
//! question from being put at all.

mod attempt;
mod build;
pub mod compare;
pub mod config;
mod kept;
mod malformed;
mod of_bulk;
mod question;
mod record;
mod remark;
pub mod repeat;
pub mod report;
mod session;
#[cfg(feature = "policy")]
mod steered;
mod system;
pub mod transfer;
mod validation;
mod verdict;
pub mod watch;

pub use attempt::{AttemptReport, ConnectionReport, HttpReport, IgnoredReport};
pub use config::{Config, ServerMode};
pub use malformed::{DumpLine, Malformed};
pub use question::{Question, reverse_name};
pub use record::Record;
pub use remark::{Remark, RemarkCode};
pub use report::Report;
pub use session::Session;
#[cfg(feature = "policy")]
pub use steered::{PolicyFacts, SteeredSession};
pub use system::SystemView;
pub use verdict::Verdict;

use crate::run::Cx;

/// Asks one question and reports; one report a server with [`ServerMode::All`], else one.
///
/// Never later than the timeout of the configuration. Cancel safe: dropping the future closes its
/// sockets; cancelling the token of `cx` ends it with a report of what was seen so far. Whoever
/// asks several questions makes one [`Session`] for them.
///
/// ```no_run
/// use netkit::resolve::command::{Config, Question, run};
/// use netkit::resolve::wire::RecordType;
/// use netkit::run::Cx;
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = Config::default();
/// config.stub.servers = vec!["192.0.2.53".parse()?];
/// let question = Question::new("www.example", RecordType::A)?;
/// for report in run(&question, &config, &Cx::default()).await {
///     println!("{}: {} {:?}", report.name, report.verdict, report.server);
/// }
/// # Ok(())
/// # }
/// ```
pub async fn run(question: &Question, config: &Config, cx: &Cx) -> Vec<Report> {
    Session::new(config.clone()).ask(question, cx).await
}
