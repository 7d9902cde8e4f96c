//! A DNS message as it lies in its bytes: read without copying, as far as it can be read.
//!
//! [`Message`] borrows the packet and walks it lazily: a record that nobody looks at costs no
//! allocation. What cannot be read is a [`Fault`] with its offset and the rule that it breaks, after
//! everything that came before it. Sans-I/O, bounded work, no panic whatever the bytes.

mod dump;
mod fault;
mod header;
mod name_ref;
mod walk;

pub use dump::{Dump, DumpLine};
pub use fault::{Fault, Rule};
pub use header::{Header, Section};
pub use name_ref::NameRef;
pub use walk::{Entry, QuestionRef, RecordRef, Walk};

pub(super) use name_ref::read_name;

/// Octets of a message header (RFC 1035 §4.1.1).
pub const HEADER: usize = 12;

/// A message with a whole header; the rest is read when asked for.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: Header,
}

impl<'a> Message<'a> {
    /// A message that says nothing.
    pub const EMPTY: Message<'static> = Message {
        bytes: &[0; HEADER],
        header: Header {
            id: 0,
            bits: 0,
            counts: [0; 4],
        },
    };

    /// Reads the header; fails only when there is not even one.
    ///
    /// ```
    /// use netkit::resolve::message::Message;
    /// let bytes = b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
    /// let message = Message::new(bytes)?;
    /// assert_eq!(message.header().id, 0x1234);
    /// assert_eq!(message.walk().filter_map(Result::ok).count(), 1);
    /// # Ok::<(), netkit::resolve::message::Fault>(())
    /// ```
    pub fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        let header = Header::read(bytes)?;
        Ok(Self { bytes, header })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }

    /// The whole packet.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Everything after the header in order; a fault is the last item.
    #[must_use]
    pub fn walk(&self) -> Walk<'a> {
        Walk::new(self.bytes, self.header)
    }

    /// The first question, if it can be read.
    #[must_use]
    pub fn question(&self) -> Option<QuestionRef<'a>> {
        match self.walk().next() {
            Some(Ok(Entry::Question(question))) => Some(question),
            _ => None,
        }
    }

    /// The records of all sections, up to a fault.
    pub fn records(&self) -> impl Iterator<Item = RecordRef<'a>> + use<'a> {
        self.walk().filter_map(|entry| match entry {
            Ok(Entry::Record(record)) => Some(record),
            _ => None,
        })
    }

    /// What ends the reading before the counts of the header are reached.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.walk().find_map(Result::err)
    }

    /// Octets after the last record of a message that can be read whole; 0 with a fault.
    #[must_use]
    pub fn trailing(&self) -> usize {
        let mut walk = self.walk();
        if walk.by_ref().any(|entry| entry.is_err()) {
            return 0;
        }
        self.bytes.len() - walk.offset()
    }
}
