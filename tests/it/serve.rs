//! `sdata-sync serve` as a process: how it ends, and what it will not do.

use crate::support::App;
use std::process::Command;

/// What a supervisor does; an engine that asks again finds everything that was answered.
#[cfg(unix)]
#[tokio::test]
async fn a_provider_told_to_stop_ends_well_and_keeps_its_audit() {
    let mut app = App::start("crm").await;
    assert_eq!(app.get(&format!("{}/$syncDigest", app.kind("accounts"))).await.status, 200);
    let status = app.terminate();
    assert!(status.success(), "{status}\n{}", app.log());
    assert!(app.log().contains("stopping"), "{}", app.log());
    app.restart().await;
    let events = app.audit_rows("events").await;
    assert_eq!(events.len(), 1, "the event of the request before the stop was written");
}

#[test]
fn authentication_that_is_not_there_yet_is_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
    serve.arg("serve").args(["--set", "security.authentication=basic"]).current_dir(folder.path());
    let output = serve.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.starts_with("error: security.authentication is \"basic\""), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
