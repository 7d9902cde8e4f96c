//! A policy in etcd: every key below a prefix is one document, in the order of the keys.
//!
//! Speaks the JSON gateway of etcd v3 (`/v3/kv/range`, `/v3/watch`) over HTTP/1.1: get all keys, then
//! watch from the next revision on. A watch that breaks is begun again with a fresh get, so that no
//! change is missed; until then the rules in force stay. The only file that imports hyper.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use data_encoding::BASE64;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::addr::{Family, ParseError, split_host_port};
use crate::deadline::Deadline;
use crate::net::{self, Keepalive, PeerAddr, SocketOptions};
use crate::policy::backoff::Backoff;
use crate::resolve::{Lookup, Question, StubResolver};

use super::source::{Document, Part, Source, SourceError};

/// How long connecting and getting may take.
const LIMIT: Duration = Duration::from_secs(5);
/// The pauses between tries to reach etcd again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A policy is written by people.
const LARGEST: usize = 4 << 20;
/// A watch has nothing to say for days; a server that is gone should be noticed within half a minute.
const KEEPALIVE: Keepalive = Keepalive {
    enabled: true,
    idle: Duration::from_secs(10),
    interval: Duration::from_secs(5),
    count: 3,
};

/// `etcd://HOST:PORT/PREFIX`; the prefix begins with its slash: `/netkit/policy/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdPlace {
    host: String,
    port: u16,
    prefix: String,
}

impl EtcdPlace {
    pub(super) fn parse(text: &str) -> Result<Self, ParseError> {
        let expected = "etcd://HOST:PORT/PREFIX, such as etcd://127.0.0.1:2379/netkit/";
        let start = "etcd://".len();
        let slash = text[start..].find('/').map(|at| start + at);
        let Some(slash) = slash.filter(|at| *at + 1 < text.len()) else {
            let message = "the prefix of the keys is missing";
            return Err(ParseError::new(
                text,
                text.len()..text.len(),
                message,
                expected,
            ));
        };
        let authority = start..slash;
        let split = split_host_port(&text[authority.clone()]).ok();
        let split = split.and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        match split {
            Some((host, port)) if !host.is_empty() && port > 0 => Ok(Self {
                host: host.to_owned(),
                port,
                prefix: text[slash..].to_owned(),
            }),
            _ => {
                let message = format!("{:?} is not a host and a port", &text[authority.clone()]);
                Err(ParseError::new(text, authority, message, expected))
            }
        }
    }

    /// The first key after all keys below the prefix.
    fn range_end(&self) -> Vec<u8> {
        let mut end = self.prefix.clone().into_bytes();
        // UTF-8 has no byte 0xff, and the prefix begins with a slash.
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        end
    }

    fn error(&self, message: impl fmt::Display) -> SourceError {
        SourceError {
            place: self.to_string(),
            message: message.to_string(),
        }
    }
}

impl fmt::Display for EtcdPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = crate::addr::join_host_port(&self.host, &self.port.to_string());
        write!(f, "etcd://{authority}{}", self.prefix)
    }
}

/// etcd as a source.
#[derive(Debug)]
pub struct EtcdSource {
    place: EtcdPlace,
    names: StubResolver,
    watch: Option<Watch>,
    /// What was handed over last.
    last: Option<Document>,
    /// The pauses since the last success; `None` after one.
    backoff: Option<Backoff>,
}

/// A running watch.
#[derive(Debug)]
struct Watch {
    events: Incoming,
    /// What came of the next line so far.
    line: Vec<u8>,
    _connection: JoinSet<()>,
}

/// An open connection for requests.
struct Client {
    sender: SendRequest<Full<Bytes>>,
    connection: JoinSet<()>,
}

impl EtcdSource {
    /// Asks etcd at `place`; a host name is looked up by `names`.
    #[must_use]
    pub fn new(place: EtcdPlace, names: StubResolver) -> Self {
        Self {
            place,
            names,
            watch: None,
            last: None,
            backoff: None,
        }
    }

    /// The document after the next change, or after the next try to reach etcd.
    async fn step(&mut self) -> Result<Document, String> {
        if let Some(watch) = &mut self.watch {
            watch.change().await?;
        }
        let deadline = Deadline::after(LIMIT);
        let fresh = async {
            let mut client = self.connect(&deadline).await?;
            let (document, revision) = self.get(&mut client).await?;
            let watch = match self.watch.take() {
                Some(watch) => watch,
                None => self.begin_watch(client, revision + 1).await?,
            };
            Ok::<_, String>((document, watch))
        };
        let got = deadline.bound(Box::pin(fresh)).await;
        let (document, watch) = got.map_err(|_| format!("no answer within {LIMIT:?}"))??;
        self.watch = Some(watch);
        Ok(document)
    }

    async fn connect(&self, deadline: &Deadline) -> Result<Client, String> {
        let options = SocketOptions {
            keepalive: KEEPALIVE,
            ..SocketOptions::default()
        };
        let mut failure = "the host has no address".to_owned();
        for ip in self.addresses(deadline).await? {
            let addr = PeerAddr::Tcp(SocketAddr::new(ip, self.place.port));
            match net::connect(&addr, &options, deadline).await {
                Ok(connection) => return Client::new(TokioIo::new(connection)).await,
                Err(error) => failure = error.to_string(),
            }
        }
        Err(failure)
    }

    async fn addresses(&self, deadline: &Deadline) -> Result<Vec<IpAddr>, String> {
        if let Ok(ip) = self.place.host.parse() {
            return Ok(vec![ip]);
        }
        let ask = |family| Question {
            name: self.place.host.as_str().into(),
            family,
        };
        let (v6, v4) = (ask(Family::Ipv6), ask(Family::Ipv4));
        let v6 = self.names.lookup(&v6, deadline);
        let v4 = self.names.lookup(&v4, deadline);
        match tokio::join!(v6, v4) {
            (Err(_), Err(failure)) => Err(failure.to_string()),
            (v6, v4) => {
                let all = [v6, v4].into_iter().flatten();
                Ok(all.flat_map(|answer| answer.addresses).collect())
            }
        }
    }

    /// All documents, and the revision at which they were read.
    async fn get(&self, client: &mut Client) -> Result<(Document, i64), String> {
        let body = json!({
            "key": BASE64.encode(self.place.prefix.as_bytes()),
            "range_end": BASE64.encode(&self.place.range_end()),
        });
        let body = client.post(&self.place, "/v3/kv/range", body).await?;
        let read = http_body_util::Limited::new(body, LARGEST).collect();
        let bytes = read.await.map_err(|error| error.to_string())?.to_bytes();
        let range: Range = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        let parts = range.kvs.into_iter().map(KeyValue::into_part);
        let document = Document {
            parts: parts.collect::<Result<_, _>>()?,
        };
        let revision = range.header.revision;
        let revision = revision.parse();
        Ok((document, revision.map_err(|_| "the reply has no revision")?))
    }

    async fn begin_watch(&self, mut client: Client, from: i64) -> Result<Watch, String> {
        let body = json!({ "create_request": {
            "key": BASE64.encode(self.place.prefix.as_bytes()),
            "range_end": BASE64.encode(&self.place.range_end()),
            "start_revision": from.to_string(),
        }});
        let events = client.post(&self.place, "/v3/watch", body).await?;
        Ok(Watch {
            events,
            line: Vec::new(),
            _connection: client.connection,
        })
    }
}

impl Source for EtcdSource {
    async fn next(&mut self) -> Result<Document, SourceError> {
        loop {
            if let Some(backoff) = &mut self.backoff
                && let Some(pause) = backoff.pause()
            {
                tokio::time::sleep(pause).await;
            }
            match self.step().await {
                Ok(document) => {
                    self.backoff = None;
                    if self.last.as_ref() != Some(&document) {
                        self.last = Some(document.clone());
                        return Ok(document);
                    }
                }
                Err(message) => {
                    self.watch = None;
                    let first = self.backoff.is_none();
                    self.backoff
                        .get_or_insert_with(|| Backoff::new(PAUSES.0, PAUSES.1));
                    // The tries after the first are told by their success.
                    if first || self.last.is_none() {
                        return Err(self.place.error(message));
                    }
                }
            }
        }
    }
}

impl Client {
    async fn new(io: TokioIo<Box<dyn net::Connection>>) -> Result<Self, String> {
        let (sender, connection) = http1::handshake(io)
            .await
            .map_err(|error| error.to_string())?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            // How the connection ended is seen by whoever waits for a reply.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            connection: task,
        })
    }

    async fn post(
        &mut self,
        place: &EtcdPlace,
        path: &str,
        body: serde_json::Value,
    ) -> Result<Incoming, String> {
        let host = crate::addr::join_host_port(&place.host, &place.port.to_string());
        let request = Request::post(path)
            .header("host", host)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| error.to_string())?;
        let reply = self.sender.send_request(request).await;
        let reply = reply.map_err(|error| error.to_string())?;
        match reply.status() {
            StatusCode::OK => Ok(reply.into_body()),
            status => Err(format!("it answered {path} with {status}")),
        }
    }
}

impl Watch {
    /// Waits until keys have changed. Cancel safe.
    async fn change(&mut self) -> Result<(), String> {
        loop {
            while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.line.drain(..=end).collect();
                if is_change(&line)? {
                    return Ok(());
                }
            }
            let frame = self.events.frame().await;
            let frame = frame.ok_or("the watch ended")?;
            let frame = frame.map_err(|error| format!("the watch broke: {error}"))?;
            self.line.extend(frame.into_data().unwrap_or_default());
            if self.line.len() > LARGEST {
                return Err("a message of the watch is too long".to_owned());
            }
        }
    }
}

/// Whether a message of a watch tells of events; an error when it is the last one.
fn is_change(line: &[u8]) -> Result<bool, String> {
    let message: Message = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    match message {
        Message {
            error: Some(error), ..
        } => Err(format!("the watch failed: {}", error.message)),
        Message {
            result: Some(result),
            ..
        } if result.canceled => Err(format!("the watch was cancelled: {}", result.cancel_reason)),
        Message { result, .. } => Ok(result.is_some_and(|result| !result.events.is_empty())),
    }
}

#[derive(Deserialize)]
struct Range {
    header: Header,
    #[serde(default)]
    kvs: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    revision: String,
}

#[derive(Deserialize)]
struct KeyValue {
    key: String,
    #[serde(default)]
    value: String,
}

impl KeyValue {
    fn into_part(self) -> Result<Part, String> {
        let key = BASE64.decode(self.key.as_bytes());
        let key = key.map_err(|error| format!("a key is not base64: {error}"))?;
        let name = String::from_utf8_lossy(&key).into_owned();
        let value = BASE64.decode(self.value.as_bytes());
        let value = value.map_err(|error| format!("{name} is not base64: {error}"))?;
        let text = String::from_utf8(value).map_err(|_| format!("{name} is not UTF-8"))?;
        Ok(Part { name, text })
    }
}

#[derive(Deserialize)]
struct Message {
    result: Option<WatchResult>,
    error: Option<WatchError>,
}

#[derive(Deserialize)]
struct WatchResult {
    #[serde(default)]
    canceled: bool,
    #[serde(default)]
    cancel_reason: String,
    #[serde(default)]
    events: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct WatchError {
    #[serde(default)]
    message: String,
}
