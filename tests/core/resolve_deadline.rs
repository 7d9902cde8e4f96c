//! One deadline over everything: whatever the servers do, and however many there are, a question is
//! over when its time is.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use netkit::net::tls::Roots;
use netkit::resolve::command::{Config, Question, Report, ServerMode, run};
use netkit::resolve::wire::RecordType;
use netkit::resolve::{StubConfig, SystemFiles, Transports};
use netkit::run::Cx;
use proptest::prelude::*;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::dns::{Behaviour as B, DnsServer, Script};
use crate::secure::{Manner, SecureServer, Shows, Speaks};
use crate::stopwatch::{Stopwatch, Took};

/// What a question may take beyond its time on a quiet machine; a busy one adds what it was late.
const SLACK: Duration = Duration::from_millis(20);
/// For files that no test removes, because servers that live as long as the process need them.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// Servers of every kind that never give an answer; each lives as long as the tests do.
struct Dead {
    plain: Vec<DnsServer>,
    secure: Vec<SecureServer>,
    /// Nobody takes connections, and there is no room for another: the SYN gets no reply.
    full: Full,
    /// All authorities that the servers' certificates are from.
    ca: PathBuf,
}

static DEAD: LazyLock<Dead> = LazyLock::new(Dead::start);

impl Dead {
    fn start() -> Self {
        let plain = [
            (B::Silent, B::Silent),
            (B::Closed, B::Silent),
            (B::Silent, B::Closed),
            (B::Closed, B::Closed),
            (B::WrongId, B::Silent),
            (B::Garbage, B::HangAfter(1)),
            (B::WrongQuestion, B::HangAfter(14)),
            (B::Truncate, B::HangAfter(0)),
            (B::Truncate, B::LengthTooHigh),
            (B::FormerrOrSilence, B::Silent),
            (B::BadCookie, B::Silent),
            (B::Code(2), B::Closed),
            (B::Lame, B::Closed),
        ];
        let plain = plain.map(|(udp, tcp)| Script::new().udp(udp).tcp(tcp).start());
        let manners = [Manner::Stalls, Manner::Silent, Manner::Closes];
        let all = Speaks::ALL.into_iter();
        let all = all.flat_map(|speaks| manners.clone().map(|manner| (speaks, manner)));
        let secure: Vec<_> = all
            .map(|(speaks, manner)| SecureServer::start(speaks, manner, Shows::Good))
            .collect();
        let ca = PathBuf::from(SCRATCH).join("dead.pem");
        let authorities = secure.iter().map(|server| fs::read_to_string(server.ca()));
        let authorities: Result<String, _> = authorities.collect();
        fs::write(&ca, authorities.expect("files of their own")).expect("room for a file");
        Self {
            plain: plain.into(),
            secure,
            full: Full::start(),
            ca,
        }
    }

    /// As a server is written: one of those over UDP and TCP, and the one that is full.
    fn plain(&self, which: prop::sample::Index) -> SocketAddr {
        let full = [self.full.addr];
        let all = self.plain.iter().map(DnsServer::addr).chain(full);
        all.collect::<Vec<_>>()[which.index(self.plain.len() + 1)]
    }

    fn secure(&self, which: prop::sample::Index) -> String {
        let which = which.index(self.secure.len());
        let speaks = Speaks::ALL[which * Speaks::ALL.len() / self.secure.len()];
        format!(
            "{}://dns.example@{}",
            speaks.scheme(),
            self.secure[which].addr()
        )
    }
}

/// A listener whose queue is full.
struct Full {
    addr: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Full {
    fn start() -> Self {
        let runtime = runtime();
        let full = runtime.block_on(async {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
            let listener = socket.listen(1).expect("a listener");
            let addr = listener.local_addr().expect("bound");
            let mut queued = Vec::new();
            let patience = Duration::from_millis(200);
            while let Ok(Ok(stream)) =
                tokio::time::timeout(patience, TcpStream::connect(addr)).await
            {
                queued.push(stream);
            }
            Self {
                addr,
                _listener: listener,
                _queued: queued,
            }
        });
        // Its reactor has to live as long as the sockets.
        std::mem::forget(runtime);
        full
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// How a name is asked for, and of whom.
#[derive(Clone, Debug)]
struct Case {
    /// Servers, and whether each is one of the secure ones.
    servers: Vec<(bool, prop::sample::Index)>,
    /// Whether resolv.conf names them, with search list and options, instead of the user.
    by_file: bool,
    search: usize,
    options: &'static str,
    mode: ServerMode,
    transports: Transports,
    tries: Option<u8>,
    second_answer: bool,
    timeout: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let servers = prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..4);
    let options = [
        "",
        "ndots:3",
        "timeout:1 attempts:3",
        "rotate use-vc",
        "single-request",
    ];
    let modes = [ServerMode::First, ServerMode::Race, ServerMode::All];
    let transports = [Transports::Both, Transports::UdpOnly, Transports::TcpOnly];
    (
        (servers, any::<bool>(), 0_usize..4),
        prop::sample::select(options.to_vec()),
        prop::sample::select(modes.to_vec()),
        prop::sample::select(transports.to_vec()),
        prop::option::of(1_u8..5),
        any::<bool>(),
        30_u64..400,
    )
        .prop_map(
            |(
                (servers, by_file, search),
                options,
                mode,
                transports,
                tries,
                second_answer,
                timeout,
            )| Case {
                servers,
                by_file,
                search,
                options,
                mode,
                transports,
                tries,
                second_answer,
                timeout,
            },
        )
}

impl Case {
    fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }

    fn config(&self) -> Config {
        let mut config = Config {
            mode: self.mode,
            timeout: self.timeout(),
            tries: self.tries,
            hosts: Some(false),
            ..Config::default()
        };
        config.policy.transports = self.transports;
        config.policy.second_answer = self.second_answer.then_some(Duration::from_millis(50));
        config.stub.client.roots = Roots::Path(DEAD.ca.clone());
        if self.by_file {
            config.stub.files = self.files();
        } else {
            let named = self.servers.iter().map(|(secure, which)| {
                if *secure {
                    DEAD.secure(*which)
                } else {
                    DEAD.plain(*which).to_string()
                }
            });
            let named = named.map(|text| text.parse().unwrap_or_else(|e| panic!("{text}: {e}")));
            config.stub = StubConfig {
                servers: named.collect(),
                ..config.stub
            };
        }
        config
    }

    fn files(&self) -> SystemFiles {
        let servers = self.servers.iter().map(|(_, which)| {
            let addr = DEAD.plain(*which);
            format!("nameserver [{}]:{}\n", addr.ip(), addr.port())
        });
        let servers: String = servers.collect();
        let search = ["a.example", "b.example", "c.example"];
        let search = search[..self.search].join(" ");
        let text = format!("{servers}search {search}\noptions {}\n", self.options);
        let resolv_conf = PathBuf::from(SCRATCH).join("deadline.conf");
        fs::write(&resolv_conf, text).expect("room for a file");
        SystemFiles {
            resolv_conf,
            ..SystemFiles::default()
        }
    }
}

fn ask(case: &Case) -> (Vec<Report>, Took) {
    let config = case.config();
    let question = Question::new("www", RecordType::A).expect("a name");
    runtime().block_on(async {
        let watch = Stopwatch::start();
        let reports = run(&question, &config, &Cx::default()).await;
        (reports, watch.stop())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Dead servers, search lists and transports, put together at random.
    #[test]
    fn a_question_is_over_when_its_time_is(case in case()) {
        LazyLock::force(&DEAD);
        let (reports, took) = ask(&case);
        prop_assert!(took.is_under(case.timeout() + SLACK), "{took:?}: {reports:#?}");
        prop_assert!(!reports.is_empty());
        for report in reports {
            prop_assert!(!report.ok, "{report:#?}");
            let told = report.total_ms.0;
            prop_assert!(told <= took.raw, "{told:?} of {took:?}");
            let late = case.timeout() + SLACK + took.late;
            for attempt in &report.attempts {
                prop_assert!(attempt.ended_ms.0 < late, "{attempt:#?}");
            }
        }
    }
}
