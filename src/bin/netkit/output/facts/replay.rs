//! A replay in words: whether the server said what was recorded, where not, and how fast it was.

use netkit::dial::report::{Bytes, Replay};
use netkit::time::Millis;

use super::{Fact, counted};
use crate::output::style::Tone;
use crate::output::text::escape_bytes;

pub(super) fn replay_facts(replay: &Replay) -> Vec<Fact> {
    let mut facts = vec![verdict(replay), volume(replay)];
    if !replay.equal {
        let sides = [
            ("recorded", &replay.recorded),
            ("received", &replay.received),
        ];
        facts.extend(sides.map(|(label, bytes)| Fact::new(label, shown(bytes.as_ref()))));
    }
    facts.extend(times(replay));
    facts
}

fn verdict(replay: &Replay) -> Fact {
    let which = match replay.connections {
        0 | 1 => String::new(),
        all => format!(
            "connection {} (of {all} in the record): ",
            replay.connection
        ),
    };
    if replay.equal {
        return Fact::new("replay", format!("{which}as recorded")).tone(Tone::Good);
    }
    let agreed = counted(replay.agreed_bytes, "byte");
    let text = format!("{which}not as recorded; {agreed} the same from the beginning");
    Fact::new("replay", text).tone(Tone::Bad)
}

fn volume(replay: &Replay) -> Fact {
    let closed = match (replay.closed_by_peer, replay.recorded_close) {
        (true, true) => ", closed by the server, as recorded",
        (true, false) => ", closed by the server, which it had not when recorded",
        (false, true) => ", not closed by the server, which it had when recorded",
        (false, false) => "",
    };
    let text = format!(
        "sent {} of {} B, received {} of {} B{closed}",
        replay.sent_bytes,
        replay.recorded_sent_bytes,
        replay.received_bytes,
        replay.recorded_received_bytes
    );
    Fact::new("volume", text)
}

/// The bytes from the first difference on: they are few, and escaped everywhere.
fn shown(bytes: Option<&Bytes>) -> String {
    bytes.map_or_else(
        || "nothing more".to_owned(),
        |bytes| escape_bytes(&bytes.to_vec()),
    )
}

fn times(replay: &Replay) -> Option<Fact> {
    let then = (replay.recorded_answer_ms?, replay.recorded_answer_max_ms?);
    let now = (replay.answer_ms?, replay.answer_max_ms?);
    let each = |(mean, longest): (Millis, Millis)| match replay.answers {
        1 => mean.to_string(),
        _ => format!("{mean} in the mean, {longest} at most"),
    };
    let answers = counted(replay.answers, "answer");
    let text = format!(
        "{answers} after {}; recorded after {}",
        each(now),
        each(then)
    );
    Some(Fact::new("answers", text))
}
