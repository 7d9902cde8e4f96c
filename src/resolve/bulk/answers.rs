//! What the engine makes of what comes back: replies, errors of the system, ends of TCP.

use std::time::Duration;

use super::engine::Engine;
use super::entry::OverTcp;
use super::keeps::Stored;
use super::packet::{self, Facts, Unfit};
use super::report::{Ending, Finished, Reply};
use super::tries::Key;
use crate::resolve::ledger::{Carrier, Trigger};
use crate::resolve::server::Transports;
use crate::resolve::wire::Rcode;

/// Refusals of the only server after which it is taken at its word: it may just be starting again.
const REFUSALS: u32 = 3;

/// A message that came, whole and to our question.
struct Arrived<'a> {
    key: Key,
    lane: usize,
    carrier: Carrier,
    bytes: &'a [u8],
    rtt: Duration,
}

impl Arrived<'_> {
    fn stored(&self) -> Stored {
        Stored {
            bytes: self.bytes.to_vec(),
            lane: self.lane,
            carrier: self.carrier,
            rtt: self.rtt,
        }
    }
}

impl Engine {
    /// A datagram came in on a port of a server.
    pub(super) fn received(
        &mut self,
        (lane, port): (usize, u32),
        bytes: &[u8],
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        let id = bytes.first_chunk().map(|id| u16::from_be_bytes(*id));
        let found = id.and_then(|id| self.lanes[lane].find(port, id));
        let entry = found.and_then(|(_, asked)| self.slab.get(asked.key));
        let (Some((serial, asked)), Some(entry)) = (found, entry) else {
            // Late, twice, or from somebody who guesses.
            self.lanes[lane].tally.ignored += 1;
            return;
        };
        let key = asked.key;
        match packet::check(bytes, &entry.query) {
            Err(Unfit::Foreign) => self.lanes[lane].tally.ignored += 1,
            Err(Unfit::Malformed) => self.malformed(key, lane),
            Ok(facts) => {
                let rtt = self.lanes[lane].answered(serial, now, !is_overload(&facts));
                if let Some(entry) = self.slab.get_mut(key) {
                    entry.live.retain(|one| *one != (lane, serial));
                }
                let carrier = Carrier::Udp;
                let arrived = Arrived {
                    key,
                    lane,
                    carrier,
                    bytes,
                    rtt,
                };
                self.take(&arrived, &facts, now, out);
            }
        }
    }

    fn malformed(&mut self, key: Key, lane: usize) {
        self.lanes[lane].tally.ignored += 1;
        if let Some(entry) = self.slab.get_mut(key) {
            entry.malformed = true;
        }
        self.ask_over_tcp(key, lane, Trigger::UdpUnusable);
    }

    /// Takes a reply for what it is.
    fn take(
        &mut self,
        arrived: &Arrived<'_>,
        facts: &Facts,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        let (key, lane) = (arrived.key, arrived.lane);
        if facts.truncated && arrived.carrier == Carrier::Udp {
            self.keep_best(arrived);
            if !self.ask_over_tcp(key, lane, Trigger::Truncated) {
                self.give_up(key, now, out);
            }
        } else if dislikes_edns(facts) && self.drop_edns(key) {
            self.enqueue(key);
        } else if is_good(facts) {
            self.succeed(arrived, facts, now, out);
        } else {
            self.keep_best(arrived);
            self.failed(key, lane, now, out);
        }
    }

    /// The server's answer is no help: another one is asked, if there is one.
    fn failed(
        &mut self,
        key: Key,
        lane: usize,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        let Some(entry) = self.slab.get_mut(key) else {
            return;
        };
        entry.mark_failed(lane);
        let entry = &*entry;
        let others = (0..self.lanes.len().min(64)).any(|other| !entry.has_failed(other));
        if others {
            self.enqueue(key);
        } else {
            self.give_up(key, now, out);
        }
    }

    fn succeed(
        &mut self,
        arrived: &Arrived<'_>,
        facts: &Facts,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        let hash = self.slab.get(arrived.key).and_then(|entry| entry.hash);
        if let (Some(keeps), Some(hash)) = (&mut self.keeps, hash) {
            let keep = facts.keep.filter(|_| !facts.truncated).unwrap_or(0);
            match keep {
                0 => keeps.drop_asked(hash),
                _ => keeps.keep(hash, arrived.stored(), keep, now),
            }
        }
        let reply = Reply {
            bytes: arrived.bytes,
            server: self.server(arrived.lane).addr,
            carrier: arrived.carrier,
            rtt: arrived.rtt,
        };
        self.finish(arrived.key, Ending::Reply(reply), now, out);
    }

    /// Keeps a reply for the case that nothing better comes.
    fn keep_best(&mut self, arrived: &Arrived<'_>) {
        if let Some(entry) = self.slab.get_mut(arrived.key) {
            let better = |best: &Stored| rank(arrived.bytes) > rank(&best.bytes);
            if entry.best.as_ref().is_none_or(better) {
                entry.best = Some(arrived.stored());
            }
        }
    }

    /// Leaves OPT out from now on; `false` if it was left out before.
    fn drop_edns(&mut self, key: Key) -> bool {
        let Some(entry) = self.slab.get_mut(key).filter(|entry| !entry.plain) else {
            return false;
        };
        entry.plain = true;
        packet::without_edns(&mut entry.query);
        self.config.options.edns.is_some()
    }

    /// Ends an entry with the best there is.
    pub(super) fn give_up(&mut self, key: Key, now: Duration, out: &mut impl FnMut(&Finished<'_>)) {
        let Some(entry) = self.slab.get_mut(key) else {
            return;
        };
        if let (Some(hash), Some(keeps)) = (entry.hash, &mut self.keeps) {
            keeps.drop_asked(hash);
        }
        let best = entry.best.take();
        let ending = match (&best, entry.errno) {
            (Some(best), _) => Ending::Reply(Reply {
                bytes: &best.bytes,
                server: self.config.servers[best.lane].addr,
                carrier: best.carrier,
                rtt: best.rtt,
            }),
            _ if entry.malformed => Ending::Malformed,
            (None, Some(errno)) => Ending::Unsent(errno),
            _ if entry.refused > 0 && entry.over_tcp != OverTcp::Running => Ending::PortClosed,
            _ => Ending::Silent,
        };
        self.finish(key, ending, now, out);
    }

    /// The system says that nobody listens on a server's port.
    pub(super) fn refused(
        &mut self,
        lane: usize,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        for key in self.lanes[lane].refused() {
            self.refused_one(key, lane, now, out);
        }
    }

    fn refused_one(
        &mut self,
        key: Key,
        lane: usize,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        let several = self.lanes.len() > 1;
        let udp_only = self.server(lane).transports == Transports::UdpOnly;
        let Some(entry) = self.slab.get_mut(key) else {
            return;
        };
        entry.refused += 1;
        entry.live.retain(|(other, _)| *other != lane);
        let (refused, over_tcp) = (entry.refused, entry.over_tcp);
        if several {
            self.enqueue(key);
        } else if refused >= REFUSALS && (udp_only || over_tcp == OverTcp::Failed) {
            self.give_up(key, now, out);
        } else {
            // It is asked again when its time comes: the server may just be starting.
            self.ask_over_tcp(key, lane, Trigger::UdpUnreachable);
        }
    }

    /// A datagram could not be sent to a server: no other one can.
    pub(super) fn unsent(
        &mut self,
        (key, lane): (Key, usize),
        errno: i32,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        if let Some(entry) = self.slab.get_mut(key) {
            entry.errno = Some(errno);
            self.failed(key, lane, now, out);
        }
    }

    /// A question over TCP was answered, so long after it was asked, or was not.
    pub(super) fn tcp_ended(
        &mut self,
        (key, lane): (Key, usize),
        reply: Option<&(Vec<u8>, Duration)>,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        let Some(entry) = self.slab.get_mut(key) else {
            return;
        };
        entry.over_tcp = OverTcp::Failed;
        let Some((bytes, rtt)) = reply else {
            return self.tcp_failed(key, lane, now, out);
        };
        match packet::check(bytes, &entry.query) {
            Ok(facts) => {
                let (carrier, rtt) = (Carrier::Tcp, *rtt);
                let arrived = Arrived {
                    key,
                    lane,
                    carrier,
                    bytes,
                    rtt,
                };
                self.take(&arrived, &facts, now, out);
            }
            Err(unfit) => {
                entry.malformed |= unfit == Unfit::Malformed;
                self.tcp_failed(key, lane, now, out);
            }
        }
    }

    /// Nothing came of TCP: what UDP brought has to do, or may still come.
    fn tcp_failed(
        &mut self,
        key: Key,
        lane: usize,
        now: Duration,
        out: &mut impl FnMut(&Finished<'_>),
    ) {
        let tcp_only = self.server(lane).transports == Transports::TcpOnly;
        let several = self.lanes.len() > 1;
        let Some(entry) = self.slab.get_mut(key) else {
            return;
        };
        let is_over = entry.best.is_some()
            || entry.malformed
            || entry.refused >= REFUSALS && !several
            || tcp_only && !several;
        if tcp_only {
            entry.refused += 1;
            entry.mark_failed(lane);
            entry.over_tcp = OverTcp::Unused;
        }
        let entry = &*entry;
        let others = (0..self.lanes.len().min(64)).any(|other| !entry.has_failed(other));
        if is_over || !others {
            self.give_up(key, now, out);
        } else if tcp_only {
            self.enqueue(key);
        }
    }
}

/// Whether the reply says what is to be known of the name.
fn is_good(facts: &Facts) -> bool {
    let rcode = Rcode(facts.rcode);
    (rcode == Rcode::NOERROR && !is_lame(facts)) || rcode == Rcode::NXDOMAIN
}

/// A server that only says who else to ask is no resolver for the name.
fn is_lame(facts: &Facts) -> bool {
    facts.referral && !facts.recursion_available
}

/// Errors by which a server says that it has too much to do.
fn is_overload(facts: &Facts) -> bool {
    [Rcode::SERVFAIL, Rcode::REFUSED].contains(&Rcode(facts.rcode))
}

/// Whether the server could not read the question because of the OPT record (RFC 6891 §7).
fn dislikes_edns(facts: &Facts) -> bool {
    let rcode = Rcode(facts.rcode);
    rcode == Rcode::BADVERS || !facts.edns && [Rcode::FORMERR, Rcode::NOTIMP].contains(&rcode)
}

/// How much a reply that is not good enough tells.
fn rank(bytes: &[u8]) -> u8 {
    let code = bytes.get(3).map_or(0, |codes| u16::from(codes & 0x0f));
    match Rcode(code) {
        Rcode::NXDOMAIN | Rcode::NOERROR => 3,
        Rcode::REFUSED => 1,
        _ => 2,
    }
}
