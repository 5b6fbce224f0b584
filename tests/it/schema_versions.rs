//! Versions of schemas, and how long they may be kept (core 2.7, 2.14, 4.9).

use crate::support::App;
use rstest::rstest;

/// CORE-2.7-01, CORE-4.9-03: what was written for an older version of the same major number works with the one that is served.
#[rstest]
#[case::the_served("1.0.0", 200, true)]
#[case::newer("1.0.1", 404, false)]
#[case::other("2.0.0", 404, false)]
#[case::no_version("newest", 404, false)]
#[case::none_after_all("", 200, false)]
#[tokio::test]
async fn a_schema_is_asked_for_by_version(#[case] version: &str, #[case] status: u16, #[case] may_be_kept: bool) {
    let app = App::start("crm").await;
    let audit = format!("{}/sdata/crm/syncAudit/-/$schema", app.base());
    let registry = format!("{}/sdata/$system/registry/-/$schema", app.base());
    for url in [format!("{}/$schema", app.dataset()), audit, registry] {
        let answer = app.get(&format!("{url}?version={version}")).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 404 {
            answer.assert_refused(404);
            assert!(answer.diagnosis().message.contains(version), "{}", answer.text());
            continue;
        }
        assert_eq!(answer.xml().attribute("", "version"), Some("1.0.0"));
        let kept = (answer.header("cache-control"), !answer.header("expires").is_empty());
        assert_eq!(kept, if may_be_kept { ("max-age=86400", true) } else { ("private, no-cache", false) });
        let etag = answer.header("etag");
        let again = app.send(app.request("GET", &url).header("If-None-Match", etag)).await;
        assert_eq!((again.status, again.header("etag")), (304, etag), "{url}");
    }
}

/// CORE-2.7-02.
#[rstest]
#[case::plain("", "?version=1.0.0")]
#[case::language("?language=de-DE", "?language=de-DE&version=1.0.0")]
#[case::version("?version=1.0.0", "?version=1.0.0")]
#[case::several("?version=1.0.0&language=de-DE", "?version=1.0.0&language=de-DE")]
#[tokio::test]
async fn the_way_to_a_kinds_element_keeps_the_parameters_and_names_the_version(#[case] sent: &str, #[case] kept: &str) {
    let app = App::start("crm").await;
    let audit = format!("{}/sdata/crm/syncAudit/-", app.base());
    let registry = format!("{}/sdata/$system/registry/-", app.base());
    let ways = [
        (app.dataset(), "salesOrders", "salesOrder"),
        (audit, "changes", "change"),
        (registry, "endpoints", "endpoint"),
    ];
    for (dataset, kind, element) in ways {
        let answer = app.get(&format!("{dataset}/{kind}/$schema{sent}")).await;
        assert_eq!((answer.status, answer.header("location")), (302, &*format!("{dataset}/$schema{kept}#{element}")));
        let location = answer.header("location").split('#').next().unwrap().to_owned();
        let schema = app.get(&location).await.xml();
        let with_id: Vec<_> = schema.children().filter(|child| child.attribute("", "id") == Some(element)).collect();
        assert_eq!(with_id.iter().map(|found| found.attribute("", "name")).collect::<Vec<_>>(), [Some(element)]);
    }
}
