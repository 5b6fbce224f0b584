//! A database that is put back from a real backup: nothing of what its peers know is lost, and no number names two changes.

use crate::support::app::child;
use crate::support::messages::{account, digest_entry, entry};
use crate::support::pass::{pass, passed};
use crate::support::{App, Kind};
use rstest::rstest;
use sdata_sync::wire::Element;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use url::Url;

/// How a backup is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backup {
    /// The file and its log, of a provider that was stopped.
    FileCopy,
    /// `VACUUM INTO`, while it is served.
    VacuumInto,
    /// `pg_dump`, while it is served.
    PgDump,
    /// `mariadb-dump`, while it is served.
    MariadbDump,
}

impl Backup {
    fn kind(self) -> Kind {
        match self {
            Self::FileCopy | Self::VacuumInto => Kind::Sqlite,
            Self::PgDump => Kind::Postgres,
            Self::MariadbDump => Kind::Mysql,
        }
    }

    async fn make(self, app: &mut App, folder: &Path) -> PathBuf {
        let backup = folder.join("backup");
        let text = backup.to_str().unwrap();
        match self {
            Self::FileCopy => {
                app.kill();
                for suffix in ["", "-wal"] {
                    let from = format!("{}{suffix}", file(app));
                    if Path::new(&from).exists() {
                        std::fs::copy(from, format!("{text}{suffix}")).unwrap();
                    }
                }
                app.restart().await;
            }
            Self::VacuumInto => {
                app.alter(&format!("VACUUM INTO '{text}'")).await;
            }
            Self::PgDump => drop(done(Command::new("pg_dump").args(["-Fc", "-f", text, "-d", app.database()]))),
            Self::MariadbDump => {
                let dump = done(mariadb("mariadb-dump", app).arg("--single-transaction").arg(database(app)));
                std::fs::write(&backup, dump.stdout).unwrap();
                // The tables say to the second when they were made: those that are read back are younger.
                tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
            }
        }
        backup
    }

    fn put_back(self, app: &mut App, backup: &Path) {
        app.kill();
        self.put_in_place(app, backup);
    }

    /// Puts the backup in place of the database, whether it is served or not.
    fn put_in_place(self, app: &App, backup: &Path) {
        let text = backup.to_str().unwrap();
        match self {
            Self::FileCopy | Self::VacuumInto => {
                for suffix in ["", "-wal", "-shm"] {
                    let to = format!("{}{suffix}", file(app));
                    let _ = std::fs::remove_file(&to);
                    let from = format!("{text}{suffix}");
                    if Path::new(&from).exists() {
                        std::fs::copy(from, to).unwrap();
                    }
                }
            }
            Self::PgDump => {
                done(Command::new("pg_restore").args(["--clean", "--if-exists", "-d", app.database(), text]));
            }
            Self::MariadbDump => {
                let dump = std::fs::File::open(backup).unwrap();
                done(mariadb("mariadb", app).arg(database(app)).stdin(dump));
            }
        }
    }
}

fn file(app: &App) -> &str {
    app.database().strip_prefix("sqlite://").unwrap()
}

fn database(app: &App) -> String {
    Url::parse(app.database()).unwrap().path().trim_start_matches('/').to_owned()
}

fn mariadb(program: &str, app: &App) -> Command {
    let url = Url::parse(app.database()).unwrap();
    let mut command = Command::new(program);
    command.args(["--host", url.host_str().unwrap(), "--user", url.username()]);
    command.args(["--port", &url.port().unwrap_or(3306).to_string()]);
    command.env("MYSQL_PWD", url.password().unwrap_or_default());
    command
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// One pass by the program; its exit code and what it says.
async fn command(app: &App, name: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command = app.command(name);
    command.args(more);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// The live accounts: code and name by UUID.
async fn accounts(app: &App) -> BTreeMap<String, (String, String)> {
    let resources = app.resources("accounts").await;
    let of = |resource: &Element| {
        let uuid = resource.attribute("http://schemas.sage.com/sdata/2008/1", "uuid").unwrap_or_default();
        (uuid.to_lowercase(), (child(resource, "code"), child(resource, "name")))
    };
    resources.iter().map(of).collect()
}

async fn names(app: &App) -> Vec<String> {
    let mut names: Vec<_> = accounts(app).await.into_values().map(|(_, name)| name).collect();
    names.sort_unstable();
    names
}

async fn rename(app: &App, code: &str, name: &str) {
    let found = app.get(&format!("{}?where=code%20eq%20'{code}'", app.kind("accounts"))).await.feed().1;
    let url = found[0].id.clone();
    let answer = app.put(&url, entry(&account(code, name))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// No endpoint and tick is that of two resources, nor of two versions of one.
async fn assert_every_number_names_one_change(app: &App) {
    let mut named: HashMap<(String, String), BTreeSet<(String, String)>> = HashMap::new();
    for change in app.audit_rows("changes").await {
        let number = (child(&change, "sourceEndpoint"), child(&change, "sourceTick"));
        if !number.1.is_empty() {
            named.entry(number).or_default().insert((child(&change, "uuid"), child(&change, "sourceStamp")));
        }
    }
    let twice: Vec<_> = named.iter().filter(|(_, changes)| changes.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// Which pass comes first after the restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    To,
    From,
    /// In one run, the pass from it first.
    Both,
}

/// SYNC-2.1-03, SYNC-2.1-04, SYNC-2.1-02.
#[rstest]
#[case::sqlite_file_copy(Backup::FileCopy)]
#[case::sqlite_vacuum_into(Backup::VacuumInto)]
#[case::postgres(Backup::PgDump)]
#[case::mariadb(Backup::MariadbDump)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_restored_database_has_forgotten_comes_back(
    #[case] backup: Backup,
    #[values(First::To, First::From, First::Both)] first: First,
) {
    let folder = tempfile::tempdir().unwrap();
    let storage = backup.kind().storage().await;
    let (mut crm, erp) = (storage.start("crm", &[]).await, App::start("erp").await);
    for code in ["A1", "A2", "A3"] {
        crm.create("accounts", &account(code, code)).await;
    }
    passed(&crm, &erp).await;
    passed(&erp, &crm).await;
    let kept = backup.make(&mut crm, folder.path()).await;
    rename(&crm, "A1", "A1 forgotten").await;
    crm.delete_account("A3").await;
    crm.create("accounts", &account("A4", "A4 forgotten")).await;
    passed(&crm, &erp).await;
    rename(&erp, "A2", "A2 of the peer").await;
    erp.create("accounts", &account("B1", "B1")).await;

    backup.put_back(&mut crm, &kept);
    crm.restart().await;
    assert_eq!(names(&crm).await, ["A1", "A2", "A3"]);
    rename(&crm, "A1", "A1 after the restore").await;
    crm.create("accounts", &account("A5", "A5 after the restore")).await;
    if first == First::From {
        let (code, said) = pass(&crm, &erp, &[]).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("put back to an earlier state") && said.contains("restore-check --heal"), "{said}");
    }
    if first == First::Both {
        let (code, said) = pass(&crm, &erp, &["--both"]).await;
        assert_eq!(code, Some(0), "{said}");
    } else {
        passed(&erp, &crm).await;
        passed(&crm, &erp).await;
        passed(&erp, &crm).await;
    }

    let wanted = ["A1 after the restore", "A2 of the peer", "A4 forgotten", "A5 after the restore", "B1"];
    assert_eq!(names(&crm).await, wanted);
    assert_eq!(accounts(&crm).await, accounts(&erp).await);
    let lost: Vec<_> = crm.audit_rows("changes").await;
    let lost: Vec<_> = lost.iter().filter(|change| child(change, "outcome") == "conflictLost").collect();
    assert!(lost.iter().any(|change| child(change, "losingPayload").contains("A1 forgotten")), "{lost:?}");
    assert_every_number_names_one_change(&erp).await;
    assert_every_number_names_one_change(&crm).await;
}

/// SYNC-2.1-04: with two peers of which each knows something that the other does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_heals_a_restored_database_by_one_command() {
    let folder = tempfile::tempdir().unwrap();
    let (mut crm, mut erp, web) = (App::start("crm").await, App::start("erp").await, App::start("web").await);
    crm.create("accounts", &account("A1", "A1")).await;
    for peer in [&erp, &web] {
        passed(&crm, peer).await;
        passed(peer, &crm).await;
    }
    let (code, said) = command(&crm, "restore-check", &[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("even") && said.contains("Nothing to do"), "{said}");
    // Who does not answer may know what nobody else does.
    erp.kill();
    for (without, code) in [(&[][..], 3), (&["--without", &erp.dataset()], 0), (&["--without-peers"], 0)] {
        let (ended, said) = command(&crm, "restore-check", without).await;
        assert_eq!((ended, said.contains("answers are missing")), (Some(code), code == 3), "{said}");
        assert!(!said.contains("--heal"), "{said}");
    }
    let (code, said) = command(&crm, "restore-check", &["--heal"]).await;
    assert_eq!((code, said.contains("Nothing was changed")), (Some(1), true), "{said}");
    erp.restart().await;
    let kept = Backup::VacuumInto.make(&mut crm, folder.path()).await;
    for (peer, code) in [(&erp, "A2"), (&web, "A3")] {
        crm.create("accounts", &account(code, code)).await;
        passed(&crm, peer).await;
    }
    Backup::VacuumInto.put_back(&mut crm, &kept);
    crm.restart().await;
    crm.create("accounts", &account("A4", "A4")).await;

    let (code, said) = command(&crm, "restore-check", &[]).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("ahead by 1") && said.contains("ahead by 2") && said.contains("--heal"), "{said}");
    erp.kill();
    let (code, said) = command(&crm, "restore-check", &["--heal"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--without URL"), "{said}");
    assert!(crm.get(&format!("{}/metrics", crm.base())).await.text().contains("sdata_sync_recovering{"));
    erp.restart().await;
    let (code, said) = command(&crm, "restore-check", &["--heal"]).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = command(&crm, "restore-check", &[]).await;
    assert_eq!(code, Some(0), "{said}");
    for peer in [&erp, &web] {
        passed(&crm, peer).await;
    }
    for app in [&crm, &erp, &web] {
        assert_eq!(names(app).await, ["A1", "A2", "A3", "A4"]);
        assert_every_number_names_one_change(app).await;
    }
}

/// SYNC-2.1-04: a peer that is gone for good is given up; the clock goes on above what it may know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_gone_can_be_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let (mut crm, mut erp) = (App::start("crm").await, App::start("erp").await);
    crm.create("accounts", &account("A1", "A1")).await;
    passed(&crm, &erp).await;
    let kept = Backup::VacuumInto.make(&mut crm, folder.path()).await;
    crm.create("accounts", &account("A2", "only the peer knows it")).await;
    passed(&crm, &erp).await;
    erp.kill();
    Backup::VacuumInto.put_back(&mut crm, &kept);
    crm.restart().await;
    let (code, said) = command(&crm, "restore-check", &["--heal", "--without", &erp.dataset()]).await;
    assert_eq!(code, Some(0), "{said}");
    crm.create("accounts", &account("A3", "A3")).await;
    erp.restart().await;
    passed(&crm, &erp).await;
    assert_eq!(names(&erp).await, ["A1", "A3", "only the peer knows it"]);
    assert_every_number_names_one_change(&erp).await;
}

/// SYNC-2.1-04: it may know what nobody else does, so it is not passed over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_whose_url_cannot_be_asked_is_done_without_only_when_it_is_named() {
    let crm = App::start("crm").await;
    let peer = "http://gone.example.com/elsewhere";
    let proof = digest_entry(peer, &[(&crm.kind("accounts"), 50, 5)]);
    crm.post(&format!("{}/$syncDigest", crm.kind("accounts")), proof).await.assert_refused(409);
    let (code, said) = command(&crm, "restore-check", &[]).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("gone.example.com") && said.contains("its URL cannot be asked"), "{said}");
    let (code, said) = command(&crm, "restore-check", &["--heal"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("{peer}: its URL cannot be asked")) && said.contains("--without URL"), "{said}");
    let (code, said) = command(&crm, "restore-check", &["--heal", "--without", peer]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the clock goes on"), "{said}");
    let (code, said) = command(&crm, "restore-check", &[]).await;
    assert_eq!(code, Some(0), "{said}");
}

/// SYNC-2.1-03, SYNC-2.1-04: of the database nothing is left but what its witness has seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_made_anew_in_place_of_a_lost_one_gives_no_number_again() {
    let (mut crm, erp) = (App::start("crm").await, App::start("erp").await);
    for code in ["A1", "A2"] {
        crm.create("accounts", &account(code, code)).await;
    }
    passed(&crm, &erp).await;
    crm.kill();
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file(&crm)));
    }
    crm.restart().await;
    crm.create("accounts", &account("A3", "A3")).await;
    let (code, said) = pass(&crm, &erp, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    passed(&erp, &crm).await;
    passed(&crm, &erp).await;
    assert_eq!(names(&erp).await, ["A1", "A2", "A3"]);
    assert_eq!(accounts(&crm).await, accounts(&erp).await);
    assert_every_number_names_one_change(&erp).await;
}

/// SYNC-2.1-04: what the process remembers of ids is not of that database; a supervisor starts it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_whose_database_is_put_back_under_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (mut crm, erp) = (App::start("crm").await, App::start("erp").await);
    crm.create("accounts", &account("A1", "A1")).await;
    let kept = Backup::VacuumInto.make(&mut crm, folder.path()).await;
    crm.create("accounts", &account("A2", "A2 forgotten")).await;
    passed(&crm, &erp).await;
    Backup::VacuumInto.put_in_place(&crm, &kept);
    crm.died().await;
    let ended = crm.ended();
    assert_eq!(ended.code(), Some(1), "{ended}\n{}", crm.log());
    assert!(crm.log().contains("put back in time under this process"), "{}", crm.log());
    crm.restart().await;
    let (code, said) = pass(&crm, &erp, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    passed(&erp, &crm).await;
    assert_eq!(names(&crm).await, ["A1", "A2 forgotten"]);
}

/// SYNC-2.1-04: of several processes one has found it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_ends_when_another_process_has_found_its_database_put_back() {
    let storage = Kind::Postgres.storage().await;
    let mut crm = storage.start("crm", &[]).await;
    crm.alter("UPDATE instance SET epoch = 'the next'").await;
    crm.died().await;
    let ended = crm.ended();
    assert_eq!(ended.code(), Some(1), "{ended}\n{}", crm.log());
    assert!(crm.log().contains("another process has found"), "{}", crm.log());
    crm.restart().await;
}

/// SYNC-1.2-03, SYNC-2.1-04: a resource that was made before the backup and got its UUID after it gets the same one again; one that was
/// made after it comes back, and nobody else gets its id.
#[rstest]
#[case::sqlite(Backup::VacuumInto)]
#[case::postgres(Backup::PgDump)]
#[case::mariadb(Backup::MariadbDump)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_first_sent_after_the_backup_is_not_there_twice(#[case] backup: Backup) {
    let folder = tempfile::tempdir().unwrap();
    let storage = backup.kind().storage().await;
    let (mut crm, erp) = (storage.start("crm", &[]).await, App::start("erp").await);
    for code in ["A1", "A2"] {
        crm.create("accounts", &account(code, code)).await;
    }
    let kept = backup.make(&mut crm, folder.path()).await;
    let forgotten = crm.create("accounts", &account("A3", "A3")).await;
    passed(&crm, &erp).await;
    rename(&erp, "A2", "A2 of the peer").await;

    backup.put_back(&mut crm, &kept);
    crm.restart().await;
    let made_since = crm.create("accounts", &account("A4", "A4")).await;
    assert_ne!(made_since, forgotten);
    passed(&erp, &crm).await;
    passed(&crm, &erp).await;
    for app in [&crm, &erp] {
        assert_eq!(names(app).await, ["A1", "A2 of the peer", "A3", "A4"]);
    }
    assert_eq!(accounts(&crm).await, accounts(&erp).await);
    assert_every_number_names_one_change(&erp).await;
}
