//! What the world says once, at the start: terminals, width, colour wishes.
//!
//! Separate from the plan so that the plan stays a pure function: tests build an `Environment`, and
//! only [`Environment::detect`] asks the system.

use std::env;
use std::io::{self, IsTerminal};

use netkit::net::tls::workload_endpoint::VARIABLE;

/// The facts of the surroundings that decide how output looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Environment {
    /// Standard input is a terminal.
    pub(crate) stdin_tty: bool,
    /// Standard output is a terminal.
    pub(crate) stdout_tty: bool,
    /// Standard error is a terminal.
    pub(crate) stderr_tty: bool,
    /// Columns of the terminal, or `COLUMNS`.
    pub(crate) width: Option<usize>,
    /// Lines of the terminal.
    pub(crate) height: Option<usize>,
    /// `NO_COLOR` is set and not empty.
    pub(crate) no_color: bool,
    /// `CLICOLOR_FORCE` is set and neither empty nor 0.
    pub(crate) clicolor_force: bool,
    /// `TERM=dumb`.
    pub(crate) term_dumb: bool,
    /// Sockets that the service manager has passed to this process (`LISTEN_FDS`).
    pub(crate) passed_sockets: usize,
    /// Where the Workload API of SPIFFE is (`SPIFFE_ENDPOINT_SOCKET`), if that is said.
    pub(crate) spiffe_socket: Option<String>,
}

impl Environment {
    /// Asks the system. The width is asked for only when a terminal will show it.
    pub(crate) fn detect() -> Self {
        let stdout_tty = io::stdout().is_terminal();
        let columns = || env::var("COLUMNS").ok()?.parse().ok();
        let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self {
            stdin_tty: io::stdin().is_terminal(),
            stdout_tty,
            stderr_tty: io::stderr().is_terminal(),
            width: if stdout_tty {
                terminal().or_else(columns)
            } else {
                columns()
            },
            height: terminal_size::terminal_size()
                .filter(|_| stdout_tty)
                .map(|(_, height)| usize::from(height.0)),
            no_color: set("NO_COLOR"),
            clicolor_force: set("CLICOLOR_FORCE")
                && env::var_os("CLICOLOR_FORCE") != Some("0".into()),
            term_dumb: env::var_os("TERM") == Some("dumb".into()),
            passed_sockets: passed_sockets(),
            spiffe_socket: env::var(VARIABLE).ok().filter(|text| !text.is_empty()),
        }
    }
}

/// `LISTEN_FDS`, if `LISTEN_PID` says that it is meant for us (`sd_listen_fds(3)`).
fn passed_sockets() -> usize {
    let number = |name| env::var(name).ok()?.parse::<usize>().ok();
    let ours = number("LISTEN_PID") == usize::try_from(std::process::id()).ok();
    number("LISTEN_FDS").filter(|_| ours).unwrap_or_default()
}

fn set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}
