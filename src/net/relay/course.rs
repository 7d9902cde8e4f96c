//! One direction of a relay: its ends, who counts its bytes, and who gets a copy of them.

use std::io;

use tokio::time::Instant;

use super::{Broken, Ends, Side};
use crate::net::layers::{Copies, Shadowed};
use crate::net::sys::Watched;

/// From where to where.
pub(super) struct Course<'a> {
    pub(super) from: &'a Watched,
    pub(super) to: &'a Watched,
    source: Side,
    ends: &'a Ends<'a>,
    /// Gets a copy of what passes.
    copies: Option<&'a Copies>,
}

impl<'a> Course<'a> {
    pub(super) fn up(ends: &'a Ends<'a>, shadowed: &'a Shadowed) -> Self {
        Self {
            from: ends.client.0,
            to: ends.upstream.0,
            source: Side::Client,
            ends,
            copies: shadowed.read.as_ref(),
        }
    }

    pub(super) fn down(ends: &'a Ends<'a>, shadowed: &'a Shadowed) -> Self {
        Self {
            from: ends.upstream.0,
            to: ends.client.0,
            source: Side::Upstream,
            ends,
            copies: shadowed.written.as_ref(),
        }
    }

    /// Whether bytes may pass unseen.
    pub(super) fn may_be_blind(&self) -> bool {
        self.copies.is_none_or(|copies| !copies.are_wanted())
    }

    /// These were read just now.
    pub(super) fn read(&self, bytes: &[u8], now: Instant) {
        self.count_read(bytes.len(), now);
        if let Some(copies) = self.copies {
            copies.push(bytes);
        }
    }

    /// So many were read unseen.
    pub(super) fn read_blind(&self, count: usize) {
        self.count_read(count, Instant::now());
        if let Some(copies) = self.copies {
            copies.miss(count);
        }
    }

    /// The source has closed.
    pub(super) fn ended(&self) {
        if let Some(copies) = self.copies {
            copies.end();
        }
    }

    fn count_read(&self, count: usize, now: Instant) {
        let meter = match self.source {
            Side::Client => self.ends.client_meter,
            Side::Upstream => self.ends.upstream_meter,
        };
        meter.pass_at(now, count as u64, 0);
    }

    pub(super) fn written(&self, count: usize, now: Instant) {
        let meter = match self.source {
            Side::Client => self.ends.upstream_meter,
            Side::Upstream => self.ends.client_meter,
        };
        meter.pass_at(now, 0, count as u64);
    }

    pub(super) fn source_failed(&self, error: io::Error) -> Broken {
        let side = self.source;
        Broken { side, error }
    }

    pub(super) fn sink_failed(&self, error: io::Error) -> Broken {
        let side = match self.source {
            Side::Client => Side::Upstream,
            Side::Upstream => Side::Client,
        };
        Broken { side, error }
    }
}
