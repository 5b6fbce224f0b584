//! Passes: by the program, and the steps of one, one by one, as an engine takes them.

use super::app::finished;
use super::{Answer, App};
use std::process::Command;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an operation may take, also on a busy machine.
const DONE: Duration = Duration::from_secs(300);

/// The program's engine between two URLs, of kinds or of datasets, to be given more arguments.
pub fn engine(source: &str, target: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
    program.args(["pass", "--source", source, "--target", target]);
    program
}

/// A pass of accounts by the program: the code it ended with, and what it said.
pub async fn pass(source: &App, target: &App, more: &[&str]) -> (Option<i32>, String) {
    let mut program = engine(&source.kind("accounts"), &target.kind("accounts"));
    program.args(more);
    let output = finished(program).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// The same, which ends well.
pub async fn passed(source: &App, target: &App) {
    let (code, said) = pass(source, target, &[]).await;
    assert_eq!(code, Some(0), "{said}\n{}\n{}", source.log(), target.log());
}

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

    /// Deletes the account with this code.
    pub async fn delete_account(&self, code: &str) {
        let found = self.get(&format!("{}?where=code%20eq%20'{code}'", self.kind("accounts"))).await.feed().1;
        assert_eq!(self.delete(&found[0].id).await.status, 200);
    }

    /// Polls a context until it is no longer running.
    pub async fn poll(&self, location: &str) -> Answer {
        let began = Instant::now();
        loop {
            let answer = self.get(location).await;
            if answer.status != 202 {
                return answer;
            }
            assert!(began.elapsed() < DONE, "{location} goes on and on: {}\n{}", answer.text(), self.log());
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
