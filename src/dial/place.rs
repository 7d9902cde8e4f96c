//! Where a target is, and a connection to one of those places: for whoever shares connections by
//! address, and so must know the address before there is a race.
//!
//! The questions, the order and the handshake are those of every dial; nothing is raced.

use std::net::IpAddr;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::Config;
use super::lookups::{families, headline, look_up};
use super::race::attempt::{inet_addr, unix_addr};
use super::race::wrong_family;
use super::tls::{self, Tls};
use crate::addr::{Endpoint, Family, Host, Target};
use crate::deadline::Deadline;
use crate::failure::{Failure, Kind, Stage};
use crate::io::Io;
use crate::net::tls::Handshake;
use crate::net::{Connection, PeerAddr};
use crate::policy::order;

/// The addresses of a target, the one wanted most first (RFC 6724); a name is looked up. What comes
/// within the Resolution Delay after the first answer is among them (RFC 8305 §3).
///
/// Errs with the failure of the lookup, or that of a literal that is not allowed. Cancel safe.
pub(crate) async fn addresses<I: Io>(
    target: &Target,
    config: &Config,
    io: &I,
    deadline: &Deadline,
) -> Result<Vec<PeerAddr>, Failure> {
    let families = families(target, config.family);
    match &target.endpoint {
        Endpoint::Unix(path) => Ok(vec![unix_addr(target, path)]),
        Endpoint::Inet {
            host: Host::Ip { ip, zone },
            ..
        } => {
            if !families.contains(&Family::of(*ip)) {
                return Err(wrong_family(target, *ip));
            }
            let scope_id = zone.as_ref().map_or(Ok(0), |zone| io.scope_id(zone))?;
            Ok(vec![inet_addr(target, *ip, scope_id)])
        }
        Endpoint::Inet {
            host: Host::Name(name),
            port,
        } => {
            let questions: FuturesUnordered<_> = families
                .into_iter()
                .map(|family| look_up(io, name, family, deadline))
                .collect();
            let (ips, failures) = answers(questions, config).await;
            let with_source = |ip| (ip, io.source_for((ip, *port).into()));
            let sorted = order::sort(ips.into_iter().map(with_source).collect());
            if sorted.is_empty() {
                return Err(headline(failures).unwrap_or_else(|| no_address(target)));
            }
            let addrs = sorted.into_iter().map(|ip| inet_addr(target, ip, 0));
            Ok(addrs.collect())
        }
    }
}

/// What the questions gave, without waiting for long for a second answer.
async fn answers<F>(
    mut questions: FuturesUnordered<F>,
    config: &Config,
) -> (Vec<IpAddr>, Vec<Failure>)
where
    F: Future<Output = super::lookups::Looked>,
{
    let (mut ips, mut failures) = (Vec::new(), Vec::new());
    let mut until = None;
    loop {
        let looked = match until {
            None => questions.next().await,
            Some(until) => tokio::time::timeout_at(until, questions.next())
                .await
                .unwrap_or_default(),
        };
        match looked.map(|looked| looked.result) {
            Some(Ok(answer)) => {
                until = until.or_else(|| Instant::now().checked_add(config.resolution_delay));
                ips.extend(answer.addresses);
            }
            Some(Err(failure)) => failures.push(failure),
            None => return (ips, failures),
        }
    }
}

fn no_address(target: &Target) -> Failure {
    let message = format!("{target} has no address");
    Failure::new(Stage::Resolve, Kind::NoData, message)
}

/// Connects to one address of a target, and shakes hands where it is dialled so: the connection, and
/// what the handshake came to.
///
/// Errs with the classified failure. Cancel safe: dropping the future closes the socket.
pub(crate) async fn connect<I: Io>(
    target: &Target,
    addr: &PeerAddr,
    config: &Config,
    io: &I,
    deadline: &Deadline,
) -> Result<(Box<dyn Connection>, Option<Handshake>), Failure> {
    let connection = io.connect(addr, &config.socket, deadline).await?;
    let Some(tls) = tls_of(target, config) else {
        return Ok((connection, None));
    };
    let secured = tls::secure(tls, target, connection, deadline).await;
    let (_, connection) = secured.result?;
    Ok((connection, Some(secured.handshake)))
}

/// Whom the peer of a connection to this target must have proved to be; `None` without TLS. Who wants
/// another name must not be given that connection.
pub(crate) fn proved_name(target: &Target, config: &Config) -> Result<Option<String>, Failure> {
    tls_of(target, config)
        .map(|tls| tls.name_of(target))
        .transpose()
}

fn tls_of<'a>(target: &Target, config: &'a Config) -> Option<&'a Tls> {
    config.tls.as_ref().filter(|tls| tls.applies_to(target))
}
