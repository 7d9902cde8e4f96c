//! The two seams of `netkit::io::Io`, scripted: no sockets, so that time can be paused.

mod connection;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use netkit::addr::Family;
use netkit::deadline::Deadline;
use netkit::failure::{Failure, Kind, Stage, Who};
use netkit::io::Io;
use netkit::net::{Connection, PeerAddr, SocketOptions};
use netkit::resolve::{Answer, Question, Source};
use tokio::time::Instant;

pub(crate) use connection::FakeConnection;

/// What a fake address does when it is connected.
#[derive(Clone, Debug)]
pub(crate) enum Connect {
    /// Connects after a while; the peer then says these bytes and closes if told so.
    After(Duration, Peer),
    /// Connects after a while; the peer speaks TLS and sends back what it gets.
    #[cfg(feature = "tls")]
    Tls(Duration, std::sync::Arc<tokio_rustls::rustls::ServerConfig>),
    /// Refuses after a while.
    Refuse(Duration),
    /// Never answers; honours the deadline.
    Silent,
    /// Never answers and ignores the deadline: a bug of the layer below.
    Stuck,
}

/// What the peer of a fake connection does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// Sent as soon as it is connected.
    pub(crate) greeting: Vec<u8>,
    /// Sends back what it gets.
    pub(crate) echo: bool,
    /// But that much later.
    pub(crate) delay: Duration,
    /// Closes after the greeting.
    pub(crate) close: bool,
    /// Closes in the middle, after so many bytes have come.
    pub(crate) closes_after: Option<usize>,
    /// Takes this many bytes and breaks the connection with the next; the greeting is still read.
    pub(crate) breaks_after: Option<usize>,
}

/// What a fake name server does with one question.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// These addresses after a while.
    After(Duration, Vec<IpAddr>),
    /// A failure after a while.
    Fail(Duration, Kind),
    /// Never answers; honours the deadline.
    Silent,
}

/// A scripted world.
#[derive(Debug, Default)]
pub(crate) struct FakeIo {
    connects: HashMap<IpAddr, Connect>,
    replies: HashMap<Family, Reply>,
    open: std::sync::Arc<AtomicUsize>,
    /// When each address was tried.
    pub(crate) tried: Mutex<Vec<(IpAddr, Instant)>>,
    /// How many lookups were made.
    pub(crate) lookups: AtomicUsize,
}

impl FakeIo {
    pub(crate) fn connect(mut self, ip: &str, connect: Connect) -> Self {
        self.connects
            .insert(ip.parse().expect("an address"), connect);
        self
    }

    pub(crate) fn reply(mut self, family: Family, reply: Reply) -> Self {
        self.replies.insert(family, reply);
        self
    }

    /// Connections that are open or being made.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

/// Counts a socket for as long as it lives.
#[derive(Debug)]
pub(crate) struct Open(std::sync::Arc<AtomicUsize>);

impl Open {
    fn new(count: &std::sync::Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Io for FakeIo {
    async fn connect(
        &self,
        addr: &PeerAddr,
        _: &SocketOptions,
        deadline: &Deadline,
    ) -> Result<Box<dyn Connection>, Failure> {
        let socket = addr.socket_addr().expect("an Internet address");
        self.tried
            .lock()
            .expect("not poisoned")
            .push((socket.ip(), Instant::now()));
        let open = Open::new(&self.open);
        match self.connects.get(&socket.ip()).expect("a scripted address") {
            Connect::After(delay, peer) => {
                tokio::time::sleep(*delay).await;
                Ok(Box::new(FakeConnection::new(socket, peer.clone(), open)))
            }
            #[cfg(feature = "tls")]
            Connect::Tls(delay, config) => {
                tokio::time::sleep(*delay).await;
                let config = config.clone();
                Ok(Box::new(FakeConnection::encrypted(socket, config, open)))
            }
            Connect::Refuse(delay) => {
                tokio::time::sleep(*delay).await;
                let message = format!("{socket} refused the connection");
                Err(Failure::new(Stage::Connect, Kind::Refused, message).by(Who::Peer))
            }
            Connect::Silent => {
                deadline.expired().await;
                Err(Failure::new(
                    Stage::Connect,
                    Kind::Filtered,
                    format!("no answer from {socket}"),
                ))
            }
            Connect::Stuck => std::future::pending().await,
        }
    }

    async fn lookup(&self, question: &Question, deadline: &Deadline) -> Result<Answer, Failure> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let started = Instant::now();
        match self
            .replies
            .get(&question.family)
            .expect("a scripted family")
        {
            Reply::After(delay, addresses) => {
                tokio::time::sleep(*delay).await;
                Ok(Answer {
                    addresses: addresses.clone(),
                    name: question.name.to_string(),
                    source: Source::Udp,
                    server: Some(SocketAddr::from(([192, 0, 2, 53], 53))),
                    ttl: Some(60),
                    took: started.elapsed().into(),
                    evidence: Vec::new(),
                })
            }
            Reply::Fail(delay, kind) => {
                tokio::time::sleep(*delay).await;
                Err(Failure::new(Stage::Resolve, *kind, "scripted"))
            }
            Reply::Silent => {
                deadline.expired().await;
                Err(Failure::new(
                    Stage::Resolve,
                    Kind::DnsTimeout,
                    "no name server answered",
                ))
            }
        }
    }

    fn source_for(&self, destination: SocketAddr) -> Option<IpAddr> {
        Some(if destination.is_ipv4() {
            IpAddr::from([192, 0, 2, 1])
        } else {
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
        })
    }

    fn scope_id(&self, _: &str) -> Result<u32, Failure> {
        Ok(1)
    }
}
