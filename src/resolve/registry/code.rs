//! Opcodes and response codes, as IANA's registry of DNS parameters has them.

use super::registry;

registry! {
    /// What kind of message it is.
    Opcode(u8), "opcode", "OPCODE", "OPCODE7";
    QUERY = 0, "QUERY", "a question";
    IQUERY = 1, "IQUERY", "an inverse question (obsolete, RFC 3425)";
    STATUS = 2, "STATUS", "the server's status";
    NOTIFY = 4, "NOTIFY", "a zone has changed (RFC 1996)";
    UPDATE = 5, "UPDATE", "change a zone (RFC 2136)";
    DSO = 6, "DSO", "stateful operations (RFC 8490)";
}

registry! {
    /// A response code, extended by EDNS to 12 bits.
    Rcode(u16), "response code", "RCODE", "RCODE3841";
    NOERROR = 0, "NOERROR", "success, though perhaps without a record";
    FORMERR = 1, "FORMERR", "the server could not read the question";
    SERVFAIL = 2, "SERVFAIL", "the server failed";
    NXDOMAIN = 3, "NXDOMAIN", "the name does not exist";
    NOTIMP = 4, "NOTIMP", "the server does not do this kind of question";
    REFUSED = 5, "REFUSED", "the server does not want to answer";
    YXDOMAIN = 6, "YXDOMAIN", "the name exists when it should not, or DNAME made it too long";
    YXRRSET = 7, "YXRRSET", "the records exist when they should not";
    NXRRSET = 8, "NXRRSET", "the records do not exist when they should";
    NOTAUTH = 9, "NOTAUTH", "the server is not authoritative, or does not accept the key";
    NOTZONE = 10, "NOTZONE", "the name is outside the zone";
    DSOTYPENI = 11, "DSOTYPENI", "the server does not know this kind of stateful operation (RFC 8490)";
    BADVERS = 16, "BADVERS", "the server does not know this version of EDNS (RFC 6891 §9)";
    BADKEY = 17, "BADKEY", "the key is not known (RFC 8945)";
    BADTIME = 18, "BADTIME", "the signature is out of its time (RFC 8945)";
    BADMODE = 19, "BADMODE", "the TKEY mode is not supported (RFC 2930)";
    BADNAME = 20, "BADNAME", "the key name exists already (RFC 2930)";
    BADALG = 21, "BADALG", "the algorithm is not supported (RFC 2930)";
    BADTRUNC = 22, "BADTRUNC", "the signature is cut too short (RFC 8945)";
    BADCOOKIE = 23, "BADCOOKIE", "the cookie is missing or wrong (RFC 7873)";
}
