//! The part of a contract's schema that one kind needs, to be sent with its resources: `includeSchema` (core 4.10).

use super::contract::Contract;
use super::model::Kind;
use super::schema::{Support, declare_prefix, rewrite};
use super::schema_file::{ROOT, SchemaFile};
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// Attributes that name another declaration.
const NAMING: [&str; 5] = ["type", "base", "ref", "itemType", "memberTypes"];

impl Contract {
    /// The kind's element and every declaration it needs, as a schema of its own; `None` for a kind of an imported
    /// schema, which is read at its own URL.
    #[must_use]
    pub fn inlined(&self, kind: &Kind, support: &dyn Fn(&Kind) -> Support) -> Option<Bytes> {
        let file = self.files.first().filter(|_| kind.place.file == 0)?;
        let edits = self.edits(0, support);
        let root = file.text.get(file.tag(ROOT))?.strip_suffix('>')?;
        let end = file.text.rfind("</")?;
        let mut out = root.to_owned();
        if !root.contains("xmlns=") {
            // Names without a prefix mean what they mean alone, not what the feed around them says.
            out.push_str(" xmlns=\"\"");
        }
        declare_prefix(&mut out, file);
        out.push('>');
        let needed = needed(file, kind.place.node);
        for (node, range) in declarations(file, end) {
            if needed.contains(&node) {
                rewrite(&mut out, file, range, &edits);
            }
        }
        let closing = file.text.get(end..)?;
        out.push_str(closing.get(..=closing.find('>')?)?);
        Some(Bytes::from(out))
    }
}

/// What stands directly in the schema: node, and where its text is, up to the next.
fn declarations(file: &SchemaFile, end: usize) -> Vec<(usize, Range<usize>)> {
    let starts: Vec<(usize, usize)> = file.children(ROOT).map(|(node, _)| (node, file.tag(node).start)).collect();
    let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([end]);
    starts.iter().zip(ends).map(|((node, start), end)| (*node, *start..end)).collect()
}

/// The declarations that `first` leads to, and what the schema takes in from elsewhere.
fn needed(file: &SchemaFile, first: usize) -> BTreeSet<usize> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut open = vec![first];
    for (at, node) in file.children(ROOT) {
        match node.attribute("name") {
            Some(name) => by_name.entry(name).or_default().push(at),
            None => open.push(at),
        }
    }
    let mut needed = BTreeSet::new();
    while let Some(at) = open.pop() {
        if needed.insert(at) {
            let mut inside = vec![at];
            while let Some(at) = inside.pop() {
                let node = file.node(at);
                let words = NAMING.iter().filter_map(|name| node.attribute(name)).flat_map(str::split_whitespace);
                let names = words.map(|word| file.resolve(at, word)).filter(|name| name.namespace == file.namespace);
                open.extend(names.filter_map(|name| by_name.get(&*name.name)).flatten());
                inside.extend(&node.children);
            }
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The names that are declared in what is sent with a kind's resources.
    #[rstest]
    #[case("products", &["product", "product--type"], &["account", "salesOrder--type"])]
    #[case("contacts", &["contact", "contact--type", "postalAddress--type", "account--type"], &["product", "product--type"])]
    #[case("salesOrders", &["salesOrder", "salesOrderLine--list", "salesOrderLine--type", "product--type"], &["contact", "title"])]
    fn a_kind_is_sent_with_what_it_needs(#[case] kind: &str, #[case] there: &[&str], #[case] missing: &[&str]) {
        let contract = Contract::sample().unwrap();
        let support = |_: &Kind| Support { can_get: true, ..Support::default() };
        let schema = contract.inlined(contract.kind(kind).unwrap(), &support).unwrap();
        let text = String::from_utf8(schema.to_vec()).unwrap();
        let alone = Contract::from_text("inlined.xsd", &text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(alone.kinds().iter().map(|kind| &*kind.plural_name).collect::<Vec<_>>(), [kind]);
        let declares = |name: &str| {
            text.contains(&format!("name=\"{name}\" type=\"tns:")) || text.contains(&format!("Type name=\"{name}\""))
        };
        assert!(there.iter().all(|name| declares(name)), "{text}");
        assert!(
            !missing.iter().any(|name| text.contains(&format!("Type name=\"{name}\""))
                || text.contains(&format!("<xs:element name=\"{name}\" type=\"tns:{name}--type\"\n"))),
            "{text}"
        );
        assert!(text.contains("sme:canPost=\"false\""), "as it is served");
    }
}
