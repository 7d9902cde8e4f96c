//! Answers kept for as long as their records say, and one question on the wire for many askers.
//!
//! For operations that ask for the same name again and again (a thousand ports of one host). Holds
//! results only; who asks, and whether at all, is the resolver's business. Serves nothing stale.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::deadline::{Deadline, Expired};
use crate::failure::{Failure, Kind};
use crate::time::Millis;

use super::lookup::{Answer, Question, Source};

/// The longest that anything is kept, whatever its TTL says.
const LONGEST: Duration = Duration::from_secs(86_400);

/// A result that can be kept.
pub(super) trait Keep: Clone {
    /// For how long it holds: the TTL (RFC 1035 §3.2.1, RFC 2308 §5 for negative answers); zero is
    /// not kept.
    fn holds(&self) -> Duration;

    /// Whether it says only that the asker's time was over, which is nobody else's result.
    fn timed_out(&self) -> bool;

    /// The same for somebody who waited `waited` for it and gets it at this age.
    fn aged(&self, age: Duration, waited: Duration) -> Self;
}

/// The result of asking, and for how long it holds.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    pub(super) result: Result<Answer, Failure>,
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

impl Keep for Looked {
    fn holds(&self) -> Duration {
        self.keep
    }

    fn timed_out(&self) -> bool {
        matches!(&self.result, Err(failure) if failure.kind == Kind::DnsTimeout)
    }

    fn aged(&self, age: Duration, waited: Duration) -> Self {
        let age = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
        let result = self.result.clone().map(|answer| Answer {
            source: Source::Cache,
            ttl: answer.ttl.map(|ttl| ttl.saturating_sub(age)),
            took: Millis(waited),
            evidence: Vec::new(),
            ..answer
        });
        Self {
            result,
            keep: self.keep,
        }
    }
}

impl Question {
    /// The question without regard to case: what answers are kept under.
    pub(super) fn folded(&self) -> Self {
        Self {
            name: self.name.to_ascii_lowercase().into(),
            family: self.family,
        }
    }
}

/// Results by question, at most `size` of them.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    size: usize,
    slots: Slots<K, V>,
}

type Slots<K, V> = Mutex<HashMap<K, Arc<Slot<V>>>>;

/// Locked while its question is asked, so that others wait for the result instead of asking too.
type Slot<V> = tokio::sync::Mutex<Option<Kept<V>>>;

#[derive(Debug)]
struct Kept<V> {
    since: Instant,
    value: V,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self {
            size: 0,
            slots: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash, V: Keep> Cache<K, V> {
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
        question: K,
        deadline: &Deadline,
        ask: impl Future<Output = V>,
    ) -> Result<V, Expired> {
        let came = Instant::now();
        let slot = self.slot(question);
        let mut kept = deadline.bound(slot.lock()).await?;
        let now = Instant::now();
        if let Some(value) = kept.as_ref().and_then(|kept| kept.serve(came, now)) {
            return Ok(value);
        }
        let value = ask.await;
        let result = value.clone();
        let since = Instant::now();
        *kept = Some(Kept { since, value });
        Ok(result)
    }

    fn slot(&self, question: K) -> Arc<Slot<V>> {
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
fn make_room<K: Eq + Hash, V: Keep>(slots: &mut HashMap<K, Arc<Slot<V>>>, size: usize) {
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

impl<V: Keep> Kept<V> {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < self.value.holds().min(LONGEST)
    }

    /// The result for somebody who came at `came`, if it may be used at `now`.
    fn serve(&self, came: Instant, now: Instant) -> Option<V> {
        // A result that was found while one waited is as good as one's own.
        let is_mine = came < self.since && !self.value.timed_out();
        let since = |then| now.saturating_duration_since(then);
        (is_mine || self.is_fresh(now)).then(|| self.value.aged(since(self.since), since(came)))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

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
        cache: Cache<Question, Looked>,
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
            let question = question(name).folded();
            let result = self.cache.or_ask(question, &deadline, ask).await;
            result.expect("the deadline is far").result
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
        let waits = bench.cache.or_ask(question, &deadline, async { found(60) });
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against the times of all answers: nothing stale is served, what is left of a TTL is true,
        /// nothing fresh is asked again while there is room, and the size is kept.
        #[test]
        fn serves_what_holds_and_nothing_else(
            steps in prop::collection::vec((0_u8..6, 0_u32..40, 0_u64..20, any::<bool>()), 1..60)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async {
                let bench = Bench::new(8);
                let mut known: HashMap<u8, (Instant, u32)> = HashMap::new();
                for (name, ttl, pause, negative) in steps {
                    tokio::time::advance(Duration::from_secs(pause)).await;
                    let holds = known.get(&name).filter(|(since, ttl)| {
                        since.elapsed() < Duration::from_secs(u64::from(*ttl))
                    });
                    let (before, began) = (bench.asked.get(), Instant::now());
                    let looked = if negative {
                        failed(Kind::Nxdomain, ttl.into())
                    } else {
                        found(ttl)
                    };
                    let result = bench.ask(&format!("{name}.example"), looked).await;
                    assert_eq!(bench.asked.get() == before, holds.is_some());
                    if let (Some((since, ttl)), Ok(answer)) = (holds, &result) {
                        let age = (began - *since).as_secs();
                        assert_eq!(answer.source, Source::Cache);
                        assert_eq!(answer.ttl.map(u64::from), Some(u64::from(*ttl) - age));
                    }
                    if holds.is_none() {
                        known.insert(name, (Instant::now(), ttl));
                    }
                    assert!(bench.cache.slots.lock().unwrap().len() <= 8);
                }
            });
        }
    }
}
