//! TLS on the connections of a server: the handshake before the conversation.

use std::io;

use super::attend::{Attendance, Guest};
use super::wire::{Carrier, Wire};
use crate::net::layers::Prefixed;

#[cfg(not(feature = "tls"))]
impl Attendance {
    #[expect(clippy::unused_self, reason = "with the feature `tls` it is")]
    pub(super) fn tls(&self) -> Option<std::convert::Infallible> {
        None
    }

    /// There is no TLS without the feature.
    #[expect(clippy::unused_async, reason = "with the feature `tls` it waits")]
    pub(super) async fn secured<'a>(
        &self,
        plain: Prefixed<&'a mut Wire>,
        _: &Guest,
    ) -> io::Result<Option<Carrier<'a>>> {
        Ok(Some(Carrier::Plain(plain)))
    }
}

#[cfg(feature = "tls")]
impl Attendance {
    pub(super) fn tls(&self) -> Option<&crate::net::tls::TlsServer> {
        self.means.tls.as_ref()
    }

    /// Shakes hands, where TLS is asked for; `None` refuses the connection.
    pub(super) async fn secured<'a>(
        &self,
        plain: Prefixed<&'a mut Wire>,
        guest: &Guest,
    ) -> io::Result<Option<Carrier<'a>>> {
        use super::event::{Event, Secured};
        use crate::net::layers::Flushed;
        let Some(tls) = self.tls() else {
            return Ok(Some(Carrier::Plain(plain)));
        };
        let name = guest
            .peer
            .map_or_else(|| "the client".to_owned(), |peer| peer.to_string());
        let deadline = crate::deadline::Deadline::after(super::converse::PROLOGUE);
        let shaken = tls.handshake(plain, &name, &deadline).await;
        let (carrier, accepted, failure) = match shaken {
            Ok((stream, accepted)) => {
                let stream = Box::new(Flushed::new(stream));
                (Some(Carrier::Tls(stream)), Some(accepted), None)
            }
            Err(failure) => (None, None, Some(failure)),
        };
        self.tell(Event::Secured(Box::new(Secured {
            id: guest.id,
            listener: guest.listener,
            peer: guest.peer,
            accepted,
            failure,
        })));
        Ok(carrier)
    }
}
