//! What is sent, and which flags about it contradict each other.

use netkit::resolve::edns::{EdnsAsk, EdnsOption};
use netkit::resolve::wire::AskOptions;

use crate::args::MessageArgs;
use crate::usage::UsageError;

/// What goes into every question.
pub(super) fn options(args: MessageArgs) -> Result<AskOptions, UsageError> {
    nothing_of_edns(&args)?;
    let defaults = AskOptions::default();
    Ok(AskOptions {
        class: args.class.unwrap_or(defaults.class),
        opcode: args.opcode.unwrap_or(defaults.opcode),
        recursion_desired: !args.no_rd,
        authentic_data: args.ad,
        checking_disabled: args.cd,
        z: args.z,
        random_case: args.random_case,
        edns: if args.no_edns {
            None
        } else {
            Some(edns(args)?)
        },
    })
}

fn edns(args: MessageArgs) -> Result<EdnsAsk, UsageError> {
    let defaults = EdnsAsk::default();
    let nsid = args.nsid.then(EdnsOption::nsid);
    let subnet = args.subnet.map(EdnsOption::subnet);
    let edns = EdnsAsk {
        payload: args.bufsize.unwrap_or(defaults.payload),
        version: args.edns_version.unwrap_or(defaults.version),
        dnssec_ok: args.dnssec_ok,
        cookie: args.cookie,
        options: nsid
            .into_iter()
            .chain(subnet)
            .chain(args.edns_option)
            .collect(),
        padding: args.padding,
        ..defaults
    };
    if edns.fits() {
        return Ok(edns);
    }
    Err(UsageError::new(
        "the values of --edns-option do not fit one message",
        "less than 64 KiB of data in all",
    ))
}

/// The first flag that says something about EDNS.
pub(super) fn asked_of_edns(args: &MessageArgs) -> Option<&'static str> {
    let about = [
        (args.dnssec_ok, "--do"),
        (args.bufsize.is_some(), "--bufsize"),
        (args.edns_version.is_some(), "--edns-version"),
        (args.nsid, "--nsid"),
        (args.cookie.is_some(), "--cookie"),
        (args.padding.is_some(), "--padding"),
        (args.subnet.is_some(), "--subnet"),
        (!args.edns_option.is_empty(), "--edns-option"),
    ];
    let given = about.into_iter().find(|(given, _)| *given);
    given.map(|(_, flag)| flag)
}

/// Without EDNS there is nothing to put its options into.
fn nothing_of_edns(args: &MessageArgs) -> Result<(), UsageError> {
    let given = asked_of_edns(args).filter(|_| args.no_edns);
    given.map_or(Ok(()), |flag| {
        let message = format!("{flag} is part of EDNS, which --no-edns leaves out");
        Err(UsageError::new(message, format!("{flag} or --no-edns")))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::args::Cli;
    use crate::plan::{Action, Environment, plan};

    use super::*;

    fn asked(flags: &str) -> Result<AskOptions, String> {
        let line = format!("netkit resolve example --ns 127.0.0.1 {flags}");
        let cli =
            Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        match plan(cli, &Environment::default())
            .map_err(|error| error.to_string())?
            .action
        {
            Action::Resolve(plan) => Ok(plan.config.policy.options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_flags_the_default_of_the_core_is_sent() {
        assert_eq!(asked(""), Ok(AskOptions::default()));
        assert_eq!(asked("--no-edns").unwrap().edns, None);
    }

    #[test]
    fn flags_become_bits_and_options() {
        let options = asked(
            "--class ch --opcode notify --no-rd --ad --cd --z --0x20 --do --bufsize 4096 \
             --edns-version 1 --nsid --subnet 192.0.2.7/24 --edns-option 65001:0aff \
             --edns-option expire --padding --cookie=0102030405060708",
        );
        let options = options.unwrap();
        assert_eq!((options.class.0, options.opcode.0), (3, 4));
        assert!(!options.recursion_desired && options.authentic_data);
        assert!(options.checking_disabled && options.z && options.random_case);
        let edns = options.edns.unwrap();
        assert_eq!(
            (edns.payload, edns.version, edns.dnssec_ok),
            (4096, 1, true)
        );
        assert_eq!(edns.padding, Some(128));
        assert_eq!(edns.cookie.unwrap().client, [1, 2, 3, 4, 5, 6, 7, 8]);
        let codes: Vec<_> = edns.options.iter().map(|option| option.code.0).collect();
        assert_eq!(codes, [3, 8, 65_001, 9]);
        assert_eq!(edns.options[2].data, [0x0a, 0xff]);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for flags in [
            "--no-edns --do",
            "--no-edns --cookie",
            "--no-edns --edns-option 3",
            "--class xx",
            "--opcode OPCODE16",
            "--subnet 192.0.2.0/33",
            "--cookie=01",
            "--padding=0",
            "--edns-option 3:1",
            "--bufsize 65536",
        ] {
            assert!(asked(flags).is_err(), "{flags}");
        }
    }
}
