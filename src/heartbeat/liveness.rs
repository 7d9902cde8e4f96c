//! What the peer's kernel says while its application is silent.
//!
//! Bytes that were acknowledged prove that the machine is there; only the reply proves that the
//! application is. On TCP the kernel's `TCP_INFO` tells; on a Unix socket both ends have one kernel.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::{Connection, TcpInfo};

/// Whether the peer's kernel is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// It acknowledged what was sent.
    Acknowledges,
    /// It did not.
    Silent,
    /// The transport does not tell.
    Unknown,
}

/// `tcpi_last_ack_recv` counts in ticks of the kernel, at most 10 ms long.
const TICK: Duration = Duration::from_millis(10);

/// Asks the socket about a message that was sent at `sent` and not answered; with how long the
/// acknowledgement took, where nothing was sent since (`last`) and all is acknowledged.
pub(super) fn ask(
    connection: &dyn Connection,
    (sent, last): (Instant, bool),
    now: Instant,
) -> (Kernel, Option<Duration>) {
    let Some(info) = connection.tcp_info() else {
        return (Kernel::Unknown, None);
    };
    let age = now.saturating_duration_since(sent);
    let took = age.checked_sub(info.last_ack_recv_ms.0);
    let took = took.filter(|_| last && info.unacked == 0);
    (judge(&info, age), took)
}

/// Something was acknowledged after the message went out. That nothing is in flight proves it only then:
/// without a route nothing ever was.
fn judge(info: &TcpInfo, age: Duration) -> Kernel {
    let last = info.last_ack_recv_ms.0;
    let all = info.unacked == 0 && last <= age + TICK;
    if all || last + TICK < age {
        Kernel::Acknowledges
    } else {
        Kernel::Silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_after_the_message_proves_the_kernel() {
        let ms = Duration::from_millis;
        // segments unacknowledged, last acknowledgement ms ago, age of the message
        let rows = [
            (0, 999, 1_000, Kernel::Acknowledges),
            (0, 1_200, 1_000, Kernel::Silent),
            (1, 1_200, 1_000, Kernel::Silent),
            (1, 995, 1_000, Kernel::Silent),
            (3, 100, 1_000, Kernel::Acknowledges),
        ];
        for (unacked, last, age, expected) in rows {
            let info = TcpInfo {
                unacked,
                last_ack_recv_ms: ms(last).into(),
                ..TcpInfo::default()
            };
            assert_eq!(judge(&info, ms(age)), expected, "{unacked} {last} {age}");
        }
    }
}
