//! Where the inputs come from: the command line, a file, standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use netkit::addr::batch::{BLOCK, Settings};
use netkit::error::Error;
use netkit::failure::{Failure, Kind, Stage, Who};

use super::Trouble;
use crate::plan::Input;

/// Inputs smaller than this are done before a second thread has started.
const WORTH_THREADS: u64 = 1 << 20;

/// An opened input.
pub(in crate::run) struct Source {
    pub(in crate::run) read: Box<dyn Read + Send>,
    /// Whether it may be long.
    large: bool,
}

impl Source {
    /// Opens a file or standard input.
    pub(in crate::run) fn open(input: &Input) -> Result<Self, Trouble> {
        match input {
            Input::File(path) => {
                let file = open(path)?;
                let large = file
                    .metadata()
                    .map_or(true, |meta| !meta.is_file() || meta.len() > WORTH_THREADS);
                let read = Box::new(file);
                Ok(Self { read, large })
            }
            Input::Stdin => Ok(Self {
                read: Box::new(stdin()?),
                large: true,
            }),
            Input::Texts(texts) => {
                let mut lines = texts.join("\n");
                lines.push('\n');
                let read = Box::new(io::Cursor::new(lines));
                Ok(Self { read, large: false })
            }
        }
    }

    /// All of it, as text; bytes that are not UTF-8 are replaced.
    pub(super) fn read_all(mut self, input: &Input) -> Result<String, Trouble> {
        let mut bytes = Vec::new();
        self.read
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(input, &error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// How it is read: with all processors if it may be long.
    pub(super) fn settings(&self, numbered: bool) -> Settings {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if self.large { processors } else { 1 };
        Settings {
            threads,
            numbered,
            block: BLOCK,
        }
    }
}

/// Standard input without the lock and the buffer of `Stdin`: blocks are read whole.
fn stdin() -> Result<File, Trouble> {
    use std::os::fd::AsFd;
    let own = io::stdin().as_fd().try_clone_to_owned();
    own.map(File::from)
        .map_err(|error| unreadable(&Input::Stdin, &error))
}

/// Opens a file; a directory opens too, and is refused here.
pub(super) fn open(path: &Path) -> Result<File, Trouble> {
    let input = Input::File(path.to_owned());
    let file = File::open(path).map_err(|error| unreadable(&input, &error))?;
    match file.metadata() {
        Ok(meta) if meta.is_dir() => {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            Err(unreadable(&input, &error))
        }
        _ => Ok(file),
    }
}

/// An input that cannot be read.
pub(in crate::run) fn unreadable(input: &Input, error: &io::Error) -> Trouble {
    let name = match input {
        Input::File(path) => path.display().to_string(),
        _ => "standard input".to_owned(),
    };
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => Kind::Permission,
        _ => Kind::File,
    };
    let failure = Failure::new(Stage::Local, kind, format!("{name}: {error}"))
        .by(Who::OwnKernel)
        .with_errno(error);
    Error::new("reading the input", failure).into()
}
