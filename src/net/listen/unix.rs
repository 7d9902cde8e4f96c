//! Unix sockets: the file they leave behind, and whether somebody still listens at it.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::super::sys::{self, RawAddr};
use super::refusal::in_use;
use super::{ListenFacts, ListenOptions, Listener, backlog, holder};
use crate::addr::{Network, UnixPath};
use crate::failure::{Failure, Kind, Stage, Who};
use crate::net::classify::describe;

/// Removes the file of a socket when it is dropped, if it is still that socket's.
#[derive(Clone, Debug)]
pub struct Removal {
    path: PathBuf,
    file: (u64, u64),
}

impl Removal {
    fn of(path: &Path) -> Option<Self> {
        let path = path.to_owned();
        let file = identity(&path)?;
        Some(Self { path, file })
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        if identity(&self.path) == Some(self.file) {
            // Who cannot remove it leaves a stale file, which the next start replaces.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

pub(super) fn bind(
    network: Network,
    path: &UnixPath,
    options: &ListenOptions,
) -> Result<Listener, Failure> {
    let asked = format!("{network}:{path}");
    let raw = RawAddr::unix(path).ok_or_else(|| {
        let message = format!("{asked}: the name of a Unix socket has at most 107 bytes");
        Failure::new(Stage::Local, Kind::Invalid, message).by(Who::OwnKernel)
    })?;
    let kind = if network == Network::Unixgram {
        libc::SOCK_DGRAM
    } else {
        libc::SOCK_STREAM
    };
    let failed = |error: io::Error| explain(&asked, path, &error);
    let fd = sys::socket(libc::AF_UNIX, kind, 0).map_err(failed)?;
    match sys::bind(fd.as_fd(), &raw) {
        Err(error) if error.raw_os_error() == Some(libc::EADDRINUSE) => {
            replace_stale(&asked, path, kind, &raw)?;
            sys::bind(fd.as_fd(), &raw).map_err(failed)?;
        }
        result => result.map_err(failed)?,
    }
    let removal = match path {
        UnixPath::File(path) => Removal::of(path),
        UnixPath::Abstract(_) => None,
    };
    let stream = kind == libc::SOCK_STREAM;
    if stream {
        let asked = options.backlog.map_or(i32::MAX, |backlog| {
            i32::try_from(backlog).unwrap_or(i32::MAX)
        });
        sys::listen(fd.as_fd(), asked).map_err(failed)?;
    }
    let facts = ListenFacts {
        local: asked.clone(),
        network,
        ip: None,
        port: None,
        path: Some(path.to_string()),
        both_families: false,
        backlog: stream.then(|| backlog(fd.as_fd(), options)).flatten(),
        inherited: false,
        warnings: Vec::new(),
    };
    Ok(Listener { fd, facts, removal })
}

/// Removes the file of a socket that nobody listens at any more; errs if somebody does, or if it is
/// something else.
fn replace_stale(asked: &str, path: &UnixPath, kind: i32, raw: &RawAddr) -> Result<(), Failure> {
    let UnixPath::File(file) = path else {
        return Err(in_use(asked, holder::of_path(path).as_deref()));
    };
    let is_socket = fs::symlink_metadata(file).is_ok_and(|file| file.file_type().is_socket());
    if !is_socket {
        let message = format!("{asked}: a file of that name exists and is not a socket");
        let failure = Failure::new(Stage::Local, Kind::AddrInUse, message).by(Who::OwnKernel);
        return Err(failure.hint("choose another path, or remove the file yourself"));
    }
    let probe = sys::socket(libc::AF_UNIX, kind, 0);
    let probe = probe.map_err(|error| explain(asked, path, &error))?;
    let refused = |error: &io::Error| error.raw_os_error() == Some(libc::ECONNREFUSED);
    match sys::connect(probe.as_fd(), raw) {
        Err(error) if refused(&error) => {
            fs::remove_file(file).map_err(|error| explain(asked, path, &error))
        }
        _ => Err(in_use(asked, holder::of_path(path).as_deref())),
    }
}

fn explain(asked: &str, path: &UnixPath, error: &io::Error) -> Failure {
    let code = error.raw_os_error().unwrap_or_default();
    let failure = |kind, text: &str| {
        Failure::new(Stage::Local, kind, format!("{asked}: {text}"))
            .by(Who::OwnKernel)
            .with_errno(error)
    };
    match code {
        libc::ENOENT | libc::ENOTDIR => failure(Kind::File, "there is no such directory"),
        libc::EACCES | libc::EPERM => {
            failure(Kind::Permission, "this user may not create a file there")
        }
        libc::EROFS => failure(Kind::File, "the file system is read-only"),
        libc::EADDRINUSE => in_use(asked, holder::of_path(path).as_deref()).with_errno(error),
        code => failure(Kind::LocalError, &describe(code)),
    }
}
