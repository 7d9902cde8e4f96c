//! Every dialogue against a script, in pieces of every size, and against peers that mean harm.

use proptest::prelude::*;

use super::{Look, MOST, Machine, Refusal, Starttls};

/// Feeds a machine chunk by chunk; gives what the client said and how it ended.
fn play(protocol: Starttls, server: &[&[u8]], chunk: usize) -> (Vec<u8>, Result<usize, Refusal>) {
    let mut machine = protocol.machine("mail.example");
    let mut said = machine.opening().unwrap_or_default();
    let mut came: Vec<u8> = Vec::new();
    for words in server {
        for piece in words.chunks(chunk) {
            came.extend_from_slice(piece);
            match step(&mut *machine, &mut came, &mut said) {
                Ok(false) => {}
                Ok(true) => return (said, Ok(came.len())),
                Err(refusal) => return (said, Err(refusal)),
            }
        }
    }
    (said, Ok(usize::MAX))
}

fn step(
    machine: &mut dyn Machine,
    came: &mut Vec<u8>,
    said: &mut Vec<u8>,
) -> Result<bool, Refusal> {
    loop {
        let (took, words, begins) = match machine.look(came)? {
            Look::More => return Ok(false),
            Look::Took(took) => (took, Vec::new(), false),
            Look::Say(took, words) => (took, words, false),
            Look::Begin(took, words) => (took, words, true),
        };
        assert!(took <= came.len(), "it takes no more than came");
        came.drain(..took);
        said.extend(words);
        if begins {
            return Ok(true);
        }
    }
}

/// The greeting of a `MySQL` server with these capabilities.
fn mysql(capabilities: u16) -> Vec<u8> {
    let mut packet = b"\x0a8.0.35\0\x01\0\0\0abcdefgh\0".to_vec();
    packet.extend(capabilities.to_le_bytes());
    packet.extend([0x21, 2, 0]);
    let mut greeting = vec![packet.len().try_into().unwrap(), 0, 0, 0];
    greeting.extend(packet);
    greeting
}

#[test]
fn every_dialogue_ends_where_tls_begins() {
    let greeting = mysql(0xffff);
    let rows: [(Starttls, Vec<&[u8]>, &str); 8] = [
        (
            Starttls::Smtp,
            vec![b"220-mx\r\n220 mx ESMTP\r\n", b"250-mx\r\n250-SIZE 1\r\n250-STARTTLS\r\n250 HELP\r\n", b"220 go\r\n"],
            "EHLO netkit\r\nSTARTTLS\r\n",
        ),
        (
            Starttls::Imap,
            vec![b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n", b"* CAPABILITY X\r\na1 OK go\r\n"],
            "a1 STARTTLS\r\n",
        ),
        (Starttls::Pop3, vec![b"+OK hi\r\n", b"+OK go\r\n"], "STLS\r\n"),
        (Starttls::Ftp, vec![b"220-a\r\n b\r\n220 hi\r\n", b"234 go\r\n"], "AUTH TLS\r\n"),
        (Starttls::Postgres, vec![b"S"], "\0\0\0\x08\x04\u{d2}\x16/"),
        (Starttls::Mysql, vec![&greeting], " \0\0\x01"),
        (
            Starttls::Ldap,
            vec![b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"],
            "0\x1d\x02\x01\x01w\x18",
        ),
        (
            Starttls::Xmpp,
            vec![
                b"<?xml version='1.0'?><stream:stream id='1'><stream:features><starttls xmlns='x'/></stream:features>",
                b"<proceed xmlns='x'/>",
            ],
            "<?xml version='1.0'?><stream:stream ",
        ),
    ];
    for (protocol, server, begins) in rows {
        for chunk in [1, 2, 3, 7, 4096] {
            let (said, end) = play(protocol, &server, chunk);
            assert_eq!(end, Ok(0), "{protocol:?} in pieces of {chunk}");
            let text: String = said.iter().map(|byte| char::from(*byte)).collect();
            assert!(text.starts_with(begins), "{protocol:?}: {text:?}");
        }
    }
}

#[test]
fn a_server_that_will_not_is_told_from_one_that_speaks_something_else() {
    let no = mysql(0xf7ff);
    let refused: [(Starttls, Vec<&[u8]>); 10] = [
        (
            Starttls::Smtp,
            vec![b"220 mx\r\n", b"250-mx\r\n250 HELP\r\n"],
        ),
        (Starttls::Smtp, vec![b"554 go away\r\n"]),
        (
            Starttls::Smtp,
            vec![b"220 mx\r\n", b"250 STARTTLS\r\n", b"454 not now\r\n"],
        ),
        (Starttls::Imap, vec![b"* OK hi\r\n", b"a1 NO never\r\n"]),
        (Starttls::Imap, vec![b"* PREAUTH hi\r\n"]),
        (Starttls::Pop3, vec![b"+OK hi\r\n", b"-ERR no\r\n"]),
        (Starttls::Ftp, vec![b"220 hi\r\n", b"502 no\r\n"]),
        (Starttls::Postgres, vec![b"N"]),
        (Starttls::Mysql, vec![&no]),
        (
            Starttls::Ldap,
            vec![b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"],
        ),
    ];
    for (protocol, server) in refused {
        let (_, end) = play(protocol, &server, 3);
        assert!(
            matches!(end, Err(Refusal::No(_))),
            "{protocol:?} {server:?}: {end:?}"
        );
    }
    for protocol in Starttls::ALL {
        for banner in [
            &b"SSH-2.0-x\r\nabcdefgh\r\n"[..],
            b"HTTP/1.1 400 Bad\r\n\r\n",
        ] {
            let (_, end) = play(protocol, &[banner], 5);
            // A single letter is all that PostgreSQL says.
            let fits = protocol == Starttls::Postgres && banner[0] == b'S';
            assert!(
                fits || end == Err(Refusal::Stranger),
                "{protocol:?}: {end:?}"
            );
        }
    }
}

proptest! {
    /// Whatever comes, a machine neither panics nor takes more than came, and a line without an end
    /// is refused long before the limit of the dialogue.
    #[test]
    fn random_bytes_harm_nothing(
        which in 0..8_usize,
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        start in 0..4_usize,
        chunk in 1..40_usize,
    ) {
        let starts: [&[u8]; 4] = [b"", b"220 x\r\n250-", b"* OK\r\n", b"<?xml?><stream:features>"];
        let bytes = [starts[start], &bytes].concat();
        let _ = play(Starttls::ALL[which], &[&bytes], chunk);
    }
}

#[test]
fn an_endless_line_is_refused() {
    let endless = vec![b'2'; MOST];
    for protocol in [
        Starttls::Smtp,
        Starttls::Imap,
        Starttls::Pop3,
        Starttls::Ftp,
    ] {
        let (_, end) = play(protocol, &[&endless], 1024);
        assert_eq!(end, Err(Refusal::Stranger), "{protocol:?}");
    }
}
