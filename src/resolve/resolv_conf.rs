//! `resolv.conf`: which servers the system asks, and how, as resolv.conf(5) has it.
//!
//! Our own parser because it keeps every option (rotate, use-vc, …) and says on which line
//! something is not understood. Pure: the text comes in, who reads the file is the resolver.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::name::DomainName;
use super::server::{DNS_PORT, NameServer};

/// libc reads no more servers than this (`MAXNS`).
const MAX_SERVERS: usize = 3;
/// libc's ceilings: `RES_MAXNDOTS`, `RES_MAXRETRANS`, `RES_MAXRETRY`.
const MAX_NDOTS: u8 = 15;
const MAX_TIMEOUT: u8 = 30;
const MAX_ATTEMPTS: u8 = 5;
/// Options that change nothing here: each question has a socket of its own, EDNS is always on, and
/// the rest is about what libc prints, checks or reloads.
const WITHOUT_EFFECT: &[&str] = &[
    "debug",
    "edns0",
    "inet6",
    "ip6-bytestring",
    "ip6-dotint",
    "no-check-names",
    "no-ip6-dotint",
    "no-reload",
    "no-tld-query",
    "single-request-reopen",
];

/// The system's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent options of the file"
)]
pub struct ResolvConf {
    /// Whom to ask, in this order; never empty.
    pub servers: Vec<NameServer>,
    /// Suffixes to try for names with few dots; `None` when the file names none (the domain of the
    /// host name applies then).
    pub search: Option<Vec<DomainName>>,
    /// Names with at least so many dots are asked as they are first. 1 unless set.
    pub ndots: u8,
    /// The longest wait for one server. 5 s unless set.
    pub timeout: Duration,
    /// How often the list of servers is gone through. 2 unless set.
    pub attempts: u8,
    /// Begin with another server each time.
    pub rotate: bool,
    /// TCP only.
    pub use_vc: bool,
    /// Set the AD bit in questions.
    pub trust_ad: bool,
    /// Never ask for IPv6 addresses.
    pub no_aaaa: bool,
    /// One question at a time.
    pub single_request: bool,
    /// What was not understood.
    pub warnings: Vec<Warning>,
}

/// A line that was not understood or goes beyond what libc does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Line number, from 1; `None` is the file as a whole.
    pub line: Option<usize>,
    /// What is the matter.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl Default for ResolvConf {
    /// What libc assumes without a file: a server on this machine.
    fn default() -> Self {
        Self {
            servers: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, DNS_PORT)).into()],
            search: None,
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_vc: false,
            trust_ad: false,
            no_aaaa: false,
            single_request: false,
            warnings: Vec::new(),
        }
    }
}

impl ResolvConf {
    /// Parses the file; what is not understood becomes a warning, as nothing in it is an error to
    /// libc.
    ///
    /// ```
    /// use netkit::resolve::ResolvConf;
    /// let conf = ResolvConf::parse("nameserver 192.0.2.53\noptions ndots:2 frobnicate\n");
    /// assert_eq!(conf.servers[0].to_string(), "192.0.2.53:53");
    /// assert_eq!(conf.warnings[0].to_string(), "line 2: unknown option \"frobnicate\"");
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut conf = Self {
            servers: Vec::new(),
            ..Self::default()
        };
        for (index, line) in text.lines().enumerate() {
            // libc knows comments at the start of a line only.
            if !line.starts_with(['#', ';']) {
                conf.line(index + 1, line);
            }
        }
        if conf.servers.is_empty() {
            conf.servers = Self::default().servers;
        }
        conf
    }

    fn line(&mut self, line: usize, text: &str) {
        let mut words = text.split_ascii_whitespace();
        match words.next() {
            None | Some("sortlist") => {}
            Some("nameserver") => self.nameserver(line, words.next()),
            Some("search") => self.search(line, "search", words),
            Some("domain") => self.search(line, "domain", words.take(1)),
            Some("options") => words.for_each(|option| self.option(line, option)),
            Some(other) => self.warn(line, format!("unknown keyword {other:?}")),
        }
    }

    fn warn(&mut self, line: usize, message: impl Into<String>) {
        self.warnings.push(Warning {
            line: Some(line),
            message: message.into(),
        });
    }

    fn nameserver(&mut self, line: usize, word: Option<&str>) {
        let Some(word) = word else {
            return self.warn(line, "nameserver without an address");
        };
        if self.servers.len() == MAX_SERVERS {
            let message = format!("{word} is beyond the {MAX_SERVERS} servers that libc reads");
            return self.warn(line, message);
        }
        match word.parse::<NameServer>() {
            // libc wants an address: a name would have to be resolved first.
            Ok(server) if !word.contains("://") && server.addr().is_some() => {
                if server.port != DNS_PORT {
                    self.warn(line, format!("libc does not understand the port in {word}"));
                }
                self.servers.push(server);
            }
            Ok(_) => self.warn(line, format!("{word:?} is not an IP address")),
            Err(error) => self.warn(line, error.message),
        }
    }

    /// The last `search` or `domain` wins; libc passes over one that names nothing.
    fn search<'a>(&mut self, line: usize, keyword: &str, words: impl Iterator<Item = &'a str>) {
        let mut words = words.peekable();
        if words.peek().is_none() {
            return self.warn(line, format!("{keyword} without a name"));
        }
        let mut suffixes = Vec::new();
        for word in words {
            match DomainName::parse(word) {
                Ok(suffix) => suffixes.push(suffix),
                Err(error) => self.warn(line, format!("search domain {word:?}: {error}")),
            }
        }
        self.search = Some(suffixes);
    }

    fn option(&mut self, line: usize, option: &str) {
        match option.split_once(':') {
            Some(("ndots", value)) => {
                self.ndots = self
                    .number(line, option, value, MAX_NDOTS)
                    .unwrap_or(self.ndots);
            }
            Some(("timeout", value)) => {
                if let Some(seconds) = self.number(line, option, value, MAX_TIMEOUT) {
                    self.timeout = Duration::from_secs(seconds.max(1).into());
                }
            }
            Some(("attempts", value)) => {
                if let Some(attempts) = self.number(line, option, value, MAX_ATTEMPTS) {
                    self.attempts = attempts.max(1);
                }
            }
            _ => self.flag(line, option),
        }
    }

    /// Reads a number and caps it as libc does.
    fn number(&mut self, line: usize, option: &str, value: &str, ceiling: u8) -> Option<u8> {
        let Ok(number) = value.parse::<u32>() else {
            self.warn(line, format!("option {option:?} needs a number"));
            return None;
        };
        Some(u8::try_from(number).unwrap_or(ceiling).min(ceiling))
    }

    fn flag(&mut self, line: usize, option: &str) {
        match option {
            "rotate" => self.rotate = true,
            "use-vc" => self.use_vc = true,
            "trust-ad" => self.trust_ad = true,
            "no-aaaa" => self.no_aaaa = true,
            "single-request" => self.single_request = true,
            known if WITHOUT_EFFECT.contains(&known) => {}
            other => self.warn(line, format!("unknown option {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(list: &[DomainName]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn warnings(text: &str) -> Vec<String> {
        let conf = ResolvConf::parse(text);
        conf.warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_option_is_read() {
        let conf = ResolvConf::parse(
            "# comment\n; comment\nnameserver 192.0.2.1 trailing\nnameserver fe80::1%eth0\n\
             search a.example b.example.\noptions ndots:2 timeout:3 attempts:4 rotate use-vc\n\
             options trust-ad no-aaaa single-request edns0 single-request-reopen\nsortlist x\n",
        );
        let servers: Vec<_> = conf.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[fe80::1%eth0]:53"]);
        assert_eq!(names(&conf.search.unwrap()), ["a.example", "b.example"]);
        assert_eq!((conf.ndots, conf.attempts), (2, 4));
        assert_eq!(conf.timeout, Duration::from_secs(3));
        assert!(conf.rotate && conf.use_vc && conf.trust_ad && conf.no_aaaa);
        assert!(conf.single_request);
        assert_eq!(conf.warnings, []);
    }

    #[test]
    fn nothing_said_is_what_libc_assumes() {
        for text in [
            "",
            "# nothing\n",
            "nameserver\n",
            "nameserver bogus.example\n",
        ] {
            let conf = ResolvConf::parse(text);
            assert_eq!(conf.servers, ResolvConf::default().servers, "{text:?}");
            assert_eq!(conf.servers[0].to_string(), "127.0.0.1:53");
            assert_eq!(conf.search, None);
        }
    }

    #[test]
    fn the_last_of_search_and_domain_wins() {
        let rows: [(&str, &[&str]); 6] = [
            ("search a b\ndomain\n", &["a", "b"]),
            ("domain a\nsearch \n", &["a"]),
            ("search a b\ndomain c\n", &["c"]),
            ("domain c d\nsearch a b\n", &["a", "b"]),
            ("domain c d\n", &["c"]),
            ("search .\n", &["."]),
        ];
        for (text, expected) in rows {
            let conf = ResolvConf::parse(text);
            assert_eq!(names(&conf.search.unwrap()), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_capped_as_in_libc() {
        let conf = ResolvConf::parse("options ndots:99 timeout:999 attempts:9\n");
        assert_eq!((conf.ndots, conf.attempts), (15, 5));
        assert_eq!(conf.timeout, Duration::from_secs(30));
        let conf = ResolvConf::parse("options ndots:0 timeout:0 attempts:0\n");
        assert_eq!((conf.ndots, conf.attempts), (0, 1));
        assert_eq!(conf.timeout, Duration::from_secs(1));
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        let rows: [(&str, &[&str]); 9] = [
            ("domain", &["line 1: domain without a name"]),
            (
                "options a\n\noptions b",
                &[
                    "line 1: unknown option \"a\"",
                    "line 3: unknown option \"b\"",
                ],
            ),
            (
                "options ndots:x",
                &["line 1: option \"ndots:x\" needs a number"],
            ),
            ("lookup file bind", &["line 1: unknown keyword \"lookup\""]),
            ("nameserver", &["line 1: nameserver without an address"]),
            (
                "nameserver 1.2.3",
                &["line 1: \"1.2.3\" is not an IP address"],
            ),
            (
                "nameserver tcp://1.2.3.4",
                &["line 1: \"tcp://1.2.3.4\" is not an IP address"],
            ),
            (
                "nameserver [::1]:54",
                &["line 1: libc does not understand the port in [::1]:54"],
            ),
            (
                "search a..b",
                &["line 1: search domain \"a..b\": a label is empty"],
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(warnings(text), expected, "{text:?}");
        }
        let four = "nameserver ::1\n".repeat(4);
        assert_eq!(ResolvConf::parse(&four).servers.len(), 3);
        assert_eq!(
            warnings(&four),
            ["line 4: ::1 is beyond the 3 servers that libc reads"]
        );
    }

    proptest! {
        #[test]
        fn any_text_gives_at_least_one_server(text in "(?s).{0,200}") {
            prop_assert!(!ResolvConf::parse(&text).servers.is_empty());
        }
    }
}
