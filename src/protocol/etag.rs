//! Validators of versions (core 6.6, 9.3).
//!
//! An entry's `http:etag` is `"{version}.{view}"`: what is stored, then what else is shown, which may change without the
//! resource: where its references lead, what is included. In another form than Atom the form's name follows. A cached
//! answer must match in all of it; for `If-Match` the version alone counts, so that every etag ever sent can be used there
//! as it is.

/// An etag without what is optional around it: the mark of weak ones, and the quotes.
#[must_use]
pub fn bare(etag: &str) -> &str {
    etag.trim().trim_start_matches("W/").trim_matches('"')
}

/// The part of an etag that names the version of the resource.
#[must_use]
pub fn version(etag: &str) -> &str {
    let bare = bare(etag);
    bare.split_once('.').map_or(bare, |(version, _)| version)
}

/// The etag with something more that a cached answer must match.
#[must_use]
pub fn extended(etag: &str, part: &str) -> String {
    format!("\"{}.{part}\"", bare(etag))
}

/// Whether `list`, as in `If-Match`, holds `*` or the version of `current`.
#[must_use]
pub fn lists_version(list: &str, current: &str) -> bool {
    list.split(',').any(|etag| etag.trim() == "*" || version(etag) == version(current))
}

/// Whether `list`, as in `If-None-Match`, holds `*` or exactly `current`, weak or not (RFC 9110, 13.1.2).
#[must_use]
pub fn lists(list: &str, current: &str) -> bool {
    list.split(',').any(|etag| etag.trim() == "*" || bare(etag) == bare(current))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// CORE-9.3-01.
    #[rstest]
    #[case::as_sent("\"a1.b2\"", true)]
    #[case::other_view("\"a1.c3\"", true)]
    #[case::version_alone("\"a1\"", true)]
    #[case::other_form("\"a1.b2.json\"", true)]
    #[case::without_quotes("a1.b2", true)]
    #[case::weakened_on_the_way("W/\"a1.b2\"", true)]
    #[case::one_of_several("\"x\", \"a1.b2\"", true)]
    #[case::any("*", true)]
    #[case::other_version("\"a2.b2\"", false)]
    #[case::nothing("", false)]
    fn every_etag_of_a_version_can_be_used_in_if_match(#[case] list: &str, #[case] matches: bool) {
        assert_eq!(lists_version(list, "\"a1\""), matches);
    }

    /// CORE-6.6-01.
    #[rstest]
    #[case::as_sent("\"a1.b2\"", true)]
    #[case::weak("W/\"a1.b2\"", true)]
    #[case::one_of_several("\"x\" , \"a1.b2\"", true)]
    #[case::any("*", true)]
    #[case::other_view("\"a1.c3\"", false)]
    #[case::version_alone("\"a1\"", false)]
    fn a_cached_answer_must_be_the_very_view(#[case] list: &str, #[case] matches: bool) {
        assert_eq!(lists(list, &extended("\"a1\"", "b2")), matches);
    }
}
