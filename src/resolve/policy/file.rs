//! A policy in a file, read again when it changes.
//!
//! The file is looked at every [`LOOK`]: that also notices a file that was renamed into place, a
//! symbolic link that was turned elsewhere, and changes over NFS, which inotify(7) does not. A file changed so
//! lately that a second change could hide behind the same time stamp is read again.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::source::{Document, Part, Source, SourceError};

/// How often the file is looked at.
pub const LOOK: Duration = Duration::from_millis(200);
/// Time stamps younger than this may hide another change.
const RACY: Duration = Duration::from_secs(1);
/// A policy is written by people.
const LARGEST: u64 = 4 << 20;

/// A file as a source.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    /// What was handed over last, and how the file looked then.
    last: Option<(Stamp, Result<Document, SourceError>)>,
}

/// How a file looks from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    id: (u64, u64),
    size: u64,
    modified: (i64, i64),
    is_racy: bool,
}

impl FileSource {
    /// A file that need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, last: None }
    }

    /// What there is to hand over, if it is not what was handed over last.
    fn look(&mut self) -> Option<Result<Document, SourceError>> {
        let stamp = fs::metadata(&self.path).map(|data| Stamp::new(&data));
        if let (Ok(stamp), Some((last, _))) = (&stamp, &self.last)
            && stamp == last
            && !stamp.is_racy
        {
            return None;
        }
        let found = self.read().map_err(|error| SourceError {
            place: self.path.display().to_string(),
            message: error.to_string(),
        });
        let same = self.last.as_ref().is_some_and(|(_, last)| *last == found);
        self.last = Some((stamp.unwrap_or(Stamp::MISSING), found.clone()));
        (!same).then_some(found)
    }

    fn read(&self) -> io::Result<Document> {
        let size = fs::metadata(&self.path)?.len();
        if size > LARGEST {
            let message = format!("{size} bytes are too many for a policy (at most {LARGEST})");
            return Err(io::Error::other(message));
        }
        let name = self.path.display().to_string();
        let text = fs::read_to_string(&self.path)?;
        Ok(Document {
            parts: vec![Part { name, text }],
        })
    }
}

impl Stamp {
    const MISSING: Self = Self {
        id: (0, 0),
        size: 0,
        modified: (0, 0),
        is_racy: true,
    };

    fn new(data: &Metadata) -> Self {
        let age = |time: SystemTime| SystemTime::now().duration_since(time).unwrap_or_default();
        Self {
            id: (data.dev(), data.ino()),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
            is_racy: data.modified().is_ok_and(|time| age(time) < RACY),
        }
    }
}

impl Source for FileSource {
    async fn next(&mut self) -> Result<Document, SourceError> {
        loop {
            if let Some(found) = self.look() {
                return found;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
