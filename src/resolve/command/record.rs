//! One record as it is shown.

use serde::{Deserialize, Serialize};

use crate::resolve::wire;

/// One record: who, what, for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// Its owner, escaped as in zone files.
    pub name: String,
    /// The type's mnemonic, or `TYPEn` (RFC 3597).
    #[serde(rename = "type")]
    pub rtype: String,
    /// The type's number.
    pub type_code: u16,
    /// The class's mnemonic.
    pub class: String,
    /// Seconds it may be kept; `null` for what the hosts file says.
    pub ttl: Option<u32>,
    /// The data as zone files have it; `null` when it is not decoded.
    pub data: Option<String>,
}

impl From<&wire::Record> for Record {
    fn from(record: &wire::Record) -> Self {
        Self {
            name: record.name.to_string(),
            rtype: record.rtype.to_string(),
            type_code: record.rtype.0,
            class: record.class.to_string(),
            ttl: Some(record.ttl),
            data: Some(record.rdata.to_string()),
        }
    }
}
