//! A call of gRPC whose answer is a stream of messages, over HTTP/2 without TLS: as much of it as the
//! Workload API needs.
//!
//! By hand, because one call is all there is; it knows nothing of what the messages say.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::net::http2::{self, RecvStream, SendRequest};

/// The longest message that is taken, as in the libraries of gRPC.
const LONGEST: usize = 4 << 20;
/// The flag and the length before each message.
const PREFIX: usize = 5;
/// A message without fields.
const EMPTY: &[u8] = &[0; PREFIX];

/// A byte stream to whoever answers.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why a call gives nothing more.
#[derive(Debug)]
pub(super) enum Broken {
    /// HTTP/2 itself failed, or nobody there speaks it.
    Http2(http2::Error),
    /// What answers is no service of gRPC; in words.
    NotGrpc(String),
    /// The service said no, by a number and perhaps a word.
    Status(u32, String),
    /// The service ended the stream, or the connection did.
    Ended,
    /// A message that cannot be taken; in words.
    Message(&'static str),
}

impl From<http2::Error> for Broken {
    fn from(error: http2::Error) -> Self {
        Self::Http2(error)
    }
}

/// A call under way.
pub(super) struct Call {
    driver: Driver,
    /// The connection ends without one.
    _sender: SendRequest<Bytes>,
    body: RecvStream,
    /// What has come of the next message.
    come: Vec<u8>,
}

impl Call {
    /// Calls `path` with an empty message and one pair of metadata. Cancel safe: dropping the future drops the connection.
    pub(super) async fn begin(
        stream: Box<dyn Stream>,
        path: &str,
        metadata: (&str, &str),
    ) -> Result<Self, Broken> {
        let (sender, connection) = http2::begin(stream).await?;
        let mut driver = Driver(Some(Box::pin(connection)));
        let request = request(path, metadata)?;
        let ask = async {
            let mut sender = sender.ready().await?;
            let (response, mut body) = sender.send_request(request, false)?;
            body.send_data(Bytes::from_static(EMPTY), true)?;
            Ok::<_, Broken>((sender, response.await?))
        };
        let (sender, response) = driver.along(ask).await?;
        check(&response)?;
        Ok(Self {
            driver,
            _sender: sender,
            body: response.into_body(),
            come: Vec::new(),
        })
    }

    /// Waits for the next message. Cancel safe: what has come stays.
    pub(super) async fn message(&mut self) -> Result<Vec<u8>, Broken> {
        loop {
            if let Some(message) = taken(&mut self.come)? {
                return Ok(message);
            }
            let body = &mut self.body;
            let Some(part) = self.driver.along(body.data()).await else {
                return Err(self.ended().await);
            };
            let part = part?;
            self.come.extend_from_slice(&part);
            // A window that is not given back stops the service; an error shows up as the next part.
            let _ = self.body.flow_control().release_capacity(part.len());
        }
    }

    /// What the service says about the end.
    async fn ended(&mut self) -> Broken {
        let body = &mut self.body;
        match self.driver.along(body.trailers()).await {
            Ok(Some(trailers)) => status(&trailers).unwrap_or(Broken::Ended),
            Ok(None) => Broken::Ended,
            Err(error) => error.into(),
        }
    }
}

/// Moves the frames while something is waited for.
struct Driver(Option<Pin<Box<Connection>>>);

type Connection = http2::Connection<Box<dyn Stream>>;

impl Driver {
    async fn along<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| {
            // Whoever waits hears the error of the connection from its own stream.
            if let Some(connection) = &mut self.0
                && connection.as_mut().poll(cx).is_ready()
            {
                self.0 = None;
            }
            future.as_mut().poll(cx)
        })
        .await
    }
}

fn request(path: &str, metadata: (&str, &str)) -> Result<Request<()>, Broken> {
    let request = Request::post(format!("http://localhost{path}"))
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .header(metadata.0, metadata.1);
    let wrong = |error: http::Error| Broken::NotGrpc(error.to_string());
    request.body(()).map_err(wrong)
}

/// Whether a service of gRPC answers, and has not said no already.
fn check(response: &Response<RecvStream>) -> Result<(), Broken> {
    let headers = response.headers();
    if response.status() != StatusCode::OK {
        return Err(Broken::NotGrpc(format!(
            "HTTP status {}",
            response.status()
        )));
    }
    let kind = headers.get("content-type").map(http::HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) {
        return Err(Broken::NotGrpc("its answer is not gRPC".to_owned()));
    }
    // Without a message, the trailers are all there is, and come as headers.
    status(headers).map_or(Ok(()), Err)
}

/// What a service says in the end, if it does.
fn status(headers: &HeaderMap) -> Option<Broken> {
    let code = headers.get("grpc-status")?.to_str().ok()?.parse().ok()?;
    if code == 0 {
        return Some(Broken::Ended);
    }
    let message = headers.get("grpc-message");
    let message = message.map_or_else(String::new, |text| unescaped(text.as_bytes()));
    Some(Broken::Status(code, message))
}

/// The text of a status: percent-encoded UTF-8.
fn unescaped(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = match byte {
            Some(_) => &after[2..],
            None => after,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Takes the first message out of what has come, if it is whole.
fn taken(come: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Broken> {
    let Some((&prefix, rest)) = come.split_first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    let [compressed, length @ ..] = prefix;
    if compressed != 0 {
        return Err(Broken::Message("it is compressed, which nobody asked for"));
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(Broken::Message("it is longer than 4 MiB"));
    }
    if rest.len() < length {
        return Ok(None);
    }
    let rest = come.split_off(PREFIX + length);
    let message = std::mem::replace(come, rest).split_off(PREFIX);
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_whole_and_one_after_the_other() {
        let mut come = Vec::new();
        let sent = [0, 0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1];
        let mut messages = Vec::new();
        for byte in sent {
            come.push(byte);
            messages.extend(taken(&mut come).expect("plain messages"));
        }
        assert_eq!(messages, [vec![7, 8], vec![]]);
        assert_eq!(come, [0, 0, 0, 0, 9, 1]);
        assert!(taken(&mut vec![1, 0, 0, 0, 0]).is_err(), "compressed");
        assert!(taken(&mut vec![0, 0xff, 0, 0, 0]).is_err(), "too long");
    }

    #[test]
    fn a_status_is_read_with_its_words() {
        let mut headers = HeaderMap::new();
        assert!(status(&headers).is_none());
        headers.insert("grpc-status", "7".parse().expect("ASCII"));
        headers.insert("grpc-message", "no%20entry 5%".parse().expect("ASCII"));
        let Some(Broken::Status(7, words)) = status(&headers) else {
            panic!("{headers:?}");
        };
        assert_eq!(words, "no entry 5%");
        headers.insert("grpc-status", "0".parse().expect("ASCII"));
        assert!(matches!(status(&headers), Some(Broken::Ended)));
    }
}
