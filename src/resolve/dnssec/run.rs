//! The loop around the validator: asks what it needs, until it is done.
//!
//! Knows no sockets: whoever calls it says how a question is asked. It ends when the answers do,
//! and those end with the deadline of whoever gives them.

use super::record::Evidence;
use super::report::Report;
use super::validate::{Step, Validator};
use crate::resolve::wire::Ask;

/// Validates the reply to `ask`; `fetch` asks the same server, with DO and CD set, and returns the
/// reply or why there is none (half a sentence).
///
/// At most 60 questions for one validator. Cancel safe as far as `fetch` is.
pub async fn validate(
    validator: &mut Validator,
    ask: &Ask,
    reply: &Evidence,
    fetch: impl AsyncFn(&Ask) -> Result<Evidence, String>,
) -> Report {
    loop {
        match validator.validate(ask, reply) {
            Step::Done(report) => return *report,
            Step::Need(needed) => {
                let answer = fetch(&needed).await;
                validator.supply(needed, answer);
            }
        }
    }
}
