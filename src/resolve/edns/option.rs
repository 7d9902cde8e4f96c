//! One EDNS option: a code and octets.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;

use crate::resolve::registry::{OptionCode, UnknownCode};

use super::subnet::Subnet;

/// An option as it is sent, or as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnsOption {
    /// Which.
    pub code: OptionCode,
    /// Its data.
    pub data: Vec<u8>,
}

impl EdnsOption {
    /// An option of any code.
    #[must_use]
    pub fn new(code: OptionCode, data: &[u8]) -> Self {
        Self {
            code,
            data: data.to_vec(),
        }
    }

    /// Asks who the server is (RFC 5001).
    #[must_use]
    pub fn nsid() -> Self {
        Self::new(OptionCode::NSID, &[])
    }

    /// Asks how long an idle connection is kept (RFC 7828 §3.2.1).
    #[must_use]
    pub fn keepalive() -> Self {
        Self::new(OptionCode::KEEPALIVE, &[])
    }

    /// Says whom the question is asked for (RFC 7871).
    #[must_use]
    pub fn subnet(subnet: Subnet) -> Self {
        Self::new(OptionCode::SUBNET, &subnet.to_bytes())
    }
}

impl FromStr for EdnsOption {
    type Err = OptionError;

    /// Reads `CODE` or `CODE:HEX`; the code is a number or a name.
    ///
    /// ```
    /// use netkit::resolve::edns::EdnsOption;
    /// assert_eq!("nsid".parse(), Ok(EdnsOption::nsid()));
    /// assert_eq!("65001:00ff".parse::<EdnsOption>().unwrap().data, [0, 255]);
    /// assert!("65001:0".parse::<EdnsOption>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Self, OptionError> {
        let (code, hex) = text.split_once(':').unwrap_or((text, ""));
        let code = code.parse().map(OptionCode).or_else(|_| code.parse());
        let data = HEXLOWER_PERMISSIVE.decode(hex.as_bytes());
        Ok(Self {
            code: code.map_err(OptionError::Code)?,
            data: data.map_err(|_| OptionError::Hex {
                text: hex.to_owned(),
            })?,
        })
    }
}

/// Why a text is no option.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionError {
    /// The code is neither a number up to 65535 nor a known name.
    Code(UnknownCode),
    /// The data is not pairs of hexadecimal digits.
    Hex {
        /// As written.
        text: String,
    },
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(error) => error.fmt(f),
            Self::Hex { text } => write!(f, "{text:?} is not pairs of hexadecimal digits"),
        }
    }
}

impl std::error::Error for OptionError {}
