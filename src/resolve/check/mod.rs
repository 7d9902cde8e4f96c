//! What a name server does with everything that the DNS may ask of it: one verdict a test.
//!
//! All tests run at once, by one deadline, over the engine of every other question; what each saw
//! is judged by a pure function. It knows nothing of flags or tables.

mod probe;
mod report;
mod rows;

pub use report::{CheckReport, Grade, Row};

use futures_util::future::join_all;

use super::client::Client;
use super::exchange::Clock;
use super::upstream::Upstream;
use super::wire::Ask;
use crate::time::Millis;

use probe::Prober;

/// Tests one server with questions about a name that it should know.
///
/// Ends with the deadline of the clock at the latest. Cancel safe: dropping the future closes its
/// sockets.
pub async fn check(client: &Client, upstream: &Upstream, ask: &Ask, clock: &Clock) -> CheckReport {
    let prober = Prober {
        client,
        upstream,
        ask,
        clock,
    };
    let rows = join_all(rows::ALL.iter().map(|test| prober.row(*test))).await;
    CheckReport {
        server: upstream.to_string(),
        addr: upstream.addr,
        name: ask.name.to_string(),
        qtype: ask.rtype.to_string(),
        grade: CheckReport::grade_of(&rows),
        rows,
        total_ms: Millis(clock.elapsed()),
    }
}
