//! What `netkit parse-addr` costs on files of millions of lines, next to grepcidr and the barest
//! Rust loops.
//!
//!     cargo bench --bench parse_addr [-- --quick] [ipv4|ipv6|mixed|logs] [short|json|memory]
//!
//! The bare loops are this same program, started again with `--bare`: all contenders are whole
//! processes. Before anything is timed, the lines that netkit and grepcidr keep must be the same.
#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

#[path = "support/same.rs"]
mod same;
mod support;
#[path = "support/text.rs"]
mod text;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::net::IpAddr;
use std::path::Path;

use support::Options;
use support::compare::{Contender, Proof, compare};
use support::process::{self, find};
use text::{Folder, Kind, ONE_IPV4, ONE_IPV6};

const NETKIT: &str = env!("CARGO_BIN_EXE_netkit");
/// What a filter may take of grepcidr's time.
const OF_GREPCIDR: f64 = 1.0 / 3.0;
/// What `--short` may take of the bare loop's.
const OF_THE_BARE_LOOP: f64 = 1.5;
/// Lines a second of `--json --brief`.
const BRIEF_RATE: f64 = 3e6;
/// And of the whole `--json`.
const JSON_RATE: f64 = 0.5e6;
/// What an input ten times as long may add to the peak: allocators are not exact.
const GROWTH_KIB: u64 = 2048;

fn main() -> io::Result<()> {
    let args: Vec<_> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--bare") {
        return bare_main(&args[at + 1..]);
    }
    let options = Options::read();
    let folder = Folder::new()?;
    let (lines, rounds) = (options.pick(5_000_000, 200_000), options.pick(5, 3));
    for kind in Kind::ALL {
        if options.wants(kind.name()) {
            filter(&folder, kind, lines, rounds, &options)?;
        }
    }
    if options.wants("short") {
        short(&folder, lines, rounds)?;
    }
    if options.wants("json") {
        json(&folder, lines / 5, rounds)?;
    }
    if options.wants("memory") {
        memory(&folder, lines / 5)?;
    }
    Ok(())
}

/// The lines in one network, and in a hundred thousand.
fn filter(
    folder: &Folder,
    kind: Kind,
    lines: usize,
    rounds: usize,
    options: &Options,
) -> io::Result<()> {
    let lines = match kind {
        Kind::Log => lines / 5,
        _ => lines,
    };
    let file = folder.file(kind, lines)?;
    let many = options.pick(100_000, 10_000);
    let networks = folder.networks(many)?;
    let one = match kind {
        Kind::Ipv4 | Kind::Log => ONE_IPV4,
        Kind::Ipv6 => ONE_IPV6,
        Kind::Mixed => "10.0.0.0/8,2001:db8::/32",
    };
    let name = kind.name();
    let title = format!("{name}: {lines} lines, in {one}");
    let ours: Vec<&OsStr> = one.split(',').map(OsStr::new).collect();
    in_networks(&title, &file, &ours, &["-e".as_ref(), one.as_ref()], rounds);
    let title = format!("{name}: {lines} lines, in {many} networks of both families");
    let theirs = ["-f".as_ref(), networks.as_os_str()];
    in_networks(&title, &file, &[networks.as_os_str()], &theirs, rounds);
    std::fs::remove_file(file)
}

fn in_networks(title: &str, file: &Path, ours: &[&OsStr], theirs: &[&OsStr], rounds: usize) {
    let mut argv: Vec<OsString> = [NETKIT, "parse-addr", "--in"].map(Into::into).into();
    argv.extend(ours.iter().map(Into::into));
    argv.extend(["--input".into(), file.into()]);
    let mut all = vec![Contender::new("netkit parse-addr --in", argv.clone())];
    match find("grepcidr") {
        Some(grepcidr) => {
            let mut peer = vec![grepcidr];
            peer.extend(theirs.iter().map(Into::into));
            peer.push(file.into());
            match same::same_output(&argv, &peer) {
                Ok(true) => {}
                Ok(false) => return println!("\n{title}\n  THE LINES DIFFER from grepcidr's"),
                Err(error) => return println!("\n{title}\n  not measured: {error}"),
            }
            all.push(Contender::new("grepcidr", peer).claim(OF_GREPCIDR));
        }
        None => println!("\nskipped: grepcidr not found"),
    }
    all.push(bare("lines", "reading lines alone", file));
    compare(title, all, rounds, &|| ());
}

/// Canonical text of every line.
fn short(folder: &Folder, lines: usize, rounds: usize) -> io::Result<()> {
    let file = folder.file(Kind::Mixed, lines)?;
    let netkit = netkit(&["--short", "--as", "ip"], &file, lines);
    let bare_loop = bare("canonical", "bare loop: parse, print", &file);
    match same::same_output(&netkit.argv, &bare_loop.argv) {
        Ok(true) => {}
        Ok(false) => println!("  THE TEXTS DIFFER from the bare loop's"),
        Err(error) => println!("  not compared: {error}"),
    }
    let all = vec![
        netkit,
        bare_loop.claim(OF_THE_BARE_LOOP),
        bare("lines", "reading lines alone", &file),
    ];
    let title = format!("short: {lines} mixed lines, canonical text");
    compare(&title, all, rounds, &|| ());
    Ok(())
}

/// A line of JSON for each.
fn json(folder: &Folder, lines: usize, rounds: usize) -> io::Result<()> {
    let file = folder.file(Kind::Mixed, lines)?;
    let forms: [(&[&str], f64); 2] = [
        (&["--json", "--brief"], BRIEF_RATE),
        (&["--json"], JSON_RATE),
    ];
    let all = forms.map(|(flags, _)| netkit(flags, &file, lines));
    let title = format!("json: {lines} mixed lines");
    let medians = compare(&title, all.into(), rounds, &|| ());
    for ((flags, wanted), median) in forms.into_iter().zip(medians) {
        let Some(median) = median else {
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "millions")]
        let rate = lines as f64 / median.as_secs_f64();
        let word = if rate >= wanted { "holds" } else { "MISSED" };
        println!(
            "  {}: {:.2} M lines/s (>= {:.1} M {word})",
            flags.join(" "),
            rate / 1e6,
            wanted / 1e6
        );
    }
    Ok(())
}

/// The peak must not grow with the input.
fn memory(folder: &Folder, lines: usize) -> io::Result<()> {
    let short = folder.file(Kind::Mixed, lines / 10)?;
    let long = folder.file(Kind::Mixed, lines)?;
    println!("\nmemory: peak with {} and with {lines} lines", lines / 10);
    let forms: [&[&str]; 5] = [
        &["--in", ONE_IPV4],
        &["--short"],
        &["--json", "--brief"],
        &["--json"],
        &[],
    ];
    for flags in forms {
        let peak = |file| process::cost_of(&netkit(flags, file, 0).argv).map(|cost| cost.peak_kib);
        let (short, long) = (peak(&short)?, peak(&long)?);
        let word = if long <= short + GROWTH_KIB {
            "constant"
        } else {
            "GROWS"
        };
        println!(
            "  {:16} {short:>7} KiB {long:>7} KiB  {word}",
            flags.join(" ")
        );
    }
    // A /8 has more /32 than any of the files has lines.
    for network in ["10.0.0.0/16", "10.0.0.0/8"] {
        let argv = [NETKIT, "parse-addr", network, "--split", "/32"].map(Into::into);
        let peak = process::cost_of(&argv)?.peak_kib;
        println!("  {network} --split /32: {peak} KiB");
    }
    Ok(())
}

/// Forms that answer every line are counted before they are measured.
fn netkit(flags: &[&str], file: &Path, lines: usize) -> Contender {
    let mut argv: Vec<OsString> = [NETKIT, "parse-addr"].map(Into::into).into();
    argv.extend(flags.iter().map(Into::into));
    argv.extend(["--input".into(), file.into()]);
    let proof = Proof {
        argv: argv.clone(),
        count: |_| 1,
        wanted: lines,
    };
    let name = format!("netkit parse-addr {}", flags.join(" "));
    Contender {
        proof: Some(proof),
        ..Contender::new(&name, argv)
    }
}

fn bare(what: &str, name: &str, file: &Path) -> Contender {
    let own = std::env::current_exe().unwrap_or_default();
    let argv = [own.into(), "--bare".into(), what.into(), file.into()] as [OsString; 4];
    Contender::new(name, argv)
}

/// `--bare lines|canonical FILE`: what a loop costs that does nothing else.
fn bare_main(args: &[String]) -> io::Result<()> {
    let [what, file] = args else {
        return Err(io::Error::other("--bare lines|canonical FILE"));
    };
    let mut input = BufReader::with_capacity(1 << 18, File::open(file)?);
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let (mut line, mut count) = (Vec::new(), 0_u64);
    while input.read_until(b'\n', &mut line)? > 0 {
        count += 1;
        if what == "canonical" {
            canonical(&line, &mut out)?;
        }
        line.clear();
    }
    if what == "lines" {
        writeln!(out, "{count}")?;
    }
    out.flush()
}

fn canonical(line: &[u8], out: &mut impl Write) -> io::Result<()> {
    let text = std::str::from_utf8(line).map_err(io::Error::other)?;
    let ip: IpAddr = text.trim_end().parse().map_err(io::Error::other)?;
    writeln!(out, "{}", ip.to_canonical())
}
