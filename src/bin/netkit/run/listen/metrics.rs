//! Answering scrapes: the least of HTTP, on a listener of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::lock;

/// A scraper has so long to ask and to listen.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest request that is read.
const MOST: usize = 8 << 10;
/// Scrapers at once; more wait in the backlog.
const AT_ONCE: usize = 16;

/// What was counted at the last look, as text.
pub(super) type Page = Arc<Mutex<String>>;

/// Listens for scrapers and answers each with the page as it is then. Returns where it listens.
///
/// Errs when it cannot listen there. Runs until the runtime ends.
pub(super) async fn start(addr: SocketAddr, page: Page) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(addr).await?;
    let local = listener.local_addr()?;
    tokio::spawn(async move {
        let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let page = Arc::clone(&page);
                    tokio::spawn(async move {
                        // Who does not ask properly gets no answer.
                        let _ = tokio::time::timeout(PATIENCE, answer(stream, &page)).await;
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

async fn answer(mut stream: TcpStream, page: &Page) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut piece = [0; 1_024];
        let count = stream.read(&mut piece).await?;
        if count == 0 || request.len() > MOST {
            return Ok(());
        }
        request.extend_from_slice(&piece[..count]);
    }
    let wanted = request.starts_with(b"GET / ") || request.starts_with(b"GET /metrics ");
    let (status, text) = if wanted {
        ("200 OK", lock(page).clone())
    } else {
        ("404 Not Found", "the numbers are at /metrics\n".to_owned())
    };
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/openmetrics-text; version=1.0.0; \
         charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}
