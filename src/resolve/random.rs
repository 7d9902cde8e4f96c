//! Bits that outsiders cannot guess: ids, cookies, letters in either case.
//!
//! The only file that imports the system's generator.

/// Random octets.
///
/// # Panics
///
/// When the operating system has no generator, which Linux always has.
#[must_use]
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the kernel's random generator");
    bytes
}
