//! Which flags do not go together: small named rules, each saying which flags and why.
//!
//! Separate from the translation of flags into a configuration so that every rule can be read, and
//! is tested, alone. A flag that would have no effect is refused rather than ignored.

use netkit::addr::Family;

use super::recorded::replay_alone;
use crate::args::{DialArgs, ExchangeArgs, KeepaliveArgs, SocketArgs, TargetArgs};
use crate::usage::UsageError;

pub(super) type Checked = Result<(), UsageError>;

/// Two flags that exclude each other, whether both were given, and why.
pub(super) struct Pair(
    pub(super) bool,
    pub(super) &'static str,
    pub(super) bool,
    pub(super) &'static str,
    pub(super) &'static str,
);

/// Runs every rule that needs nothing but the flags.
pub(super) fn check(args: &DialArgs) -> Checked {
    one_payload(args)?;
    one_expectation(args)?;
    one_keepalive(&args.keepalive)?;
    one_family(&args.target)?;
    one_code_point(&args.socket)?;
    one_mode(args)?;
    stdio_alone(args)?;
    replay_alone(args)?;
    companions(args)?;
    reuse_leaves_a_connection(args)?;
    fastopen_is_answered(args)?;
    race_all_alone(args)?;
    local_addr_has_the_family(&args.target, &args.socket)?;
    something_to_read(args)
}

pub(super) fn exclusive(pairs: &[Pair]) -> Checked {
    for Pair(first, first_flag, second, second_flag, why) in pairs {
        if *first && *second {
            let message = format!("{first_flag} does not go with {second_flag}: {why}");
            return Err(UsageError::new(message, "one of the two"));
        }
    }
    Ok(())
}

/// The flags that say what is said and heard; whatever speaks by itself leaves no place for them.
pub(super) fn by_hand(exchange: &ExchangeArgs) -> [(bool, &'static str); 7] {
    [
        (exchange.send.is_some(), "--send"),
        (exchange.send_hex.is_some(), "--send-hex"),
        (exchange.send_file.is_some(), "--send-file"),
        (exchange.expect.is_some(), "--expect"),
        (exchange.expect_regex.is_some(), "--expect-regex"),
        (exchange.read.is_some(), "--read"),
        (exchange.banner, "--banner"),
    ]
}

fn one_payload(args: &DialArgs) -> Checked {
    let args = &args.exchange;
    let (text, hex, file) = (
        args.send.is_some(),
        args.send_hex.is_some(),
        args.send_file.is_some(),
    );
    let why = "there is one thing to send";
    exclusive(&[
        Pair(text, "--send", hex, "--send-hex", why),
        Pair(text, "--send", file, "--send-file", why),
        Pair(hex, "--send-hex", file, "--send-file", why),
    ])
}

fn one_expectation(args: &DialArgs) -> Checked {
    let args = &args.exchange;
    let (text, regex) = (args.expect.is_some(), args.expect_regex.is_some());
    let nothing = args.read == Some(0);
    let why = "there is one expectation";
    exclusive(&[
        Pair(text, "--expect", regex, "--expect-regex", why),
        Pair(text, "--expect", nothing, "--read 0", "nothing is read"),
        Pair(
            regex,
            "--expect-regex",
            nothing,
            "--read 0",
            "nothing is read",
        ),
        Pair(
            args.banner,
            "--banner",
            nothing,
            "--read 0",
            "nothing is read",
        ),
        Pair(
            args.shutdown_write,
            "--shutdown-write",
            nothing,
            "--read 0",
            "it reads to the end",
        ),
    ])
}

/// An empty expectation is met by anything: it would be a check that cannot fail.
fn something_to_read(args: &DialArgs) -> Checked {
    match &args.exchange.expect {
        Some(text) if text.is_empty() => {
            let message = "--expect '' is met by anything";
            return Err(UsageError::new(message, "the text that must come back"));
        }
        _ => {}
    }
    match &args.exchange.expect_regex {
        // What matches both nothing at all and a byte of no text has nothing that it asks for.
        Some(regex) if regex.is_match(b"") && regex.is_match(b"\xff") => {
            let message = format!("--expect-regex '{regex}' is met by anything");
            let expected = "a regular expression that some reply does not match";
            Err(UsageError::new(message, expected))
        }
        _ => Ok(()),
    }
}

pub(super) fn one_keepalive(args: &KeepaliveArgs) -> Checked {
    let why = "no probes are sent";
    exclusive(&[
        Pair(
            args.no_keepalive,
            "--no-keepalive",
            args.keepalive.is_some(),
            "--keepalive",
            why,
        ),
        Pair(
            args.no_keepalive,
            "--no-keepalive",
            args.keepalive_interval.is_some(),
            "--keepalive-interval",
            why,
        ),
        Pair(
            args.no_keepalive,
            "--no-keepalive",
            args.keepalive_count.is_some(),
            "--keepalive-count",
            why,
        ),
    ])
}

pub(super) fn one_family(target: &TargetArgs) -> Checked {
    exclusive(&[
        Pair(
            target.ipv4,
            "-4",
            target.ipv6,
            "-6",
            "no address has both families",
        ),
        Pair(
            target.udp,
            "--udp",
            target.network.is_some(),
            "--network",
            "both name the network",
        ),
    ])
}

pub(super) fn one_code_point(socket: &SocketArgs) -> Checked {
    let (tos, dscp) = (socket.tos.is_some(), socket.dscp.is_some());
    exclusive(&[Pair(
        tos,
        "--tos",
        dscp,
        "--dscp",
        "the DSCP is part of the TOS byte",
    )])
}

fn one_mode(args: &DialArgs) -> Checked {
    let wait = args.wait.wait.is_some();
    let (count, hold) = (args.repeat.count.is_some(), args.hold.is_some());
    let pretty = args.output.pretty;
    let stream = "a stream is one line an object (--json)";
    exclusive(&[
        Pair(
            wait,
            "--wait",
            count,
            "--count",
            "one ends with the first success, the other counts",
        ),
        Pair(
            wait,
            "--wait",
            hold,
            "--hold",
            "waiting ends with the first success",
        ),
        Pair(count, "--count", hold, "--hold", "probes are not held open"),
        Pair(
            args.tls.session_resumption,
            "--session-resumption",
            hold,
            "--hold",
            "the second handshake follows the first connection within the timeout",
        ),
        Pair(
            wait,
            "--wait",
            args.race.race_all,
            "--race-all",
            "waiting ends with the first success",
        ),
        Pair(pretty, "--pretty", wait, "--wait", stream),
        Pair(pretty, "--pretty", count, "--count", stream),
    ])
}

/// `--stdio` gives the connection away: whatever netkit itself would say on it has no place.
fn stdio_alone(args: &DialArgs) -> Checked {
    let (stdio, exchange) = (args.exchange.stdio, &args.exchange);
    let why = "standard input and output are the connection";
    let output = "standard output is the connection's";
    let with = |given, flag, why| Pair(stdio, "--stdio", given, flag, why);
    exclusive(&by_hand(exchange).map(|(given, flag)| with(given, flag, why)))?;
    exclusive(&[
        with(
            exchange.shutdown_write,
            "--shutdown-write",
            "the end of the input does it",
        ),
        with(
            args.hold.is_some(),
            "--hold",
            "it stays open until both sides end",
        ),
        with(args.repeat.count.is_some(), "--count", why),
        with(args.wait.wait.is_some(), "--wait", why),
        with(args.race.race_all, "--race-all", why),
        with(
            args.socket.fastopen,
            "--fastopen",
            "data is needed before the SYN leaves",
        ),
        with(args.tls.session_resumption, "--session-resumption", why),
        with(args.output.json, "--json", output),
        with(args.output.pretty, "--pretty", output),
    ])
}

/// A connection is used again after a request and the whole of its answer, and only then.
fn reuse_leaves_a_connection(args: &DialArgs) -> Checked {
    use netkit::dial::gate::Metric;
    let (reuse, exchange) = (args.repeat.reuse, &args.exchange);
    let with = |given, flag, why| Pair(reuse, "--reuse", given, flag, why);
    let greeting = "a server greets once a connection, not once a request";
    let rest = "the answer would be there when the next request begins";
    let second = "the second handshake follows the end of the first connection";
    exclusive(&[
        with(exchange.banner, "--banner", greeting),
        with(
            exchange.shutdown_write,
            "--shutdown-write",
            "it ends what is to be used again",
        ),
        with(exchange.read == Some(0), "--read 0", rest),
        with(args.tls.session_resumption, "--session-resumption", second),
    ])?;
    let of_connecting =
        |metric| matches!(metric, Metric::CertDays | Metric::ConnectMs | Metric::TlsMs);
    let gate = args
        .fail_if
        .iter()
        .find(|gate| of_connecting(gate.metric()));
    match gate.filter(|_| reuse) {
        Some(gate) => {
            let message = format!(
                "--fail-if '{gate}' judges a connection that is made, and --reuse makes none"
            );
            Err(UsageError::new(
                message,
                "first_byte_ms or total_ms, or no --reuse",
            ))
        }
        None => Ok(()),
    }
}

/// With a cookie of the server, `connect(2)` succeeds before a SYN has left (RFC 7413 section 4.2):
/// only a payload sends one, and only a read shows that it was answered.
fn fastopen_is_answered(args: &DialArgs) -> Checked {
    let (fastopen, exchange) = (args.socket.fastopen, &args.exchange);
    let starttls = args.tls.starttls.is_some();
    let (text, hex) = (exchange.send.as_ref(), exchange.send_hex.as_ref());
    let payloads = [("--send", text), ("--send-hex", hex)];
    let empty = payloads
        .iter()
        .find(|(_, payload)| payload.is_some_and(Vec::is_empty));
    if let (true, Some((flag, _))) = (fastopen, empty) {
        let message = format!("--fastopen has no effect with {flag} '': the SYN carries nothing");
        return Err(UsageError::new(message, "a payload of at least one byte"));
    }
    exclusive(&[
        Pair(
            fastopen,
            "--fastopen",
            starttls,
            "--starttls",
            "the SYN leaves only with data, and most servers speak first then",
        ),
        Pair(
            fastopen,
            "--fastopen",
            exchange.banner,
            "--banner",
            "the SYN leaves only with data, and the server speaks first",
        ),
        Pair(
            fastopen,
            "--fastopen",
            exchange.read == Some(0),
            "--read 0",
            "nothing would show that the SYN was answered",
        ),
    ])
}

/// The race is over when its losers are: until then the winner would wait with its exchange.
fn race_all_alone(args: &DialArgs) -> Checked {
    let (race_all, exchange) = (args.race.race_all, &args.exchange);
    let why = "waiting for the losers eats the time of what follows";
    let with = |given, flag| Pair(race_all, "--race-all", given, flag, why);
    exclusive(&by_hand(exchange).map(|(given, flag)| with(given, flag)))?;
    exclusive(&[
        with(exchange.shutdown_write, "--shutdown-write"),
        with(args.hold.is_some(), "--hold"),
    ])
}

/// Flags that mean nothing without another.
fn companions(args: &DialArgs) -> Checked {
    let wait = args.wait.wait.is_some();
    // The first words of TLS are ours.
    let exchange = &args.exchange;
    let requests =
        exchange.send.is_some() || exchange.send_hex.is_some() || exchange.send_file.is_some();
    let sends = args.tls.tls || requests;
    let (reuse, count) = (args.repeat.reuse, args.repeat.count.is_some());
    let rows = [
        (reuse, "--reuse", count, "--count N"),
        (reuse, "--reuse", requests, "a request (--send)"),
        (
            args.repeat.interval.is_some(),
            "--interval",
            args.repeat.count.is_some(),
            "--count N",
        ),
        (
            args.wait.wait_for.is_some(),
            "--wait-for",
            wait,
            "--wait DURATION",
        ),
        (args.wait.any, "--any", wait, "--wait DURATION"),
        (
            !args.command.is_empty(),
            "a command after --",
            wait,
            "--wait DURATION",
        ),
        (
            args.socket.fastopen,
            "--fastopen",
            sends,
            "something to put into the SYN (--send)",
        ),
    ];
    for (given, flag, has, companion) in rows {
        if given && !has {
            return Err(UsageError::new(
                format!("{flag} has no effect alone"),
                companion,
            ));
        }
    }
    Ok(())
}

/// `cert_days` without a certificate would fail always.
pub(super) fn certificates_to_judge(args: &DialArgs, tls: bool) -> Checked {
    use netkit::dial::gate::Metric;
    let about_tls = |metric| matches!(metric, Metric::CertDays | Metric::TlsMs);
    match args.fail_if.iter().find(|gate| about_tls(gate.metric())) {
        Some(gate) if !tls => {
            let message = format!("--fail-if '{gate}' needs TLS, and there is none");
            Err(UsageError::new(message, "--tls, or a target `tls://…`"))
        }
        _ => Ok(()),
    }
}

/// The certificates follow one report, or are part of JSON.
pub(super) fn chain_to_show(args: &DialArgs, many: bool) -> Checked {
    let output = &args.output;
    let repeats = args.repeat.count.is_some() || args.wait.wait.is_some();
    let shown = output.json || output.pretty || !(many || repeats || args.exchange.stdio);
    if args.tls.show_chain && (!shown || output.quiet) {
        let message = "--show-chain prints the certificates of one dial";
        let expected = "one target, once and without --quiet; or --json";
        return Err(UsageError::new(message, expected));
    }
    Ok(())
}

pub(super) fn local_addr_has_the_family(target: &TargetArgs, socket: &SocketArgs) -> Checked {
    let (Some(local), Some(family)) = (socket.local_addr, family(target)) else {
        return Ok(());
    };
    if Family::of(local.ip) == family {
        return Ok(());
    }
    let text = local.ip.to_string();
    let flag = if family == Family::Ipv4 { "-4" } else { "-6" };
    let message = format!("{text} is not an {family} address, as {flag} asks");
    Err(UsageError::value(
        "--local-addr",
        &text,
        &message,
        &format!("an {family} address"),
    ))
}

/// The family that `-4` or `-6` asks for.
pub(super) fn family(target: &TargetArgs) -> Option<Family> {
    match (target.ipv4, target.ipv6) {
        (true, _) => Some(Family::Ipv4),
        (_, true) => Some(Family::Ipv6),
        _ => None,
    }
}

/// Flags that need one target and were given several (or the other way round).
pub(super) fn number_of_targets(args: &DialArgs, many: bool) -> Checked {
    let one = args.repeat.count.is_none() && args.wait.wait.is_none();
    if many && args.exchange.stdio {
        let message = "--stdio connects one target, and several were given";
        return Err(UsageError::new(message, "one target"));
    }
    if many && one && args.output.pretty {
        let message = "--pretty does not go with several targets: a stream is one line an object";
        return Err(UsageError::new(message, "--json, or one target"));
    }
    if (!many || !one) && !args.only.is_empty() {
        let message = "--only chooses among many targets, dialled once";
        return Err(UsageError::new(
            message,
            "several targets and neither --count nor --wait",
        ));
    }
    if !many && one && args.repeat.parallel.is_some() {
        let message = "--parallel has no effect on one dial";
        return Err(UsageError::new(message, "several targets, or --count N"));
    }
    if !many && args.wait.any {
        return Err(UsageError::new(
            "--any has no effect on one target",
            "several targets",
        ));
    }
    if many && args.hold.is_some() {
        return Err(UsageError::new(
            "--hold keeps one connection open",
            "one target",
        ));
    }
    if args.wait.wait.is_some() && args.repeat.parallel.is_some() {
        let message = "--parallel does not go with --wait: all targets are waited for at once";
        return Err(UsageError::new(message, "one of the two"));
    }
    Ok(())
}
