//! A digest as a table (sync 4.2).

use super::table::Table;
use super::value::Value;
use crate::protocol::{Digest, Endpoint};

/// What a digest means, in words (sync 2.2).
pub(in crate::http) const MEANING: &str =
    "Every change made at an endpoint with a tick below the one shown is included here.";

/// The digest with its own endpoint first.
pub(super) fn table(digest: &Digest) -> Table {
    let mut table = Table::new("Digest", &["Endpoint", "Tick", "Stamp", "Priority in conflicts"]);
    let is_own = |endpoint: &Endpoint| digest.origin.as_ref() == Some(endpoint);
    let mut entries: Vec<_> = digest.entries.iter().collect();
    entries.sort_by_key(|(endpoint, _)| !is_own(endpoint));
    for (endpoint, entry) in entries {
        let name = if is_own(endpoint) { format!("{endpoint} (here)") } else { endpoint.to_string() };
        table.rows.push(vec![
            Value::link(endpoint.as_str(), name),
            Value::Number(entry.tick.to_string()),
            Value::moment(entry.stamp),
            Value::Number(entry.conflict_priority.value().to_string()),
        ]);
    }
    table.if_empty = "Nothing was taken in from anywhere yet.".to_owned();
    table.aligned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{DigestEntry, Priority, Stamp, Tick};

    #[test]
    fn the_own_endpoint_comes_first_and_is_marked() {
        let entry = |tick| DigestEntry {
            tick: Tick::new(tick).unwrap(),
            stamp: Stamp::EPOCH,
            conflict_priority: Priority::new(5).unwrap(),
        };
        let [other, own] =
            ["http://a.example.com/x", "http://b.example.com/x"].map(|url| Endpoint::parse(url).unwrap());
        let entries = [(other, entry(7)), (own.clone(), entry(3))].into();
        let table = table(&Digest { origin: Some(own), entries });
        assert_eq!(table.rows[0][0], Value::link("http://b.example.com/x", "http://b.example.com/x (here)"));
        assert_eq!(table.rows[1][1], Value::Number("7".to_owned()));
        assert!(table.columns[1].is_number && table.columns[3].is_number);
    }
}
