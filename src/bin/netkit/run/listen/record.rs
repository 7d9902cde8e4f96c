//! Writing the pieces that pass to a file, a line each.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;

use netkit::event::Stamped;
use netkit::listen::Event;

use crate::messages;
use crate::output::json::forward::piece;

/// The file, until it cannot be written.
pub(super) struct Record {
    file: Option<BufWriter<File>>,
}

impl Record {
    /// Begins the file anew, if there is to be one.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(File::create).transpose()?;
        Ok(Self {
            file: file.map(BufWriter::new),
        })
    }

    /// Writes a piece; at the end of a connection everything is on its way to the disk.
    pub(super) fn event(&mut self, event: &Stamped<Event>, start: SystemTime) {
        let Some(file) = &mut self.file else { return };
        let result = match &event.event {
            Event::Piece(said) => file.write_all(piece(said, start, event.at).as_bytes()),
            Event::Closed(_) | Event::Ended => file.flush(),
            _ => return,
        };
        if let Err(error) = result {
            messages::say(&format!("netkit: the record ends here: {error}"));
            self.file = None;
        }
    }
}
