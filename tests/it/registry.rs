//! The registry: what the provider tells of itself (core 2.8, 14).

use crate::support::App;
use crate::support::app::child;
use rstest::rstest;
use sdata_sync::protocol::SdataCode;
use sdata_sync::wire::{Element, Entry};

fn registry(app: &App, rest: &str) -> String {
    format!("{}/sdata/$system/registry/-/{rest}", app.base())
}

fn resource(entry: &Entry) -> &Element {
    entry.resource().unwrap()
}

async fn names(app: &App, url: &str, property: &str) -> Vec<String> {
    app.get(url).await.feed().1.iter().map(|entry| child(resource(entry), property)).collect()
}

/// CORE-14.1-01, CORE-14.2-01.
#[tokio::test]
async fn contracts_tell_name_version_title_and_namespaces() {
    let app = App::start("crm").await;
    let (head, entries) = app.get(&registry(&app, "contracts")).await.feed();
    assert_eq!(head.total_results, Some(2));
    let sample = resource(&entries[0]);
    assert!(sample.is("http://schemas.sage.com/sdata/registry/2009", "contract"));
    for (property, value) in [
        ("name", "sample"),
        ("version", "1.0.0"),
        ("title", "sample 1.0.0"),
        ("namespace", "urn:sdata-sync:sample:1"),
        ("baseNamespace", "urn:sdata-sync:sample"),
    ] {
        assert_eq!(child(sample, property), value, "{property}");
    }
    assert_eq!(child(resource(&entries[1]), "name"), "syncAudit");
}

/// CORE-14.1-01, CORE-14.3-01.
#[tokio::test]
async fn endpoints_tell_where_they_are_and_answer_there() {
    let app = App::start("crm").await;
    let (_, entries) = app.get(&registry(&app, "endpoints")).await.feed();
    let types: Vec<_> = entries.iter().map(|entry| child(resource(entry), "endpointType")).collect();
    assert_eq!(types, ["application", "contract", "dataSet", "contract", "dataSet"]);
    let port = app.base().rsplit_once(':').map(|(_, port)| port.to_owned()).unwrap();
    for entry in &entries {
        let endpoint = resource(entry);
        assert_eq!((child(endpoint, "protocol"), child(endpoint, "host")), ("http".to_owned(), "127.0.0.1".to_owned()));
        assert_eq!((child(endpoint, "port"), child(endpoint, "applicationName")), (port.clone(), "crm".to_owned()));
        assert_eq!(child(endpoint, "isBrowsable"), "true");
        app.get(&child(endpoint, "url")).await.feed();
        let alone = app.get(&entry.id).await.entry();
        assert_eq!(child(resource(&alone), "url"), child(endpoint, "url"));
    }
    let dataset = resource(&entries[2]);
    assert_eq!((child(dataset, "contractName"), child(dataset, "contractVersion")), ("sample".into(), "1.0.0".into()));
    assert_eq!((child(dataset, "dataSetName"), child(dataset, "url")), ("-".to_owned(), app.dataset()));
}

/// CORE-14.2-02, CORE-6.3-01.
#[rstest]
#[case::by_name("contracts?where=name eq 'sample'", &["sample"])]
#[case::by_version("contracts?where=version ge '1.0' and not (name eq 'sample')", &["syncAudit"])]
#[case::by_function("contracts?where=left(name, 4) eq 'sync' or namespace like '%sample%'", &["sample", "syncAudit"])]
#[case::by_key("contracts?where=$key eq 'sample'", &["sample"])]
#[case::sorted("contracts?orderBy=name desc", &["syncAudit", "sample"])]
#[case::a_page("contracts?orderBy=name desc&count=1&startIndex=2", &["sample"])]
#[case::none("contracts?where=name eq 'SAMPLE'", &[])]
#[tokio::test]
async fn contracts_are_queried_like_resources(#[case] query: &str, #[case] found: &[&str]) {
    let app = App::start("crm").await;
    assert_eq!(names(&app, &registry(&app, query), "name").await, found);
}

/// What is served does not change while the provider runs; when an endpoint was last known to be alive is another matter.
#[tokio::test]
async fn what_is_registered_is_as_old_as_the_provider() {
    let app = App::start("crm").await;
    let (above, _) = app.get(&format!("{}/sdata", app.base())).await.feed();
    for kind in ["contracts", "endpoints"] {
        let (head, entries) = app.get(&registry(&app, kind)).await.feed();
        assert_eq!(head.updated, above.updated, "{kind}");
        assert!(entries.iter().all(|entry| entry.updated == above.updated), "{kind}");
    }
}

/// CORE-14.2-02.
#[tokio::test]
async fn endpoints_are_queried_like_resources() {
    let app = App::start("crm").await;
    let url = registry(&app, "endpoints?where=contractName eq 'sample' and protocol eq 'http' and port gt 0");
    assert_eq!(names(&app, &url, "endpointType").await, ["contract", "dataSet"]);
    let url =
        registry(&app, "endpoints?where=contractName eq null and isBrowsable and aliveStamp le currentTimestamp()");
    assert_eq!(names(&app, &url, "endpointType").await, ["application"]);
    let url = registry(&app, "endpoints?where=contractName eq 'sample' and protocol eq 'https'");
    assert_eq!(names(&app, &url, "endpointType").await, [""; 0]);
}

/// CORE-2.9-01, CORE-14.1-01.
#[tokio::test]
async fn the_levels_above_list_what_is_below() {
    let app = App::start("crm").await;
    let system = format!("{}/sdata/$system", app.base());
    let mut at = system.clone();
    for below in ["/registry", "/-", "/contracts"] {
        let (_, entries) = app.get(&at).await.feed();
        at = format!("{at}{below}");
        assert_eq!(entries[0].id, at);
    }
    let schema = app.get(&format!("{system}/registry/-/$schema")).await;
    assert_eq!((schema.status, &*schema.xml().name), (200, "schema"));
    let redirect = app.get(&format!("{at}/$schema")).await;
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (302, format!("{system}/registry/-/$schema?version=1.0.0#contract").as_str())
    );
}

/// CORE-2.2-02.
#[tokio::test]
async fn one_is_selected_by_key_or_predicate() {
    let app = App::start("crm").await;
    let selected = app.get(&registry(&app, "contracts('sample')")).await.entry();
    assert_eq!(child(resource(&selected), "name"), "sample");
    let selected = app.get(&registry(&app, "contracts(name eq 'syncAudit')")).await.entry();
    assert_eq!(child(resource(&selected), "name"), "syncAudit");
    app.get(&registry(&app, "contracts('none')")).await.assert_refused(404);
    app.get(&registry(&app, "contracts(name eq 'none')")).await.assert_refused(404);
    app.get(&registry(&app, "contracts(version eq '1.0.0')")).await.assert_refused(400);
}

/// CORE-6.10-02, CORE-6.10-03.
#[rstest]
#[case::unknown_property("contracts?where=color eq 'red'", 400, SdataCode::BadWhereSyntax, "at character 1:")]
#[case::syntax("contracts?where=name eq", 400, SdataCode::BadWhereSyntax, "at character 8:")]
#[case::order_syntax("contracts?orderBy=name upwards", 400, SdataCode::BadQueryParameter, "at character 6:")]
#[case::page("contracts?count=many", 400, SdataCode::BadQueryParameter, "count=many")]
#[case::unknown_kind("things", 404, SdataCode::ResourceKindNotFound, "things")]
#[case::other_dataset("../prod/contracts", 404, SdataCode::DatasetNotFound, "prod")]
#[case::other_contract("../../other", 404, SdataCode::ContractNotFound, "other")]
#[case::below_a_kind("contracts/name", 404, SdataCode::ApplicationDiagnosis, "name")]
#[tokio::test]
async fn what_is_wrong_is_told(#[case] rest: &str, #[case] status: u16, #[case] code: SdataCode, #[case] said: &str) {
    let app = App::start("crm").await;
    let answer = app.get(&registry(&app, rest)).await;
    answer.assert_refused(status);
    let diagnosis = answer.diagnosis();
    assert_eq!(diagnosis.sdata_code, code);
    assert!(diagnosis.message.contains(said), "{}", diagnosis.message);
}

/// CORE-6.3-02.
#[tokio::test]
async fn a_criterion_that_cannot_be_applied_is_a_warning() {
    let app = App::start("crm").await;
    let answer = app.get(&registry(&app, "contracts?orderBy=color, name desc")).await;
    assert_eq!(answer.feed().1.len(), 2);
    assert!(answer.text().contains("warning") && answer.text().contains("color"), "{}", answer.text());
}

/// CORE-3.3-01, CORE-3.7-01: and the schema says what values are.
#[tokio::test]
async fn resources_have_a_schema_and_its_types() {
    let app = App::start("crm").await;
    let rel = "http://schemas.sage.com/sdata/link-relations/schema";
    let url = registry(&app, "endpoints");
    let (head, _) = app.get(&url).await.feed();
    assert_eq!(head.link(rel), Some(&*format!("{url}/$schema?version=1.0.0")));
    let json = app.get(&format!("{url}?format=json&count=1")).await;
    let json: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    let endpoint = &json["$resources"][0];
    assert!(endpoint["port"].is_u64() && endpoint["isBrowsable"] == true, "{endpoint}");
    assert_eq!(endpoint["contractName"], serde_json::Value::Null);
}

#[tokio::test]
async fn the_registry_is_read_only() {
    let app = App::start("crm").await;
    let answer = app.post(&registry(&app, "contracts"), "<entry/>").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
}
