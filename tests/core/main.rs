//! The library through fakes and paused time, and the rules of its sources.

mod layering;
mod vectors;
