//! Asking for TLS in the words of another protocol (STARTTLS), before the handshake.
//!
//! Each dialogue is a pure machine that is given what came and says what to do; here they are chosen
//! and driven. Nothing of what a hostile peer sends is kept beyond 16 KiB.

mod ldap;
mod lines;
mod mysql;
mod postgres;
#[cfg(test)]
mod tests;
mod xmpp;

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::deadline::{Deadline, Expired};
use crate::failure::{Evidence, Failure, Kind, Stage, Who};
use crate::net::Connection;

/// Bytes of a dialogue that are read at most; those of honest servers are a few hundred.
const MOST: usize = 16 * 1024;
/// Bytes of it that a failure quotes.
const QUOTED: usize = 64;

/// A protocol that can turn to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starttls {
    /// RFC 3207.
    Smtp,
    /// RFC 9051 §6.2.1.
    Imap,
    /// RFC 2595 §4.
    Pop3,
    /// `SSLRequest` of the frontend/backend protocol.
    Postgres,
    /// `SSLRequest` of the client/server protocol, version 10.
    Mysql,
    /// RFC 4511 §4.14.
    Ldap,
    /// RFC 6120 §5.
    Xmpp,
    /// RFC 4217.
    Ftp,
}

impl Starttls {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Smtp,
        Self::Imap,
        Self::Pop3,
        Self::Postgres,
        Self::Mysql,
        Self::Ldap,
        Self::Xmpp,
        Self::Ftp,
    ];

    /// The word for it on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Ldap => "ldap",
            Self::Xmpp => "xmpp",
            Self::Ftp => "ftp",
        }
    }

    /// The protocol of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    fn machine(self, host: &str) -> Box<dyn Machine> {
        match self {
            Self::Smtp => Box::new(lines::Lines::new(lines::SMTP)),
            Self::Imap => Box::new(lines::Lines::new(lines::IMAP)),
            Self::Pop3 => Box::new(lines::Lines::new(lines::POP3)),
            Self::Ftp => Box::new(lines::Lines::new(lines::FTP)),
            Self::Postgres => Box::new(postgres::Postgres),
            Self::Mysql => Box::new(mysql::Mysql),
            Self::Ldap => Box::new(ldap::Ldap),
            Self::Xmpp => Box::new(xmpp::Xmpp::new(host)),
        }
    }
}

/// One dialogue. It sees what came and has not been taken yet.
trait Machine: Send {
    /// What the client says before the server has said anything.
    fn opening(&self) -> Option<Vec<u8>> {
        None
    }

    /// Looks at what came.
    fn look(&mut self, came: &[u8]) -> Result<Look, Refusal>;
}

/// What a machine makes of what came.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// More must come.
    More,
    /// So many bytes are dealt with.
    Took(usize),
    /// They are, and this is to be said.
    Say(usize, Vec<u8>),
    /// They are, and TLS begins, after this is said.
    Begin(usize, Vec<u8>),
}

/// Why there will be no TLS.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// The server speaks the protocol, and says no.
    No(String),
    /// The server speaks something else.
    Stranger,
}

/// Talks until TLS may begin; nothing of TLS has been read then.
///
/// Errs with stage `tls`: `tls_protocol` when the server will not, `tls_not_tls` when it speaks
/// another protocol, `timeout`, or what the connection says. Not cancel safe: the dialogue cannot go
/// on elsewhere.
pub async fn upgrade(
    connection: &mut dyn Connection,
    protocol: Starttls,
    host: &str,
    deadline: &Deadline,
) -> Result<(), Failure> {
    let mut dialogue = Dialogue {
        machine: protocol.machine(host),
        protocol,
        host,
        came: Vec::new(),
        total: 0,
    };
    match deadline.bound(dialogue.run(connection)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Broken::Io(error))) => Err(connection.explain(Stage::Tls, &error)),
        Ok(Err(Broken::Failed(failure))) => Err(*failure),
        Err(expired) => Err(dialogue.unfinished(expired)),
    }
}

/// A dialogue under way.
struct Dialogue<'a> {
    machine: Box<dyn Machine>,
    protocol: Starttls,
    host: &'a str,
    /// What came and was not dealt with.
    came: Vec<u8>,
    total: usize,
}

enum Broken {
    Io(io::Error),
    Failed(Box<Failure>),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Dialogue<'_> {
    async fn run(&mut self, connection: &mut dyn Connection) -> Result<(), Broken> {
        if let Some(opening) = self.machine.opening() {
            say(connection, &opening).await?;
        }
        loop {
            self.read(connection).await?;
            if self.answer(connection).await? {
                return self.nothing_left().map_err(failed);
            }
        }
    }

    async fn read(&mut self, connection: &mut dyn Connection) -> Result<(), Broken> {
        let mut chunk = [0; 1024];
        let count = connection.read(&mut chunk).await?;
        if count == 0 {
            return Err(failed(self.closed()));
        }
        self.came.extend_from_slice(&chunk[..count]);
        self.total += count;
        if self.total > MOST {
            let message = format!("{} talks on and on instead of beginning TLS", self.host);
            return Err(failed(self.failure(Kind::TlsProtocol, message)));
        }
        Ok(())
    }

    /// Deals with all that came; tells whether TLS begins.
    async fn answer(&mut self, connection: &mut dyn Connection) -> Result<bool, Broken> {
        loop {
            let look = self.machine.look(&self.came);
            let (took, words, begins) =
                match look.map_err(|refusal| failed(self.refused(refusal)))? {
                    Look::More => return Ok(false),
                    Look::Took(took) => (took, Vec::new(), false),
                    Look::Say(took, words) => (took, words, false),
                    Look::Begin(took, words) => (took, words, true),
                };
            self.came.drain(..took.min(self.came.len()));
            if !words.is_empty() {
                say(connection, &words).await?;
            }
            if begins {
                return Ok(true);
            }
        }
    }

    /// What came in clear after the go-ahead could be anybody's (CVE-2011-0411).
    fn nothing_left(&self) -> Result<(), Failure> {
        if self.came.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{} sent {} bytes in clear after agreeing to TLS, which somebody else may have put in",
            self.host,
            self.came.len()
        );
        Err(self.failure(Kind::TlsProtocol, message))
    }

    fn failure(&self, kind: Kind, message: String) -> Failure {
        let first = &self.came[..self.came.len().min(QUOTED)];
        let text = first.escape_ascii().to_string();
        let failure = Failure::new(Stage::Tls, kind, message).by(Who::Peer);
        match first {
            [] => failure,
            _ => failure.because(Evidence::FirstBytes { text }),
        }
    }

    fn refused(&self, refusal: Refusal) -> Failure {
        let (host, name) = (self.host, self.protocol.name());
        match refusal {
            Refusal::No(why) => {
                let message = format!("{host} speaks {name} and will not begin TLS: {why}");
                self.failure(Kind::TlsProtocol, message)
                    .hint("turn TLS on in the configuration of the server, or dial its port for TLS from the start")
            }
            Refusal::Stranger => {
                let ssh = self.came.starts_with(b"SSH-");
                let guess = if ssh { ": this is SSH" } else { "" };
                let message = format!("{host} does not speak {name} on this port{guess}");
                self.failure(Kind::TlsNotTls, message)
            }
        }
    }

    fn closed(&self) -> Failure {
        let (host, name) = (self.host, self.protocol.name());
        let message = format!("{host} closed the connection before TLS could begin ({name})");
        let after_bytes = self.total as u64;
        self.failure(Kind::TlsProtocol, message)
            .because(Evidence::Fin { after_bytes })
    }

    fn unfinished(&self, expired: Expired) -> Failure {
        let (host, name) = (self.host, self.protocol.name());
        let message = match expired {
            Expired::Cancelled => format!("asking {host} for TLS was interrupted"),
            Expired::TimedOut => {
                format!("{host} did not get as far as TLS in time, in the words of {name}")
            }
        };
        let first = &self.came[..self.came.len().min(QUOTED)];
        let text = first.escape_ascii().to_string();
        let failure = Failure::new(Stage::Tls, Kind::Timeout, message);
        match first {
            [] => failure,
            _ => failure.because(Evidence::FirstBytes { text }),
        }
    }
}

fn failed(failure: Failure) -> Broken {
    Broken::Failed(Box::new(failure))
}

async fn say(connection: &mut dyn Connection, words: &[u8]) -> io::Result<()> {
    connection.write_all(words).await?;
    connection.flush().await
}
