//! Many targets at once, until their beats are over or the run is stopped.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::config::Config;
use super::driver::Driver;
use super::event::{Event, Fact};
use super::log::Log;
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
    let count = u32::try_from(targets.len()).unwrap_or(u32::MAX).max(1);
    let mut drivers: FuturesUnordered<_> = (0..)
        .zip(targets.iter().enumerate())
        .map(|(place, target): (u32, _)| {
            let offset = config.interval / count * place;
            Driver::new(target, config, io, &log, offset).run()
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
