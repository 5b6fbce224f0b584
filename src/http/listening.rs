//! The server: from a connection to a request.

use super::connection::{Bytes, Connection, Link};
use super::tls::Certificate;
use super::{Service, admission, errors, respond};
use crate::provider::gate::{Gate, Pass, Who};
use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Service as _};
use actix_web::middleware::Compress;
use actix_web::{App, web};
use futures_util::TryFutureExt;
use rustls::ServerConfig;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// How long a connection may take to end whose request was not read to its end.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Threads beside those for requests: for passwords.
const SPARE_THREADS: usize = 64;

/// How long it may take to say that there is no room.
const FULL_HOUSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Lets connections in.
#[derive(Clone)]
struct Door {
    service: web::Data<Service>,
    connections: Arc<Gate>,
    tls: Option<Arc<ServerConfig>>,
}

/// Serves `service` on `listener`, by TLS where there is a certificate, until the server is stopped; then requests
/// under way have `shutdown` to end, in whole seconds.
///
/// # Errors
/// When the listener cannot be used, or TLS not be set up.
pub fn serve(
    service: Service,
    listener: TcpListener,
    certificate: Option<&Certificate>,
    workers: usize,
    shutdown: Duration,
) -> io::Result<Server> {
    let limits = service.limits;
    let tls = certificate.map(Certificate::server_config).transpose().map_err(io::Error::other)?.map(Arc::new);
    let connections = Gate::new(limits.connections, limits.connections_per_address);
    let door = Door { service: web::Data::new(service), connections, tls };
    let factory = move || {
        let door = door.clone();
        let routes = web::to(admission::admit);
        // What is registered last sees the answer last: compressed.
        let app = App::new()
            .app_data(door.service.clone())
            .default_service(routes)
            .wrap(Compress::default())
            .wrap_fn(|request, next| next.call(request).map_ok(respond::suit));
        let app = app.into_factory().map_err(|error| error.error_response());
        let http = HttpService::build()
            .client_request_timeout(limits.head_time)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .on_connect_ext(|connection: &Connection, data| {
                data.insert::<Rc<Link>>(Rc::clone(connection.link()));
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let door = door.clone();
            async move { door.open(stream).await }
        })
        .and_then(http)
    };
    let server = Server::build()
        .workers(workers)
        // Each request may need one: for a body that is read while it comes, or an answer that is compressed. Where uploads took them all,
        // nobody else could be answered.
        .worker_max_blocking_threads(limits.requests.saturating_add(SPARE_THREADS))
        // One more for each: who comes then is let in to be told that it is full.
        .max_concurrent_connections(limits.connections.div_ceil(workers.max(1)) + 1)
        .shutdown_timeout(shutdown.as_secs())
        .disable_signals()
        .listen("http", listener, factory)?;
    Ok(server.run())
}

impl Door {
    async fn open(&self, mut stream: TcpStream) -> Result<(Connection, Protocol, Option<SocketAddr>), DispatchError> {
        let peer = stream.peer_addr().ok();
        let Some(pass) = self.pass(peer) else {
            if self.tls.is_none() {
                // So little goes at once, or the client has gone.
                let _ = tokio::time::timeout(FULL_HOUSE_TIMEOUT, stream.write_all(&errors::full_house())).await;
            }
            return Err(DispatchError::Io(io::Error::other("too many connections")));
        };
        // Answers leave whole; a small one must not wait for more.
        stream.set_nodelay(true)?;
        let (limits, stop) = (self.service.limits, self.service.stopping.clone());
        // Those above the limit are answered, too: that they are.
        let most = limits.requests_per_client.saturating_mul(2);
        let Some(tls) = &self.tls else {
            let connection = Connection::new(Bytes::Clear(stream), Some(pass), limits.head_time, most, stop);
            return Ok((connection, Protocol::Http1, peer));
        };
        let handshake = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
        let stream = tokio::time::timeout(limits.head_time, handshake).await.map_err(io::Error::other)??;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let connection = Connection::new(Bytes::Tls(Box::new(stream)), Some(pass), limits.head_time, most, stop);
        if !is_http2 {
            return Ok((connection, Protocol::Http1, peer));
        }
        // Both limits together: a head above one of them alone is answered, and told so.
        let longest_head = limits.url_bytes.saturating_add(limits.header_bytes);
        Ok((connection.with_http2_heads(longest_head), Protocol::Http2, peer))
    }

    /// Proxies speak for many: of them only all together are counted.
    fn pass(&self, peer: Option<SocketAddr>) -> Option<Pass> {
        let address = peer.map(|peer| peer.ip().to_canonical());
        let counted = address.filter(|address| !self.service.trusts(*address));
        self.connections.enter(counted.map(Who::at)).ok()
    }
}
