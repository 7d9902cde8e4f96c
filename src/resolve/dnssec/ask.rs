//! How questions are put whose replies are to be validated.

use crate::resolve::wire::AskOptions;

/// Sets DO, for the signatures, and CD, so that a validating server sends also what it rejects
/// (RFC 4035 §3.2.2).
pub(in crate::resolve) fn prepare(options: &mut AskOptions) {
    options.checking_disabled = true;
    dnssec_ok(options);
}

/// Sets DO alone.
pub(in crate::resolve) fn dnssec_ok(options: &mut AskOptions) {
    options.edns.get_or_insert_default().dnssec_ok = true;
}
