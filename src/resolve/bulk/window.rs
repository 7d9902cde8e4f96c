//! How many questions a server may have before it at once: grows until it hurts.
//!
//! Additive increase and multiplicative decrease (Chiu and Jain 1989) with an opening that doubles,
//! judged over groups of consecutive datagrams. Three things differ from TCP's, each because of
//! what is measured here: loss that a smaller window does not cure is not ours, so the cut is taken
//! back and that much loss accepted from then on; growth ends when even the fastest reply of a
//! group has stood in a queue; and when nothing at all comes back, the window closes to its least,
//! so that a dead server costs the living ones nothing. Pure.

use std::time::Duration;

/// Where a window begins.
const FIRST: f64 = 32.0;
/// Datagrams of a group at least, so that a server that comes back is believed soon …
const GROUP_LEAST: u32 = 4;
/// … and at most, so that the verdict comes soon.
const GROUP_MOST: u32 = 512;
/// More loss than what is accepted, by this share, is too much.
const TOLERANCE: f64 = 0.02;
/// The share of a group whose loss means that nobody answers.
const DEAD: f64 = 0.9;
/// A standing queue that is no reason to stop: it keeps a server busy that answers in microseconds
/// until the next questions come, and is less than the room that servers have for them.
const QUEUE: Duration = Duration::from_micros(500);
/// A cut cures a loss that falls below this share of what it was.
const CURED: f64 = 0.6;

/// The window of one server.
#[derive(Clone, Debug)]
pub(super) struct Window {
    size: f64,
    most: f64,
    /// Before the first trouble.
    opening: bool,
    /// The fastest reply ever.
    fastest: Option<Duration>,
    /// The share of loss that a smaller window did not cure.
    accepted: f64,
    cut: Option<Cut>,
    group: Group,
}

/// A cut whose effect is still to be seen.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// The size before.
    size: f64,
    /// The loss that was the reason.
    loss: f64,
}

/// Consecutive datagrams that are judged together.
#[derive(Clone, Copy, Debug)]
struct Group {
    first: u64,
    wanted: u32,
    sent: u32,
    answered: u32,
    lost: u32,
    fastest: Option<Duration>,
    /// Whether the window was what held the sender back.
    was_full: bool,
}

impl Group {
    fn new(first: u64, size: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a window is a small positive number"
        )]
        let wanted = (size as u32).clamp(GROUP_LEAST, GROUP_MOST);
        Self {
            first,
            wanted,
            sent: 0,
            answered: 0,
            lost: 0,
            fastest: None,
            was_full: false,
        }
    }

    fn holds(&self, serial: u64) -> bool {
        serial >= self.first && serial - self.first < u64::from(self.sent)
    }

    fn is_over(&self) -> bool {
        self.answered + self.lost >= self.wanted
    }

    fn loss(&self) -> f64 {
        f64::from(self.lost) / f64::from(self.wanted)
    }
}

impl Window {
    /// A window that never exceeds `most`.
    pub(super) fn new(most: usize) -> Self {
        let most = f64::from(u32::try_from(most.max(1)).unwrap_or(u32::MAX));
        let size = FIRST.min(most);
        Self {
            size,
            most,
            opening: true,
            fastest: None,
            accepted: 0.0,
            cut: None,
            group: Group::new(0, size),
        }
    }

    /// How many questions may be before the server.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 1 and at most what `new` was given"
    )]
    pub(super) fn size(&self) -> usize {
        self.size as usize
    }

    /// Whether the server has stopped to answer.
    pub(super) fn is_closed(&self) -> bool {
        self.size <= 1.0 && self.most > 1.0
    }

    /// A datagram was sent.
    pub(super) fn sent(&mut self, serial: u64) {
        if self.group.sent == 0 {
            self.group.first = serial;
        }
        if self.group.sent < self.group.wanted {
            self.group.sent += 1;
        }
    }

    /// Something could not be sent for want of room.
    pub(super) fn full(&mut self) {
        self.group.was_full = true;
    }

    /// It was answered.
    pub(super) fn answered(&mut self, serial: u64, rtt: Duration) {
        let faster = |old: Option<Duration>| Some(old.map_or(rtt, |old| old.min(rtt)));
        self.fastest = faster(self.fastest);
        if self.group.holds(serial) {
            self.group.answered += 1;
            self.group.fastest = faster(self.group.fastest);
            self.judge();
        }
    }

    /// It was not answered in time, or by an error that says too much is asked.
    pub(super) fn lost(&mut self, serial: u64) {
        if self.group.holds(serial) {
            self.group.lost += 1;
            self.judge();
        }
    }

    /// The server is not there.
    pub(super) fn close(&mut self) {
        self.size = 1.0;
        self.opening = true;
        self.cut = None;
        // What is on the way belongs to no group any more; the next begins with the next sent.
        self.group = Group::new(u64::MAX, self.size);
    }

    fn judge(&mut self) {
        if !self.group.is_over() {
            return;
        }
        let loss = self.group.loss();
        if loss >= DEAD {
            return self.close();
        }
        if loss > self.accepted + self.margin() {
            self.too_much(loss);
        } else {
            self.cut = None;
            self.accepted += (loss - self.accepted) / 16.0;
            if self.group.was_full {
                self.grow();
            }
        }
        self.group = Group::new(u64::MAX, self.size);
    }

    /// How far chance alone may lift the loss of a group.
    fn margin(&self) -> f64 {
        let wanted = f64::from(self.group.wanted);
        let share = self.accepted.max(1.0 / wanted);
        (2.5 * (share * (1.0 - share) / wanted).sqrt()).max(TOLERANCE)
    }

    fn too_much(&mut self, loss: f64) {
        match self.cut.take() {
            Some(cut) if loss > CURED * cut.loss => {
                self.accepted = f64::midpoint(loss, cut.loss);
                self.size = cut.size;
                self.opening = true;
            }
            _ => {
                let size = self.size;
                self.cut = Some(Cut { size, loss });
                self.size = (size / 2.0).max(2.0_f64.min(self.most));
                self.opening = false;
            }
        }
    }

    fn grow(&mut self) {
        let queued = self.group.fastest.zip(self.fastest);
        if queued.is_some_and(|(now, ever)| now.saturating_sub(ever) > ever.max(QUEUE)) {
            self.opening = false;
            return;
        }
        let more = if self.opening {
            self.size
        } else {
            (self.size / 16.0).max(1.0)
        };
        self.size = (self.size + more).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A server that answers `capacity` questions of a burst and loses a share of all by chance.
    struct Server {
        window: Window,
        serial: u64,
        capacity: usize,
        /// One in so many is lost, by the number.
        loses: fn(u64) -> bool,
        rtt: fn(usize) -> Duration,
    }

    impl Server {
        fn new(capacity: usize, loses: fn(u64) -> bool) -> Self {
            Self {
                window: Window::new(4_096),
                serial: 0,
                capacity,
                loses,
                rtt: |_| Duration::from_micros(100),
            }
        }

        /// Bursts of a window each.
        fn bursts(&mut self, count: usize) -> Vec<usize> {
            (0..count).map(|_| self.burst()).collect()
        }

        fn burst(&mut self) -> usize {
            let size = self.window.size();
            let first = self.serial;
            for serial in first..first + size as u64 {
                self.window.sent(serial);
            }
            self.window.full();
            self.serial += size as u64;
            for place in 0..size {
                let serial = first + place as u64;
                if place >= self.capacity || (self.loses)(serial) {
                    self.window.lost(serial);
                } else {
                    self.window.answered(serial, (self.rtt)(place));
                }
            }
            size
        }
    }

    /// Scatters numbers, the same way each time.
    fn scattered(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) % 100
    }

    #[test]
    fn opens_to_its_limit_when_nothing_is_lost() {
        let mut server = Server::new(usize::MAX, |_| false);
        let sizes = server.bursts(12);
        assert_eq!(sizes[..4], [32, 64, 128, 256]);
        assert_eq!(server.window.size(), 4_096);
    }

    #[test]
    fn stays_near_what_the_server_can_hold() {
        let mut server = Server::new(200, |_| false);
        server.bursts(20);
        let sizes = server.bursts(100);
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((100..=260).contains(&mean), "{mean}: {sizes:?}");
        assert!(
            sizes.iter().all(|size| (64..=420).contains(size)),
            "{sizes:?}"
        );
    }

    #[test]
    fn loss_by_chance_does_not_close_the_window() {
        for loses in [(|n| scattered(n) < 5) as fn(u64) -> bool, |n| {
            scattered(n) < 30
        }] {
            let mut server = Server::new(usize::MAX, loses);
            server.bursts(60);
            assert!(server.window.size() >= 256, "{}", server.window.size());
        }
    }

    #[test]
    fn both_kinds_of_loss_are_told_apart() {
        let mut server = Server::new(200, |n| scattered(n) < 30);
        server.bursts(50);
        let sizes = server.bursts(200);
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((64..=500).contains(&mean), "{mean}");
    }

    #[test]
    fn a_server_that_is_gone_closes_it_and_one_that_comes_back_opens_it() {
        let mut server = Server::new(usize::MAX, |n| n > 1_000);
        server.bursts(20);
        server.bursts(40);
        assert!(server.window.is_closed());
        server.loses = |_| false;
        server.bursts(300);
        assert!(server.window.size() >= 128);
    }

    #[test]
    fn a_standing_queue_ends_the_growth() {
        let mut server = Server::new(usize::MAX, |_| false);
        server.window.answered(0, Duration::from_micros(100));
        server.rtt = |_| Duration::from_millis(3);
        server.bursts(50);
        assert_eq!(server.window.size(), 32);
    }

    #[test]
    fn a_sender_with_little_to_ask_does_not_widen_it() {
        let mut window = Window::new(4_096);
        for serial in 0..1_000 {
            window.sent(serial);
            window.answered(serial, Duration::from_micros(100));
        }
        assert_eq!(window.size(), 32);
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(
            most in 1_usize..5_000, steps in prop::collection::vec((0_u8..4, 0_u64..2_000), 0..400)
        ) {
            let mut window = Window::new(most);
            for (step, number) in steps {
                match step {
                    0 => (number..number + 40).for_each(|serial| window.sent(serial)),
                    1 => (number..number + 40).for_each(|serial| window.lost(serial)),
                    2 => window.full(),
                    _ => (number..number + 40)
                        .for_each(|serial| window.answered(serial, Duration::from_micros(number))),
                }
                prop_assert!((1..=most).contains(&window.size()));
            }
        }
    }
}
