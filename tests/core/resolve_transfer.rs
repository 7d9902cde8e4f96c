//! Zone transfers against a server that follows a script: what comes whole, and what does not.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use netkit::resolve::command::transfer::{self, Transfer};
use netkit::resolve::command::{Config, Question, Session, Verdict};
use netkit::resolve::wire::RecordType;
use netkit::run::Cx;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What the server does after the question.
#[derive(Clone)]
enum Step {
    /// Sends a message with these records.
    Records(Vec<&'static [u8]>),
    /// Sends a message with this response code.
    Code(u8),
    /// Says nothing more, and keeps the connection.
    Hang,
}

const SOA: &[u8] = b"\x04zone\0\0\x06\0\x01\0\0\0\x3c\0\x16\0\0\
    \0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";
const NEWER: &[u8] = b"\x04zone\0\0\x06\0\x01\0\0\0\x3c\0\x16\0\0\
    \0\0\0\x08\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";
const A: &[u8] = b"\x01a\x04zone\0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";

/// Serves one connection, and then closes it.
async fn server(steps: Vec<Step>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let length = stream.read_u16().await.expect("a length");
        let mut question = vec![0; usize::from(length)];
        stream.read_exact(&mut question).await.expect("a question");
        for step in steps {
            let (code, records) = match step {
                Step::Records(records) => (0, records),
                Step::Code(code) => (code, Vec::new()),
                Step::Hang => return std::future::pending().await,
            };
            let count = u8::try_from(records.len()).expect("a few records");
            let header = [
                question[0],
                question[1],
                0x84,
                code,
                0,
                0,
                0,
                count,
                0,
                0,
                0,
                0,
            ];
            let message = [&header[..], &records.concat()].concat();
            let length = u16::try_from(message.len()).expect("a short message");
            let framed = [&length.to_be_bytes()[..], &message].concat();
            // The client may have seen enough.
            let _ = stream.write_all(&framed).await;
        }
    });
    addr
}

/// Transfers the zone; the types that were handed on, and what became of it.
async fn run(steps: Vec<Step>, most: usize) -> (Vec<String>, Transfer) {
    let mut config = Config::default();
    config.stub.servers = vec![server(steps).await.into()];
    config.timeout = Duration::from_millis(300);
    let session = Session::new(config);
    let question = Question::new("zone", RecordType::AXFR).expect("a name");
    let mut types = Vec::new();
    let mut each = |record: &netkit::resolve::command::Record| {
        types.push(record.rtype.clone());
        if types.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let transfer = transfer::run(&session, &question, &Cx::default(), &mut each).await;
    (types, transfer.expect("the server is an address"))
}

#[tokio::test]
async fn a_zone_in_several_messages_is_handed_on_record_by_record() {
    let steps = vec![
        Step::Records(vec![SOA, A]),
        Step::Records(vec![A, A]),
        Step::Records(vec![SOA]),
        Step::Hang,
    ];
    let (types, transfer) = run(steps, usize::MAX).await;
    assert_eq!(types, ["SOA", "A", "A", "A", "SOA"]);
    assert!(
        transfer.ok && transfer.verdict == Verdict::Answer,
        "{transfer:?}"
    );
    assert_eq!((transfer.records, transfer.messages), (5, 3));
    assert_eq!(
        (transfer.serial, transfer.rcode.as_deref()),
        (Some(7), Some("NOERROR"))
    );
    assert!(transfer.failure.is_none() && transfer.connect_ms.is_some());
}

#[tokio::test]
async fn a_zone_that_does_not_come_whole_says_why() {
    let begun = || Step::Records(vec![SOA, A]);
    let rows: [(Vec<Step>, Verdict, &str, usize); 6] = [
        (
            vec![begun()],
            Verdict::TcpBroken,
            "closed the connection after 2 records",
            2,
        ),
        (
            vec![begun(), Step::Hang],
            Verdict::TcpBroken,
            "fell silent after 2 records",
            2,
        ),
        (vec![Step::Code(5)], Verdict::Refused, "REFUSED", 0),
        (
            vec![begun(), Step::Code(2)],
            Verdict::Servfail,
            "SERVFAIL",
            2,
        ),
        (
            vec![Step::Records(vec![A])],
            Verdict::Malformed,
            "does not begin with the SOA",
            0,
        ),
        (
            vec![begun(), Step::Records(vec![NEWER])],
            Verdict::Malformed,
            "changed during its transfer",
            2,
        ),
    ];
    for (steps, verdict, words, records) in rows {
        let (types, transfer) = run(steps, usize::MAX).await;
        assert_eq!(
            (transfer.verdict, types.len()),
            (verdict, records),
            "{words}"
        );
        let failure = transfer.failure.expect("it failed");
        assert!(failure.message.contains(words), "{}", failure.message);
        assert!(!transfer.ok);
    }
}

#[tokio::test]
async fn whoever_has_enough_ends_the_transfer() {
    let steps = vec![Step::Records(vec![SOA, A, A]), Step::Hang];
    let (types, transfer) = run(steps, 2).await;
    assert_eq!(types.len(), 2);
    assert_eq!(transfer.verdict, Verdict::Interrupted);
}
