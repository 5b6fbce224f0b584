//! What people see who open the provider's URLs in a browser.

use crate::support::messages::{N1, SAMPLE, SyncFeed, account, account_of, entry, three_nodes};
use crate::support::{Answer, App};
use rstest::rstest;
use sdata_sync::wire::names::SDATA;
use uuid::Uuid;

const CHROME: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
                      application/signed-exchange;v=b3;q=0.7";
const FIREFOX: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// What a browser gets.
async fn open(app: &App, url: &str) -> Answer {
    app.send(app.request("GET", url).header("Accept", CHROME)).await
}

/// The page's text at a URL that answers 200.
async fn page(app: &App, url: &str) -> String {
    let answer = open(app, url).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    answer.text()
}

/// An account that two sides changed: the version that came lost. Answers its URL and UUID.
async fn with_conflict(app: &App) -> (String, Uuid) {
    let uuid = Uuid::new_v4();
    let feed = |tick: u64, stamp: &str, name: &str| {
        SyncFeed::new(N1, &[(N1, tick + 1, 9)]).stamped((N1, tick, stamp), &account_of(uuid, "A1", name))
    };
    app.apply("accounts", &feed(1, "2026-01-01T00:00:00Z", "first")).await;
    let url = app.resources("accounts").await[0].attribute(SDATA, "url").unwrap().to_owned();
    app.put(&url, entry(&account("A1", "ours"))).await;
    app.apply("accounts", &feed(2, "2026-01-02T00:00:00Z", "theirs")).await;
    (url, uuid)
}

#[rstest]
#[case::chrome(Some(CHROME), true)]
#[case::firefox(Some(FIREFOX), true)]
#[case::curl(Some("*/*"), false)]
#[case::nothing(None, false)]
#[case::feed_reader(Some("application/atom+xml,application/rss+xml;q=0.9,application/xml;q=0.8,*/*;q=0.7"), false)]
#[case::feed_reader_that_also_reads_pages(Some("application/atom+xml, text/html;q=0.5"), false)]
#[case::engine(Some("application/atom+xml;type=feed"), false)]
#[tokio::test]
async fn browsers_get_pages_and_everybody_else_gets_atom(#[case] accept: Option<&str>, #[case] is_page: bool) {
    let app = App::start("crm").await;
    for url in [format!("{}/sdata", app.base()), app.dataset(), app.kind("accounts"), app.audit("runs")] {
        let request = app.request("GET", &url);
        let request = accept.into_iter().fold(request, |request, accept| request.header("Accept", accept));
        let answer = app.send(request).await;
        assert_eq!(answer.status, 200, "{url}");
        assert_eq!(answer.header("content-type").starts_with("text/html"), is_page, "{url}");
        assert!(answer.header("vary").to_ascii_lowercase().contains("accept"), "{url}: {:?}", answer.headers);
        if !is_page {
            assert_eq!(answer.header("content-type"), "application/atom+xml; type=feed");
        }
    }
}

#[tokio::test]
async fn a_page_loads_nothing_but_its_style_runs_nothing_and_is_framed_by_nobody() {
    let app = App::start("crm").await;
    let answer = open(&app, &app.kind("accounts")).await;
    let policy = answer.header("content-security-policy");
    for rule in ["default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let text = answer.text();
    assert!(!text.contains("<script") && !text.contains(" style=") && !text.contains(" onclick"), "{text}");
    let style = text.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let style = app.get(&format!("{}{style}", app.base())).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"), "{:?}", style.headers);
    assert_eq!(app.get(&format!("{}/assets/style-0.css", app.base())).await.status, 404);
}

#[tokio::test]
async fn the_way_leads_down_from_the_applications_to_a_resource() {
    let app = App::start("crm").await;
    let account = app.create("accounts", &account("A-1", "First account")).await;
    let (root, base) = (format!("{}/sdata", app.base()), format!("{}/sdata/crm", app.base()));
    for (url, next) in [
        (root.clone(), base.clone()),
        (base.clone(), format!("{base}/sample")),
        (format!("{base}/sample"), app.dataset()),
        (app.dataset(), app.kind("accounts")),
        (app.kind("accounts"), account.replace('\'', "&#39;")),
    ] {
        let text = page(&app, &url).await;
        assert!(text.contains(&format!("href=\"{next}\"")), "{next} in {text}");
    }
    let text = page(&app, &account).await;
    for level in [root, base, app.dataset(), app.kind("accounts")] {
        assert!(text.contains(&format!("<li><a href=\"{level}\">")), "{level} in {text}");
    }
    assert!(text.contains("<dt>Code</dt><dd><span class=\"text\">A-1</span></dd>"), "{text}");
    assert!(text.contains("unstamped: changed here"), "{text}");
    assert!(text.contains("not linked yet"), "{text}");
}

#[tokio::test]
async fn a_kind_says_what_can_be_done_with_it() {
    let app = App::start("crm").await;
    let text = page(&app, &app.dataset()).await;
    let accounts = text.split("<h2>").nth(1).unwrap();
    for ability in ["read", "create", "change", "delete", "sync source", "sync target"] {
        assert!(accounts.contains(&format!("<li>{ability}</li>")), "{ability} in {accounts}");
    }
    for operation in ["$schema", "$syncDigest", "$linked"] {
        assert!(accounts.contains(&format!("href=\"{}/{operation}\"", app.kind("accounts"))), "{accounts}");
    }
}

#[tokio::test]
async fn names_cannot_smuggle_markup_into_a_page() {
    let app = App::start("crm").await;
    let hostile = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&apos;&gt;&lt;b&gt;";
    let resource = format!(
        r#"<account xmlns="{SAMPLE}" sdata:key="'&quot;&gt;&lt;b&gt;"><code>&lt;b&gt;</code><name>{hostile}</name>
           <website>javascript:alert(1)</website></account>"#
    );
    let url = app.create("accounts", &resource).await;
    let run = "%3Cb%3E%22%27";
    let missed = format!("{}/$syncDigest?runName={run}&runStamp={run}", app.kind("accounts"));
    app.get(&missed).await;
    let searched = format!("{}?search=%22%3E%3Cb%3E&orderBy=%3Cb%3E", app.kind("accounts"));
    let wrong = format!("{}?where=%22%3E%3Cb%3E", app.kind("accounts"));
    let unknown = format!("{}/sdata/%3Cb%3E", app.base());
    for url in [app.kind("accounts"), url, app.audit("runs"), app.audit("events"), searched, wrong, unknown] {
        let text = open(&app, &url).await.text();
        assert!(text.starts_with("<!DOCTYPE html>"), "{url}: {text}");
        assert!(
            !text.contains("<b>") && !text.contains("<script") && !text.contains("href=\"javascript"),
            "{url}: {text}"
        );
    }
}

#[rstest]
#[case::unknown_application("/sdata/nothing", 404)]
#[case::unknown_kind("/sdata/crm/sample/-/nothing", 404)]
#[case::unknown_key("/sdata/crm/sample/-/accounts('nothing')", 404)]
#[case::bad_condition("/sdata/crm/sample/-/accounts?where=name%20eq", 400)]
#[case::bad_number("/sdata/crm/sample/-/accounts?count=many", 400)]
#[case::method("/sdata/crm/sample/-/accounts/$syncResults", 405)]
#[tokio::test]
async fn an_error_is_a_page_with_the_same_status_and_the_same_words(#[case] path: &str, #[case] status: u16) {
    let app = App::start("crm").await;
    let url = format!("{}{path}", app.base());
    let shown = open(&app, &url).await;
    let told = app.get(&url).await;
    assert_eq!((shown.status, told.status), (status, status));
    assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(shown.header("allow"), told.header("allow"));
    let message = told.diagnosis().message.replace('\'', "&#39;");
    assert!(shown.text().contains(&message), "{message} in {}", shown.text());
    assert_eq!(shown.text().contains("id=\"where\""), path.contains("where="), "a condition can be mended");
}

#[tokio::test]
async fn a_deleted_resource_is_gone_for_people_too() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    app.delete(&url).await;
    let answer = open(&app, &url).await;
    assert_eq!(answer.status, 410);
    assert!(answer.text().contains("does not exist any more"), "{}", answer.text());
}

#[tokio::test]
async fn a_resource_tells_what_became_of_it_newest_first_with_the_version_that_lost() {
    let app = App::start("crm").await;
    let (url, uuid) = with_conflict(&app).await;
    let text = page(&app, &url).await;
    assert!(text.contains(&uuid.to_string()), "{text}");
    let history = text.split("<h2>History</h2>").nth(1).unwrap();
    let (lost, created) = (history.find("conflict lost").unwrap(), history.find("created").unwrap());
    assert!(lost < created, "{history}");
    assert!(history.contains("<summary>what was lost</summary>") && history.contains("name: theirs"), "{history}");
    assert!(history.contains("app at n1.example.com"), "{history}");
}

#[tokio::test]
async fn the_audit_leads_from_a_run_to_its_changes_and_from_a_change_to_its_resource() {
    let app = App::start("crm").await;
    with_conflict(&app).await;
    let runs = page(&app, &app.audit("runs")).await;
    let changes = runs.split("<tbody>").nth(1).unwrap().split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    let changes = changes.replace("&#38;", "&").replace("&amp;", "&");
    assert!(changes.contains("runName+eq+%27test%27+and+runStamp+eq+%271%27"), "{changes}");
    let text = page(&app, &changes).await;
    assert_eq!(text.matches("<th scope=\"row\"").count(), 2, "{text}");
    assert!(text.contains(&format!("href=\"{}(&#39;", app.kind("accounts"))), "{text}");
    for kind in ["events", "parked"] {
        assert!(page(&app, &app.audit(kind)).await.contains("<h1>"), "{kind}");
    }
}

#[tokio::test]
async fn digest_template_schema_and_results_have_their_pages_too() {
    let app = App::start("crm").await;
    app.create("accounts", &account("A1", "one")).await;
    let digest = page(&app, &format!("{}/$syncDigest", app.kind("accounts"))).await;
    assert!(
        digest.contains("accounts (here)") && digest.contains("<th scope=\"col\" class=\"number\">Tick</th>"),
        "{digest}"
    );
    assert!(page(&app, &format!("{}/$template", app.kind("accounts"))).await.contains("<h1>"));
    let feed = SyncFeed::new(N1, &three_nodes([50, 1, 1])).with((N1, 1), &account_of(Uuid::new_v4(), "A1", "again"));
    let (_, context) = app.run("accounts", "$syncTarget", "", feed.xml()).await;
    let result = page(&app, &context).await;
    assert!(result.contains(">409<") || result.contains(">400<"), "{result}");
    let schema = open(&app, &format!("{}/$schema", app.dataset())).await;
    assert_eq!(schema.header("content-type"), "application/xml");
}

#[tokio::test]
async fn pages_are_for_reading_writes_are_answered_as_ever() {
    let app = App::start("crm").await;
    let request = app.request("POST", &app.kind("accounts")).header("Accept", CHROME);
    let answer = app.send(request.body(entry(&account("A1", "one")))).await;
    assert_eq!((answer.status, answer.header("content-type")), (201, "application/atom+xml; type=entry"));
    let head = app.send(app.request("HEAD", &app.kind("accounts")).header("Accept", CHROME)).await;
    assert_eq!((head.status, head.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(head.body.is_empty());
}
