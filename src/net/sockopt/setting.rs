//! The options that are one number or one name: the table that serves both directions.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use libc::c_int;

use super::refusal::refused;
use super::{CONGESTION, DEVICE, MARK, MAXSEG, Name};
use crate::failure::Failure;
use crate::net::sys;
use crate::net::{OptionFact, OptionValue, SocketOptions};

/// Room for the longest option that is text: an interface's or an algorithm's name.
const TEXT: usize = 64;

/// One option that was asked for.
pub(super) struct Setting {
    /// The flag without dashes.
    flag: &'static str,
    requested: OptionValue,
    /// The option's name in the manual pages.
    symbol: &'static str,
    name: Name,
    value: Value,
}

enum Value {
    Int(c_int),
    Text(Vec<u8>),
}

impl Setting {
    fn int(
        flag: &'static str,
        (symbol, name): (&'static str, Name),
        value: impl Into<u32>,
    ) -> Self {
        let value = value.into();
        // SO_MARK takes 32 bits in an int: the pattern counts, not the sign.
        let requested = OptionValue::Number(value.into());
        let value = Value::Int(value.cast_signed());
        Self {
            flag,
            requested,
            symbol,
            name,
            value,
        }
    }

    fn text(flag: &'static str, (symbol, name): (&'static str, Name), value: &str) -> Self {
        let requested = OptionValue::Text(value.to_owned());
        let value = Value::Text(value.as_bytes().to_vec());
        Self {
            flag,
            requested,
            symbol,
            name,
            value,
        }
    }

    pub(super) fn apply(&self, fd: BorrowedFd<'_>) -> Result<(), Failure> {
        let result = match &self.value {
            Value::Int(value) => sys::set_int(fd, self.name, *value),
            Value::Text(text) => sys::set_bytes(fd, self.name, text),
        };
        let asked = format_args!("--{} {}", self.flag, self.requested);
        result.map_err(|error| refused(asked, self.symbol, &error))
    }

    pub(super) fn fact(&self, fd: BorrowedFd<'_>) -> OptionFact {
        OptionFact {
            name: self.flag.to_owned(),
            requested: self.requested.clone(),
            accepted: match self.value {
                Value::Int(_) => sys::get_int(fd, self.name)
                    .ok()
                    .map(|value| self.show(value)),
                Value::Text(_) => read_text(fd, self.name).map(OptionValue::Text),
            },
        }
    }

    fn show(&self, value: c_int) -> OptionValue {
        OptionValue::Number(if self.name == MARK {
            value.cast_unsigned().into()
        } else {
            value.into()
        })
    }
}

fn read_text(fd: BorrowedFd<'_>, name: Name) -> Option<String> {
    let mut buffer = [0; TEXT];
    let len = sys::get_bytes(fd, name, &mut buffer).ok()?;
    let text = buffer[..len].split(|&byte| byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// What has to be set before the first packet.
pub(super) fn settings(ip: IpAddr, asked: &SocketOptions) -> Vec<Setting> {
    let (tos, ttl): ((_, Name), (_, Name)) = match ip {
        IpAddr::V4(_) => (
            ("IP_TOS", (libc::IPPROTO_IP, libc::IP_TOS)),
            ("IP_TTL", (libc::IPPROTO_IP, libc::IP_TTL)),
        ),
        IpAddr::V6(_) => (
            ("IPV6_TCLASS", (libc::IPPROTO_IPV6, libc::IPV6_TCLASS)),
            (
                "IPV6_UNICAST_HOPS",
                (libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS),
            ),
        ),
    };
    let interface = asked.interface.as_deref();
    let congestion = asked.congestion.as_deref();
    let list = [
        interface.map(|name| Setting::text("interface", ("SO_BINDTODEVICE", DEVICE), name)),
        asked
            .mark
            .map(|mark| Setting::int("mark", ("SO_MARK", MARK), mark)),
        asked.tos.map(|value| Setting::int("tos", tos, value)),
        asked.ttl.map(|value| Setting::int("ttl", ttl, value)),
        asked
            .mss
            .map(|bytes| Setting::int("mss", ("TCP_MAXSEG", MAXSEG), bytes)),
        congestion.map(|name| Setting::text("congestion", ("TCP_CONGESTION", CONGESTION), name)),
    ];
    list.into_iter().flatten().collect()
}
