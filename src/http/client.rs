//! Who is at the other end of a connection, as far as the connection and proxies that are trusted tell.
//!
//! Of what proxies say only `X-Forwarded-For` and `X-Forwarded-Proto` are read. `Forwarded` (RFC 7239) says the same, but a
//! proxy that writes one of them passes the other on as the client wrote it: to believe both would be to believe the
//! client. `X-Forwarded-Host` is never read: URLs are built from the configured one.

use super::Service;
use super::connection::Link;
use actix_web::HttpRequest;
use actix_web::web::Data;
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: &str = "X-Forwarded-For";
const FORWARDED_PROTO: &str = "X-Forwarded-Proto";

/// The other end of a request's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    /// Its address; a connection that has none is nobody's.
    pub address: Option<IpAddr>,
    /// Whether it speaks TLS.
    pub is_encrypted: bool,
    /// Whether nobody between it and us can read along: TLS, or this machine alone. What lies between us and a proxy
    /// that is trusted is trusted with it.
    pub is_private: bool,
}

impl Client {
    /// The client of `http`.
    pub(super) fn of(http: &HttpRequest) -> Self {
        let peer = http.peer_addr().map(|peer| peer.ip().to_canonical());
        let is_tls = Link::of(http).is_some_and(|link| link.is_tls);
        let direct = Self {
            address: peer,
            is_encrypted: is_tls,
            is_private: is_tls || peer.is_some_and(|peer| peer.is_loopback()),
        };
        let Some(service) = http.app_data::<Data<Service>>() else { return direct };
        if !peer.is_some_and(|peer| service.trusts(peer)) {
            return direct;
        }
        Self::told(http, |address| service.trusts(address)).unwrap_or(direct)
    }

    /// The client that a trusted proxy speaks for; `None` when it does not say, or not so that it can be understood.
    fn told(http: &HttpRequest, trusts: impl Fn(IpAddr) -> bool) -> Option<Self> {
        let hops = items(http, FORWARDED_FOR)?;
        let mut address = None;
        // Every proxy adds whom it heard at the end: what stands before one that is not trusted may be made up.
        for hop in hops.iter().rev() {
            let hop = hop_address(hop)?;
            address = Some(hop);
            if !trusts(hop) {
                break;
            }
        }
        let schemes = items(http, FORWARDED_PROTO).unwrap_or_default();
        // With several only the worst is sure: the client may have begun the list.
        let is_encrypted = !schemes.is_empty() && schemes.iter().all(|scheme| scheme.eq_ignore_ascii_case("https"));
        let is_private = is_encrypted || address?.is_loopback();
        Some(Self { address, is_encrypted, is_private })
    }
}

/// The items of a list in all headers of a name, in order; `None` without one, or for what is no text.
fn items<'h>(http: &'h HttpRequest, name: &str) -> Option<Vec<&'h str>> {
    let mut items = Vec::new();
    for value in http.headers().get_all(name) {
        items.extend(value.to_str().ok()?.split(',').map(str::trim));
    }
    (!items.is_empty()).then_some(items)
}

/// An address, with or without a port, an IPv6 one also in brackets.
fn hop_address(text: &str) -> Option<IpAddr> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = bracketed.unwrap_or(text).parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use ipnet::IpNet;
    use rstest::rstest;

    /// What proxies in 10.0.0.0/8 say with these headers.
    fn told(headers: &[(&str, &str)]) -> Option<(String, bool)> {
        let network: IpNet = "10.0.0.0/8".parse().unwrap();
        let request = headers.iter().fold(TestRequest::default(), |request, header| request.append_header(*header));
        let client = Client::told(&request.to_http_request(), |address| network.contains(&address))?;
        Some((client.address?.to_string(), client.is_private))
    }

    #[rstest]
    #[case::one("192.0.2.7", "192.0.2.7")]
    #[case::through_two("192.0.2.7, 10.1.1.1", "192.0.2.7")]
    #[case::the_client_made_up_a_start("203.0.113.9, 192.0.2.7, 10.1.1.1", "192.0.2.7")]
    #[case::made_up_what_it_is("unknown, 192.0.2.7", "192.0.2.7")]
    #[case::all_are_proxies("10.0.0.3, 10.0.0.2", "10.0.0.3")]
    #[case::with_ports("192.0.2.7:4711, 10.1.1.1:80", "192.0.2.7")]
    #[case::ipv6("2001:db8::7", "2001:db8::7")]
    #[case::ipv6_in_brackets("[2001:db8::7], 10.1.1.1", "2001:db8::7")]
    #[case::ipv6_with_port("[2001:db8::7]:443", "2001:db8::7")]
    #[case::ipv4_in_ipv6("::ffff:192.0.2.7", "192.0.2.7")]
    fn the_client_is_the_last_that_is_no_trusted_proxy(#[case] hops: &str, #[case] address: &str) {
        assert_eq!(told(&[(FORWARDED_FOR, hops)]), Some((address.to_owned(), false)));
    }

    #[rstest]
    #[case::no_header(&[])]
    #[case::empty(&[(FORWARDED_FOR, "")])]
    #[case::a_name(&[(FORWARDED_FOR, "client.example.com")])]
    #[case::hidden(&[(FORWARDED_FOR, "_hidden, 10.1.1.1")])]
    #[case::an_empty_item(&[(FORWARDED_FOR, "192.0.2.7,,")])]
    #[case::half_a_bracket(&[(FORWARDED_FOR, "[2001:db8::7")])]
    #[case::leading_zeros(&[(FORWARDED_FOR, "192.0.2.007")])]
    #[case::the_other_header(&[("Forwarded", "for=192.0.2.7")])]
    fn what_cannot_be_understood_is_as_if_it_was_not_said(#[case] headers: &[(&str, &str)]) {
        assert_eq!(told(headers), None);
    }

    #[rstest]
    #[case::tls(&["https"], true)]
    #[case::in_capitals(&["HTTPS"], true)]
    #[case::twice(&["https, https"], true)]
    #[case::clear(&["http"], false)]
    #[case::the_client_began_the_list(&["https, http"], false)]
    #[case::in_two_headers(&["https", "http"], false)]
    #[case::nothing(&[""], false)]
    #[case::not_said(&[], false)]
    fn a_client_is_private_when_every_hop_was_tls(#[case] schemes: &[&str], #[case] is_private: bool) {
        let headers: Vec<_> = schemes.iter().map(|scheme| (FORWARDED_PROTO, *scheme)).collect();
        let headers = [vec![(FORWARDED_FOR, "192.0.2.7")], headers].concat();
        assert_eq!(told(&headers).unwrap().1, is_private);
    }

    #[test]
    fn headers_of_one_name_are_one_list() {
        let headers = [(FORWARDED_FOR, "203.0.113.9"), (FORWARDED_FOR, "192.0.2.7, 10.1.1.1")];
        assert_eq!(told(&headers).unwrap().0, "192.0.2.7");
    }
}
