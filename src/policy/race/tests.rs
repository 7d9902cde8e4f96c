//! Exact timelines of every strategy, and the laws that hold for all of them.

use proptest::prelude::{Just, ProptestConfig, Strategy as Generator, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::*;

const V6A: &str = "2001:db8::1";
const V6B: &str = "2001:db8::2";
const V4A: &str = "192.0.2.1";
const V4B: &str = "192.0.2.2";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A source in the destination's own network, so that only family and order decide.
#[expect(clippy::unnecessary_wraps, reason = "the shape that a race asks for")]
fn source_for(destination: IpAddr) -> Option<IpAddr> {
    Some(if destination.is_ipv4() {
        ip("192.0.2.9")
    } else {
        ip("2001:db8::9")
    })
}

/// What happens in a scripted world, in milliseconds.
#[derive(Clone, Debug)]
struct World {
    config: Config,
    limit: u64,
    answers: Vec<(Family, u64, Vec<IpAddr>)>,
    /// How long each address takes to fail; `None` is silence until its limit.
    fails: fn(IpAddr) -> Option<u64>,
}

impl World {
    fn new(strategy: Strategy, fails: fn(IpAddr) -> Option<u64>) -> Self {
        let answers = vec![
            (Family::Ipv6, 0, vec![ip(V6A), ip(V6B)]),
            (Family::Ipv4, 0, vec![ip(V4A), ip(V4B)]),
        ];
        Self {
            config: Config {
                strategy,
                ..Config::default()
            },
            limit: 5_000,
            answers,
            fails,
        }
    }

    /// Plays until the race is over and returns each start: the moment and the address.
    fn play(&self) -> Vec<(u64, IpAddr)> {
        self.play_with_failures().0
    }

    /// The starts, and when attempts failed.
    fn play_with_failures(&self) -> (Vec<(u64, IpAddr)>, Vec<u64>) {
        let t0 = Instant::now();
        let deadline = Some(t0 + ms(self.limit));
        let mut race = Race::new(
            Config {
                deadline,
                ..self.config
            },
            &[Family::Ipv6, Family::Ipv4],
        );
        let (mut running, mut starts): (Vec<(u64, usize)>, _) = (Vec::new(), Vec::new());
        let mut failures = Vec::new();
        for now in 0..=self.limit {
            for (family, _, addrs) in self.answers.iter().filter(|(_, at, _)| *at == now) {
                race.answered(*family, addrs.clone(), t0 + ms(now), source_for);
            }
            for (_, attempt) in running.extract_if(.., |(at, _)| *at <= now) {
                race.failed(attempt);
                failures.push(now);
            }
            while let Step::Start {
                attempt,
                addr,
                until,
            } = race.next(t0 + ms(now))
            {
                let until = until.expect("a limit").duration_since(t0).as_millis();
                let until = u64::try_from(until).expect("a few seconds");
                let ends = (self.fails)(addr).map_or(until, |took| (now + took).min(until));
                running.push((ends, attempt));
                starts.push((now, addr));
            }
            if race.next(t0 + ms(now)) == Step::Over {
                break;
            }
        }
        (starts, failures)
    }

    fn check(&self, wanted: &[(u64, &str)]) {
        let wanted: Vec<_> = wanted.iter().map(|(at, addr)| (*at, ip(addr))).collect();
        assert_eq!(self.play(), wanted, "{self:?}");
    }
}

fn silence(_: IpAddr) -> Option<u64> {
    None
}

#[test]
fn rfc8305_interleaves_and_staggers_by_250_ms() {
    World::new(Strategy::Rfc8305, silence).check(&[(0, V6A), (250, V4A), (500, V6B), (750, V4B)]);
}

#[test]
fn rfc8305_goes_on_at_once_after_a_failure() {
    let fails = |addr| (addr == ip(V6A)).then_some(10);
    World::new(Strategy::Rfc8305, fails).check(&[(0, V6A), (10, V4A), (260, V6B), (510, V4B)]);
}

#[test]
fn rfc8305_waits_50_ms_for_aaaa() {
    let mut world = World::new(Strategy::Rfc8305, silence);
    world.answers[0].1 = 30;
    world.check(&[(30, V6A), (280, V4A), (530, V6B), (780, V4B)]);
    world.answers[0].1 = 100;
    world.check(&[(50, V4A), (300, V6A), (550, V4B), (800, V6B)]);
}

#[test]
fn rfc8305_starts_with_aaaa_before_a_is_answered() {
    let mut world = World::new(Strategy::Rfc8305, silence);
    world.answers[1].1 = 400;
    world.check(&[(0, V6A), (250, V6B), (500, V4A), (750, V4B)]);
}

#[test]
fn a_family_without_addresses_is_not_waited_for() {
    let mut world = World::new(Strategy::Rfc8305, silence);
    world.answers[0] = (Family::Ipv6, 10, vec![]);
    world.check(&[(10, V4A), (260, V4B)]);
}

#[test]
fn go_gives_the_first_family_300_ms_and_each_address_its_share() {
    // 5 s over two addresses: 2.5 s each, in both groups.
    let wanted = [(0, V6A), (300, V4A), (2_500, V6B), (2_650, V4B)];
    World::new(Strategy::Go, silence).check(&wanted);
}

#[test]
fn go_falls_back_at_once_when_the_first_family_has_failed() {
    let fails = |addr: IpAddr| addr.is_ipv6().then_some(20);
    let mut world = World::new(Strategy::Go, fails);
    world.answers[0].2.truncate(1);
    world.check(&[(0, V6A), (20, V4A), (2_510, V4B)]);
}

#[test]
fn go_waits_for_both_answers() {
    let mut world = World::new(Strategy::Go, silence);
    world.answers[1].1 = 700;
    assert_eq!(world.play()[0], (700, ip(V6A)));
}

#[test]
fn curl_leads_with_the_family_of_the_first_address() {
    let mut world = World::new(Strategy::Curl, silence);
    // Loopback IPv6 matches no source of ours: RFC 6724 rule 2 sorts it behind IPv4.
    world.answers[0].2 = vec![ip("::1")];
    world.answers[1].2.truncate(1);
    world.check(&[(0, V4A), (200, "::1")]);
}

#[test]
fn curl_halves_what_is_left_until_the_last_address_of_a_family() {
    // As curl 7.88 with --connect-timeout 5 and silent addresses: 2.5 s, 1.25 s, 0.625 s, the rest.
    let mut world = World::new(Strategy::Curl, silence);
    let v6 = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"];
    world.answers[0].2 = v6.map(ip).to_vec();
    world.answers[1].2.truncate(1);
    world.check(&[
        (0, v6[0]),
        (200, V4A),
        (2_500, v6[1]),
        (3_750, v6[2]),
        (4_375, v6[3]),
    ]);
}

#[test]
fn an_address_that_is_answered_twice_is_tried_once() {
    let mut world = World::new(Strategy::Serial, |_| Some(5));
    world.answers[0].2 = vec![ip(V6A), ip(V6A), ip(V6B), ip(V6A)];
    world.check(&[(0, V6A), (5, V6B), (10, V4A), (15, V4B)]);
}

#[test]
fn nothing_starts_when_the_time_is_over() {
    let mut world = World::new(Strategy::Serial, silence);
    world.limit = 1_000;
    world.check(&[(0, V6A)]);
}

#[test]
fn the_attempt_delay_of_rfc8305_is_never_below_10_ms() {
    let mut world = World::new(Strategy::Rfc8305, silence);
    world.config.attempt_delay = Some(ms(1));
    world.check(&[(0, V6A), (10, V4A), (20, V6B), (30, V4B)]);
}

#[test]
fn delays_beyond_the_clock_wait_for_events_only() {
    let mut world = World::new(Strategy::Rfc8305, |_| Some(40));
    world.config.attempt_delay = Some(Duration::MAX);
    world.config.resolution_delay = Duration::MAX;
    world.answers[0].1 = 300;
    world.check(&[(300, V6A), (340, V4A), (380, V6B), (420, V4B)]);
    world.config.strategy = Strategy::Go;
    world.check(&[(300, V6A), (340, V6B), (380, V4A), (420, V4B)]);
}

#[test]
fn curl_gives_ipv6_200_ms_and_an_address_half_of_what_is_left() {
    let wanted = [(0, V6A), (200, V4A), (2_500, V6B), (2_600, V4B)];
    World::new(Strategy::Curl, silence).check(&wanted);
}

#[test]
fn serial_gives_each_address_the_whole_attempt_timeout() {
    let mut world = World::new(Strategy::Serial, silence);
    world.config.attempt_timeout = Some(ms(1_000));
    world.check(&[(0, V6A), (1_000, V6B), (2_000, V4A), (3_000, V4B)]);
}

#[test]
fn after_a_win_nothing_starts_unless_all_are_raced() {
    for race_all in [false, true] {
        let now = Instant::now();
        let mut race = Race::new(
            Config {
                race_all,
                ..Config::default()
            },
            &[Family::Ipv4],
        );
        race.answered(Family::Ipv4, vec![ip(V4A), ip(V4B)], now, source_for);
        assert!(matches!(race.next(now), Step::Start { attempt: 0, .. }));
        race.won(0);
        assert_eq!(
            matches!(race.next(now + ms(250)), Step::Start { .. }),
            race_all
        );
    }
}

#[test]
fn no_addresses_at_all_is_over() {
    let now = Instant::now();
    let mut race = Race::new(Config::default(), &[Family::Ipv6, Family::Ipv4]);
    race.answered(Family::Ipv6, vec![], now, source_for);
    assert_eq!(race.next(now), Step::Wait(None));
    race.answered(Family::Ipv4, vec![], now, source_for);
    assert_eq!(race.next(now), Step::Over);
}

fn strategies() -> impl Generator<Value = Strategy> {
    prop_oneof![
        Just(Strategy::Rfc8305),
        Just(Strategy::Go),
        Just(Strategy::Curl),
        Just(Strategy::Serial)
    ]
}

fn world() -> impl Generator<Value = World> {
    let at = || 0..400_u64;
    (strategies(), at(), at(), 0..4_usize, 0..4_usize, 0..3_usize).prop_map(
        |(strategy, v6_at, v4_at, v6, v4, rule)| {
            let fails: [fn(IpAddr) -> Option<u64>; 3] =
                [silence, |_| Some(5), |addr| addr.is_ipv6().then_some(40)];
            let mut world = World::new(strategy, fails[rule]);
            let v6 = (0..v6)
                .map(|n| ip(&format!("2001:db8::{}", n + 1)))
                .collect();
            let v4 = (0..v4).map(|n| ip(&format!("192.0.2.{}", n + 1))).collect();
            world.answers = vec![(Family::Ipv6, v6_at, v6), (Family::Ipv4, v4_at, v4)];
            world.config.attempt_timeout = Some(ms(300));
            world
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_address_is_tried_exactly_once_when_all_fail(world in world()) {
        let mut tried: Vec<_> = world.play().into_iter().map(|(_, addr)| addr).collect();
        let mut known: Vec<_> = world.answers.iter().flat_map(|(.., addrs)| addrs.clone()).collect();
        tried.sort_unstable();
        known.sort_unstable();
        prop_assert_eq!(tried, known);
    }

    #[test]
    fn starts_keep_the_attempt_delay_unless_a_failure_came_between(world in world()) {
        let world = World { config: Config { strategy: Strategy::Rfc8305, ..world.config }, ..world };
        let (starts, failures) = world.play_with_failures();
        for pair in starts.windows(2) {
            let (before, after) = (pair[0].0, pair[1].0);
            let failed = failures.iter().any(|at| (before..=after).contains(at));
            prop_assert!(after - before >= 250 || failed, "{:?} {:?}", starts, failures);
        }
    }

    #[test]
    fn ipv4_waits_for_aaaa_as_long_as_the_strategy_says(world in world()) {
        let (aaaa, a) = (world.answers[0].1, world.answers[1].1);
        let earliest = match world.config.strategy {
            Strategy::Rfc8305 => aaaa.clamp(a, a + 50),
            _ => aaaa.max(a),
        };
        let starts = world.play();
        let first_v4 = starts.iter().find(|(_, addr)| addr.is_ipv4());
        prop_assert!(first_v4.is_none_or(|(at, _)| *at >= earliest), "{:?}", starts);
    }

    #[test]
    fn after_a_win_nothing_starts(world in world(), wins in 0..8_usize) {
        let now = Instant::now();
        let mut race = Race::new(world.config, &[Family::Ipv6, Family::Ipv4]);
        for (family, _, addrs) in &world.answers {
            race.answered(*family, addrs.clone(), now, source_for);
        }
        for step in 0..=wins {
            let now = now + ms(300) * u32::try_from(step).expect("at most 8");
            if let Step::Start { attempt, .. } = race.next(now) {
                if step == wins { race.won(attempt) } else { race.failed(attempt) }
            }
        }
        if race.won {
            prop_assert_eq!(race.next(now + ms(60_000)), Step::Over);
        }
    }

    #[test]
    fn nothing_starts_before_its_family_is_answered(world in world()) {
        for (at, addr) in world.play() {
            let answered = world.answers.iter().find(|(.., addrs)| addrs.contains(&addr));
            prop_assert!(answered.is_some_and(|(_, answer, _)| *answer <= at));
        }
    }
}
