//! Writing the pieces that pass to a file, a line each.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use netkit::error::Error;
use netkit::event::Stamped;
use netkit::failure::{Failure, Kind, Stage};
use netkit::listen::Event;

use super::super::Trouble;
use crate::messages;
use crate::output::json::forward::piece;

fn refused(path: &Path, error: &io::Error) -> Trouble {
    let message = format!("--record {}: {error}", path.display());
    let failure = Failure::new(Stage::Local, Kind::File, message);
    Error::new("writing the record", failure.with_errno(error)).into()
}

/// The file, until it cannot be written.
pub(super) struct Record {
    file: Option<BufWriter<File>>,
}

impl Record {
    /// Begins the file anew, if there is to be one. What passes may be for its owner alone: over TLS it
    /// is the plain text.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Trouble> {
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(0o600);
            file.open(path).map_err(|error| refused(path, &error))
        };
        let file = path.map(open).transpose()?;
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
