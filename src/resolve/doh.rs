//! The HTTP half of DNS over HTTPS (RFC 8484): the request for a question, and whether a response
//! holds a message.
//!
//! The only file that imports the crate `http`, whose types HTTP/2 and HTTP/3 share (no test can
//! tell: a module of `listen` has that name). No sockets.

use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, Method, Request, StatusCode, header};

use super::ledger::HttpFacts;
use super::server::GET_TEMPLATE;
use super::upstream::Upstream;

/// The media type of a DNS message (RFC 8484 §6).
const DNS_MESSAGE: &str = "application/dns-message";
/// A message is no longer than its length says over TCP.
pub(super) const MAX_BODY: usize = 65_535;

/// A request, and the body to send after it; `None` for GET.
pub(super) struct Asked {
    pub(super) head: Request<()>,
    pub(super) body: Option<Vec<u8>>,
}

/// Makes the request for a message (RFC 8484 §4.1).
///
/// # Panics
///
/// Never: the parts of a server's address were checked when it was read.
pub(super) fn request(upstream: &Upstream, message: &[u8]) -> Asked {
    let secure = upstream.secure.as_deref();
    let path = secure.map_or("", |secure| secure.path.as_str());
    let (method, path, body) = match path.strip_suffix(GET_TEMPLATE) {
        Some(path) => {
            // A path with a query of its own goes on with it (RFC 6570 §3.2.8 and .9).
            let mark = if path.contains('?') { '&' } else { '?' };
            let dns = BASE64URL_NOPAD.encode(message);
            (Method::GET, format!("{path}{mark}dns={dns}"), None)
        }
        None => (Method::POST, path.to_owned(), Some(message.to_vec())),
    };
    let uri = format!("https://{}{path}", authority(upstream));
    let mut head = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::ACCEPT, DNS_MESSAGE);
    if let Some(body) = &body {
        head = head
            .header(header::CONTENT_TYPE, DNS_MESSAGE)
            .header(header::CONTENT_LENGTH, body.len());
    }
    let head = head.body(()).expect("checked when the server was read");
    Asked { head, body }
}

/// Host and port, the port unless it is that of HTTPS.
fn authority(upstream: &Upstream) -> String {
    let name = upstream
        .secure
        .as_deref()
        .map(|secure| secure.name.as_str());
    let name = name.unwrap_or_default();
    let name = if name.contains(':') {
        format!("[{name}]")
    } else {
        name.to_owned()
    };
    match upstream.addr.port() {
        super::server::HTTPS_PORT => name,
        port => format!("{name}:{port}"),
    }
}

/// What a response says before its body.
pub(super) fn facts(version: &'static str, status: StatusCode, headers: &HeaderMap) -> HttpFacts {
    let text = |name: header::HeaderName| {
        let value = headers.get(name)?;
        Some(value.as_bytes().escape_ascii().to_string())
    };
    HttpFacts {
        version,
        status: status.as_u16(),
        content_type: text(header::CONTENT_TYPE),
        age: text(header::AGE).and_then(|age| age.parse().ok()),
    }
}

/// Whether the body is a DNS message: success (RFC 8484 §4.2.1) and the right type.
pub(super) fn holds_message(facts: &HttpFacts) -> bool {
    let media = facts.content_type.as_deref().unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    (200..300).contains(&facts.status) && media.eq_ignore_ascii_case(DNS_MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::NameServer;

    fn upstream(server: &str) -> Upstream {
        let server: NameServer = server.parse().unwrap();
        Upstream::new(&server, "192.0.2.1:8443".parse().unwrap())
    }

    #[test]
    fn a_question_is_posted_to_the_path() {
        let asked = request(&upstream("https://dns.example/q"), b"abc");
        assert_eq!(asked.head.method(), Method::POST);
        assert_eq!(asked.head.uri(), "https://dns.example:8443/q");
        assert_eq!(asked.head.headers()[header::CONTENT_TYPE], DNS_MESSAGE);
        assert_eq!(asked.body.as_deref(), Some(&b"abc"[..]));
    }

    #[test]
    fn a_template_asks_by_get() {
        let rows = [
            ("https://a/q{?dns}", "https://a:8443/q?dns=__8"),
            ("https://a/q?k=v{?dns}", "https://a:8443/q?k=v&dns=__8"),
        ];
        for (server, uri) in rows {
            let asked = request(&upstream(server), b"\xff\xff");
            assert_eq!(asked.head.method(), Method::GET);
            assert_eq!(asked.head.uri(), uri);
            assert_eq!(asked.body, None);
        }
    }

    #[test]
    fn an_ipv6_authority_has_brackets() {
        let mut server = upstream("https://[2001:db8::1]");
        server.addr.set_port(443);
        let asked = request(&server, b"");
        assert_eq!(asked.head.uri(), "https://[2001:db8::1]/dns-query");
    }

    #[test]
    fn only_success_of_the_right_type_is_a_message() {
        let rows = [
            (200, Some("application/dns-message"), true),
            (200, Some("Application/DNS-message; charset=x"), true),
            (200, Some("text/html"), false),
            (200, None, false),
            (500, Some("application/dns-message"), false),
            (302, Some("application/dns-message"), false),
        ];
        for (status, content_type, expected) in rows {
            let facts = HttpFacts {
                version: "2",
                status,
                content_type: content_type.map(str::to_owned),
                age: None,
            };
            assert_eq!(holds_message(&facts), expected, "{facts:?}");
        }
    }
}
