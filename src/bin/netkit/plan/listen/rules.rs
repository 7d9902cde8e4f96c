//! Which flags of `netkit listen` do not go together, and which need an address of a certain kind.

use netkit::addr::Transport;
use netkit::addr::listen::ListenAddr;
use netkit::policy::fault::{Direction, Rule};

use super::super::rules::{Checked, Pair, exclusive, one_keepalive};
use crate::args::{ListenArgs, OverloadArg};
use crate::usage::UsageError;

/// Runs every rule that needs nothing but the flags.
pub(super) fn check(args: &ListenArgs) -> Checked {
    one_behaviour(args)?;
    what_is_about_the_service(args)?;
    then_needs_a_greeting(args)?;
    one_end(args)?;
    seed_needs_faults(args)?;
    a_program_has_the_bare_connection(args)?;
    stdio_alone(args)?;
    something_shows_it(args)?;
    one_keepalive(&args.keepalive)?;
    faults_go_together(&args.faults.fault)?;
    shedding_needs_rejects(args)
}

fn one_behaviour(args: &ListenArgs) -> Checked {
    let given = super::behaviours(args);
    match given[..] {
        [first, second, ..] => {
            let message = format!("{first} does not go with {second}");
            let expected = "one of the two: a connection is treated in one way";
            Err(UsageError::new(message, expected))
        }
        _ => Ok(()),
    }
}

/// What is about the service that is forwarded to needs one.
fn what_is_about_the_service(args: &ListenArgs) -> Checked {
    let forward = &args.forward;
    if forward.mirror_compare && forward.mirror.is_none() {
        let message = "--mirror-compare compares the replies of a mirror, and there is none";
        return Err(UsageError::new(message, "it together with --mirror TARGET"));
    }
    if forward.forward.is_some() {
        return Ok(());
    }
    let up = |rule: &Rule| rule.direction == Direction::Up;
    let rows = [
        (forward.timeout.is_some(), "--timeout"),
        (!forward.ns.is_empty(), "--ns"),
        (forward.mirror.is_some(), "--mirror"),
        (forward.forward_ca.is_some(), "--forward-ca"),
        (forward.proxy_protocol.is_some(), "--proxy-protocol"),
        (args.faults.fault.iter().any(up), "--fault up:"),
    ];
    match rows.iter().find(|(given, _)| *given) {
        Some((_, flag)) => {
            let message =
                format!("{flag} is about the service that is forwarded to, and there is none");
            Err(UsageError::new(
                message,
                "it together with --forward TARGET",
            ))
        }
        None => Ok(()),
    }
}

fn then_needs_a_greeting(args: &ListenArgs) -> Checked {
    if args.behaviour.then.is_some() && args.behaviour.greet.is_none() {
        let message = "--then says what follows a greeting, and there is none";
        return Err(UsageError::new(message, "it together with --greet TEXT"));
    }
    Ok(())
}

fn seed_needs_faults(args: &ListenArgs) -> Checked {
    if args.faults.seed.is_some() && args.faults.fault.is_empty() {
        let message = "--seed is where the chance of faults starts from, and there are none";
        return Err(UsageError::new(message, "it together with --fault"));
    }
    Ok(())
}

/// What needs to see the bytes cannot be had where a program has the socket itself.
fn a_program_has_the_bare_connection(args: &ListenArgs) -> Checked {
    let program = args.behaviour.exec.is_some();
    let strikes = |rule: &Rule| !rule.fault.is_for_all();
    let faults = args.faults.fault.iter().any(strikes);
    let (dump, limits) = (args.telling.dump.is_some(), &args.limits);
    let (idle, most) = (limits.idle_timeout.is_some(), limits.max_bytes.is_some());
    let forward = &args.forward;
    let proxied = forward.accept_proxy_protocol;
    let why = "the program has the bare connection";
    exclusive(&[
        Pair(program, "--exec", faults, "--fault", why),
        Pair(program, "--exec", dump, "--dump", why),
        Pair(program, "--exec", idle, "--idle-timeout", why),
        Pair(program, "--exec", most, "--max-bytes", why),
        Pair(program, "--exec", forward.record.is_some(), "--record", why),
        Pair(
            program,
            "--exec",
            forward.control.is_some(),
            "--control",
            why,
        ),
        Pair(program, "--exec", proxied, "--accept-proxy-protocol", why),
    ])
}

/// One connection and nothing else: what is about many, or shown on standard output, has no place.
fn stdio_alone(args: &ListenArgs) -> Checked {
    let (stdio, limits, telling) = (args.behaviour.stdio, &args.limits, &args.telling);
    let why = "there is one connection, and standard output is its own";
    let pair = |given, flag| Pair(stdio, "--stdio", given, flag, why);
    exclusive(&[
        pair(args.output.json, "--json"),
        pair(!args.faults.fault.is_empty(), "--fault"),
        pair(args.forward.record.is_some(), "--record"),
        pair(args.forward.control.is_some(), "--control"),
        pair(
            args.forward.accept_proxy_protocol,
            "--accept-proxy-protocol",
        ),
        pair(telling.dump.is_some(), "--dump"),
        pair(telling.syn, "--syn"),
        pair(telling.stats_interval.is_some(), "--stats-interval"),
        pair(telling.metrics.is_some(), "--metrics"),
        pair(telling.summary, "--summary"),
        pair(args.life.count.is_some(), "--count"),
        pair(args.life.grace.is_some(), "--grace"),
        pair(args.life.workers.is_some(), "--workers"),
        pair(limits.max_connections.is_some(), "--max-connections"),
        pair(limits.max_per_ip.is_some(), "--max-per-ip"),
        pair(limits.accept_rate.is_some(), "--accept-rate"),
        pair(limits.idle_timeout.is_some(), "--idle-timeout"),
        pair(limits.max_lifetime.is_some(), "--max-lifetime"),
        pair(limits.max_bytes.is_some(), "--max-bytes"),
        pair(limits.overload.is_some(), "--overload"),
    ])
}

fn one_end(args: &ListenArgs) -> Checked {
    let (once, count) = (args.life.once, args.life.count.is_some());
    let (udp, network) = (args.udp, args.network.is_some());
    exclusive(&[
        Pair(once, "--once", count, "--count", "--once is --count 1"),
        Pair(udp, "--udp", network, "--network", "there is one network"),
    ])
}

/// What nothing would show is not asked for in vain.
fn something_shows_it(args: &ListenArgs) -> Checked {
    let (summary, quiet) = (args.telling.summary, args.output.quiet);
    let (dump, syn) = (args.telling.dump.is_some(), args.telling.syn);
    let (stats, pretty) = (args.telling.stats_interval.is_some(), args.output.pretty);
    let (hidden, silent) = ("no connection is shown", "nothing is shown");
    exclusive(&[
        Pair(summary, "--summary", dump, "--dump", hidden),
        Pair(summary, "--summary", syn, "--syn", hidden),
        Pair(quiet, "--quiet", dump, "--dump", silent),
        Pair(quiet, "--quiet", syn, "--syn", silent),
        Pair(quiet, "--quiet", stats, "--stats-interval", silent),
        Pair(quiet, "--quiet", summary, "--summary", silent),
    ])?;
    if pretty {
        let message = "--pretty is for one result, and a server tells many";
        return Err(UsageError::new(message, "--json: a line an event"));
    }
    Ok(())
}

/// Faults that have no effect without another, or that undo one another, are not asked for in vain.
fn faults_go_together(rules: &[Rule]) -> Checked {
    let any = |of: &Rule, word: &str| {
        let mut others = rules.iter().filter(|rule| rule.direction == of.direction);
        others.any(|rule| rule.fault.word() == word)
    };
    for rule in rules {
        let needed = match rule.fault.word() {
            "burst" => "throttle",
            "distribution" => "jitter",
            _ => continue,
        };
        if !any(rule, needed) {
            let message = format!(
                "--fault {} is about {needed}, and there is none",
                rule.fault
            );
            return Err(UsageError::new(
                message,
                format!("it with --fault {needed}=…"),
            ));
        }
    }
    let struck = rules.iter().any(|rule| rule.fault.word() == "no-accept");
    let vain = |rule: &&Rule| matches!(rule.fault.word(), "close-on-accept" | "accept-delay");
    if let Some(vain) = rules.iter().find(vain).filter(|_| struck) {
        let message = format!("--fault no-accept does not go with --fault {}", vain.fault);
        return Err(UsageError::new(
            message,
            "one of the two: nothing is accepted",
        ));
    }
    no_fault_twice(rules)
}

/// Of two that strike everybody in the same way only one could be.
fn no_fault_twice(rules: &[Rule]) -> Checked {
    // Several texts may be waited for, and an end may come by bytes or by time.
    let one = |rule: &&Rule| {
        let word = rule.fault.word();
        word != "hang-up-on" && !word.ends_with("-after") && rule.share >= 1.0
    };
    let mut seen = Vec::new();
    for rule in rules.iter().filter(one) {
        let this = (rule.fault.word(), rule.direction);
        if seen.contains(&this) {
            let message = format!("--fault {} is given twice for everybody", rule.fault);
            let expected = "one of the two, or shares: `30%:delay=1s`";
            return Err(UsageError::new(message, expected));
        }
        seen.push(this);
    }
    Ok(())
}

/// An address is listened at once, unless sockets share it or the kernel chooses.
pub(super) fn each_once(
    text: &str,
    addr: &ListenAddr,
    before: &[ListenAddr],
    shared: bool,
) -> Checked {
    let fixed = match addr {
        ListenAddr::Inet { port, .. } => *port != 0 && !shared,
        ListenAddr::Unix { .. } => true,
    };
    if fixed && before.contains(addr) {
        return Err(UsageError::new(
            format!("{text} is given twice"),
            "each address once",
        ));
    }
    Ok(())
}

fn shedding_needs_rejects(args: &ListenArgs) -> Checked {
    let limits = &args.limits;
    let rejects = matches!(
        limits.overload,
        Some(OverloadArg::Reject | OverloadArg::Reset)
    );
    if limits.shed_above.is_some() && !rejects && limits.max_per_ip.is_none() {
        return Err(UsageError::new(
            "--shed-above counts rejects, and nothing is rejected",
            "it together with --overload reject, --overload reset or --max-per-ip",
        ));
    }
    Ok(())
}

/// What kinds of addresses there are.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
struct Kinds {
    tcp: bool,
    udp: bool,
    stream: bool,
    datagram: bool,
}

/// A flag that none of the addresses can honour is refused.
pub(super) fn fits_the_addresses(args: &ListenArgs, addrs: &[ListenAddr]) -> Checked {
    if addrs.is_empty() {
        return Ok(());
    }
    let any = |fits: fn(Transport) -> bool| {
        let mut transports = addrs.iter().map(|addr| addr.network().transport());
        transports.any(fits)
    };
    let kinds = Kinds {
        tcp: any(|transport| transport == Transport::Tcp),
        udp: any(|transport| transport == Transport::Udp),
        stream: any(|transport| !transport.is_datagram()),
        datagram: any(Transport::is_datagram),
    };
    options_fit(args, &kinds)?;
    behaviour_fits(args, &kinds)?;
    faults_fit(args, &kinds)?;
    limits_fit(args, &kinds)
}

/// A flag that was given, and whether any address has what it is about.
struct Need(bool, &'static str, bool, &'static str);

fn needs(rows: &[Need]) -> Checked {
    match rows.iter().find(|Need(given, _, has, _)| *given && !has) {
        Some(Need(_, flag, _, what)) => {
            let message = format!("{flag}: none of the addresses has {what}");
            Err(UsageError::new(message, format!("an address with {what}")))
        }
        None => Ok(()),
    }
}

fn options_fit(args: &ListenArgs, kinds: &Kinds) -> Checked {
    let (socket, keepalive) = (&args.socket, &args.keepalive);
    let (tcp, inet) = (kinds.tcp, kinds.tcp || kinds.udp);
    let (device, shared) = (socket.interface.is_some(), socket.reuse_port);
    let (idle, limit) = (keepalive.keepalive, keepalive.user_timeout);
    let (every, most) = (keepalive.keepalive_interval, keepalive.keepalive_count);
    let (queue, stream) = (socket.backlog.is_some(), kinds.stream);
    let (internet, connections) = ("an Internet address", "connections");
    let any = socket.allow_amplification;
    needs(&[
        Need(device, "--interface", inet, internet),
        Need(shared, "--reuse-port", inet, internet),
        Need(queue, "--backlog", stream, connections),
        Need(socket.fastopen, "--fastopen", tcp, "TCP"),
        Need(socket.mptcp, "--mptcp", tcp, "TCP"),
        Need(limit.is_some(), "--user-timeout", tcp, "TCP"),
        Need(args.telling.syn, "--syn", tcp, "TCP"),
        Need(idle.is_some(), "--keepalive", tcp, "TCP"),
        Need(every.is_some(), "--keepalive-interval", tcp, "TCP"),
        Need(most.is_some(), "--keepalive-count", tcp, "TCP"),
        Need(keepalive.no_keepalive, "--no-keepalive", tcp, "TCP"),
        Need(any, "--allow-amplification", kinds.udp, "UDP"),
    ])
}

/// Some behaviours have no answer to a datagram.
fn behaviour_fits(args: &ListenArgs, kinds: &Kinds) -> Checked {
    let behaviour = &args.behaviour;
    let need = |given, flag| Need(given, flag, kinds.stream, "connections");
    needs(&[
        need(behaviour.http, "--http"),
        need(behaviour.exec.is_some(), "--exec"),
        need(behaviour.script.is_some(), "--script"),
        need(behaviour.then.is_some(), "--then"),
        need(args.forward.mirror.is_some(), "--mirror"),
        need(args.forward.proxy_protocol.is_some(), "--proxy-protocol"),
        need(
            args.forward.accept_proxy_protocol,
            "--accept-proxy-protocol",
        ),
        need(args.forward.record.is_some(), "--record"),
        need(args.tls.tls, "--tls"),
        need(args.tls.tls_self_signed, "--tls-self-signed"),
        need(behaviour.stdio, "--stdio"),
    ])
}

/// A fault that none of the addresses can have is refused.
fn faults_fit(args: &ListenArgs, kinds: &Kinds) -> Checked {
    for rule in &args.faults.fault {
        let fault = &rule.fault;
        let streams = kinds.stream && fault.fits_streams();
        if streams || kinds.datagram && fault.fits_datagrams() {
            continue;
        }
        let what = if fault.fits_streams() {
            "connections"
        } else {
            "datagrams"
        };
        let message = format!("--fault {fault}: none of the addresses has {what}");
        return Err(UsageError::new(message, format!("an address with {what}")));
    }
    Ok(())
}

fn limits_fit(args: &ListenArgs, kinds: &Kinds) -> Checked {
    let (limits, life) = (&args.limits, &args.life);
    let need = |given, flag| Need(given, flag, kinds.stream, "connections");
    needs(&[
        need(limits.max_connections.is_some(), "--max-connections"),
        Need(
            limits.max_per_ip.is_some(),
            "--max-per-ip",
            kinds.tcp,
            "TCP",
        ),
        need(limits.accept_rate.is_some(), "--accept-rate"),
        need(limits.idle_timeout.is_some(), "--idle-timeout"),
        need(limits.max_lifetime.is_some(), "--max-lifetime"),
        need(limits.max_bytes.is_some(), "--max-bytes"),
        need(limits.overload.is_some(), "--overload"),
        need(life.once, "--once"),
        need(life.count.is_some(), "--count"),
    ])
}
