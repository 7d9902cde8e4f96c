//! Mirrors in every state: well, slow, resetting, dead.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Where a mirror is.
pub(crate) struct Shadow {
    pub(crate) name: &'static str,
    pub(crate) addr: SocketAddr,
    /// What is dead, slow or resets changes nothing; one that works costs a second copy of each byte.
    pub(crate) must_not_be_noticed: bool,
}

impl Shadow {
    /// Starts one of each kind.
    pub(crate) fn start_all() -> io::Result<Vec<Self>> {
        let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let all = [
            ("a mirror that is dead", dead, true),
            (
                "a mirror that reads nothing",
                served(|_| thread::park())?,
                true,
            ),
            ("a mirror that resets", served(resets)?, true),
            ("a mirror that reads", served(reads)?, false),
        ];
        let shadow = |(name, addr, must_not_be_noticed)| Self {
            name,
            addr,
            must_not_be_noticed,
        };
        Ok(all.map(shadow).into())
    }
}

/// Serves each connection on a thread of its own.
fn served(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    Ok(addr)
}

/// A close with bytes unread is a reset.
fn resets(mut stream: TcpStream) {
    let _ = stream.read(&mut [0]);
}

fn reads(mut stream: TcpStream) {
    let mut buffer = vec![0; 256 << 10];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}
