//! When a lab test may be skipped: where a privilege, a program or a kernel feature is missing,
//! and only where nobody insisted.
//!
//! A skip always says which test and why, past the test harness's capture. In CI, or with
//! `NETKIT_LAB=require`, it is a failure instead.

use std::env;
use std::io::{self, Write as _};
use std::path::Path;
use std::thread;

use super::namespace::Namespace;
use super::sys;

/// What a test cannot do without, beside namespaces and the two programs that set them up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    /// A program on the path.
    Program(&'static str),
    /// TUN devices.
    Tun,
}

/// The programs behind [`Namespace::ip`] and [`Namespace::nft`].
const ALWAYS: [Need; 2] = [Need::Program("ip"), Need::Program("nft")];

/// Says whether the test can run here. When it cannot, it is reported as skipped, or fails where
/// the lab is required.
///
/// # Panics
///
/// When something is missing and `CI=true` or `NETKIT_LAB=require` is set.
pub(crate) fn ready(needs: &[Need]) -> bool {
    let missing = ALWAYS.iter().chain(needs).find_map(|need| need.missing());
    let Some(why) = privilege().or(missing) else {
        return true;
    };
    let thread = thread::current();
    let test = thread.name().unwrap_or("a lab test");
    assert!(
        !required(&|name| env::var(name).ok()),
        "{test} must run here and cannot: {why}"
    );
    // Not `eprintln!`, which the harness swallows when the test passes.
    let _ = writeln!(io::stderr(), "skipped {test}: {why}");
    false
}

/// Whether a skip counts as a failure.
fn required(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    variable("CI").as_deref() == Some("true")
        || variable("NETKIT_LAB").as_deref() == Some("require")
}

/// Why namespaces cannot be made here.
fn privilege() -> Option<String> {
    // On a thread of its own, which takes the namespace with it when it ends.
    let tried = thread::spawn(sys::unshare_network).join();
    match tried.expect("a system call does not panic") {
        Ok(()) => None,
        Err(error) => Some(format!(
            "needs root, to make network namespaces (unshare: {error})"
        )),
    }
}

impl Need {
    fn missing(self) -> Option<String> {
        match self {
            Self::Program(name) if on_path(name) => None,
            Self::Program(name) => Some(format!("needs the program `{name}`")),
            Self::Tun => tun(),
        }
    }
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn tun() -> Option<String> {
    let tried = if Path::new("/dev/net/tun").exists() {
        Namespace::new().and_then(|inside| inside.enter(|| sys::open_tun("probe").map(drop)))
    } else {
        Err(io::ErrorKind::NotFound.into())
    };
    let error = tried.err()?;
    Some(format!("needs TUN devices (/dev/net/tun: {error})"))
}

#[test]
fn a_skip_is_a_failure_in_ci_and_when_the_lab_is_required() {
    let cases = [
        (None, None, false),
        (Some("true"), None, true),
        (Some("false"), None, false),
        (None, Some("require"), true),
        (None, Some("maybe"), false),
    ];
    for (ci, lab, expected) in cases {
        let variable = |name: &str| if name == "CI" { ci } else { lab }.map(str::to_owned);
        assert_eq!(
            required(&variable),
            expected,
            "CI={ci:?} NETKIT_LAB={lab:?}"
        );
    }
}

#[test]
fn a_program_that_does_not_exist_is_named_as_missing() {
    let missing = Need::Program("no-such-program").missing();
    assert_eq!(
        missing.as_deref(),
        Some("needs the program `no-such-program`")
    );
}
