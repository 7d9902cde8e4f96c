//! Other people's name servers on loopback, each with a configuration and a folder of its own,
//! killed when dropped.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brand {
    Knot,
    Nsd,
    Unbound,
    Bind,
}

impl Brand {
    pub(crate) const ALL: [Self; 4] = [Self::Knot, Self::Nsd, Self::Unbound, Self::Bind];

    /// Its program.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Knot => "knotd",
            Self::Nsd => "nsd",
            Self::Unbound => "unbound",
            Self::Bind => "named",
        }
    }
}

/// A running server with one zone.
pub(crate) struct NameServer {
    child: Child,
    dir: PathBuf,
    addr: SocketAddr,
}

/// The zone that all of them serve, and its text.
pub(crate) const ZONE: &str = "lab.example";
pub(crate) const RECORDS: &str = "\
@ SOA ns hostmaster 7 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n\
www AAAA 2001:db8::1\nalias CNAME www\ndangling CNAME gone\n@ MX 10 mail\nmail A 192.0.2.25\n\
txt TXT \"plain\" \"quo\\\"ted\"\n";

impl NameServer {
    /// Starts one on a free port and waits until it answers for the zone.
    pub(crate) fn start(brand: Brand) -> Self {
        Self::with(brand, RECORDS)
    }

    /// The same with these records.
    pub(crate) fn with(brand: Brand, records: &str) -> Self {
        let addr = free_port();
        let dir = std::env::temp_dir().join(format!(
            "netkit-lab-{}-{}-{}",
            brand.program(),
            std::process::id(),
            addr.port()
        ));
        fs::create_dir_all(&dir).expect("the temporary folder can be written");
        fs::write(
            dir.join("zone"),
            format!("$ORIGIN {ZONE}.\n$TTL 300\n{records}"),
        )
        .expect("its folder can be written");
        let config = dir.join("config");
        fs::write(&config, configuration(brand, &dir, addr, records)).expect("the same");
        let mut command = Command::new(brand.program());
        command.args(arguments(brand, &config)).current_dir(&dir);
        let log = fs::File::create(dir.join("log")).expect("the same");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().expect("the program was found");
        let server = Self { child, dir, addr };
        server.wait(brand);
        server
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Asks for the SOA of the zone until it comes.
    fn wait(&self, brand: Brand) {
        let mut question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0".to_vec();
        for label in ZONE.split('.') {
            question.push(u8::try_from(label.len()).expect("a short label"));
            question.extend_from_slice(label.as_bytes());
        }
        question.extend_from_slice(b"\0\0\x06\0\x01");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        socket.connect(self.addr).expect("loopback");
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("not zero");
        let (began, mut reply) = (Instant::now(), [0; 512]);
        while began.elapsed() < PATIENCE {
            let _ = socket.send(&question);
            match socket.recv(&mut reply) {
                Ok(length) if length > 12 && reply[3] % 16 == 0 && reply[7] > 0 => return,
                // A server that answers no is not ready; one that is not there is refused at once.
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        panic!("{brand:?} does not answer: {log}");
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A port that is free for UDP and TCP.
fn free_port() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let addr = tcp.local_addr().expect("it is bound");
        if UdpSocket::bind(addr).is_ok() {
            return addr;
        }
    }
}

fn arguments(brand: Brand, config: &Path) -> Vec<String> {
    let config = config.display().to_string();
    let words: &[&str] = match brand {
        Brand::Knot => &["-c"],
        Brand::Nsd | Brand::Unbound => &["-d", "-c"],
        Brand::Bind => &["-g", "-c"],
    };
    words
        .iter()
        .map(|word| (*word).to_owned())
        .chain([config])
        .collect()
}

fn configuration(brand: Brand, dir: &Path, addr: SocketAddr, records: &str) -> String {
    let (dir, ip, port) = (dir.display(), addr.ip(), addr.port());
    match brand {
        Brand::Knot => format!(
            "server:\n    rundir: \"{dir}\"\n    listen: {ip}@{port}\n    nsid: knot-lab\n\
             database:\n    storage: \"{dir}\"\nacl:\n  - id: anybody\n    address: 127.0.0.0/8\n    action: transfer\n\
             zone:\n  - domain: {ZONE}\n    file: \"{dir}/zone\"\n    zonefile-sync: -1\n    \
             journal-content: none\n    acl: anybody\n"
        ),
        Brand::Nsd => format!(
            "server:\n    ip-address: {ip}@{port}\n    username: \"\"\n    zonesdir: \"{dir}\"\n    \
             pidfile: \"{dir}/pid\"\n    xfrdfile: \"{dir}/xfrd\"\n    zonelistfile: \"{dir}/list\"\n    \
             xfrdir: \"{dir}\"\n    server-count: 1\nremote-control:\n    control-enable: no\n\
             zone:\n    name: {ZONE}\n    zonefile: zone\n    provide-xfr: 127.0.0.0/8 NOKEY\n"
        ),
        Brand::Unbound => format!(
            "server:\n    interface: {ip}@{port}\n    username: \"\"\n    chroot: \"\"\n    directory: \"{dir}\"\n    \
             pidfile: \"{dir}/pid\"\n    use-syslog: no\n    module-config: \"iterator\"\n    \
             do-not-query-address: 0.0.0.0/0\n    do-not-query-address: ::/0\n    \
             local-zone: \".\" refuse\n    local-zone: \"{ZONE}.\" static\n{}remote-control:\n    control-enable: no\n",
            local_data(records)
        ),
        Brand::Bind => format!(
            "options {{ directory \"{dir}\"; pid-file \"{dir}/pid\"; session-keyfile \"{dir}/key\"; \
             listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; recursion no; \
             dnssec-validation no; allow-transfer {{ 127.0.0.0/8; }}; }};\ncontrols {{ }};\n\
             zone \"{ZONE}\" {{ type primary; file \"{dir}/zone\"; }};\n"
        ),
    }
}

/// The records as a resolver's local data: names written out.
fn local_data(records: &str) -> String {
    let mut text = String::new();
    for line in records.lines() {
        let Some((owner, rest)) = line.split_once(' ') else {
            continue;
        };
        let owner = if owner == "@" {
            format!("{ZONE}.")
        } else {
            format!("{owner}.{ZONE}.")
        };
        let data = rest.split(' ').map(|word| match word {
            "ns" | "www" | "mail" | "gone" | "hostmaster" => format!("{word}.{ZONE}."),
            other => other.to_owned(),
        });
        let data: Vec<_> = data.collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    local-data: '{owner} 300 IN {}'", data.join(" "));
    }
    text
}
