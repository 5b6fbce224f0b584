//! What operators and load balancers ask: `/healthz`, `/readyz`, `/metrics`. No credentials, no data.

use super::Service;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;

/// The process is alive.
pub(super) fn alive() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body("ok\n")
}

/// The database can be reached and has the tables this version needs.
pub(super) async fn ready(service: &Service) -> HttpResponse {
    let (mut response, text) = match service.provider.store.is_ready().await {
        true => (HttpResponse::Ok(), "ready\n"),
        false => (HttpResponse::ServiceUnavailable(), "the database cannot be reached, or is not migrated\n"),
    };
    response.insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body(text)
}

/// Prometheus text.
pub(super) fn metrics(service: &Service) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4")).body((service.metrics)())
}
