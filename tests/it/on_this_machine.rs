//! What the program leaves on the machine it runs on, and how it ends there.

use crate::support::messages::account;
use crate::support::pass::engine;
use crate::support::{App, Backend};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_database_file_and_what_belongs_to_it_are_nobodys_but_the_providers() {
    let app = App::start_with("crm", &Backend::Sqlite, &[]).await;
    app.create("accounts", &account("A1", "one")).await;
    let file = app.database().trim_start_matches("sqlite://").split('?').next().unwrap();
    let (folder, name) = (Path::new(file).parent().unwrap(), Path::new(file).file_name().unwrap());
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files: Vec<_> =
        files.filter(|file| file.file_name().as_encoded_bytes().starts_with(name.as_encoded_bytes())).collect();
    assert!(files.len() >= 3, "the database, its log and the witness: {files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", file.file_name());
    }
}

/// As timers and supervisors do it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_that_is_told_to_stop_leaves_nothing_at_the_providers() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    crm.create("accounts", &account("A1", "one")).await;
    erp.hold_lanes().await;
    let mut pass = engine(&crm.kind("accounts"), &erp.kind("accounts"));
    let pass = pass.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while erp.count("tracking WHERE state = 'queued'").await == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "the pass does not come to its page");
        erp.hold_lanes().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    crate::support::app::ask_to_stop(pass.id());
    let output = tokio::task::spawn_blocking(move || pass.wait_with_output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    erp.release_lanes().await;
    for app in [&crm, &erp] {
        assert_eq!(app.count("tracking WHERE state <> 'deleted'").await, 0, "{}", app.log());
    }
}
