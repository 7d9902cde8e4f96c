//! What `--check-server` needs, and what it may not be combined with.

use netkit::resolve::NameServer;
use netkit::resolve::command::Question;

use super::Group;
use crate::args::ResolveArgs;
use crate::usage::UsageError;

/// The question to test with: the first for the one name; `None` without `--check-server`.
pub(super) fn question(
    args: &ResolveArgs,
    servers: &[NameServer],
    groups: &[Group],
) -> Result<Option<Question>, UsageError> {
    if !args.check.check_server {
        return Ok(None);
    }
    if servers.is_empty() {
        return Err(UsageError::new(
            "--check-server tests the servers that are named, and none is",
            "@SERVER or --ns SERVER",
        ));
    }
    let clashes = [
        (args.output.short, "--short"),
        (args.client.anti_spoof, "--anti-spoof"),
        (args.transport.tcp, "--tcp"),
        (args.transport.udp_only, "--udp-only"),
        (args.transport.no_tcp_fallback, "--no-tcp-fallback"),
        (args.transport.tries.is_some(), "--tries"),
        (args.query.ns_mode.is_some(), "--ns-mode"),
        (args.query.strict_errors, "--strict-errors"),
    ];
    if let Some((_, flag)) = clashes.into_iter().find(|(given, _)| *given) {
        let message =
            format!("--check-server tests every server in its own way; {flag} does not apply");
        return Err(UsageError::new(message, format!("no {flag}")));
    }
    let mut questions = groups.iter().flat_map(|group| &group.questions);
    let first = questions.next().cloned();
    let is_one = groups.len() == 1 && (groups[0].any || groups[0].questions.len() == 1);
    match first {
        Some(first) if is_one => Ok(Some(first)),
        _ => Err(UsageError::new(
            "--check-server asks for one name of one type",
            "a name that the servers know, and at most one type",
        )),
    }
}
