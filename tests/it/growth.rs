//! What is not kept for ever: old rows of the audit, and tombstones; and the way back for who comes too late.

use crate::support::app::child;
use crate::support::messages::{account, entry};
use crate::support::pass::{pass, passed};
use crate::support::{App, Kind};
use rstest::rstest;
use std::time::{Duration, Instant};

const DAY_MICROS: i64 = 86_400_000_000;

/// Does what many days would, to be started again after them: everything that was deleted or recorded is `days` older, and it
/// is time to purge.
async fn age(app: &mut App, days: i64) {
    make_older(app, days).await;
    make_due(app).await;
}

/// Ends the provider, and makes everything older that was deleted or recorded.
async fn make_older(app: &mut App, days: i64) {
    app.kill();
    let micros = days * DAY_MICROS;
    for statement in [
        format!("UPDATE resource SET modified_at = modified_at - {micros} WHERE is_deleted"),
        format!("UPDATE audit_event SET at = at - {micros}"),
        format!("UPDATE audit_chunk SET at = at - {micros}"),
        format!("UPDATE sync_run SET last_seen = last_seen - {micros}"),
    ] {
        app.alter(&statement).await;
    }
}

/// Ends the provider, which could purge at once otherwise, and makes it time to purge.
async fn make_due(app: &mut App) {
    app.kill();
    app.alter("UPDATE duty SET owner = NULL, done_at = 0").await;
}

/// Waits until the provider has purged.
async fn purged(app: &App) {
    let began = Instant::now();
    while app.count("duty WHERE done_at = 0").await > 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "nothing is purged:\n{}", app.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn codes(app: &App) -> Vec<String> {
    let mut codes: Vec<_> = app.resources("accounts").await.iter().map(|account| child(account, "code")).collect();
    codes.sort_unstable();
    codes
}

/// SYNC-5.2-05, OURS-GROWTH-01, OURS-GROWTH-02.
#[rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::mysql(Kind::Mysql)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_comes_too_late_is_told_and_a_full_pass_is_the_way_back(#[case] kind: Kind) {
    let storage = kind.storage().await;
    let kept = [("retention.tombstone_days", "30"), ("retention.tombstone_max_days", "90")];
    let mut crm = storage.start("crm", &kept).await;
    let (erp, web) = (App::start("erp").await, App::start("web").await);
    for code in ["A1", "A2", "A3", "A4"] {
        crm.create("accounts", &account(code, code)).await;
    }
    for peer in [&erp, &web] {
        passed(&crm, peer).await;
        passed(&crm, peer).await;
    }
    crm.delete_account("A1").await;
    crm.delete_account("A2").await;
    passed(&crm, &erp).await;
    passed(&crm, &erp).await;

    // Old enough, but one peer has not heard of it.
    age(&mut crm, 40).await;
    crm.restart().await;
    purged(&crm).await;
    assert_eq!(crm.count("resource WHERE is_deleted").await, 2);
    // Older than any may become.
    age(&mut crm, 60).await;
    crm.restart().await;
    purged(&crm).await;
    assert_eq!(crm.count("resource WHERE is_deleted").await, 0);
    assert_eq!(crm.count("resource").await, 2, "what lives stays");
    passed(&crm, &erp).await;

    // The one that comes late has changed something itself, and made something.
    web.create("accounts", &account("W1", "W1")).await;
    let (code, said) = pass(&crm, &web, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("answered 409") && said.contains("pass --full"), "{said}");
    assert_eq!(codes(&web).await, ["A1", "A2", "A3", "A4", "W1"]);
    let (code, said) = pass(&crm, &web, &["--full"]).await;
    assert_eq!(code, Some(0), "{said}\n{}", web.log());
    assert_eq!(codes(&web).await, ["A3", "A4", "W1"]);
    let reported = web.audit_rows("changes").await;
    let reported = reported.iter().filter(|change| child(change, "outcome") == "reported");
    assert_eq!(reported.filter(|change| child(change, "message").contains("deleted by a full pass")).count(), 2);

    passed(&web, &crm).await;
    passed(&crm, &web).await;
    passed(&crm, &erp).await;
    for app in [&crm, &erp, &web] {
        assert_eq!(codes(app).await, ["A3", "A4", "W1"]);
    }
}

/// OURS-GROWTH-01: a tombstone goes by its age once everybody has heard of it, and what was deleted does not come back with an old page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tombstone_that_everybody_has_heard_of_goes() {
    let mut crm = App::start_with("crm", &crate::support::Backend::Sqlite, &[("retention.tombstone_days", "30")]).await;
    let erp = App::start("erp").await;
    crm.create("accounts", &account("A1", "A1")).await;
    passed(&crm, &erp).await;
    let (page, _) =
        erp.run("accounts", "$syncSource", "", crate::support::messages::digest_entry("http://x/y", &[])).await;
    crm.delete_account("A1").await;
    passed(&crm, &erp).await;
    passed(&crm, &erp).await;
    age(&mut crm, 31).await;
    crm.restart().await;
    purged(&crm).await;
    assert_eq!(crm.count("resource").await, 0);
    let (result, _) = crm.run("accounts", "$syncTarget", "&runName=r&runStamp=s", page.body).await;
    assert_eq!(result.feed().1.len(), 1);
    assert_eq!(codes(&crm).await, [] as [&str; 0], "an old page does not bring it back");
    // A change that nobody here has heard of is no old page.
    erp.create("accounts", &account("A1", "made again")).await;
    passed(&erp, &crm).await;
    assert_eq!(codes(&crm).await, ["A1"]);
}

/// OURS-GROWTH-03.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_is_kept_as_long_as_it_is_to_be() {
    let mut crm = App::start_with("crm", &crate::support::Backend::Sqlite, &[("retention.audit_days", "30")]).await;
    let erp = App::start("erp").await;
    erp.create("accounts", &account("A1", "A1")).await;
    passed(&erp, &crm).await;
    assert!(!crm.audit_rows("changes").await.is_empty());
    make_older(&mut crm, 31).await;
    crm.restart().await;
    let found = erp.get(&erp.kind("accounts")).await.feed().1;
    erp.put(&found[0].id, entry(&account("A1", "later"))).await;
    passed(&erp, &crm).await;
    make_due(&mut crm).await;
    crm.restart().await;
    purged(&crm).await;
    let changes = crm.audit_rows("changes").await;
    assert_eq!(changes.iter().map(|change| child(change, "outcome")).collect::<Vec<_>>(), ["updated"]);
    assert_eq!(crm.count("audit_change").await, 1);
    assert_eq!(crm.resources("accounts").await.len(), 1);
}

/// A provider that has purged deletions of A1 and A2, and a target that has not heard of them, whose accounts are asked for.
async fn one_behind() -> (App, App) {
    let kept = [("retention.tombstone_days", "1"), ("retention.tombstone_max_days", "2")];
    let mut crm = App::start_with("crm", &crate::support::Backend::Sqlite, &kept).await;
    let web = App::start_with("web", &crate::support::Backend::Sqlite, &[("security.authentication", "basic")]).await;
    for (name, role) in [("ada", "administrator"), ("engine", "synchronizer")] {
        web.add_user(name, role, "*").await;
    }
    let mut web = web;
    web.act_as(Some("ada"));
    for code in ["A1", "A2", "A3"] {
        crm.create("accounts", &account(code, code)).await;
    }
    for _ in 0..2 {
        let (code, said) = pass_as(&crm, &web, "ada", &[]).await;
        assert_eq!(code, Some(0), "{said}");
    }
    crm.delete_account("A1").await;
    crm.delete_account("A2").await;
    // What nobody has asked for has no number yet, and stays.
    crm.digest("accounts").await;
    age(&mut crm, 3).await;
    crm.restart().await;
    purged(&crm).await;
    let (code, said) = pass_as(&crm, &web, "ada", &[]).await;
    assert!(code == Some(1) && said.contains("pass --full"), "{said}");
    (crm, web)
}

async fn pass_as(source: &App, target: &App, user: &str, more: &[&str]) -> (Option<i32>, String) {
    let password = target.secret_file(user, crate::support::app::PASSWORD).display().to_string();
    pass(source, target, &[&["--target-user", user, "--target-password-file", &password], more].concat()).await
}

/// OURS-GROWTH-02: an engine that may not delete carries nothing, so that nothing seems done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_pass_that_failed_is_made_good_by_the_next() {
    let (crm, web) = one_behind().await;
    let before = web.digest("accounts").await;
    let (code, said) = pass_as(&crm, &web, "engine", &["--full"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("$batch") && said.contains("403"), "{said}");
    assert_eq!(codes(&web).await, ["A1", "A2", "A3"]);
    assert_eq!(web.digest("accounts").await, before);
    let (code, said) = pass_as(&crm, &web, "ada", &["--full"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(codes(&web).await, ["A3"]);
}

/// OURS-GROWTH-02: a target that was put back in time, too, gets everything first; where it waits for others after that, the deletions wait.
#[rstest]
#[case::for_the_source_alone(true)]
#[case::for_another(false)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_gets_back_what_it_forgot_loses_no_deletion(#[case] for_source: bool) {
    let (crm, web) = one_behind().await;
    let gone = "http://gone.example.com/sdata/gone/sample/-/accounts".to_owned();
    let prover = if for_source { crm.kind("accounts") } else { gone.clone() };
    let proof = crate::support::messages::digest_entry(&prover, &[(&web.kind("accounts"), 50, 5)]);
    web.post(&format!("{}/$syncDigest", web.kind("accounts")), proof).await.assert_refused(409);
    let (code, said) = pass_as(&crm, &web, "ada", &["--full"]).await;
    if for_source {
        assert_eq!(code, Some(0), "{said}");
    } else {
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("put back to an earlier state"), "{said}");
        assert_eq!(codes(&web).await, ["A1", "A2", "A3"]);
        let mut heal = web.tool(&["restore-check"]);
        // The source has brought what it knows.
        heal.args(["--heal", "--without-peers", "--without", &crm.dataset()]);
        let healed = crate::support::app::finished(heal).await;
        let said = String::from_utf8_lossy(&healed.stderr).into_owned();
        assert!(healed.status.success(), "{said}");
        let (code, said) = pass_as(&crm, &web, "ada", &["--full"]).await;
        assert_eq!(code, Some(0), "{said}");
    }
    assert_eq!(codes(&web).await, ["A3"]);
}
