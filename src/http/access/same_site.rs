//! Requests that a page of somebody else's had a browser send: it adds name and password, and reaches this machine, by itself.

use crate::http::request::header;
use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::ORIGIN;
use url::Url;

/// Whether a request that may change something comes from a page that is none of `base_url`'s. Only browsers say where a
/// request comes from; of programs, which say nothing, nobody else has their credentials sent.
pub(super) fn is_foreign(http: &HttpRequest, base_url: &str) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(http.method()) {
        return false;
    }
    let sent_for = header(http.headers(), "Sec-Fetch-Site").map(str::trim);
    if sent_for.is_some_and(|site| !["same-origin", "none"].contains(&site)) {
        return true;
    }
    let own = Url::parse(base_url).map(|url| url.origin().ascii_serialization());
    let page = http.headers().get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default().trim());
    page.is_some_and(|page| own.map_or(true, |own| !own.eq_ignore_ascii_case(page)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use rstest::rstest;

    #[rstest]
    #[case::program(&[], false)]
    #[case::own_page(&[("Sec-Fetch-Site", "same-origin"), ("Origin", "https://crm.example.com")], false)]
    #[case::typed(&[("Sec-Fetch-Site", "none")], false)]
    #[case::other_site(&[("Sec-Fetch-Site", "cross-site")], true)]
    #[case::sister_site(&[("Sec-Fetch-Site", "same-site")], true)]
    #[case::made_up(&[("Sec-Fetch-Site", "whatever")], true)]
    #[case::older_browser_own_page(&[("Origin", "https://crm.example.com")], false)]
    #[case::older_browser_other_site(&[("Origin", "https://evil.example.com")], true)]
    #[case::other_port(&[("Origin", "https://crm.example.com:8443")], true)]
    #[case::plain(&[("Origin", "http://crm.example.com")], true)]
    #[case::hidden(&[("Origin", "null")], true)]
    #[case::name_bound_to_our_address(&[("Sec-Fetch-Site", "same-origin"), ("Origin", "https://evil.example.com")], true)]
    fn what_changes_something_comes_from_programs_and_own_pages(
        #[case] headers: &[(&'static str, &'static str)],
        #[case] is_refused: bool,
    ) {
        for (method, is_refused) in
            [(Method::POST, is_refused), (Method::PUT, is_refused), (Method::DELETE, is_refused), (Method::GET, false)]
        {
            let request = TestRequest::default().method(method);
            let request = headers.iter().fold(request, |request, header| request.insert_header(*header));
            assert_eq!(is_foreign(&request.to_http_request(), "https://crm.example.com/base"), is_refused);
        }
    }
}
