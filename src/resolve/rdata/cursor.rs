//! Reads the data of one record from front to back, never beyond it.

use std::fmt;

use crate::resolve::message::read_name;
use crate::resolve::name::DomainName;

/// Why data is not what its type needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bad {
    /// Octet of the data where it is.
    pub offset: usize,
    /// What is wrong, as half a sentence.
    pub what: &'static str,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "octet {}: {}", self.offset, self.what)
    }
}

/// A place in the data of a record, inside its message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    message: &'a [u8],
    start: usize,
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    /// Over data that stands alone.
    pub(super) fn whole(bytes: &'a [u8]) -> Self {
        Self::within(bytes, 0, bytes.len())
    }

    /// Over data inside a message, where its names may point.
    pub(super) fn within(message: &'a [u8], start: usize, length: usize) -> Self {
        Self {
            message,
            start,
            at: start,
            end: (start + length).min(message.len()),
        }
    }

    pub(super) fn bad(&self, what: &'static str) -> Bad {
        Bad {
            offset: self.at - self.start,
            what,
        }
    }

    pub(super) fn left(&self) -> usize {
        self.end - self.at
    }

    /// What was read since `earlier`, as it is in the message.
    pub(super) fn since(&self, earlier: &Self) -> &'a [u8] {
        &self.message[earlier.at..self.at]
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Bad> {
        if length > self.left() {
            self.at = self.end;
            return Err(self.bad("the data ends too early"));
        }
        let taken = &self.message[self.at..self.at + length];
        self.at += length;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        let taken = self.take(N)?;
        taken
            .try_into()
            .map_err(|_| self.bad("the data ends too early"))
    }

    pub(super) fn u8(&mut self) -> Result<u8, Bad> {
        self.array::<1>().map(|[octet]| octet)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Bad> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Bad> {
        self.array().map(u32::from_be_bytes)
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.message[self.at..self.end];
        self.at = self.end;
        rest
    }

    /// A string after its length in one octet.
    pub(super) fn counted(&mut self) -> Result<&'a [u8], Bad> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    /// A name, compressed or not.
    pub(super) fn name(&mut self) -> Result<DomainName, Bad> {
        let (name, end) =
            read_name(self.message, self.at).map_err(|_| self.bad("the name cannot be read"))?;
        if end > self.end {
            return Err(self.bad("the name ends beyond the data"));
        }
        self.at = end;
        Ok(name.to_owned())
    }

    /// A name of a type that allows no compression; what it says would change on its own.
    pub(super) fn plain_name(&mut self) -> Result<DomainName, Bad> {
        let before = *self;
        let name = self.name()?;
        if self.at - before.at != name.as_wire().len() {
            return Err(before.bad("the name must not be compressed"));
        }
        Ok(name)
    }

    /// Whether all was read.
    pub(super) fn finish(self) -> Result<(), Bad> {
        match self.left() {
            0 => Ok(()),
            _ => Err(self.bad("the data goes on after its last field")),
        }
    }
}
