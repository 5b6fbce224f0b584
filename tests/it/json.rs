//! Feeds and entries in JSON, read and written (core 3.15; SData 2.0).

use crate::support::app::child;
use crate::support::messages::{N1, account, account_of, digest_entry, entry};
use crate::support::{Answer, App};
use rstest::rstest;
use sdata_sync::wire::names::SDATA;
use serde_json::{Value, json};
use uuid::Uuid;

const JSON: &str = "application/json;vnd.sage=sdata";

fn read(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), JSON, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

async fn get(app: &App, url: &str) -> Answer {
    app.send(app.request("GET", url).header("Accept", "application/json")).await
}

async fn send(app: &App, method: &str, url: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = app.request(method, url).header("Accept", "application/json").header("If-Match", "*");
    app.send(request.header("Content-Type", "application/json").body(body.into())).await
}

/// CORE-2.11-03.
#[rstest]
#[case::by_accept("", Some("application/json"))]
#[case::by_sdatas_own_type("", Some("application/json;vnd.sage=sdata"))]
#[case::by_format("?format=application/json", None)]
#[case::by_format_with_parameter("?format=application/json;vnd.sage=sdata", Some("*/*"))]
#[case::by_format_against_accept("?format=json", Some("application/atom+xml"))]
#[tokio::test]
async fn a_feed_is_json_when_json_is_asked_for(#[case] query: &str, #[case] accept: Option<&str>) {
    let app = App::start("crm").await;
    for code in ["A1", "A2", "A3"] {
        app.create("accounts", &account(code, "Müller &amp; Söhne")).await;
    }
    let separator = if query.is_empty() { '?' } else { '&' };
    let request = app.request("GET", &format!("{}{query}{separator}count=2", app.kind("accounts")));
    let request = accept.into_iter().fold(request, |request, accept| request.header("Accept", accept));
    let feed = read(&app.send(request).await);
    assert_eq!(feed["$url"], json!(app.kind("accounts")));
    assert_eq!(
        (&feed["$totalResults"], &feed["$startIndex"], &feed["$itemsPerPage"]),
        (&json!(3), &json!(1), &json!(2))
    );
    let resources = feed["$resources"].as_array().unwrap();
    assert_eq!(resources.len(), 2);
    assert_eq!(resources[1]["code"], "A2");
    assert_eq!(resources[1]["name"], "Müller & Söhne");
    assert_eq!(resources[1]["phone"], Value::Null);
    let key = resources[1]["$key"].as_str().unwrap();
    assert_eq!(resources[1]["$url"], json!(format!("{}('{key}')", app.kind("accounts"))));
    let next = read(&get(&app, feed["$links"]["$next"]["$url"].as_str().unwrap()).await);
    assert_eq!(next["$resources"][0]["code"], "A3");
    assert_eq!(next["$links"]["$next"], Value::Null);
}

/// CORE-9.3-01: the etag is the same in header and body, whatever the representation.
#[tokio::test]
async fn a_resource_is_created_read_and_changed_in_json() {
    let app = App::start("crm").await;
    let account = app.create("accounts", &account("A1", "one")).await;
    let account = app.get(&account).await.entry().resource().unwrap().attribute(SDATA, "key").unwrap().to_owned();
    let product =
        app.create("products", &format!(r#"<product xmlns="{SAMPLE}"><sku>P1</sku><name>Pen</name></product>"#)).await;
    let product = product.split('\'').nth(1).unwrap().to_owned();
    let order = format!(
        r#"{{"orderNumber":"O1","account":{{"$key":"{account}"}},"orderDate":"2026-01-31","totalAmount":1234567890123.4500,
            "shippingAddress":{{"city":"Zürich"}},"comment":"a \"quoted\" word",
            "orderLines":[{{"lineNumber":1,"product":{{"$key":"{product}"}},"quantity":2.50}},
                          {{"lineNumber":2,"product":{{"$key":"{product}"}},"quantity":"0.1"}}]}}"#
    );
    let created = send(&app, "POST", &app.kind("salesOrders"), order).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let url = created.header("location").to_owned();
    let body = read(&created);
    assert_eq!(body["$url"], json!(url));
    assert_eq!(body["$etag"], json!(created.header("etag")));
    assert!(created.text().contains(r#""totalAmount":1234567890123.4500"#), "every digit is kept: {}", created.text());
    assert_eq!(body["account"]["$key"], json!(account));
    assert_eq!(body["orderLines"][0]["quantity"], json!(2.5));
    assert_eq!(body["orderLines"][1]["lineNumber"], json!(2));
    assert_eq!(body["shipDate"], Value::Null);

    let atom = app.get(&url).await.entry();
    let order = atom.resource().unwrap();
    assert_eq!(
        (child(order, "comment"), child(order, "totalAmount")),
        ("a \"quoted\" word".into(), "1234567890123.4500".into())
    );

    // What was read can be sent back: a delta, in which one line goes.
    let mut body = body;
    body["comment"] = Value::Null;
    body["orderLines"][1]["$isDeleted"] = json!(true);
    let etag = body["$etag"].as_str().unwrap().to_owned();
    let request = app.request("PUT", &url).header("Content-Type", "application/json").header("If-Match", &etag);
    let changed = app.send(request.header("Accept", "application/json").body(body.to_string())).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let body = read(&changed);
    assert_eq!((&body["comment"], body["orderLines"].as_array().unwrap().len()), (&Value::Null, 1));
    let request = app.request("PUT", &url).header("If-Match", &etag).header("Accept", "application/json");
    let late = app.send(request.body("{}")).await;
    assert_eq!((late.status, &read(&late)["$etag"]), (412, &body["$etag"]));
}

const SAMPLE: &str = crate::support::messages::SAMPLE;

/// The media type is not needed: nothing else begins with a brace.
#[rstest]
#[case::none(None)]
#[case::what_everything_is_sent_as(Some("application/xml"))]
#[case::sdatas_own(Some("application/json;vnd.sage=sdata"))]
#[tokio::test]
async fn a_body_is_known_by_how_it_begins(#[case] content_type: Option<&str>) {
    let app = App::start("crm").await;
    for (body, code) in
        [("\u{feff}{\"code\":\"A1\",\"name\":\"x\"}", "A1"), ("  \r\n{\"name\":\"x\",\"code\":\"A2\"}", "A2")]
    {
        let request = app.request("POST", &app.kind("accounts"));
        let request = content_type.into_iter().fold(request, |request, value| request.header("Content-Type", value));
        let answer = app.send(request.body(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(child(answer.entry().resource().unwrap(), "code"), code, "without Accept the answer is Atom");
    }
    let request = app.request("POST", &app.kind("accounts")).header("Content-Type", "application/json");
    assert_eq!(
        app.send(request.body(entry(&account("A3", "x")))).await.status,
        201,
        "XML is XML whatever it is called"
    );
}

#[rstest]
#[case::no_json("{\"code\":", 400, "badJson", "")]
#[case::something_twice(r#"{"code":"A","code":"B"}"#, 400, "badJson", "")]
#[case::more_behind(r#"{"code":"A"} {}"#, 400, "badJson", "")]
#[case::a_list_for_a_value(r#"{"code":["A"],"name":"x"}"#, 400, "invalid", "account/code")]
#[case::a_wrong_value(r#"{"code":"A","name":"x","creditLimit":"much"}"#, 400, "invalid", "account/creditLimit")]
#[case::an_unknown_property(r#"{"code":"A","name":"x","colour":[]}"#, 400, "invalid", "account/colour")]
#[case::a_character_xml_does_not_have("{\"code\":\"A\\u0000\",\"name\":\"x\"}", 400, "badXml", "")]
#[case::a_feed(r#"{"$resources":[{"code":"A","name":"x"}]}"#, 400, "badBody", "")]
#[tokio::test]
async fn errors_are_json_when_json_is_asked_for(
    #[case] body: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] path: &str,
) {
    let app = App::start("crm").await;
    let answer = send(&app, "POST", &app.kind("accounts"), body).await;
    assert_eq!(answer.status, status, "{}", answer.text());
    let diagnosis = &read(&answer)["$diagnoses"][0];
    assert_eq!(diagnosis["$severity"], "error");
    assert_eq!(diagnosis["$sdataCode"], "ApplicationDiagnosis");
    assert_eq!(diagnosis["$applicationCode"], code);
    assert_eq!(diagnosis["$payloadPath"].as_str().unwrap_or_default(), path);
    assert!(!diagnosis["$message"].as_str().unwrap().is_empty());
    assert_eq!(read(&get(&app, &app.kind("nothing")).await)["$diagnoses"][0]["$sdataCode"], "ResourceKindNotFound");
    assert!(app.resources("accounts").await.is_empty());
}

/// A whole pass with nothing but JSON: digest, source feed, target, results.
#[tokio::test]
async fn a_pass_can_be_made_in_json() {
    let (crm, erp) = (App::start("crm").await, App::start("erp").await);
    let uuid = Uuid::new_v4();
    crm.create("accounts", &account_of(uuid, "A1", "Ærø")).await;
    crm.create("accounts", &account("A2", "two")).await;
    let digest = get(&erp, &format!("{}/$syncDigest", erp.kind("accounts"))).await;
    let own = &read(&digest)["$digest"]["$digestEntry"][0];
    assert_eq!(
        (&own["$endpoint"], &own["$tick"], &own["$conflictPriority"]),
        (&json!(erp.kind("accounts")), &json!(1), &json!(5))
    );

    let accepted =
        send(&crm, "POST", &format!("{}/$syncSource?trackingID=S1&format=json", crm.kind("accounts")), digest.body)
            .await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    assert!(read(&accepted)["$tracking"]["$pollingMillis"].is_u64(), "{}", accepted.text());
    let feed = polled(&crm, accepted.header("location")).await;
    let page = read(&feed);
    assert_eq!((&page["$syncMode"], &page["$totalResults"]), (&json!("catchUp"), &json!(2)));
    let first = &page["$resources"][0];
    assert_eq!(
        (&first["$uuid"], &first["name"], &first["$httpMethod"]),
        (&json!(uuid.to_string()), &json!("Ærø"), &json!("PUT"))
    );
    assert_eq!(
        (&first["$syncState"]["$endpoint"], &first["$syncState"]["$tick"]),
        (&json!(crm.kind("accounts")), &json!(1))
    );

    let accepted = send(&erp, "POST", &format!("{}/$syncTarget?trackingID=T1", erp.kind("accounts")), feed.body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let result = polled(&erp, accepted.header("location")).await;
    let entries = read(&result)["$resources"].clone();
    assert_eq!(
        (&entries[0]["$httpStatus"], &entries[1]["$httpStatus"]),
        (&json!(201), &json!(201)),
        "{}",
        result.text()
    );
    assert_eq!(entries[0]["$uuid"], json!(uuid.to_string()));
    let names: Vec<_> = erp.resources("accounts").await.iter().map(|account| child(account, "name")).collect();
    assert_eq!(names, ["Ærø", "two"]);
    let recorded =
        send(&crm, "POST", &format!("{}/$syncResults?runName=r&runStamp=1", crm.kind("accounts")), result.body).await;
    assert_eq!((recorded.status, &read(&recorded)["$title"]), (200, &json!("2 results recorded")));
    assert!(crm.pass_to(&erp, "accounts").await[0].feed().1.is_empty(), "the digest was adopted");
}

/// The answer once the operation is over.
async fn polled(app: &App, location: &str) -> Answer {
    loop {
        let answer = get(app, location).await;
        if answer.status != 202 {
            assert_eq!(answer.status, 200, "{}", answer.text());
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A feed may name its entries before it says what they are part of; deletions and lists say what they are.
#[tokio::test]
async fn a_target_takes_json_in_any_order() {
    let app = App::start("crm").await;
    let (gone, kept) = (Uuid::new_v4(), Uuid::new_v4());
    let entry = |uuid: Uuid, tick: u64, rest: &str| {
        format!(
            r#"{{"$syncState":{{"$tick":{tick},"$endpoint":"{N1}","$stamp":"2026-01-01T00:00:00Z"}},"$uuid":"{uuid}"{rest}}}"#
        )
    };
    let feed = format!(
        r#"{{"$resources":[{},{}],"$syncMode":"catchUp","$url":"{N1}/$syncSource('x')",
            "$digest":{{"$origin":"{N1}","$digestEntry":[{{"$endpoint":"{N1}","$tick":9,"$stamp":"2026-01-01T00:00:00Z","$conflictPriority":1}}]}}}}"#,
        entry(kept, 3, r#","code":"A1","name":"one","active":true,"creditLimit":10.50"#),
        entry(gone, 4, r#","$isDeleted":true"#),
    );
    let answer = send(&app, "POST", &format!("{}/$syncTarget", app.kind("accounts")), feed).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let result = read(&answer);
    assert_eq!(
        (&result["$resources"][0]["$httpStatus"], &result["$resources"][1]["$isDeleted"]),
        (&json!(201), &json!(true))
    );
    let resources = app.resources("accounts").await;
    assert_eq!((child(&resources[0], "creditLimit"), child(&resources[0], "active")), ("10.50".into(), "true".into()));
    assert_eq!(crate::support::app::tick(&app.digest("accounts").await, N1), Some(9));
}

#[tokio::test]
async fn navigation_and_audit_are_json_too() {
    let app = App::start("crm").await;
    let digest = digest_entry(N1, &[]);
    app.run("accounts", "$syncSource", "&runName=Lauf%20%C3%A4&runStamp=1", digest).await;
    let kinds = read(&get(&app, &app.dataset()).await);
    let titles: Vec<_> =
        kinds["$resources"].as_array().unwrap().iter().map(|kind| kind["$title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Account", "Contact", "Product", "Sales order"]);
    assert_eq!(kinds["$resources"][0]["$url"], json!(app.kind("accounts")));
    let events = read(&get(&app, &app.audit("events")).await);
    let event =
        events["$resources"].as_array().unwrap().iter().find(|event| event["operation"] == "sourceRequested").unwrap();
    assert_eq!((&event["runName"], &event["httpStatus"]), (&json!("Lauf ä"), &json!(202)));
}

/// CORE-13.1-01: entries name their resources by `$url`, and what is to be done by `$httpMethod`.
#[tokio::test]
async fn a_batch_can_be_sent_in_json() {
    let app = App::start("crm").await;
    let (changed, gone) =
        (app.create("accounts", &account("A1", "one")).await, app.create("accounts", &account("A2", "two")).await);
    let etag = read(&get(&app, &changed).await)["$etag"].clone();
    let batch = json!({"$resources": [
        {"$httpMethod": "POST", "code": "A3", "name": "three"},
        {"$httpMethod": "PUT", "$url": changed, "$ifMatch": etag, "name": "eins"},
        {"$httpMethod": "DELETE", "$url": gone},
        {"$httpMethod": "GET", "$url": changed},
        {"$httpMethod": "POST", "code": "A4"},
    ]});
    let answer = send(&app, "POST", &format!("{}/$batch", app.kind("accounts")), batch.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let results = read(&answer)["$resources"].clone();
    let statuses: Vec<_> =
        results.as_array().unwrap().iter().map(|result| result["$httpStatus"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 200, 200, 200, 400], "{}", answer.text());
    assert_eq!((&results[1]["name"], &results[3]["name"]), (&json!("eins"), &json!("eins")));
    assert_eq!(results[4]["$diagnoses"][0]["$payloadPath"], "account/name");
    assert_eq!(app.resources("accounts").await.len(), 2);
}
