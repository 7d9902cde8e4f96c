//! The Workload API of SPIFFE: identities as they come, and every way in which none does.

use std::time::Duration;

use netkit::deadline::Deadline;
use netkit::failure::{Failure, Kind, Stage};
use netkit::net::tls::workload::{News, Subscription, follow};
use netkit::net::tls::{SvidChoice, WorkloadEndpoint, WorkloadIdentity};

use crate::tls_server::{Authority, Folder, uri};
use crate::workload::{Agent, Say, field, framed, identity, response, svid};

const ID: &str = "spiffe://td.example/web";

async fn open(agent: &Agent, limit: Duration) -> Result<(WorkloadIdentity, Subscription), Failure> {
    let endpoint: WorkloadEndpoint = agent.address().parse().expect("a path");
    Subscription::open(&endpoint, &SvidChoice::First, &Deadline::after(limit)).await
}

/// Long enough for whatever comes at once.
const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_identity_comes_with_its_authorities_and_is_followed() {
    let (folder, authority) = (Folder::new("api"), Authority::new("Root"));
    let other = Authority::new("Other Root");
    let first = response(ID, &svid(&authority, ID), &authority, &[]);
    let agent = Agent::start(folder.path(), Say::Message(first));
    let (identity, mut subscription) = open(&agent, LONG).await.expect("an identity");
    assert_eq!(identity.id().to_string(), ID);
    let facts = identity.facts();
    assert_eq!(facts.trust_domains, ["td.example"]);
    assert_eq!(facts.not_after.as_deref(), Some("2099-01-01T00:00:00Z"));
    assert_eq!(facts.svids, 1);
    let federated = [("spiffe://other.example", &other)];
    let second = response(ID, &svid(&authority, ID), &authority, &federated);
    agent.say(Say::Message(second));
    let next = subscription.next().await.expect("the next one");
    assert_ne!(next.facts().serial, facts.serial);
    assert_eq!(next.facts().trust_domains, ["other.example", "td.example"]);
    assert_eq!(agent.asked(), 1, "one call");
    let shown = format!("{next:?} {subscription:?}");
    assert!(!shown.contains("PrivateKey"), "{shown}");
}

#[tokio::test]
async fn a_message_may_come_in_pieces_and_hold_what_is_not_known() {
    let (folder, authority) = (Folder::new("api-pieces"), Authority::new("Root"));
    let mut message = response(ID, &svid(&authority, ID), &authority, &[]);
    message.extend(field(9, b"of a later version"));
    message.extend(field(
        1,
        &identity("spiffe://td.example/second", b"", b"", b""),
    ));
    let body = framed(&message);
    let (begin, end) = body.split_at(body.len() / 2);
    let agent = Agent::start(folder.path(), Say::Body(begin.to_vec()));
    let rest = async {
        // The first half has come when it was asked.
        while agent.asked() == 0 {
            tokio::task::yield_now().await;
        }
        agent.say(Say::Body(end.to_vec()));
    };
    let (opened, ()) = tokio::join!(open(&agent, LONG), rest);
    assert_eq!(opened.expect("an identity").0.facts().svids, 2);
}

/// What an agent says, how long it is listened to, and what that is.
type Row = (Say, (Duration, Kind), &'static str);

const OWN: (Duration, Kind) = (LONG, Kind::WorkloadApi);

/// Agents that give nothing.
fn refusals() -> Vec<Row> {
    let none = (LONG, Kind::NoIdentity);
    let late = (Duration::from_millis(300), Kind::Timeout);
    let http1 = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let not_an_api = "not a Workload API";
    vec![
        (
            Say::Status(7, "no identity issued"),
            none,
            "no identity issued",
        ),
        (Say::Status(14, "busy"), OWN, "code 14"),
        (Say::Status(12, ""), OWN, not_an_api),
        (Say::Http(404), OWN, "not a Workload API: HTTP status 404"),
        (Say::Bytes(http1), OWN, not_an_api),
        (Say::Bytes(b"SSH-2.0-x\r\nwith more bytes"), OWN, not_an_api),
        (Say::Close, OWN, "closed the connection"),
        (Say::Nothing, late, "did not answer in time"),
        (Say::Body(vec![0, 0, 0]), late, "did not answer in time"),
        (Say::Body(vec![1, 0, 0, 0, 0]), OWN, "compressed"),
        (Say::Body(vec![0, 255, 0, 0, 0]), OWN, "longer than 4 MiB"),
        (
            Say::Body(framed(&[0x0a, 9])),
            OWN,
            "longer than what was sent",
        ),
        (Say::Message(Vec::new()), OWN, "holds no identity"),
    ]
}

/// Agents that give what cannot be used.
fn malformed() -> Vec<Row> {
    let authority = Authority::new("Root");
    let leaf = svid(&authority, ID);
    let (chain, key) = (leaf.chain[0].to_vec(), leaf.key.serialize_der());
    let root = authority.der();
    let strange = svid(&authority, "spiffe://td.example/other").chain[0].to_vec();
    let two = authority.leaf(&[], |params| {
        params.subject_alt_names = vec![uri(ID), uri("spiffe://td.example/b")];
    });
    let of = |id: &str, chain: &[u8], key: &[u8], bundle: &[u8], words| {
        let say = Say::Message(field(1, &identity(id, chain, key, bundle)));
        (say, OWN, words)
    };
    let foreign = two.key.serialize_der();
    vec![
        of("td.example/web", &chain, &key, &root, "no SPIFFE ID"),
        of(ID, b"junk", &key, &root, "cannot be read"),
        of(ID, b"", &key, &root, "cannot be read"),
        of(ID, &strange, &key, &root, "spiffe://td.example/other"),
        of(ID, &two.chain[0], &key, &root, "2 URIs"),
        of(ID, &root, &key, &root, "authority"),
        of(ID, &chain, b"junk", &root, "key"),
        of(ID, &chain, &foreign, &root, "does not fit"),
        of(ID, &chain, &key, b"", "no authority of td.example"),
        of(ID, &chain, &key, b"junk", "authorities of td.example"),
    ]
}

#[tokio::test]
async fn every_way_to_get_none_has_its_kind_and_its_words() {
    let folder = Folder::new("api-none");
    for (say, (limit, kind), words) in refusals().into_iter().chain(malformed()) {
        let agent = Agent::start(folder.path(), say.clone());
        let failure = open(&agent, limit).await.map(|_| ()).unwrap_err();
        assert_eq!(
            (failure.stage, failure.kind),
            (Stage::Local, kind),
            "{say:?}: {failure:#?}"
        );
        assert!(failure.message.contains(words), "{say:?}: {failure}");
        assert!(failure.message.contains("agent.sock"), "{failure}");
        assert!(failure.hint.is_some(), "{failure:#?}");
    }
}

#[tokio::test]
async fn without_a_socket_it_is_said_what_is_missing() {
    let folder = Folder::new("api-socket");
    let stale = {
        let agent = Agent::start(folder.path(), Say::Nothing);
        agent.path().to_owned()
    };
    let nowhere = folder.path().join("nowhere");
    for (path, kind) in [(nowhere, Kind::File), (stale, Kind::WorkloadApi)] {
        let endpoint = WorkloadEndpoint::Unix(path);
        let opened =
            Subscription::open(&endpoint, &SvidChoice::First, &Deadline::after(LONG)).await;
        let failure = opened.map(|_| ()).unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.errno.is_some() && failure.hint.is_some());
    }
}

#[tokio::test]
async fn a_lost_stream_is_asked_for_again() {
    let (folder, authority) = (Folder::new("api-lost"), Authority::new("Root"));
    let message = response(ID, &svid(&authority, ID), &authority, &[]);
    let agent = Agent::start(folder.path(), Say::Message(message.clone()));
    let (_, subscription) = open(&agent, LONG).await.expect("an identity");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let following = tokio::spawn(follow(subscription, move |news| {
        let _ = tell.send(news);
    }));
    agent.say(Say::Status(14, "going down"));
    for _ in 0..2 {
        // It is asked again, and refuses again.
        let Some(News::Lost { failure, retry_in }) = told.recv().await else {
            panic!("a loss");
        };
        assert!(failure.message.contains("going down"), "{failure}");
        assert!(retry_in >= Duration::from_millis(200));
    }
    let fresh = response(ID, &svid(&authority, ID), &authority, &[]);
    agent.say(Say::Message(fresh));
    loop {
        match told.recv().await {
            Some(News::Lost { .. }) => {}
            Some(News::Identity(identity)) => break assert_eq!(identity.id().to_string(), ID),
            other => panic!("{other:?}"),
        }
    }
    following.abort();
}
