//! Reports that are kept: a question that comes again while its answer holds is not asked again.

use std::time::Duration;

use super::remark::{Remark, RemarkCode};
use super::report::{CacheFacts, Report};
use super::verdict::Verdict;
use crate::resolve::cache::Keep;
use crate::time::Millis;

/// The reports on one question: one, or one a server.
#[derive(Clone, Debug)]
pub(super) struct Reports(pub(super) Vec<Report>);

impl Keep for Reports {
    /// As long as the least of them.
    fn holds(&self) -> Duration {
        self.0.iter().map(holds).min().unwrap_or_default()
    }

    fn timed_out(&self) -> bool {
        let over =
            |report: &Report| matches!(report.verdict, Verdict::Silent | Verdict::Interrupted);
        self.0.iter().any(over)
    }

    fn aged(&self, age: Duration, waited: Duration) -> Self {
        Self(
            self.0
                .iter()
                .map(|report| aged(report, age, waited))
                .collect(),
        )
    }
}

/// The smallest TTL of the answer, or what the SOA of a negative one says (RFC 2308 §5).
fn holds(report: &Report) -> Duration {
    let least = report.answers.iter().filter_map(|record| record.ttl).min();
    let seconds = match report.verdict {
        Verdict::Answer => least,
        Verdict::NoData | Verdict::Nxdomain | Verdict::CnameDangling => {
            negative(report).map(|soa| least.map_or(soa, |least| least.min(soa)))
        }
        _ => None,
    };
    Duration::from_secs(seconds.unwrap_or_default().into())
}

/// The lesser of the SOA's TTL and its last field.
fn negative(report: &Report) -> Option<u32> {
    let soa = report
        .authority
        .iter()
        .find(|record| record.rtype == "SOA")?;
    let minimum = soa.data.rsplit(' ').next()?.parse().ok()?;
    soa.ttl.map(|ttl: u32| ttl.min(minimum))
}

/// The report with what is left of its TTLs, and no try of its own.
fn aged(report: &Report, age: Duration, waited: Duration) -> Report {
    let mut report = report.clone();
    report.cache = Some(CacheFacts {
        hit: true,
        age_s: Some((age.as_secs_f64() * 1e6).round() / 1e6),
    });
    report.remarks.push(Remark::new(
        RemarkCode::Cached,
        format!("known already, asked {} ago", Millis(age)),
    ));
    report.total_ms = waited.into();
    report.rtt_ms = None;
    report.attempts.clear();
    let age = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
    let sections = [
        &mut report.answers,
        &mut report.authority,
        &mut report.additional,
    ];
    for record in sections.into_iter().flatten() {
        record.ttl = record.ttl.map(|ttl| ttl.saturating_sub(age));
    }
    report
}

/// Says that the cache knew nothing.
pub(super) fn missed(mut reports: Vec<Report>) -> Reports {
    for report in &mut reports {
        report.cache = Some(CacheFacts {
            hit: false,
            age_s: None,
        });
    }
    Reports(reports)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::deadline::Deadline;
    use crate::failure::{Failure, Kind, Stage};
    use crate::resolve::cache::Cache;
    use crate::resolve::command::build;
    use crate::resolve::command::{Question, Record};
    use crate::resolve::exchange::Clock;
    use crate::resolve::wire::RecordType;

    fn record(rtype: &str, ttl: u32, data: &str) -> Record {
        Record {
            name: "a.example".to_owned(),
            rtype: rtype.to_owned(),
            ttl: Some(ttl),
            data: data.to_owned(),
            rdata: None,
            type_code: 0,
            class: "IN".to_owned(),
        }
    }

    fn report(verdict: Verdict, answers: Vec<Record>, authority: Vec<Record>) -> Reports {
        let question = Question::new("a.example", RecordType::A).unwrap();
        let clock = Clock {
            origin: tokio::time::Instant::now(),
            deadline: Deadline::after(Duration::ZERO),
        };
        let failure = Failure::new(Stage::Resolve, Kind::NoData, "");
        let report = Report {
            verdict,
            answers,
            authority,
            ..build::failed(&question, failure, &clock)
        };
        missed(vec![report])
    }

    #[test]
    fn an_answer_holds_for_its_least_ttl_and_a_negative_one_as_its_soa_says() {
        let a = |ttl| record("A", ttl, "192.0.2.1");
        let soa = || record("SOA", 60, "ns. host. 1 2 3 4 5");
        let rows = [
            (Verdict::Answer, vec![a(30), a(20)], vec![], 20),
            (Verdict::Nxdomain, vec![], vec![soa()], 5),
            (
                Verdict::NoData,
                vec![],
                vec![record("SOA", 3, "a. b. 1 2 3 4 5")],
                3,
            ),
            (
                Verdict::CnameDangling,
                vec![record("CNAME", 2, "b.")],
                vec![soa()],
                2,
            ),
            (Verdict::Nxdomain, vec![], vec![], 0),
            (Verdict::Servfail, vec![], vec![soa()], 0),
            (Verdict::Truncated, vec![a(30)], vec![], 0),
        ];
        for (verdict, answers, authority, seconds) in rows {
            let reports = report(verdict, answers, authority);
            assert_eq!(reports.holds(), Duration::from_secs(seconds), "{verdict}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hit_says_its_age_and_what_is_left_of_its_ttl() {
        let (cache, asked) = (Cache::new(8), Cell::new(0));
        let ask = || async {
            asked.set(asked.get() + 1);
            report(Verdict::Answer, vec![record("A", 30, "192.0.2.1")], vec![])
        };
        let deadline = Deadline::after(Duration::from_secs(100));
        let first = cache.or_ask("a", &deadline, ask()).await.unwrap();
        assert!(!first.0[0].cache.unwrap().hit);
        tokio::time::advance(Duration::from_secs(12)).await;
        let second = cache.or_ask("a", &deadline, ask()).await.unwrap();
        let facts = second.0[0].cache.unwrap();
        assert_eq!((facts.hit, facts.age_s, asked.get()), (true, Some(12.0), 1));
        assert_eq!(second.0[0].answers[0].ttl, Some(18));
        tokio::time::advance(Duration::from_secs(18)).await;
        let third = cache.or_ask("a", &deadline, ask()).await.unwrap();
        assert!(!third.0[0].cache.unwrap().hit);
        assert_eq!(asked.get(), 2);
    }
}
