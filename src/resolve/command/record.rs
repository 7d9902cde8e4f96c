//! One record as it is shown.

use serde::Serialize;

use crate::resolve::rdata::{Rdata, Value};
use crate::resolve::{wire, zone_line};

/// One record: who, what, for how long.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// Its owner, escaped as in zone files; without the final dot.
    pub name: String,
    /// The type's mnemonic, or `TYPEn` (RFC 3597).
    #[serde(rename = "type")]
    pub rtype: String,
    /// The type's number.
    pub type_code: u16,
    /// The class's mnemonic, or `CLASSn`.
    pub class: String,
    /// Seconds it may be kept; `null` for what the hosts file says.
    pub ttl: Option<u32>,
    /// The data as zone files have it.
    pub data: String,
    /// The data field by field; `null` when the type is not known or the data not as it needs it.
    #[serde(rename = "fields")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<std::collections::BTreeMap<String, Any>>")
    )]
    pub rdata: Option<Rdata>,
}

/// Whatever a field holds, in the schema.
#[cfg(feature = "schema")]
pub(super) struct Any;

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Any {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Any".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!(true)
    }
}

impl Record {
    /// The line of a zone file: owner with its final dot, TTL, class, type, data.
    #[must_use]
    pub fn zone_line(&self) -> String {
        let dot = if self.name == "." { "" } else { "." };
        let name = format!("{}{dot}", self.name);
        let ttl = self.ttl.unwrap_or_default();
        zone_line::front(&name, ttl, &self.class, &self.rtype) + &self.data
    }

    /// The serial of an SOA record.
    #[must_use]
    pub fn soa_serial(&self) -> Option<u32> {
        let rdata = self.rdata.as_ref().filter(|_| self.rtype == "SOA")?;
        match rdata.fields()?.get("serial")? {
            Value::Number(serial) => u32::try_from(*serial).ok(),
            _ => None,
        }
    }
}

impl From<&wire::Record> for Record {
    fn from(record: &wire::Record) -> Self {
        Self {
            name: record.name.to_string(),
            rtype: record.rtype.to_string(),
            type_code: record.rtype.0,
            class: record.class.to_string(),
            ttl: Some(record.ttl),
            data: record.rdata.to_string(),
            rdata: Some(record.rdata.clone()),
        }
    }
}
