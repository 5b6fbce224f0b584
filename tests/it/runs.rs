//! A run spans requests, operations and kinds (sync 4.1).

use crate::support::App;
use crate::support::app::child;
use crate::support::messages::{N1, SyncFeed, account_of, digest_entry};
use rstest::rstest;
use uuid::Uuid;

fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    url::Url::parse_with_params(url, parameters).unwrap().to_string()
}

/// SYNC-4.1-10, OURS-AUDIT-05.
#[tokio::test]
async fn a_run_is_listed_once_with_its_events_changes_and_failures() {
    let app = App::start("crm").await;
    let page = |n: u64| {
        SyncFeed::new(N1, &[(N1, 9, 1)])
            .with((N1, 2 * n), &account_of(Uuid::new_v4(), &format!("A{n}"), "one"))
            .with((N1, 2 * n + 1), "")
            .xml()
    };
    let contact = format!(
        r#"<contact xmlns="urn:sdata-sync:sample:1" sdata:uuid="{}"><lastName>x</lastName></contact>"#,
        Uuid::new_v4()
    );
    app.run("accounts", "$syncTarget", "&runName=r&runStamp=1", page(1)).await;
    app.run("contacts", "$syncTarget", "&runName=r&runStamp=1", SyncFeed::new(N1, &[]).with((N1, 1), &contact).xml())
        .await;
    app.get(&format!("{}/$syncDigest?runName=r&runStamp=1", app.kind("accounts"))).await;
    app.run("accounts", "$syncTarget", "&runName=r&runStamp=2", page(2)).await;
    app.run("accounts", "$syncTarget", "", page(3)).await;
    let runs = app.audit_rows("runs").await;
    assert_eq!(runs.len(), 2, "the same name with another stamp is another run");
    let run = runs.iter().find(|run| child(run, "runStamp") == "1").unwrap();
    let counts = ["runName", "events", "changes", "failures"].map(|name| child(run, name));
    assert_eq!(counts, ["r", "5", "3", "1"], "two operations of two events each, and the digest");
    let seen = ["firstSeen", "lastSeen"].map(|name| sdata_sync::protocol::Stamp::parse(&child(run, name)).unwrap());
    assert!(seen[0] <= seen[1]);
    let other = runs.iter().find(|run| child(run, "runStamp") == "2").unwrap();
    assert_eq!(["events", "changes", "failures"].map(|name| child(other, name)), ["2", "2", "1"]);
}

/// SYNC-4.1-11: opaque, kept and compared as sent, never refused.
#[rstest]
#[case::no_time("any", "whenever")]
#[case::empty("", "")]
#[case::spaces(" a  b ", " 1 ")]
#[case::other_letters("RUN", "Run")]
#[case::markup("<&\"'>", "';--")]
#[case::letters_of_the_world("Zürich 東京 😀", "ß")]
#[case::trailing_space("run ", "1")]
#[case::control("a\tb\nc", "\r")]
#[tokio::test]
async fn a_runs_name_and_stamp_are_kept_as_they_were_sent(#[case] name: &str, #[case] stamp: &str) {
    let app = App::start("crm").await;
    let url = format!("{}/$syncSource", app.kind("accounts"));
    for (name, stamp) in [(name, stamp), ("run", "1")] {
        let request = app.request("POST", &with_query(&url, &[("RUNNAME", name), ("runstamp", stamp)]));
        assert_eq!(app.send(request.body(digest_entry(N1, &[]))).await.status, 200);
    }
    let runs = app.audit_rows("runs").await;
    let told: Vec<_> = runs.iter().map(|run| (child(run, "runName"), child(run, "runStamp"))).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&(name.to_owned(), stamp.to_owned())), "{told:?}");
}

/// SYNC-4.1-11: also what is very long, and what XML cannot say.
#[rstest]
#[case::long(&"x".repeat(5000))]
#[case::forbidden_in_xml("a\u{1}b\u{ffff}c")]
#[case::nul("a\u{0}b")]
#[tokio::test]
async fn a_run_is_never_refused(#[case] name: &str) {
    let app = App::start("crm").await;
    let url = format!("{}/$syncSource", app.kind("accounts"));
    let request = app.request("POST", &with_query(&url, &[("runName", name), ("runStamp", "1")]));
    let answer = app.send(request.body(digest_entry(N1, &[]))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for kind in ["runs", "events"] {
        assert!(!app.audit_rows(kind).await.is_empty());
    }
}
