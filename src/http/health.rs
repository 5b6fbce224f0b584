//! What operators and load balancers ask: `/healthz`, `/readyz`, `/metrics`. No credentials, no data.

use super::Service;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::{Method, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long it holds what was seen of the database: everybody may ask, as often as they like.
const HOLDS: Duration = Duration::from_secs(1);

/// Whether the database was ready when it was looked at last.
#[derive(Debug, Clone, Default)]
pub(super) struct LastLook(Arc<Mutex<Option<(Instant, bool)>>>);

impl LastLook {
    /// What was seen a moment ago, else what `look` finds. Whoever comes meanwhile waits for it.
    async fn or(&self, look: impl Future<Output = bool>) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, is_ready)) = *last
            && at.elapsed() < HOLDS
        {
            return is_ready;
        }
        let is_ready = look.await;
        *last = Some((Instant::now(), is_ready));
        is_ready
    }
}

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
    let (mut response, text) = match service.last_look.or(service.provider.store.is_ready()).await {
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::cell::Cell;

    #[actix_web::test]
    async fn the_database_is_looked_at_once_a_second_however_many_ask() {
        let (last, looks) = (LastLook::default(), Cell::new(0));
        let look = async |is_ready: bool| {
            looks.set(looks.get() + 1);
            tokio::time::sleep(Duration::from_millis(20)).await;
            is_ready
        };
        let asked = join_all((0..50).map(|_| last.or(look(true)))).await;
        assert_eq!((asked, looks.get()), (vec![true; 50], 1), "those who come meanwhile wait for the one look");
        assert!(last.or(look(false)).await, "a moment later it is not looked");
        tokio::time::sleep(HOLDS).await;
        assert_eq!((last.or(look(false)).await, looks.get()), (false, 2));
        assert_eq!((last.or(look(true)).await, looks.get()), (false, 2), "what is not ready holds as long");
    }

    #[actix_web::test]
    async fn who_goes_away_while_the_database_is_looked_at_keeps_nobody_waiting() {
        let last = LastLook::default();
        let given_up = tokio::time::timeout(Duration::from_millis(10), last.or(std::future::pending())).await;
        assert!(given_up.is_err());
        assert!(last.or(async { true }).await);
    }
}
