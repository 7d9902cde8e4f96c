//! The library through fakes and paused time, and the rules of its sources.

#[path = "../support/dns.rs"]
mod dns;
mod layering;
mod resolve;
mod vectors;
