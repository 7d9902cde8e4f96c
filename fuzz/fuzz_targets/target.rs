//! No text panics the target grammar; what it refuses is underlined within the text, and what it
//! accepts reads back from its own `Display`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netkit::addr::list::{pair_arguments, parse_line};
use netkit::addr::{Network, ParseError, TargetSpec};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let network = Network::ALL[data.len() % Network::ALL.len()];
    match TargetSpec::parse(text, network) {
        Ok(spec) => check_targets(&spec),
        Err(error) => check_error(text, &error),
    }
    if let Err(error) = parse_line(text, network) {
        check_error(text, &error);
    }
    if let Err(error) = TargetSpec::parse_pair(text, "22,80", network) {
        assert!(error.input == text || error.input == "22,80");
    }
    let words: Vec<&str> = text.split(' ').collect();
    assert!(pair_arguments(&words, network).len() <= words.len());
});

fn check_targets(spec: &TargetSpec) {
    assert!(spec.len() > 0);
    for target in spec.targets().take(4) {
        let again = TargetSpec::parse(&target.to_string(), target.network).expect("reads back");
        assert_eq!(again.targets().next().as_ref(), Some(&target));
        assert_eq!(again.len(), 1);
    }
}

fn check_error(text: &str, error: &ParseError) {
    assert_eq!(error.input, text);
    assert!(text.get(error.span.clone()).is_some(), "{error:?}");
}
