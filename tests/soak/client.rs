//! A client that lives with providers that come and go.

use crate::support::Answer;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Client(reqwest::Client);

/// No answer: whether anything was done is not known.
pub(crate) struct Unanswered;

impl Client {
    pub(crate) fn new() -> Self {
        // An error means that somebody else was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        Self(client.build().unwrap())
    }

    /// Sends a request; `if_match` and `body` where there are some.
    pub(crate) async fn send(
        &self,
        method: &str,
        url: &str,
        if_match: Option<&str>,
        body: Option<String>,
    ) -> Result<Answer, Unanswered> {
        let mut request = self.0.request(method.parse().unwrap(), url);
        if let Some(etag) = if_match {
            request = request.header("If-Match", etag);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/atom+xml").body(body);
        }
        let answer = request.send().await.map_err(|_| Unanswered)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|_| Unanswered)?.to_vec();
        Ok(Answer { status, headers, body })
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Answer, Unanswered> {
        self.send("GET", url, None, None).await
    }

    /// Reads what must be there.
    pub(crate) async fn read(&self, url: &str) -> Answer {
        let Ok(answer) = self.get(url).await else { panic!("no answer from {url}") };
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        answer
    }
}
