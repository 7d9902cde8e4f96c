//! Every record type as text: a zone that has them all is transferred from BIND, and our lines must
//! be `dig`'s, byte by byte, and load again in Knot's and BIND's checkers.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use netkit::resolve::DomainName;
use netkit::resolve::query::Query;
use netkit::resolve::transfer::{Progress, Transfer};
use netkit::resolve::wire::{Ask, AskOptions, Record, RecordType};
use netkit::resolve::zone_line::{GenericLine, ZoneLine};

use crate::bed::namespace::Namespace;
use crate::bed::skip::{Need, ready};
use crate::netkit::NETKIT;

const ZONE: &str = "every.example";
const FILE: &str = include_str!("zones/every-type.zone");

/// Types that Knot 3.2, Debian's, does not read by their names.
const UNKNOWN_TO_KNOT: &str = "A6 AMTRELAY ATMA AVC DLV DOA EID GPOS HIP ISDN MB MG MR NIMLOC NINFO \
    NSAP NSAP-PTR NXT PX RESINFO RKEY SIG SINK TA TALINK UNSPEC WALLET WKS X25";

/// BIND with the zone, in a namespace of its own.
struct Bind {
    machine: Namespace,
    folder: PathBuf,
    child: Child,
}

impl Bind {
    fn start(name: &str) -> Self {
        let machine = Namespace::new().expect("the lab is ready");
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("a folder for the zone");
        fs::write(folder.join("zone"), FILE).expect("the zone is written");
        let path = folder.display();
        let config = format!(
            "options {{ directory \"{path}\"; listen-on port 53 {{ 127.0.0.1; }}; \
             listen-on-v6 {{ none; }}; pid-file none; recursion no; allow-transfer {{ any; }}; \
             dnssec-validation no; session-keyfile none; lock-file none; check-integrity no; }};\n\
             controls {{ }};\nzone \"{ZONE}\" {{ type primary; file \"zone\"; }};\n"
        );
        fs::write(folder.join("conf"), config).expect("the configuration is written");
        let mut command = Command::new("named");
        command.arg("-g").arg("-c").arg(folder.join("conf"));
        let command = command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = machine.spawn(command).expect("named starts");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut said = String::new();
        while !said.ends_with(" running\n") {
            let length = log.read_line(&mut said).expect("named logs as text");
            assert!(length > 0, "named ended: {said}");
        }
        // The pipe must not fill up.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self {
            machine,
            folder,
            child,
        }
    }

    /// What `dig` writes, without its comments.
    fn dig(&self, args: &str) -> Vec<String> {
        let args = format!("@127.0.0.1 +noall +answer {args}");
        let args: Vec<_> = args.split(' ').collect();
        let lines = self.machine.run("dig", &args);
        lines
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with(';'))
            .map(str::to_owned)
            .collect()
    }

    /// The zone as we read it off the wire.
    fn transfer(&self) -> Vec<Record> {
        let name = DomainName::parse(ZONE).expect("a name");
        let ask = Ask::new(name, RecordType::AXFR);
        let options = AskOptions {
            edns: None,
            recursion_desired: false,
            ..AskOptions::default()
        };
        let query = Query::new(&ask, &options);
        let stream = self.machine.enter(|| TcpStream::connect("127.0.0.1:53"));
        let mut stream = stream.expect("named listens");
        let length = u16::try_from(query.bytes().len()).expect("a short question");
        let framed = [&length.to_be_bytes()[..], query.bytes()].concat();
        stream.write_all(&framed).expect("named reads");
        let mut transfer = Transfer::new(query.id(), ask);
        let mut records = Vec::new();
        loop {
            let packet = message(&mut stream);
            let progress = transfer.message(&packet, |record| records.push(record));
            match progress.unwrap_or_else(|error| panic!("{error}")) {
                Progress::More => {}
                Progress::Done => return records,
            }
        }
    }

    /// Loads lines as the zone; returns what the checker says against them.
    fn refused(&self, checker: &str, args: &[&str], lines: &[String]) -> Option<String> {
        let file = self.folder.join(checker);
        fs::write(&file, lines.join("\n") + "\n").expect("the lines are written");
        let mut command = Command::new(checker);
        let output = self.machine.output(command.args(args).arg(&file));
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said += &String::from_utf8_lossy(&output.stderr);
        (!output.status.success()).then_some(said)
    }
}

impl Drop for Bind {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(Path::new(&self.folder));
    }
}

fn message(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a length");
    let mut packet = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut packet).expect("a message");
    packet
}

fn lines(records: &[Record]) -> Vec<String> {
    let lines = records.iter();
    lines.map(|record| ZoneLine(record).to_string()).collect()
}

/// The groups of NID and L64 with the leading zeros that `dig` leaves out and Knot needs.
fn with_zeros(line: &str) -> String {
    let is_group = line.contains("\tNID\t") || line.contains("\tL64\t");
    let (rest, groups) = line.rsplit_once(' ').unwrap_or_default();
    if !is_group {
        return line.to_owned();
    }
    let groups: Vec<_> = groups
        .split(':')
        .map(|group| format!("{group:0>4}"))
        .collect();
    format!("{rest} {}", groups.join(":"))
}

fn differences(ours: &[String], theirs: &[String]) -> String {
    let mut text = String::new();
    for (ours, theirs) in ours.iter().zip(theirs).filter(|(a, b)| a != b) {
        let _ = writeln!(text, "ours   {ours:?}\ntheirs {theirs:?}");
    }
    text
}

#[test]
fn lines_of_every_type_are_those_of_dig() {
    if !ready(&[Need::Program("named"), Need::Program("dig")]) {
        return;
    }
    let bind = Bind::start("every-type-dig");
    let ours = lines(&bind.transfer());
    let theirs = bind.dig(&format!("{ZONE} AXFR"));
    let theirs: Vec<_> = theirs.iter().map(|line| with_zeros(line)).collect();
    assert_eq!(differences(&ours, &theirs), "");
    assert_eq!(ours.len(), theirs.len());
    let arguments = ["resolve", ZONE, "AXFR", "@127.0.0.1", "--zone-format"];
    let printed = bind.machine.run(NETKIT, &arguments);
    let printed: Vec<_> = printed.lines().map(str::to_owned).collect();
    assert_eq!(differences(&printed, &theirs), "");
    let records = FILE.lines().filter(|line| !line.starts_with('$')).count();
    assert_eq!(ours.len(), records + 1, "the SOA comes twice");
}

#[test]
fn lines_of_every_type_load_again() {
    let needs = [
        Need::Program("named"),
        Need::Program("named-checkzone"),
        Need::Program("kzonecheck"),
    ];
    if !ready(&needs) {
        return;
    }
    let bind = Bind::start("every-type-load");
    let mut records = bind.transfer();
    records.pop();
    let all = lines(&records);
    let args = ["-i", "none", ZONE];
    assert_eq!(bind.refused("named-checkzone", &args, &all), None);
    let knots = records.iter().map(|record| {
        let known = UNKNOWN_TO_KNOT.split_whitespace();
        let unknown = known
            .into_iter()
            .any(|name| name == record.rtype.to_string());
        if unknown {
            GenericLine(record).to_string()
        } else {
            ZoneLine(record).to_string()
        }
    });
    let knots: Vec<_> = knots.collect();
    let args = ["-v", "-o", ZONE];
    assert_eq!(bind.refused("kzonecheck", &args, &knots), None);
}
