//! What `netkit dial` costs on many targets, next to nmap, nc and the barest possible epoll loop.
//!
//!     cargo bench --bench dial_many [-- --quick] [refused|open|addresses|silent]
//!
//! Runs in a network namespace of its own. The bare loop is this same program, started again with
//! `--bare`: all contenders are whole processes.
#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/space.rs"]
mod space;
mod support;

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::time::Duration;

use support::Options;
use support::compare::{Contender, Proof, compare};
use support::process::{self, find};

const NETKIT: &str = env!("CARGO_BIN_EXE_netkit");
/// What netkit may take of the bare loop's time.
const OF_THE_BARE_LOOP: f64 = 1.3;
/// What it may take of everybody else's.
const FASTER: f64 = 1.0;
/// The bare loop's connections under way at once when answers come at once: more only costs it
/// memory for sockets (tried: 64, 512 and 10,000).
const LOUD: &str = "512";
/// And when none come: all of them.
const SILENT: &str = "10000";
/// Descriptors that are not connections.
const SPARE_DESCRIPTORS: u64 = 64;
/// Slow contenders are stopped after this many seconds.
const PATIENCE: &str = "120";

fn main() -> io::Result<()> {
    let args: Vec<_> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--bare") {
        return bare_main(&args[at + 1..]);
    }
    if let Err(error) = space::enter() {
        println!("skipped: no network namespace of our own: {error}");
        return Ok(());
    }
    let descriptors = space::raise_descriptor_limit()?;
    let room = usize::try_from(descriptors.saturating_sub(SPARE_DESCRIPTORS)).unwrap_or(usize::MAX);
    let options = Options::read();
    let ports = options.pick(10_000, 1_000).min(room);
    let rounds = options.pick(9, 3);
    let sections: [(&str, &dyn Fn() -> io::Result<()>); 4] = [
        ("refused", &|| refused(ports, rounds)),
        ("open", &|| open(ports, rounds)),
        ("addresses", &|| addresses(options.pick(20, 24), rounds)),
        ("silent", &|| {
            silent(ports, options.pick(3, 1), &options);
            Ok(())
        }),
    ];
    for (name, part) in sections {
        if options.wants(name) {
            part()?;
        }
    }
    Ok(())
}

/// Most ports refuse, ten are open.
fn refused(ports: usize, rounds: usize) -> io::Result<()> {
    let title = format!("refused: {ports} ports of 127.0.0.1, 10 open and the others refuse");
    let listeners = listen((1..=10).map(|nth| nth * ports / 10).map(local))?;
    let all = contenders(&Work::ports(ports, 10));
    compare(&title, all, rounds, &|| drain(&listeners));
    Ok(())
}

/// Every port is open.
fn open(ports: usize, rounds: usize) -> io::Result<()> {
    let title = format!("open: {ports} open ports of 127.0.0.1");
    let listeners = listen((1..=ports).map(local))?;
    let all = contenders(&Work::ports(ports, ports));
    compare(&title, all, rounds, &|| drain(&listeners));
    Ok(())
}

/// One port of many addresses, all open.
fn addresses(prefix: u32, rounds: usize) -> io::Result<()> {
    let every = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 80);
    let listeners = listen(std::iter::once(every))?;
    let count = 1_usize << (32 - prefix);
    let (network, port) = (format!("127.1.0.0/{prefix}"), "80");
    let work = Work {
        netkit: format!("{network}:{port}"),
        nmap: [network, format!("-p{port}")],
        nc: None,
        bare: ["127.1.0.0", &count.to_string(), port, port].map(Into::into),
        targets: count,
        open: count,
    };
    let title = format!("addresses: port {port} of {count} addresses, all open");
    let mut all = contenders(&work);
    all.extend(find("nc").map(|nc| nc_for_each(&nc, count)));
    compare(&title, all, rounds, &|| drain(&listeners));
    Ok(())
}

/// nc takes one host: a shell starts it for each address.
fn nc_for_each(nc: &OsString, count: usize) -> Contender {
    let nc = nc.to_string_lossy();
    let script = format!(
        "i=0; while [ $i -lt {count} ]; do {nc} -z 127.1.$((i / 256)).$((i % 256)) 80; i=$((i + 1)); done"
    );
    Contender {
        rounds: 1,
        ..Contender::new("nc -z, one process each", ["sh", "-c", &script]).claim(FASTER)
    }
}

/// Every port is silent.
fn silent(ports: usize, rounds: usize, options: &Options) {
    if let Err(reason) = space::drop_silently(&format!("1-{ports}")) {
        println!("skipped: silent: {reason}");
        return;
    }
    let timeout = options.pick("1s", "200ms");
    let work = Work::ports(ports, 0);
    let mut netkit = work.netkit(&["-t", timeout]);
    netkit.name = format!("netkit dial -t {timeout}");
    let mut all = vec![netkit];
    all.push(bare_loop(&work, false, SILENT, timeout));
    let nmap_timeout = timeout.to_owned();
    match (find("nmap"), find("timeout")) {
        (Some(nmap), Some(stop)) => {
            let mut argv: Vec<OsString> = vec![stop, PATIENCE.into(), nmap];
            argv.extend(NMAP.map(Into::into));
            argv.extend(["--max-retries", "0", "--initial-rtt-timeout"].map(Into::into));
            argv.extend([&nmap_timeout, "--min-rtt-timeout", &nmap_timeout].map(Into::into));
            argv.extend(["--max-rtt-timeout", &nmap_timeout, "--min-parallelism"].map(Into::into));
            argv.push("10000".into());
            argv.extend(work.nmap.iter().map(Into::into));
            let name = format!("nmap -sT -n -Pn, {timeout}, no retries, at most {PATIENCE} s");
            let nmap = Contender::new(&name, argv).claim(FASTER);
            all.push(Contender { rounds: 1, ..nmap });
        }
        _ => println!("skipped: nmap not found"),
    }
    let title = format!("silent: {ports} ports of 127.0.0.1, all dropped");
    compare(&title, all, rounds, &|| ());
    println!("  nc -z -w 1 tries one port after the other: {ports} s, not run");
    space::drop_nothing();
}

/// The same work as each contender calls it.
struct Work {
    netkit: String,
    nmap: [String; 2],
    nc: Option<[String; 2]>,
    /// First address, addresses, first port, last port.
    bare: [String; 4],
    targets: usize,
    open: usize,
}

const NMAP: [&str; 3] = ["-sT", "-n", "-Pn"];

impl Work {
    fn ports(ports: usize, open: usize) -> Self {
        let host = "127.0.0.1";
        Self {
            netkit: format!("{host}:1-{ports}"),
            nmap: [host.to_owned(), format!("-p1-{ports}")],
            nc: Some([host.to_owned(), format!("1-{ports}")]),
            bare: [host, "1", "1", &ports.to_string()].map(Into::into),
            targets: ports,
            open,
        }
    }

    fn netkit(&self, more: &[&str]) -> Contender {
        let argv = |last: &[&str]| -> Vec<OsString> {
            let argv = [NETKIT, "dial", &self.netkit];
            argv.iter()
                .chain(more)
                .chain(last)
                .map(Into::into)
                .collect()
        };
        Contender {
            proof: Some(Proof {
                argv: argv(&["--json"]),
                count: count_reports,
                wanted: self.targets,
            }),
            ..Contender::new("netkit dial", argv(&[]))
        }
    }
}

/// Lines that report a target.
fn count_reports(line: &str) -> usize {
    usize::from(line.contains("\"type\":\"dial\""))
}

fn contenders(work: &Work) -> Vec<Contender> {
    let mut all = vec![work.netkit(&[])];
    let json = [NETKIT, "dial", &work.netkit, "--json"];
    all.push(Contender::new("netkit dial --json", json));
    all.push(bare_loop(work, false, LOUD, "1s"));
    all.push(bare_loop(work, true, LOUD, "1s"));
    match find("nmap") {
        Some(nmap) => {
            let argv: Vec<OsString> = std::iter::once(nmap)
                .chain(NMAP.map(Into::into))
                .chain(work.nmap.iter().map(Into::into))
                .collect();
            let proof = Proof {
                argv: [argv.clone(), vec!["-oG".into(), "-".into()]].concat(),
                count: |said| said.matches("/open/tcp").count(),
                wanted: work.open,
            };
            let nmap = Contender::new("nmap -sT -n -Pn", argv).claim(FASTER);
            let proof = Some(proof);
            all.push(Contender { proof, ..nmap });
        }
        None => println!("skipped: nmap not found"),
    }
    match (find("nc"), &work.nc) {
        (Some(nc), Some([host, ports])) => {
            let script = format!("{} -zv {host} {ports} 2>&1", nc.to_string_lossy());
            let proof = Proof {
                argv: ["sh", "-c", &script].map(Into::into).into(),
                count: |said| said.matches("succeeded").count(),
                wanted: work.open,
            };
            let proof = Some(proof);
            let nc =
                Contender::new("nc -z", [nc, "-z".into(), host.into(), ports.into()]).claim(FASTER);
            all.push(Contender { proof, ..nc });
        }
        (None, _) => println!("skipped: nc not found"),
        (Some(_), None) => {}
    }
    all
}

fn bare_loop(work: &Work, reuse: bool, parallel: &str, timeout: &str) -> Contender {
    let (name, variant) = if reuse {
        ("bare epoll loop, socket reused", "reuse")
    } else {
        ("bare epoll loop, fresh sockets", "fresh")
    };
    let own = std::env::current_exe().unwrap_or_default();
    let mut argv: Vec<OsString> = vec![own.into()];
    argv.extend(["--bare", variant, parallel, timeout].map(Into::into));
    argv.extend(work.bare.iter().map(Into::into));
    let proof = Proof {
        argv: argv.clone(),
        count: |said| {
            said.split_whitespace()
                .filter_map(|n| n.parse::<usize>().ok())
                .sum()
        },
        wanted: work.targets,
    };
    let proof = Some(proof);
    Contender {
        proof,
        ..Contender::new(name, argv)
    }
    .claim(OF_THE_BARE_LOOP)
}

/// `--bare fresh|reuse PARALLEL TIMEOUT ADDRESS COUNT FIRST LAST`: the loop as a process of its own.
fn bare_main(args: &[String]) -> io::Result<()> {
    let usage = || io::Error::other("--bare fresh|reuse PARALLEL TIMEOUT ADDRESS COUNT FIRST LAST");
    let [variant, parallel, timeout, first, count, low, high] = args else {
        return Err(usage());
    };
    let number = |text: &String| text.parse::<u32>().map_err(|_| usage());
    let first: Ipv4Addr = first.parse().map_err(|_| usage())?;
    let timeout = match timeout.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.parse().map_err(|_| usage())?),
        None => Duration::from_secs(timeout.trim_end_matches('s').parse().map_err(|_| usage())?),
    };
    let ports = u16::try_from(number(low)?).map_err(|_| usage())?
        ..=u16::try_from(number(high)?).map_err(|_| usage())?;
    let count = number(count)?;
    let addrs = (0..count).map(|nth| Ipv4Addr::from(u32::from(first) + nth));
    let addrs = addrs.flat_map(|ip| ports.clone().map(move |port| SocketAddrV4::new(ip, port)));
    let descriptors = space::raise_descriptor_limit()?;
    let room = descriptors.saturating_sub(SPARE_DESCRIPTORS);
    let parallel = u64::from(number(parallel)?).min(room);
    let plan = bare::Plan {
        reuse: variant == "reuse",
        parallel: usize::try_from(parallel).unwrap_or(usize::MAX),
        timeout,
    };
    let counts = bare::connect_all(addrs, plan)?;
    println!(
        "open {} refused {} silent {}",
        counts.open, counts.refused, counts.silent
    );
    Ok(())
}

fn local(port: usize) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap_or(u16::MAX))
}

fn listen(addrs: impl Iterator<Item = SocketAddrV4>) -> io::Result<Vec<TcpListener>> {
    let listener = |addr| {
        let listener = TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        space::deepen(&listener)?;
        Ok(listener)
    };
    addrs.map(listener).collect()
}

/// Takes and closes what has piled up, so that no backlog is ever full. Between the runs, so that
/// the servers cost nobody any time.
fn drain(listeners: &[TcpListener]) {
    for listener in listeners {
        while listener.accept().is_ok() {}
    }
}
