//! What the system's files say about names, read when a name is first looked up, and once.
//!
//! Separate so that a run that looks up nothing opens nothing. Blocking reads: the files are small
//! and local, and a thread pool would cost more.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::hosts::Hosts;
use super::name::DomainName;
use super::resolv_conf::{ResolvConf, Warning};

/// Where the system keeps what it knows about names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemFiles {
    /// `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
    /// `/etc/hosts`.
    pub hosts: PathBuf,
    /// The host name, whose domain is searched when resolv.conf names none;
    /// `/proc/sys/kernel/hostname`.
    pub hostname: PathBuf,
}

impl Default for SystemFiles {
    fn default() -> Self {
        Self {
            resolv_conf: "/etc/resolv.conf".into(),
            hosts: "/etc/hosts".into(),
            hostname: "/proc/sys/kernel/hostname".into(),
        }
    }
}

impl SystemFiles {
    /// Reads resolv.conf. A file that is not there means what libc takes it to mean: a server on
    /// this machine; one that cannot be read means the same, with a warning.
    #[must_use]
    pub fn read_resolv_conf(&self) -> ResolvConf {
        match fs::read(&self.resolv_conf) {
            Ok(bytes) => ResolvConf::parse(&String::from_utf8_lossy(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => ResolvConf::default(),
            Err(error) => ResolvConf {
                warnings: vec![Warning {
                    line: None,
                    message: format!("cannot be read: {error}"),
                }],
                ..ResolvConf::default()
            },
        }
    }

    /// Reads the hosts file; one that cannot be read knows no names.
    #[must_use]
    pub fn read_hosts(&self) -> Hosts {
        let bytes = fs::read(&self.hosts).unwrap_or_default();
        Hosts::parse(&String::from_utf8_lossy(&bytes))
    }

    /// The domain of the host name, which libc searches when resolv.conf names nothing.
    #[must_use]
    pub fn read_host_domain(&self) -> Option<DomainName> {
        let name = fs::read_to_string(&self.hostname).ok()?;
        let (_, domain) = name.trim().split_once('.')?;
        DomainName::parse(domain).ok()
    }
}
