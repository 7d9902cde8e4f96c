//! A Workload API of SPIFFE for tests: an agent on a Unix socket that says what it is told to, and
//! misbehaves on request. Its messages are written here, and not by the code that reads them.
//!
//! A test crate includes it with `#[path = "../support/workload.rs"] mod workload;`, beside `tls_server`.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use rcgen::KeyUsagePurpose;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::tls_server::{Authority, Leaf, uri};

/// What the agent does from now on.
#[derive(Clone, Debug)]
pub(crate) enum Say {
    /// Sends a message to everybody who asks, and at once to those who have asked.
    Message(Vec<u8>),
    /// Ends every stream with a code of gRPC and a word.
    Status(u32, &'static str),
    /// Answers with this status of HTTP.
    Http(u16),
    /// Closes every connection.
    Close,
    /// Takes connections and says nothing.
    Nothing,
    /// Sends these bytes, which are no HTTP/2.
    Bytes(&'static [u8]),
    /// Sends these bytes as the body of a gRPC answer.
    Body(Vec<u8>),
}

/// An agent on a thread of its own; dropping it stops it.
pub(crate) struct Agent {
    path: PathBuf,
    say: Option<watch::Sender<Say>>,
    asked: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Agent {
    /// Listens at `agent.sock` of a folder.
    pub(crate) fn start(folder: &Path, first: Say) -> Self {
        let path = folder.join("agent.sock");
        let _ = std::fs::remove_file(&path);
        let (say, said) = watch::channel(first);
        let asked = Arc::<AtomicUsize>::default();
        let (ready, started) = std::sync::mpsc::channel();
        let (at, count) = (path.clone(), asked.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                let listener = UnixListener::bind(&at).expect("a free path");
                ready.send(()).expect("the test waits");
                serve(listener, said, count).await;
            });
        });
        started.recv().expect("the agent starts");
        Self {
            path,
            say: Some(say),
            asked,
            thread: Some(thread),
        }
    }

    /// `unix:/path`.
    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.path.display())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn say(&self, what: Say) {
        self.say.as_ref().expect("it runs").send_replace(what);
    }

    /// How often it was asked rightly.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Its receivers see that nobody speaks any more.
        drop(self.say.take());
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

async fn serve(listener: UnixListener, mut said: watch::Receiver<Say>, asked: Arc<AtomicUsize>) {
    let ended = async |said: &mut watch::Receiver<Say>| while said.changed().await.is_ok() {};
    let mut all = said.clone();
    tokio::select! {
        () = ended(&mut said) => {}
        () = async {
            while let Ok((stream, _)) = listener.accept().await {
                all.mark_unchanged();
                tokio::spawn(attend(stream, all.clone(), asked.clone()));
            }
        } => {}
    }
}

async fn attend(mut stream: UnixStream, mut said: watch::Receiver<Say>, asked: Arc<AtomicUsize>) {
    let first = said.borrow().clone();
    match first {
        Say::Close => {}
        Say::Nothing => while said.changed().await.is_ok() {},
        Say::Bytes(bytes) => {
            let _ = stream.write_all(bytes).await;
            let mut space = [0; 1024];
            while stream.read(&mut space).await.is_ok_and(|count| count > 0) {}
        }
        _ => {
            let mut closing = said.clone();
            let closed = async {
                let is_closed = |say: &Say| matches!(say, Say::Close);
                let _ = closing.wait_for(is_closed).await;
            };
            tokio::select! {
                () = closed => {}
                () = speak(stream, said, asked) => {}
            }
        }
    }
}

async fn speak(stream: UnixStream, said: watch::Receiver<Say>, asked: Arc<AtomicUsize>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, said.clone(), asked.clone()));
    }
}

/// Answers a call until the agent says that it ends.
async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    mut said: watch::Receiver<Say>,
    asked: Arc<AtomicUsize>,
) {
    let say = said.borrow_and_update().clone();
    let say = match wrong(&request) {
        Some(refusal) => refusal,
        None => say,
    };
    asked.fetch_add(1, Ordering::SeqCst);
    let response = match &say {
        Say::Http(status) => Response::builder().status(*status).body(()),
        Say::Status(code, words) => Response::builder()
            .header("content-type", "application/grpc")
            .header("grpc-status", code.to_string())
            .header("grpc-message", *words)
            .body(()),
        _ => Response::builder()
            .header("content-type", "application/grpc")
            .body(()),
    };
    let ends = matches!(say, Say::Http(_) | Say::Status(..));
    let response = response.expect("plain headers");
    let Ok(mut stream) = respond.send_response(response, ends) else {
        return;
    };
    if ends {
        return;
    }
    let mut say = say;
    loop {
        match say {
            Say::Message(message) => {
                let _ = stream.send_data(framed(&message).into(), false);
            }
            Say::Body(bytes) => {
                let _ = stream.send_data(bytes.into(), false);
            }
            Say::Status(code, words) => {
                let mut trailers = HeaderMap::new();
                let number = code.to_string().parse().expect("digits");
                trailers.insert("grpc-status", number);
                trailers.insert("grpc-message", words.parse().expect("ASCII"));
                let _ = stream.send_trailers(trailers);
                return;
            }
            _ => return,
        }
        if said.changed().await.is_err() {
            return;
        }
        say = said.borrow_and_update().clone();
    }
}

/// What an agent objects to in a request.
fn wrong(request: &Request<h2::RecvStream>) -> Option<Say> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    if request.uri().path() != "/SpiffeWorkloadAPI/FetchX509SVID" {
        return Some(Say::Status(12, "unknown method"));
    }
    if header("workload.spiffe.io") != Some("true") {
        return Some(Say::Status(3, "security header missing from request"));
    }
    let grpc = header("content-type") == Some("application/grpc");
    let trailers = header("te") == Some("trailers");
    (!grpc || !trailers).then_some(Say::Http(415))
}

/// A message as gRPC sends it.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("short");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

/// A certificate of a workload.
pub(crate) fn svid(authority: &Authority, id: &str) -> Leaf {
    authority.leaf(&[], |params| {
        params.subject_alt_names = vec![uri(id)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    })
}

/// `X509SVIDResponse` with one identity, and the authorities of other trust domains.
pub(crate) fn response(
    id: &str,
    leaf: &Leaf,
    authority: &Authority,
    federated: &[(&str, &Authority)],
) -> Vec<u8> {
    let chain = leaf
        .chain
        .iter()
        .map(|der| der.to_vec())
        .collect::<Vec<_>>();
    let key = leaf.key.serialize_der();
    let mut message = field(1, &identity(id, &chain.concat(), &key, &authority.der()));
    for (domain, authority) in federated {
        let entry = [field(1, domain.as_bytes()), field(2, &authority.der())].concat();
        message.extend(field(3, &entry));
    }
    message
}

/// `X509SVID`.
pub(crate) fn identity(id: &str, chain: &[u8], key: &[u8], bundle: &[u8]) -> Vec<u8> {
    hinted(id, chain, key, bundle, "a hint")
}

fn hinted(id: &str, chain: &[u8], key: &[u8], bundle: &[u8], hint: &str) -> Vec<u8> {
    [
        field(1, id.as_bytes()),
        field(2, chain),
        field(3, key),
        field(4, bundle),
        field(5, hint.as_bytes()),
    ]
    .concat()
}

/// `X509SVIDResponse` with several identities of one trust domain, each with its hint.
pub(crate) fn offering(authority: &Authority, all: &[(&str, &str)]) -> Vec<u8> {
    let mut message = Vec::new();
    for (id, hint) in all {
        let leaf = svid(authority, id);
        let key = leaf.key.serialize_der();
        let one = hinted(id, &leaf.chain[0], &key, &authority.der(), hint);
        message.extend(field(1, &one));
    }
    message
}

/// A field of bytes in the encoding of Protocol Buffers.
pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 127 {
        field.push(u8::try_from(length & 127).expect("seven bits") | 128);
        length >>= 7;
    }
    field.push(u8::try_from(length).expect("seven bits"));
    field.extend_from_slice(bytes);
    field
}
