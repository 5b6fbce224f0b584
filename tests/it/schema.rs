//! The schema that is served, and whether it is true (core 2.7, 4; sync 4.5).

use crate::support::messages::{N1, SAMPLE, SyncFeed, account, digest_entry, entry};
use crate::support::{App, Backend};
use rstest::rstest;
use sdata_sync::wire::Element;
use sdata_sync::wire::names::SDATA;

const XS: &str = "http://www.w3.org/2001/XMLSchema";
const SME: &str = "http://schemas.sage.com/sdata/sme/2007";

async fn schema(app: &App) -> Element {
    let answer = app.get(&format!("{}/$schema", app.dataset())).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/xml"));
    answer.xml()
}

/// The elements of the resource kinds.
fn kinds(schema: &Element) -> Vec<&Element> {
    let is_kind = |element: &&Element| element.attribute(SME, "role") == Some("resourceKind");
    schema.children().filter(|child| child.is(XS, "element")).filter(is_kind).collect()
}

fn says(kind: &Element, name: &str) -> bool {
    kind.attribute(SME, name) == Some("true")
}

/// CORE-2.7-01, CORE-4.1-01, CORE-4.2-01, CORE-4.3-01, CORE-4.3-02, CORE-4.4-01, CORE-4.9-01, CORE-4.9-03.
#[tokio::test]
async fn the_schema_describes_every_kind_with_its_type_and_properties() {
    let app = App::start("crm").await;
    let schema = schema(&app).await;
    assert!(schema.is(XS, "schema"));
    assert_eq!(schema.attribute("", "targetNamespace"), Some(SAMPLE));
    let version = schema.attribute("", "version").unwrap();
    assert_eq!(version.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3, "{version}");
    let all: Vec<_> = schema.children().collect();
    let plural: Vec<_> = kinds(&schema).iter().map(|kind| kind.attribute(SME, "pluralName").unwrap()).collect();
    assert_eq!(plural, ["accounts", "contacts", "products", "salesOrders"]);
    for kind in kinds(&schema) {
        let name = kind.attribute("", "name").unwrap();
        assert_eq!(kind.attribute("", "type"), Some(&*format!("tns:{name}--type")));
        let at = all.iter().position(|child| *child == kind).unwrap();
        assert!(all[at + 1].is(XS, "complexType"), "the type follows its element");
        assert_eq!(all[at + 1].attribute("", "name"), Some(&*format!("{name}--type")));
        assert!(all[at + 1].children().next().unwrap().is(XS, "all"));
        assert_eq!(app.get(&app.kind(kind.attribute(SME, "pluralName").unwrap())).await.status, 200);
    }
    let named = |name: &str| *all.iter().find(|child| child.attribute("", "name") == Some(name)).unwrap();
    let property = |kind: &str, name: &str| {
        let all = named(&format!("{kind}--type")).children().next().unwrap();
        all.children().find(|child| child.attribute("", "name") == Some(name)).unwrap().clone()
    };
    let code = property("account", "code");
    assert!(says(&code, "isMandatory") && says(&code, "isUniqueKey"));
    assert_eq!((code.attribute("", "type"), code.attribute(SME, "label")), (Some("tns:code--type"), Some("Code")));
    assert_eq!(property("account", "phone").attribute("", "nillable"), Some("true"));
    assert!(says(&property("account", "balance"), "isReadOnly"));
    assert_eq!(property("salesOrder", "account").attribute(SME, "relationship"), Some("reference"));
    let lines = property("salesOrder", "orderLines");
    assert_eq!(lines.attribute(SME, "relationship"), Some("child"));
    assert!(says(&lines, "isCollection"));
    assert!(named("salesOrderLine--list").children().next().unwrap().is(XS, "sequence"));
}

/// CORE-2.7-02.
#[tokio::test]
async fn the_schema_of_a_kind_is_its_element_in_the_contracts() {
    let app = App::start("crm").await;
    let answer = app.get(&format!("{}/$schema", app.kind("salesOrders"))).await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("location"), format!("{}/$schema?version=1.0.0#salesOrder", app.dataset()));
    let lower = app.get(&format!("{}/$SCHEMA", app.dataset())).await;
    assert_eq!(lower.status, 200);
}

/// SYNC-4.5-01, SYNC-4.5-02, SYNC-4.5-03, SYNC-4.1-13: the schema says what is configured, and the URLs do what it says.
#[tokio::test]
async fn a_kind_has_the_operations_that_its_schema_says() {
    let settings = [
        ("contracts.0.kinds.accounts.sync_source", "false"),
        ("contracts.0.kinds.accounts.conflict_priority", "2"),
        ("contracts.0.kinds.contacts.sync_target", "false"),
        ("contracts.0.kinds.products.sync_source", "false"),
        ("contracts.0.kinds.products.sync_target", "false"),
    ];
    let app = App::start_with("crm", &Backend::Sqlite, &settings).await;
    let schema = schema(&app).await;
    let mut seen = Vec::new();
    for kind in kinds(&schema) {
        let plural = kind.attribute(SME, "pluralName").unwrap();
        let (source, target) = (says(kind, "isSyncSource"), says(kind, "isSyncTarget"));
        seen.push((plural, source, target));
        let url = app.kind(plural);
        let posted = app.post(&format!("{url}/$syncSource"), digest_entry(N1, &[])).await;
        assert_eq!(posted.status, if source { 200 } else { 404 }, "{plural}");
        let applied = app.post(&format!("{url}/$syncTarget"), SyncFeed::new(N1, &[]).xml()).await;
        assert_eq!(applied.status, if target { 200 } else { 404 }, "{plural}");
        for answer in [posted, applied] {
            if answer.status == 404 {
                answer.assert_refused(404);
            }
        }
        let digest = app.get(&format!("{url}/$syncDigest")).await;
        assert_eq!(digest.status, if source || target { 200 } else { 404 }, "{plural}");
        if digest.status == 200 {
            let own = digest.digest().entries.into_values().next().unwrap();
            let said = kind.attribute(SME, "syncConflictPriority").map(|text| text.parse::<u8>().unwrap());
            assert_eq!(said, Some(own.conflict_priority.value()));
        }
    }
    assert_eq!(
        seen,
        [("accounts", false, true), ("contacts", true, false), ("products", false, false), ("salesOrders", true, true)]
    );
}

/// SYNC-4.5-04, SYNC-6.1-03.
#[tokio::test]
async fn kinds_are_ordered_so_that_referenced_ones_come_first() {
    let app = App::start("crm").await;
    let schema = schema(&app).await;
    let order = |name: &str| {
        let all = kinds(&schema);
        let kind = all.iter().find(|kind| kind.attribute(SME, "pluralName") == Some(name)).unwrap();
        kind.attribute(SME, "syncOrder").unwrap().parse::<u32>().unwrap()
    };
    assert!(order("accounts") < order("contacts"));
    assert!(order("accounts") < order("salesOrders"));
    assert!(order("contacts") < order("salesOrders"));
    assert!(order("products") < order("salesOrders"));
}

/// CORE-4.2-02: what is not said to be there is not there, and what is said to be there is.
#[tokio::test]
async fn what_the_schema_says_a_kind_can_do_it_does() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let schema = schema(&app).await;
    let kind = kinds(&schema)[0];
    let accounts = app.kind("accounts");
    let there = |status: u16| ![404, 405].contains(&status);
    let page = app.get(&accounts).await;
    assert_eq!(says(kind, "canGet"), there(page.status));
    assert_eq!(says(kind, "canPost"), there(app.post(&accounts, entry(&account("A2", "two"))).await.status));
    assert_eq!(says(kind, "canPut"), there(app.put(&url, entry(&account("A1", "two"))).await.status));
    assert_eq!(says(kind, "canDelete"), there(app.delete(&url).await.status));
    assert_eq!(says(kind, "supportsETag"), page.feed().1[0].etag.is_some());
    assert_eq!(says(kind, "hasTemplate"), there(app.get(&format!("{accounts}/$template")).await.status));
    let batch = app.post(&format!("{accounts}/$batch"), SyncFeed::new(N1, &[]).xml()).await;
    assert_eq!(batch.status, 200, "{}", batch.text());
    let batch = app.post(&format!("{accounts}/$batch?trackingID=b"), SyncFeed::new(N1, &[]).xml()).await;
    assert_eq!(batch.status, 202, "{}", batch.text());
    assert_eq!(kind.attribute(SME, "batchingMode"), Some("syncOrAsync"));
    for code in ["A3", "A4"] {
        app.create("accounts", &account(code, "more")).await;
    }
    let (middle, _) = app.get(&format!("{accounts}?startIndex=2&count=1")).await.feed();
    assert_eq!(says(kind, "canPageNext"), middle.link("next").is_some());
    assert_eq!(says(kind, "canPagePrevious"), middle.link("previous").is_some());
    assert_eq!(says(kind, "canPageIndex"), middle.start_index == Some(2));
    let (_, found) = app.get(&format!("{accounts}?search=more")).await.feed();
    assert_eq!((says(kind, "canSearch"), found.len()), (true, 2));
    let filters: Vec<_> = kind.attribute(SME, "protocolFilters").unwrap().split(',').collect();
    assert_eq!(filters, ["$uuid", "$key", "$published", "$updated", "$title", "$etag"]);
    for filter in filters {
        assert_eq!(app.get(&format!("{accounts}?where={filter} ne null")).await.status, 200, "{filter}");
    }
}

/// CORE-4.4-01, CORE-2.3-01: what is said of relationships and filters is so, at whatever depth.
#[tokio::test]
async fn what_the_schema_says_a_property_can_do_it_does() {
    let app = App::start("crm").await;
    let account = app.create("accounts", &account("A1", "one")).await;
    let product =
        app.create("products", &format!(r#"<product xmlns="{SAMPLE}"><sku>P1</sku><name>Nail</name></product>"#)).await;
    let key = |url: &str| url.split('\'').nth(1).unwrap().to_owned();
    let (account, product) = (key(&account), key(&product));
    let contact =
        format!(r#"<contact xmlns="{SAMPLE}"><lastName>x</lastName><account sdata:key="{account}"/></contact>"#);
    let contact = key(&app.create("contacts", &contact).await);
    let order = format!(
        r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O1</orderNumber><account sdata:key="{account}"/><contact sdata:key="{contact}"/>
        <orderLines><salesOrderLine><product sdata:key="{product}"/><quantity>1</quantity></salesOrderLine></orderLines></salesOrder>"#
    );
    let order = app.create("salesOrders", &order).await;
    let schema = schema(&app).await;
    for (name, url, list) in [
        ("salesOrder--type", order.clone(), app.kind("salesOrders")),
        ("salesOrderLine--type", format!("{order}/orderLines('1')"), format!("{order}/orderLines")),
    ] {
        let complex = schema.children().find(|child| child.attribute("", "name") == Some(name)).unwrap();
        for property in complex.children().flat_map(Element::children) {
            let name = property.attribute("", "name").unwrap();
            if property.attribute(SME, "relationship").is_some() {
                assert_eq!(says(property, "canGet"), app.get(&format!("{url}/{name}")).await.status == 200, "{name}");
                continue;
            }
            for (flag, query) in
                [("canFilter", format!("where={name} ne null")), ("canSort", format!("orderBy={name}"))]
            {
                let answer = app.get(&format!("{list}?{query}")).await;
                let works = answer.status == 200 && answer.feed().0.diagnoses.is_empty();
                assert_eq!(says(property, flag), works, "{flag} of {name}");
            }
        }
    }
}

/// CORE-2.11-01: `includeSchema` (core 4.10).
#[tokio::test]
async fn a_schema_can_be_sent_with_the_resources() {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let products = format!("{}?includeSchema=true", app.kind("products"));
    for (at, name) in [(products, "product"), (format!("{url}?includeSchema=true"), "account")] {
        let answer = app.get(&at).await;
        let root = answer.xml();
        let included: Vec<_> = root.children().filter(|child| child.is(SDATA, "schema")).collect();
        let schema = included[0].children().next().unwrap();
        assert!(included.len() == 1 && schema.is(XS, "schema"), "{}", answer.text());
        assert_eq!(schema.attribute("", "targetNamespace"), Some(SAMPLE));
        let [kind] = kinds(schema)[..] else { panic!("{}", answer.text()) };
        assert_eq!((kind.attribute("", "name"), says(kind, "canPost")), (Some(name), true));
        assert!(!declared(schema, &format!("{name}--type")).is_empty());
    }
    assert!(!app.get(&format!("{url}?includeSchema=false")).await.text().contains("sdata:schema"));
}

/// The declared properties of a type, in order, each with the name of its type.
fn declared(schema: &Element, name: &str) -> Vec<(String, String)> {
    let complex = schema.children().find(|child| child.attribute("", "name") == Some(name)).unwrap();
    let properties = complex.children().flat_map(Element::children);
    let text = |property: &Element, name: &str| property.attribute("", name).unwrap_or_default().to_owned();
    properties.map(|property| (text(property, "name"), text(property, "type"))).collect()
}

/// Whether an element is as its type says: known properties, each once, in the namespace of the contract.
fn assert_conforms(schema: &Element, element: &Element, type_name: &str, is_reference: bool) {
    let declared = declared(schema, type_name);
    for child in element.children() {
        assert_eq!(&*child.namespace, SAMPLE, "{}", child.name);
        let found = declared.iter().find(|(name, _)| *name == *child.name);
        let (_, child_type) = found.unwrap_or_else(|| panic!("{} is not in {type_name}", child.name));
        let local = child_type.trim_start_matches("tns:");
        let is_complex =
            schema.children().any(|it| it.is(XS, "complexType") && it.attribute("", "name") == Some(local));
        if is_complex {
            assert_conforms(schema, child, local, child.attribute(SDATA, "url").is_some());
        } else {
            assert!(child.children().next().is_none(), "{}", child.name);
        }
    }
    assert!(
        !is_reference
            || element.children().next().is_none()
            || type_name.ends_with("--list")
            || element.attribute(SDATA, "key").is_some()
    );
}

/// CORE-4.9-02, CORE-2.13-01: resources as they are read, and as a source sends them.
#[rstest]
#[case("accounts", "account")]
#[case("salesOrders", "salesOrder")]
#[tokio::test]
async fn payloads_that_are_sent_conform_to_the_schema(#[case] plural: &str, #[case] singular: &str) {
    let app = App::start("crm").await;
    let url = app.create("accounts", &account("A1", "one")).await;
    let account = url.split('\'').nth(1).unwrap();
    let product = format!(r#"<product xmlns="{SAMPLE}"><sku>P1</sku><name>Nail</name></product>"#);
    let url = app.create("products", &product).await;
    let product = url.split('\'').nth(1).unwrap();
    let order = format!(
        r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O1</orderNumber><account sdata:key="{account}"/>
        <orderLines><salesOrderLine><product sdata:key="{product}"/><quantity>1</quantity></salesOrderLine></orderLines></salesOrder>"#
    );
    app.create("salesOrders", &order).await;
    let schema = schema(&app).await;
    let (page, _) = app.run(plural, "$syncSource", "", digest_entry(N1, &[])).await;
    for answer in [page, app.get(&app.kind(plural)).await] {
        let (_, entries) = answer.feed();
        assert!(!entries.is_empty());
        for entry in entries {
            let resource = entry.resource().unwrap();
            assert!(resource.is(SAMPLE, singular));
            assert_conforms(&schema, resource, &format!("{singular}--type"), false);
        }
    }
}

/// CORE-5.2-02.
#[test]
fn a_provider_without_authentication_does_not_listen_to_the_world() {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = std::process::Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
    serve.arg("serve").args(["--set", "server.listen=0.0.0.0:0"]).current_dir(folder.path());
    let output = serve.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(message.contains("security.authentication"), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made");
}
