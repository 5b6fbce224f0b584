//! What operators and load balancers ask: `/healthz`, `/readyz`, `/metrics`. No credentials, no data.

use super::Service;
use super::errors::BUSY_SECONDS;
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use std::time::Instant;

const PLAIN_TEXT: (HeaderName, &str) = (CONTENT_TYPE, "text/plain; charset=utf-8");

/// Whether a URL is one of these.
pub(super) fn is_about(path: &str) -> bool {
    ["/healthz", "/readyz", "/metrics"].contains(&path)
}

/// The process is alive.
pub(super) fn alive() -> HttpResponse {
    HttpResponse::Ok().insert_header(PLAIN_TEXT).body("ok\n")
}

/// The database can be reached and has the tables this version needs, and the provider is not about to end.
pub(super) async fn ready(service: &Service) -> HttpResponse {
    if service.stopping.is_cancelled() {
        return unready("stopping\n");
    }
    match service.provider.is_ready().await {
        true => HttpResponse::Ok().insert_header(PLAIN_TEXT).body("ready\n"),
        false => unready("the database cannot be reached, or is not migrated\n"),
    }
}

fn unready(why: &'static str) -> HttpResponse {
    let retry_after = (RETRY_AFTER, BUSY_SECONDS);
    HttpResponse::ServiceUnavailable().insert_header(PLAIN_TEXT).insert_header(retry_after).body(why)
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
