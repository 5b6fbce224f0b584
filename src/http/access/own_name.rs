//! The name under which a request came. Somebody's page can have its own name lead to this machine (DNS rebinding): then a browser here
//! takes the provider for a part of that page's site, and shows the page what everybody may read. The name stays the page's.

use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use actix_web::http::uri::Authority;
use std::net::IpAddr;
use url::Url;

/// Whether every name that a request gives its server is one of ours: an address or `localhost`, which nobody else can have led here, or
/// the host of `base_url`. A request that gives none is no browser's.
///
/// Proxies are no exception: a page sets whatever header would tell one.
pub(super) fn is_own(http: &HttpRequest, base_url: &str) -> bool {
    // HTTP/2 has it in `:authority`, as has a request line with a whole URL.
    let of_line = http.uri().authority().map(Authority::host);
    if of_line.is_some_and(|host| !is_own_host(host, base_url)) {
        return false;
    }
    http.headers().get_all(HOST).all(|host| match host.to_str().map(str::trim) {
        Ok("") => true,
        Ok(host) => host.parse::<Authority>().is_ok_and(|host| is_own_host(host.host(), base_url)),
        Err(_) => false,
    })
}

fn is_own_host(host: &str, base_url: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bracketed.unwrap_or(host).parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let base_url = Url::parse(base_url).ok();
    let own = base_url.as_ref().and_then(Url::host_str).map(|own| own.strip_suffix('.').unwrap_or(own));
    own.is_some_and(|own| own.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use rstest::rstest;

    #[rstest]
    #[case::none(&[], true)]
    #[case::empty(&[""], true)]
    #[case::loopback(&["127.0.0.1:5493"], true)]
    #[case::loopback_without_port(&["127.0.0.1"], true)]
    #[case::loopback_of_ipv6(&["[::1]:5493"], true)]
    #[case::another_address(&["192.0.2.7"], true)]
    #[case::localhost(&["LocalHost:5493"], true)]
    #[case::localhost_from_the_root(&["localhost.:5493"], true)]
    #[case::of_base_url(&["crm.example.com"], true)]
    #[case::of_base_url_at_another_port(&["CRM.example.com:8080"], true)]
    #[case::another(&["evil.example.com"], false)]
    #[case::another_at_our_port(&["evil.example.com:5493"], false)]
    #[case::that_begins_like_an_address(&["127.0.0.1.evil.example.com"], false)]
    #[case::that_begins_like_localhost(&["localhost.evil.example.com"], false)]
    #[case::below_ours(&["a.crm.example.com"], false)]
    #[case::none_that_can_be(&["\"><script>"], false)]
    #[case::one_of_two(&["localhost", "evil.example.com"], false)]
    fn a_request_comes_under_a_name_of_the_provider(#[case] hosts: &[&str], #[case] is_ours: bool) {
        let request = hosts.iter().fold(TestRequest::default(), |request, host| request.append_header((HOST, *host)));
        assert_eq!(is_own(&request.to_http_request(), "https://crm.example.com/base"), is_ours);
    }

    #[rstest]
    #[case::ours("http://localhost:5493/sdata", "localhost", true)]
    #[case::another("http://evil.example.com/sdata", "localhost", false)]
    #[case::another_in_the_header("http://localhost/sdata", "evil.example.com", false)]
    fn the_name_in_the_request_line_counts_too(#[case] url: &str, #[case] host: &str, #[case] is_ours: bool) {
        let request = TestRequest::with_uri(url).insert_header((HOST, host)).to_http_request();
        assert_eq!(is_own(&request, "https://crm.example.com"), is_ours);
    }
}
