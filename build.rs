//! How the binary is linked.
//!
//! Most of what one `netkit dial` costs is starting the process, so two things are done about it on
//! Linux with glibc, and neither gives up the random load address.
//!
//! The C library is linked in (`-static-pie`): finding, mapping and relocating three shared
//! libraries costs a third of the whole run, and grows with none of what netkit does. Nothing of it
//! needs a shared glibc at run time: names are resolved by our own code, not by `getaddrinfo`. Rust
//! has a switch for that (`-C target-feature=+crt-static`), but it cannot be given in a package: it
//! would reach the procedural macros too. So the three names that Rust links by (`-lc`, `-lm`,
//! `-lgcc_s`) are made to mean the archives. Where those are missing (Debian has them in
//! `libc6-dev`, Fedora in `glibc-static`), in a cross build, or with `NETKIT_LINK=shared`, the
//! binary is linked as usual.
//!
//! Some 17,000 pointers in tables and messages have to be relocated at the start, 24 bytes each.
//! Packed (`DT_RELR`) they take 5 KiB instead of 400. glibc reads that since 2.36 (2022), so it is
//! asked for only where the machine that builds has such a one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

const GLIBC_READS_RELR: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=NETKIT_LINK");
    // A cross build says nothing about the glibc that the binary will meet.
    let native = variable("HOST") == variable("TARGET");
    let Some(version) = glibc().filter(|_| native && variable("CARGO_CFG_TARGET_ENV") == "gnu")
    else {
        return;
    };
    if version >= GLIBC_READS_RELR {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if variable("NETKIT_LINK") != "shared"
        && let Some(archives) = Archives::find()
        && let Ok(folder) = archives.stand_in()
    {
        println!("cargo::rustc-link-arg-bins=-static-pie");
        println!("cargo::rustc-link-arg-bins=-L{}", folder.display());
    }
}

fn variable(key: &str) -> String {
    env::var(key).unwrap_or_default()
}

/// What takes the place of the shared libraries.
struct Archives {
    c: PathBuf,
    math: PathBuf,
    unwind: PathBuf,
}

impl Archives {
    /// Asks the linker's driver; `None` if it does not have all of them, or the object that starts a
    /// static program at a random address.
    fn find() -> Option<Self> {
        let driver = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
        let find = |name: &str| {
            let output = Command::new(&driver)
                .arg(format!("-print-file-name={name}"))
                .output()
                .ok()?;
            // What is not found comes back as it was asked.
            let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
            path.is_absolute().then_some(path)
        };
        find("rcrt1.o")?;
        Some(Self {
            c: find("libc.a")?,
            math: find("libm.a")?,
            unwind: find("libgcc_eh.a")?,
        })
    }

    /// Writes scripts for the linker that stand for the shared libraries; returns their folder.
    fn stand_in(&self) -> io::Result<PathBuf> {
        let folder = Path::new(&variable("OUT_DIR")).join("static");
        fs::create_dir_all(&folder)?;
        for (name, archive) in [
            ("libc.so", &self.c),
            ("libm.so", &self.math),
            ("libgcc_s.so", &self.unwind),
        ] {
            // A group, because each needs something of the other.
            let (archive, c) = (archive.display(), self.c.display());
            fs::write(folder.join(name), format!("GROUP({archive} {c})\n"))?;
        }
        Ok(folder)
    }
}

/// The version of this machine's glibc, if that is what it has.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf")
        .arg("GNU_LIBC_VERSION")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
