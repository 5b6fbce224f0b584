//! Rows of the audit as cells that lead to what they are about.

use super::Visit;
use super::audit::url;
use super::hyperlink::{asking, quoted};
use super::sections::outline;
use super::value::{Value, endpoint, shown};
use crate::protocol::Stamp;
use crate::provider::Collection;
use crate::store::AuditKind;
use crate::wire::{Element, ReadLimits};

/// A row of the audit by the names of its properties.
struct Row<'e>(&'e Element);

impl Row<'_> {
    /// The text of a property; empty where it is null.
    fn get(&self, name: &str) -> String {
        let found = self.0.children().find(|child| &*child.name == name);
        found.map(|child| child.text().into_owned()).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Value {
        Value::Number(self.get(name))
    }

    fn text(&self, name: &str) -> Value {
        Value::text(&self.get(name))
    }

    fn moment(&self, name: &str) -> Value {
        let text = self.get(name);
        Stamp::parse(&text).map_or_else(|| Value::text(&text), Value::moment)
    }

    /// The state of one side; `here` is the collection's own endpoint.
    fn state(&self, side: &str, here: Option<&str>) -> Value {
        let (url, tick, stamp) =
            (self.get(&format!("{side}Endpoint")), self.get(&format!("{side}Tick")), self.get(&format!("{side}Stamp")));
        if url.is_empty() {
            return Value::Nothing;
        }
        let stamp = Stamp::parse(&stamp).map(shown).unwrap_or(stamp);
        Value::State { endpoint: endpoint(&url, here), tick, stamp }
    }

    /// The condition that selects what belongs to the same run; `None` without a run.
    fn of_run(&self) -> Option<String> {
        let (name, stamp) = (self.get("runName"), self.get("runStamp"));
        let condition = format!("runName eq {} and runStamp eq {}", quoted(&name), quoted(&stamp));
        (!name.is_empty() || !stamp.is_empty()).then_some(condition)
    }

    /// A stored XML text, to be unfolded.
    fn unfolded(&self, name: &str, summary: &str) -> Value {
        let text = self.get(name);
        if text.is_empty() {
            return Value::Nothing;
        }
        let element = Element::parse(text.as_bytes(), &ReadLimits::NONE);
        let text = element.map(|element| outline(&element, 0)).unwrap_or(text);
        Value::Folded { summary: summary.to_owned(), text }
    }
}

/// The cells of a row, in the order of the kind's headings.
pub(super) fn row(visit: &Visit<'_>, kind: AuditKind, element: &Element) -> Vec<Value> {
    let row = &Row(element);
    match kind {
        AuditKind::Runs => run(visit, row),
        AuditKind::Events => event(visit, row),
        AuditKind::Changes => change(visit, row),
        AuditKind::Parked => parked(visit, row),
    }
}

fn run(visit: &Visit<'_>, row: &Row<'_>) -> Vec<Value> {
    let of_run = row.of_run().unwrap_or_default();
    let to = |kind: AuditKind, and: &str| {
        let condition = format!("{of_run}{and}");
        asking(&url(visit, kind), &[("where", &condition), ("orderBy", "at desc")])
    };
    let failures = match row.get("failures") {
        none if none == "0" => Value::Number(none),
        some => Value::link(to(AuditKind::Changes, " and outcome eq 'failed'"), some),
    };
    vec![
        Value::link(to(AuditKind::Changes, ""), row.get("runName")),
        row.text("runStamp"),
        row.moment("firstSeen"),
        row.moment("lastSeen"),
        Value::link(to(AuditKind::Events, ""), row.get("events")),
        Value::link(to(AuditKind::Changes, ""), row.get("changes")),
        failures,
    ]
}

fn event(visit: &Visit<'_>, row: &Row<'_>) -> Vec<Value> {
    vec![
        row.moment("at"),
        Value::text(&spaced(&row.get("operation"))),
        resource_kind(visit, row),
        outcome(row),
        row.number("httpStatus"),
        entries(row),
        row.number("durationMillis"),
        run_of(visit, row),
        row.text("principal"),
        row.text("remoteAddress"),
        row.text("message"),
    ]
}

fn change(visit: &Visit<'_>, row: &Row<'_>) -> Vec<Value> {
    let here = own_endpoint(visit, row);
    let here = here.as_deref();
    vec![
        row.moment("at"),
        resource_kind(visit, row),
        resource(visit, row),
        outcome(row),
        run_of(visit, row),
        row.state("source", here),
        row.state("target", here),
        row.text("message"),
        row.unfolded("losingPayload", "what was lost"),
    ]
}

fn parked(visit: &Visit<'_>, row: &Row<'_>) -> Vec<Value> {
    let uuid = row.get("uuid");
    vec![
        row.moment("parkedAt"),
        resource_kind(visit, row),
        if uuid.is_empty() { Value::Nothing } else { Value::Code(uuid) },
        row.state("source", own_endpoint(visit, row).as_deref()),
        row.number("httpStatus"),
        row.number("attempts"),
        row.moment("nextTryAt"),
        row.text("message"),
        row.unfolded("payload", "what was sent"),
    ]
}

/// The collection that a row is about: rows name its kind alone, so it is known where only one collection has the kind.
fn collection_of<'v>(visit: &'v Visit<'_>, row: &Row<'_>) -> Option<&'v Collection> {
    let kind = row.get("resourceKind");
    let mut found = visit.service.provider.collections().filter(|collection| collection.name.resource_kind == kind);
    let first = found.next()?;
    found.next().is_none().then_some(first.as_ref())
}

fn own_endpoint(visit: &Visit<'_>, row: &Row<'_>) -> Option<String> {
    collection_of(visit, row).map(|collection| collection.endpoint.as_str().to_owned())
}

fn resource_kind(visit: &Visit<'_>, row: &Row<'_>) -> Value {
    match collection_of(visit, row) {
        Some(collection) => Value::link(&collection.url, &collection.kind.label),
        None => row.text("resourceKind"),
    }
}

/// The resource a change was about: by key where it has one here, and there is something to go to.
fn resource(visit: &Visit<'_>, row: &Row<'_>) -> Value {
    let (key, uuid) = (row.get("key"), row.get("uuid"));
    match collection_of(visit, row) {
        _ if key.is_empty() && uuid.is_empty() => Value::Nothing,
        _ if key.is_empty() => Value::Code(uuid),
        Some(collection) => Value::link(collection.resource_url(&key), key),
        None => Value::Code(key),
    }
}

fn run_of(visit: &Visit<'_>, row: &Row<'_>) -> Value {
    let Some(condition) = row.of_run() else { return Value::Nothing };
    let href = asking(&url(visit, AuditKind::Changes), &[("where", &condition), ("orderBy", "at desc")]);
    let (name, stamp) = (row.get("runName"), row.get("runStamp"));
    Value::link(href, if name.is_empty() { stamp } else { name })
}

fn outcome(row: &Row<'_>) -> Value {
    let word = row.get("outcome");
    let tone = match word.as_str() {
        "ok" | "created" | "updated" | "deleted" => "good",
        "conflictWon" | "conflictLost" => "mixed",
        "failed" | "refused" => "bad",
        _ => "plain",
    };
    Value::Badge { text: spaced(&word), tone }
}

/// `20: 12 created, 8 updated`.
fn entries(row: &Row<'_>) -> Value {
    let counted = ["created", "updated", "deleted", "ignored", "conflicts", "failed"];
    let said: Vec<_> = counted
        .iter()
        .map(|name| (row.get(name), name))
        .filter(|(count, _)| count != "0" && !count.is_empty())
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    match (row.get("entries").as_str(), said.join(", ")) {
        ("" | "0", _) => Value::Nothing,
        (entries, said) if said.is_empty() => Value::text(entries),
        (entries, said) => Value::text(&format!("{entries}: {said}")),
    }
}

/// A word of the protocol as people write it: `digestRead` is `digest read`.
fn spaced(word: &str) -> String {
    let mut spaced = String::with_capacity(word.len() + 2);
    for character in word.chars() {
        if character.is_ascii_uppercase() {
            spaced.push(' ');
        }
        spaced.push(character.to_ascii_lowercase());
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(xml: &str) -> Element {
        Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap()
    }

    #[test]
    fn a_run_is_selected_by_its_name_and_stamp_whatever_quotes_they_have() {
        let element = element("<run><runName>O'Hara</runName><runStamp>s</runStamp></run>");
        assert_eq!(Row(&element).of_run().as_deref(), Some("runName eq 'O''Hara' and runStamp eq 's'"));
        assert_eq!(Row(&self::element("<run/>")).of_run(), None);
    }

    #[test]
    fn entries_are_counted_in_words() {
        let xml = "<event><entries>20</entries><created>12</created><updated>0</updated><failed>8</failed></event>";
        assert_eq!(entries(&Row(&element(xml))), Value::text("20: 12 created, 8 failed"));
        assert_eq!(entries(&Row(&element("<event><entries>0</entries></event>"))), Value::Nothing);
    }

    #[test]
    fn words_of_the_protocol_are_spaced() {
        assert_eq!(spaced("conflictWon"), "conflict won");
        assert_eq!(spaced("ok"), "ok");
    }

    #[test]
    fn what_was_lost_is_told_line_by_line() {
        let row = element(
            "<change><losingPayload>&lt;account&gt;&lt;creditLimit&gt;5&lt;/creditLimit&gt;&lt;/account&gt;</losingPayload></change>",
        );
        let folded = Value::Folded { summary: "what was lost".to_owned(), text: "creditLimit: 5".to_owned() };
        assert_eq!(Row(&row).unfolded("losingPayload", "what was lost"), folded);
    }
}
