//! The man pages: clap's part, and the sections that clap does not know.

use std::fmt::Write as _;
use std::io;

use clap::Command;
use clap_mangen::Man;

use crate::args::command;
use crate::{exit, help};

/// Every page with its file name.
pub(super) fn pages() -> io::Result<Vec<(String, String)>> {
    let mut cli = command();
    cli.build();
    let mut pages = vec![("netkit.1".to_owned(), overview(&cli)?)];
    for sub in cli.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let name = format!("netkit-{}", sub.get_name());
        let page = subcommand(&name, sub)?;
        pages.push((format!("{name}.1"), page));
    }
    Ok(pages)
}

fn overview(cli: &Command) -> io::Result<String> {
    let mut page = standard(cli.clone().after_help("").after_long_help(""), "netkit")?;
    page.push_str(&examples(&help::DIAL[..1]));
    page.push_str(&exit_status());
    page.push_str(&json(help::JSON));
    page.push_str(&see_also(&[
        "netkit-dial(1)",
        "netkit-heartbeat(1)",
        "netkit-listen(1)",
        "netkit-parse-addr(1)",
        "netkit-resolve(1)",
        "netkit-demo(1)",
        "nc(1)",
        "curl(1)",
        "ss(8)",
    ]));
    Ok(page)
}

fn subcommand(name: &str, sub: &Command) -> io::Result<String> {
    let mut page = standard(sub.clone().after_help("").after_long_help(""), name)?;
    if name == "netkit-dial" {
        page.push_str(&examples(help::DIAL));
        page.push_str(&exit_status());
        page.push_str(&json(help::JSON));
        page.push_str(&see_also(&[
            "netkit(1)",
            "nc(1)",
            "tcp(7)",
            "ip(7)",
            "ss(8)",
            "timeout(1)",
        ]));
    } else if name == "netkit-heartbeat" {
        page.push_str(&heartbeat());
    } else if name == "netkit-listen" {
        page.push_str(&examples(help::LISTEN));
        page.push_str(&exit_status());
        page.push_str(&json(help::LISTEN_JSON));
        page.push_str(&see_also(&[
            "netkit(1)",
            "netkit-dial(1)",
            "nc(1)",
            "socat(1)",
            "systemd.socket(5)",
            "ss(8)",
        ]));
    } else if name == "netkit-parse-addr" {
        page.push_str(&examples(help::PARSE_ADDR));
        page.push_str(&exit_status());
        page.push_str(&json(help::PARSE_ADDR_JSON));
        page.push_str(&see_also(&[
            "netkit(1)",
            "netkit-dial(1)",
            "grep(1)",
            "ip(7)",
            "services(5)",
        ]));
    } else if name == "netkit-resolve" {
        page.push_str(&examples(help::RESOLVE));
        page.push_str(&exit_status());
        page.push_str(&json(help::RESOLVE_JSON));
        page.push_str(&policy());
        page.push_str(&see_also(&[
            "netkit(1)",
            "netkit-dial(1)",
            "dig(1)",
            "kdig(1)",
            "resolv.conf(5)",
            "hosts(5)",
        ]));
    } else {
        page.push_str(&see_also(&["netkit(1)", "netkit-dial(1)"]));
    }
    Ok(page)
}

fn heartbeat() -> String {
    let mut page = examples(help::HEARTBEAT) + &exit_status() + &json(help::HEARTBEAT_JSON);
    let _ = writeln!(page, ".SH HOOKS\n{}", roff(help::HEARTBEAT_HOOKS));
    page + &see_also(&[
        "netkit(1)",
        "netkit-dial(1)",
        "netkit-listen(1)",
        "fping(8)",
        "tcp(7)",
    ])
}

/// Title, name, synopsis, description, options and subcommands.
fn standard(command: Command, title: &str) -> io::Result<String> {
    let subcommands = command.has_subcommands();
    let man = Man::new(command)
        .title(title.to_uppercase())
        .manual("netkit manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if subcommands {
        man.render_subcommands_section(&mut page)?;
    }
    Ok(without_repetition(&String::from_utf8_lossy(&page)))
}

/// Every section of `clap_mangen` defines the apostrophe again; once is enough.
fn without_repetition(page: &str) -> String {
    let mut kept = String::with_capacity(page.len());
    for line in page.lines() {
        let definition = line.starts_with(".ie ") || line.starts_with(".el ");
        if !definition || !kept.lines().any(|before| before == line) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn examples(examples: &[help::Example]) -> String {
    let mut text = ".SH EXAMPLES\n".to_owned();
    for help::Example(command, question) in examples {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            ".TP\n{}\n.nf\n\\fB{}\\fR\n.fi",
            roff(question),
            roff(command)
        );
    }
    text
}

fn exit_status() -> String {
    let mut text = ".SH EXIT STATUS\n".to_owned();
    for (code, meaning) in exit::TABLE {
        let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}", roff(code), roff(meaning));
    }
    text.push_str(".PP\nOf several targets: 0 when all succeeded, the common status when all failures share it, else 1.\n");
    text
}

fn policy() -> String {
    let mut text = format!(".SH POLICY\n{}\n", roff(help::POLICY_INTRO));
    for (keys, meaning) in help::POLICY {
        let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}", roff(keys), roff(meaning));
    }
    text
}

fn json(text: &str) -> String {
    format!(".SH JSON\n{}\n", roff(text))
}

fn see_also(pages: &[&str]) -> String {
    format!(".SH SEE ALSO\n{}\n", roff(&pages.join(", ")))
}

/// Escapes what roff would read as a request.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', r"\e").replace('-', r"\-");
    if escaped.starts_with(['.', '\'']) {
        format!(r"\&{escaped}")
    } else {
        escaped
    }
}
