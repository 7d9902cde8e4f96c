//! Classes of the DNS (IANA registry "DNS CLASSes").

use super::registry;

registry! {
    /// A class by its number.
    Class(u16), "class", "CLASS", "CLASS65280";
    IN = 1, "IN", "the Internet";
    CH = 3, "CH", "Chaosnet; today what a server says about itself";
    HS = 4, "HS", "Hesiod";
    NONE = 254, "NONE", "no class (RFC 2136)";
    ANY = 255, "ANY", "any class";
}
