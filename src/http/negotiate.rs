//! Which representation of a feed or entry a request wants (core 2.11, 3.15).

use super::conditional::is_read;
use super::request::header;
use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT, Accept, Header};

/// The forms in which one and the same feed or entry is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Representation {
    /// Atom with SData's extensions: the protocol's own (core 3.1).
    Atom,
    /// SData 2.0's JSON (core 3.15).
    Json,
    /// Pages for people.
    Html,
}

/// What programs send that never said what they accept: the default of Java's HTTP client, which only looks like a browser's.
const JAVA_DEFAULT: &str = "text/html, image/gif, image/jpeg, *";

impl Representation {
    /// What the request wants: `format` before `Accept` (core 2.11). It is never refused: what cannot be had is Atom.
    /// Pages are for reading alone.
    pub(super) fn of(http: &HttpRequest, format: Option<&str>) -> Self {
        let wanted = format.map_or_else(|| accepted(http), named);
        if wanted == Self::Html && !is_read(http) { Self::Atom } else { wanted }
    }
}

/// By the value of `format`: a media type, or its short name.
fn named(format: &str) -> Representation {
    let media_type = format.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // A plus sign that was not escaped in the query has become a space.
    match media_type.replace(' ', "+").as_str() {
        "html" => Representation::Html,
        "json" => Representation::Json,
        media_type => of_media_type(media_type).unwrap_or(Representation::Atom),
    }
}

fn of_media_type(media_type: &str) -> Option<Representation> {
    match media_type {
        "text/html" | "application/xhtml+xml" => Some(Representation::Html),
        "application/json" | "text/json" => Some(Representation::Json),
        "application/atom+xml" | "application/xml" | "text/xml" => Some(Representation::Atom),
        other => (other.starts_with("application/") && other.ends_with("+json")).then_some(Representation::Json),
    }
}

/// By the `Accept` header. Ranges with `*` are satisfied by Atom; another form must be named, and be liked better than an
/// Atom that is named too.
fn accepted(http: &HttpRequest) -> Representation {
    if header(http.headers(), ACCEPT.as_str()).is_some_and(|accept| accept.starts_with(JAVA_DEFAULT)) {
        return Representation::Atom;
    }
    // Without the header, or with one that cannot be read, there is nothing to prefer.
    let ranges = Accept::parse(http).map(|accept| accept.0).unwrap_or_default();
    let best = |representation| {
        let named = ranges.iter().filter(|range| of_media_type(range.item.essence_str()) == Some(representation));
        named.map(|range| range.quality).max().unwrap_or(actix_web::http::header::Quality::ZERO)
    };
    let wildcard = ranges.iter().filter(|range| range.item.subtype() == "*").map(|range| range.quality).max();
    let (atom, json, html) = (best(Representation::Atom), best(Representation::Json), best(Representation::Html));
    let (other, quality) = if html > json { (Representation::Html, html) } else { (Representation::Json, json) };
    let liked_best = quality > atom && wildcard.is_none_or(|wildcard| quality >= wildcard);
    if liked_best { other } else { Representation::Atom }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::Method;
    use actix_web::test::TestRequest;
    use rstest::rstest;

    fn wanted(method: Method, accept: Option<&str>, format: Option<&str>) -> Representation {
        let request = TestRequest::default().method(method);
        let request = accept.into_iter().fold(request, |request, accept| request.insert_header((ACCEPT, accept)));
        Representation::of(&request.to_http_request(), format)
    }

    #[rstest]
    #[case::none(None, Representation::Atom)]
    #[case::empty(Some(""), Representation::Atom)]
    #[case::anything(Some("*/*"), Representation::Atom)]
    #[case::xml(Some("application/xml"), Representation::Atom)]
    #[case::atom(Some("application/atom+xml;type=feed"), Representation::Atom)]
    #[case::unknown(Some("image/png"), Representation::Atom)]
    #[case::broken(Some(";;q=,,"), Representation::Atom)]
    #[case::json(Some("application/json"), Representation::Json)]
    #[case::json_with_parameters(Some("application/json; charset=utf-8"), Representation::Json)]
    #[case::sdata_json(Some("application/vnd.sage.sdata+json"), Representation::Json)]
    #[case::json_or_anything(Some("application/json, text/plain, */*"), Representation::Json)]
    #[case::json_best(Some("application/xml;q=0.5, application/json"), Representation::Json)]
    #[case::atom_best(Some("application/json;q=0.5, application/atom+xml"), Representation::Atom)]
    #[case::both_alike(Some("application/json, application/atom+xml"), Representation::Atom)]
    #[case::json_refused(Some("application/json;q=0, */*"), Representation::Atom)]
    #[case::anything_rather_than_json(Some("application/json;q=0.1, */*"), Representation::Atom)]
    #[case::chrome(
        Some("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        Representation::Html
    )]
    #[case::old_explorer(Some("text/html, application/xhtml+xml, */*"), Representation::Html)]
    #[case::page_asked_for(Some("text/html"), Representation::Html)]
    #[case::java(Some("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"), Representation::Atom)]
    fn accept_is_weighed(#[case] accept: Option<&str>, #[case] representation: Representation) {
        assert_eq!(wanted(Method::GET, accept, None), representation);
    }

    /// CORE-2.11-03.
    #[rstest]
    #[case::json("json", Representation::Json)]
    #[case::json_type("application/json", Representation::Json)]
    #[case::upper_case("Application/JSON;charset=utf-8", Representation::Json)]
    #[case::html("html", Representation::Html)]
    #[case::html_type("text/html", Representation::Html)]
    #[case::atom("atom", Representation::Atom)]
    #[case::atom_type("application/atom+xml", Representation::Atom)]
    #[case::plus_unescaped("application/vnd.sage.sdata json", Representation::Json)]
    #[case::unknown("text/csv", Representation::Atom)]
    #[case::empty("", Representation::Atom)]
    fn format_overrides_accept(#[case] format: &str, #[case] representation: Representation) {
        for accept in ["application/json", "text/html", "application/atom+xml"] {
            assert_eq!(wanted(Method::GET, Some(accept), Some(format)), representation);
        }
    }

    #[test]
    fn what_is_written_is_never_answered_with_a_page() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(wanted(Method::POST, Some(browser), None), Representation::Atom);
        assert_eq!(wanted(Method::POST, Some("application/json"), None), Representation::Json);
        assert_eq!(wanted(Method::HEAD, Some(browser), None), Representation::Html);
    }
}
