//! EDNS options (IANA registry "DNS EDNS0 Option Codes").

use super::registry;

registry! {
    /// An EDNS option by its code.
    OptionCode(u16), "EDNS option", "OPT", "OPT65001";
    LLQ = 1, "LLQ", "long-lived queries (RFC 8764)";
    UL = 2, "UL", "update lease (RFC 9664)";
    NSID = 3, "NSID", "name server identifier (RFC 5001)";
    DAU = 5, "DAU", "DNSSEC algorithms understood (RFC 6975)";
    DHU = 6, "DHU", "DS hashes understood (RFC 6975)";
    N3U = 7, "N3U", "NSEC3 hashes understood (RFC 6975)";
    SUBNET = 8, "ECS", "client subnet (RFC 7871)";
    EXPIRE = 9, "EXPIRE", "time until the zone expires (RFC 7314)";
    COOKIE = 10, "COOKIE", "cookie (RFC 7873)";
    KEEPALIVE = 11, "KEEPALIVE", "TCP idle time-out (RFC 7828)";
    PADDING = 12, "PADDING", "padding (RFC 7830)";
    CHAIN = 13, "CHAIN", "chain of validation (RFC 7901)";
    KEY_TAG = 14, "KEY-TAG", "key tags of trust anchors (RFC 8145)";
    EXTENDED_ERROR = 15, "EDE", "extended error (RFC 8914)";
    CLIENT_TAG = 16, "CLIENT-TAG", "client tag";
    SERVER_TAG = 17, "SERVER-TAG", "server tag";
    REPORT_CHANNEL = 18, "REPORT-CHANNEL", "where errors are reported (RFC 9567)";
    ZONEVERSION = 19, "ZONEVERSION", "version of the zone (RFC 9660)";
    MQTYPE_QUERY = 20, "MQTYPE-QUERY", "more types are asked for";
    MQTYPE_RESPONSE = 21, "MQTYPE-RESPONSE", "more types are answered";
    UMBRELLA = 20_292, "UMBRELLA-IDENT", "Umbrella identity";
    DEVICE_ID = 26_946, "DEVICEID", "device identity";
}
