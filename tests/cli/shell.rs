//! `--stdio`: nothing is lost in either direction, and the ends are the connection's.

use crate::support::{Closed, Server, netkit};

#[test]
fn every_byte_goes_there_and_comes_back() {
    let server = Server::echo();
    // All byte values, more than any buffer.
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let outcome = netkit(&format!("dial {} --stdio", server.addr))
        .stdin(bytes)
        .run();
    assert_eq!(outcome.code, Some(0));
    assert!(
        outcome.stdout == text,
        "{} bytes of {}",
        outcome.stdout.len(),
        text.len()
    );
}

#[test]
fn the_peer_that_closes_ends_the_output_only() {
    let server = Server::greeting(b"bye\n");
    let outcome = netkit(&format!("dial {} --stdio", server.addr))
        .stdin("")
        .run()
        .status(0);
    assert_eq!(outcome.stdout, "bye\n", "{outcome}");
    let closing = Server::closing();
    netkit(&format!("dial {} --stdio", closing.addr))
        .stdin("")
        .run()
        .status(0)
        .says_nothing();
}

#[test]
fn a_failed_dial_is_told_beside_the_data() {
    let closed = Closed::new();
    let outcome = netkit(&format!("dial {} --stdio", closed.addr))
        .stdin("lost")
        .run()
        .status(1);
    assert_eq!(outcome.stdout, "", "{outcome}");
    outcome.complains("refused");
}
