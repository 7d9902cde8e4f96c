//! A scriptable name server on loopback: it answers from a small zone, and misbehaves on request.
//!
//! It runs on a thread with a runtime of its own, so that any test (paused time or not, tokio or
//! not) can use it; dropping it stops it. A test crate includes it with `#[path = "../support/dns.rs"] mod dns;`.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hickory_resolver::proto::op::{Edns, Message, MessageType, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, NS, SOA};
use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_util::sync::CancellationToken;

/// Seconds every record of the zone may be kept.
pub(crate) const TTL: u32 = 300;

/// What the server does with a question, for each carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Answers from the zone.
    Answer,
    /// The port is closed (UDP: ICMP port unreachable; TCP: RST).
    Closed,
    /// Takes the question and says nothing; TCP stays open.
    Silent,
    /// TCP: closes after this many octets of the framed reply.
    CloseAfter(usize),
    /// Sets TC and leaves the records out.
    Truncate,
    /// Sets TC and keeps the records.
    TruncateKeeping,
    /// Answers with another id, and says nothing else.
    WrongId,
    /// Answers with another id first, then properly.
    WrongIdThenAnswer,
    /// Repeats another question.
    WrongQuestion,
    /// Sends the question back with the records, QR not set.
    NotAResponse,
    /// The right header, and nothing readable after it.
    Garbage,
    /// Fewer octets than a header.
    Stub,
    /// This response code, no records.
    Code(u16),
    /// SERVFAIL with an extended error: code and text.
    ServfailBecause(u16, &'static str),
    /// FORMERR, a bare header, to any question with EDNS; answers the others.
    FormerrToEdns,
    /// BADVERS to any question with EDNS; answers the others.
    BadversToEdns,
    /// FORMERR, a bare header, to any question with EDNS; says nothing to the others.
    FormerrOrSilence,
    /// FORMERR, a bare header, to any question.
    FormerrToAll,
    /// BADCOOKIE with the server's half until a question repeats it; answers that one.
    WantsCookie,
    /// BADCOOKIE with the server's half, always.
    BadCookie,
    /// Answers with an EDNS option of each kind.
    EveryOption,
    /// A referral: NS records, no authority, no recursion.
    Lame,
    /// An empty datagram or message.
    Empty,
    /// Answers, from another port (UDP).
    WrongSource,
    /// The records end in the middle of the last one.
    CutRecord,
    /// A name that points at itself.
    CompressionLoop,
    /// Claims more records than there are.
    CountsTooHigh,
    /// Answers, with octets after the message.
    TrailingGarbage,
    /// Answers with records of class CHAOS.
    WrongClass,
    /// Answers properly, and at once again with another address.
    TwoAnswers,
    /// Answers properly, and at once again with the same.
    AnswerTwice,
    /// Answers with 5000 octets, whatever was announced.
    Huge,
    /// TCP: one octet at a time.
    Drip,
    /// TCP: sends this many octets of the framed reply and stays open.
    HangAfter(usize),
    /// TCP: announces a message longer than the one that follows, and stays open.
    LengthTooHigh,
}

/// What the server knows and how it behaves.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    records: HashMap<(String, RecordType), Vec<RData>>,
    delays: HashMap<RecordType, Duration>,
    udp: Behaviour,
    tcp: Behaviour,
    ip: IpAddr,
    port: u16,
    whole_chains: bool,
    authoritative: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// An empty zone, answered properly on `127.0.0.1` and a free port.
    pub(crate) fn new() -> Self {
        Self {
            records: HashMap::new(),
            delays: HashMap::new(),
            udp: Behaviour::Answer,
            tcp: Behaviour::Answer,
            ip: IpAddr::from([127, 0, 0, 1]),
            port: 0,
            whole_chains: true,
            authoritative: false,
        }
    }

    /// Adds an address (A or AAAA by its family).
    pub(crate) fn address(self, name: &str, ip: &str) -> Self {
        match ip.parse().expect("a literal address") {
            IpAddr::V4(ip) => self.record(name, RecordType::A, RData::A(A(ip))),
            IpAddr::V6(ip) => self.record(name, RecordType::AAAA, RData::AAAA(AAAA(ip))),
        }
    }

    /// Adds an alias.
    pub(crate) fn alias(self, name: &str, target: &str) -> Self {
        let target = Name::from_ascii(format!("{target}.")).expect("a plain name");
        self.record(name, RecordType::CNAME, RData::CNAME(CNAME(target)))
    }

    fn record(mut self, name: &str, rtype: RecordType, data: RData) -> Self {
        let key = (name.to_ascii_lowercase(), rtype);
        self.records.entry(key).or_default().push(data);
        self
    }

    /// Answers with one link of an alias chain at a time, as a server does that does not know the
    /// target's zone.
    pub(crate) fn one_alias_at_a_time(mut self) -> Self {
        self.whole_chains = false;
        self
    }

    /// Answers with authority (AA) and without recursion.
    pub(crate) fn authoritative(mut self) -> Self {
        self.authoritative = true;
        self
    }

    /// Answers questions of this type late.
    pub(crate) fn delay(mut self, rtype: RecordType, by: Duration) -> Self {
        self.delays.insert(rtype, by);
        self
    }

    /// Sets the behaviour over UDP.
    pub(crate) fn udp(mut self, behaviour: Behaviour) -> Self {
        self.udp = behaviour;
        self
    }

    /// Sets the behaviour over TCP.
    pub(crate) fn tcp(mut self, behaviour: Behaviour) -> Self {
        self.tcp = behaviour;
        self
    }

    /// Sets the behaviour over both.
    pub(crate) fn both(self, behaviour: Behaviour) -> Self {
        self.udp(behaviour.clone()).tcp(behaviour)
    }

    /// Binds this address and port (inside a network namespace); port 0 is a free one.
    pub(crate) fn at(mut self, addr: SocketAddr) -> Self {
        (self.ip, self.port) = (addr.ip(), addr.port());
        self
    }

    /// Starts the server.
    pub(crate) fn start(self) -> DnsServer {
        DnsServer::start(self)
    }
}

/// A question that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// When, since the server started.
    pub(crate) at: Duration,
    /// Whether it came over TCP.
    pub(crate) tcp: bool,
    /// Its id.
    pub(crate) id: u16,
    /// The name, in lower case, without the final dot.
    pub(crate) name: String,
    /// The type.
    pub(crate) rtype: RecordType,
    /// The UDP payload size announced by EDNS.
    pub(crate) edns: Option<u16>,
    /// The AD bit.
    pub(crate) ad: bool,
}

/// A running server; dropping it stops it.
pub(crate) struct DnsServer {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl DnsServer {
    fn start(script: Script) -> Self {
        let (ready, started) = std::sync::mpsc::channel();
        let stop = CancellationToken::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let server = Server {
            script,
            seen: seen.clone(),
            connections: connections.clone(),
            start: Instant::now(),
        };
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let (udp, tcp, addr) = server.bind().await;
                ready.send(addr).expect("the test waits for the address");
                tokio::select! {
                    () = Arc::new(server).serve(udp, tcp) => {}
                    () = stopped.cancelled() => {}
                }
            });
        });
        Self {
            addr: started.recv().expect("the server binds"),
            seen,
            connections,
            stop,
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The questions so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic holds it").clone()
    }

    /// The questions so far over UDP.
    pub(crate) fn seen_udp(&self) -> usize {
        self.seen().iter().filter(|seen| !seen.tcp).count()
    }

    /// The TCP connections that are open now.
    pub(crate) fn open_connections(&self) -> usize {
        *self.connections.lock().expect("no panic holds it")
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Server {
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
    start: Instant,
}

impl Server {
    /// Binds both carriers to one port, as far as they are open.
    async fn bind(&self) -> (Option<UdpSocket>, Option<TcpListener>, SocketAddr) {
        let script = &self.script;
        loop {
            let tcp = TcpListener::bind((script.ip, script.port))
                .await
                .expect("a port for TCP");
            let addr = tcp.local_addr().expect("bound");
            let tcp = (script.tcp != Behaviour::Closed).then_some(tcp);
            if script.udp == Behaviour::Closed {
                return (None, tcp, addr);
            }
            match UdpSocket::bind(addr).await {
                Ok(udp) => return (Some(udp), tcp, addr),
                // Somebody else has that port for UDP.
                Err(_) if script.port == 0 => {}
                Err(error) => panic!("{addr}: {error}"),
            }
        }
    }

    async fn serve(self: Arc<Self>, udp: Option<UdpSocket>, tcp: Option<TcpListener>) {
        tokio::join!(self.clone().serve_udp(udp), self.serve_tcp(tcp));
    }

    async fn serve_udp(self: Arc<Self>, socket: Option<UdpSocket>) {
        let Some(socket) = socket.map(Arc::new) else {
            return;
        };
        let mut buffer = vec![0; 65_535];
        loop {
            // An ICMP error of a client that is gone is not ours.
            let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
                continue;
            };
            let Some(query) = self.note(&buffer[..length], false) else {
                continue;
            };
            let (server, socket) = (self.clone(), socket.clone());
            tokio::spawn(async move {
                tokio::time::sleep(server.delay(&query)).await;
                let replies = server.replies(&query, &server.script.udp);
                let other = UdpSocket::bind((server.script.ip, 0)).await;
                let other = other.expect("another port");
                let strange = server.script.udp == Behaviour::WrongSource;
                let socket = if strange { &other } else { &*socket };
                for packet in replies {
                    let _ = socket.send_to(&packet, from).await;
                }
            });
        }
    }

    async fn serve_tcp(self: Arc<Self>, listener: Option<TcpListener>) {
        let Some(listener) = listener else {
            return;
        };
        while let Ok((stream, _)) = listener.accept().await {
            let server = self.clone();
            tokio::spawn(async move {
                *server.connections.lock().expect("no panic holds it") += 1;
                let _ = server.converse(stream).await;
                *server.connections.lock().expect("no panic holds it") -= 1;
            });
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> std::io::Result<()> {
        loop {
            let length = stream.read_u16().await?;
            let mut message = vec![0; usize::from(length)];
            stream.read_exact(&mut message).await?;
            let Some(query) = self.note(&message, true) else {
                continue;
            };
            tokio::time::sleep(self.delay(&query)).await;
            for packet in self.replies(&query, &self.script.tcp) {
                self.send_framed(&mut stream, &packet).await?;
            }
        }
    }

    /// Sends a reply over TCP, as badly as the behaviour has it.
    async fn send_framed(&self, stream: &mut TcpStream, packet: &[u8]) -> std::io::Result<()> {
        let length = u16::try_from(packet.len()).expect("a small reply");
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(packet);
        match self.script.tcp {
            Behaviour::CloseAfter(octets) => {
                stream
                    .write_all(&framed[..octets.min(framed.len())])
                    .await?;
                stream.shutdown().await?;
                Err(std::io::ErrorKind::ConnectionAborted.into())
            }
            Behaviour::HangAfter(octets) => {
                stream.write_all(&framed[..octets.min(framed.len())]).await
            }
            Behaviour::LengthTooHigh => {
                framed[0] = 0xff;
                stream.write_all(&framed).await
            }
            Behaviour::Drip => {
                stream.set_nodelay(true)?;
                for octet in framed {
                    stream.write_all(&[octet]).await?;
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
            _ => stream.write_all(&framed).await,
        }
    }

    fn note(&self, bytes: &[u8], tcp: bool) -> Option<Message> {
        let message = Message::from_vec(bytes).ok()?;
        let query = message.queries.first()?;
        let seen = Seen {
            at: self.start.elapsed(),
            tcp,
            id: message.metadata.id,
            name: plain(&query.name),
            rtype: query.query_type,
            edns: message.edns.as_ref().map(Edns::max_payload),
            ad: message.metadata.authentic_data,
        };
        self.seen.lock().expect("no panic holds it").push(seen);
        Some(message)
    }

    fn delay(&self, query: &Message) -> Duration {
        let delay = self.script.delays.get(&query.queries[0].query_type);
        delay.copied().unwrap_or_default()
    }

    /// The packets to send, whole messages unless the behaviour spoils them.
    fn replies(&self, query: &Message, behaviour: &Behaviour) -> Vec<Vec<u8>> {
        let spoilt = |change: &dyn Fn(&mut Message)| {
            let mut reply = self.answer(query);
            change(&mut reply);
            encode(&reply)
        };
        match behaviour {
            Behaviour::Closed | Behaviour::Silent => Vec::new(),
            Behaviour::FormerrOrSilence if query.edns.is_none() => Vec::new(),
            Behaviour::Truncate => vec![spoilt(&|reply| {
                reply.answers.clear();
                reply.metadata.truncation = true;
            })],
            Behaviour::TruncateKeeping => vec![spoilt(&|reply| reply.metadata.truncation = true)],
            Behaviour::WrongId => vec![spoilt(&|reply| reply.metadata.id ^= 1)],
            Behaviour::WrongIdThenAnswer => {
                let wrong = spoilt(&|reply| reply.metadata.id ^= 1);
                vec![wrong, spoilt(&|_| {})]
            }
            Behaviour::WrongQuestion => vec![spoilt(&|reply| {
                reply.queries[0].name = Name::from_ascii("other.invalid.").expect("a plain name");
            })],
            Behaviour::NotAResponse => {
                vec![spoilt(&|reply| {
                    reply.metadata.message_type = MessageType::Query;
                })]
            }
            Behaviour::Garbage => {
                let mut packet = spoilt(&|_| {});
                packet.truncate(12);
                packet.extend_from_slice(&[0xff; 20]);
                vec![packet]
            }
            Behaviour::Stub => vec![query.metadata.id.to_be_bytes().to_vec()],
            Behaviour::AnswerTwice => vec![spoilt(&|_| {}); 2],
            Behaviour::TwoAnswers => vec![spoilt(&|_| {}), spoilt(&with_another_address)],
            Behaviour::WrongClass => vec![spoilt(&|reply| {
                reply
                    .answers
                    .iter_mut()
                    .for_each(|record| record.dns_class = DNSClass::CH);
            })],
            other if spoil(other, Vec::new()).is_some() => {
                spoil(other, spoilt(&|_| {})).into_iter().collect()
            }
            Behaviour::EveryOption => vec![spoilt(&with_every_option)],
            other => vec![encode(
                &error(query, other).unwrap_or_else(|| self.answer(query)),
            )],
        }
    }

    /// The answer from the zone: the chain of aliases and its end, or a negative with SOA. A loop
    /// of aliases is answered with all its links.
    fn answer(&self, query: &Message) -> Message {
        let mut reply = header(query);
        if self.script.authoritative {
            reply.metadata.authoritative = true;
            reply.metadata.recursion_available = false;
        }
        let Query {
            name, query_type, ..
        } = query.queries[0].clone();
        let mut name = name;
        for link in 0..=self.script.records.len() {
            if link > 0 && !self.script.whole_chains {
                return reply;
            }
            if let Some(data) = self.script.records.get(&(plain(&name), query_type)) {
                let records = data.iter().cloned();
                reply.add_answers(records.map(|data| Record::from_rdata(name.clone(), TTL, data)));
                return reply;
            }
            let alias = self.script.records.get(&(plain(&name), RecordType::CNAME));
            let Some(RData::CNAME(target)) = alias.and_then(|data| data.first()) else {
                break;
            };
            let data = RData::CNAME(target.clone());
            reply.add_answer(Record::from_rdata(name, TTL, data));
            name = target.0.clone();
        }
        if reply.answers.len() <= self.script.records.len() {
            self.negative(&mut reply, &name);
        }
        reply
    }

    fn negative(&self, reply: &mut Message, name: &Name) {
        let own = plain(name);
        let exists = self.script.records.keys().any(|(known, _)| *known == own);
        if !exists {
            reply.metadata.response_code = ResponseCode::NXDomain;
        }
        let soa = SOA::new(Name::root(), Name::root(), 1, 3600, 600, 86_400, 60);
        reply.add_authority(Record::from_rdata(Name::root(), TTL, RData::SOA(soa)));
    }
}

/// A reply without records, from a server that recurses.
fn header(query: &Message) -> Message {
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    reply.metadata.recursion_desired = query.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.add_query(query.queries[0].clone());
    if query.edns.is_some() {
        reply.set_edns(Edns::new());
    }
    reply
}

/// The well-formed replies that help nobody; `None` when the behaviour answers this question.
fn error(query: &Message, behaviour: &Behaviour) -> Option<Message> {
    let has_edns = query.edns.is_some();
    let mut reply = header(query);
    match behaviour {
        Behaviour::Code(code) => reply.metadata.response_code = (*code).into(),
        Behaviour::ServfailBecause(code, text) => {
            reply.metadata.response_code = ResponseCode::ServFail;
            reply.set_edns(extended_error(*code, text));
        }
        Behaviour::FormerrToAll => {
            reply.metadata.response_code = ResponseCode::FormErr;
            reply.queries.clear();
            reply.edns = None;
        }
        Behaviour::FormerrToEdns | Behaviour::FormerrOrSilence if has_edns => {
            reply.metadata.response_code = ResponseCode::FormErr;
            reply.queries.clear();
            reply.edns = None;
        }
        Behaviour::BadversToEdns if has_edns => {
            reply.metadata.response_code = ResponseCode::BADVERS;
            let mut edns = Edns::new();
            edns.set_rcode_high(1);
            reply.set_edns(edns);
        }
        Behaviour::WantsCookie | Behaviour::BadCookie => {
            let cookie = cookie(query)?;
            if *behaviour == Behaviour::WantsCookie && cookie.ends_with(SERVER_COOKIE) {
                return None;
            }
            reply.metadata.response_code = ResponseCode::BADCOOKIE;
            let cookie = [&cookie[..8], SERVER_COOKIE].concat();
            let mut edns = options(&[(10, &cookie)]);
            edns.set_rcode_high(1);
            reply.set_edns(edns);
        }
        Behaviour::Lame => {
            reply.metadata.recursion_available = false;
            let target = Name::from_ascii("ns.elsewhere.example.").expect("a plain name");
            let data = RData::NS(NS(target));
            reply.add_authority(Record::from_rdata(Name::root(), TTL, data));
        }
        _ => return None,
    }
    Some(reply)
}

/// Spoils an encoded answer; `None` when the behaviour is not about its octets.
fn spoil(behaviour: &Behaviour, mut packet: Vec<u8>) -> Option<Vec<u8>> {
    match behaviour {
        Behaviour::Empty => packet.clear(),
        // The OPT record at the end is 11 octets; the record before it loses its last.
        Behaviour::CutRecord => packet.truncate(packet.len().saturating_sub(12)),
        Behaviour::CompressionLoop => {
            packet.truncate(12);
            packet.extend_from_slice(&[0xc0, 0x0c, 0, 1, 0, 1]);
        }
        Behaviour::CountsTooHigh => {
            if let Some(count) = packet.get_mut(7) {
                *count = 200;
            }
        }
        Behaviour::TrailingGarbage => packet.extend_from_slice(b"garbage"),
        Behaviour::Huge => packet.resize(5_000, 0),
        _ => return None,
    }
    Some(packet)
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

fn encode(message: &Message) -> Vec<u8> {
    message.to_vec().expect("a reply of our own making")
}

fn extended_error(code: u16, text: &str) -> Edns {
    let mut bytes = code.to_be_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    options(&[(15, &bytes)])
}

/// The server's half of every cookie.
const SERVER_COOKIE: &[u8] = b"\x01\x02\x03\x04\x05\x06\x07\x08";

/// The cookie of a question.
fn cookie(query: &Message) -> Option<Vec<u8>> {
    let options = query.edns.as_ref()?.options();
    match options.get(EdnsCode::Cookie)? {
        EdnsOption::Unknown(_, data) => Some(data.clone()),
        _ => None,
    }
}

/// An OPT record with these options.
fn options(all: &[(u16, &[u8])]) -> Edns {
    let mut edns = Edns::new();
    for (code, data) in all {
        let option = EdnsOption::Unknown(EdnsCode::from(*code).into(), data.to_vec());
        edns.options_mut().insert(option);
    }
    edns
}

fn with_another_address(reply: &mut Message) {
    let data = RData::A(A([198, 51, 100, 1].into()));
    for record in &mut reply.answers {
        record.data = data.clone();
    }
}

fn with_every_option(reply: &mut Message) {
    reply.metadata.checking_disabled = true;
    reply.set_edns(options(&[
        (3, b"ns1\x1b"),
        (8, &[0, 1, 24, 16, 192, 0, 2]),
        (11, &[0, 100]),
        (12, &[0; 4]),
        (15, b"\0\x03old"),
        (65_001, &[0xab]),
    ]));
}
