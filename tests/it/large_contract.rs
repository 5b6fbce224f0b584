//! A contract of the size and make of a full CRM-ERP contract: every kind is served, and what refers to what is synchronized in order.

#[path = "../support/generated_contract.rs"]
mod generated_contract;

use crate::support::app::finished;
use crate::support::messages::entry;
use crate::support::pass::engine;
use crate::support::{App, Backend};
use generated_contract as generated;
use sdata_sync::wire::names::SDATA;
use sdata_sync::wire::{Element, Node};
use std::collections::BTreeMap;
use tempfile::TempDir;

/// Resources of each kind that each application begins with.
const RESOURCES: u64 = 150;

/// The synchronized kinds that are filled, in the order of their references.
const KINDS: [&str; 3] = ["accounts", "contacts", "salesOrders"];

async fn start(name: &str, contract: &TempDir) -> App {
    let schema = contract.path().join("generated.xsd");
    let schema = schema.to_str().unwrap();
    App::start_with(name, &Backend::Sqlite, &[("contracts.0.name", "generated"), ("contracts.0.schema", schema)]).await
}

fn dataset(app: &App, name: &str) -> String {
    format!("{}/sdata/{name}/generated/-", app.base())
}

async fn create(app: &App, url: &str, resource: &str) -> String {
    let answer = app.post(url, entry(resource)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.header("location").split('\'').nth(1).unwrap().to_owned()
}

/// Accounts, contacts that work for them, and orders of both with lines and an address.
async fn fill(app: &App, dataset: &str, first: u64) {
    for number in first..first + RESOURCES {
        let account = create(app, &format!("{dataset}/accounts"), &generated::payload("account", number)).await;
        let works_for = format!("<account sdata:key=\"{account}\"/></contact>");
        let contact = generated::payload("contact", number).replace("</contact>", &works_for);
        let contact = create(app, &format!("{dataset}/contacts"), &contact).await;
        let by_uuid = format!("<account sdata:uuid=\"{}\"/>", generated::ACCOUNT);
        let partners = format!("<account sdata:key=\"{account}\"/><contact sdata:key=\"{contact}\"/>");
        let order = generated::payload("salesOrder", number).replace(&by_uuid, &partners);
        create(app, &format!("{dataset}/salesOrders"), &order).await;
    }
}

/// The resources of a kind by UUID, without what is each application's own.
async fn contents(app: &App, url: &str) -> BTreeMap<String, String> {
    let (mut contents, mut next) = (BTreeMap::new(), Some(format!("{url}?count=500")));
    while let Some(page) = next {
        let (head, entries) = app.get(&page).await.feed();
        for mut resource in entries.into_iter().filter_map(|entry| entry.payload?.resource) {
            let uuid = resource.attribute(SDATA, "uuid").unwrap().to_lowercase();
            shared(&mut resource);
            contents.insert(uuid, resource.to_xml().unwrap());
        }
        next = head.link("next").map(str::to_owned);
    }
    contents
}

fn shared(element: &mut Element) {
    for own in ["key", "url", "uri"] {
        element.remove_attribute(SDATA, own);
    }
    for child in &mut element.content {
        if let Node::Element(child) = child {
            shared(child);
        }
    }
}

/// One run of the program's engine over all common kinds, both ways.
async fn run(source: &str, target: &str) -> serde_json::Value {
    let mut engine = engine(source, target);
    engine.args(["--both", "--json"]);
    let output = finished(engine).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn sum(report: &serde_json::Value, field: &str) -> u64 {
    report["passes"].as_array().unwrap().iter().map(|pass| pass[field].as_u64().unwrap()).sum()
}

/// SYNC-2.1-01, SYNC-4.5-04, SYNC-6.1-01, CORE-4.2-01.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_that_share_a_large_contract_end_identical() {
    let contract = tempfile::tempdir().unwrap();
    generated::write_to(contract.path()).unwrap();
    let (crm, erp) = (start("crm", &contract).await, start("erp", &contract).await);
    let (here, there) = (dataset(&crm, "crm"), dataset(&erp, "erp"));
    let (_, listed) = crm.get(&format!("{here}?count=1000")).await.feed();
    assert!(listed.len() >= generated::KINDS, "{}", listed.len());
    for name in generated::kinds() {
        assert_eq!(crm.get(&format!("{here}/{name}s?count=1")).await.status, 200, "{name}s");
    }
    tokio::join!(fill(&crm, &here, 0), fill(&erp, &there, 10_000));
    let first = run(&here, &there).await;
    assert_eq!((sum(&first, "created"), sum(&first, "failed")), (6 * RESOURCES, 0));
    let second = run(&here, &there).await;
    assert_eq!(sum(&second, "entries"), 0, "nothing is left to send");
    for kind in KINDS {
        let contents_here = contents(&crm, &format!("{here}/{kind}")).await;
        assert_eq!(contents_here.len() as u64, 2 * RESOURCES);
        let contents_there = contents(&erp, &format!("{there}/{kind}")).await;
        let apart = contents_here.iter().find(|(uuid, content)| contents_there.get(*uuid) != Some(*content));
        assert_eq!(apart, None, "{kind}: {:?}", apart.map(|(uuid, _)| contents_there.get(uuid)));
        assert_eq!(contents_there.len(), contents_here.len());
    }
}
