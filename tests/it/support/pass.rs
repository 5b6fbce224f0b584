//! The steps of a pass, one by one, as an engine takes them.

use super::{Answer, App};
use std::time::Duration;
use uuid::Uuid;

impl App {
    /// Posts to `$syncSource` or `$syncTarget` with a new trackingID and polls to the end; answers the last answer and the context's URL.
    pub async fn run(
        &self,
        kind: &str,
        operation: &str,
        parameters: &str,
        body: impl Into<Vec<u8>>,
    ) -> (Answer, String) {
        let id = Uuid::new_v4();
        let url = format!("{}/{operation}?trackingID={id}{parameters}", self.kind(kind));
        let answer = self.post(&url, body).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        let location = answer.header("location").to_owned();
        (self.poll(&location).await, location)
    }

    /// Polls a context until it is no longer running.
    pub async fn poll(&self, location: &str) -> Answer {
        loop {
            let answer = self.get(location).await;
            if answer.status != 202 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Applies a page and answers its result; the context is deleted.
    pub async fn apply(&self, kind: &str, page: &super::messages::SyncFeed) -> Answer {
        let (answer, location) = self.run(kind, "$syncTarget", "&runName=test&runStamp=1", page.xml()).await;
        self.delete(&location).await;
        answer
    }

    /// One pass of a kind from this application to `target`, page by page; answers the results.
    pub async fn pass_to(&self, target: &App, kind: &str) -> Vec<Answer> {
        let digest = target.get(&format!("{}/$syncDigest", target.kind(kind))).await;
        assert_eq!(digest.status, 200);
        let (mut page, source) = self.run(kind, "$syncSource", "&runName=test&runStamp=1&count=50", digest.body).await;
        let mut results = Vec::new();
        loop {
            assert_eq!(page.status, 200, "{}", page.text());
            let next = page.feed().0.link("next").map(str::to_owned);
            let (result, context) = target.run(kind, "$syncTarget", "&runName=test&runStamp=1", page.body).await;
            assert_eq!(result.status, 200, "{}", result.text());
            target.delete(&context).await;
            results.push(result);
            match next {
                Some(next) => page = self.get(&next).await,
                None => break,
            }
        }
        self.delete(&source).await;
        results
    }
}
