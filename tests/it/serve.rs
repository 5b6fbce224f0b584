//! `sdata-sync serve` as a process: how it ends, and what it will not do.

use crate::support::App;
use rstest::rstest;
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

/// CORE-5.2-02.
#[rstest]
#[case::without_authentication("none", "security.authentication must be \"basic\"")]
#[case::credentials_in_clear("basic", "security.authentication is \"basic\", which needs connections")]
fn an_address_that_is_not_loopback_is_not_served_in_clear_and_nothing_is_made(#[case] word: &str, #[case] why: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
    let authentication = format!("security.authentication={word}");
    serve.arg("serve").args(["--set", "server.listen=0.0.0.0:5493", "--set", "server.base_url=http://a"]);
    let output = serve.args(["--set", &authentication]).current_dir(folder.path()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(why), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
