//! Taking orders on a Unix socket: a JSON object a line, and one back for each.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netkit::listen::control::{Order, Orders, State};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::args::faults::fault;
use crate::output::json::forward::Reply;

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

/// The socket; its file is removed with it.
pub(super) struct Control {
    path: PathBuf,
}

impl Drop for Control {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens there, for its owner alone. Errs when it cannot, or when somebody else does.
pub(super) fn start(path: &Path) -> io::Result<(Control, Orders)> {
    let listener = bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let (sender, orders) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            // Who hangs up in the middle has had what it wanted.
            tokio::spawn(async move { serve(stream, &sender).await.ok() });
        }
    });
    let path = path.to_owned();
    Ok((Control { path }, orders))
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let left_behind = std::os::unix::net::UnixStream::connect(path)
                .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
            if !left_behind {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        result => result,
    }
}

async fn serve(stream: UnixStream, sender: &Sender) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = tokio::io::AsyncReadExt::take(BufReader::new(reader), MOST as u64);
    let mut line = String::new();
    loop {
        line.clear();
        lines.set_limit(MOST as u64);
        if lines.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let reply = match order(&line) {
            Ok((order, list)) => obey(sender, order, list).await,
            Err(error) => Reply::refusal(error),
        };
        writer.write_all(reply.line().as_bytes()).await?;
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

/// Reads an order, and whether the connections are to be listed.
fn order(line: &str) -> Result<(Order, bool), String> {
    let asked: Asked = serde_json::from_str(line)
        .map_err(|error| format!("{error}: expected {{\"faults\":[…]}} or {{\"list\":true}}"))?;
    let list = asked.list == Some(true);
    let Some(words) = asked.faults else {
        return Ok((Order::Look, list));
    };
    let mut rules = Vec::with_capacity(words.len());
    for word in words {
        let rule = fault(&word).map_err(|error| format!("{word}: {error}"))?;
        if rule.fault.is_for_all() {
            return Err(format!(
                "{word}: strikes before there is a connection: a flag only"
            ));
        }
        rules.push(rule);
    }
    Ok((Order::Faults(rules), list))
}
