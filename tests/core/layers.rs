//! Faults and counters over streams in memory, on paused time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use netkit::net::layers::{End, Faulty, Meter, Metered};
use netkit::policy::chance::Chance;
use netkit::policy::fault::{After, Fault};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

type Words = Arc<Mutex<Vec<&'static str>>>;

/// A client, and a faulty server's end of the same stream.
fn faulty(faults: &[Fault], width: usize) -> (DuplexStream, Faulty<DuplexStream>, Words) {
    let (client, server) = tokio::io::duplex(width);
    let words = Words::default();
    let heard = Arc::clone(&words);
    let heard = Box::new(move |word| heard.lock().expect("no panic").push(word));
    (
        client,
        Faulty::new(server, faults, Chance::new(1), heard),
        words,
    )
}

#[tokio::test(start_paused = true)]
async fn a_delay_makes_bytes_late_and_loses_none() {
    let (mut client, mut server, words) = faulty(&[Fault::Delay(Duration::from_millis(200))], 16);
    let begun = Instant::now();
    let send = async {
        server.write_all(&[7; 100]).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let mut all = Vec::new();
    let ((), result) = tokio::join!(send, client.read_to_end(&mut all));
    result.unwrap();
    assert_eq!(all, [7; 100]);
    assert!(
        (200..300).contains(&begun.elapsed().as_millis()),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(*words.lock().unwrap(), ["delay"]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_stream_takes_its_time() {
    let (mut client, mut server, _) = faulty(&[Fault::Throttle(1_000)], 64);
    let begun = Instant::now();
    let send = async {
        server.write_all(&[7; 3_000]).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let mut all = Vec::new();
    let ((), result) = tokio::join!(send, client.read_to_end(&mut all));
    result.unwrap();
    assert_eq!(all.len(), 3_000);
    let took = begun.elapsed().as_secs_f64();
    assert!((2.8..3.3).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_so_many_bytes() {
    for (fault, end) in [
        (Fault::RstAfter(After::Bytes(10)), End::Rst),
        (Fault::FinAfter(After::Bytes(10)), End::Fin),
    ] {
        for slice in [None, Some(Fault::Slice(3))] {
            let faults: Vec<_> = [Some(fault.clone()), slice].into_iter().flatten().collect();
            let (mut client, mut server, words) = faulty(&faults, 64);
            let error = async {
                server.write_all(&[7; 100]).await?;
                server.flush().await
            };
            let error = error.await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
            assert_eq!(server.end(), Some(end));
            drop(server);
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, [7; 10], "{faults:?}");
            assert!(words.lock().unwrap().contains(&fault.word()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_strikes_in_time_even_if_nothing_moves() {
    let after = After::Time(Duration::from_secs(1));
    let (_client, mut server, words) = faulty(&[Fault::RstAfter(after)], 64);
    let begun = Instant::now();
    let error = server.read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
    assert_eq!(begun.elapsed().as_millis() / 10, 100);
    assert_eq!(
        (server.end(), &words.lock().unwrap()[..]),
        (Some(End::Rst), &["rst-after"][..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_stalled_stream_neither_reads_nor_writes_nor_ends() {
    let after = After::Time(Duration::from_secs(1));
    let (mut client, mut server, _) = faulty(&[Fault::StallAfter(after)], 64);
    client.write_all(b"early").await.unwrap();
    assert_eq!(server.read(&mut [0; 10]).await.unwrap(), 5);
    let long = Duration::from_secs(3_600);
    assert!(
        tokio::time::timeout(long, server.read(&mut [0; 10]))
            .await
            .is_err()
    );
    client.write_all(b"late").await.unwrap();
    assert!(
        tokio::time::timeout(long, server.read(&mut [0; 10]))
            .await
            .is_err()
    );
    assert!(
        tokio::time::timeout(long, server.write_all(b"x"))
            .await
            .is_err()
    );
    assert_eq!(server.end(), Some(End::Stall));
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_stream_still_reads() {
    let (mut client, mut server, words) = faulty(&[Fault::HalfClose], 64);
    client.write_all(b"hello").await.unwrap();
    assert_eq!(server.read(&mut [0; 10]).await.unwrap(), 5);
    server.write_all(b"to nobody").await.unwrap();
    assert_eq!(client.read(&mut [0; 10]).await.unwrap(), 0);
    assert_eq!(*words.lock().unwrap(), ["half-close"]);
}

#[tokio::test(start_paused = true)]
async fn a_text_to_hang_up_on_is_found_across_reads() {
    let (mut client, mut server, words) = faulty(&[Fault::HangUpOn(b"QUIT".to_vec())], 3);
    let talk = async { client.write_all(b"no QU no QUI QUIT yes").await };
    let hear = async {
        let mut heard = Vec::new();
        let result = server.read_to_end(&mut heard).await;
        (heard, result.unwrap_err(), server)
    };
    let (_, (heard, _, server)) = tokio::join!(talk, hear);
    assert!(heard.ends_with(b"QUIT") || heard.windows(4).any(|part| part == b"QUIT"));
    assert_eq!(
        (server.end(), &words.lock().unwrap()[..]),
        (Some(End::Fin), &["hang-up-on"][..])
    );
}

#[tokio::test(start_paused = true)]
async fn corruption_turns_bits_over_at_its_rate() {
    let (mut client, mut server, _) = faulty(&[Fault::Corrupt(0.1)], 64);
    let send = async {
        server.write_all(&[0; 10_000]).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let mut all = Vec::new();
    let ((), result) = tokio::join!(send, client.read_to_end(&mut all));
    result.unwrap();
    let wrong = all.iter().filter(|byte| **byte != 0).count();
    assert!((800..1_200).contains(&wrong), "{wrong}");
    assert!(all.iter().all(|byte| byte.count_ones() <= 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_close_comes_later() {
    let (mut client, mut server, _) = faulty(&[Fault::SlowClose(Duration::from_secs(2))], 64);
    let begun = Instant::now();
    let error = server.shutdown().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
    assert_eq!(
        (server.end(), begun.elapsed().as_secs()),
        (Some(End::Fin), 2)
    );
    drop(server);
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_metered_stream_counts_shows_its_first_bytes_and_keeps_its_limit() {
    let (mut client, server) = tokio::io::duplex(64);
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    let meter = Meter::new(
        Some(8),
        4,
        Box::new(move |bytes, cut| seen.lock().unwrap().push((bytes, cut))),
    );
    let mut server = Metered::new(server, std::rc::Rc::clone(&meter));
    client.write_all(b"0123456789").await.unwrap();
    let mut buffer = Vec::with_capacity(32);
    while buffer.len() < 8 {
        server.read_buf(&mut buffer).await.unwrap();
    }
    assert_eq!(buffer, b"01234567");
    let error = server.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::QuotaExceeded);
    server.write_all(b"abc").await.unwrap();
    assert_eq!(
        (meter.received(), meter.sent(), meter.is_over()),
        (8, 3, true)
    );
    assert_eq!(*shown.lock().unwrap(), [(b"0123".to_vec(), true)]);
}
