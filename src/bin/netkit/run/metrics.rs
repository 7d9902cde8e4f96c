//! Answering scrapes: the least of HTTP, on a listener of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use netkit::error::Error;
use netkit::net::listen::refusal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::messages;

/// A scraper has so long to ask and to listen.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest request that is read.
const MOST: usize = 8 << 10;
/// Scrapers at once; more wait in the backlog.
const AT_ONCE: usize = 16;

/// Where to send the page that a scraper waits for.
pub(super) type Reply = oneshot::Sender<String>;

/// Where whoever counts is asked for the text.
pub(super) type Asks = mpsc::Sender<Reply>;

/// The text as it is now; `None` when whoever counts has ended.
async fn text(asks: &Asks) -> Option<String> {
    let (reply, text) = oneshot::channel();
    asks.send(reply).await.ok()?;
    text.await.ok()
}

/// Listens for scrapers, says where, and answers each with the text as it is then.
///
/// Errs when it cannot listen there. Runs until the runtime ends.
pub(super) async fn start(addr: SocketAddr, asks: Asks) -> Result<SocketAddr, Error> {
    let local = bind(addr, asks)
        .await
        .map_err(|error| Error::new("listening for scrapes", refusal(addr, &error)))?;
    messages::say(&format!("metrics at http://{local}/metrics"));
    Ok(local)
}

async fn bind(addr: SocketAddr, asks: Asks) -> io::Result<SocketAddr> {
    let listener = match TcpListener::bind(addr).await {
        // All addresses of a machine without IPv6 are those of IPv4.
        Err(error)
            if addr.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
                && error.kind() != io::ErrorKind::AddrInUse =>
        {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, addr.port())).await?
        }
        bound => bound?,
    };
    let local = listener.local_addr()?;
    tokio::spawn(async move {
        let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let asks = asks.clone();
                    tokio::spawn(async move {
                        // Who does not ask properly gets no answer.
                        let _ = tokio::time::timeout(PATIENCE, answer(stream, &asks)).await;
                        drop(place);
                    });
                }
                // No descriptor is left: those in use are given back some time.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
    Ok(local)
}

async fn answer(mut stream: TcpStream, asks: &Asks) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut piece = [0; 1_024];
        let count = stream.read(&mut piece).await?;
        if count == 0 || request.len() > MOST {
            return Ok(());
        }
        request.extend_from_slice(&piece[..count]);
    }
    let is_head = request.starts_with(b"HEAD ");
    let path = request.split(|byte| *byte == b' ').nth(1);
    let (status, text) = if !matches!(path, Some(b"/" | b"/metrics")) {
        ("404 Not Found", "the numbers are at /metrics\n".to_owned())
    } else if is_head || request.starts_with(b"GET ") {
        match self::text(asks).await {
            Some(text) => ("200 OK", text),
            None => return Ok(()),
        }
    } else {
        // RFC 9110 section 15.5.6: says what is allowed.
        (
            "405 Method Not Allowed\r\nAllow: GET, HEAD",
            "the numbers are read only\n".to_owned(),
        )
    };
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/openmetrics-text; version=1.0.0; \
         charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    // RFC 9110 section 9.3.2: the same, without the content.
    if !is_head {
        stream.write_all(text.as_bytes()).await?;
    }
    stream.shutdown().await
}
