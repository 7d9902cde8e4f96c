//! Files of addresses for `parse_addr`: the same in every run, written line by line, gone at the
//! end.
//!
//! Separate from the measuring because what stands in a file decides what is measured: addresses
//! are spread over the whole family, one in eight falls into the network that is looked for, and the
//! logs hold what logs hold, times and versions that look like addresses among them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

/// The network that one line in eight falls into.
pub(crate) const ONE_IPV4: &str = "10.0.0.0/8";
/// And on IPv6.
pub(crate) const ONE_IPV6: &str = "2001:db8::/32";

/// A folder of its own, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("netkit-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Writes a file of `count` lines.
    pub(crate) fn file(&self, kind: Kind, count: usize) -> io::Result<PathBuf> {
        self.write(&format!("{}-{count}", kind.name()), |out, random| {
            (0..count).try_for_each(|_| kind.line(out, random))
        })
    }

    /// Writes a file of `count` networks, half of them of each family, spread as the addresses are.
    pub(crate) fn networks(&self, count: usize) -> io::Result<PathBuf> {
        self.write("networks", |out, random| {
            (0..count / 2).try_for_each(|_| {
                let v4 = Ipv4Addr::from(ipv4(random) & !0xff);
                let v6 = Ipv6Addr::from(ipv6(random) & !(u128::MAX >> 48));
                writeln!(out, "{v4}/24\n{v6}/48")
            })
        })
    }

    fn write(
        &self,
        name: &str,
        content: impl Fn(&mut BufWriter<File>, &mut Random) -> io::Result<()>,
    ) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        // Files of one run differ, those of two runs do not.
        let seed = name.bytes().fold(0x9e37_79b9_7f4a_7c15, |seed: u64, byte| {
            seed.rotate_left(7) ^ u64::from(byte)
        });
        content(&mut out, &mut Random(seed))?;
        out.flush()?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing is left to do with a folder that cannot be removed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the lines of a file are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Ipv4,
    Ipv6,
    /// Both, in no order.
    Mixed,
    /// A web server's access log.
    Log,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Ipv4, Self::Ipv6, Self::Mixed, Self::Log];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Mixed => "mixed",
            Self::Log => "logs",
        }
    }

    fn line(self, out: &mut impl Write, random: &mut Random) -> io::Result<()> {
        match self {
            Self::Ipv4 => writeln!(out, "{}", Ipv4Addr::from(ipv4(random))),
            Self::Ipv6 => writeln!(out, "{}", Ipv6Addr::from(ipv6(random))),
            Self::Mixed if random.next().is_multiple_of(2) => Self::Ipv4.line(out, random),
            Self::Mixed => Self::Ipv6.line(out, random),
            Self::Log => log(out, random),
        }
    }
}

fn log(out: &mut impl Write, random: &mut Random) -> io::Result<()> {
    const PAGES: [&str; 4] = ["/", "/feed.xml", "/assets/app.3f9c2b.js", "/api/v2/beds/17"];
    const AGENTS: [&str; 3] = [
        "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.6478.126 Safari/537.36",
        "curl/8.5.0",
        "feedreader/1.2 (+https://example.com/about)",
    ];
    if random.next().is_multiple_of(4) {
        write!(out, "{}", Ipv6Addr::from(ipv6(random)))?;
    } else {
        write!(out, "{}", Ipv4Addr::from(ipv4(random)))?;
    }
    let number = random.next();
    let pick =
        |shift: u32, count: usize| usize::try_from(number >> shift & 0xff).unwrap_or(0) % count;
    writeln!(
        out,
        " - - [{:02}/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET {} HTTP/1.1\" {} {} \"-\" \"{}\"",
        pick(0, 30) + 1,
        pick(8, 24),
        pick(16, 60),
        pick(24, 60),
        PAGES[pick(32, PAGES.len())],
        [200, 304, 404][pick(40, 3)],
        number >> 48,
        AGENTS[pick(44, AGENTS.len())],
    )
}

/// Spread over all of IPv4, one in eight in [`ONE_IPV4`].
fn ipv4(random: &mut Random) -> u32 {
    let bits = random.low();
    if random.next().is_multiple_of(8) {
        10 << 24 | bits >> 8
    } else {
        bits
    }
}

/// In `2000::/3`, half of them with zeros to leave out, one in eight in [`ONE_IPV6`].
fn ipv6(random: &mut Random) -> u128 {
    let (high, low) = (u128::from(random.next()), u128::from(random.next()));
    let how = random.next();
    let host = if how & 8 == 0 { low } else { low & 0xffff };
    let network = if how.is_multiple_of(8) {
        0x2001_0db8 << 32 | high & 0xffff_ffff
    } else {
        0x2000_0000_0000_0000 | high >> 3
    };
    network << 64 | host
}

/// splitmix64: the same numbers in every run, without a crate.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn low(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }
}
