//! Names of IP protocols: `/etc/protocols` under Go's built-in list, read once when a name is used.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::service::MAX_NAME;

const PROTOCOLS_FILE: &str = "/etc/protocols";

/// What Go knows without the file; the file cannot change these.
const BUILT_IN: &str = "icmp 1\nigmp 2\ntcp 6\nudp 17\nipv6-icmp 58\n";

/// A table of protocol names.
#[derive(Clone, Debug, Default)]
pub struct ProtocolNames(HashMap<Box<str>, u32>);

impl ProtocolNames {
    /// The built-in list and what `file` (in the format of protocols(5)) adds to it.
    #[must_use]
    pub fn with_file(file: &str) -> Self {
        let mut table = Self::default();
        for line in BUILT_IN.lines().chain(file.lines()) {
            table.add_line(line);
        }
        table
    }

    /// This machine's table.
    #[must_use]
    pub fn system() -> &'static Self {
        static SYSTEM: OnceLock<ProtocolNames> = OnceLock::new();
        SYSTEM.get_or_init(|| {
            let file = std::fs::read(PROTOCOLS_FILE).unwrap_or_default();
            Self::with_file(&String::from_utf8_lossy(&file))
        })
    }

    /// The number of a name; names are compared in lower case, as in Go.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        if name.len() > MAX_NAME {
            return None;
        }
        self.0.get(name.to_ascii_lowercase().as_str()).copied()
    }

    /// `tcp 6 TCP # comment`
    fn add_line(&mut self, line: &str) -> Option<()> {
        let line = line.split('#').next()?;
        let mut fields = line.split_ascii_whitespace();
        let (name, number) = (fields.next()?, fields.next()?.parse().ok()?);
        for name in std::iter::once(name).chain(fields) {
            self.0.entry(name.into()).or_insert(number);
        }
        Some(())
    }
}
