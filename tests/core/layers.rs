//! Layers over streams in memory, on paused time where time matters.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use netkit::net::layers::{
    Copies, Delayed, End, Faulty, Heard, Meter, Metered, Mirrored, Prefixed, Recorded, Shadowed,
    Throttled, Toxics, Way,
};
use netkit::policy::chance::Distribution;
use netkit::policy::fault::{After, Fault};
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::time::Instant;

type Words = Rc<RefCell<Vec<&'static str>>>;
type Stack<S> = Delayed<Throttled<Faulty<S>>>;

/// A client, and a faulty server's end of the same stream.
fn faulty(faults: &[Fault], width: usize) -> (DuplexStream, Stack<DuplexStream>, Words) {
    let (client, server) = tokio::io::duplex(width);
    let words = Words::default();
    let stack = Toxics::new(faults).over(server, 1, 1, &hears(&words));
    (client, stack, words)
}

fn hears(words: &Words) -> Heard {
    let words = Rc::clone(words);
    Rc::new(move |word| words.borrow_mut().push(word))
}

/// How the layer of endings has ended it.
fn struck<S>(stack: &mut Stack<S>) -> Option<End> {
    stack.inner_mut().inner_mut().end()
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
    assert_eq!(*words.borrow(), ["delay"]);
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
            assert_eq!(struck(&mut server), Some(end));
            drop(server);
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, [7; 10], "{faults:?}");
            assert!(words.borrow().contains(&fault.word()));
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
        (struck(&mut server), &words.borrow()[..]),
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
    assert_eq!(struck(&mut server), Some(End::Stall));
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_stream_still_reads() {
    let (mut client, mut server, words) = faulty(&[Fault::HalfClose], 64);
    client.write_all(b"hello").await.unwrap();
    assert_eq!(server.read(&mut [0; 10]).await.unwrap(), 5);
    server.write_all(b"to nobody").await.unwrap();
    assert_eq!(client.read(&mut [0; 10]).await.unwrap(), 0);
    assert_eq!(*words.borrow(), ["half-close"]);
}

#[tokio::test(start_paused = true)]
async fn a_text_to_hang_up_on_is_found_across_reads() {
    let (mut client, server) = tokio::io::duplex(3);
    let words = Words::default();
    let toxics = Toxics::new(&[Fault::HangUpOn(b"QUIT".to_vec())]);
    let mut server = toxics.heeding(server, &hears(&words));
    let talk = async { client.write_all(b"no QU no QUI QUIT yes").await };
    let hear = async move {
        let mut heard = Vec::new();
        let result = server.read_to_end(&mut heard).await;
        (heard, result.unwrap_err(), server.end())
    };
    let (_, (heard, _, end)) = tokio::join!(talk, hear);
    assert!(heard.ends_with(b"QUIT") || heard.windows(4).any(|part| part == b"QUIT"));
    assert_eq!(
        (end, &words.borrow()[..]),
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
    let (mut client, mut server, words) = faulty(&[Fault::SlowClose(Duration::from_secs(2))], 64);
    let begun = Instant::now();
    server.shutdown().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(*words.borrow(), ["slow-close"]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_at_once_and_the_rest_at_its_rate() {
    let faults = [Fault::Throttle(1_000), Fault::Burst(500)];
    let (mut client, mut server, _) = faulty(&faults, 4_096);
    let begun = Instant::now();
    let send = async {
        server.write_all(&[7; 1_500]).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let hear = async {
        client.read_exact(&mut [0; 500]).await.unwrap();
        let burst = begun.elapsed();
        client.read_exact(&mut [0; 1_000]).await.unwrap();
        (burst.as_millis(), begun.elapsed().as_millis())
    };
    let ((), (burst, all)) = tokio::join!(send, hear);
    assert!(burst < 20 && (900..1_100).contains(&all), "{burst} {all}");
}

#[tokio::test(start_paused = true)]
async fn jitter_keeps_the_order_whatever_its_distribution() {
    for shape in Distribution::ALL {
        let faults = [
            Fault::Delay(Duration::from_millis(50)),
            Fault::Jitter(Duration::from_millis(40)),
            Fault::Distribution(shape),
        ];
        let (mut client, mut server, _) = faulty(&faults, 4_096);
        let send = async {
            for number in 0..200_u8 {
                server.write_all(&[number]).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            server.shutdown().await.unwrap();
        };
        let mut all = Vec::new();
        let ((), result) = tokio::join!(send, client.read_to_end(&mut all));
        result.unwrap();
        assert_eq!(all, (0..200).collect::<Vec<u8>>(), "{shape:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn faults_can_be_changed_while_the_stream_is_at_work() {
    let (mut client, server) = tokio::io::duplex(64);
    let words = Words::default();
    let toxics = Toxics::new(&[Fault::StallAfter(After::Bytes(0))]);
    let mut server = toxics.over(server, 1, 1, &hears(&words));
    let second = Duration::from_secs(1);
    assert!(
        tokio::time::timeout(second, server.write_all(b"x"))
            .await
            .is_err()
    );
    toxics.set(&[]);
    assert!(toxics.are_none());
    server.write_all(b"y").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'y');
    toxics.set(&[Fault::RstAfter(After::Bytes(3))]);
    server.write_all(b"ab").await.unwrap();
    assert!(server.write_all(b"c").await.is_err());
    assert_eq!(struck(&mut server), Some(End::Rst));
    assert_eq!(*words.borrow(), ["stall-after", "rst-after"]);
}

#[tokio::test]
async fn a_recorded_stream_shows_every_piece_and_both_ends() {
    let (mut client, server) = tokio::io::duplex(64);
    let pieces = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&pieces);
    let tape = Box::new(move |way, bytes: &[u8]| kept.borrow_mut().push((way, bytes.to_vec())));
    let mut server = Recorded::new(server, Some(tape));
    client.write_all(b"ask").await.unwrap();
    client.shutdown().await.unwrap();
    let mut asked = Vec::new();
    server.read_to_end(&mut asked).await.unwrap();
    server.write_all(b"answer").await.unwrap();
    server.shutdown().await.unwrap();
    let expected = [
        (Way::In, b"ask".to_vec()),
        (Way::In, Vec::new()),
        (Way::Out, b"answer".to_vec()),
        (Way::Out, Vec::new()),
    ];
    assert_eq!(*pieces.borrow(), expected);
}

/// What is read is copied.
fn shadowed(copies: &Copies) -> Shadowed {
    Shadowed {
        read: Some(copies.clone()),
        written: None,
    }
}

#[tokio::test]
async fn a_mirror_that_takes_nothing_is_given_up_and_what_it_misses_counted() {
    let (mut client, server) = tokio::io::duplex(64);
    let copies = Copies::new(10);
    let mut server = Mirrored::new(server, shadowed(&copies));
    let send = async {
        client.write_all(&[7; 30]).await.unwrap();
        client.shutdown().await.unwrap();
    };
    let mut all = Vec::new();
    let hear = async {
        let mut piece = [0; 8];
        while let count @ 1.. = server.read(&mut piece).await.unwrap() {
            all.extend_from_slice(&piece[..count]);
        }
    };
    tokio::join!(send, hear);
    assert_eq!(all, [7; 30]);
    let mut taken = Vec::new();
    assert!(copies.take(&mut taken).await);
    assert_eq!(taken, [7; 8]);
    assert!(!copies.take(&mut taken).await);
    assert_eq!((taken.len(), copies.dropped()), (0, 22));
}

/// A stream that reads and writes in pieces, and now and then not at all.
struct Fitful<S> {
    inner: S,
    sizes: Vec<u8>,
    at: usize,
}

impl<S> Fitful<S> {
    /// How much may pass now; `None` makes the caller come again.
    fn next(&mut self, cx: &Context<'_>) -> Option<usize> {
        self.at += 1;
        let size = usize::from(self.sizes[self.at % self.sizes.len()] % 40);
        if size == 0 {
            cx.waker().wake_by_ref();
        }
        (size > 0).then_some(size)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Fitful<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let Some(size) = self.next(cx) else {
            return Poll::Pending;
        };
        buffer.initialize_unfilled();
        let mut part = buffer.take(size);
        std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        let count = part.filled().len();
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Fitful<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.next(cx) {
            Some(size) => {
                let part = &bytes[..bytes.len().min(size)];
                Pin::new(&mut self.inner).poll_write(cx, part)
            }
            None => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Sends both ways through every layer at once, over a stream that reads and writes in pieces.
async fn through_all_layers(
    faults: &[Fault],
    sizes: Vec<u8>,
    down: Vec<u8>,
    up: Vec<u8>,
) -> (Vec<u8>, Vec<u8>) {
    let (client, server) = tokio::io::duplex(50);
    let server = Fitful {
        inner: server,
        sizes,
        at: 0,
    };
    let words = Words::default();
    let metered = Metered::new(server, Meter::plain());
    let wire = Toxics::new(faults).over(metered, 5, 9, &hears(&words));
    let read_before = up[..up.len() / 3].to_vec();
    let rest = up[read_before.len()..].to_vec();
    let prefixed = Prefixed::new(wire, read_before);
    let copies = Copies::new(1 << 20);
    let mirrored = Mirrored::new(prefixed, shadowed(&copies));
    let mut server = Recorded::new(mirrored, Some(Box::new(|_, _| ())));
    let (mut from, mut to) = tokio::io::split(client);
    let (mut sent_down, mut got_up) = (Vec::new(), Vec::new());
    let hear = async {
        from.read_to_end(&mut sent_down)
            .await
            .expect("a stream in memory")
    };
    let say = async {
        to.write_all(&rest).await.expect("a stream in memory");
        to.shutdown().await.expect("a stream in memory");
    };
    let serve = async {
        let (mut reader, mut writer) = tokio::io::split(&mut server);
        let write = async {
            writer.write_all(&down).await.expect("a stream in memory");
            writer.shutdown().await.expect("a stream in memory");
        };
        tokio::join!(write, async {
            reader
                .read_to_end(&mut got_up)
                .await
                .expect("a stream in memory")
        });
    };
    tokio::join!(hear, say, serve);
    let (mut mirror, mut taken) = (Vec::new(), Vec::new());
    while copies.take(&mut taken).await {
        mirror.extend_from_slice(&taken);
    }
    assert_eq!(mirror, got_up);
    (sent_down, got_up)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the pieces, and whichever layers hold them up: what goes in comes out.
    #[test]
    fn no_layer_loses_or_reorders_a_byte(
        down in prop::collection::vec(any::<u8>(), 0..2_000),
        up in prop::collection::vec(any::<u8>(), 0..2_000),
        sizes in prop::collection::vec(any::<u8>(), 1..30).prop_filter(
            "something passes", |sizes| sizes.iter().any(|size| size % 40 > 0)),
        slow in any::<bool>(), slice in prop::option::of(1_usize..60), late in any::<bool>(),
    ) {
        let ms = Duration::from_millis;
        let mut faults: Vec<_> = slice.map(Fault::Slice).into_iter().collect();
        if slow {
            faults.push(Fault::Throttle(20_000));
        }
        if late {
            faults.extend([Fault::Delay(ms(30)), Fault::Jitter(ms(20)), Fault::SlowClose(ms(5))]);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all().start_paused(true).build().unwrap();
        let passed = runtime.block_on(through_all_layers(&faults, sizes, down.clone(), up.clone()));
        prop_assert_eq!(passed, (down, up));
    }
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
