//! Moves bytes between two layered streams, both ways, through borrowed buffers.
//!
//! The plain way is [`crate::net::relay`]; this one works with whatever lies over the sockets.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::listen::behaviours::{Lease, Pool, Stream};
use crate::net::relay::{Broken, Side};

/// How both sides have closed.
#[derive(Clone, Copy, Debug)]
pub(in crate::listen) struct Closed {
    /// Who closed first.
    pub(in crate::listen) by: Side,
    /// Who closed the connection, and not the TLS on it.
    pub(in crate::listen) cut: Option<Side>,
}

/// Moves bytes until both sides have closed; the end of one is passed on to the other, also one without
/// the end of TLS: the peer has sent what anybody would take for an end. Errs when one of them fails.
pub(super) async fn pump(
    client: &mut impl Stream,
    upstream: &mut impl Stream,
    pool: &Pool,
) -> Result<Closed, Broken> {
    let (client, upstream) = (RefCell::new(client), RefCell::new(upstream));
    let (mut up, mut down) = (Lane::default(), Lane::default());
    let mut closer = None;
    std::future::poll_fn(|cx| {
        let ups = up.poll(&client, &upstream, pool, cx);
        let ups = ups.map_err(|fault| fault.of(Side::Client, Side::Upstream))?;
        if ups.is_ready() {
            closer.get_or_insert(Side::Client);
        }
        let downs = down.poll(&upstream, &client, pool, cx);
        let downs = downs.map_err(|fault| fault.of(Side::Upstream, Side::Client))?;
        if downs.is_ready() {
            closer.get_or_insert(Side::Upstream);
        }
        ready!(ups);
        ready!(downs);
        Poll::Ready(Ok(Closed {
            by: closer.unwrap_or(Side::Client),
            cut: match (up.cut, down.cut) {
                (true, _) => Some(Side::Client),
                (_, true) => Some(Side::Upstream),
                _ => None,
            },
        }))
    })
    .await
}

/// Which end of a lane has failed.
enum Fault {
    Source(io::Error),
    Sink(io::Error),
}

impl Fault {
    fn of(self, source: Side, sink: Side) -> Broken {
        match self {
            Self::Source(error) => Broken {
                side: source,
                error,
            },
            Self::Sink(error) => Broken { side: sink, error },
        }
    }
}

/// One direction.
#[derive(Default)]
struct Lane {
    /// What was read, and how much of it has gone.
    held: Option<(Lease, usize)>,
    /// Something was written that may still be on its way through the layers.
    unflushed: bool,
    end: End,
    /// It ended with the connection, and TLS did not.
    cut: bool,
}

/// How far its end has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// The source has ended.
    Heard,
    /// The sink knows.
    PassedOn,
}

impl Lane {
    fn poll<F: Stream, T: Stream>(
        &mut self,
        from: &RefCell<&mut F>,
        to: &RefCell<&mut T>,
        pool: &Pool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Fault>> {
        while self.end != End::PassedOn {
            ready!(self.poll_write(*to.borrow_mut(), cx)).map_err(Fault::Sink)?;
            if self.end == End::Heard {
                ready!(Pin::new(&mut **to.borrow_mut()).poll_shutdown(cx)).map_err(Fault::Sink)?;
                self.end = End::PassedOn;
                break;
            }
            if self.unflushed {
                // It goes on its way while more is read.
                let flushed = Pin::new(&mut **to.borrow_mut()).poll_flush(cx);
                self.unflushed = flushed.map_err(Fault::Sink)?.is_pending();
            }
            match ready!(pool.poll_read(*from.borrow_mut(), cx)) {
                Ok(Some(bytes)) => self.held = Some((bytes, 0)),
                Ok(None) => self.end = End::Heard,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    (self.end, self.cut) = (End::Heard, true);
                }
                Err(error) => return Poll::Ready(Err(Fault::Source(error))),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, to: &mut impl Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, gone)) = &mut self.held {
            let count = ready!(Pin::new(&mut *to).poll_write(cx, &bytes[*gone..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *gone += count;
            self.unflushed = true;
            if *gone == bytes.len() {
                self.held = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}
