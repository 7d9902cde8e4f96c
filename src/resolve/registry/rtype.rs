//! Record types (IANA registry "Resource Record (RR) TYPEs").

use super::registry;

registry! {
    /// A record type by its number.
    RecordType(u16), "record type", "TYPE", "TYPE65280";
    A = 1, "A", "an IPv4 address";
    NS = 2, "NS", "a name server of the zone";
    MD = 3, "MD", "a mail destination (obsolete)";
    MF = 4, "MF", "a mail forwarder (obsolete)";
    CNAME = 5, "CNAME", "an alias";
    SOA = 6, "SOA", "the start of a zone";
    MB = 7, "MB", "a mailbox";
    MG = 8, "MG", "a mail group";
    MR = 9, "MR", "a renamed mailbox";
    NULL = 10, "NULL", "anything";
    WKS = 11, "WKS", "well-known services (obsolete)";
    PTR = 12, "PTR", "a pointer to a name, mostly for reverse lookups";
    HINFO = 13, "HINFO", "the host's machine and system";
    MINFO = 14, "MINFO", "who is responsible for a mailbox";
    MX = 15, "MX", "a mail exchange";
    TXT = 16, "TXT", "text";
    RP = 17, "RP", "the responsible person (RFC 1183)";
    AFSDB = 18, "AFSDB", "an AFS or DCE server (RFC 1183)";
    X25 = 19, "X25", "an X.25 address (RFC 1183)";
    ISDN = 20, "ISDN", "an ISDN address (RFC 1183)";
    RT = 21, "RT", "a route through another host (RFC 1183)";
    NSAP = 22, "NSAP", "an OSI address (RFC 1706)";
    NSAP_PTR = 23, "NSAP-PTR", "a pointer from an OSI address (RFC 1706)";
    SIG = 24, "SIG", "a signature, before DNSSEC as it is (RFC 2535)";
    KEY = 25, "KEY", "a key, before DNSSEC as it is (RFC 2535)";
    PX = 26, "PX", "an X.400 mapping (RFC 2163)";
    GPOS = 27, "GPOS", "a geographical position (RFC 1712)";
    AAAA = 28, "AAAA", "an IPv6 address (RFC 3596)";
    LOC = 29, "LOC", "a location (RFC 1876)";
    NXT = 30, "NXT", "the next name, before DNSSEC as it is (RFC 2535)";
    EID = 31, "EID", "an endpoint identifier of Nimrod";
    NIMLOC = 32, "NIMLOC", "a locator of Nimrod";
    SRV = 33, "SRV", "where a service is (RFC 2782)";
    ATMA = 34, "ATMA", "an ATM address";
    NAPTR = 35, "NAPTR", "a rule that rewrites names (RFC 3403)";
    KX = 36, "KX", "a key exchanger (RFC 2230)";
    CERT = 37, "CERT", "a certificate (RFC 4398)";
    A6 = 38, "A6", "an IPv6 address in pieces (historic, RFC 2874)";
    DNAME = 39, "DNAME", "an alias for all names below (RFC 6672)";
    SINK = 40, "SINK", "anything, structured";
    OPT = 41, "OPT", "EDNS (RFC 6891)";
    APL = 42, "APL", "address prefixes (RFC 3123)";
    DS = 43, "DS", "the digest of a child zone's key (RFC 4034)";
    SSHFP = 44, "SSHFP", "the fingerprint of an SSH key (RFC 4255)";
    IPSECKEY = 45, "IPSECKEY", "a key for IP security (RFC 4025)";
    RRSIG = 46, "RRSIG", "a signature over records (RFC 4034)";
    NSEC = 47, "NSEC", "the next name, proof of absence (RFC 4034)";
    DNSKEY = 48, "DNSKEY", "a key of the zone (RFC 4034)";
    DHCID = 49, "DHCID", "a DHCP client (RFC 4701)";
    NSEC3 = 50, "NSEC3", "the next hashed name, proof of absence (RFC 5155)";
    NSEC3PARAM = 51, "NSEC3PARAM", "how names are hashed (RFC 5155)";
    TLSA = 52, "TLSA", "a certificate to expect of a TLS server (RFC 6698)";
    SMIMEA = 53, "SMIMEA", "a certificate to expect of a mail sender (RFC 8162)";
    HIP = 55, "HIP", "a host identity (RFC 8005)";
    NINFO = 56, "NINFO", "the status of a zone";
    RKEY = 57, "RKEY", "a key for encrypting records";
    TALINK = 58, "TALINK", "a link in a history of trust anchors";
    CDS = 59, "CDS", "the DS that the child wants (RFC 7344)";
    CDNSKEY = 60, "CDNSKEY", "the key that the child wants as DS (RFC 7344)";
    OPENPGPKEY = 61, "OPENPGPKEY", "a PGP key (RFC 7929)";
    CSYNC = 62, "CSYNC", "what the parent should copy (RFC 7477)";
    ZONEMD = 63, "ZONEMD", "the digest of the whole zone (RFC 8976)";
    SVCB = 64, "SVCB", "how to reach a service (RFC 9460)";
    HTTPS = 65, "HTTPS", "how to reach a web server (RFC 9460)";
    DSYNC = 66, "DSYNC", "where to announce changes (RFC 9859)";
    HHIT = 67, "HHIT", "a hierarchical host identity tag (RFC 9886)";
    BRID = 68, "BRID", "a broadcast remote ID (RFC 9886)";
    SPF = 99, "SPF", "who may send mail, once (RFC 7208)";
    UINFO = 100, "UINFO", "user information";
    UID = 101, "UID", "a user id";
    GID = 102, "GID", "a group id";
    UNSPEC = 103, "UNSPEC", "anything";
    NID = 104, "NID", "an ILNP node id (RFC 6742)";
    L32 = 105, "L32", "an ILNP locator of 32 bits (RFC 6742)";
    L64 = 106, "L64", "an ILNP locator of 64 bits (RFC 6742)";
    LP = 107, "LP", "an ILNP locator pointer (RFC 6742)";
    EUI48 = 108, "EUI48", "a 48-bit hardware address (RFC 7043)";
    EUI64 = 109, "EUI64", "a 64-bit hardware address (RFC 7043)";
    NXNAME = 128, "NXNAME", "in proofs only: the name does not exist (RFC 9824)";
    TKEY = 249, "TKEY", "a key being agreed on (RFC 2930)";
    TSIG = 250, "TSIG", "a signature over the message (RFC 8945)";
    IXFR = 251, "IXFR", "a transfer of what changed (RFC 1995)";
    AXFR = 252, "AXFR", "a transfer of the whole zone (RFC 5936)";
    MAILB = 253, "MAILB", "any record about mailboxes";
    MAILA = 254, "MAILA", "any record about mail agents (obsolete)";
    ANY = 255, "ANY", "records of any type";
    URI = 256, "URI", "a URI (RFC 7553)";
    CAA = 257, "CAA", "which authority may issue certificates (RFC 8659)";
    AVC = 258, "AVC", "an application's visibility";
    DOA = 259, "DOA", "a digital object";
    AMTRELAY = 260, "AMTRELAY", "a relay for multicast (RFC 8777)";
    RESINFO = 261, "RESINFO", "what a resolver says of itself (RFC 9606)";
    WALLET = 262, "WALLET", "an address of a wallet";
    CLA = 263, "CLA", "a convergence layer adapter of BP";
    IPN = 264, "IPN", "a node number of BP";
    TA = 32_768, "TA", "a trust anchor outside the tree";
    DLV = 32_769, "DLV", "a DNSSEC look-aside record (obsolete, RFC 8749)";
}

impl RecordType {
    /// Whether it stands only in questions, or only in one message, and never in a zone
    /// (RFC 6895 §3.1).
    #[must_use]
    pub fn is_meta(self) -> bool {
        self == Self::OPT || self == Self::NXNAME || (249..=255).contains(&self.0)
    }
}
