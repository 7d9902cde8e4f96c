//! The named fields of one record's data.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::resolve::registry::{Class, RecordType};

use super::cursor::{Bad, Cursor};
use super::layout::Layout;
use super::value::Value;

/// Where a field is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Everywhere,
    /// In the text of a zone file, as part of another form.
    TextOnly,
    /// In JSON, which the text writes differently.
    FieldsOnly,
}

/// Fields in the order of the data.
///
/// `Display` is the text of a zone file, `Serialize` a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    items: Vec<(&'static str, Value<'a>, View)>,
}

impl<'a> Fields<'a> {
    /// Reads the data of a type; `None` when nobody knows the type.
    pub(super) fn read(
        rtype: RecordType,
        class: Class,
        cursor: Cursor<'a>,
    ) -> Result<Option<Self>, Bad> {
        let layout = Layout::of(rtype, class);
        layout.map(|layout| layout.read(cursor)).transpose()
    }

    /// Adds a field.
    pub(super) fn push(&mut self, key: &'static str, value: Value<'a>) {
        self.items.push((key, value, View::Everywhere));
    }

    /// Adds what only the text has.
    pub(super) fn push_text(&mut self, text: String) {
        self.items.push(("", Value::Word(text), View::TextOnly));
    }

    /// Adds what only JSON has.
    pub(super) fn push_field(&mut self, key: &'static str, value: Value<'a>) {
        self.items.push((key, value, View::FieldsOnly));
    }

    /// The fields that JSON has, by their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value<'a>)> {
        let items = self.items.iter().filter(|item| item.2 != View::TextOnly);
        items.map(|(key, value, _)| (*key, value))
    }

    /// One field.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.iter().find(|(own, _)| *own == key).map(|item| item.1)
    }
}

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.items.iter();
        let items = items.filter(|item| item.2 != View::FieldsOnly);
        let texts = items.map(|item| item.1.to_string());
        let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
        f.write_str(&texts.join(" "))
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}
