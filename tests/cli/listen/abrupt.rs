//! Clients that reset in the middle of a transfer, among others that do not.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Served;
use super::load::{addr, clients, converse, futures_of};

/// Those that reset, and those among them that do not, of one round.
const RUDE: usize = 300;
const POLITE: usize = 60;

/// Sends and reads as fast as goes, and resets once so many bytes have come back: then there are some in
/// every buffer on the way.
async fn break_off(to: SocketAddr, after: usize) {
    let mut stream = TcpStream::connect(to).await.expect("it accepts");
    {
        let (mut reader, mut writer) = stream.split();
        let send = async {
            let piece = vec![7; 64 << 10];
            while writer.write_all(&piece).await.is_ok() {}
        };
        let receive = async {
            let (mut received, mut buffer) = (0, vec![0; 16 << 10]);
            while received < after {
                let count = reader.read(&mut buffer).await.expect("it answers");
                assert!(count > 0 && buffer[..count].iter().all(|byte| *byte == 7));
                received += count;
            }
        };
        tokio::select! {
            () = send => panic!("the server has closed"),
            () = receive => {}
        }
    }
    stream.set_zero_linger().expect("it is open");
}

/// Both kinds at once; returns how much the polite ones said.
fn round(served: &Served) -> u64 {
    let to = addr(served);
    let said = clients(async {
        let all = (0..RUDE + POLITE).map(|nth| async move {
            if nth % (1 + RUDE / POLITE) == 0 {
                return converse(to, nth, 4).await;
            }
            break_off(to, 1 + nth * 1_009).await;
            0
        });
        futures_of(all).await
    });
    said.into_iter().sum::<usize>() as u64
}

/// Rounds until nothing is added any more: what leaks does so in each, what was only never needed before
/// does not.
const ROUNDS: u64 = 8;

#[test]
fn resets_in_the_middle_cost_the_others_no_byte_and_leave_nothing_behind() {
    for flags in ["", "--fault slice=20000"] {
        // With a fault tasks serve, not workers.
        let mut served = Served::start(&format!("127.0.0.1:0 --summary {flags}"), 1);
        let mut rounds = 0;
        loop {
            let (descriptors, memory) = (served.descriptors(), served.resident());
            round(&served);
            served.settle();
            rounds += 1;
            // Pipes for those that stream are kept, some of them: far fewer than connections.
            let left = served.descriptors().saturating_sub(descriptors);
            let grown = served.resident().saturating_sub(memory);
            if rounds > 1 && left < RUDE / 20 && grown < 1 << 20 {
                break;
            }
            assert!(
                rounds < ROUNDS,
                "{flags}: {left} descriptors and {grown} bytes left by round {rounds}"
            );
        }
        served.signal("TERM");
        let totals = &served.next_of("summary")["totals"];
        let closed = |cause: &str| totals["closed"][cause].as_u64();
        assert_eq!(closed("reset"), Some(rounds * RUDE as u64), "{totals:#}");
        assert_eq!(closed("fin"), Some(rounds * POLITE as u64), "{totals:#}");
        assert_eq!(served.code(), Some(0));
    }
}
