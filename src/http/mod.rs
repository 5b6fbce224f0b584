//! The provider's URLs: decode, ask, encode.

mod access;
mod audit;
mod body;
mod client;
mod conditional;
mod context;
mod digest;
mod errors;
mod health;
mod linked;
mod navigation;
mod negotiate;
mod pages;
mod properties;
mod queries;
mod registry;
mod represent;
mod request;
mod resources;
mod respond;
mod result_feed;
mod results;
mod routes;
mod schema;
mod shaping;
mod source;
mod template;

use crate::jobs::Jobs;
use crate::provider::Provider;
use crate::provider::access::Access;
use actix_web::dev::{Server, Service as _};
use actix_web::middleware::Compress;
use actix_web::{App, HttpServer, web};
use futures_util::TryFutureExt;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// What the handlers work with.
#[derive(Clone)]
pub struct Service {
    /// The use cases.
    pub provider: Arc<Provider>,
    /// The asynchronous ones.
    pub jobs: Jobs,
    /// Who may use them.
    pub access: Access,
    /// Largest body, in bytes.
    pub max_body_bytes: u64,
    /// Renders the metrics as Prometheus text.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long connections may take to end when the server stops.
const SHUTDOWN_SECONDS: u64 = 10;

/// Serves `service` on `listener` until the server is stopped.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(service: Service, listener: TcpListener, workers: usize) -> std::io::Result<Server> {
    let service = web::Data::new(service);
    let application = move || {
        let routes = web::to(routes::dispatch);
        // What is registered last sees the answer last: compressed.
        App::new()
            .app_data(service.clone())
            .default_service(routes)
            .wrap(Compress::default())
            .wrap_fn(|request, next| next.call(request).map_ok(respond::suit))
    };
    let server = HttpServer::new(application)
        .workers(workers)
        .client_request_timeout(HEAD_TIMEOUT)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
