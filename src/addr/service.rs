//! Service names: `/etc/services` over Go's built-in list.
//!
//! Read once per process, and only when a name is used: a dial to a number opens no file.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::Transport;
use super::nearest::nearest;

/// Where the system keeps its list.
const SERVICES_FILE: &str = "/etc/services";

/// Longer names are never looked up, as in Go (its longest known name has 25 bytes).
pub const MAX_NAME: usize = 25;

/// What Go knows when there is no file.
const BUILT_IN: &str = "\
ftp 21/tcp
ftps 990/tcp
gopher 70/tcp
http 80/tcp
https 443/tcp
imap2 143/tcp
imap3 220/tcp
imaps 993/tcp
pop3 110/tcp
pop3s 995/tcp
smtp 25/tcp
submissions 465/tcp
ssh 22/tcp
telnet 23/tcp
domain 53/udp
";

/// A table of service names.
#[derive(Clone, Debug, Default)]
pub struct Services {
    tcp: Table,
    udp: Table,
}

/// One transport's half of the table.
#[derive(Clone, Debug, Default)]
struct Table {
    ports: HashMap<Box<str>, u16>,
    /// The official name (first on its line) of each port; the first line wins.
    names: HashMap<u16, Box<str>>,
}

impl Services {
    /// The built-in list with `file` (in the format of services(5)) laid over it. Lines that cannot
    /// be read are skipped; of repeated names the last wins, as in Go.
    #[must_use]
    pub fn with_file(file: &str) -> Self {
        let mut services = Self::default();
        for line in BUILT_IN.lines().chain(file.lines()) {
            services.add_line(line);
        }
        services
    }

    /// This machine's table, read on first use.
    #[must_use]
    pub fn system() -> &'static Self {
        static SYSTEM: OnceLock<Services> = OnceLock::new();
        SYSTEM.get_or_init(|| {
            let file = std::fs::read(SERVICES_FILE).unwrap_or_default();
            Self::with_file(&String::from_utf8_lossy(&file))
        })
    }

    /// The port of a name or alias, in any case; `None` for Unix sockets.
    ///
    /// ```
    /// use netkit::addr::{Transport, service::Services};
    /// let services = Services::with_file("domain 53/tcp\ndomain 53/udp");
    /// assert_eq!(services.port("HTTPS", Transport::Tcp), Some(443));
    /// assert_eq!(services.port("https", Transport::Udp), None);
    /// ```
    #[must_use]
    pub fn port(&self, name: &str, transport: Transport) -> Option<u16> {
        if name.len() > MAX_NAME {
            return None;
        }
        let name = name.to_ascii_lowercase();
        self.table(transport)?.ports.get(name.as_str()).copied()
    }

    /// The official name of a port.
    #[must_use]
    pub fn name(&self, port: u16, transport: Transport) -> Option<&str> {
        self.table(transport)?.names.get(&port).map(AsRef::as_ref)
    }

    /// The known name most like a misspelt one.
    #[must_use]
    pub fn nearest(&self, name: &str, transport: Transport) -> Option<&str> {
        let mut names: Vec<&str> = self
            .table(transport)?
            .ports
            .keys()
            .map(AsRef::as_ref)
            .collect();
        names.sort_unstable();
        nearest(&name.to_ascii_lowercase(), names)
    }

    fn table(&self, transport: Transport) -> Option<&Table> {
        match transport {
            Transport::Tcp => Some(&self.tcp),
            Transport::Udp => Some(&self.udp),
            Transport::Unix | Transport::Unixgram => None,
        }
    }

    /// `http 80/tcp www # comment`
    fn add_line(&mut self, line: &str) -> Option<()> {
        let line = line.split('#').next()?;
        let mut fields = line.split([' ', '\t', '\r']).filter(|f| !f.is_empty());
        let (official, (port, protocol)) = (fields.next()?, fields.next()?.split_once('/')?);
        let port = port.parse().ok().filter(|&port: &u16| port > 0)?;
        let table = match protocol {
            "tcp" => &mut self.tcp,
            "udp" => &mut self.udp,
            _ => return None,
        };
        table.names.entry(port).or_insert_with(|| official.into());
        for name in std::iter::once(official).chain(fields) {
            table.ports.insert(name.into(), port);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_only_the_built_in_names_without_a_file() {
        let services = Services::with_file("");
        assert_eq!(services.port("ssh", Transport::Tcp), Some(22));
        assert_eq!(services.port("domain", Transport::Udp), Some(53));
        assert_eq!(services.port("domain", Transport::Tcp), None);
        assert_eq!(services.port("https", Transport::Udp), None);
        assert_eq!(services.port("http", Transport::Unix), None);
    }

    #[test]
    fn lays_the_file_over_the_built_in_list() {
        let services = Services::with_file(
            "http\t\t8080/tcp www # comment\n#https 1/tcp\nbad x/tcp\nzero 0/tcp\nq 1/sctp\nlate 5/tcp\nlate 6/tcp",
        );
        assert_eq!(services.port("http", Transport::Tcp), Some(8080));
        assert_eq!(services.port("WWW", Transport::Tcp), Some(8080));
        assert_eq!(services.port("https", Transport::Tcp), Some(443));
        assert_eq!(services.port("late", Transport::Tcp), Some(6));
        for name in ["bad", "zero", "q", "comment"] {
            assert_eq!(services.port(name, Transport::Tcp), None, "{name}");
        }
        assert_eq!(services.name(8080, Transport::Tcp), Some("http"));
    }

    #[test]
    fn ignores_names_longer_than_any_known_one() {
        let name = "a".repeat(MAX_NAME + 1);
        let services = Services::with_file(&format!("{name} 99/tcp"));
        assert_eq!(services.port(&name, Transport::Tcp), None);
    }
}
