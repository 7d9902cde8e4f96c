//! Peers that say what TLS does not allow, or stop in the middle: each has its kind, its status and its time.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use crate::support::netkit;
use crate::tls::line;

/// What a dial says of a server that says this once it was spoken to, and then no more.
fn dialled(said: &'static [u8], status: i32) -> Value {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the dial");
        let mut space = [0; 2048];
        let _ = stream.read(&mut space);
        // Who has heard enough may be gone.
        let _ = stream.write_all(said);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let words = format!("dial tls://{addr} --insecure --timeout 700ms --json");
    let run = netkit(&words).run().status(status);
    server.join().expect("it ends with its client");
    line(&run.stdout)["failure"].clone()
}

#[test]
fn what_breaks_the_rules_is_a_typed_failure_in_words() {
    let rows: [(&[u8], &str, &str); 6] = [
        (
            b"\x16\x03\x03\x00\x00\x16\x03\x03\x00\x00",
            "tls_protocol",
            "broke the rules",
        ),
        (b"\x16\x03\x03\xff\xff", "tls_protocol", "broke the rules"),
        (
            b"\x15\x03\x03\x00\x02\x02\x28",
            "tls_protocol",
            "handshake_failure",
        ),
        // About a certificate that nobody has asked for yet.
        (
            b"\x15\x03\x03\x00\x02\x02\x2a",
            "tls_protocol",
            "bad_certificate",
        ),
        (
            b"\x15\x03\x03\x00\x02\x02\x74",
            "tls_client_cert_required",
            "demands",
        ),
        (
            b"\x00\x01\x02\x03\x04\x05\x06\x07",
            "tls_not_tls",
            "does not speak TLS",
        ),
    ];
    for (said, kind, words) in rows {
        let failure = dialled(said, 4);
        assert_eq!(failure["kind"], kind, "{failure:#}");
        let message = failure["message"].as_str().expect("a message");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn who_stops_in_the_middle_of_a_handshake_is_told_from_who_says_nothing() {
    let rows: [(&[u8], &str); 3] = [
        (b"", "--starttls"),
        (b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", "--timeout"),
        (b"\x15\x03\x03\x00\x02\x01\x70", "it warned"),
    ];
    for (said, hint) in rows {
        let failure = dialled(said, 124);
        assert_eq!(failure["kind"], "timeout", "{failure:#}");
        assert_eq!(failure["who"]["party"], "nobody", "{failure:#}");
        assert!(
            failure["hint"].as_str().expect("a hint").contains(hint),
            "{failure:#}"
        );
    }
    let warned = dialled(b"\x15\x03\x03\x00\x02\x01\x70", 124);
    assert_eq!(
        warned["evidence"][1]["name"], "unrecognized_name",
        "{warned:#}"
    );
}
