//! The words around the flags: examples, exit codes, the JSON contract.
//!
//! `--help`, the man pages and the README take them from here, so that they cannot disagree.

use std::fmt::Write as _;

use crate::exit;

/// A command line and the question it answers.
pub(crate) struct Example(pub(crate) &'static str, pub(crate) &'static str);

/// What `netkit dial` is used for.
pub(crate) const DIAL: &[Example] = &[
    Example(
        "netkit dial example.com:443",
        "Which address answers, and how long does each stage take?",
    ),
    Example(
        "netkit dial example.com https --race-all",
        "What would IPv4 and IPv6 each have cost?",
    ),
    Example(
        "netkit dial db:5432 --strategy go",
        "What will a Go client see?",
    ),
    Example(
        "netkit dial mail:25 --banner --expect-regex '^220 '",
        "Is it the service I think it is?",
    ),
    Example(
        r"netkit dial cache:6379 --send 'PING\r\n' --expect +PONG",
        "Does it answer as it should?",
    ),
    Example(
        "netkit dial -u ns1:53 --send-hex '0001 0100 0001 0000 0000 0000 00 0002 0001'",
        "Does anything come back over UDP?",
    ),
    Example(
        "netkit dial host:443 --keepalive 1s --keepalive-interval 1s --hold 10s",
        "Are keepalive probes really sent and answered?",
    ),
    Example(
        "netkit dial host:443 -c 100 -i 100ms",
        "How does the connect time spread, and what gets lost?",
    ),
    Example(
        "netkit dial 192.0.2.0/24:22,80,443 --only open",
        "What is open there?",
    ),
    Example(
        "netkit dial db:5432 --wait 30s -- ./migrate",
        "Run this once the database answers.",
    ),
    Example(
        "netkit dial host:9000 --stdio < request > reply",
        "Send a file and keep the reply.",
    ),
    Example(
        "netkit dial tls://host:443 --alpn h2 --session-resumption",
        "Does TLS work, what was agreed, and who vouches for the certificate?",
    ),
    Example(
        "netkit dial mail:25 --starttls smtp --fail-if 'cert_days<14' -q",
        "Must somebody renew the certificate of the mail server?",
    ),
    Example(
        "netkit dial tls://api:8443 --spiffe-id spiffe://td/api --spiffe-bundle bundle.pem",
        "Is it the workload that I mean, whatever its name?",
    ),
    Example(
        "netkit dial host:443 --json | jq .connect_ms",
        "Give me the number.",
    ),
];

/// What `netkit listen` is used for.
pub(crate) const LISTEN: &[Example] = &[
    Example(
        "netkit listen :8080",
        "Does anything arrive, and from where? It gets its bytes back.",
    ),
    Example(
        "netkit listen 127.0.0.1:0 --once --json",
        "What did that one client do? (the port is in the first line)",
    ),
    Example(
        "netkit listen udp://:9000 tcp://:9000 unix:/tmp/s",
        "The same over UDP, TCP and a Unix socket, in one process.",
    ),
    Example(
        "netkit listen :8080 --max-connections 100 --overload reset",
        "What do clients do when the server is full?",
    ),
    Example(
        "netkit listen :8080 --idle-timeout 30s --dump=hex -v",
        "What do they send first, and what does the kernel know of them at the end?",
    ),
    Example(
        "netkit listen :8080 --forward db:5432 --fault up:delay=200ms",
        "What does the application do when its database is far away?",
    ),
    Example(
        "netkit listen :8080 --forward unix:/run/app.sock --fault 10%:rst-after=1KiB",
        "And when one connection in ten breaks?",
    ),
    Example(
        "netkit listen :8080 --discard --summary --stats-interval 1s",
        "How much arrives each second?",
    ),
];

/// What `netkit heartbeat` is used for.
pub(crate) const HEARTBEAT: &[Example] = &[
    Example(
        "netkit heartbeat db:5432",
        "Does it stay up? A connection a second, a line a beat.",
    ),
    Example(
        "netkit heartbeat host:7 --probe echo -i 100ms",
        "When does the session break, why, how soon was that noticed, and how did it come back?",
    ),
    Example(
        "netkit heartbeat --targets servers --live",
        "How are all of them right now?",
    ),
    Example(
        "netkit heartbeat host:443 --for 10m --fail-if 'loss>1% or p99>20ms'",
        "Is it good enough? The exit code says.",
    ),
    Example(
        "netkit heartbeat tls://host:443 -c 1 --fail-if 'cert_days<14' -q",
        "Does its certificate last for two more weeks?",
    ),
    Example(
        "netkit heartbeat app:8080 --until 'up>=3' --for 1m",
        "Wait until it is steadily up, a minute at most.",
    ),
    Example(
        "netkit heartbeat cache:6379 --probe line --send 'PING\\r\\n' --expect +PONG",
        "Does the application answer, not only its kernel?",
    ),
    Example(
        "netkit heartbeat 192.0.2.53:53 --probe dns --query example.com/A",
        "Does the name server serve?",
    ),
    Example(
        "netkit heartbeat db:5432 --on-down 'logger \"$NETKIT_TARGET: $NETKIT_REASON\"' -q",
        "Tell somebody when it goes down.",
    ),
    Example(
        "netkit heartbeat db:5432 --json | jq -c 'select(.type == \"state\")'",
        "Only the changes.",
    ),
    Example(
        "netkit heartbeat --targets servers --metrics 127.0.0.1:9100 -q",
        "Let Prometheus watch.",
    ),
    Example(
        "netkit heartbeat --replay monday.jsonl",
        "Which detector would have noticed Monday's outages soonest, without crying wolf?",
    ),
];

/// How `netkit heartbeat` speaks to programs.
pub(crate) const HEARTBEAT_JSON: &str = "\
With --json every line of standard output is one complete object with \"schema\":\"netkit/1\" and a \
\"type\": `beat` (a beat has its verdict), `late` (a reply came after its beat had failed), `skipped` (a beat \
was not sent), `state` (the state changed: why, on what evidence, how long the last one lasted), `breaker`, \
`opened` (with --pool a connection was made), `certificate` (the peer showed its first, another one, or the \
same with fewer days left), \
`disconnect` (a session ended: cause, how soon that was noticed), `reconnect` (a session stands, or was given \
up: every attempt), `stall` (this machine itself stood still, which blames nobody) and `summary` (a target an \
entry, and the exit code; SIGQUIT adds an interim one). --replay prints one line of type `replay`: a \
detector an entry. A beat that failed for want of a session has \
`sent_ms` null. Times are numbers in milliseconds, what is unknown is null and never missing, and new keys may \
be added. `netkit generate schema` prints the JSON Schema.";

/// What hooks are told.
pub(crate) const HEARTBEAT_HOOKS: &str = "\
A command of --on-down, --on-up and --on-change is run with sh(1), beside the beats, and finds in its \
environment NETKIT_TARGET, NETKIT_STATE, NETKIT_PREVIOUS, NETKIT_REASON and NETKIT_DOWN_MS (how long the outage \
has lasted, or lasted; empty where there is none). Of one target and hook one command runs at a time and at \
most one starts a second; of what happens meanwhile the last is told afterwards.";

/// How `netkit listen` speaks to programs.
pub(crate) const LISTEN_JSON: &str = "--json prints a line an event: `listening` (with the port, before the first connection is \
accepted), `metrics` (with --metrics: where), `accept`, `upstream` (with --forward), `data` (with --dump), `fault`, `reject`, `close`, `stats` (with --stats-interval, and on SIGQUIT), `warning`, `draining` once nothing more is accepted, and `summary` at the end. \
With --summary only `listening`, `metrics`, `stats`, `warning`, `draining` and `summary`. `netkit generate schema` prints the JSON Schema.";

/// What `netkit parse-addr` is used for.
pub(crate) const PARSE_ADDR: &[Example] = &[
    Example(
        "netkit parse-addr 2002:c000:204::1",
        "What is this address, and what is inside it?",
    ),
    Example(
        "netkit parse-addr 10.1.2.3/20",
        "Which network, which hosts, which mask?",
    ),
    Example(
        "netkit parse-addr --in 10.0.0.0/8 2001:db8::/32 < access.log",
        "Which lines hold an address of these networks?",
    ),
    Example(
        "netkit parse-addr 10.0.0.0/8 --split /24 | head",
        "What are its parts?",
    ),
    Example(
        "netkit parse-addr --aggregate < networks",
        "What is the shortest list of the same addresses?",
    ),
    Example(
        "netkit parse-addr 10.0.0.0/24 --exclude 10.0.0.64/26",
        "What is left without these?",
    ),
    Example(
        "netkit parse-addr 10.0.0.5-10.0.0.77 --summarize",
        "Which networks cover this range?",
    ),
    Example(
        "netkit parse-addr '[::1]:http' --as tcp --network tcp6",
        "Would Go take this?",
    ),
    Example(
        "netkit parse-addr --as ip --short < list",
        "The same list in canonical form.",
    ),
    Example(
        "netkit parse-addr --json --brief < list | jq 'select(.ok | not)'",
        "Which of them are invalid, and why?",
    ),
];

/// What `netkit resolve` is used for.
pub(crate) const RESOLVE: &[Example] = &[
    Example(
        "netkit resolve www.example.com @192.0.2.53",
        "What does that server say, over which transport, and how fast?",
    ),
    Example(
        "netkit resolve example.com MX TXT -v",
        "What was tried, what was sent, what came back?",
    ),
    Example("netkit resolve 192.0.2.1", "Which name has that address?"),
    Example(
        "netkit resolve example.com @192.0.2.53 @192.0.2.54 --ns-mode all",
        "What does each of them say?",
    ),
    Example(
        "netkit resolve www.example.com @tls://dns.example@192.0.2.53 --ca ca.pem",
        "Over TLS, at that address, proved to be that server: the same answer?",
    ),
    Example(
        "netkit resolve www.example.com @192.0.2.53 --check-server",
        "What can that server do, and what does it do wrong?",
    ),
    Example(
        "netkit resolve host --resolv-conf ./resolv.conf",
        "Which names would the search list try, and why does it stop?",
    ),
    Example(
        "netkit resolve example.com MX --dnssec",
        "Is it signed, does the chain hold, and if not, which link breaks?",
    ),
    Example(
        "netkit resolve www.example.com --trace",
        "Who delegates to whom, and which of the name servers is lame?",
    ),
    Example("netkit resolve example.com --short", "Only the addresses."),
    Example(
        "netkit resolve example.com --json | jq .verdict",
        "One word for a script.",
    ),
    Example(
        "netkit resolve --input names --ns 192.0.2.53 --ns 192.0.2.54",
        "What are the addresses of a million names? A line each.",
    ),
    Example(
        "netkit resolve --input - --type MX --json --rate 500 < names | jq -c 'select(.ok | not)'",
        "Which of them have no mail exchanger, asked gently?",
    ),
];

/// What the lines of `resolve --json` are.
pub(crate) const RESOLVE_JSON: &str = "\
With --json every line of standard output is one complete object with \"schema\":\"netkit/1\" and a \
\"type\": `resolve` (one question: verdict, sections, every try, with --dnssec the proof), `trace` (with \
--trace: the way from the root, zone by zone), `check` (with --check-server), `resolve_compare` (with \
--compare, after the server's own lines), `resolve_change` (with --watch), `resolve_summary` (the end of \
--count), `resolve_record` and `resolve_transfer` (AXFR: a record, and what became of the whole), `summary` (the end of a list of names: how many ended \
how, and for each server what was sent, lost, how fast it was and its final window) and `error` (nothing \
could be asked). In a list `config` is null but in the summary, the tries of a name are summed up by \
transport, and SIGQUIT adds an interim summary. \
Times are numbers in milliseconds, what is unknown is null and never missing, and new keys may be \
added. `netkit generate schema` prints the JSON Schema.";

/// What the lines of `parse-addr --json` are.
pub(crate) const PARSE_ADDR_JSON: &str = "\
With --json every line of standard output is one complete object with \"schema\":\"netkit/1\" and a \
\"type\": `addr` (one input: what it is, or why it is not), `addr_result` (computing), `addr_match` and \
`addr_count` (filtering), `error` (nothing could be read). Integers above 2^53 are strings, what is \
unknown is null and never missing, and new keys may be added. `netkit generate schema` prints the JSON \
Schema.";

/// What the lines of `--json` are.
pub(crate) const JSON: &str = "\
With --json every line of standard output is one complete object with \"schema\":\"netkit/1\" and a \
\"type\": `dial` (one result), `skipped` (a probe that found no place when it was due), `retry` and \
`ready` (waiting), `summary` (the last line of --count, --wait and many targets) and `error` (nothing \
could be measured). Times are numbers in milliseconds, what is unknown is null and never missing, \
and new keys may be added. A reader that is too slow loses lines of --count and --wait, and their \
number is told at the end on standard error; of many targets it loses none: no further one is dialled \
until it reads. `netkit generate schema` prints the JSON Schema.";

/// Below `netkit --help`.
pub(crate) fn overview() -> String {
    let mut text = exit_codes();
    text.push_str("\nExamples:\n");
    examples(&mut text, &DIAL[..1]);
    text.push_str("  netkit demo\n      What does it look like?\n");
    text
}

/// Below `netkit dial -h`.
pub(crate) fn dial_short() -> String {
    let mut text = "Examples:\n".to_owned();
    examples(&mut text, &DIAL[..4]);
    text.push_str("\nMore with --help: all examples, exit codes, JSON.\n");
    text
}

/// Below `netkit dial --help`.
pub(crate) fn dial_long() -> String {
    let mut text = format!("JSON:\n  {JSON}\n\n");
    text.push_str(&exit_codes());
    text.push_str("\nExamples:\n");
    examples(&mut text, DIAL);
    text
}

/// Below `netkit listen -h`.
pub(crate) fn listen_short() -> String {
    let mut text = "Examples:\n".to_owned();
    examples(&mut text, &LISTEN[..4]);
    text.push_str("\nMore with --help: all examples, exit codes, JSON.\n");
    text
}

/// Below `netkit listen --help`.
pub(crate) fn listen_long() -> String {
    let mut text = format!("JSON:\n  {LISTEN_JSON}\n\n");
    text.push_str(&exit_codes());
    text.push_str("\nExamples:\n");
    examples(&mut text, LISTEN);
    text
}

/// Below `netkit heartbeat -h`.
pub(crate) fn heartbeat_short() -> String {
    let mut text = "Examples:\n".to_owned();
    examples(&mut text, &HEARTBEAT[..4]);
    text.push_str("\nMore with --help: all examples, exit codes, JSON, hooks.\n");
    text
}

/// Below `netkit heartbeat --help`.
pub(crate) fn heartbeat_long() -> String {
    let mut text = format!("JSON:\n  {HEARTBEAT_JSON}\n\nHooks:\n  {HEARTBEAT_HOOKS}\n\n");
    text.push_str(&exit_codes());
    text.push_str("\nExamples:\n");
    examples(&mut text, HEARTBEAT);
    text
}

/// Below `netkit parse-addr -h`.
pub(crate) fn parse_addr_short() -> String {
    let mut text = "Examples:\n".to_owned();
    examples(&mut text, &PARSE_ADDR[..4]);
    text.push_str("\nMore with --help: all examples, exit codes, JSON.\n");
    text
}

/// Below `netkit parse-addr --help`.
pub(crate) fn parse_addr_long() -> String {
    let mut text = format!("JSON:\n  {PARSE_ADDR_JSON}\n\n");
    text.push_str(&exit_codes());
    text.push_str("\nExamples:\n");
    examples(&mut text, PARSE_ADDR);
    text
}

/// Below `netkit resolve -h`.
pub(crate) fn resolve_short() -> String {
    let mut text = "Examples:\n".to_owned();
    examples(&mut text, &RESOLVE[..4]);
    text.push_str("\nMore with --help: all examples, exit codes, JSON.\n");
    text
}

/// The keys of a rule of `--policy`: for whom it is meant, and what it does.
pub(crate) const POLICY: &[(&str, &str)] = &[
    (
        "name",
        "names the rule in reports; unique, and the only key that is required",
    ),
    ("regions", "only for clients that say so with --region"),
    (
        "names",
        "only for these names: \"www.example\", \"*.example\" (all below it), \"*\"",
    ),
    (
        "answers_in",
        "only when an address of the answer lies in one of these networks",
    ),
    (
        "servers",
        "asks these instead of the usual ones: the first, and its backups",
    ),
    (
        "prefer, avoid",
        "addresses in these networks come first, or last",
    ),
    (
        "keep, drop",
        "only addresses in these networks stay, or they are left out",
    ),
    (
        "replace",
        "these addresses take the place of all others of their family",
    ),
    (
        "order",
        "\"received\" or \"latency\": the fastest measured first, those that failed last",
    ),
    (
        "switch_above",
        "a server, or a preferred network, that takes longer gives way to the next: \"80ms\"",
    ),
    (
        "switch_after",
        "so does one that failed that often in a row [default: 3]",
    ),
    (
        "measure_port",
        "measures addresses nobody has measured yet by connecting to this TCP port",
    ),
    ("last", "true: no rule after this one is considered"),
];

/// What a policy is.
pub(crate) const POLICY_INTRO: &str = "\
Rules are tables `[[rule]]` in TOML, considered in their order; all that match act, each on what those \
before it left. With etcd every key below the prefix is one document, in the order of the keys. A \
policy is read again when it changes: lookups that are under way end with the rules they began with, and \
a new text that is not valid leaves the old rules in force. What was measured is forgotten after 30 \
seconds. `policy.fired` in JSON names the rules that acted.";

/// Below `netkit resolve --help`.
pub(crate) fn resolve_long() -> String {
    let mut text = format!("JSON:\n  {RESOLVE_JSON}\n\nPolicy:\n  {POLICY_INTRO}\n\n");
    for (keys, meaning) in POLICY {
        let _ = writeln!(text, "  {keys:<13} {meaning}");
    }
    text.push('\n');
    text.push_str(&exit_codes());
    text.push_str("\nExamples:\n");
    examples(&mut text, RESOLVE);
    text
}

fn exit_codes() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for (code, meaning) in exit::TABLE {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {code:<9} {meaning}");
    }
    text
}

fn examples(text: &mut String, examples: &[Example]) {
    for Example(command, question) in examples {
        let _ = writeln!(text, "  {command}\n      {question}");
    }
}
