//! XMPP: open a stream, find `starttls` among its features, ask for it (RFC 6120 §5).
//!
//! No XML is parsed: tags are looked for in the text, whose length is bounded.

use super::{Look, Machine, Refusal};

const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

#[derive(Debug)]
pub(super) struct Xmpp {
    host: String,
    asked: bool,
}

impl Xmpp {
    pub(super) fn new(host: &str) -> Self {
        let (host, asked) = (escaped(host), false);
        Self { host, asked }
    }

    fn features(&mut self, text: &str) -> Result<Look, Refusal> {
        let end = ["</stream:features>", "<stream:features/>"]
            .iter()
            .find_map(|tag| text.find(tag).map(|at| at + tag.len()));
        let Some(end) = end else {
            return Ok(Look::More);
        };
        if !text[..end].contains("<starttls") {
            return Err(Refusal::No("it does not offer starttls".to_owned()));
        }
        self.asked = true;
        Ok(Look::Say(end, STARTTLS.into()))
    }
}

impl Machine for Xmpp {
    fn opening(&self) -> Option<Vec<u8>> {
        let stream = format!(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' to='{}' version='1.0'>",
            self.host
        );
        Some(stream.into_bytes())
    }

    fn look(&mut self, came: &[u8]) -> Result<Look, Refusal> {
        // A character that is cut in two is whole the next time.
        let text = match std::str::from_utf8(came) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => return Ok(Look::More),
            Err(_) => return Err(Refusal::Stranger),
        };
        let trimmed = text.trim_start();
        if trimmed.is_empty() {
            return Ok(Look::More);
        }
        if !trimmed.starts_with('<') {
            return Err(Refusal::Stranger);
        }
        if ["<failure", "<stream:error"]
            .iter()
            .any(|tag| text.contains(tag))
        {
            return Err(Refusal::No("it answers with a failure".to_owned()));
        }
        if !self.asked {
            return self.features(text);
        }
        let end = text
            .find("<proceed")
            .and_then(|at| Some(at + text[at..].find('>')? + 1));
        Ok(end.map_or(Look::More, |end| Look::Begin(end, Vec::new())))
    }
}

/// A host name as the value of an attribute.
fn escaped(host: &str) -> String {
    host.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('\'', "&apos;")
}
