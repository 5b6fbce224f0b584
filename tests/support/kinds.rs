//! The kinds of the sample contract, as suites change them: each version of a resource bears a marker that names the change.

/// All kinds, in the order of their references.
pub(crate) const KINDS: [&str; 4] = ["accounts", "products", "contacts", "salesOrders"];

/// Which property bears the marker, by kind.
pub(crate) fn marker_property(kind: &str) -> &'static str {
    match kind {
        "accounts" => "notes",
        "products" => "description",
        "contacts" => "jobTitle",
        _ => "comment",
    }
}
