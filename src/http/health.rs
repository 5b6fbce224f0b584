//! What operators and load balancers ask: `/healthz`, `/readyz`, `/metrics`. No credentials, no data.

use super::Service;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::{Method, StatusCode};
use std::time::Instant;

/// Whether a URL is one of these.
pub(super) fn is_about(path: &str) -> bool {
    ["/healthz", "/readyz", "/metrics"].contains(&path)
}

/// The process is alive.
pub(super) fn alive() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body("ok\n")
}

/// The database can be reached and has the tables this version needs, and the provider is not about to end.
pub(super) async fn ready(service: &Service) -> HttpResponse {
    if service.stopping.is_cancelled() {
        let mut response = HttpResponse::ServiceUnavailable();
        return response.insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body("stopping\n");
    }
    let (mut response, text) = match service.provider.is_ready().await {
        true => (HttpResponse::Ok(), "ready\n"),
        false => (HttpResponse::ServiceUnavailable(), "the database cannot be reached, or is not migrated\n"),
    };
    response.insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body(text)
}

/// Counts a request by method and status, and the time until the head of its answer was ready.
pub(super) fn measure(method: &Method, status: StatusCode, began: Instant) {
    // Whoever makes methods up must not make time series up.
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let status = status.as_u16().to_string();
    metrics::counter!("sdata_sync_requests_total", "method" => method, "status" => status).increment(1);
    metrics::histogram!("sdata_sync_request_seconds", "method" => method).record(began.elapsed());
}

/// Prometheus text. It is answered also while the database is away.
pub(super) async fn metrics(service: &Service) -> HttpResponse {
    service.provider.measure().await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4")).body((service.metrics)())
}
