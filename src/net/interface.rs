//! Interface names and numbers: what an IPv6 zone stands for (RFC 4007 §11).

use std::ffi::CString;

use super::sys;
use crate::failure::{Failure, Kind, Stage, Who};

/// The scope id of a zone: the number of the interface it names, or the number it is.
///
/// Errs with `no_such_interface` when this machine has no such interface.
///
/// ```
/// use netkit::{failure::Kind, net::interface::scope_id};
/// assert_eq!(scope_id("no-such-if").unwrap_err().kind, Kind::NoSuchInterface);
/// ```
pub fn scope_id(zone: &str) -> Result<u32, Failure> {
    let named = CString::new(zone)
        .ok()
        .and_then(|name| sys::index_of_interface(&name));
    let numbered = || {
        zone.parse()
            .ok()
            .filter(|&index| sys::name_of_interface(index).is_some())
    };
    named.or_else(numbered).ok_or_else(|| {
        let message = format!("zone {zone:?}: this machine has no such interface");
        Failure::new(Stage::Local, Kind::NoSuchInterface, message).by(Who::OwnKernel)
    })
}

/// The name of the interface with this number, if there is one.
#[must_use]
pub fn name(index: u32) -> Option<String> {
    sys::name_of_interface(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_the_same_interface() {
        let index = scope_id("lo").unwrap();
        assert_eq!(scope_id(&index.to_string()).unwrap(), index);
        assert_eq!(name(index).as_deref(), Some("lo"));
    }

    #[test]
    fn unknown_zones_are_named_in_the_failure() {
        for zone in ["eth99", "4294967295", "0", "", "a\0b", "-1"] {
            let failure = scope_id(zone).unwrap_err();
            assert_eq!(
                (failure.stage, failure.kind),
                (Stage::Local, Kind::NoSuchInterface)
            );
            assert!(failure.message.contains(&format!("{zone:?}")), "{failure}");
        }
    }
}
