//! One connection from its first byte to its last: its layers, what is said on it, a polite end.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::attend::{Attendance, Ended, Guest, left};
use super::behaviours::{self, Ending};
use super::config::Behaviour;
use super::event::{Event, Piece, Proxied};
use super::forward::{Forward, Job, Opening, Parted, unreached};
use super::spared::spared;
use super::wire::{self, Carrier, Talk, Wire};
use crate::failure::{Failure, Kind, Stage, Who};
use crate::net::layers::{Copies, End, Metered, Mirrored, Prefixed, Recorded, Shadowed, Tape, Way};
use crate::net::proxy_protocol::{self, Ends};
use crate::net::relay::Side;
use crate::net::serve::{Cause, Newcomer};
use crate::net::{Close, TcpInfo};
use crate::policy::fault::Direction;

/// How long, after everything was said, the peer is still listened to: closing at once would turn
/// what it is still sending into a reset, and take from it what it has not read yet.
const LINGER: Duration = Duration::from_secs(2);
/// How long what comes before the conversation may take: the PROXY header, the TLS handshake.
pub(super) const PROLOGUE: Duration = Duration::from_secs(10);

/// How a conversation came to its end.
enum Said {
    /// The behaviour was at its end.
    Ending(Ending),
    /// It was forwarded.
    Parted(Parted),
    /// A fault has ended it for what was said.
    HungUp,
    /// It never began.
    Refused,
}

/// What a PROXY header left.
#[derive(Default)]
struct Introduced {
    ends: Option<Ends>,
    /// Bytes that came after it.
    rest: Vec<u8>,
}

impl Attendance {
    /// Serves a connection over its layers.
    pub(super) async fn attend_stream(
        &self,
        new: Newcomer,
        guest: &Guest,
    ) -> (Ended, Option<TcpInfo>) {
        let may_stall = self.config.controlled || guest.down.may_stall();
        // Without a descriptor for it the peer's leaving is not noticed.
        let watcher = may_stall.then(|| new.watcher().ok()).flatten();
        let connection = match new.into_connection() {
            Ok(connection) => connection,
            Err(error) => return (Ended::of(&error), None),
        };
        let metered = Metered::new(connection, guest.meter.clone());
        let heard = self.heard(guest, Direction::Down);
        let mut stream = guest.down.over(metered, self.config.seed, guest.id, &heard);
        if self.config.behaviour == Behaviour::Discard {
            wire::faulty(&mut stream).count_received();
        }
        let watch = spared(async {
            tokio::select! {
                biased;
                cause = self.ended(guest) => cause.into(),
                cause = left(watcher, guest) => cause.into(),
            }
        });
        let ended = tokio::select! {
            biased;
            ended = watch => ended,
            ended = self.serve(&mut stream, guest) => ended,
        };
        let connection = wire::socket(&mut stream);
        let info = connection.tcp_info();
        if ended.reset {
            connection.set_close(Close::Rst);
        }
        (ended, info)
    }

    /// The conversation, and a polite end.
    async fn serve(&self, stream: &mut Wire, guest: &Guest) -> Ended {
        match self.speak(stream, guest).await {
            Ok(Said::Ending(ending)) => self.concluded(stream, ending).await,
            Ok(Said::Parted(parted)) => self.parted(stream, guest, parted).await,
            Ok(Said::HungUp) => {
                self.linger(stream).await;
                Cause::Fault.into()
            }
            // After an alert of TLS there is more to read for the client than a reset.
            Ok(Said::Refused) if self.tls().is_some() => Cause::Handshake.into(),
            Ok(Said::Refused) => Ended::by_reset(Cause::Handshake),
            Err(error) => self.broken(stream, guest, &error).await,
        }
    }

    async fn speak(&self, stream: &mut Wire, guest: &Guest) -> io::Result<Said> {
        let Some(introduced) = self.introduction(stream, guest).await? else {
            return Ok(Said::Refused);
        };
        let ends = introduced.ends.or_else(|| self.own_ends(stream, guest));
        if let Behaviour::Forward(forward) = &self.config.behaviour
            && self.is_plain(guest)
        {
            let shadowed = self.shadowed(guest);
            if let Some(copies) = &shadowed.read
                && !introduced.rest.is_empty()
            {
                copies.push(&introduced.rest);
            }
            let opening = Opening::new(forward, ends, introduced.rest);
            let parted = self.relay(forward, stream, guest, shadowed, opening);
            let parted = parted.await;
            return Ok(Said::Parted(parted));
        }
        let plain = Prefixed::new(stream, introduced.rest);
        let Some(carrier) = self.secured(plain, guest).await? else {
            return Ok(Said::Refused);
        };
        self.talk(carrier, guest, ends).await
    }

    /// What is said on a connection that stands.
    async fn talk(
        &self,
        carrier: Carrier<'_>,
        guest: &Guest,
        ends: Option<Ends>,
    ) -> io::Result<Said> {
        let heeding = guest
            .down
            .heeding(carrier, &self.heard(guest, Direction::Down));
        let mirrored = Mirrored::new(heeding, self.shadowed(guest));
        let mut talk = Recorded::new(mirrored, self.tape(guest));
        let said = self.converse(&mut talk, guest, ends).await;
        let heeding = wire::heeding(&mut talk);
        if heeding.end().is_some() {
            // Closed as whoever speaks would: with TLS, not without a word.
            let _ = heeding.inner_mut().shutdown().await;
            return Ok(Said::HungUp);
        }
        said
    }

    async fn converse(
        &self,
        talk: &mut Talk<'_>,
        guest: &Guest,
        ends: Option<Ends>,
    ) -> io::Result<Said> {
        match &self.config.behaviour {
            Behaviour::Forward(forward) => {
                let opening = Opening::new(forward, ends, Vec::new());
                let parted = self.forward(forward, talk, guest, opening).await;
                Ok(Said::Parted(parted))
            }
            behaviour => {
                let peer = ends.map(|ends| ends.source).or(guest.peer);
                let run = behaviours::run(behaviour, talk, peer, &self.pool);
                let ending = run.await?;
                if ending != Ending::Reset {
                    talk.shutdown().await?;
                }
                Ok(Said::Ending(ending))
            }
        }
    }

    /// Both ends of a connection as the kernel knows them, where the service has to be told.
    fn own_ends(&self, stream: &mut Wire, guest: &Guest) -> Option<Ends> {
        let Behaviour::Forward(forward) = &self.config.behaviour else {
            return None;
        };
        forward.proxy?;
        let source = guest.peer?;
        let local = wire::socket(stream).facts().local?;
        let destination = local.parse().ok()?;
        Some(Ends {
            source,
            destination,
        })
    }

    /// Has the client's bytes copied, where there is a shadow.
    fn shadowed(&self, guest: &Guest) -> Shadowed {
        let mirrors = self.mirrors.borrow();
        let (Some(mirrors), Some(mirror)) = (&*mirrors, self.mirror()) else {
            return Shadowed::default();
        };
        let copies = || Copies::new(super::forward::BUFFER);
        let (said, answered) = (copies(), mirror.compare.then(copies));
        mirrors.take(Job {
            id: guest.id,
            listener: guest.listener,
            peer: guest.peer,
            said: said.clone(),
            answered: answered.clone(),
        });
        Shadowed {
            read: Some(said),
            written: answered,
        }
    }

    /// Tells every piece that passes, where that is asked for.
    fn tape(&self, guest: &Guest) -> Option<Tape> {
        if !self.config.record {
            return None;
        }
        let (id, listener, peer) = (guest.id, guest.listener, guest.peer);
        let told = self.told.clone();
        Some(Box::new(move |way, bytes| {
            let piece = Piece {
                id,
                listener,
                peer,
                direction: match way {
                    Way::In => Direction::Up,
                    Way::Out => Direction::Down,
                },
                bytes: bytes.to_vec(),
            };
            let _ = told.send((Instant::now(), Event::Piece(piece)));
        }))
    }

    /// Whether nothing but the sockets is needed to forward a connection.
    fn is_plain(&self, guest: &Guest) -> bool {
        let config = &self.config;
        let struck = !(guest.down.are_none() && guest.up.are_none());
        let seen = config.telling.dump > 0 || config.record;
        let held = config.max_bytes.is_some() || config.controlled || self.tls().is_some();
        !struck && !seen && !held
    }

    fn mirror(&self) -> Option<&super::forward::Mirror> {
        match &self.config.behaviour {
            Behaviour::Forward(forward) => forward.mirror.as_ref(),
            _ => None,
        }
    }

    async fn forward(
        &self,
        forward: &Forward,
        talk: &mut Talk<'_>,
        guest: &Guest,
        opening: Opening,
    ) -> Parted {
        match self.reach(forward, guest, opening.before_tls).await {
            Some(upstream) => self.exchange(talk, upstream, guest, opening.first).await,
            None => Parted::Unreached,
        }
    }

    /// Reads the PROXY header, where there has to be one; `None` refuses the connection.
    async fn introduction(
        &self,
        stream: &mut Wire,
        guest: &Guest,
    ) -> io::Result<Option<Introduced>> {
        if !self.config.accept_proxy {
            return Ok(Some(Introduced::default()));
        }
        let read = tokio::time::timeout(PROLOGUE, read_header(stream)).await;
        let (ends, introduced, failure) = match read {
            Ok(Ok(Ok(introduced))) => (introduced.ends, Some(introduced), None),
            Ok(Ok(Err(invalid))) => (None, None, Some(invalid.to_string())),
            Ok(Err(error)) => return Err(error),
            Err(_) => (None, None, Some("no PROXY header came in time".to_owned())),
        };
        guest.client.set(ends.map(|ends| ends.source));
        let failure = failure.map(|message| {
            Failure::new(Stage::Receive, Kind::UnexpectedReply, message).by(Who::Peer)
        });
        self.tell(Event::Proxied(Box::new(Proxied {
            id: guest.id,
            listener: guest.listener,
            peer: guest.peer,
            ends,
            failure,
        })));
        Ok(introduced)
    }

    /// After everything was said.
    async fn concluded(&self, stream: &mut Wire, ending: Ending) -> Ended {
        let cause = match ending {
            Ending::Fin => return Cause::Fin.into(),
            Ending::Reset => return Ended::by_reset(Cause::Finished),
            Ending::Finished => Cause::Finished,
            Ending::Unexpected => Cause::Unexpected,
        };
        self.linger(stream).await;
        cause.into()
    }

    /// After a connection was forwarded.
    async fn parted(&self, stream: &mut Wire, guest: &Guest, parted: Parted) -> Ended {
        match parted {
            Parted::Closed(closed) => {
                let cause = match closed.by {
                    Side::Client => Cause::Fin,
                    Side::Upstream => Cause::UpstreamFin,
                };
                Ended::from(cause).cut_by(closed.cut)
            }
            Parted::Unreached => unreached(),
            Parted::ClientFailed(error) => self.broken(stream, guest, &error).await,
            Parted::UpstreamFailed(ended) => ended,
        }
    }

    /// Why a stream has failed: a fault, a limit, the peer.
    async fn broken(&self, stream: &mut Wire, guest: &Guest, error: &io::Error) -> Ended {
        let faulty = wire::faulty(stream);
        match faulty.end() {
            Some(End::Fin) => {
                // What the fault has let through arrives; then the end.
                let beneath = faulty.inner_mut();
                let _ = beneath.shutdown().await;
                let discard = async { while let Ok(Some(_)) = self.pool.read(beneath).await {} };
                let _ = tokio::time::timeout(LINGER, discard).await;
                Cause::Fault.into()
            }
            Some(_) => Ended::by_reset(Cause::Fault),
            None if guest.meter.is_over() => {
                let _ = stream.shutdown().await;
                // Beneath the limit: what is left unread would turn the end into a reset.
                let socket = wire::socket(stream);
                let discard = async { while let Ok(Some(_)) = self.pool.read(socket).await {} };
                let _ = tokio::time::timeout(LINGER, discard).await;
                Cause::MaxBytes.into()
            }
            None => Ended::of(error),
        }
    }

    /// Listens to the peer until it closes too, but not for long.
    async fn linger(&self, stream: &mut Wire) {
        let discard = async { while let Ok(Some(_)) = self.pool.read(stream).await {} };
        // Whatever comes is not for us any more.
        let _ = tokio::time::timeout(LINGER, discard).await;
    }
}

/// Reads up to the end of the header, and whatever comes with it.
async fn read_header(stream: &mut Wire) -> io::Result<Result<Introduced, proxy_protocol::Invalid>> {
    let mut bytes = Vec::with_capacity(256);
    loop {
        match proxy_protocol::parse(&bytes) {
            Ok(Some(header)) => {
                let rest = bytes.split_off(header.length);
                let ends = header.ends;
                return Ok(Ok(Introduced { ends, rest }));
            }
            Err(invalid) => return Ok(Err(invalid)),
            Ok(None) => {}
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(Err(proxy_protocol::Invalid::Malformed("it was cut short")));
        }
    }
}
