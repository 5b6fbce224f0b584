//! The names of operations in URLs: what stands in a segment and begins with `$` (core 2.4, 3.7, 8.1, 12, 13; sync 1.3, 4.1, 5).

/// The schema of a contract or of a resource kind (core 4).
pub const SCHEMA: &str = "$schema";
/// What a new resource or child starts with (core 8.1, 8.3).
pub const TEMPLATE: &str = "$template";
/// Service operations (core 2.4, 11).
pub const SERVICE: &str = "$service";
/// Named queries (core 12).
pub const QUERIES: &str = "$queries";
/// The links of a resource kind (sync 1.3).
pub const LINKED: &str = "$linked";
/// Several requests in one (core 13).
pub const BATCH: &str = "$batch";
/// The same of links: two segments.
pub const LINKED_BATCH: &str = "$linked/$batch";
/// The digest (sync 4.1).
pub const SYNC_DIGEST: &str = "$syncDigest";
/// What a target lacks (sync 5.2).
pub const SYNC_SOURCE: &str = "$syncSource";
/// What a source has for it (sync 5.3).
pub const SYNC_TARGET: &str = "$syncTarget";
/// What became of it (sync 5.7).
pub const SYNC_RESULTS: &str = "$syncResults";

/// Whether a segment with this `name` means the `operation`: some clients spell `$syncsource` in lower case.
///
/// What a request is demanded to be granted and where it is led to must not differ in this, so both ask here.
#[must_use]
pub const fn is_operation(name: &str, operation: &str) -> bool {
    name.eq_ignore_ascii_case(operation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::as_specified("$syncSource", true)]
    #[case::lower_case("$syncsource", true)]
    #[case::another("$syncTarget", false)]
    #[case::longer("$syncSources", false)]
    #[case::no_operation("syncSource", false)]
    fn operations_are_named_in_any_letter_case(#[case] name: &str, #[case] is_named: bool) {
        assert_eq!(is_operation(name, SYNC_SOURCE), is_named);
    }
}
