//! Taking orders on a Unix socket: a JSON object a line, and one back for each.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use netkit::addr::{Network, UnixPath};
use netkit::error::Error;
use netkit::failure::{Failure, Kind, Stage};
use netkit::listen::control::{Order, Orders, State};
use netkit::net::listen::{self, BindAddr, ListenOptions, Listener, Removal};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::super::Trouble;
use crate::args::faults::fault;
use crate::output::json::forward::Reply;

/// What an order looks like.
const EXPECTED: &str = "expected {\"faults\":[…]} or {\"list\":true}";
/// What fails when it cannot.
const TAKING: &str = "taking orders (--control)";
/// The longest order that is read.
const MOST: usize = 64 << 10;
/// Orders that may wait.
const WAITING: usize = 16;

type Sender = mpsc::Sender<(Order, oneshot::Sender<State>)>;

/// What is asked; one of the two.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    faults: Option<Vec<String>>,
    list: Option<bool>,
}

/// What the server listens for: faults that strike nothing are refused.
#[derive(Clone, Copy, Debug)]
struct Kinds {
    connections: bool,
    datagrams: bool,
}

/// Listens there, for its owner alone; the file goes with what is returned. Errs when it cannot, or when
/// somebody else does.
pub(super) fn start(
    path: &Path,
    listeners: &[Listener],
) -> Result<(Option<Removal>, Orders), Trouble> {
    let (listener, removal) = bind(path)?;
    let is_datagram = |listener: &Listener| listener.transport().is_datagram();
    let kinds = Kinds {
        connections: !listeners.iter().all(is_datagram),
        datagrams: listeners.iter().any(is_datagram),
    };
    let (sender, orders) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            // Who hangs up in the middle has had what it wanted.
            tokio::spawn(async move { serve(stream, &sender, kinds).await.ok() });
        }
    });
    Ok((removal, orders))
}

fn bind(path: &Path) -> Result<(UnixListener, Option<Removal>), Trouble> {
    let failed = |failure| Trouble::from(Error::new(TAKING, failure));
    let local = |error: io::Error| {
        let message = format!("unix:{}: {error}", path.display());
        failed(Failure::new(Stage::Local, Kind::LocalError, message).with_errno(&error))
    };
    let addr = BindAddr::Unix {
        network: Network::Unix,
        path: UnixPath::File(path.to_owned()),
    };
    let bound = listen::bind(&addr, &ListenOptions::default()).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(local)?;
    let (listener, removal) = bound
        .into_unix()
        .ok_or_else(|| local(io::ErrorKind::Unsupported.into()))?;
    Ok((UnixListener::from_std(listener).map_err(local)?, removal))
}

async fn serve(stream: UnixStream, sender: &Sender, kinds: Kinds) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = tokio::io::AsyncReadExt::take(BufReader::new(reader), MOST as u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        lines.set_limit(MOST as u64);
        if lines.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let reply = if line.len() == MOST && !line.ends_with(b"\n") {
            pass_over(&mut lines, &mut line).await?;
            Reply::refusal(format!("an order is no longer than {MOST} bytes"))
        } else {
            match order(&line, kinds) {
                Ok((order, list)) => obey(sender, order, list).await,
                Err(error) => Reply::refusal(error),
            }
        };
        writer.write_all(reply.line().as_bytes()).await?;
    }
}

/// Reads up to the end of a line that is too long; its beginning is forgotten.
async fn pass_over(
    lines: &mut tokio::io::Take<BufReader<tokio::net::unix::OwnedReadHalf>>,
    line: &mut Vec<u8>,
) -> io::Result<()> {
    loop {
        line.clear();
        lines.set_limit(MOST as u64);
        if lines.read_until(b'\n', line).await? == 0 || line.ends_with(b"\n") {
            return Ok(());
        }
    }
}

async fn obey(sender: &Sender, order: Order, list: bool) -> Reply {
    let (reply, answered) = oneshot::channel();
    if sender.send((order, reply)).await.is_err() {
        return Reply::refusal("the server is at its end".to_owned());
    }
    match answered.await {
        Ok(state) => Reply::new(&state, list),
        Err(_) => Reply::refusal("the server is at its end".to_owned()),
    }
}

fn asked(line: &[u8]) -> Result<Asked, String> {
    if line.trim_ascii().is_empty() {
        return Err(format!("an empty line: {EXPECTED}"));
    }
    let value: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| format!("not JSON ({error}): {EXPECTED}"))?;
    if !value.is_object() {
        return Err(format!("not an object: {EXPECTED}"));
    }
    serde_json::from_value(value).map_err(|error| format!("{error}: {EXPECTED}"))
}

/// Reads an order, and whether the connections are to be listed.
fn order(line: &[u8], kinds: Kinds) -> Result<(Order, bool), String> {
    let asked = asked(line)?;
    let list = asked.list == Some(true);
    let Some(words) = asked.faults else {
        return if list {
            Ok((Order::Look, list))
        } else {
            Err(format!("nothing is asked for: {EXPECTED}"))
        };
    };
    let mut rules = Vec::with_capacity(words.len());
    for word in words {
        let rule = fault(&word).map_err(|error| format!("{word}: {error}"))?;
        if rule.fault.is_for_all() {
            return Err(format!(
                "{word}: strikes before there is a connection: a flag only"
            ));
        }
        let strikes = kinds.connections && rule.fault.fits_streams()
            || kinds.datagrams && rule.fault.fits_datagrams();
        if !strikes {
            let what = if rule.fault.fits_streams() {
                "connections"
            } else {
                "datagrams"
            };
            return Err(format!("{word}: none of the addresses has {what}"));
        }
        rules.push(rule);
    }
    Ok((Order::Faults(rules), list))
}
