//! What `netkit resolve --input` costs for very many names, next to dnsperf, massdns and the
//! barest possible loop, against a knot of its own; and what 30 % of loss costs it.
//!
//!     cargo bench --bench resolve_bulk [-- --quick] [names|loss]
//!
//! Runs in a network namespace of its own. The bare loop is this same program, started again with
//! `--bare`: all contenders are whole processes that read the same list.
#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

#[path = "support/bare_dns.rs"]
mod bare_dns;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/space.rs"]
mod space;
mod support;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::Options;
use support::compare::{Contender, Proof, compare};
use support::process;

const NETKIT: &str = env!("CARGO_BIN_EXE_netkit");
/// Where the server answers everything …
const WHOLE: &str = "127.0.0.53:53";
/// … and where a part of the questions is lost on the way.
const LOSSY: &str = "127.0.0.54:53";
const LOSS_PERCENT: u32 = 30;
/// What netkit may take of the bare loop's time, output included.
const OF_THE_BARE_LOOP: f64 = 1.3;
/// What it may take of everybody else's.
const FASTER: f64 = 1.0;
/// What it may take with loss, of its own time without.
const WITH_LOSS: f64 = 3.0;
/// Windows of the contenders that have one; the best of each counts.
const WINDOWS: [&str; 3] = ["64", "128", "256"];

fn main() -> io::Result<()> {
    let args: Vec<_> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--bare") {
        return bare_main(&args[at + 1..]);
    }
    if let Err(error) = space::enter() {
        println!("skipped: no network namespace of our own: {error}");
        return Ok(());
    }
    let Some(knotd) = process::find("knotd") else {
        println!("skipped: knotd is not installed");
        return Ok(());
    };
    let options = Options::read();
    let count = options.pick(100_000, 10_000);
    let folder = Folder::new(count)?;
    let _server = Knot::start(&knotd, &folder)?;
    let rounds = options.pick(9, 3);
    if options.wants("names") {
        names(&folder, count, rounds);
    }
    if options.wants("loss") {
        loss(&folder, count, rounds);
    }
    Ok(())
}

fn bare_main(args: &[String]) -> io::Result<()> {
    let [server, list, window] = args else {
        return Err(io::Error::other("--bare SERVER LIST WINDOW"));
    };
    let names = fs::read_to_string(list)?;
    let window = window.parse().map_err(io::Error::other)?;
    println!("{}", bare_dns::ask(server, &names, window)?);
    Ok(())
}

fn names(folder: &Folder, count: usize, rounds: usize) {
    let mut all = vec![
        netkit(folder, WHOLE, "--json", count),
        Contender::new("netkit --short", ours(folder, WHOLE, "--short")),
    ];
    let own = std::env::current_exe().unwrap_or_default();
    for window in WINDOWS {
        let list = folder.list();
        let words: [&std::ffi::OsStr; 5] = [
            own.as_ref(),
            "--bare".as_ref(),
            WHOLE.as_ref(),
            list.as_ref(),
            window.as_ref(),
        ];
        let bare = Contender::new(&format!("bare loop, window {window}"), words);
        all.push(proved(bare, count, |line| line.parse().unwrap_or(0)).claim(OF_THE_BARE_LOOP));
    }
    match process::find("dnsperf") {
        Some(dnsperf) => all.extend(WINDOWS.map(|window| dnsperf_with(&dnsperf, folder, window))),
        None => println!("dnsperf is not installed"),
    }
    match process::find("massdns") {
        Some(massdns) => all.push(massdns_with(&massdns, folder)),
        None => println!("massdns is not installed"),
    }
    let title = format!("names: {count} A questions to knot over loopback");
    compare(&title, all, rounds, &|| {});
}

fn loss(folder: &Folder, count: usize, rounds: usize) {
    if let Err(error) = lose() {
        println!("\nloss: skipped: {error}");
        return;
    }
    let title = format!("loss: {count} A questions, {LOSS_PERCENT} % of them lost, and none");
    let lossy = netkit(folder, LOSSY, "--json", count);
    let whole = netkit(folder, WHOLE, "--json", count).claim(WITH_LOSS);
    compare(&title, vec![lossy, whole], rounds, &|| {});
}

/// Loses a part of what goes to the lossy address.
fn lose() -> Result<(), String> {
    let nft = process::find("nft").ok_or("nft not found")?;
    let rules = format!(
        "add table inet loss; \
         add chain inet loss input {{ type filter hook input priority 0; }}; \
         add rule inet loss input ip daddr 127.0.0.54 udp dport 53 \
         numgen random mod 100 < {LOSS_PERCENT} drop"
    );
    match Command::new(nft).arg(rules).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("nft: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("nft: {error}")),
    }
}

fn netkit(folder: &Folder, server: &str, form: &str, count: usize) -> Contender {
    let name = format!("netkit {form}, {server}");
    let contender = Contender::new(&name, ours(folder, server, form));
    proved(contender, count, |line| {
        usize::from(line.contains("\"verdict\":\"answer\""))
    })
}

fn ours(folder: &Folder, server: &str, form: &str) -> Vec<OsString> {
    let list = folder.list();
    let words: [&std::ffi::OsStr; 7] = [
        NETKIT.as_ref(),
        "resolve".as_ref(),
        "--input".as_ref(),
        list.as_ref(),
        "--ns".as_ref(),
        server.as_ref(),
        form.as_ref(),
    ];
    words.map(Into::into).to_vec()
}

fn proved(contender: Contender, wanted: usize, count: fn(&str) -> usize) -> Contender {
    let argv = contender.argv.clone();
    Contender {
        proof: Some(Proof {
            argv,
            count,
            wanted,
        }),
        ..contender
    }
}

fn dnsperf_with(dnsperf: &OsString, folder: &Folder, window: &str) -> Contender {
    let questions = folder.file("questions");
    let words: [&std::ffi::OsStr; 8] = [
        dnsperf.as_ref(),
        "-s".as_ref(),
        "127.0.0.53".as_ref(),
        "-d".as_ref(),
        questions.as_ref(),
        "-n1".as_ref(),
        "-q".as_ref(),
        window.as_ref(),
    ];
    Contender::new(&format!("dnsperf -q {window}"), words).claim(FASTER)
}

fn massdns_with(massdns: &OsString, folder: &Folder) -> Contender {
    let (servers, list) = (folder.file("servers"), folder.list());
    let words: [&std::ffi::OsStr; 8] = [
        massdns.as_ref(),
        "-r".as_ref(),
        servers.as_ref(),
        "-s".as_ref(),
        "256".as_ref(),
        "-oS".as_ref(),
        "-q".as_ref(),
        list.as_ref(),
    ];
    Contender::new("massdns -s 256", words).claim(FASTER)
}

/// The zone, the list and the server's files; gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(count: usize) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("netkit-bulk-{}", std::process::id()));
        fs::create_dir(&path)?;
        let folder = Self(path);
        let mut zone = String::from(
            "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\n\
             ns A 127.0.0.53\n",
        );
        let (mut list, mut questions) = (String::new(), String::new());
        for number in 0..u32::try_from(count).unwrap_or(u32::MAX) {
            let address = Ipv4Addr::from(0x0a00_0000 + number);
            // Writing to a string does not fail.
            let _ = writeln!(zone, "n{number} A {address}");
            let _ = writeln!(list, "n{number}.example");
            let _ = writeln!(questions, "n{number}.example A");
        }
        fs::write(folder.file("zone"), zone)?;
        fs::write(folder.list(), list)?;
        fs::write(folder.file("questions"), questions)?;
        fs::write(folder.file("servers"), "127.0.0.53:53\n")?;
        Ok(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn list(&self) -> PathBuf {
        self.file("list")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A knot of our own.
struct Knot(Child);

impl Knot {
    fn start(knotd: &OsString, folder: &Folder) -> io::Result<Self> {
        let conf = folder.file("knot.conf");
        fs::write(&conf, knot_conf(&folder.0))?;
        let child = Command::new(knotd)
            .arg("-c")
            .arg(&conf)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let knot = Self(child);
        Self::wait()?;
        Ok(knot)
    }

    /// Waits until the zone is served.
    fn wait() -> io::Result<()> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let question = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x02n0\x07example\0\0\x01\0\x01";
        let end = Instant::now() + Duration::from_secs(30);
        let mut reply = [0; 512];
        while Instant::now() < end {
            socket.send_to(question, WHOLE)?;
            // NOERROR with a record.
            if matches!(socket.recv(&mut reply), Ok(size) if size > 12 && reply[3].trailing_zeros() >= 4 && reply[7] == 1)
            {
                return Ok(());
            }
        }
        Err(io::Error::other("knotd does not serve its zone"))
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn knot_conf(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "server:\n    rundir: {folder}\n    listen: [127.0.0.53@53, 127.0.0.54@53]\n    \
         udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n    automatic-acl: off\n\
         database:\n    storage: {folder}\n\
         zone:\n  - domain: example.\n    file: {folder}/zone\n    zonefile-sync: -1\n    \
         journal-content: none\n"
    )
}
