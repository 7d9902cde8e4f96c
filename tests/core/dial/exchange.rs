//! What is said after connecting.

use netkit::dial::report::Bytes;
use netkit::dial::{Config, Exchange, Expect, Report};
use netkit::failure::{Kind, Stage};

use super::{V4, literal, ms, run};
use crate::fakes::{Connect, FakeIo, Peer};

async fn talk(peer: Peer, exchange: Exchange) -> Report {
    let io = FakeIo::default().connect(V4, Connect::After(ms(1), peer));
    let config = Config {
        exchange,
        ..Config::default()
    };
    let report = run(&literal(V4), &config, &io).await;
    assert_eq!(io.open(), 0, "{report:?}");
    report
}

fn echo() -> Peer {
    Peer {
        echo: true,
        ..Peer::default()
    }
}

fn greets(text: &[u8]) -> Peer {
    Peer {
        greeting: text.to_vec(),
        ..Peer::default()
    }
}

fn sends(bytes: &[u8]) -> Exchange {
    Exchange {
        send: Some(bytes.to_vec()),
        ..Exchange::default()
    }
}

fn expects(text: &[u8]) -> Exchange {
    Exchange {
        expect: Some(Expect::Bytes(text.to_vec())),
        ..Exchange::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_echo_larger_than_every_buffer_comes_back_whole() {
    let data: Vec<u8> = (0..100_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
    let exchange = Exchange {
        read: Some(data.len() as u64),
        ..sends(&data)
    };
    let report = talk(echo(), exchange).await;
    assert!(report.ok, "{report:?}");
    let exchange = report.exchange.expect("an exchange");
    assert_eq!(
        (exchange.sent_bytes, exchange.received_bytes),
        (100_000, 100_000)
    );
    assert!(exchange.truncated, "only the first 64 KiB are kept");
    let Some(Bytes::Text(text)) = exchange.received else {
        panic!("text")
    };
    assert_eq!(text.as_bytes(), &data[..Exchange::CAPTURE]);
}

#[tokio::test(start_paused = true)]
async fn an_expectation_is_found_across_reads() {
    let report = talk(
        greets(b"220 mail.example ESMTP\r\n"),
        expects(b"example ESMTP"),
    )
    .await;
    assert!(report.ok, "{report:?}");
    assert_eq!(
        report.exchange.and_then(|exchange| exchange.matched),
        Some(true)
    );
}

#[tokio::test(start_paused = true)]
async fn an_expression_is_matched_on_bytes() {
    let regex = regex::bytes::Regex::new(r"(?-u)\xff[0-9]{3}").expect("valid");
    let exchange = Exchange {
        expect: Some(Expect::Regex(regex)),
        ..Exchange::default()
    };
    assert!(talk(greets(b"\x00\xff123"), exchange).await.ok);
}

#[tokio::test(start_paused = true)]
async fn an_expectation_is_found_beyond_what_is_kept() {
    let regex = regex::bytes::Regex::new(r"ready \d").expect("an expression");
    let wanted = [Expect::Bytes(b"ready 7".to_vec()), Expect::Regex(regex)];
    for before in [65_532, 65_536, 1_000_000] {
        let mut greeting = vec![b'.'; before];
        greeting.extend_from_slice(b"ready 7\n");
        for expect in &wanted {
            let exchange = Exchange {
                expect: Some(expect.clone()),
                ..Exchange::default()
            };
            let report = talk(greets(&greeting), exchange).await;
            assert!(report.ok, "after {before}: {:?}", report.failure);
            let exchange = report.exchange.expect("an exchange");
            assert!(exchange.truncated && exchange.matched == Some(true));
            let kept = exchange.received.map(|bytes| bytes.to_vec().len());
            assert_eq!(kept, Some(Exchange::CAPTURE));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn something_else_than_expected_is_an_unexpected_reply_with_its_first_bytes() {
    let peer = Peer {
        close: true,
        ..greets(b"554 \x1b[31mno")
    };
    let failure = talk(peer, expects(b"220"))
        .await
        .failure
        .expect("a failure");
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Receive, Kind::UnexpectedReply)
    );
    assert!(
        format!("{:?}", failure.evidence).contains(r"554 \\x1b[31mno"),
        "{failure:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_a_timeout_at_receive() {
    let report = talk(Peer::default(), expects(b"220")).await;
    let failure = report.failure.expect("a failure");
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Receive, Kind::Timeout)
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_without_a_word_closed_early() {
    let peer = Peer {
        close: true,
        ..Peer::default()
    };
    let failure = talk(peer, expects(b"220"))
        .await
        .failure
        .expect("a failure");
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Receive, Kind::ClosedEarly)
    );
}

#[tokio::test(start_paused = true)]
async fn too_few_bytes_before_the_end_closed_early() {
    let peer = Peer {
        close: true,
        ..greets(b"abc")
    };
    let exchange = Exchange {
        read: Some(10),
        ..Exchange::default()
    };
    let failure = talk(peer, exchange).await.failure.expect("a failure");
    assert_eq!(failure.kind, Kind::ClosedEarly);
    assert!(failure.message.contains("after 3 of 10 bytes"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn with_banner_nothing_is_sent_before_the_server_has_spoken() {
    let exchange = Exchange {
        banner: true,
        ..sends(b"EHLO x\r\n")
    };
    let report = talk(Peer::default(), exchange.clone()).await;
    assert_eq!(report.exchange.map(|exchange| exchange.sent_bytes), Some(0));
    let report = talk(greets(b"220 hello\r\n"), exchange).await;
    assert!(report.ok, "{report:?}");
    assert_eq!(report.exchange.map(|exchange| exchange.sent_bytes), Some(8));
}

#[tokio::test(start_paused = true)]
async fn closing_our_side_reads_to_the_end() {
    let exchange = Exchange {
        shutdown_write: true,
        ..sends(b"some bytes to echo")
    };
    let report = talk(echo(), exchange).await;
    assert!(report.ok, "{report:?}");
    let exchange = report.exchange.expect("an exchange");
    assert_eq!(
        exchange.received,
        Some(Bytes::Text("some bytes to echo".to_owned()))
    );
    assert_eq!(exchange.closed_by_peer.as_deref(), Some("fin"));
}

#[tokio::test(start_paused = true)]
async fn read_0_sends_and_does_not_wait() {
    let exchange = Exchange {
        read: Some(0),
        ..sends(b"fire and forget")
    };
    let report = talk(Peer::default(), exchange).await;
    assert!(report.ok, "{report:?}");
    assert!(report.total_ms.is_some_and(|total| total.0 < ms(10)));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_not_text_are_base64() {
    let exchange = Exchange {
        read: Some(3),
        ..Exchange::default()
    };
    let report = talk(greets(b"\xff\x00\x01"), exchange).await;
    let received = report.exchange.and_then(|exchange| exchange.received);
    assert_eq!(received, Some(Bytes::Base64("/wAB".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_before_the_connection_broke_is_not_lost() {
    let peer = || Peer {
        breaks_after: Some(1_000),
        close: true,
        ..greets(b"HTTP/1.1 413 Content Too Large\r\n")
    };
    let upload = vec![0; 100_000];
    let expecting = Exchange {
        expect: Some(Expect::Bytes(b"413".to_vec())),
        ..sends(&upload)
    };
    let report = talk(peer(), expecting).await;
    assert!(report.ok, "{report:?}");
    let report = talk(peer(), sends(&upload)).await;
    let failure = report.failure.expect("the upload did not go through");
    assert_eq!((failure.stage, failure.kind), (Stage::Send, Kind::Reset));
    let exchange = report.exchange.expect("an exchange");
    assert_eq!(exchange.sent_bytes, 1_000);
    assert!(exchange.received_bytes > 0, "{exchange:?}");
}
