//! The JSON Schema of every line of `--json`, from the types that are serialized.

use netkit::policy::breaker::Transition;
use netkit::resolve::command::compare::Comparison;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema, json_schema};

use crate::output::json::addr::{Addr, Brief, Computed, Counted, Matched, Plain};
use crate::output::json::{Line, forward, heartbeat, identity, lines, listen, resolve, trace};
use netkit::heartbeat::event;

/// The whole schema, indented.
pub(super) fn text() -> String {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut lines = vec![
        line::<lines::Dial<'_>>("dial", &mut generator),
        line::<lines::Skipped<'_>>("skipped", &mut generator),
        line::<lines::Retry<'_>>("retry", &mut generator),
        line::<lines::Ready<'_>>("ready", &mut generator),
        line::<resolve::Resolve<'_>>("resolve", &mut generator),
        line::<trace::Trace<'_>>("trace", &mut generator),
        line::<resolve::Check<'_>>("check", &mut generator),
        line::<Comparison>("resolve_compare", &mut generator),
        line::<resolve::Transferring<'_>>("resolve_record", &mut generator),
        line::<resolve::Transferred<'_>>("resolve_transfer", &mut generator),
        line::<resolve::Changed<'_>>("resolve_change", &mut generator),
        line::<resolve::RepeatSummary<'_>>("resolve_summary", &mut generator),
        line::<resolve::BulkSummary<'_>>("summary", &mut generator),
        line::<lines::Summary<'_>>("summary", &mut generator),
        line::<heartbeat::Of<'_, event::Beat>>("beat", &mut generator),
        line::<heartbeat::Of<'_, event::Late>>("late", &mut generator),
        line::<heartbeat::Of<'_, event::Skipped>>("skipped", &mut generator),
        line::<heartbeat::Of<'_, event::Change>>("state", &mut generator),
        line::<heartbeat::Of<'_, Transition>>("breaker", &mut generator),
        line::<heartbeat::Of<'_, event::Opened>>("opened", &mut generator),
        line::<heartbeat::Of<'_, event::Certificate>>("certificate", &mut generator),
        line::<heartbeat::Of<'_, event::Disconnect>>("disconnect", &mut generator),
        line::<heartbeat::Of<'_, event::Reconnect>>("reconnect", &mut generator),
        line::<event::Stall>("stall", &mut generator),
        line::<heartbeat::Summary<'_>>("summary", &mut generator),
        line::<&heartbeat::Replay>("replay", &mut generator),
        line::<lines::Error<'_>>("error", &mut generator),
        plain::<Plain<Addr<'_>>>("addr", "addr", &mut generator),
        plain::<Brief<'_>>("addr", "addr, brief", &mut generator),
        plain::<Plain<Computed<'_>>>("addr_result", "addr_result", &mut generator),
        plain::<Plain<Matched<'_>>>("addr_match", "addr_match", &mut generator),
        plain::<Plain<Counted>>("addr_count", "addr_count", &mut generator),
    ];
    lines.extend(of_listen(&mut generator));
    let schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netkit/1: one line of --json",
        "anyOf": lines,
        "$defs": generator.take_definitions(true),
    });
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

/// The lines of a server.
fn of_listen(generator: &mut SchemaGenerator) -> Vec<Schema> {
    vec![
        line::<listen::Listening<'_>>("listening", generator),
        line::<listen::Accept>("accept", generator),
        line::<listen::Upstream<'_>>("upstream", generator),
        line::<forward::Authority<'_>>("authority", generator),
        line::<&identity::Change>("identity", generator),
        line::<forward::Proxy<'_>>("proxy", generator),
        line::<forward::Tls<'_>>("tls", generator),
        line::<forward::Mirror<'_>>("mirror", generator),
        line::<forward::Piece>("piece", generator),
        line::<listen::Data>("data", generator),
        line::<listen::Fault>("fault", generator),
        line::<listen::Reject>("reject", generator),
        line::<listen::Close>("close", generator),
        line::<listen::Stats<'_>>("stats", generator),
        line::<listen::Metrics>("metrics", generator),
        line::<listen::Draining>("draining", generator),
        line::<listen::Warning<'_>>("warning", generator),
        line::<listen::Summary<'_>>("summary", generator),
    ]
}

/// The schema of a line that is not an event, its type fixed.
fn plain<T: JsonSchema>(kind: &str, title: &str, generator: &mut SchemaGenerator) -> Schema {
    let body = generator.subschema_for::<T>();
    json_schema!({
        "title": title,
        "properties": { "type": { "const": kind } },
        "allOf": [body],
    })
}

/// The schema of a line, its type fixed.
fn line<T: JsonSchema>(kind: &str, generator: &mut SchemaGenerator) -> Schema {
    let body = generator.subschema_for::<Line<T>>();
    json_schema!({
        "title": kind,
        "properties": { "type": { "const": kind } },
        "allOf": [body],
    })
}
