//! What is left to do when a second signal ends a server at once.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use netkit::listen::Means;
use netkit::net::listen::{Listener, Removal};
use netkit::net::serve::Door;

use crate::messages;
use crate::output::facts::counted;
use crate::signal::Signals;

/// Whoever reads standard error has so long to take the last line.
const PATIENCE: Duration = Duration::from_millis(100);

/// Has the second signal end the programs, remove the files of Unix sockets, and say what it cut off.
pub(super) fn prepare<I>(
    signals: &Signals,
    listeners: &[Listener],
    control: Option<Removal>,
    means: &Means<I>,
) {
    let removals = listeners.iter().filter_map(Listener::removal);
    let removals: Vec<_> = removals.chain(control).collect();
    let (door, programs) = (Arc::clone(&means.door), means.programs.clone());
    signals.before_the_second(move || {
        let open = door.get().map_or(0, Door::open);
        programs.kill_all();
        drop(removals);
        say_in_time(format!(
            "netkit: ended at once by a second signal: {} cut off",
            counted(open, "connection")
        ));
    });
}

/// Says it, unless nobody takes it: nothing may hold up the end.
fn say_in_time(text: String) {
    let (done, said) = mpsc::channel();
    std::thread::spawn(move || {
        messages::say(&text);
        done.send(())
    });
    let _ = said.recv_timeout(PATIENCE);
}
