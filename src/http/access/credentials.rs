//! Credentials as requests carry them: HTTP Basic (RFC 7617) and bearer tokens (RFC 6750).

use crate::http::request::header;
use crate::provider::access::{Credentials, Token};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Takes base64 with padding and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The credentials of a request; `None` where there are none that can be read.
pub(super) fn sent(headers: &HeaderMap) -> Option<Credentials> {
    let (scheme, rest) = header(headers, AUTHORIZATION.as_str())?.trim().split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("Bearer") {
        return Token::sent(rest).map(Credentials::Bearer);
    }
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let (name, password) = text(BASE64.decode(rest).ok()?).split_once(':').map(owned)?;
    Some(Credentials::Basic { name, password })
}

fn owned((name, password): (&str, &str)) -> (String, String) {
    (name.to_owned(), password.to_owned())
}

/// UTF-8, as the challenge asks for; older clients send Latin-1, whose bytes are the characters.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use rstest::rstest;

    fn read(value: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        match sent(&headers)? {
            Credentials::Basic { name, password } => Some((name, password)),
            Credentials::Bearer(token) => Some((String::new(), token.expose().to_owned())),
        }
    }

    #[rstest]
    #[case::the_specifications("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame")]
    #[case::lower_case("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame")]
    #[case::unpadded("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Aladdin", "open sesame")]
    #[case::colon_in_the_password("Basic YTpiOmM=", "a", "b:c")]
    #[case::empty_password("Basic YTo=", "a", "")]
    #[case::utf_8("Basic em/Dqzp4", "zoë", "x")]
    #[case::latin_1("Basic em/rOng=", "zoë", "x")]
    #[case::token("Bearer sdata_abc", "", "sdata_abc")]
    fn credentials_are_read(#[case] value: &str, #[case] name: &str, #[case] password: &str) {
        assert_eq!(read(value), Some((name.to_owned(), password.to_owned())));
    }

    #[rstest]
    #[case::no_base64("Basic ???")]
    #[case::no_colon("Basic QWxhZGRpbg==")]
    #[case::nothing("Basic")]
    #[case::another_scheme("Digest username=\"a\"")]
    #[case::no_token("Bearer abc")]
    fn what_cannot_be_read_is_none(#[case] value: &str) {
        assert_eq!(read(value), None);
    }
}
