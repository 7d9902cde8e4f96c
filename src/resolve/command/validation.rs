//! Whether what came is proven: the replies that make up an answer, validated with further
//! questions to the server that sent them.

use std::net::SocketAddr;
use std::time::SystemTime;

use super::report::Report;
use super::verdict::Verdict;
use crate::failure::{Failure, Kind, Stage, Who};
use crate::resolve::dnssec::{self, Anchors, Evidence, Status, Validator};
use crate::resolve::exchange::Clock;
use crate::resolve::judge::Finding;
use crate::resolve::ledger::{Outcome, Received};
use crate::resolve::search::Walk;
use crate::resolve::servers::{Servers, Tried};
use crate::resolve::wire::Ask;

/// What validating needs beside the replies.
pub(super) struct Validation<'a> {
    pub(super) anchors: &'a Anchors,
    /// Those that were asked.
    pub(super) servers: &'a Servers,
    pub(super) clock: &'a Clock,
    pub(super) now: SystemTime,
}

impl Validation<'_> {
    /// Validates the replies that the report rests on; without any it changes nothing.
    pub(super) async fn run(&self, walk: &Walk, report: &mut Report) {
        let since_1970 = self.now.duration_since(SystemTime::UNIX_EPOCH);
        let now = since_1970.map_or(0, |since| since.as_secs());
        let mut validator = Validator::new(self.anchors.clone(), now);
        let mut whole: Option<dnssec::Report> = None;
        for tried in rests_on(walk) {
            let Some(received) = &tried.outcome.received else {
                continue;
            };
            let part = self.one(&mut validator, tried, received).await;
            whole = Some(match whole {
                Some(before) => before.followed_by(part),
                None => part,
            });
        }
        report.total_ms = self.clock.elapsed().into();
        if let Some(proof) = whole {
            judge(report, proof);
        }
    }

    async fn one(
        &self,
        validator: &mut Validator,
        tried: &Tried,
        received: &Received,
    ) -> dnssec::Report {
        let unusable = |text: &str| {
            let (name, rtype) = (tried.ask.name.to_string(), tried.ask.rtype.to_string());
            dnssec::Report::indeterminate(&name, &rtype, text)
        };
        if received.reply.truncated {
            return unusable("the reply is cut off");
        }
        let evidence = Evidence::of(&received.reply);
        let server = tried.outcome.server;
        let fetch = async |ask: &Ask| self.fetch(server, ask).await;
        dnssec::validate(validator, &tried.ask, &evidence, fetch).await
    }

    /// Asks the same server for a link of the chain.
    async fn fetch(&self, server: SocketAddr, ask: &Ask) -> Result<Evidence, String> {
        let outcome = self.servers.ask_again(server, ask, self.clock).await;
        let outcome = outcome.ok_or_else(|| format!("{server} cannot be asked again"))?;
        match &outcome.received {
            Some(received) if received.reply.truncated => {
                Err(format!("the reply of {server} is cut off"))
            }
            Some(received) => Ok(Evidence::of(&received.reply)),
            None => Err(unanswered(&outcome)),
        }
    }
}

fn unanswered(outcome: &Outcome) -> String {
    let unusable = outcome
        .attempts
        .iter()
        .any(|attempt| attempt.ignored_count > 0);
    let what = if unusable {
        "sends nothing usable"
    } else {
        "does not answer"
    };
    format!("{} {what}", outcome.server)
}

/// The replies that make up the answer: that of the best finding, and the aliases that led to it.
fn rests_on(walk: &Walk) -> Vec<&Tried> {
    let Some(best) = walk.best else {
        return Vec::new();
    };
    let step = walk.steps.iter().find(|step| step.tried.contains(&best));
    let earlier = step.map_or(best..best, |step| step.tried.start..best);
    let aliases = walk.ledger[earlier].iter();
    let aliases = aliases.filter(|tried| matches!(tried.finding, Finding::Alias { .. }));
    aliases.chain([&walk.ledger[best]]).collect()
}

/// What the proof makes of the verdict. A reply that is an error stays one.
fn judge(report: &mut Report, proof: dnssec::Report) {
    let is_judged = matches!(
        report.verdict,
        Verdict::Answer | Verdict::NoData | Verdict::Nxdomain | Verdict::CnameDangling
    );
    let worse = match proof.status {
        Status::Bogus => Some((Verdict::DnssecBogus, Kind::DnssecBogus)),
        Status::Indeterminate if report.ok => {
            Some((Verdict::DnssecIndeterminate, Kind::DnssecIndeterminate))
        }
        _ => None,
    };
    if let Some((verdict, kind)) = worse.filter(|_| is_judged) {
        let text = proof
            .reason
            .as_ref()
            .map_or(String::new(), |reason| reason.text.clone());
        report.ok = false;
        report.verdict = verdict;
        report.advice = verdict.advice().map(str::to_owned);
        report.failure = Some(Failure::new(Stage::Resolve, kind, text).by(Who::Peer));
    }
    report.dnssec = Some(proof);
}
