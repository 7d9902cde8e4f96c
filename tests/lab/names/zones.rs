//! Zones in a folder of the test's own, signed by BIND's or Knot's tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that is removed with the test.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("netkit-lab-names-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("the temporary folder can be written");
        // Name servers may read it as another user.
        let _ = Command::new("chmod").arg("755").arg(&path).status();
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.file(name);
        fs::write(&file, text).expect("the folder can be written");
        file
    }

    /// Runs a program in it that must succeed.
    pub(super) fn run(&self, program: &str, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        let output = command.args(args).current_dir(&self.path).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {said}");
        output
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// How a zone is signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signing<'a> {
    /// An algorithm as `dnssec-keygen` names it.
    pub(super) algorithm: &'a str,
    /// More arguments for `dnssec-signzone`: `-3 -`, `-A`, `-s`, `-e`.
    pub(super) options: &'a [&'a str],
}

impl Signing<'_> {
    pub(super) const PLAIN: Signing<'static> = Signing {
        algorithm: "ECDSAP256SHA256",
        options: &[],
    };
}

/// The text of a zone: SOA, name server, and what is given; `server` is the address of `ns`.
pub(super) fn text(origin: &str, server: &str, records: &str) -> String {
    let at = if origin == "." { "" } else { origin };
    format!(
        "$TTL 300\n$ORIGIN {origin}.\n@ IN SOA ns.{at}. h.{at}. 1 3600 600 86400 300\n@ IN NS ns.{at}.\nns.{at}. IN A {server}\n{records}\n"
    )
    .replace("$ORIGIN ..", "$ORIGIN .")
    .replace("ns..", "ns.")
    .replace("h..", "h.")
}

impl Folder {
    /// Signs a zone with BIND's tools, one record a line, and returns its DS record.
    pub(super) fn sign(&self, origin: &str, zone: &str, signing: Signing<'_>) -> String {
        let plain = format!("{origin}zone.plain");
        self.write(&plain, zone);
        let size = ["-b", "2048"];
        let mut keygen = vec!["-q", "-K", ".", "-a", signing.algorithm, "-f", "KSK"];
        if signing.algorithm.starts_with("RSA") {
            keygen.extend(size);
        }
        keygen.push(origin);
        self.run("dnssec-keygen", &keygen);
        let signed = file(origin);
        let mut args = vec!["-q", "-P", "-S", "-z", "-K", ".", "-d", ".", "-O", "full"];
        args.extend(["-o", origin, "-f", &signed]);
        args.extend(signing.options);
        args.push(&plain);
        self.run("dnssec-signzone", &args);
        let ds = format!("dsset-{}.", origin.trim_end_matches('.'));
        fs::read_to_string(self.file(&ds)).expect("the signer writes the DS record")
    }

    /// Keeps the lines of a zone's file that are wanted, changed as wanted.
    pub(super) fn edit(&self, origin: &str, edit: impl Fn(&str) -> Option<String>) {
        let name = file(origin);
        let before = fs::read_to_string(self.file(&name)).expect("the zone was written");
        let after: Vec<_> = before.lines().filter_map(edit).collect();
        assert_ne!(
            before.lines().collect::<Vec<_>>(),
            after,
            "{origin}: nothing was changed"
        );
        self.write(&name, &(after.join("\n") + "\n"));
    }
}

/// The name of the file that a server loads.
pub(super) fn file(origin: &str) -> String {
    format!("{origin}zone")
}
