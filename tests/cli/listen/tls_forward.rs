//! A forwarder with TLS on one of its sides: what is said before it, and faults in what is said on it.

use std::io::{Read as _, Write as _};

use super::Served;
use super::tls::{Folder, say, self_signed};
use crate::support::netkit;

#[test]
fn a_proxy_header_goes_before_tls_in_the_clear() {
    for version in ["v1", "v2"] {
        let (mut inner, authority) = self_signed("--accept-proxy-protocol");
        let folder = Folder::new(&format!("proxied-{version}"));
        let line = format!(
            "127.0.0.1:0 --forward tls://127.0.0.1:{} --forward-ca {} --proxy-protocol {version}",
            inner.ports[0],
            folder.write("ca.pem", &authority)
        );
        let mut outer = Served::start(&line, 1);
        let mut client = outer.connect();
        client.write_all(b"hello").unwrap();
        client.read_exact(&mut [0; 5]).unwrap();
        let own = client.local_addr().unwrap().to_string();
        assert_eq!(inner.next_of("proxy")["source"], own);
        let tls = inner.next_of("tls");
        assert_eq!(tls["tls"]["sni"], serde_json::Value::Null, "{tls:#}");
        assert_eq!(tls["tls"]["version"], "1.3", "{tls:#}");
        drop(client);
        let close = outer.next_of("close");
        assert!(close["bytes_up"].as_u64() > Some(5 + 16), "{close:#}");
        assert_eq!(close["bytes_down"], 5, "{close:#}");
    }
}

/// Dials over TLS and says something that must not be heard to its end.
fn hung_up(served: &mut Served, authority: &str, said: &str) {
    let folder = Folder::new("hung-up");
    let line = format!(
        "dial tls://127.0.0.1:{} --ca {} --send {said} --expect more --json",
        served.ports[0],
        folder.write("ca.pem", authority)
    );
    let report = netkit(&line).run().status(1).one();
    assert_eq!(report["failure"]["kind"], "closed_early", "{report:#}");
    while served.next_of("fault")["fault"] != "hang-up-on" {}
    assert_eq!(served.next_of("close")["cause"], "fault");
}

#[test]
fn hanging_up_on_a_text_looks_at_what_is_said_not_at_the_wire() {
    let (mut served, authority) = self_signed("--fault hang-up-on=QUIT");
    hung_up(&mut served, &authority, "xQUITx");
    // One that does not say it is served.
    say(served.ports[0], &authority, None, b"QUI").unwrap();
    let service = Served::start("127.0.0.1:0", 1);
    let line = format!(
        "--fault hang-up-on=QUIT --fault delay=5ms --forward 127.0.0.1:{}",
        service.ports[0]
    );
    let (mut served, authority) = self_signed(&line);
    hung_up(&mut served, &authority, "xQUITx");
}

#[test]
fn hanging_up_on_what_a_service_says_over_tls() {
    let (inner, authority) = self_signed("--greet BYE");
    let folder = Folder::new("bye");
    let line = format!(
        "127.0.0.1:0 --forward tls://127.0.0.1:{} --forward-ca {} --fault up:hang-up-on=BYE",
        inner.ports[0],
        folder.write("ca.pem", &authority)
    );
    let mut outer = Served::start(&line, 1);
    let mut heard = Vec::new();
    let _ = outer.connect().read_to_end(&mut heard);
    assert_eq!(outer.next_of("fault")["fault"], "hang-up-on");
    assert_eq!(outer.next_of("close")["cause"], "fault");
}

#[test]
fn a_service_that_ends_without_ending_tls_has_ended_for_the_client_and_is_told_of() {
    let (inner, authority) = self_signed("--fault fin-after=300ms");
    let folder = Folder::new("cut-service");
    let line = format!(
        "127.0.0.1:0 --forward tls://127.0.0.1:{} --forward-ca {}",
        inner.ports[0],
        folder.write("ca.pem", &authority)
    );
    let mut outer = Served::start(&line, 1);
    let mut client = outer.connect();
    client.write_all(b"hello").unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).expect("no reset");
    assert_eq!(heard, b"hello");
    drop(client);
    let close = outer.next_of("close");
    assert_eq!(close["cause"], "upstream_fin", "{close:#}");
    let told = close["error"].as_str().expect("what was wrong");
    assert!(told.starts_with("the service closed without"), "{told}");
}
