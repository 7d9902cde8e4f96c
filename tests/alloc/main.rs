//! Parsing an address allocates nothing.
//!
//! A crate of its own because it counts what the whole process allocates: there is one test.
#![expect(
    unsafe_code,
    reason = "a global allocator is the only way to count allocations, and its trait is unsafe"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use netkit::addr::ip::{parse_ipv4, parse_ipv6};
use netkit::addr::{
    parse_addr, parse_addr_port, parse_cidr, parse_ip, parse_mac, parse_prefix, parse_range,
    split_host_port,
};

/// The system's allocator, with a count for each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches a thread-local
// without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

#[test]
fn parsing_an_address_allocates_nothing() {
    assert!(
        allocations(|| drop(black_box(vec![1]))) > 0,
        "the count counts"
    );
    for text in [
        "192.0.2.1",
        "2001:DB8::1",
        "::ffff:192.0.2.1",
        "fe80::1%eth0",
        "::",
    ] {
        assert_eq!(
            allocations(|| assert!(black_box(parse_addr(text)).is_ok())),
            0,
            "{text}"
        );
        if !text.contains('%') {
            assert_eq!(
                allocations(|| assert!(black_box(parse_ip(text)).is_ok())),
                0,
                "{text}"
            );
        }
    }
    let others: [(&str, &dyn Fn() -> bool); 7] = [
        ("parse_ipv4", &|| parse_ipv4(b"192.0.2.1").is_ok()),
        ("parse_ipv6", &|| parse_ipv6(b"2001:db8::1").is_ok()),
        ("parse_cidr", &|| parse_cidr("10.1.2.3/8").is_ok()),
        ("parse_prefix", &|| parse_prefix("2001:db8::/32").is_ok()),
        ("parse_addr_port", &|| parse_addr_port("[::1]:443").is_ok()),
        ("parse_range", &|| parse_range("10.0.0.1-10.0.0.9").is_ok()),
        ("split_host_port", &|| split_host_port("a:1").is_ok()),
    ];
    for (name, parses) in others {
        assert_eq!(allocations(|| assert!(black_box(parses()))), 0, "{name}");
    }
    // A refusal carries what and where, not words.
    assert_eq!(
        allocations(|| assert!(black_box(parse_addr("10.0.0.01")).is_err())),
        0
    );
    assert!(parse_mac("00:00:5e:00:53:01").is_ok());
}
