//! `--starttls` over real sockets: a server of each protocol, by the words of its RFC, turns to TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio_rustls::rustls::{ServerConfig, ServerConnection, Stream};

use crate::support::netkit;
use crate::tls::{World, line};
use crate::tls_server::{BOTH, config};

/// What a server does.
enum Turn {
    Says(&'static [u8]),
    /// It must be told exactly this.
    Hears(&'static [u8]),
}

use Turn::{Hears, Says};

/// Servers that turn to TLS.
#[expect(clippy::too_many_lines, reason = "a table of dialogues")]
fn willing() -> Vec<(&'static str, Vec<Turn>)> {
    vec![
        (
            "smtp",
            vec![
                Says(b"220-mx.test\r\n220 ESMTP\r\n"),
                Hears(b"EHLO netkit\r\n"),
                Says(b"250-mx.test\r\n250-STARTTLS\r\n250 8BITMIME\r\n"),
                Hears(b"STARTTLS\r\n"),
                Says(b"220 go ahead\r\n"),
            ],
        ),
        (
            "imap",
            vec![
                Says(b"* OK [CAPABILITY IMAP4rev2 STARTTLS] ready\r\n"),
                Hears(b"a1 STARTTLS\r\n"),
                Says(b"a1 OK begin\r\n"),
            ],
        ),
        (
            "pop3",
            vec![
                Says(b"+OK ready\r\n"),
                Hears(b"STLS\r\n"),
                Says(b"+OK begin\r\n"),
            ],
        ),
        (
            "ftp",
            vec![
                Says(b"220 ready\r\n"),
                Hears(b"AUTH TLS\r\n"),
                Says(b"234 begin\r\n"),
            ],
        ),
        (
            "postgres",
            vec![Hears(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]), Says(b"S")],
        ),
        ("mysql", vec![Says(&MYSQL), Hears(&MYSQL_REQUEST)]),
        (
            "ldap",
            vec![
                Hears(b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
                Says(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"),
            ],
        ),
        (
            "xmpp",
            vec![
                Hears(
                    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
                      xmlns:stream='http://etherx.jabber.org/streams' to='web.test' version='1.0'>",
                ),
                Says(
                    b"<?xml version='1.0'?><stream:stream from='web.test' id='1' version='1.0' \
                      xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>\
                      <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>\
                      <required/></starttls></stream:features>",
                ),
                Hears(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
                Says(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
            ],
        ),
    ]
}

/// The greeting of a server of `MySQL` 8 that can speak TLS (`HandshakeV10`).
const MYSQL: [u8; 78] =
    *b"\x4a\0\0\0\x0a8.0.35\0\x01\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15\
    \0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0caching_sha2_password\0";

/// `SSLRequest`: 32 bytes, number 1.
const MYSQL_REQUEST: [u8; 36] = {
    let mut packet = [0; 36];
    packet[0] = 32;
    packet[3] = 1;
    // CLIENT_LONG_PASSWORD and the like: PROTOCOL_41, SSL and SECURE_CONNECTION.
    packet[5] = 0x8a;
    packet[11] = 1;
    packet[12] = 33;
    packet
};

/// Plays a server for one connection; after the last turn it speaks TLS, if it can, and sends back what
/// it gets.
fn play(turns: Vec<Turn>, config: Option<ServerConfig>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        for turn in turns {
            take(&mut stream, &turn);
        }
        let Some(config) = config else {
            let _ = stream.read_to_end(&mut Vec::new());
            return;
        };
        let mut session = ServerConnection::new(Arc::new(config)).expect("a session");
        let mut tls = Stream::new(&mut session, &mut stream);
        let mut words = [0; 64];
        let count = tls.read(&mut words).expect("the client speaks TLS");
        tls.write_all(&words[..count]).expect("the client goes on");
        let _ = tls.read(&mut words);
    });
    (addr, thread)
}

fn take(stream: &mut TcpStream, turn: &Turn) {
    match turn {
        Says(words) => stream.write_all(words).expect("the client listens"),
        Hears(words) => {
            let mut heard = vec![0; words.len()];
            stream.read_exact(&mut heard).expect("the client speaks");
            let (heard, words) = (heard.escape_ascii(), words.escape_ascii());
            assert_eq!(heard.to_string(), words.to_string());
        }
    }
}

#[test]
fn a_server_of_each_protocol_turns_to_tls() {
    let world = World::new("starttls");
    for (protocol, turns) in willing() {
        let (addr, server) = play(turns, Some(config(&world.authority.good(), None, BOTH)));
        let words = format!(
            "dial {addr} --starttls {protocol} --sni web.test --ca {} --json --send hi --expect hi",
            world.ca
        );
        let line = line(&netkit(&words).run().status(0).stdout);
        assert_eq!(line["tls"]["starttls"], protocol);
        assert!(line["tls"]["starttls_ms"].is_f64(), "{line:#}");
        assert_eq!(line["tls"]["version"], "1.3");
        server.join().expect("the dialogue was as its RFC says");
    }
}

#[test]
fn a_server_of_each_protocol_that_will_not_is_told_from_one_that_speaks_something_else() {
    let rows: [(&str, Vec<Turn>, &str); 7] = [
        ("imap", vec![Says(b"* PREAUTH hi\r\n")], "PREAUTH"),
        ("pop3", vec![Says(b"+OK\r\n-ERR no\r\n")], "-ERR no"),
        ("ftp", vec![Says(b"220 hi\r\n502 no\r\n")], "502 no"),
        ("postgres", vec![Says(b"N")], "it has no TLS"),
        (
            "postgres",
            vec![Says(b"SSH-2.0-x\r\n")],
            "does not speak postgres on this port: this is SSH",
        ),
        (
            "postgres",
            vec![Says(b"Sinjected")],
            "8 bytes in clear after agreeing",
        ),
        ("smtp", vec![Says(b"SSH-2.0-x\r\n")], "SSH-2.0-x"),
    ];
    for (protocol, turns, words) in rows {
        let (addr, server) = play(turns, None);
        let dial = format!("dial {addr} --starttls {protocol} --sni web.test --json");
        let outcome = netkit(&dial).run().status(4);
        let said = line(&outcome.stdout)["failure"].to_string();
        assert!(said.contains(words), "{protocol}: {said}");
        server.join().expect("it says what it does");
    }
}
