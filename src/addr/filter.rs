//! Which lines hold an address of these networks.

use super::scan::{Found, addresses, addresses_among};
use super::table::PrefixTable;
use super::{AddrError, Prefix, parse_cidr};

/// What makes a line match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Any address in it.
    #[default]
    Any,
    /// The first address in it.
    First,
}

/// A set of networks and what to look at.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The networks.
    pub table: PrefixTable,
    /// Which addresses of a line count.
    pub which: Which,
}

/// Why a line matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The address, and where it stands in the block.
    pub found: Found,
    /// The longest network that holds it.
    pub network: Prefix,
}

impl Filter {
    /// Calls `yes` with each line that matches and `no` with each stretch of lines that do not, in
    /// order; together they are the whole block. Lines keep their ends.
    ///
    /// ```
    /// use netkit::addr::filter::{Filter, Which};
    /// use netkit::addr::table::PrefixTable;
    /// let table = PrefixTable::new(&["10.0.0.0/8".parse().unwrap()]);
    /// let filter = Filter { table, which: Which::Any };
    /// let mut hits = Vec::new();
    /// filter.split(b"a 10.1.2.3\nb 192.0.2.1\n", |line, _| hits.push(line.to_vec()), |_| {});
    /// assert_eq!(hits, [b"a 10.1.2.3\n"]);
    /// ```
    pub fn split<'a>(
        &self,
        block: &'a [u8],
        mut yes: impl FnMut(&'a [u8], Match),
        mut no: impl FnMut(&'a [u8]),
    ) {
        let mut done = 0;
        let mut scan = match self.which {
            // What comes first counts even where no network holds it.
            Which::First => addresses(block),
            Which::Any => addresses_among(block, &self.table),
        };
        while let Some(found) = scan.next() {
            let Some(network) = self.table.longest(found.ip) else {
                if self.which == Which::First {
                    scan.skip_to(line_end(block, found.span.end));
                }
                continue;
            };
            let start = done + line_start(&block[done..found.span.start]);
            let end = line_end(block, found.span.end);
            if done < start {
                no(&block[done..start]);
            }
            yes(&block[start..end], Match { found, network });
            scan.skip_to(end);
            done = end;
        }
        if done < block.len() {
            no(&block[done..]);
        }
    }
}

/// Where the last line of `text` begins.
fn line_start(text: &[u8]) -> usize {
    memchr::memrchr(b'\n', text).map_or(0, |at| at + 1)
}

/// Where the line that holds `at` ends, its newline included.
fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline + 1)
}

/// Reads a network of a filter: a prefix, host bits allowed, or a single address.
pub fn parse_network(text: &str) -> Result<Prefix, AddrError> {
    if text.contains('/') {
        return parse_cidr(text).map(|cidr| cidr.prefix.masked());
    }
    let addr: super::ZonedAddr = text.parse()?;
    match addr.zone {
        None => Ok(Prefix::single(addr.ip)),
        Some(zone) => {
            let start = text.len() - zone.len() - 1;
            Err(AddrError::new(
                super::Class::ZoneInPrefix,
                start..text.len(),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter(networks: &[&str], which: Which) -> Filter {
        let networks: Vec<_> = networks.iter().map(|n| parse_network(n).unwrap()).collect();
        Filter {
            table: PrefixTable::new(&networks),
            which,
        }
    }

    fn split(filter: &Filter, text: &str) -> (String, String) {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        filter.split(
            text.as_bytes(),
            |line, found| {
                let at = found.found.span.start;
                assert!(text.as_bytes()[at..].starts_with(&[text.as_bytes()[at]]));
                yes.extend_from_slice(line);
            },
            |lines| no.extend_from_slice(lines),
        );
        (
            String::from_utf8(yes).unwrap(),
            String::from_utf8(no).unwrap(),
        )
    }

    #[test]
    fn keeps_whole_lines_on_both_sides() {
        let any = filter(&["10.0.0.0/8", "2001:db8::1"], Which::Any);
        let text = "\nx 10.1.1.1 10.2.2.2\r\n192.0.2.1\n[2001:db8::1]\n192.0.2.1 10.0.0.1";
        let (yes, no) = split(&any, text);
        assert_eq!(
            yes,
            "x 10.1.1.1 10.2.2.2\r\n[2001:db8::1]\n192.0.2.1 10.0.0.1"
        );
        assert_eq!(no, "\n192.0.2.1\n");
    }

    #[test]
    fn the_first_address_alone_may_count() {
        let first = filter(&["10.0.0.0/8"], Which::First);
        let (yes, no) = split(&first, "192.0.2.1 10.0.0.1\n10.0.0.1 192.0.2.1\n");
        assert_eq!(
            (yes.as_str(), no.as_str()),
            ("10.0.0.1 192.0.2.1\n", "192.0.2.1 10.0.0.1\n")
        );
    }

    #[test]
    fn a_network_may_have_host_bits_or_be_one_address() {
        assert_eq!(
            parse_network("10.1.2.3/8").unwrap().to_string(),
            "10.0.0.0/8"
        );
        assert_eq!(
            parse_network("10.1.2.3").unwrap().to_string(),
            "10.1.2.3/32"
        );
        assert!(parse_network("fe80::1%eth0").is_err());
        assert!(parse_network("fe80::/129").is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_a_line_by_line_reading(
            words in proptest::collection::vec(
                prop_oneof![
                    Just("10.0.0.1"), Just("10.9.9.9"), Just("192.0.2.1"), Just("2001:db8::5"),
                    Just("fe80::1"), Just("x"), Just("\n"), Just("\r\n"), Just("::ffff:10.0.0.1"),
                    Just("0:0:0:0:0:ffff:a00:1"), Just("2001:db9::5"), Just("11.0.0.1"),
                ],
                0..30,
            ),
            first: bool,
        ) {
            let text = words.join(" ");
            let which = if first { Which::First } else { Which::Any };
            let networks = ["10.0.0.0/30", "2001:db8::/64"];
            let filter = filter(&networks, which);
            let networks = networks.map(|n| n.parse::<Prefix>().unwrap());
            let (mut yes, mut no) = (String::new(), String::new());
            for line in text.split_inclusive('\n') {
                let mut addresses: Vec<std::net::IpAddr> =
                    line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
                if first {
                    addresses.truncate(1);
                }
                let holds = addresses.iter().any(|ip| {
                    networks.iter().any(|n| n.contains(*ip) || n.contains(ip.to_canonical()))
                });
                if holds { yes += line } else { no += line }
            }
            prop_assert_eq!(split(&filter, &text), (yes, no));
        }
    }
}
