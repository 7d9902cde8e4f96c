//! Extended DNS errors (RFC 8914; IANA registry "Extended DNS Error Codes").

use super::registry;

registry! {
    /// The INFO-CODE of an extended error; its mnemonic is the registry's text.
    EdeCode(u16), "extended error", "EDE", "EDE49152";
    OTHER = 0, "Other Error", "the text says what";
    UNSUPPORTED_DNSKEY_ALGORITHM = 1, "Unsupported DNSKEY Algorithm", "all keys of the zone have unknown algorithms";
    UNSUPPORTED_DS_DIGEST = 2, "Unsupported DS Digest Type", "all DS records have unknown digests";
    STALE_ANSWER = 3, "Stale Answer", "the answer has expired; a fresh one was not to be had";
    FORGED_ANSWER = 4, "Forged Answer", "the answer is made up by policy";
    DNSSEC_INDETERMINATE = 5, "DNSSEC Indeterminate", "validation ended without a verdict";
    DNSSEC_BOGUS = 6, "DNSSEC Bogus", "validation failed";
    SIGNATURE_EXPIRED = 7, "Signature Expired", "no valid signature, and all that were found had expired";
    SIGNATURE_NOT_YET_VALID = 8, "Signature Not Yet Valid", "all signatures begin in the future";
    DNSKEY_MISSING = 9, "DNSKEY Missing", "no key of the zone matches the parent's DS";
    RRSIGS_MISSING = 10, "RRSIGs Missing", "the records are not signed, though the zone is";
    NO_ZONE_KEY_BIT = 11, "No Zone Key Bit Set", "no key is a zone key";
    NSEC_MISSING = 12, "NSEC Missing", "no proof that the name or type does not exist";
    CACHED_ERROR = 13, "Cached Error", "an earlier failure is remembered";
    NOT_READY = 14, "Not Ready", "the server is starting";
    BLOCKED = 15, "Blocked", "blocked by the operator of the server";
    CENSORED = 16, "Censored", "blocked by somebody outside the server";
    FILTERED = 17, "Filtered", "blocked as the client asked for";
    PROHIBITED = 18, "Prohibited", "this client may not ask";
    STALE_NXDOMAIN = 19, "Stale NXDOMAIN Answer", "the negative answer has expired; a fresh one was not to be had";
    NOT_AUTHORITATIVE = 20, "Not Authoritative", "asked without recursion, and not authoritative";
    NOT_SUPPORTED = 21, "Not Supported", "the question or operation is not supported";
    NO_REACHABLE_AUTHORITY = 22, "No Reachable Authority", "none of the zone's servers answered the resolver";
    NETWORK_ERROR = 23, "Network Error", "an error between the resolver and the zone's servers";
    INVALID_DATA = 24, "Invalid Data", "the zone has data that cannot be served";
    SIGNATURE_EXPIRED_BEFORE_VALID = 25, "Signature Expired before Valid", "a signature ends before it begins";
    TOO_EARLY = 26, "Too Early", "asked in early data, which may be replayed";
    UNSUPPORTED_NSEC3_ITERATIONS = 27, "Unsupported NSEC3 Iterations Value", "too many NSEC3 iterations";
    UNABLE_TO_CONFORM = 28, "Unable to conform to policy", "the policy cannot be followed";
    SYNTHESIZED = 29, "Synthesized", "the answer was made from a proof in the cache";
    INVALID_QUERY_TYPE = 30, "Invalid Query Type", "the type cannot be asked for";
}
