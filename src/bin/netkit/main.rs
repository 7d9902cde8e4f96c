//! The netkit binary: parse, plan, run, render, exit.

fn main() {}
