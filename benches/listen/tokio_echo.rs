//! The echo server of twenty lines that tokio's own documentation begins with; this program is
//! started again as it.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// `--tokio tcp|udp PORT`.
pub(crate) fn main(words: &[String]) -> io::Result<()> {
    let [mode, port] = words else {
        return Err(io::Error::other("not a server"));
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let addr = format!("127.0.0.1:{port}");
    if mode == "udp" {
        runtime.block_on(datagrams(&addr))
    } else {
        runtime.block_on(streams(&addr))
    }
}

async fn streams(addr: &str) -> io::Result<()> {
    let listener = TcpListener::bind(addr).await?;
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            continue;
        };
        // As in C and Go: without it Nagle's algorithm waits 40 ms for the client's next ACK.
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut buffer = vec![0; 8 << 10];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                if stream.write_all(&buffer[..count]).await.is_err() {
                    break;
                }
            }
        });
    }
}

async fn datagrams(addr: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(addr).await?;
    let mut buffer = vec![0; 65_536];
    loop {
        let (count, peer) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..count], peer).await?;
    }
}
