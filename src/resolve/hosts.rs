//! The hosts file: addresses with their names, before any name server is asked.
//!
//! Pure text in, tables out; who reads the file, and when, is the resolver's business.

use std::collections::HashMap;
use std::net::IpAddr;

/// Names and the addresses that the file gives them, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    by_name: HashMap<String, Vec<IpAddr>>,
}

impl Hosts {
    /// Parses the file as hosts(5) has it: an address, a name, aliases, `#` begins a comment.
    /// Lines that do not begin with an address are skipped, as libc does.
    ///
    /// ```
    /// use netkit::resolve::Hosts;
    /// let hosts = Hosts::parse("192.0.2.1  www.example web # the web server\n");
    /// assert_eq!(hosts.addresses("WEB"), Some(["192.0.2.1".parse().unwrap()].as_slice()));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut hosts = Self::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            // A zone cannot be kept in an address and is not needed to know the name.
            let literal = words.next().and_then(|word| word.split('%').next());
            let Some(Ok(ip)) = literal.map(str::parse) else {
                continue;
            };
            words.for_each(|name| hosts.add(name, ip));
        }
        hosts
    }

    fn add(&mut self, name: &str, ip: IpAddr) {
        let addresses = self.by_name.entry(canonical(name)).or_default();
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }

    /// The addresses of a name, of both families; `None` when the file does not know it. Case and a
    /// final dot do not matter.
    #[must_use]
    pub fn addresses(&self, name: &str) -> Option<&[IpAddr]> {
        self.by_name.get(&canonical(name)).map(Vec::as_slice)
    }
}

fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_of_both_families_are_found() {
        let hosts = Hosts::parse(
            "# comment\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost\n\n\
             192.0.2.1 Web.Example web#glued\n192.0.2.2 web\n192.0.2.2 web\n\
             nonsense web\nfe80::1%eth0 link\n10.0.0.1\n",
        );
        let rows: [(&str, Option<&[&str]>); 7] = [
            ("localhost", Some(&["127.0.0.1", "::1"])),
            ("IP6-localhost.", Some(&["::1"])),
            ("web", Some(&["192.0.2.1", "192.0.2.2"])),
            ("web.example", Some(&["192.0.2.1"])),
            ("link", Some(&["fe80::1"])),
            ("glued", None),
            ("comment", None),
        ];
        for (name, expected) in rows {
            let expected: Option<Vec<IpAddr>> =
                expected.map(|list| list.iter().map(|ip| ip.parse().unwrap()).collect());
            assert_eq!(hosts.addresses(name), expected.as_deref(), "{name}");
        }
    }
}
