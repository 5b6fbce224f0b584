//! The one way an error leaves: its status, its headers and its diagnoses (core 3.10).

use super::negotiate::Representation;
use super::respond::Wanted;
use super::{Service, access, pages, respond};
use crate::provider::Error;
use crate::provider::error::Failure;
use crate::wire::{JSON_TYPE, write_diagnoses, write_json_diagnoses};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};

/// Seconds after which a busy provider may be asked again.
pub(super) const BUSY_SECONDS: &str = "2";

/// The answer that tells of `error`. A version that is out of date is answered with the current entry (core 9.5).
pub(super) async fn answer(service: &Service, wanted: &Wanted, error: &Error) -> HttpResponse {
    if let (Error::OutOfDate { key, .. }, Some(collection)) = (error, &wanted.collection)
        && let Ok(current) = super::resources::entry_of(service, collection, key).await
        && let Ok(response) = respond::entry(wanted, StatusCode::PRECONDITION_FAILED, &current)
    {
        return response;
    }
    let failure = error.failure();
    // Whoever sends too much must not fill the log as well.
    if failure.status >= 500 && !matches!(error, Error::NotImplemented(_) | Error::Overloaded(_)) {
        tracing::error!(%error, status = failure.status, "the request failed");
    }
    let mut response = failed(wanted, &failure);
    if let Error::MethodNotAllowed { allow, .. } = error
        && let Ok(allow) = allow.parse()
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    if let Error::Access(refusal) = error {
        access::explain(*refusal, response.headers_mut());
    }
    response
}

/// The refusal of a method that a URL does not have; `allow` lists those it has.
pub(super) fn not_allowed(allow: &'static str) -> Error {
    Error::MethodNotAllowed { message: format!("this URL does not take the method; it takes {allow}"), allow }
}

/// The answer that tells of a failure, which may have been kept.
pub(super) fn failed(wanted: &Wanted, failure: &Failure) -> HttpResponse {
    let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    let (media_type, body) = match wanted.representation {
        Representation::Json => (JSON_TYPE, write_json_diagnoses(&failure.diagnoses)),
        Representation::Html => match pages::notice::error(wanted, failure) {
            Ok(page) => (pages::HTML_TYPE, page),
            Err(_) => (respond::XML_TYPE, write_diagnoses(&failure.diagnoses)),
        },
        Representation::Atom => (respond::XML_TYPE, write_diagnoses(&failure.diagnoses)),
    };
    response.insert_header((CONTENT_TYPE, media_type));
    if [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&status) {
        response.insert_header((RETRY_AFTER, BUSY_SECONDS));
    }
    response.body(body)
}

/// The whole answer, head and all, to a connection that is one too many.
pub(super) fn full_house() -> Vec<u8> {
    let error = Error::Overloaded("this provider has all the connections it takes, in all or from you".to_owned());
    let body = write_diagnoses(&error.failure().diagnoses);
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: {}\r\nContent-Length: {}\r\nRetry-After: {BUSY_SECONDS}\r\n\
         Connection: close\r\n\r\n",
        respond::XML_TYPE,
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Diagnosis, SdataCode};
    use actix_web::test::TestRequest;

    /// CORE-6.10-04.
    #[test]
    fn a_busy_store_is_503_with_the_time_to_wait() {
        let busy = Diagnosis::coded(SdataCode::ApplicationUnavailable, "the store is busy");
        let wanted = Wanted::atom(&TestRequest::default().to_http_request());
        let response = failed(&wanted, &Failure { status: 503, diagnoses: vec![busy] });
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(RETRY_AFTER).map(|value| value.as_bytes()), Some(&b"2"[..]));
        let broken = Error::Internal("nothing that passes".to_owned());
        assert!(failed(&wanted, &broken.failure()).headers().get(RETRY_AFTER).is_none());
    }
}
