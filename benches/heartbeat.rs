//! What watching 1,000 targets costs: an echo beat a second on each of 1,000 sessions over loopback,
//! next to fping with 1,000 addresses and the barest loop that does the same (a timer, 1,000
//! sockets).
//!
//!     cargo bench --bench heartbeat [-- --quick]
//!
//! Runs in a network namespace of its own. Claims: at most 20 ms late at p99, less than 5 % of a
//! core, less than 30 KiB a target.
#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

#[path = "support/bare_beats.rs"]
mod bare_beats;
#[path = "support/process.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest")]
mod process;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/space.rs"]
mod space;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use process::Cost;
use serde_json::Value;

const NETKIT: &str = env!("CARGO_BIN_EXE_netkit");
const TARGETS: usize = 1_000;
/// What may be late at p99, in milliseconds.
const LATE_MS: f64 = 20.0;
/// What may be used of a core, in percent.
const CPU_PCT: f64 = 5.0;
/// What a target may take, in KiB.
const KIB: f64 = 30.0;

fn main() -> io::Result<()> {
    let args: Vec<_> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--bare") {
        return bare_main(&args[at + 1..]);
    }
    if let Err(error) = space::enter() {
        println!("skipped: no network namespace of our own: {error}");
        return Ok(());
    }
    let env = std::env::var_os("NETKIT_BENCH_QUICK").is_some_and(|value| value != "0");
    let quick = env || args.iter().any(|arg| arg == "--quick");
    let beats = if quick { 5 } else { 60 };
    let folder = Folder::new()?;
    let server = Server::start()?;
    println!("heartbeat: {TARGETS} targets, an echo beat a second on a session each, {beats} s");
    println!("from the third beat on: without the start, and without connecting");
    let one = netkit(&folder, server.port, 1, beats)?;
    let all = steady(beats, |beats| netkit(&folder, server.port, TARGETS, beats))?;
    judge(&folder, one, all)?;
    let bare = steady(beats, |beats| bare(server.port, beats))?;
    println!("{:<28}{}", "bare loop", told(bare));
    match process::find("fping") {
        Some(fping) => {
            let fping = steady(beats, |beats| ping(&fping, &folder, beats))?;
            println!("{:<28}{}", "fping (ICMP)", told(fping));
        }
        None => println!("fping is not installed"),
    }
    Ok(())
}

/// Beats that belong to the start.
const START: usize = 2;

/// What the beats after the first ones cost: a long run without a short one.
fn steady(beats: usize, mut run: impl FnMut(usize) -> io::Result<Cost>) -> io::Result<Cost> {
    let start = run(START)?;
    let all = run(START + beats)?;
    Ok(Cost {
        cpu: all.cpu.saturating_sub(start.cpu),
        wall: all.wall.saturating_sub(start.wall),
        ..all
    })
}

fn bare(port: u16, beats: usize) -> io::Result<Cost> {
    let own = std::env::current_exe()?.into_os_string();
    let words = ["--bare", &port.to_string(), &beats.to_string()].map(OsString::from);
    process::cost_of(&[vec![own], words.to_vec()].concat())
}

fn bare_main(args: &[String]) -> io::Result<()> {
    let [port, beats] = args else {
        return Err(io::Error::other("--bare PORT BEATS"));
    };
    let port = port.parse().map_err(io::Error::other)?;
    bare_beats::run(port, TARGETS, beats.parse().map_err(io::Error::other)?)
}

/// Runs netkit and keeps its lines.
fn netkit(folder: &Folder, port: u16, targets: usize, beats: usize) -> io::Result<Cost> {
    let list = folder.file("targets");
    let lines = (0..targets).map(|index| format!("{}:{port}\n", bare_beats::address(index)));
    fs::write(&list, lines.collect::<String>())?;
    let beats = beats.to_string();
    let mut argv: Vec<OsString> = vec![NETKIT.into(), "heartbeat".into(), "--targets".into()];
    argv.push(list.into());
    argv.extend(["--probe", "echo", "-c", &beats, "--json"].map(OsString::from));
    process::cost_of_writing(&argv, File::create(folder.file("lines"))?.into())
}

fn judge(folder: &Folder, one: Cost, all: Cost) -> io::Result<()> {
    let lines = BufReader::new(File::open(folder.file("lines"))?).lines();
    let last = lines.last().transpose()?.unwrap_or_default();
    let summary: Value = serde_json::from_str(&last).map_err(io::Error::other)?;
    let number = |of: &Value| of.as_f64().unwrap_or(f64::NAN);
    let sum = |key: &str| {
        let targets = summary["targets"].as_array().map_or(&[][..], Vec::as_slice);
        targets
            .iter()
            .map(|target| number(&target[key]))
            .sum::<f64>()
    };
    let late = number(&summary["lateness"]["p99_ms"]);
    let cpu = all.cpu.as_secs_f64() * 100.0 / all.wall.as_secs_f64();
    let more = u32::try_from(all.peak_kib.saturating_sub(one.peak_kib)).unwrap_or(u32::MAX);
    let kib = f64::from(more) / f64::from(u32::try_from(TARGETS - 1).unwrap_or(u32::MAX));
    println!("{:<28}{}", "netkit, one target", told(one));
    println!("{:<28}{}", "netkit", told(all));
    let (scheduled, received) = (sum("scheduled"), sum("received"));
    println!(
        "  {received} of {scheduled} beats answered, {} skipped",
        sum("skipped")
    );
    claim("late at p99, ms", late, LATE_MS);
    claim("of a core, %", cpu, CPU_PCT);
    claim("a target, KiB", kib, KIB);
    Ok(())
}

fn claim(what: &str, value: f64, limit: f64) {
    let verdict = if value <= limit { "holds" } else { "MISSED" };
    println!("  {what:<24}{value:>8.2}  at most {limit}: {verdict}");
}

fn told(cost: Cost) -> String {
    let (cpu, wall) = (cost.cpu.as_secs_f64(), cost.wall.as_secs_f64());
    format!(
        "{:>6.2} s of processor in {wall:>5.1} s = {:>5.2} %, peak {} KiB",
        cpu,
        cpu * 100.0 / wall,
        cost.peak_kib
    )
}

fn ping(fping: &OsString, folder: &Folder, beats: usize) -> io::Result<Cost> {
    let list = folder.file("addresses");
    let lines = (0..TARGETS).map(|index| format!("{}\n", bare_beats::address(index)));
    fs::write(&list, lines.collect::<String>())?;
    let mut argv: Vec<OsString> = vec![fping.clone(), "-f".into(), list.into()];
    argv.extend(["-C", &beats.to_string(), "-p", "1000", "-i", "1", "-q"].map(OsString::from));
    process::cost_of(&argv)
}

/// A netkit that echoes, killed when dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> io::Result<Self> {
        let mut child = Command::new(NETKIT)
            .args(["listen", "0.0.0.0:0", "--echo", "--json", "--summary"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take();
        // From here on it is killed, whatever goes wrong.
        let mut server = Self { child, port: 0 };
        let out = out.ok_or_else(|| io::Error::other("no output"))?;
        let mut lines = BufReader::new(out).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let line: Value = serde_json::from_str(&first).map_err(io::Error::other)?;
        let port = line["port"].as_u64().map(u16::try_from);
        server.port = port
            .and_then(Result::ok)
            .ok_or_else(|| io::Error::other(first))?;
        // The rest is read, or the server would wait for its reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that is gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let name = format!("netkit-bench-heartbeat-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(&self.0).join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
