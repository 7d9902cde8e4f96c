//! The engines over streams in memory that pass a few bytes at a time.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

/// Runs a behaviour against a client that says `said` in pieces, closes, and hears everything.
async fn heard(behaviour: Behaviour, said: &[u8], width: usize) -> (Vec<u8>, Ending) {
    let (mut client, mut server) = tokio::io::duplex(width);
    let serve = async move {
        let ending = run(&behaviour, &mut server, None, &Pool::default())
            .await
            .unwrap();
        server.shutdown().await.unwrap();
        ending
    };
    let talk = async {
        let (mut reader, mut writer) = tokio::io::split(&mut client);
        let say = async {
            // A server that is done need not listen any more.
            let _ = writer.write_all(said).await;
            let _ = writer.shutdown().await;
        };
        let mut all = Vec::new();
        let hear = reader.read_to_end(&mut all);
        let ((), result) = tokio::join!(say, hear);
        result.unwrap();
        all
    };
    let (ending, all) = tokio::join!(serve, talk);
    (all, ending)
}

#[tokio::test]
async fn each_says_what_its_protocol_says() {
    let greet = |then_echo| Behaviour::Greet {
        text: b"hello\n".to_vec(),
        then_echo,
    };
    let rows: [(Behaviour, &[u8], &[u8], Ending); 6] = [
        (
            Behaviour::Echo,
            b"one two three",
            b"one two three",
            Ending::Fin,
        ),
        (Behaviour::Discard, b"one two three", b"", Ending::Fin),
        (greet(false), b"", b"hello\n", Ending::Finished),
        (greet(true), b"me too", b"hello\nme too", Ending::Fin),
        (
            Behaviour::Heartbeat,
            b"a\nbb\nc",
            b"ACK\nACK\n",
            Ending::Fin,
        ),
        (
            Behaviour::Respond(b"done".to_vec()),
            b"?",
            b"done",
            Ending::Finished,
        ),
    ];
    for width in [1, 3, 64] {
        for (behaviour, said, expected, ending) in rows.clone() {
            let (all, came) = heard(behaviour.clone(), said, width).await;
            assert_eq!(all, expected, "{behaviour:?} by {width}");
            assert_eq!(came, ending, "{behaviour:?} by {width}");
        }
    }
}

#[tokio::test]
async fn daytime_is_one_line() {
    let (all, ending) = heard(Behaviour::Daytime, b"", 7).await;
    assert!(all.ends_with(b"-UTC\r\n"), "{all:?}");
    assert_eq!(ending, Ending::Finished);
}

#[tokio::test]
async fn chargen_goes_on_until_the_peer_closes() {
    let (mut client, mut server) = tokio::io::duplex(100);
    let pool = Pool::default();
    let serve = run(&Behaviour::Chargen, &mut server, None, &pool);
    let hear = async {
        let mut first = vec![0; 10_000];
        client.read_exact(&mut first).await.unwrap();
        // What is still on its way is of no interest, and how much that is a matter of chance.
        client.shutdown().await.unwrap();
        first
    };
    let (ending, first) = tokio::join!(serve, hear);
    assert_eq!(ending.unwrap(), Ending::Fin);
    let pattern: Vec<u8> = pattern().take(10_000).collect();
    assert_eq!(first, pattern);
    let lines: Vec<_> = first.split(|byte| *byte == b'\n').collect();
    assert!(lines[0].starts_with(b" !\"#") && lines[1].starts_with(b"!\"#$"));
    assert!(
        lines[..100]
            .iter()
            .all(|line| line.len() == 73 && line.ends_with(b"\r"))
    );
}

#[tokio::test]
async fn http_answers_requests_in_one_connection_and_counts_bodies() {
    let said = b"POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodyGET /b HTTP/1.1\r\nConnection: close\r\n\r\n";
    for width in [1, 7, 500] {
        let (all, ending) = heard(Behaviour::Http, said, width).await;
        let text = String::from_utf8(all).unwrap();
        assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{text}");
        assert!(text.contains("POST /a HTTP/1.1\nbody: 4 bytes\n"), "{text}");
        assert_eq!(ending, Ending::Finished);
    }
    let (all, _) = heard(Behaviour::Http, b"\x16\x03\x01\r\n\r\n", 64).await;
    assert!(all.starts_with(b"HTTP/1.1 400 "));
}

async fn script(client: impl AsyncFnOnce(DuplexStream), steps: Vec<Step>) -> Ending {
    let (near, mut far) = tokio::io::duplex(3);
    let behaviour = Behaviour::Script(steps);
    let pool = Pool::default();
    let serve = async { run(&behaviour, &mut far, None, &pool).await.unwrap() };
    tokio::join!(serve, client(near)).0
}

#[tokio::test(start_paused = true)]
async fn a_script_is_followed_to_its_end() {
    let steps = vec![
        Step::Send(b"220 ready\r\n".to_vec()),
        Step::Expect(b"EHLO".to_vec()),
        Step::Wait(Duration::from_secs(1)),
        Step::Send(b"250 ok\r\n".to_vec()),
    ];
    let polite = async |mut client: DuplexStream| {
        client.read_exact(&mut [0; 11]).await.unwrap();
        client.write_all(b"well, EHLO me").await.unwrap();
        let mut answer = [0; 8];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"250 ok\r\n");
    };
    assert_eq!(script(polite, steps.clone()).await, Ending::Finished);
    let rude = async |mut client: DuplexStream| {
        client.read_exact(&mut [0; 11]).await.unwrap();
        client.write_all(b"QUIT").await.unwrap();
    };
    assert_eq!(script(rude, steps).await, Ending::Unexpected);
    let reset = vec![Step::Reset];
    assert_eq!(script(async |_| (), reset).await, Ending::Reset);
}

#[test]
fn datagrams_get_the_answer_of_their_behaviour() {
    type Row = (Behaviour, &'static [u8], Option<&'static [u8]>);
    let rows: [Row; 5] = [
        (Behaviour::Echo, b"x", Some(b"x")),
        (Behaviour::Discard, b"x", None),
        (Behaviour::Heartbeat, b"a\nb\n", Some(b"ACK\nACK\n")),
        (Behaviour::Respond(b"y".to_vec()), b"x", Some(b"y")),
        (Behaviour::Chargen, b"12", Some(b" !")),
    ];
    for (behaviour, question, expected) in rows {
        let mut answer = Vec::new();
        let says = reply(&behaviour, question, &mut answer);
        assert_eq!(says.then_some(&answer[..]), expected, "{behaviour:?}");
    }
}
