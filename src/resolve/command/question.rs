//! What is asked: a name as typed and a type.

use std::net::IpAddr;

use crate::addr::groups;
use crate::resolve::name::{DomainName, NameError};
use crate::resolve::wire::RecordType;

/// One name and one type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name or the address as it was typed.
    pub typed: String,
    /// What is looked up: the name as typed, with its final dot if it had one, or the reverse name.
    pub text: String,
    /// The type.
    pub rtype: RecordType,
}

impl Question {
    /// A question for a name; an error when no server could be asked for it.
    pub fn new(name: &str, rtype: RecordType) -> Result<Self, NameError> {
        DomainName::parse(name)?;
        Ok(Self {
            typed: name.to_owned(),
            text: name.to_owned(),
            rtype,
        })
    }

    /// The question for the records of an address's reverse name, mostly PTR.
    #[must_use]
    pub fn reverse(ip: IpAddr, rtype: RecordType) -> Self {
        Self {
            typed: ip.to_string(),
            text: reverse_name(ip),
            rtype,
        }
    }
}

/// The name under which the DNS keeps what it knows about an address (RFC 1035 §3.5, RFC 3596
/// §2.5), with a final dot. An IPv4-mapped address is looked up as IPv4.
///
/// ```
/// use netkit::resolve::command::reverse_name;
/// assert_eq!(reverse_name("192.0.2.1".parse().unwrap()), "1.2.0.192.in-addr.arpa.");
/// ```
#[must_use]
pub fn reverse_name(ip: IpAddr) -> String {
    groups::reverse_name(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_reversed_as_the_rfcs_draw_them() {
        let rows = [
            ("192.0.2.129", "129.2.0.192.in-addr.arpa."),
            ("::ffff:192.0.2.1", "1.2.0.192.in-addr.arpa."),
            (
                "4321:0:1:2:3:4:567:89ab",
                "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa.",
            ),
        ];
        for (ip, name) in rows {
            assert_eq!(reverse_name(ip.parse().unwrap()), name);
        }
    }

    #[test]
    fn what_is_no_name_is_refused_before_anybody_is_asked() {
        assert!(Question::new("a..b", RecordType::A).is_err());
        let question = Question::new("Bücher.example.", RecordType::A).unwrap();
        assert_eq!(question.text, "Bücher.example.");
    }
}
