//! Connections to name servers, kept while they are of use: TCP, TLS, HTTP/2, QUIC, HTTP/3.
//!
//! One place (`Slot`) for each server and carrier; whoever comes first connects, the others wait
//! for that and share it. A connection on which a question did not end well is not used again.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::failure::{Errno, Failure};
use crate::net::tls::TlsFacts;

use super::ledger::{Attempt, Carrier, End, LinkFacts, Step};
use super::stream::{Partial, Stream};
use super::upstream::Upstream;

/// The octets of a message that came over a connection of one question a stream.
#[cfg(feature = "tls")]
pub(super) struct Reply(pub(super) Vec<u8>);

/// Why a conversation ended without a reply.
#[derive(Debug)]
pub(super) enum Broken {
    /// The server closed, with this much of a message.
    Closed { after_bytes: usize },
    /// What came cannot be used; the ledger says why.
    Unusable,
    /// The system or the protocol reported an error.
    Failed { errno: Option<Errno>, text: String },
    /// This machine's socket or a handshake failed, and it is known why.
    Explained(Box<Failure>),
    /// The HTTP status of a response without a message.
    #[cfg(feature = "tls")]
    Http { status: u16 },
}

impl Broken {
    /// Closes the books on a try that got as far as `step`.
    pub(super) fn end(self, step: Step) -> End {
        match self {
            Self::Closed { after_bytes } => End::Closed { after_bytes },
            Self::Unusable => End::Unusable,
            Self::Failed { errno, text } => End::Failed { step, errno, text },
            Self::Explained(failure) => End::Explained { step, failure },
            #[cfg(feature = "tls")]
            Self::Http { status } => End::Http { status },
        }
    }

    /// Whether a connection that was used before may simply have grown old.
    pub(super) fn may_be_stale(&self) -> bool {
        matches!(self, Self::Closed { after_bytes: 0 } | Self::Failed { .. })
    }
}

impl From<&io::Error> for Broken {
    fn from(error: &io::Error) -> Self {
        Self::Failed {
            errno: error.raw_os_error().map(Errno::from_code),
            text: error.to_string(),
        }
    }
}

#[cfg(feature = "tls")]
impl Broken {
    /// An error of the protocol.
    pub(super) fn protocol(text: String) -> Self {
        Self::Failed { errno: None, text }
    }

    /// A body beyond all bounds.
    pub(super) fn too_long() -> Self {
        Self::protocol("the message is longer than 65535 octets".to_owned())
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Explained(Box::new(failure))
    }
}

/// What a connection speaks.
#[derive(Debug)]
pub(super) enum Way {
    Stream(Stream),
    #[cfg(feature = "tls")]
    Http2(Box<super::https::Http2>),
    #[cfg(feature = "quic")]
    Quic(Box<crate::net::quic::QuicConnection>),
    #[cfg(feature = "quic")]
    Http3(Box<super::h3::Http3>),
}

impl Way {
    fn is_open(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.is_open(),
            #[cfg(feature = "tls")]
            Self::Http2(http) => http.is_open(),
            #[cfg(feature = "quic")]
            Self::Quic(quic) => quic.is_open(),
            #[cfg(feature = "quic")]
            Self::Http3(http) => http.is_open(),
        }
    }

    /// What has come of a message; `None` where messages are not cut by length.
    pub(super) fn partial(&self) -> Option<Partial> {
        match self {
            Self::Stream(stream) => Some(stream.partial()),
            #[cfg(feature = "tls")]
            _ => None,
        }
    }
}

/// A connection with what is known of it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) way: Way,
    local: Option<SocketAddr>,
    /// How long the transport took to stand, without TLS; `None` where that is one (QUIC).
    connect: Option<Duration>,
    tls: Option<Arc<TlsFacts>>,
    questions: AtomicU32,
}

impl Link {
    pub(super) fn new(
        way: Way,
        local: Option<SocketAddr>,
        connect: Option<Duration>,
        tls: Option<&TlsFacts>,
    ) -> Self {
        Self {
            way,
            local,
            connect,
            tls: tls.cloned().map(Arc::new),
            questions: AtomicU32::new(0),
        }
    }
}

/// A server and what carries the questions.
type Key = (Upstream, Carrier);

/// The connections of a client.
#[derive(Debug, Default)]
pub(super) struct Links {
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Held while connecting.
    turn: tokio::sync::Mutex<()>,
    link: Mutex<Option<Arc<Link>>>,
}

impl Slot {
    fn open_link(&self) -> Option<Arc<Link>> {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.clone().filter(|link| link.way.is_open())
    }

    fn put(&self, link: Option<Arc<Link>>) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }
}

impl Links {
    /// The connection to this server: the one that stands, or a new one made by `connect`. Its
    /// facts are written into the ledger entry. Cancel safe: dropping the future leaves no half
    /// connection behind.
    pub(super) async fn lease(
        &self,
        key: Key,
        entry: &mut Attempt,
        connect: impl Future<Output = Result<Link, Broken>>,
    ) -> Result<Lease, Broken> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry(key).or_default().clone()
        };
        let turn = slot.turn.lock().await;
        let (link, reused) = if let Some(link) = slot.open_link() {
            (link, true)
        } else {
            let link = Arc::new(connect.await?);
            slot.put(Some(link.clone()));
            (link, false)
        };
        drop(turn);
        entry.local = link.local;
        entry.link = Some(LinkFacts {
            reused,
            question: link.questions.fetch_add(1, Ordering::Relaxed) + 1,
            connect: link.connect,
            tls: link.tls.clone(),
        });
        Ok(Lease {
            slot,
            link,
            ended_well: false,
        })
    }
}

/// The use of a connection for one question. Unless it ends well the connection is given up.
pub(super) struct Lease {
    slot: Arc<Slot>,
    link: Arc<Link>,
    ended_well: bool,
}

impl Lease {
    /// The connection may be used again.
    pub(super) fn end_well(mut self) {
        self.ended_well = true;
    }
}

impl Deref for Lease {
    type Target = Link;

    fn deref(&self) -> &Link {
        &self.link
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.ended_well {
            return;
        }
        let mut link = self
            .slot
            .link
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if link
            .as_ref()
            .is_some_and(|other| Arc::ptr_eq(other, &self.link))
        {
            *link = None;
        }
    }
}
