//! One question over a connection, whatever carries it: TCP (RFC 7766), TLS, HTTPS, QUIC, HTTP/3.
//!
//! It fills its ledger entries and decides nothing but this: a connection that was used before and
//! has grown old is made anew once.

use super::client::Client;
use super::exchange::Clock;
use super::ledger::{Attempt, Carrier, End, Step, Trigger};
use super::link::{Broken, Lease, Way};
use super::query::Query;
use super::stream::{Heard, Partial, Stream};
use super::upstream::Upstream;
use super::wire::Reply;

/// A reply with its octets.
pub(super) type Came = (Reply, Box<[u8]>);

/// What stays the same for every try of a question over connections.
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) upstream: &'a Upstream,
    pub(super) query: &'a Query,
    pub(super) clock: &'a Clock,
    pub(super) carrier: Carrier,
}

impl Asking<'_> {
    /// Asks by the deadline of the clock. Every entry is closed when this returns.
    ///
    /// Cancel safe: dropping the future gives the connection up.
    pub(super) async fn ask(&self, trigger: Trigger, entries: &mut Vec<Attempt>) -> Option<Came> {
        let mut trigger = trigger;
        loop {
            let at = self.clock.elapsed();
            let bytes = self.query.bytes().len();
            entries.push(Attempt::open(self.carrier, trigger, at, bytes));
            let entry = entries.last_mut()?;
            let (came, is_stale) = self.once(entry).await;
            if came.is_some() || !is_stale {
                return came;
            }
            trigger = Trigger::Reconnected;
        }
    }

    /// One try; the second value says that the connection had grown old.
    async fn once(&self, entry: &mut Attempt) -> (Option<Came>, bool) {
        let (mut step, mut partial) = (Step::Connect, None);
        let talk = self.talk(entry, &mut step, &mut partial);
        let (end, came, is_stale) = match self.clock.deadline.bound(talk).await {
            Ok(Ok(came)) if came.0.truncated => (End::Truncated, Some(came), false),
            Ok(Ok(came)) => (End::Replied(came.0.rcode), Some(came), false),
            Ok(Err(broken)) => {
                let was_used = entry.link.as_ref().is_some_and(|link| link.reused);
                let is_stale = was_used && entry.received_bytes == 0 && broken.may_be_stale();
                (broken.end(step), None, is_stale)
            }
            Err(expired) => (End::expired(step, expired), None, false),
        };
        if came.is_none() {
            entry.received_bytes += partial.map_or(0, |partial: Partial| partial.octets() as u64);
        }
        entry.close(self.clock.elapsed(), end);
        (came, is_stale)
    }

    async fn talk(
        &self,
        entry: &mut Attempt,
        step: &mut Step,
        partial: &mut Option<Partial>,
    ) -> Result<Came, Broken> {
        let lease = self.client.lease(self.upstream, entry, step).await?;
        *partial = lease.way.partial();
        let came = self.converse(&lease, entry, step).await?;
        lease.end_well();
        Ok(came)
    }

    async fn converse(
        &self,
        lease: &Lease,
        entry: &mut Attempt,
        step: &mut Step,
    ) -> Result<Came, Broken> {
        match &lease.way {
            Way::Stream(stream) => self.over_stream(stream, entry, step).await,
            #[cfg(feature = "tls")]
            Way::Http2(http) => {
                let asked = super::doh::request(self.upstream, self.query.bytes());
                let reply = http.ask(asked, entry, step, |entry| self.sent(entry));
                let reply = Box::pin(reply).await?;
                self.over_http(reply, entry)
            }
            #[cfg(feature = "quic")]
            Way::Quic(quic) => Box::pin(self.over_quic(quic, entry, step)).await,
            #[cfg(feature = "quic")]
            Way::Http3(http) => {
                let asked = super::doh::request(self.upstream, self.query.bytes());
                let reply = http.ask(asked, entry, step, |entry| self.sent(entry));
                let reply = Box::pin(reply).await?;
                self.over_http(reply, entry)
            }
        }
    }

    fn sent(&self, entry: &mut Attempt) {
        (entry.sent, entry.asked) = (1, Some(self.clock.elapsed()));
    }

    /// Reads messages until one answers the question.
    async fn over_stream(
        &self,
        stream: &Stream,
        entry: &mut Attempt,
        step: &mut Step,
    ) -> Result<Came, Broken> {
        *step = Step::Send;
        let mut heard = stream.ask(self.query.id(), self.query.bytes()).await;
        loop {
            match heard.recv().await {
                Some(Heard::Sent) => {
                    self.sent(entry);
                    *step = Step::Receive;
                }
                Some(Heard::Message(message)) => {
                    entry.received_bytes += message.len() as u64;
                    if let Some(reply) = self.judge(&message, entry)? {
                        return Ok((reply, message));
                    }
                }
                Some(Heard::Failed {
                    sending,
                    errno,
                    text,
                }) => {
                    *step = if sending { Step::Send } else { Step::Receive };
                    return Err(Broken::Failed { errno, text });
                }
                Some(Heard::Closed { after_bytes }) => return Err(Broken::Closed { after_bytes }),
                None => return Err(Broken::Closed { after_bytes: 0 }),
            }
        }
    }

    /// Takes a message for the reply, or notes it; a bad one from the server itself ends the wait.
    fn judge(&self, message: &[u8], entry: &mut Attempt) -> Result<Option<Reply>, Broken> {
        match self.query.reply(message) {
            Ok(reply) => Ok(Some(reply)),
            Err(why) => {
                let is_last = why.is_bad_reply();
                entry.ignore(self.clock.elapsed(), message, why);
                if is_last {
                    Err(Broken::Unusable)
                } else {
                    Ok(None)
                }
            }
        }
    }

    /// Where one stream carries one reply there is nothing to wait for after a wrong one.
    #[cfg(feature = "tls")]
    fn only(&self, message: Vec<u8>, entry: &mut Attempt) -> Result<Came, Broken> {
        match self.judge(&message, entry)? {
            Some(reply) => Ok((reply, message.into())),
            None => Err(Broken::Unusable),
        }
    }

    #[cfg(feature = "tls")]
    fn over_http(
        &self,
        super::link::Reply(message): super::link::Reply,
        entry: &mut Attempt,
    ) -> Result<Came, Broken> {
        let facts = entry.http.clone().unwrap_or_default();
        if super::doh::holds_message(&facts) {
            return self.only(message, entry);
        }
        if !(200..300).contains(&facts.status) {
            return Err(Broken::Http {
                status: facts.status,
            });
        }
        let why = super::ledger::Unusable::NotDns {
            content_type: facts.content_type.unwrap_or_default(),
        };
        entry.ignore(self.clock.elapsed(), &message, why);
        Err(Broken::Unusable)
    }

    #[cfg(feature = "quic")]
    async fn over_quic(
        &self,
        quic: &crate::net::quic::QuicConnection,
        entry: &mut Attempt,
        step: &mut Step,
    ) -> Result<Came, Broken> {
        /// Length and message (RFC 9250 §4.2).
        const LIMIT: usize = 2 + 65_535;
        *step = Step::Send;
        let question = super::stream::framed(self.query.bytes());
        let sent = || {
            self.sent(entry);
            *step = Step::Receive;
        };
        let bytes = quic.converse(&question, LIMIT, sent).await;
        let bytes = bytes.map_err(super::client::not_connected)?;
        let Some((length, rest)) = bytes.split_first_chunk() else {
            let after_bytes = bytes.len();
            return Err(Broken::Closed { after_bytes });
        };
        let message = rest.get(..usize::from(u16::from_be_bytes(*length)));
        let Some(message) = message.map(<[u8]>::to_vec) else {
            let after_bytes = rest.len();
            return Err(Broken::Closed { after_bytes });
        };
        entry.received_bytes += message.len() as u64;
        self.only(message, entry)
    }
}
