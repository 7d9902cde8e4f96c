//! Every exit code, brought about for real.

use crate::support::{Closed, Server, netkit};

/// Answers every question with NXDOMAIN (RFC 1035 §4.1.1: response, code 3).
fn no_such_name(query: &[u8]) -> Option<Vec<u8>> {
    let mut reply = query.get(..12)?.to_vec();
    let question = query.get(12..)?;
    let name = question.iter().position(|byte| *byte == 0)?;
    reply[2..12].copy_from_slice(&[0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]);
    reply.extend(question.get(..name + 5)?);
    Some(reply)
}

#[test]
fn each_kind_of_ending_has_its_status() {
    let (echo, closed, silent) = (Server::echo(), Closed::new(), Server::udp_silent());
    let names = Server::udp(no_such_name);
    let rows = [
        (0, format!("dial {}", echo.addr)),
        (1, format!("dial {}", closed.addr)),
        (2, "dial localhost:99999".to_owned()),
        (3, format!("dial netkit.test:80 --ns {}", names.addr)),
        (
            5,
            format!("dial {} --send a --expect b --shutdown-write", echo.addr),
        ),
        (6, "dial --targets /nonexistent/list".to_owned()),
        (124, format!("dial udp://{} -t 200ms", silent.addr)),
        (124, format!("dial {} --wait 200ms", closed.addr)),
        (
            3,
            format!("dial netkit.test:80 --ns {} --wait 200ms", names.addr),
        ),
        (126, format!("dial {} --wait 5s -- /", echo.addr)),
        (
            127,
            format!("dial {} --wait 5s -- /nonexistent/command", echo.addr),
        ),
    ];
    for (status, line) in rows {
        netkit(&line).run().status(status);
        // Whoever reads JSON gets the same.
        let (line, command) = line.split_once(" -- ").unwrap_or((&line, ""));
        let json = netkit(&format!("{line} --json"));
        let json = if command.is_empty() {
            json
        } else {
            json.arg("--").arg(command)
        };
        json.run().status(status);
    }
}

#[test]
fn a_name_that_does_not_exist_is_said_by_its_server() {
    let names = Server::udp(no_such_name);
    netkit(&format!("dial netkit.test:80 --ns {}", names.addr))
        .run()
        .status(3)
        .says("no such name after")
        .says(&format!("the name server said so: {}", names.addr));
}
