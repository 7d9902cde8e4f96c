//! netkit: the core of a networking diagnostics toolkit.
//!
//! The library measures and explains; it never prints. Each operation is a folder with a
//! `Config` (what to do), a `run` (doing it) and a `Report` (what was found). Operations reach the
//! world through two seams, [`io::Io::connect`] and [`io::Io::lookup`], and tell what happens
//! while it happens through an [`event::Observer`].
//!
//! | layer | modules | may use |
//! |---|---|---|
//! | L0 facts | [`error`], [`failure`], [`event`], [`run`], [`deadline`], [`time`], [`addr`] | nothing below |
//! | L1 decisions | [`policy`], [`stats`] | L0 |
//! | L2 the wire | [`net`], [`resolve`], [`io`] | L0, L1 |
//! | L3 operations | [`dial`], [`heartbeat`], [`listen`] | L0, L1, L2 |
//!
//! A negative answer (refused, NXDOMAIN, silence) is a result, not an error: it is a
//! [`failure::Failure`] inside the report. [`error::Error`] means that nothing could be measured.

pub mod addr;
pub mod deadline;
pub mod dial;
pub mod error;
pub mod event;
pub mod failure;
pub mod heartbeat;
pub mod io;
pub mod listen;
pub mod net;
pub mod policy;
pub mod resolve;
pub mod run;
pub mod stats;
pub mod time;
