//! What was typed wrong: status 2, the house form, and the line of JSON.

use crate::support::{netkit, valid};

#[test]
fn a_bad_target_is_underlined() {
    let outcome = netkit("dial localhost:99999").run().status(2);
    assert_eq!(
        outcome.stderr,
        "netkit: port 99999 is out of range\n  localhost:99999\n            ^^^^^\n\
         expected a port from 1 to 65535\n"
    );
    assert_eq!(outcome.stdout, "", "{outcome}");
}

#[test]
fn a_bad_value_is_underlined_behind_its_flag() {
    let outcome = netkit("dial x:80 --ttl 300").run().status(2);
    assert!(
        outcome.stderr.contains("  --ttl 300\n        ^^^\n"),
        "{outcome}"
    );
    netkit("dial x:80 --send")
        .arg(r"ab\q")
        .run()
        .status(2)
        .complains("^^\n");
}

#[test]
fn an_unknown_flag_is_answered_with_the_nearest() {
    netkit("dial --timeot 3 x:80")
        .run()
        .status(2)
        .complains("did you mean `--timeout`?");
    netkit("dail x:80")
        .run()
        .status(2)
        .complains("did you mean `dial`?");
}

/// Every flag with a value, given a wrong one.
const BAD_VALUES: &[(&str, &str, &str)] = &[
    ("--timeout", "soon", "500ms"),
    ("--fail-if", "luck>1", "cert_days"),
    ("--sni", "a b", "none"),
    ("--spiffe-id", "http://x", "spiffe://trust-domain/path"),
    ("--spiffe-trust-domain", "a/b", "td.example"),
    ("--spiffe-socket", "/run/agent.sock", "unix:/path"),
    ("--spiffe-svid", "spiffe://", "spiffe://trust-domain/path"),
    ("--alpn=", "", "h2,http/1.1"),
    ("--tls-min", "1.1", "1.2 or 1.3"),
    ("--tls-max", "9", "1.2 or 1.3"),
    ("--starttls", "pop", "pop3"),
    ("--attempt-timeout", "soon", "500ms"),
    ("--attempt-delay", "1ms", "10ms"),
    ("--strategy", "luck", "rfc8305"),
    ("--network", "sctp", "tcp6"),
    ("--ns", "192.0.2.1:0", "1 to 65535"),
    ("--policy", "http://192.0.2.1/x", "etcd://HOST:PORT/PREFIX"),
    ("--keepalive", "0", "whole seconds"),
    ("--keepalive-interval", "0.5", "whole seconds"),
    ("--keepalive-count", "0", "from 1 to 127"),
    ("--user-timeout", "0", "1ms"),
    ("--hold", "0", "above zero"),
    ("--local-addr", "home", "192.0.2.1:5000"),
    ("--mark", "x", "0xffffffff"),
    ("--tos", "256", "0 to 255"),
    ("--dscp", "zz", "af11"),
    ("--ttl", "0", "from 1 to 255"),
    ("--mss", "1", "from 88 to 32767"),
    ("--nodelay=maybe", "", "on or off"),
    ("--close", "slam", "rst"),
    ("--send", r"\q", r"\xHH"),
    ("--send-hex", "0g", "hexadecimal"),
    ("--expect", r"\q", r"\xHH"),
    ("--expect-regex", "(", "regular expression"),
    ("--read", "some", "64KiB"),
    ("--replay-connection", "first", "whole number"),
    ("--count", "x", "until Ctrl-C"),
    ("--interval", "0", "at least 1ms"),
    ("--parallel", "0", "from 1 to 65535"),
    ("--wait", "long", "500ms"),
    ("--wait-for", "godot", "closed"),
    ("--only", "mine", "refused"),
    ("--color", "red", "always"),
    ("--progress", "slow", "always"),
];

#[test]
fn every_malformed_option_names_the_flag_the_value_and_the_accepted_form() {
    for (flag, value, form) in BAD_VALUES {
        let command = netkit("dial 127.0.0.1:1").arg(*flag);
        let command = if value.is_empty() {
            command
        } else {
            command.arg(*value)
        };
        let (name, value) = flag.split_once('=').unwrap_or((flag, value));
        command
            .run()
            .status(2)
            .complains(name)
            .complains(value)
            .complains(form);
    }
}

#[test]
fn no_flag_with_a_value_is_left_out_of_that_table() {
    let help = netkit("dial -h").run().status(0).stdout;
    // Any text may be a name or a path: there is no malformed one.
    let free = [
        "--targets",
        "--send-file",
        "--replay",
        "--interface",
        "--congestion",
        "--region",
        "--ca",
        "--cert",
        "--key",
        "--spiffe-bundle",
    ];
    let listed = |flag: &str| {
        BAD_VALUES
            .iter()
            .any(|(name, ..)| name.split('=').next() == Some(flag))
    };
    let lines = help
        .lines()
        .filter(|line| line.contains("--") && line.contains('<'));
    let mut checked = 0;
    for line in lines {
        let Some(flag) = line.split_whitespace().find(|word| word.starts_with("--")) else {
            continue;
        };
        let flag = flag.split('[').next().unwrap();
        checked += 1;
        assert!(free.contains(&flag) || listed(flag), "{flag} is not tested");
    }
    assert!(
        checked > 25,
        "the help was not understood: {checked} flags\n{help}"
    );
}

#[test]
fn a_usage_error_is_also_a_line_of_json() {
    let outcome = netkit("dial localhost:99999 --json")
        .run()
        .status(2)
        .complains("netkit: ");
    let line = outcome.one();
    valid(&line);
    assert_eq!(line["type"], "error");
    assert_eq!(line["failure"]["kind"], "invalid");
    assert_eq!(line["exit_code"], 2);
}

#[test]
fn the_escapes_of_a_bad_argument_do_not_reach_the_terminal() {
    let outcome = netkit("dial").arg("\u{1b}[31mx").run().status(2);
    assert!(!outcome.stderr.contains('\u{1b}'), "{outcome}");
}

#[test]
fn a_bad_line_of_a_list_is_named_by_its_number() {
    netkit("dial -")
        .stdin("127.0.0.1:1\n# comment\nx:99999\n")
        .run()
        .status(2)
        .complains("line 3");
    netkit("dial -")
        .stdin("# nothing\n")
        .run()
        .status(2)
        .complains("no target");
}

#[test]
fn an_unreadable_file_is_a_local_failure() {
    netkit("dial --targets /nonexistent/list")
        .run()
        .status(6)
        .complains("reading targets")
        .complains("/nonexistent/list");
    netkit("dial 127.0.0.1:1 --send-file /nonexistent/data")
        .run()
        .status(6)
        .complains("--send-file")
        .complains("/nonexistent/data: No such file");
    let outcome = netkit("dial --targets /nonexistent/list --json")
        .run()
        .status(6);
    let line = outcome.one();
    valid(&line);
    let message = line["failure"]["message"].as_str().unwrap();
    assert!(message.contains("/nonexistent/list"), "{message}");
    assert_eq!(line["failure"]["errno"]["name"], "ENOENT");
}

#[test]
fn help_ends_with_the_exit_codes_and_examples() {
    for line in ["--help", "dial --help"] {
        netkit(line)
            .run()
            .status(0)
            .says("Exit codes:\n")
            .says("124 ")
            .says("Examples:\n");
    }
    netkit("--version")
        .run()
        .status(0)
        .says(env!("CARGO_PKG_VERSION"));
    netkit("").run().status(2).complains("Usage: netkit");
}

#[test]
fn a_negative_number_is_a_value_out_of_range_and_no_option() {
    for (flag, expected) in [
        ("--mark", "0 to 4294967295"),
        ("--ttl", "from 1 to 255"),
        ("-c", "a whole number"),
        ("-t", "a duration"),
    ] {
        let outcome = netkit(&format!("dial x:80 {flag} -1")).run().status(2);
        let outcome = outcome.complains("`-1`").complains(expected);
        assert!(!outcome.stderr.contains("there is no option"), "{outcome}");
    }
}

#[test]
fn what_is_empty_is_refused() {
    netkit("dial x:80 --interface")
        .arg("")
        .run()
        .status(2)
        .complains("--interface: the name is empty");
    netkit("dial x:80 --expect-regex")
        .arg("a*")
        .run()
        .status(2)
        .complains("met by anything");
    netkit("dial 127.0.0.1:9 --fastopen --send-file /dev/null")
        .run()
        .status(2)
        .complains("/dev/null is empty")
        .complains("at least one byte");
}

#[test]
fn a_target_with_a_space_is_not_glued_together() {
    netkit("dial")
        .arg("127.0.0.1:80 81")
        .run()
        .status(2)
        .complains("did you mean `127.0.0.1:80,81`?");
}
