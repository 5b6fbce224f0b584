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
        direct.told(http, |address| service.trusts(address))
    }

    /// The client that this one, a trusted proxy, speaks for; itself when it speaks for nobody.
    fn told(self, http: &HttpRequest, trusts: impl Fn(IpAddr) -> bool) -> Self {
        let mut schemes = items_from_the_end(http, FORWARDED_PROTO).peekable();
        let speaks = http.headers().contains_key(FORWARDED_FOR) || schemes.peek().is_some();
        if !speaks {
            return self;
        }
        // With several only the worst is sure: the client may have begun the list.
        let is_encrypted = schemes.peek().is_some() && schemes.all(|scheme| scheme.eq_ignore_ascii_case(b"https"));
        match farthest(http, trusts) {
            Some(address) => Self { address: Some(address), is_encrypted, is_private: is_encrypted },
            // Who came to the proxy is not known, so the connection must be private as well.
            None => Self { is_private: self.is_private && is_encrypted, ..self },
        }
    }
}

/// The last address that is no trusted proxy's, or the first of all; `None` when there is none that can be understood.
fn farthest(http: &HttpRequest, trusts: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut farthest = None;
    // Every proxy adds whom it heard at the end: what stands before one that is not trusted may be made up, or rubbish.
    for hop in items_from_the_end(http, FORWARDED_FOR) {
        let hop = hop_address(std::str::from_utf8(hop).ok()?)?;
        farthest = Some(hop);
        if !trusts(hop) {
            break;
        }
    }
    farthest
}

/// The items of a list in all headers of a name, the last one first.
fn items_from_the_end<'h>(http: &'h HttpRequest, name: &str) -> impl Iterator<Item = &'h [u8]> {
    let values = http.headers().get_all(name).rev();
    values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
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
    use std::net::Ipv4Addr;

    /// A proxy from which others could read along, and one on this machine.
    const PROXIES: [Client; 2] = [
        Client { address: Some(IpAddr::V4(Ipv4Addr::new(10, 9, 9, 9))), is_encrypted: false, is_private: false },
        Client { address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), is_encrypted: false, is_private: true },
    ];

    /// Whom `proxy` speaks for with these headers, where those in 10.0.0.0/8 are trusted.
    fn told(proxy: Client, headers: &[(&str, &str)]) -> Client {
        let network: IpNet = "10.0.0.0/8".parse().unwrap();
        let request = headers.iter().fold(TestRequest::default(), |request, header| request.append_header(*header));
        proxy.told(&request.to_http_request(), |address| network.contains(&address))
    }

    #[rstest]
    #[case::one("192.0.2.7", "192.0.2.7")]
    #[case::through_two("192.0.2.7, 10.1.1.1", "192.0.2.7")]
    #[case::the_client_made_up_a_start("203.0.113.9, 192.0.2.7, 10.1.1.1", "192.0.2.7")]
    #[case::made_up_what_it_is("unknown, 192.0.2.7", "192.0.2.7")]
    #[case::what_is_no_ascii_before_it("\u{fc}, \u{fc},, 192.0.2.7, 10.1.1.1", "192.0.2.7")]
    #[case::all_are_proxies("10.0.0.3, 10.0.0.2", "10.0.0.3")]
    #[case::with_ports("192.0.2.7:4711, 10.1.1.1:80", "192.0.2.7")]
    #[case::ipv6("2001:db8::7", "2001:db8::7")]
    #[case::ipv6_in_brackets("[2001:db8::7], 10.1.1.1", "2001:db8::7")]
    #[case::ipv6_with_port("[2001:db8::7]:443", "2001:db8::7")]
    #[case::ipv4_in_ipv6("::ffff:192.0.2.7", "192.0.2.7")]
    #[case::this_machine("127.0.0.1", "127.0.0.1")]
    fn the_client_is_the_last_that_is_no_trusted_proxy(#[case] hops: &str, #[case] address: &str) {
        let expected = Client { address: address.parse().ok(), is_encrypted: false, is_private: false };
        assert_eq!(PROXIES.map(|proxy| told(proxy, &[(FORWARDED_FOR, hops)])), [expected; 2]);
    }

    #[rstest]
    #[case::empty("")]
    #[case::a_name("client.example.com")]
    #[case::hidden("_hidden, 10.1.1.1")]
    #[case::an_empty_item("192.0.2.7,,")]
    #[case::half_a_bracket("[2001:db8::7")]
    #[case::leading_zeros("192.0.2.007")]
    #[case::no_ascii("192.0.2.7, \u{fc}")]
    fn a_proxy_that_cannot_be_understood_is_the_client_and_not_private_but_by_tls(#[case] hops: &str) {
        for proxy in PROXIES {
            assert_eq!(told(proxy, &[(FORWARDED_FOR, hops)]), Client { is_private: false, ..proxy });
            let clear = [(FORWARDED_FOR, hops), (FORWARDED_PROTO, "http")];
            assert_eq!(told(proxy, &clear), Client { is_private: false, ..proxy });
            let tls = [(FORWARDED_FOR, hops), (FORWARDED_PROTO, "https")];
            assert_eq!(told(proxy, &tls), proxy, "no more than the connection itself");
        }
    }

    #[rstest]
    #[case::no_header(&[])]
    #[case::the_other_header(&[("Forwarded", "for=192.0.2.7;proto=http")])]
    fn who_does_not_speak_for_others_speaks_for_itself(#[case] headers: &[(&str, &str)]) {
        assert_eq!(PROXIES.map(|proxy| told(proxy, headers)), PROXIES);
    }

    #[rstest]
    #[case::tls(&["https"], true)]
    #[case::in_capitals(&["HTTPS"], true)]
    #[case::twice(&["https, https"], true)]
    #[case::clear(&["http"], false)]
    #[case::the_client_began_the_list(&["https, http"], false)]
    #[case::in_two_headers(&["https", "http"], false)]
    #[case::no_ascii_before_it(&["\u{fc}, https"], false)]
    #[case::nothing(&[""], false)]
    #[case::not_said(&[], false)]
    fn a_client_is_private_when_every_hop_was_tls(#[case] schemes: &[&str], #[case] is_private: bool) {
        let schemes: Vec<_> = schemes.iter().map(|scheme| (FORWARDED_PROTO, *scheme)).collect();
        for (proxy, hop) in PROXIES.into_iter().flat_map(|proxy| [(proxy, "192.0.2.7"), (proxy, "127.0.0.1")]) {
            let client = told(proxy, &[vec![(FORWARDED_FOR, hop)], schemes.clone()].concat());
            assert_eq!((client.is_private, client.is_encrypted), (is_private, is_private), "{hop}");
        }
    }

    #[test]
    fn a_proxy_on_this_machine_that_says_the_way_was_in_clear_is_not_private() {
        let [far, near] = PROXIES;
        assert!(!told(near, &[(FORWARDED_PROTO, "http")]).is_private);
        assert!(told(near, &[(FORWARDED_PROTO, "https")]).is_private);
        assert!(!told(far, &[(FORWARDED_PROTO, "https")]).is_private, "nobody is spoken for");
    }

    #[test]
    fn headers_of_one_name_are_one_list() {
        let headers = [(FORWARDED_FOR, "203.0.113.9"), (FORWARDED_FOR, "192.0.2.7, 10.1.1.1")];
        assert_eq!(told(PROXIES[0], &headers).address.unwrap().to_string(), "192.0.2.7");
    }
}
