//! Accounts: how one shows who one is, what becomes of those who cannot, and what is known of who did what.

use crate::support::app::{PASSWORD, child, finished};
use crate::support::messages::{SAMPLE, account, batch, entry, posted};
use crate::support::pass::engine;
use crate::support::{App, Backend};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// How long a change of an account may take to be in force, also on a busy machine.
const SOON: Duration = Duration::from_secs(60);

async fn started(name: &str) -> App {
    App::start_with(name, &Backend::Sqlite, &[("security.authentication", "basic")]).await
}

/// Runs a command that must succeed; answers what it prints.
async fn run(app: &App, words: &[&str]) -> String {
    let output = finished(app.tool(words)).await;
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What a command says that must fail.
async fn refused(app: &App, words: &[&str]) -> String {
    let output = finished(app.tool(words)).await;
    assert!(!output.status.success(), "{words:?}");
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

async fn token(app: &App, name: &str) -> String {
    run(app, &["user", "token", "add", name, "--label", "engine"]).await
}

/// CORE-5.2-01, CORE-5.2-03, SYNC-1.3-13.
#[tokio::test]
async fn whoever_is_not_known_gets_the_same_401_everywhere() {
    let app = started("crm").await;
    app.add_user("ada", "reader", "*").await;
    let accounts = app.kind("accounts");
    let urls = [
        format!("{}/sdata", app.base()),
        accounts.clone(),
        format!("{accounts}/$linked"),
        format!("{accounts}/$syncDigest"),
        format!("{accounts}('1')/nothing"),
        format!("{}/sdata/crm/nothing", app.base()),
        format!("{}/sdata/%ff", app.base()),
        format!("{}/", app.base()),
    ];
    let mut told = BTreeSet::new();
    let mut see = |answer: crate::support::Answer| {
        answer.assert_refused(401);
        let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(challenges, ["Basic realm=\"SData\", charset=\"UTF-8\"", "Bearer realm=\"SData\""]);
        told.insert(answer.text());
    };
    for url in &urls {
        see(app.get(url).await);
    }
    for authorization in ["Basic ???", "Bearer nothing", "Digest username=\"ada\"", "Bearer sdata_nothing"] {
        see(app.send(app.request("GET", &accounts).header("Authorization", authorization)).await);
    }
    for (name, password) in [("ada", "wrong horse battery"), ("nobody", PASSWORD), ("a\0b", PASSWORD), ("", "")] {
        see(app.send(app.request("GET", &accounts).basic_auth(name, Some(password))).await);
    }
    assert_eq!(told.len(), 1, "{told:#?}");
    let right = app.request("GET", &accounts).basic_auth("ada", Some(PASSWORD));
    assert_eq!(app.send(right).await.status, 200);
}

#[tokio::test]
async fn a_browser_is_asked_for_a_password_and_told_nothing() {
    let mut app = started("crm").await;
    app.add_user("ada", "reader", "*").await;
    let page = async |app: &App, url: &str| app.send(app.request("GET", url).header("Accept", "text/html")).await;
    let answer = page(&app, &app.kind("accounts")).await;
    assert_eq!((answer.status, answer.header("content-type")), (401, "text/html; charset=utf-8"));
    assert!(answer.header("www-authenticate").starts_with("Basic "));
    assert!(!answer.text().contains("crm") && !answer.text().contains("Account"), "{}", answer.text());
    let style = answer.text().split('"').find(|text| text.contains("/assets/")).unwrap().to_owned();
    assert_eq!(app.get(&format!("{}{style}", app.base())).await.status, 200, "the page has its style sheet");
    app.act_as(Some("ada"));
    assert_eq!(page(&app, &app.kind("accounts")).await.status, 200);
}

#[tokio::test]
async fn whoever_fails_too_often_waits_and_nobody_else_does() {
    let app = started("crm").await;
    app.add_user("ada", "reader", "*").await;
    app.add_user("bob", "reader", "*").await;
    let url = app.kind("accounts");
    for _ in 0..5 {
        let wrong = app.request("GET", &url).basic_auth("ada", Some("wrong horse battery"));
        app.send(wrong).await.assert_refused(401);
    }
    let right = || app.request("GET", &url).basic_auth("ada", Some(PASSWORD));
    let throttled = app.send(right()).await;
    throttled.assert_refused(429);
    assert_eq!(throttled.diagnosis().application_code, "throttled");
    let wait: u64 = throttled.header("retry-after").parse().unwrap();
    assert!((1..=31).contains(&wait), "{wait}");
    let bob = app.request("GET", &url).basic_auth("bob", Some(PASSWORD));
    assert_eq!(app.send(bob).await.status, 200);
    let elsewhere =
        reqwest::Client::builder().local_address(IpAddr::from(Ipv4Addr::new(127, 0, 0, 2))).build().unwrap();
    let from_elsewhere = elsewhere.get(&url).basic_auth("ada", Some(PASSWORD)).send().await.unwrap();
    assert_eq!(from_elsewhere.status().as_u16(), 200, "nobody can lock others out");
}

/// CORE-5.2-03: an account that is tried from everywhere waits, with the right password too, but not where that was right before.
#[tokio::test]
async fn an_account_that_many_try_is_kept_for_those_who_use_it() {
    let settings = [("security.authentication", "basic"), ("server.trusted_proxies", "[\"127.0.0.0/8\"]")];
    let app = App::start_with("crm", &Backend::Sqlite, &settings).await;
    app.add_user("ada", "reader", "*").await;
    app.add_user("bob", "reader", "*").await;
    let url = app.kind("accounts");
    let asked = async |address: &str, name: &str, password: &str| {
        let request = app.request("GET", &url).basic_auth(name, Some(password));
        app.send(request.header("X-Forwarded-For", address).header("X-Forwarded-Proto", "https")).await
    };
    let (known, other) = ("192.0.2.1", "192.0.2.2");
    assert_eq!(asked(known, "ada", PASSWORD).await.status, 200);
    // Each from an address of its own, which is never over a limit by itself.
    let mut failed = 0;
    loop {
        let answer = asked(&format!("198.51.100.{failed}"), "ada", "wrong horse battery").await;
        if answer.status == 401 {
            failed += 1;
            assert!(failed < 200, "the account is never over its limit");
            continue;
        }
        answer.assert_refused(429);
        // On a slow machine the wait may be nearly over: then one more failure makes it long enough to be seen below.
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        if wait > 2 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
    assert!(failed >= 100, "{failed}");
    let refused = asked(other, "ada", PASSWORD).await;
    refused.assert_refused(429);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=11).contains(&wait), "{wait}");
    assert_eq!(asked(known, "ada", PASSWORD).await.status, 200, "who was let in there before is let in");
    assert_eq!(asked(other, "bob", PASSWORD).await.status, 200, "other accounts are not concerned");
}

/// Asks again until the answer has this status.
async fn until(app: &App, request: impl Fn() -> reqwest::RequestBuilder, status: u16) {
    let began = Instant::now();
    loop {
        let answer = app.send(request()).await;
        if answer.status == status {
            return;
        }
        assert!(began.elapsed() < SOON, "still {} instead of {status}", answer.status);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_change_of_an_account_is_in_force_without_a_restart() {
    let app = started("crm").await;
    app.add_user("ada", "reader", "crm/sample/-/accounts").await;
    let token = token(&app, "ada").await;
    let by_password = |kind: &str| app.request("GET", &app.kind(kind)).basic_auth("ada", Some(PASSWORD));
    let by_token = || app.request("GET", &app.kind("accounts")).bearer_auth(&token);
    assert_eq!(app.send(by_password("accounts")).await.status, 200);
    assert_eq!(app.send(by_token()).await.status, 200);
    assert_eq!(app.send(by_password("contacts")).await.status, 403);
    let contacts = ["--role", "reader", "--scope", "crm/sample/-/contacts"];
    run(&app, &[&["user", "grant", "ada"], &contacts[..]].concat()).await;
    until(&app, || by_password("contacts"), 200).await;
    run(&app, &[&["user", "revoke", "ada"], &contacts[..]].concat()).await;
    until(&app, || by_password("contacts"), 403).await;
    let other = app.secret_file("other", "another horse battery");
    run(&app, &["user", "passwd", "ada", "--password-file", other.to_str().unwrap()]).await;
    until(&app, || by_password("accounts"), 401).await;
    let by_other = || app.request("GET", &app.kind("accounts")).basic_auth("ada", Some("another horse battery"));
    assert_eq!(app.send(by_other()).await.status, 200);
    assert_eq!(app.send(by_token()).await.status, 200, "tokens stay");
    let listed = run(&app, &["user", "token", "list"]).await;
    assert!(listed.contains("engine") && !listed.contains(&token), "{listed}");
    run(&app, &["user", "token", "revoke", "1"]).await;
    until(&app, by_token, 401).await;
    run(&app, &["user", "remove", "ada"]).await;
    until(&app, by_other, 401).await;
}

#[tokio::test]
async fn the_name_of_who_asks_goes_into_the_state_and_the_audit() {
    let mut app = started("crm").await;
    for (name, role) in [("root", "administrator"), ("wendy", "writer"), ("sync", "synchronizer")] {
        app.add_user(name, role, "*").await;
    }
    app.act_as(Some("wendy"));
    let one = app.create("accounts", &account("A1", "one")).await;
    let entries = [posted(&account("A2", "two"))];
    let answer = app.post(&format!("{}/$batch", app.kind("accounts")), batch(&entries)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    app.act_as(Some("sync"));
    let digest = app.get(&format!("{}/$syncDigest", app.kind("accounts"))).await.body;
    let users = async |app: &App| {
        let (page, context) = app.run("accounts", "$syncSource", "", digest_of_nobody(app)).await;
        app.delete(&context).await;
        let text = page.text();
        text.split("<sync:user>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(!digest.is_empty());
    assert_eq!(users(&app).await, ["wendy", "wendy"]);
    // To give a resource another UUID is a change of it, too.
    let linked = app.get(&format!("{}/$linked", app.kind("accounts"))).await.feed().1;
    let link = linked
        .iter()
        .find(|link| {
            link.payload
                .as_ref()
                .unwrap()
                .resource
                .as_ref()
                .unwrap()
                .attribute("http://schemas.sage.com/sdata/2008/1", "url")
                == Some(&one)
        })
        .unwrap();
    let other = uuid::Uuid::new_v4();
    let moved = entry(&format!(r#"<account xmlns="{SAMPLE}" sdata:url="{one}" sdata:uuid="{other}"/>"#));
    let answer = app.put(&link.id, moved).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut changed = users(&app).await;
    changed.sort();
    assert_eq!(changed, ["sync", "wendy"]);
    app.act_as(Some("root"));
    let events = app.audit_rows("events").await;
    let by = |operation: &str| {
        let told = events.iter().filter(|event| child(event, "operation") == operation);
        told.map(|event| child(event, "principal")).collect::<BTreeSet<_>>()
    };
    for operation in ["digestRead", "sourceRequested", "sourceRead", "trackingDeleted"] {
        assert_eq!(by(operation), BTreeSet::from(["sync".to_owned()]), "{operation}");
    }
}

fn digest_of_nobody(app: &App) -> String {
    let endpoint = app.kind("accounts").replace("127.0.0.1", "127.0.0.9");
    crate::support::messages::digest_entry(&endpoint, &[(endpoint.as_str(), 1, 5)])
}

/// Every refusal is in the audit, and a flood of them is a few rows.
#[tokio::test]
async fn refusals_are_in_the_audit_and_a_flood_of_them_is_a_few_rows() {
    let mut app = started("crm").await;
    app.add_user("root", "administrator", "*").await;
    app.add_user("rita", "reader", "*").await;
    let url = app.kind("accounts");
    for _ in 0..20 {
        assert_eq!(app.get(&url).await.status, 401);
    }
    for name in ["rita", "nobody"] {
        let wrong = app.request("GET", &url).basic_auth(name, Some("wrong horse battery"));
        assert_eq!(app.send(wrong).await.status, 401);
    }
    app.act_as(Some("rita"));
    for _ in 0..3 {
        assert_eq!(app.post(&url, entry(&account("A1", "one"))).await.status, 403);
    }
    app.get(&format!("{url}/$syncDigest")).await.assert_refused(403);
    let status = app.terminate();
    assert!(status.success(), "{status}\n{}", app.log());
    app.restart().await;
    app.act_as(Some("root"));
    let rows = app.audit_rows("events").await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| ["operation", "outcome", "httpStatus", "principal", "remoteAddress"].map(|name| child(row, name)))
        .collect();
    let row =
        |status: &str, principal: &str| ["accessRefused", "refused", status, principal, "127.0.0.1"].map(str::to_owned);
    let mut expected = vec![row("401", ""), row("401", "rita"), row("403", "rita")];
    assert_eq!(told[..3], expected[..], "{rows:#?}");
    expected = vec![row("401", ""), row("403", "rita")];
    let mut counted = told[3..].to_vec();
    counted.sort();
    assert_eq!(counted, expected);
    let messages: Vec<_> = rows.iter().map(|row| child(row, "message")).collect();
    assert!(messages[0].starts_with("GET /sdata/crm/sample/-/accounts: "), "{messages:?}");
    assert!(messages.iter().any(|message| message.starts_with("20 more within a minute like: GET ")), "{messages:?}");
    assert!(messages.iter().any(|message| message.starts_with("3 more within a minute like: POST ")), "{messages:?}");
    assert!(!format!("{rows:?}{}", app.log()).contains("wrong horse"), "passwords are nowhere");
    assert_eq!(child(&rows[0], "resourceKind"), "accounts");
}

/// CORE-5.2-03: an answer that is 429 tells nobody whether there is such an account; the audit does.
#[tokio::test]
async fn the_audit_names_the_account_that_was_tried_too_often_and_no_other_name() {
    let mut app = started("crm").await;
    app.add_user("root", "administrator", "*").await;
    app.add_user("rita", "reader", "*").await;
    let url = app.kind("accounts");
    for name in ["rita", "strangername"] {
        for status in [401, 401, 401, 401, 401, 429] {
            let wrong = app.request("GET", &url).basic_auth(name, Some("wrong horse battery"));
            app.send(wrong).await.assert_refused(status);
        }
    }
    // What is still being found out is told of before the process ends.
    let status = app.terminate();
    assert!(status.success(), "{status}\n{}", app.log());
    app.restart().await;
    app.act_as(Some("root"));
    let rows = app.audit_rows("events").await;
    let throttled = rows.iter().filter(|row| child(row, "httpStatus") == "429");
    let mut told: Vec<_> = throttled.map(|row| ["operation", "principal"].map(|name| child(row, name))).collect();
    told.sort();
    assert_eq!(told, ["", "rita"].map(|principal| ["accessRefused", principal].map(str::to_owned)), "{rows:#?}");
    assert!(!format!("{rows:?}").contains("strangername"), "{rows:#?}");
}

/// Two providers that each want to know who asks, and an engine that is a synchronizer at both.
#[tokio::test]
async fn a_pass_runs_in_both_directions_between_providers_that_ask_who_it_is() {
    let (mut crm, mut erp) = (started("crm").await, started("erp").await);
    for app in [&crm, &erp] {
        app.add_user("root", "administrator", "*").await;
        app.add_user("engine", "synchronizer", "*").await;
    }
    crm.act_as(Some("root"));
    erp.act_as(Some("root"));
    crm.create("accounts", &account("A1", "from crm")).await;
    erp.create("accounts", &account("B1", "from erp")).await;
    let password = crm.secret_file("engine", PASSWORD);
    let token = erp.secret_file("token", &token(&erp, "engine").await);
    let pass = async |credentials: &[&str]| {
        let mut engine = engine(&crm.dataset(), &erp.dataset());
        engine.args(["--both", "--json"]).args(credentials);
        finished(engine).await
    };
    let (password, token) = (password.to_str().unwrap(), token.to_str().unwrap());
    let output =
        pass(&["--source-user", "engine", "--source-password-file", password, "--target-token-file", token]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcome"], "ok", "{report}");
    for app in [&crm, &erp] {
        let codes: BTreeSet<_> = app.resources("accounts").await.iter().map(|row| child(row, "code")).collect();
        assert_eq!(codes, BTreeSet::from(["A1".to_owned(), "B1".to_owned()]));
    }
    let refused = pass(&["--user", "engine", "--password-file", token]).await;
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("401 Unauthorized: this provider wants to know who asks"), "{why}");
}

#[tokio::test]
async fn the_command_line_says_what_is_wrong_with_accounts() {
    let app = started("crm").await;
    assert_eq!(run(&app, &["user", "list"]).await, "There is no account.");
    let short = app.secret_file("short", "short");
    let file = app.secret_file("good", PASSWORD);
    let (short, file) = (short.to_str().unwrap(), file.to_str().unwrap());
    let add =
        |name, role, scope, file| ["user", "add", name, "--role", role, "--scope", scope, "--password-file", file];
    assert_eq!(refused(&app, &add("ada", "reader", "*", short)).await, "error: a password has at least 12 characters");
    assert!(refused(&app, &add("a b", "reader", "*", file)).await.contains("an account's name has 1 to 64 characters"));
    assert!(
        refused(&app, &add("ada", "king", "*", file)).await.contains("reader, writer, synchronizer, administrator")
    );
    assert!(refused(&app, &add("ada", "reader", "a/b/c/d/e", file)).await.contains("is no scope"));
    assert!(refused(&app, &add("ada", "reader", "*", "missing")).await.contains("missing: cannot be read"));
    assert!(refused(&app, &["user", "add", "ada", "--role", "reader"]).await.contains("--password-file is needed"));
    assert_eq!(run(&app, &add("ada", "reader", "crm/sample", file)).await, "ada is reader in crm/sample.");
    assert!(refused(&app, &add("ada", "reader", "*", file)).await.contains("there is an account 'ada' already"));
    assert!(refused(&app, &["user", "remove", "bob"]).await.contains("there is no account 'bob'"));
    assert!(
        refused(&app, &["user", "revoke", "ada", "--role", "writer"])
            .await
            .contains("'ada' is not granted writer in *")
    );
    assert!(refused(&app, &["user", "token", "add", "bob"]).await.contains("there is no account 'bob'"));
    assert!(refused(&app, &["user", "token", "revoke", "7"]).await.contains("there is no token 7"));
    let warned = finished(app.tool(&["user", "grant", "ada", "--role", "writer", "--scope", "erp"])).await;
    assert!(String::from_utf8_lossy(&warned.stderr).contains("nothing that this configuration serves"));
    for (role, scope) in [("reader", "crm/syncAudit"), ("administrator", "crm/syncAudit/-/events")] {
        let said = refused(&app, &["user", "grant", "ada", "--role", role, "--scope", scope]).await;
        let begin = format!("error: {role} in {scope} would allow nothing: ");
        assert!(said.starts_with(&begin) && said.ends_with("--role administrator --scope crm/syncAudit"), "{said}");
    }
    assert!(refused(&app, &add("eve", "writer", "*/syncAudit", file)).await.contains("would allow nothing"));
    let audit = ["user", "grant", "ada", "--role", "administrator", "--scope", "crm/syncAudit"];
    assert_eq!(run(&app, &audit).await, "ada is administrator in crm/syncAudit.");
    let listed = run(&app, &["user", "list"]).await;
    assert!(!listed.contains("eve") && !listed.contains("crm/syncAudit/-"), "{listed}");
    assert!(listed.contains("reader in crm/sample") && listed.contains("writer in erp"), "{listed}");
}
