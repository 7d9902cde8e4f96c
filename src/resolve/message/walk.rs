//! One pass over the entries of a message, in order, without copying.

use crate::resolve::rdata::Rdata;
use crate::resolve::registry::{Class, RecordType};

use super::HEADER;
use super::fault::{Fault, Rule};
use super::header::{Header, Section};
use super::name_ref::{NameRef, read_name};

/// A question or a record.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// From the question section.
    Question(QuestionRef<'a>),
    /// From any other.
    Record(RecordRef<'a>),
}

/// A question in its message.
#[derive(Clone, Copy, Debug)]
pub struct QuestionRef<'a> {
    /// The name.
    pub name: NameRef<'a>,
    /// The type.
    pub rtype: RecordType,
    /// The class.
    pub class: Class,
}

/// A record in its message.
#[derive(Clone, Copy, Debug)]
pub struct RecordRef<'a> {
    message: &'a [u8],
    /// Its section.
    pub section: Section,
    /// Its place in the section, from 0.
    pub index: usize,
    /// The owner.
    pub name: NameRef<'a>,
    /// The type.
    pub rtype: RecordType,
    /// The class.
    pub class: Class,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// Octet of the message where its data begins.
    pub data_offset: usize,
    /// Octets of its data.
    pub data_length: usize,
}

impl<'a> RecordRef<'a> {
    /// Octet of the message where the record begins.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.name.offset()
    }

    /// The data as it is in the message, names perhaps compressed.
    #[must_use]
    pub fn rdata(&self) -> &'a [u8] {
        &self.message[self.data_offset..self.data_offset + self.data_length]
    }

    /// The data by itself, names written out; what cannot be read stays as it is, marked.
    #[must_use]
    pub fn data(&self) -> Rdata {
        Rdata::read(
            self.rtype,
            self.class,
            self.message,
            self.data_offset,
            self.data_length,
        )
    }
}

/// Iterates over the entries; after a fault there is nothing more.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    message: &'a [u8],
    header: Header,
    at: usize,
    section: Section,
    index: usize,
    over: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(message: &'a [u8], header: Header) -> Self {
        Self {
            message,
            header,
            at: HEADER,
            section: Section::Question,
            index: 0,
            over: false,
        }
    }

    /// Octet of the message that is read next.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    fn entry(&mut self) -> Result<Entry<'a>, Fault> {
        if self.at == self.message.len() {
            return Err(Fault::new(self.at, self.count_too_high()));
        }
        let (name, at) = read_name(self.message, self.at)?;
        let class_at = at + 2;
        let (rtype, class) = (RecordType(self.word(at)?), Class(self.word(class_at)?));
        if self.section == Section::Question {
            self.at = at + 4;
            return Ok(Entry::Question(QuestionRef { name, rtype, class }));
        }
        let ttl = u32::from(self.word(at + 4)?) << 16 | u32::from(self.word(at + 6)?);
        let length = usize::from(self.word(at + 8)?);
        let (data_at, left) = (at + 10, self.message.len() - (at + 10));
        if length > left {
            let announced = length;
            return Err(Fault::new(at + 8, Rule::DataBeyondEnd { announced, left }));
        }
        self.at = data_at + length;
        Ok(Entry::Record(RecordRef {
            message: self.message,
            section: self.section,
            index: self.index,
            name,
            rtype,
            class,
            ttl,
            data_offset: data_at,
            data_length: length,
        }))
    }

    fn word(&self, at: usize) -> Result<u16, Fault> {
        let octets = self.message.get(at..at + 2);
        let octets = octets.ok_or_else(|| Fault::new(self.message.len(), Rule::EntryBeyondEnd))?;
        Ok(u16::from_be_bytes([octets[0], octets[1]]))
    }

    fn count_too_high(&self) -> Rule {
        Rule::CountTooHigh {
            section: self.section,
            announced: self.header.count(self.section),
            found: self.index,
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Entry<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        while self.index >= usize::from(self.header.count(self.section)) {
            let Some(section) = self.section.next() else {
                self.over = true;
                return None;
            };
            (self.section, self.index) = (section, 0);
        }
        let (section, index) = (self.section, self.index);
        let entry = self.entry().map_err(|fault| fault.within(section, index));
        self.index += 1;
        self.over = entry.is_err();
        Some(entry)
    }
}
