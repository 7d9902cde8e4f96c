//! Many targets at once, until their beats are over or the run is stopped.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::config::{Config, Probe};
use super::driver::Driver;
use super::event::{Event, Fact};
use super::log::Log;
use super::shared::Shared;
use super::{Fold, Report};
use crate::addr::Target;
use crate::event::Observer;
use crate::io::Io;
use crate::run::Cx;

/// Watches every target until its beats are over, it is given up, or the run is stopped.
///
/// Open loop: beat n is due at t0 + n · interval, whatever became of the ones before. Start offsets
/// are spread over the interval. The report is the fold of the events; interim ones come from folding
/// them with [`Fold`], as this does itself.
///
/// Cancel safety: dropping the future closes all sockets; cancel the token of `cx` to get the report.
/// Beats that are under way then have no verdict and are not counted.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use netkit::{addr::Target, event::Ignore, heartbeat, io::SystemIo, run::Cx};
/// use std::time::Duration;
/// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// let targets = [Target::from(listener.local_addr().unwrap())];
/// let config = heartbeat::Config {
///     interval: Duration::from_millis(2),
///     timeout: Some(Duration::from_secs(1)),
///     count: Some(3),
///     ..heartbeat::Config::default()
/// };
/// let (io, cx) = (SystemIo::default(), Cx::default());
/// let report = heartbeat::run(&targets, &config, &io, &cx, &mut Ignore).await;
/// assert_eq!(report.targets[0].scheduled, 3);
/// # });
/// ```
pub async fn run<I: Io>(
    targets: &[Target],
    config: &Config,
    io: &I,
    cx: &Cx,
    observer: &mut dyn Observer<Event>,
) -> Report {
    let fold = Fold::new(targets.iter().map(ToString::to_string));
    let log = Log::new(fold, cx, observer);
    let now = Instant::now();
    let most = config.pool.filter(|_| shares(&config.probe));
    let shared = most.map(|most| Shared::new(most, targets.len(), config));
    let mut drivers: FuturesUnordered<_> = targets
        .iter()
        .enumerate()
        .map(|(place, target)| {
            let t0 = now + offset(config.interval, place, targets.len());
            let driver = Driver::new((place, target), config, io, &log, t0);
            let datagrams = target.network.transport().is_datagram();
            match shared.as_ref().filter(|_| !datagrams) {
                Some(shared) => driver.with_shared(shared).run(),
                None => driver.run(),
            }
        })
        .collect();
    let all = async { while drivers.next().await.is_some() {} };
    tokio::select! {
        biased;
        () = log.stop().cancelled() => {}
        () = all => {}
        () = log.tick() => {}
    }
    let now = Instant::now();
    log.put(None, now, Fact::Done);
    log.report(log.at(now))
}

/// Whether a beat is an exchange that leaves its connection as it was: what a name server is asked
/// says whose answer it is, and needs no connection of its own.
fn shares(probe: &Probe) -> bool {
    matches!(probe, Probe::Echo | Probe::Line { .. })
}

/// Targets whose first beats would lie closer together than that begin together: a wake for each of a
/// thousand beats a second costs more than the beats do.
const TOGETHER: Duration = Duration::from_millis(10);
/// But in so many parts of the interval at least.
const PARTS: u32 = 10;

/// How long after the start the first beat of a target is due: spread over the interval.
fn offset(interval: Duration, place: usize, targets: usize) -> Duration {
    let (place, targets) = (place as u128, targets.max(1) as u128);
    let grain = TOGETHER.min(interval / PARTS).as_nanos().max(1);
    let even = interval.as_nanos() * place / targets;
    let nanos = if interval.as_nanos() / targets < grain {
        even / grain * grain
    } else {
        even
    };
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_spread_and_those_of_many_targets_come_in_small_groups() {
        let ms = Duration::from_millis;
        let offsets = |interval, targets| {
            let all: Vec<_> = (0..targets)
                .map(|at| offset(interval, at, targets))
                .collect();
            all
        };
        assert_eq!(offsets(ms(1_000), 4), [0, 250, 500, 750].map(ms));
        assert_eq!(offsets(ms(1), 2), [Duration::ZERO, ms(1) / 2]);
        let many = offsets(ms(1_000), 1_000);
        let groups = many.chunk_by(|a, b| a == b).map(<[_]>::len);
        assert_eq!(groups.collect::<Vec<_>>(), [10; 100]);
        assert_eq!(many.last(), Some(&ms(990)));
    }
}
