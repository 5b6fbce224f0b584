//! Who may do what: every URL, every method, every role.

use crate::support::app::{PASSWORD, finished};
use crate::support::messages::{SAMPLE, account, entry};
use crate::support::{Answer, App, Backend};
use futures_util::future::join_all;
use std::collections::BTreeSet;

/// Accounts, by the letter that stands for them in the table: role and scope. `n` is granted nothing any more.
const ACCOUNTS: [(char, &str, &str); 8] = [
    ('r', "reader", "crm"),
    ('w', "writer", "crm"),
    ('s', "synchronizer", "crm"),
    ('a', "administrator", "crm"),
    ('p', "administrator", "crm/sample"),
    ('o', "administrator", "crm/sample/-/products"),
    ('e', "administrator", "crm/*/*/events"),
    ('n', "reader", "crm"),
];

const EVERYBODY: &str = "rwsapoen0";
const ANY_ACCOUNT: &str = "rwsapoe";
const READERS: &str = "rwsap";
const WRITERS: &str = "wap";
const SYNCHRONIZERS: &str = "sap";
const AUDITORS: &str = "a";

/// What a URL names (the variants of `Place` in `http/place.rs`, and in `http/registry.rs`), the URL, who may read it and who
/// may do anything else there. `0` is whoever shows no credentials.
const TABLE: [(&str, &str, &str, &str); 52] = [
    ("Alive", "/healthz", EVERYBODY, EVERYBODY),
    ("Ready", "/readyz", EVERYBODY, EVERYBODY),
    ("Metrics", "/metrics", EVERYBODY, EVERYBODY),
    ("Asset", "/assets/style.css", EVERYBODY, EVERYBODY),
    ("Provider", "/sdata", ANY_ACCOUNT, ANY_ACCOUNT),
    ("Application", "/sdata/crm", ANY_ACCOUNT, ANY_ACCOUNT),
    ("Contract", "/sdata/crm/sample", ANY_ACCOUNT, ANY_ACCOUNT),
    ("Dataset", "/sdata/crm/sample/-", ANY_ACCOUNT, ANY_ACCOUNT),
    ("Schema", "/sdata/crm/sample/-/$schema", ANY_ACCOUNT, ANY_ACCOUNT),
    ("ImportedSchema", "/sdata/crm/sample/-/types.xsd", ANY_ACCOUNT, ANY_ACCOUNT),
    ("AuditContract", "/sdata/crm/syncAudit", AUDITORS, AUDITORS),
    ("AuditDataset", "/sdata/crm/syncAudit/-", AUDITORS, AUDITORS),
    ("AuditSchema", "/sdata/crm/syncAudit/-/$schema", AUDITORS, AUDITORS),
    ("AuditKind", "/sdata/crm/syncAudit/-/changes", AUDITORS, AUDITORS),
    ("AuditKindSchema", "/sdata/crm/syncAudit/-/runs/$schema", AUDITORS, AUDITORS),
    ("AuditResource", "/sdata/crm/syncAudit/-/events('1')", AUDITORS, AUDITORS),
    ("Registry", "/sdata/$system/registry/-", ANY_ACCOUNT, ANY_ACCOUNT),
    ("registry System", "/sdata/$system", ANY_ACCOUNT, ANY_ACCOUNT),
    ("registry Registry", "/sdata/$system/registry", ANY_ACCOUNT, ANY_ACCOUNT),
    ("registry Dataset", "/sdata/$system/registry/-", ANY_ACCOUNT, ANY_ACCOUNT),
    ("registry Schema", "/sdata/$system/registry/-/$schema", ANY_ACCOUNT, ANY_ACCOUNT),
    ("registry KindSchema", "/sdata/$system/registry/-/contracts/$schema", ANY_ACCOUNT, ANY_ACCOUNT),
    ("registry Kind", "/sdata/$system/registry/-/endpoints", ANY_ACCOUNT, ANY_ACCOUNT),
    ("registry Resource", "/sdata/$system/registry/-/contracts('sample')", ANY_ACCOUNT, ANY_ACCOUNT),
    ("Kind", "/sdata/crm/sample/-/accounts", READERS, WRITERS),
    ("KindSchema", "/sdata/crm/sample/-/accounts/$schema", READERS, READERS),
    ("Template", "/sdata/crm/sample/-/accounts/$template", READERS, READERS),
    ("Resource", "/sdata/crm/sample/-/accounts('1')", READERS, WRITERS),
    ("Resource", "/sdata/crm/sample/-/accounts(code eq 'A1')", READERS, WRITERS),
    ("Property", "/sdata/crm/sample/-/salesOrders('1')/orderLines", READERS, WRITERS),
    ("Property", "/sdata/crm/sample/-/salesOrders('1')/account", READERS, WRITERS),
    ("Property", "/sdata/crm/sample/-/salesOrders('1')/orderLines/$template", READERS, WRITERS),
    ("Links", "/sdata/crm/sample/-/accounts/$linked", READERS, SYNCHRONIZERS),
    ("Link", "/sdata/crm/sample/-/accounts/$linked('6f1d8c1e-0000-4000-8000-000000000001')", READERS, SYNCHRONIZERS),
    ("Digest", "/sdata/crm/sample/-/accounts/$syncDigest", SYNCHRONIZERS, SYNCHRONIZERS),
    ("Digest", "/sdata/crm/sample/-/accounts/$SYNCDIGEST", SYNCHRONIZERS, SYNCHRONIZERS),
    ("Tracked", "/sdata/crm/sample/-/accounts/$syncSource", SYNCHRONIZERS, SYNCHRONIZERS),
    ("Tracked", "/sdata/crm/sample/-/accounts/$syncSource('T')", SYNCHRONIZERS, SYNCHRONIZERS),
    ("Tracked", "/sdata/crm/sample/-/accounts/$syncTarget?trackingID=T", SYNCHRONIZERS, SYNCHRONIZERS),
    ("Tracked", "/sdata/crm/sample/-/accounts/$syncTarget('T')", SYNCHRONIZERS, SYNCHRONIZERS),
    ("Tracked", "/sdata/crm/sample/-/accounts/$batch", WRITERS, WRITERS),
    ("Tracked", "/sdata/crm/sample/-/accounts/$batch('T')", WRITERS, WRITERS),
    ("Tracked", "/sdata/crm/sample/-/accounts/$linked/$batch", SYNCHRONIZERS, SYNCHRONIZERS),
    ("Tracked", "/sdata/crm/sample/-/accounts/$linked/$batch('T')", SYNCHRONIZERS, SYNCHRONIZERS),
    ("Results", "/sdata/crm/sample/-/accounts/$syncResults", SYNCHRONIZERS, SYNCHRONIZERS),
    ("nothing", "/sdata/crm/sample/-/accounts/$queries", READERS, READERS),
    ("nothing", "/sdata/crm/sample/-/accounts/$nothing", READERS, READERS),
    ("nothing", "/sdata/crm/sample/-/nothings", READERS, WRITERS),
    ("nothing", "/sdata/crm/nothing/-/accounts/$syncDigest", "sa", "sa"),
    ("nothing", "/sdata/erp/sample/-/accounts", "", ""),
    ("nothing", "/sdata/erp", "", ""),
    ("nothing", "/nowhere", ANY_ACCOUNT, ANY_ACCOUNT),
];

/// Methods, and those that a POST stands for.
const METHODS: [(&str, Option<&str>); 9] = [
    ("GET", None),
    ("HEAD", None),
    ("POST", None),
    ("PUT", None),
    ("DELETE", None),
    ("PATCH", None),
    ("OPTIONS", None),
    ("POST", Some("PUT")),
    ("POST", Some("DELETE")),
];

/// A provider that wants to know who asks, with the accounts above.
async fn started() -> App {
    let app = App::start_with("crm", &Backend::Sqlite, &[("security.authentication", "basic")]).await;
    for (letter, role, scope) in ACCOUNTS {
        app.add_user(&letter.to_string(), role, scope).await;
    }
    let revoke = app.tool(&["user", "revoke", "n", "--role", "reader", "--scope", "crm"]);
    assert!(finished(revoke).await.status.success());
    app
}

async fn asked(app: &App, who: char, url: &str, (method, stands_for): (&str, Option<&str>)) -> Answer {
    let request = app.request(method, &format!("{}{url}", app.base()));
    let request = match who {
        '0' => request,
        who => request.basic_auth(who, Some(PASSWORD)),
    };
    app.send(stands_for.into_iter().fold(request, |request, method| request.header("X-HTTP-Method-Override", method)))
        .await
}

/// CORE-5.2-03, SYNC-1.3-13, OURS-HEALTH-01.
#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let app = started().await;
    // A password is found to be right one at a time, slowly, and then known: all at once some would be told to come later.
    for (letter, ..) in ACCOUNTS {
        let known = asked(&app, letter, "/sdata", ("GET", None)).await;
        assert_eq!(known.status, if ANY_ACCOUNT.contains(letter) { 200 } else { 403 }, "{}", known.text());
    }
    let mut asked_in_all = 0;
    for (what, url, readers, others) in TABLE {
        let everybody = ACCOUNTS.iter().map(|(letter, ..)| *letter).chain(['0']);
        let requests = everybody.flat_map(|who| METHODS.map(|method| (who, method))).map(async |(who, method)| {
            let answer = asked(&app, who, url, method).await;
            let admitted = if ["GET", "HEAD"].contains(&method.0) { readers } else { others };
            let expected = match who {
                who if admitted.contains(who) => None,
                '0' => Some(401),
                _ => Some(403),
            };
            let refused = Some(answer.status).filter(|status| [401, 403, 429].contains(status));
            assert_eq!(refused, expected, "{what}: {who} {method:?} {url}: {}", answer.text());
        });
        asked_in_all += join_all(requests).await.len();
    }
    assert_eq!(asked_in_all, TABLE.len() * METHODS.len() * (ACCOUNTS.len() + 1));
}

/// The variants of `enum Place` in a source file.
fn places(source: &str) -> BTreeSet<&str> {
    let (_, behind) = source.split_once("enum Place {\n").unwrap();
    let (inside, _) = behind.split_once("\n}").unwrap();
    let lines = inside.lines().map(str::trim).filter(|line| line.starts_with(char::is_uppercase));
    lines.map(|line| line.split(|letter: char| !letter.is_alphanumeric()).next().unwrap()).collect()
}

#[test]
fn the_table_has_a_row_for_every_url_there_is() {
    let rows: BTreeSet<_> = TABLE.iter().map(|(what, ..)| *what).filter(|what| *what != "nothing").collect();
    let registry = rows.iter().filter_map(|what| what.strip_prefix("registry ")).collect::<BTreeSet<_>>();
    let others = rows.iter().filter(|what| !what.starts_with("registry ")).copied().collect::<BTreeSet<_>>();
    assert_eq!(others, places(include_str!("../../src/http/place.rs")));
    assert_eq!(registry, places(include_str!("../../src/http/registry.rs")));
    assert_eq!((others.len(), registry.len()), (27, 7));
}

/// CORE-5.2-03.
#[tokio::test]
async fn what_may_not_be_had_is_refused_alike_whether_it_is_there_or_not() {
    let mut app = started().await;
    app.act_as(Some("w"));
    let there = app.create("accounts", &account("A1", "one")).await;
    app.act_as(None);
    let path = |url: &str| url.strip_prefix(&app.base()).unwrap().to_owned();
    let kind = "/sdata/crm/sample/-/accounts";
    let alike = [
        path(&there),
        format!("{kind}('missing')"),
        format!("{kind}(code eq 'A1')"),
        format!("{kind}(code eq)"),
        format!("{kind}/$schema"),
        format!("{kind}/$nothing"),
        "/sdata/crm/sample/-/nothings".to_owned(),
        "/sdata/crm/nothing/-/accounts".to_owned(),
        "/sdata/crm/syncAudit/-/events".to_owned(),
        "/sdata/crm/syncAudit/-/nothings('1')".to_owned(),
        "/sdata/erp".to_owned(),
    ];
    for (who, status) in [('0', 401), ('n', 403), ('o', 403), ('e', 403)] {
        for accept in ["application/xml", "text/html", "application/json"] {
            let mut told = BTreeSet::new();
            for url in &alike {
                let request = app.request("GET", &format!("{}{url}", app.base())).header("Accept", accept);
                let request = if who == '0' { request } else { request.basic_auth(who, Some(PASSWORD)) };
                let answer = app.send(request).await;
                assert_eq!(answer.status, status, "{who} {url}");
                let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| *name != "date").collect();
                told.insert(format!("{} {headers:?}", answer.text()));
            }
            assert_eq!(told.len(), 1, "{who} {accept}: {told:#?}");
        }
    }
}

/// A provider with an order of a customer, and somebody who may read orders and nothing else.
async fn with_an_order() -> (App, String) {
    let mut app = App::start_with("crm", &Backend::Sqlite, &[("security.authentication", "basic")]).await;
    app.add_user("root", "administrator", "*").await;
    app.add_user("olga", "writer", "crm/sample/-/salesOrders").await;
    app.act_as(Some("root"));
    let key = |url: &str| url.rsplit_once("('").unwrap().1.trim_end_matches("')").to_owned();
    let customer = key(&app.create("accounts", &account("SECRETCODE", "Secret customer")).await);
    let product = format!(r#"<product xmlns="{SAMPLE}"><sku>HIDDENSKU</sku><name>Hidden product</name></product>"#);
    let product = key(&app.create("products", &product).await);
    let order = format!(
        r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O1</orderNumber><account sdata:key="{customer}"/><orderLines>
        <salesOrderLine><product sdata:key="{product}"/><quantity>3</quantity></salesOrderLine></orderLines></salesOrder>"#
    );
    let order = app.create("salesOrders", &order).await;
    (app, order)
}

/// Whatever is asked of an order, nothing of the kinds it refers to is told to who may not read them.
#[tokio::test]
async fn references_do_not_lead_to_kinds_that_may_not_be_read() {
    let (mut app, order) = with_an_order().await;
    let secrets = ["Secret customer", "SECRETCODE", "Hidden product", "HIDDENSKU"];
    let told = async |app: &App, url: &str, accept: &str| {
        let answer = app.send(app.request("GET", url).header("Accept", accept)).await;
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        secrets.into_iter().filter(|secret| answer.text().contains(secret)).count()
    };
    let collection = app.kind("salesOrders");
    let shown = [
        format!("{order}?include=account,orderLines/product"),
        format!("{order}?select=orderNumber,account/name,orderLines/*"),
        format!("{order}?include=$descriptors"),
        format!("{collection}?include=account/*,orderLines/product"),
        format!("{order}/orderLines?include=product,$descriptors"),
    ];
    let mut told_to_root = 0;
    for (user, is_told) in [("root", true), ("olga", false)] {
        app.act_as(Some(user));
        for url in &shown {
            for accept in ["application/xml", "application/json", "text/html"] {
                let told = told(&app, url, accept).await;
                assert!(is_told || told == 0, "{user} {url} {accept}: {told}");
                told_to_root += told;
            }
        }
    }
    assert!(told_to_root > 20, "root is told: {told_to_root}");
    let ways = [
        format!("{order}/account"),
        format!("{order}/contact"),
        format!("{order}/orderLines(quantity eq 3)/product"),
        format!("{collection}?where=account.name like 'S%25'"),
        format!("{collection}?where=orderNumber eq 'O1' and not(account.$key eq '77')"),
        format!("{collection}?orderBy=account.name"),
        format!("{collection}(account.code eq 'SECRETCODE')"),
        format!("{collection}/$linked?where=account.code eq 'X'"),
        format!("{order}/orderLines?where=product.sku eq 'HIDDENSKU'"),
        format!("{order}/orderLines(product.sku eq 'HIDDENSKU')"),
    ];
    for url in &ways {
        app.act_as(Some("root"));
        let by_root = app.get(url).await.status;
        assert!([200, 404].contains(&by_root), "{url}: {by_root}");
        app.act_as(Some("olga"));
        let refused = app.get(url).await;
        refused.assert_refused(403);
        assert_eq!(refused.diagnosis().application_code, "notGranted", "{url}");
    }
    // What she writes may refer to them.
    let change = entry(&format!(r#"<salesOrder xmlns="{SAMPLE}"><comment>hers</comment></salesOrder>"#));
    let changed = app.put(&format!("{order}?include=account"), change).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert!(!changed.text().contains("Secret"), "{}", changed.text());
}

/// The pages for people show a resource's history, which is the audit's.
#[tokio::test]
async fn the_history_of_a_resource_is_shown_to_those_who_may_read_the_audit() {
    let (mut app, order) = with_an_order().await;
    let page = async |app: &App| app.send(app.request("GET", &order).header("Accept", "text/html")).await.text();
    assert!(page(&app).await.contains(r#"class="history""#));
    app.act_as(Some("olga"));
    let shown = page(&app).await;
    assert!(shown.contains("O1") && !shown.contains(r#"class="history""#), "{shown}");
}

#[tokio::test]
async fn navigation_and_registry_list_what_the_account_may_see() {
    let (mut app, _) = with_an_order().await;
    let titles = async |app: &App, url: &str| {
        let (_, entries) = app.get(&format!("{}{url}", app.base())).await.feed();
        entries.into_iter().map(|entry| entry.id.rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let levels = [
        ("/sdata", "crm", "crm"),
        ("/sdata/crm", "sample,syncAudit", "sample"),
        ("/sdata/crm/sample", "-", "-"),
        ("/sdata/crm/sample/-", "accounts,contacts,products,salesOrders", "salesOrders"),
        ("/sdata/$system/registry/-/contracts", "contracts('sample'),contracts('syncAudit')", "contracts('sample')"),
        (
            "/sdata/$system/registry/-/endpoints?where=contractName eq 'syncAudit'",
            "endpoints('crm%2FsyncAudit'),endpoints('crm%2FsyncAudit%2F-')",
            "",
        ),
    ];
    for (url, by_root, by_olga) in levels {
        app.act_as(Some("root"));
        assert_eq!(titles(&app, url).await.join(","), by_root, "{url}");
        app.act_as(Some("olga"));
        assert_eq!(titles(&app, url).await.join(","), by_olga, "{url}");
    }
    let one = format!("{}/sdata/$system/registry/-/contracts('syncAudit')", app.base());
    app.get(&one).await.assert_refused(404);
    // What an account sees changes with its grants: no time says whether it did.
    assert_eq!(app.get(&format!("{}/sdata", app.base())).await.header("last-modified"), "");
}

/// A page of another site has the browser send name and password, or reaches what only this machine can reach.
#[tokio::test]
async fn a_browser_on_behalf_of_another_site_changes_nothing() {
    let open = App::start("crm").await;
    let (closed, _) = with_an_order().await;
    for app in [&open, &closed] {
        for (name, value) in [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Origin", "null")] {
            let request = app.request("POST", &app.kind("accounts")).header(name, value);
            let answer = app.send(request.body(entry(&account("X1", "forged")))).await;
            answer.assert_refused(403);
            assert_eq!(answer.diagnosis().application_code, "foreignPage");
            let read = app.request("GET", &app.kind("accounts")).header(name, value);
            assert_eq!(app.send(read).await.status, 200, "links from elsewhere lead here");
        }
        let own = app.request("POST", &app.kind("accounts")).header("Origin", app.base());
        assert_eq!(app.send(own.body(entry(&account("X1", "own")))).await.status, 201);
    }
}
