//! A connection that does not wait for ever: for a request that does not come, for an answer that is not taken.
//!
//! actix watches the head of a connection's first request and the pauses between two. What begins with a second head and
//! stops, drips a body that nobody reads any more, or answers pings and asks nothing, ends here.

use super::head_blocks::HeadBlocks;
use crate::provider::gate::Pass;
use actix_web::HttpRequest;
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How long an answer may wait for its client to take some of it.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);

/// How long a connection on which nothing is asked stays open when the server stops: for who asks at this moment, and for
/// the end of an answer to leave.
const STOPPING_PATIENCE: Duration = Duration::from_secs(1);

/// actix has watched the first head when its time is over, and answers; only then is it cut.
const AFTER_ACTIX: Duration = Duration::from_secs(1);

/// A connection as the requests on it know it.
#[derive(Debug)]
pub(super) struct Link {
    /// Whether it is TLS.
    pub(super) is_tls: bool,
    under_way: Cell<usize>,
    /// Those of them of whose answer the client was given something, and has not come for more.
    leaving: Cell<usize>,
    /// When it was last given something.
    given: Cell<Instant>,
    /// How many may be under way.
    most: usize,
    idle_since: Cell<Instant>,
    /// Its place among the connections.
    _pass: Option<Pass>,
}

/// A request is under way on a connection while this is there.
#[derive(Debug)]
pub(super) struct UnderWay {
    link: Rc<Link>,
    is_leaving: bool,
}

impl Link {
    /// The connection that a request came on.
    pub(super) fn of(http: &HttpRequest) -> Option<&Rc<Self>> {
        http.conn_data::<Rc<Self>>()
    }

    fn new(is_tls: bool, most: usize, pass: Option<Pass>) -> Rc<Self> {
        let now = Instant::now();
        let (under_way, leaving) = (Cell::new(0), Cell::new(0));
        let (given, idle_since) = (Cell::new(now), Cell::new(now));
        Rc::new(Self { is_tls, under_way, leaving, given, most, idle_since, _pass: pass })
    }

    /// A connection on which nothing is asked yet.
    #[cfg(test)]
    pub(super) fn idle(most: usize) -> Rc<Self> {
        Self::new(false, most, None)
    }

    /// Requests under way, and those of them whose answers wait for the client.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.under_way.get(), self.leaving.get())
    }

    pub(super) fn begin(self: &Rc<Self>) -> UnderWay {
        self.under_way.set(self.under_way.get() + 1);
        UnderWay { link: Rc::clone(self), is_leaving: false }
    }

    /// Until when the connection may go on as it is: all answers may wait for a client that takes nothing of them.
    fn patience_ends(&self, idle: Duration) -> Option<Instant> {
        match (self.under_way.get(), self.leaving.get()) {
            (0, _) => Some(self.idle_since.get() + idle),
            (under_way, leaving) if under_way == leaving => Some(self.given.get() + WRITE_PATIENCE),
            _ => None,
        }
    }
}

impl UnderWay {
    /// The client can take more of the answer.
    pub(super) fn wanted(&mut self) {
        if std::mem::take(&mut self.is_leaving) {
            self.link.leaving.set(self.link.leaving.get().saturating_sub(1));
        }
    }

    /// Something of the answer is given to the client.
    pub(super) fn leaves(&mut self) {
        self.link.given.set(Instant::now());
        if !std::mem::replace(&mut self.is_leaving, true) {
            self.link.leaving.set(self.link.leaving.get() + 1);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.wanted();
        self.link.under_way.set(self.link.under_way.get().saturating_sub(1));
        self.link.idle_since.set(Instant::now());
    }
}

/// The bytes of a connection.
pub(super) enum Bytes {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection as actix reads and writes it.
pub(super) struct Connection {
    bytes: Bytes,
    link: Rc<Link>,
    /// Of a connection that speaks HTTP/2.
    heads: Option<HeadBlocks>,
    patience: Duration,
    idle: Pin<Box<Sleep>>,
    /// Since the client takes nothing of what is written.
    stalled: Option<Pin<Box<Sleep>>>,
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Connection {
    /// A connection that ends when nothing is asked on it for `patience`, or soon after `stop`, and that carries no more than
    /// `most` requests at once.
    pub(super) fn new(
        bytes: Bytes,
        pass: Option<Pass>,
        patience: Duration,
        most: usize,
        stop: CancellationToken,
    ) -> Self {
        let link = Link::new(matches!(bytes, Bytes::Tls(_)), most, pass);
        let patience = patience + AFTER_ACTIX;
        Self {
            bytes,
            link,
            heads: None,
            patience,
            idle: Box::pin(sleep(patience)),
            stalled: None,
            stop: Some(Box::pin(stop.cancelled_owned())),
        }
    }

    /// The same connection, which speaks HTTP/2 and ends when the head of a request is sent in more than `most` bytes.
    pub(super) fn with_http2_heads(mut self, most: usize) -> Self {
        self.heads = Some(HeadBlocks::new(most));
        self
    }

    pub(super) fn link(&self) -> &Rc<Link> {
        &self.link
    }

    /// Ready when nothing was asked for too long: with an error, or as the end of the connection when the server stops.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(cx).is_ready()) {
            self.stop = None;
            self.patience = STOPPING_PATIENCE;
            self.link.idle_since.set(Instant::now());
            self.idle.as_mut().reset(Instant::now() + self.patience);
        }
        // HTTP/2 lets a client ask on without taking an answer.
        if self.link.under_way.get() > self.link.most {
            return Poll::Ready(Err(io::Error::other("too many requests on one connection")));
        }
        loop {
            let until = self.link.patience_ends(self.patience).unwrap_or_else(|| Instant::now() + self.patience);
            if Instant::now() >= until {
                let is_stopping = self.stop.is_none() && self.link.under_way.get() == 0;
                let late = || io::Error::new(io::ErrorKind::TimedOut, "nothing was asked, or taken, for too long");
                return Poll::Ready(if is_stopping { Ok(()) } else { Err(late()) });
            }
            if self.idle.is_elapsed() {
                self.idle.as_mut().reset(until);
            }
            ready!(self.idle.as_mut().poll(cx));
        }
    }

    /// Passes on what came of writing, unless nothing came for too long.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(WRITE_PATIENCE)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing of its answer")))
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // First: whoever sends without end is never pending.
        if let Poll::Ready(ended) = this.poll_idle(cx) {
            return Poll::Ready(ended);
        }
        let known = buffer.filled().len();
        ready!(match &mut this.bytes {
            Bytes::Clear(stream) => Pin::new(stream).poll_read(cx, buffer),
            Bytes::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        })?;
        if let Some(heads) = &mut this.heads {
            heads.follow(buffer.filled().get(known..).unwrap_or_default())?;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = match &mut this.bytes {
            Bytes::Clear(stream) => Pin::new(stream).poll_write(cx, data),
            Bytes::Tls(stream) => Pin::new(stream).poll_write(cx, data),
        };
        this.watch(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = match &mut this.bytes {
            Bytes::Clear(stream) => Pin::new(stream).poll_write_vectored(cx, data),
            Bytes::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, data),
        };
        this.watch(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.bytes {
            Bytes::Clear(stream) => stream.is_write_vectored(),
            Bytes::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = match &mut this.bytes {
            Bytes::Clear(stream) => Pin::new(stream).poll_flush(cx),
            Bytes::Tls(stream) => Pin::new(stream).poll_flush(cx),
        };
        this.watch(flushed, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let ended = match &mut this.bytes {
            Bytes::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Bytes::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        };
        this.watch(ended, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const IDLE: Duration = Duration::from_secs(30);

    /// A connection of the provider's that waits so long for a request, and its client's end.
    async fn connected(patience: Duration, most: usize, stop: CancellationToken) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Connection::new(Bytes::Clear(stream), None, patience, most, stop), client)
    }

    #[actix_web::test]
    async fn a_connection_on_which_nothing_is_asked_has_so_much_time() {
        let link = Link::idle(2);
        let first = link.patience_ends(IDLE).unwrap();
        let request = link.begin();
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(request);
        assert!(link.patience_ends(IDLE).unwrap() > first, "it counts from the end of the last request");
    }

    #[actix_web::test]
    async fn a_request_that_is_worked_on_has_all_the_time_there_is() {
        let link = Link::idle(2);
        let _request = link.begin();
        assert_eq!(link.patience_ends(Duration::ZERO), None);
    }

    #[actix_web::test]
    async fn an_answer_waits_for_its_client_as_long_as_since_the_last_that_was_taken() {
        let link = Link::idle(2);
        let mut request = link.begin();
        request.leaves();
        let first = link.patience_ends(Duration::ZERO).unwrap();
        assert!(first > Instant::now() + WRITE_PATIENCE / 2, "not as long as a connection on which nothing is asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
        request.wanted();
        assert_eq!(link.patience_ends(Duration::ZERO), None, "now it is the provider's turn");
        request.leaves();
        request.leaves();
        assert!(link.patience_ends(Duration::ZERO).unwrap() > first);
        assert_eq!(link.counts(), (1, 1), "each counts once");
    }

    #[actix_web::test]
    async fn one_answer_that_is_not_taken_does_not_end_another_that_is_made() {
        let link = Link::idle(2);
        let (mut one, mut other) = (link.begin(), link.begin());
        one.leaves();
        assert_eq!(link.patience_ends(Duration::ZERO), None);
        other.leaves();
        assert!(link.patience_ends(Duration::ZERO).is_some());
        drop(one);
        assert_eq!(link.counts(), (1, 1));
        drop(other);
        assert_eq!(link.counts(), (0, 0));
    }

    #[actix_web::test]
    async fn nothing_asked_for_too_long_ends_a_connection_but_not_one_with_a_request() {
        let stop = CancellationToken::new();
        let ((mut idle, _client), (mut busy, _other)) =
            (connected(Duration::ZERO, 2, stop.clone()).await, connected(Duration::ZERO, 2, stop.clone()).await);
        let request = busy.link().begin();
        assert_eq!(idle.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let waited = tokio::time::timeout(Duration::from_millis(100), busy.read_u8()).await;
        assert!(waited.is_err(), "{waited:?}");
        drop(request);
        assert_eq!(busy.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[actix_web::test]
    async fn a_stop_is_the_end_of_a_connection_on_which_nothing_is_asked() {
        let stop = CancellationToken::new();
        let (mut connection, _client) = connected(IDLE, 2, stop.clone()).await;
        stop.cancel();
        assert_eq!(connection.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[actix_web::test]
    async fn a_head_over_http_2_in_more_bytes_than_it_may_have_ends_the_connection() {
        let (connection, mut client) = connected(IDLE, 1, CancellationToken::new()).await;
        let mut connection = connection.with_http2_heads(100);
        let start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x64\x01\x04\0\0\0\x01";
        client.write_all(&[start.as_slice(), &[0x90; 100]].concat()).await.unwrap();
        let mut read = vec![0; start.len() + 100];
        connection.read_exact(&mut read).await.unwrap();
        assert!(read.starts_with(start), "what is read is what was sent");
        client.write_all(b"\0\0\x65\x01\0\0\0\0\x03").await.unwrap();
        let error = connection.read_exact(&mut [0; 9]).await.unwrap_err();
        assert_eq!(error.to_string(), "the head of a request is longer than 100 bytes");
    }

    #[actix_web::test]
    async fn more_requests_than_a_connection_may_carry_end_it() {
        let (mut connection, _client) = connected(IDLE, 1, CancellationToken::new()).await;
        let _first = connection.link().begin();
        let waited = tokio::time::timeout(Duration::from_millis(50), connection.read_u8()).await;
        assert!(waited.is_err(), "{waited:?}");
        let _second = connection.link().begin();
        assert!(connection.read_u8().await.is_err());
    }
}
