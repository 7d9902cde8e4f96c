//! Answers kept for as long as their records say, and one question on the wire for many askers.
//!
//! For operations that ask for the same name again and again (a thousand ports of one host). Holds
//! results only; who asks, and whether at all, is the resolver's business. Serves nothing stale.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::deadline::{Deadline, Expired};
use crate::failure::{Failure, Kind};
use crate::time::Millis;

use super::lookup::{Answer, Question, Source};

/// The longest that anything is kept, whatever its TTL says.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The result of asking, and for how long it holds.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    pub(super) result: Result<Answer, Failure>,
    /// The TTL (RFC 1035 §3.2.1, RFC 2308 §5 for negative answers); zero is not kept.
    pub(super) keep: Duration,
}

impl From<Failure> for Looked {
    /// A failure of our own, which nobody keeps.
    fn from(failure: Failure) -> Self {
        Self {
            result: Err(failure),
            keep: Duration::ZERO,
        }
    }
}

/// Results by question, at most `size` of them.
#[derive(Debug, Default)]
pub(super) struct Cache {
    size: usize,
    slots: Mutex<HashMap<Question, Arc<Slot>>>,
}

/// Locked while its question is asked, so that others wait for the result instead of asking too.
type Slot = tokio::sync::Mutex<Option<Kept>>;

#[derive(Debug)]
struct Kept {
    since: Instant,
    looked: Looked,
}

impl Cache {
    pub(super) fn new(size: usize) -> Self {
        let slots = Mutex::default();
        Self { size, slots }
    }

    /// Returns what is kept for the question, or waits for `ask` and keeps what comes of it.
    ///
    /// Whoever comes while the question is asked gets the same result, unless that is a timeout and
    /// the newcomer has time left. Cancel safe: when the asker is dropped, the next one asks.
    pub(super) async fn or_ask(
        &self,
        question: &Question,
        deadline: &Deadline,
        ask: impl Future<Output = Looked>,
    ) -> Result<Result<Answer, Failure>, Expired> {
        let came = Instant::now();
        let slot = self.slot(question);
        let mut kept = deadline.bound(slot.lock()).await?;
        let now = Instant::now();
        if let Some(result) = kept.as_ref().and_then(|kept| kept.serve(came, now)) {
            return Ok(result);
        }
        let looked = ask.await;
        let result = looked.result.clone();
        let since = Instant::now();
        *kept = Some(Kept { since, looked });
        Ok(result)
    }

    fn slot(&self, question: &Question) -> Arc<Slot> {
        let question = Question {
            name: question.name.to_ascii_lowercase().into(),
            family: question.family,
        };
        // The map is whole even if a thread panicked while holding it.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= self.size && !slots.contains_key(&question) {
            make_room(&mut slots, self.size);
        }
        slots.entry(question).or_default().clone()
    }
}

/// Drops what no longer holds, and arbitrary entries beyond half the size if that is not enough.
/// Slots that are being asked stay alive with their users.
fn make_room(slots: &mut HashMap<Question, Arc<Slot>>, size: usize) {
    let now = Instant::now();
    slots.retain(|_, slot| match slot.try_lock() {
        Ok(kept) => kept.as_ref().is_some_and(|kept| kept.is_fresh(now)),
        Err(_) => true,
    });
    if slots.len() >= size {
        let mut room = size / 2;
        slots.retain(|_, _| {
            let stays = room > 0;
            room = room.saturating_sub(1);
            stays
        });
    }
}

impl Kept {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < self.looked.keep.min(LONGEST)
    }

    /// The result for somebody who came at `came`, if it may be used at `now`.
    fn serve(&self, came: Instant, now: Instant) -> Option<Result<Answer, Failure>> {
        // A result that was found while one waited is as good as one's own.
        let is_mine = came < self.since && !self.timed_out();
        (is_mine || self.is_fresh(now)).then(|| match &self.looked.result {
            Ok(answer) => Ok(self.aged(answer, came, now)),
            Err(failure) => Err(failure.clone()),
        })
    }

    fn timed_out(&self) -> bool {
        matches!(&self.looked.result, Err(failure) if failure.kind == Kind::DnsTimeout)
    }

    /// The answer with what is left of its TTL.
    fn aged(&self, answer: &Answer, came: Instant, now: Instant) -> Answer {
        let age = now.saturating_duration_since(self.since).as_secs();
        let age = u32::try_from(age).unwrap_or(u32::MAX);
        Answer {
            source: Source::Cache,
            ttl: answer.ttl.map(|ttl| ttl.saturating_sub(age)),
            took: Millis(now.saturating_duration_since(came)),
            evidence: Vec::new(),
            ..answer.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::net::Ipv4Addr;

    use super::*;
    use crate::addr::Family;
    use crate::failure::Stage;

    fn question(name: &str) -> Question {
        Question {
            name: name.into(),
            family: Family::Ipv4,
        }
    }

    fn found(ttl: u32) -> Looked {
        let answer = Answer {
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
            name: "www.example".to_owned(),
            source: Source::Udp,
            server: None,
            ttl: Some(ttl),
            took: Millis::default(),
            evidence: Vec::new(),
        };
        Looked {
            result: Ok(answer),
            keep: Duration::from_secs(ttl.into()),
        }
    }

    fn failed(kind: Kind, keep: u64) -> Looked {
        Looked {
            result: Err(Failure::new(Stage::Resolve, kind, "no")),
            keep: Duration::from_secs(keep),
        }
    }

    /// A cache whose server counts the questions.
    struct Bench {
        cache: Cache,
        asked: Cell<u32>,
        takes: Duration,
    }

    impl Bench {
        fn new(size: usize) -> Self {
            let (cache, asked, takes) = (Cache::new(size), Cell::new(0), Duration::from_secs(1));
            Self {
                cache,
                asked,
                takes,
            }
        }

        async fn ask(&self, name: &str, looked: Looked) -> Result<Answer, Failure> {
            let deadline = Deadline::after(Duration::from_secs(5));
            let ask = async {
                self.asked.set(self.asked.get() + 1);
                tokio::time::sleep(self.takes).await;
                looked
            };
            let result = self.cache.or_ask(&question(name), &deadline, ask).await;
            result.expect("the deadline is far")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_holds_for_its_ttl_and_says_what_is_left_of_it() {
        let bench = Bench::new(8);
        assert_eq!(
            bench.ask("www.example", found(60)).await.unwrap().source,
            Source::Udp
        );
        tokio::time::advance(Duration::from_secs(20)).await;
        let hit = bench.ask("WWW.example", found(60)).await.unwrap();
        assert_eq!(
            (hit.source, hit.ttl, hit.took),
            (Source::Cache, Some(40), Millis::default())
        );
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(
            bench.ask("www.example", found(60)).await.unwrap().source,
            Source::Udp
        );
        assert_eq!(bench.asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_negative_answer_holds_as_long_as_it_says_and_a_ttl_of_zero_not_at_all() {
        let bench = Bench::new(8);
        for (name, looked, asked) in [
            ("gone.example", failed(Kind::Nxdomain, 30), 1),
            ("gone.example", failed(Kind::Nxdomain, 30), 1),
            ("broken.example", failed(Kind::Servfail, 0), 2),
            ("broken.example", failed(Kind::Servfail, 0), 3),
            ("zero.example", found(0), 4),
            ("zero.example", found(0), 5),
        ] {
            let _ = bench.ask(name, looked).await;
            assert_eq!(bench.asked.get(), asked, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_question_serves_all_who_wait_for_it() {
        let bench = Bench::new(8);
        for looked in [found(0), failed(Kind::Servfail, 0)] {
            bench.asked.set(0);
            let asks = (0..10).map(|_| bench.ask("www.example", looked.clone()));
            let results = futures_util::future::join_all(asks).await;
            assert!(
                results
                    .iter()
                    .all(|result| result.is_ok() == looked.result.is_ok())
            );
            assert_eq!(bench.asked.get(), 1);
        }
        bench.asked.set(0);
        let timeout = || bench.ask("slow.example", failed(Kind::DnsTimeout, 0));
        let _ = tokio::join!(timeout(), timeout());
        assert_eq!(
            bench.asked.get(),
            2,
            "a timeout is nobody's but the asker's"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_asker_is_dropped_the_next_one_asks() {
        let bench = Bench::new(8);
        let short = Duration::from_millis(500);
        let (dropped, second) = tokio::join!(
            tokio::time::timeout(short, bench.ask("www.example", found(60))),
            bench.ask("www.example", found(60)),
        );
        assert!(dropped.is_err() && second.is_ok());
        assert_eq!(bench.asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_waits_no_longer_than_the_deadline() {
        let bench = Bench::new(8);
        let deadline = Deadline::after(Duration::from_millis(500));
        let question = question("www.example");
        let waits = bench
            .cache
            .or_ask(&question, &deadline, async { found(60) });
        let (_, waited) = tokio::join!(bench.ask("www.example", found(60)), waits);
        assert_eq!(waited.unwrap_err(), Expired::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_entries_than_its_size() {
        let bench = Bench::new(8);
        for number in 0..100 {
            let _ = bench.ask(&format!("{number}.example"), found(1_000)).await;
            let held = bench.cache.slots.lock().unwrap().len();
            assert!((1..=8).contains(&held), "{held} after {number}");
        }
        let asked = bench.asked.get();
        let _ = bench.ask("99.example", found(1_000)).await;
        assert_eq!(bench.asked.get(), asked, "the newest is kept");
    }
}
