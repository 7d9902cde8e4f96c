//! The questions of a dial: which families are asked, and what their failures add up to.

use std::future::Future;

use tokio::time::Instant;

use crate::addr::{Endpoint, Family, Target};
use crate::deadline::Deadline;
use crate::failure::{Failure, Kind};
use crate::io::Io;
use crate::resolve::{Answer, Question};

/// One answered question, with the moment of the answer.
pub(super) struct Looked {
    pub(super) family: Family,
    pub(super) at: Instant,
    pub(super) result: Result<Answer, Failure>,
}

/// The families a dial asks for, IPv6 first: as both the network and `-4`/`-6` allow.
pub(super) fn families(target: &Target, only: Option<Family>) -> Vec<Family> {
    let allowed = |family: &Family| {
        only.is_none_or(|only| only == *family)
            && target.network.family().is_none_or(|own| own == *family)
    };
    let all: &[Family] = match target.endpoint {
        Endpoint::Inet { .. } => &[Family::Ipv6, Family::Ipv4],
        Endpoint::Unix(_) => &[],
    };
    all.iter().copied().filter(allowed).collect()
}

/// Asks one question.
pub(super) fn look_up<'a, I: Io>(
    io: &'a I,
    name: &std::sync::Arc<str>,
    family: Family,
    deadline: &'a Deadline,
) -> impl Future<Output = Looked> + Send + 'a {
    let question = Question {
        name: name.clone(),
        family,
    };
    async move {
        let result = io.lookup(&question, deadline).await;
        Looked {
            family,
            at: Instant::now(),
            result,
        }
    }
}

/// The failure that speaks for all questions: a name that does not exist is final, and a family
/// without addresses must not hide that the other one was never answered.
pub(super) fn headline(failures: Vec<Failure>) -> Option<Failure> {
    failures
        .into_iter()
        .min_by_key(|failure| match failure.kind {
            Kind::Nxdomain => 0,
            Kind::NoData => 2,
            _ => 1,
        })
}
