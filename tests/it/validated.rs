//! What the provider sends, judged by libxml2: against our schemas (docs/schemas) and the contracts it serves itself.

use crate::associations;
use crate::support::app::key_of;
use crate::support::messages::{
    N1, N2, SAMPLE, SyncFeed, account, account_of, batch, deleted_account, digest_entry, entry, posted, three_nodes,
};
use crate::support::validators::{Contracts, Sent, faults};
use crate::support::{App, Backend};
use sdata_sync::wire::names::SDATA;
use tempfile::TempDir;
use uuid::Uuid;

/// What answers GET, below `/sdata`: the schema of the answer, and where it is. `{account}` and `{order}` are keys.
const READ: &[(&str, &str)] = &[
    ("navigation", ""),
    ("navigation", "/crm"),
    ("navigation", "/crm/sample"),
    ("navigation", "/crm/sample/-"),
    ("navigation", "/crm/sample/-?startIndex=2&count=1"),
    ("navigation", "/crm/syncAudit"),
    ("navigation", "/crm/syncAudit/-"),
    ("navigation", "/$system"),
    ("navigation", "/$system/registry"),
    ("navigation", "/$system/registry/-"),
    ("contract", "/crm/sample/-/$schema"),
    ("contract", "/crm/taxes/-/$schema"),
    ("contract", "/crm/syncAudit/-/$schema"),
    ("contract", "/$system/registry/-/$schema"),
    ("collection", "/$system/registry/-/contracts"),
    ("collection", "/$system/registry/-/endpoints?orderBy=url%20desc&count=2"),
    ("collection", "/$system/registry/-/endpoints?orderBy=color"),
    ("entry", "/$system/registry/-/contracts('sample')"),
    ("entry", "/$system/registry/-/endpoints(contractName%20eq%20null)"),
    ("collection", "/crm/sample/-/accounts"),
    ("collection", "/crm/sample/-/accounts?count=2"),
    ("collection", "/crm/sample/-/accounts?startIndex=2&count=2"),
    ("collection", "/crm/sample/-/accounts?startIndex=99"),
    ("collection", "/crm/sample/-/accounts?count=0"),
    ("collection", "/crm/sample/-/contacts"),
    ("collection", "/crm/sample/-/salesOrders"),
    ("collection", "/crm/sample/-/products?startIndex=2"),
    ("collection", "/crm/syncAudit/-/runs"),
    ("collection", "/crm/syncAudit/-/events?count=3"),
    ("collection", "/crm/syncAudit/-/changes"),
    ("collection", "/crm/syncAudit/-/parked"),
    ("entry", "/crm/syncAudit/-/events('{event}')"),
    ("collection", "/crm/sample/-/salesOrders?include=$children,$descriptors,account"),
    ("collection", "/crm/sample/-/salesOrders?select=orderNumber,orderLines/quantity,account/*"),
    ("collection", "/crm/sample/-/salesOrders?precedence=0"),
    ("collection", "/crm/sample/-/salesOrders?precedence=1"),
    ("collection", "/crm/sample/-/salesOrders?includeSchema=true"),
    ("entry", "/crm/sample/-/accounts('{account}')?includeSchema=true"),
    ("collection", "/crm/sample/-/accounts/$linked"),
    ("collection", "/crm/sample/-/accounts/$linked?select="),
    ("entry", "/crm/sample/-/accounts/$linked('{uuid}')"),
    ("entry", "/crm/sample/-/salesOrders('{order}')/account"),
    ("collection", "/crm/sample/-/salesOrders('{order}')/orderLines"),
    ("collection", "/crm/sample/-/salesOrders('{order}')/orderLines?startIndex=2&count=1&include=product"),
    ("entry", "/crm/sample/-/salesOrders('{order}')/orderLines('1')"),
    ("entry", "/crm/sample/-/salesOrders('{order}')/orderLines('1')/product"),
    ("template", "/crm/sample/-/salesOrders('{order}')/orderLines/$template"),
    ("collection", "/crm/taxes/-/customers('{customer}')/taxCodes"),
    ("collection", "/crm/taxes/-/customers('{customer}')/taxCodes?orderBy=rate&count=1"),
    ("entry", "/crm/taxes/-/customers('{customer}')/taxCodes('T1')"),
    ("child", "/crm/taxes/-/customers('{customer}')/billAddress"),
    ("template", "/crm/taxes/-/customers('{customer}')/billAddress/$template"),
    ("template", "/crm/sample/-/accounts/$template"),
    ("template", "/crm/sample/-/salesOrders/$template?include=$children"),
    ("entry", "/crm/sample/-/accounts('{account}')"),
    ("entry", "/crm/sample/-/salesOrders('{order}')"),
    ("digest", "/crm/sample/-/accounts/$syncDigest"),
    ("digest", "/crm/sample/-/products/$syncDigest"),
];

/// Requests that are refused, each with diagnoses: method, place below `/sdata`, body, status.
const REFUSED: &[(&str, &str, &str, u16)] = &[
    ("GET", "/other", "", 404),
    ("GET", "/crm/other", "", 404),
    ("GET", "/crm/sample/other", "", 404),
    ("GET", "/crm/sample/-/others", "", 404),
    ("GET", "/crm/sample/-/accounts('none')", "", 404),
    ("GET", "/crm/sample/-/accounts('{deleted}')", "", 410),
    ("GET", "/crm/sample/-/accounts('", "", 400),
    ("GET", "/crm/sample('x')", "", 400),
    ("GET", "/crm/syncAudit/-/events('none')", "", 404),
    ("GET", "/crm/syncAudit/-/events(at%20gt%201)", "", 400),
    ("GET", "/crm/sample/-/accounts?count=many", "", 400),
    ("GET", "/crm/sample/-/accounts?where=name%20like", "", 400),
    ("GET", "/crm/sample/-/accounts/$syncSource('none')", "", 404),
    ("GET", "/crm/sample/-/accounts/$service", "", 501),
    ("GET", "/crm/sample/-/salesOrders('{order}')/orderNumber", "", 400),
    ("GET", "/crm/sample/-/salesOrders('{order}')/orderLines/product", "", 400),
    ("PATCH", "/crm/sample/-/accounts", "", 405),
    ("POST", "/crm", "", 405),
    ("POST", "/crm/sample/-/accounts", "<a>&#1;</a>", 400),
    ("POST", "/crm/sample/-/accounts", "{incomplete}", 400),
    ("POST", "/crm/sample/-/accounts", "{twice}", 409),
    ("PUT", "/crm/sample/-/accounts('{account}')", "{incomplete}", 400),
    ("POST", "/crm/sample/-/accounts/$syncTarget?trackingID=T9", "<html/>", 400),
    ("POST", "/crm/sample/-/accounts/$syncSource?trackingID=T9", "{incomplete}", 400),
];

/// A provider with something of everything.
struct Filled {
    app: App,
    /// Holds the second contract.
    _folder: TempDir,
    /// Keys to put into the places of [`READ`] and [`REFUSED`].
    keys: Vec<(&'static str, String)>,
}

impl Filled {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let schema = folder.path().join("taxes.xsd");
        std::fs::write(&schema, associations::CONTRACT).unwrap();
        let settings = [
            ("contracts.0.name", "sample"),
            ("contracts.0.schema", concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/sample.xsd")),
            ("contracts.1.name", "taxes"),
            ("contracts.1.schema", schema.to_str().unwrap()),
        ];
        let app = App::start_with("crm", &Backend::Sqlite, &settings).await;
        let full = format!(
            r#"<account xmlns="{SAMPLE}"><code>F&amp;1</code><name>Größe &lt;b&gt; 日本 "x" ]]&gt; 😀</name><type>Customer</type>
            <active>true</active><email xsi:nil="true"/><creditLimit>1234.50</creditLimit><openedOn>2024-02-29</openedOn>
            <lastContactAt>2026-01-01T00:00:00Z</lastContactAt><postalAddress><city>Zürich</city><countryCode>CH</countryCode>
            </postalAddress><notes>two
lines &#13; and a return</notes></account>"#
        );
        let account_key = key_of(&app.create("accounts", &full).await).to_owned();
        let deleted = app.create("accounts", &account("G1", "gone")).await;
        app.delete(&deleted).await;
        app.create("accounts", &account("A3", "third")).await;
        let to_account = format!(r#"<account sdata:key="{account_key}"/>"#);
        let contact = format!(r#"<contact xmlns="{SAMPLE}"><lastName>O'Neil</lastName>{to_account}</contact>"#);
        app.create("contacts", &contact).await;
        let product =
            format!(r#"<product xmlns="{SAMPLE}"><sku>P-1</sku><name>Paper</name><price>9.99</price></product>"#);
        let product = format!(r#"<product sdata:key="{}"/>"#, key_of(&app.create("products", &product).await));
        let line = |number: u8| {
            format!("<salesOrderLine><lineNumber>{number}</lineNumber>{product}<quantity>2</quantity></salesOrderLine>")
        };
        let order = format!(
            r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O-1</orderNumber>{to_account}<orderLines>{}{}</orderLines></salesOrder>"#,
            line(1),
            line(2)
        );
        let order = key_of(&app.create("salesOrders", &order).await).to_owned();
        let empty = format!(
            r#"<salesOrder xmlns="{SAMPLE}"><orderNumber>O-2</orderNumber>{to_account}<orderLines/></salesOrder>"#
        );
        app.create("salesOrders", &empty).await;
        let customer = customer(&app).await;
        let uuid = Uuid::new_v4();
        let link = format!(r#"<account xmlns="{SAMPLE}" sdata:key="{account_key}" sdata:uuid="{uuid}"/>"#);
        assert_eq!(app.post(&format!("{}/$linked", app.kind("accounts")), entry(&link)).await.status, 201);
        app.digest("accounts").await;
        let event = app.audit_rows("events").await[0].attribute(SDATA, "key").unwrap().to_owned();
        let keys = vec![
            ("{account}", account_key),
            ("{uuid}", uuid.to_string()),
            ("{deleted}", key_of(&deleted).to_owned()),
            ("{order}", order),
            ("{customer}", customer),
            ("{event}", event),
        ];
        Self { app, _folder: folder, keys }
    }

    fn url(&self, place: &str) -> String {
        let place = self.keys.iter().fold(place.to_owned(), |place, (name, key)| place.replace(name, key));
        format!("{}/sdata{place}", self.app.base())
    }

    /// What [`READ`] says.
    async fn read(&self) -> Vec<Sent> {
        let mut sent = Vec::new();
        for (grammar, place) in READ {
            let answer = self.app.get(&self.url(place)).await;
            assert_eq!(answer.status, 200, "{place}: {}", answer.text());
            sent.push(Sent::new(grammar, format!("GET {place}"), answer.body));
        }
        sent
    }

    /// What [`REFUSED`] says.
    async fn refused(&self) -> Vec<Sent> {
        let mut sent = Vec::new();
        let incomplete = entry(&format!(r#"<account xmlns="{SAMPLE}"><code>I1</code><colour>red</colour></account>"#));
        for (method, place, body, status) in REFUSED {
            let body = body.replace("{incomplete}", &incomplete).replace("{twice}", &entry(&account("A3", "again")));
            let request = self.app.request(method, &self.url(place)).header("If-Match", "*").body(body);
            let answer = self.app.send(request).await;
            assert_eq!(answer.status, *status, "{method} {place}: {}", answer.text());
            sent.push(Sent::new("diagnoses", format!("{method} {place}"), answer.body));
        }
        sent
    }

    /// The answers to writes.
    async fn written(&self) -> Vec<Sent> {
        let app = &self.app;
        let created = app.post(&app.kind("accounts"), entry(&account("W1", "written"))).await;
        let url = created.header("location").to_owned();
        let updated = app.put(&url, entry(&account("W1", "changed"))).await;
        let stale = app.request("PUT", &url).header("If-Match", "\"old\"").body(entry(&account("W1", "stale")));
        let stale = app.send(stale).await;
        assert_eq!([created.status, updated.status, stale.status], [201, 200, 412]);
        let changed = self.batch(&url).await;
        let (context, page) = self.batch_in_pages().await;
        let by_url = |url: &str| format!(r#"<account xmlns="{SAMPLE}" sdata:url="{url}"/>"#);
        let links = [posted(&by_url(&url)), posted(&by_url(&format!("{}('none')", app.kind("accounts"))))];
        let linked = app.post(&format!("{}/$linked/$batch", app.kind("accounts")), batch(&links)).await;
        assert_eq!(linked.status, 200, "{}", linked.text());
        let digest_url = format!("{}/$syncDigest", app.kind("products"));
        let merged = app.post(&digest_url, digest_entry(N2, &[(N2, 7, 3)])).await;
        assert_eq!(merged.status, 200);
        vec![
            Sent::new("entry", "POST of an account", created.body),
            Sent::new("entry", "PUT of an account", updated.body),
            Sent::new("entry", "PUT of an account that was changed since", stale.body),
            Sent::new("batch", "POST of a batch", changed),
            Sent::new("batch", "POST of a batch of links", linked.body),
            Sent::new("tracking", "POST of a batch with a tracking id", context),
            Sent::new("batch", "a page of a batch", page),
            Sent::new("digest", "POST of a digest", merged.body),
        ]
    }

    /// The result of a batch with entries of every method that succeed, and some that do not.
    async fn batch(&self, url: &str) -> Vec<u8> {
        let id = |url: &str| format!("<id>{url}</id>");
        let payload = |resource: &str| format!("<sdata:payload>{resource}</sdata:payload>");
        let entries = [
            ("POST", payload(&account("B1", "new"))),
            ("POST", payload(&account("B1", "twice"))),
            ("PUT", id(url) + "<http:ifMatch>*</http:ifMatch>" + payload(&account("W1", "by batch")).as_str()),
            ("PUT", id(url) + "<http:ifMatch>old</http:ifMatch>" + payload(&account("W1", "stale")).as_str()),
            ("GET", id(url)),
            ("DELETE", id(url)),
            ("GET", id(url)),
            ("GET", id(&format!("{}('none')", self.app.kind("accounts")))),
        ];
        let entries = entries
            .map(|(method, rest)| format!("<entry><http:httpMethod>{method}</http:httpMethod>{rest}</entry>"))
            .concat();
        let feed = SyncFeed { mode: None, digest: None, ..SyncFeed::new(N1, &[]) }.raw(&entries);
        let answer = self.app.post(&format!("{}/$batch", self.app.kind("accounts")), feed.xml()).await;
        let statuses: Vec<_> = answer.feed().1.iter().map(|entry| entry.http_status.unwrap()).collect();
        assert_eq!(statuses, [201, 409, 200, 412, 200, 200, 410, 404], "{}", answer.text());
        answer.body
    }

    /// What a batch with a tracking id is answered, and a page of its result.
    async fn batch_in_pages(&self) -> (Vec<u8>, Vec<u8>) {
        let entries: Vec<_> = (1..=3).map(|number| posted(&account(&format!("P{number}"), "in pages"))).collect();
        let url = format!("{}/$batch?trackingID=B", self.app.kind("accounts"));
        let accepted = self.app.post(&url, batch(&entries)).await;
        assert_eq!(accepted.status, 202, "{}", accepted.text());
        self.app.poll(accepted.header("location")).await;
        let page = self.app.get(&format!("{}?startIndex=2&count=1", accepted.header("location"))).await;
        (accepted.body, page.body)
    }

    /// One of each table of the audit, as it is listed.
    async fn audited(&self) -> Vec<Sent> {
        let mut sent = Vec::new();
        for kind in ["runs", "events", "changes", "parked"] {
            let (_, entries) = self.app.get(&self.app.audit(kind)).await.feed();
            let answer = self.app.get(&entries[0].id).await;
            assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
            sent.push(Sent::new("entry", format!("GET of one of {kind}"), answer.body));
        }
        sent
    }

    /// The feeds of a pass to somebody who knows nothing yet, page by page.
    async fn pass_out(&self, run: &str) -> Vec<Sent> {
        let app = &self.app;
        let mut sent = Vec::new();
        for kind in ["accounts", "contacts", "salesOrders"] {
            let source =
                format!("{}/$syncSource?trackingID={run}-{kind}&count=2&runName={run}&runStamp=s", app.kind(kind));
            let accepted = app.post(&source, digest_entry(N2, &[])).await;
            assert_eq!(accepted.status, 202, "{}", accepted.text());
            let what = format!("{kind}/$syncSource, {run}");
            sent.push(Sent::new("tracking", format!("POST {what}"), accepted.body.clone()));
            let mut next = Some(accepted.header("location").to_owned());
            while let Some(url) = next {
                let page = app.poll(&url).await;
                next = page.feed().0.link("next").map(str::to_owned);
                sent.push(Sent::new("sync-source", &what, page.body));
            }
        }
        sent
    }

    /// The feed of a pass to somebody who knows everything.
    async fn pass_of_nothing(&self) -> Vec<Sent> {
        let known = self.app.digest("accounts").await;
        let known: Vec<_> =
            known.entries.iter().map(|(endpoint, entry)| (endpoint.as_str(), entry.tick.value(), 5)).collect();
        let (nothing, _) = self.app.run("accounts", "$syncSource", "", digest_entry(N1, &known)).await;
        assert!(nothing.feed().1.is_empty());
        vec![Sent::new("sync-source", "accounts/$syncSource, nothing changed", nothing.body)]
    }

    /// The results of passes in whose entries are created, changed, deleted, ignored, lost and refused.
    async fn passes_in(&self) -> Vec<Sent> {
        let app = &self.app;
        let mut sent = Vec::new();
        for (what, feed) in self.changes_of_others().await {
            let target = format!("{}/$syncTarget?trackingID=T-{what}&runName=r&runStamp=s", app.kind("accounts"));
            let accepted = app.post(&target, feed.xml()).await;
            assert_eq!(accepted.status, 202, "{what}: {}", accepted.text());
            sent.push(Sent::new("tracking", format!("POST accounts/$syncTarget, {what}"), accepted.body.clone()));
            let result = app.poll(accepted.header("location")).await;
            assert_eq!(result.status, 200, "{what}: {}", result.text());
            let page = app.get(&format!("{}?startIndex=2&count=1", accepted.header("location"))).await;
            sent.push(Sent::new("sync-target", format!("accounts/$syncTarget, {what}"), result.body));
            sent.push(Sent::new("sync-target", format!("accounts/$syncTarget, page of {what}"), page.body));
        }
        sent
    }

    async fn changes_of_others(&self) -> Vec<(&'static str, SyncFeed)> {
        let ours = self.app.resources("accounts").await;
        let ours = ours[0].uuid().unwrap().unwrap();
        let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
        let page = || SyncFeed::new(N1, &three_nodes([50, 1, 1]));
        let invalid = account_of(Uuid::new_v4(), "X1", "x").replace("<name>", "<colour>red</colour><name>");
        let incomplete =
            format!(r#"<account xmlns="{SAMPLE}" sdata:uuid="{}"><code>X2</code></account>"#, Uuid::new_v4());
        vec![
            (
                "created",
                page()
                    .with((N1, 1), &account_of(one, "N1", "one"))
                    .with((N1, 2), &account_of(two, "N2", "two &amp; &lt;three&gt;"))
                    .with((N2, 1), &deleted_account(Uuid::new_v4())),
            ),
            (
                "mixed",
                page()
                    .with((N1, 1), &account_of(one, "N1", "known"))
                    .with((N1, 5), &account_of(two, "N2", "changed"))
                    .with((N1, 6), &deleted_account(one))
                    .with((N1, 7), &account_of(ours, "F&amp;1", "conflict"))
                    .with((N1, 8), &invalid)
                    .with((N1, 9), &incomplete)
                    .raw(&format!(
                        "<entry><sdata:payload>{}</sdata:payload></entry>",
                        account_of(Uuid::new_v4(), "X3", "stateless")
                    ))
                    .raw("<entry><id/></entry>"),
            ),
        ]
    }

    /// Everything, the state of things before and after synchronization.
    async fn everything(&self) -> Vec<Sent> {
        let mut sent = self.read().await;
        sent.extend(self.written().await);
        sent.extend(self.pass_out("before").await);
        sent.extend(self.passes_in().await);
        sent.extend(self.pass_out("after").await);
        sent.extend(self.pass_of_nothing().await);
        sent.extend(self.read().await);
        sent.extend(self.audited().await);
        sent.extend(self.refused().await);
        sent
    }
}

/// The key of a customer with two associated tax codes and its only child, an address.
async fn customer(app: &App) -> String {
    let url = |kind: &str| format!("{}/sdata/crm/taxes/-/{kind}", app.base());
    for key in ["T1", "T2"] {
        let sent =
            format!(r#"<taxCode xmlns="urn:taxes" sdata:key="{key}"><code>{key}</code><rate>5</rate></taxCode>"#);
        assert_eq!(app.post(&url("taxCodes"), entry(&sent)).await.status, 201);
    }
    let sent = r#"<customer xmlns="urn:taxes"><name>x</name><taxCodes><taxCode sdata:key="T1"/><taxCode sdata:key="T2"/></taxCodes>
        <billAddress><city>Bath</city></billAddress></customer>"#;
    let created = app.post(&url("customers"), entry(sent)).await;
    assert_eq!(created.status, 201, "{}", created.text());
    key_of(created.header("location")).to_owned()
}

fn contracts(sent: &[Sent]) -> Contracts {
    let served: Vec<&[u8]> = sent.iter().filter(|sent| sent.grammar == "contract").map(|sent| &*sent.body).collect();
    Contracts::new(&served)
}

/// CORE-3.2-01, CORE-3.3-01, CORE-3.5-01, CORE-3.5-02, CORE-3.7-01, CORE-3.10-01, CORE-3.10-03, CORE-3.11-01, CORE-3.12-01, CORE-4.1-01,
/// CORE-4.2-01, CORE-4.9-01, CORE-4.9-02, SYNC-4.2-01, SYNC-4.3-01, SYNC-4.4-01, SYNC-4.4-02, SYNC-4.4-03, SYNC-4.4-07, SYNC-4.4-08,
/// SYNC-4.4-09, SYNC-4.4-14.
#[tokio::test]
async fn all_that_is_sent_follows_our_schemas_and_the_contract_that_is_served() {
    let sent = Filled::start().await.everything().await;
    let found = faults(&sent, &contracts(&sent));
    assert_eq!(found.len(), sent.len());
    let wrong: Vec<_> = sent.iter().zip(&found).filter(|(_, found)| !found.is_empty()).collect();
    for (sent, found) in &wrong {
        println!("{} is no {}: {found:#?}\n{}\n", sent.what, sent.grammar, String::from_utf8_lossy(&sent.body));
    }
    assert!(wrong.is_empty(), "{} of {} documents are wrong", wrong.len(), sent.len());
}

/// Documents that are changed so that they are wrong: the schema, what is changed, into what, and words of the fault.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("navigation", "<updated>", "<updated>on ", "updated"),
    ("navigation", "term=\"application\"", "term=\"server\"", "category"),
    ("collection", "rel=\"first\"", "rel=\"self\"", "one link of a kind"),
    ("collection", "<opensearch:itemsPerPage>", "<opensearch:itemsPerPage>-", "itemsPerPage"),
    ("collection", "<opensearch:totalResults>", "<opensearch:totalResults>1", "a next page"),
    ("collection", "<active>true</active>", "<active>yes</active>", "payload: Element"),
    ("collection", "<active>true</active>", "<colour>red</colour>", "payload: Element"),
    ("collection", "<sdata:payload>", "<sdata:payload/><sdata:payload>", "payload"),
    ("collection", "sme:pluralName=", "sme:plural=", "schema: "),
    ("collection", "<xs:complexType name=\"product--type\"", "<xs:complexType name=\"other--type\"", "schema: "),
    ("child", "<sdata:payload>", "<sdata:payload/><sdata:payload>", "payload"),
    ("entry", "<id>http", "<id>here", "id"),
    ("entry", " sdata:key=", " key=", "key"),
    ("sync-source", "<sync:syncMode>catchUp</sync:syncMode>", "", "syncMode"),
    ("sync-source", "<http:httpMethod>PUT", "<http:httpMethod>DELETE", "the method says"),
    ("sync-source", "<sync:tick>", "<sync:tick>-", "tick"),
    ("sync-source", "sdata:uuid=", "sdata:key=", "sdata:key"),
    ("sync-target", "<http:httpStatus>201", "<http:httpStatus>404", "has a location"),
    ("sync-target", "<sync:conflictPriority>1", "<sync:conflictPriority>0", "conflictPriority"),
    ("batch", "<sdata:severity>error", "<sdata:severity>info", "what went wrong"),
    ("digest", "<sync:origin>http", "<sync:origin>https", "its own endpoint"),
    ("tracking", "<sdata:progress>", "<sdata:progress>1e", "progress"),
    ("diagnoses", "<sdata:stackTrace>", "<sdata:stackTrace>main.rs:1", "stackTrace"),
    ("contract", "sme:canGet=\"true\"", "sme:canGet=\"yes\"", "failed to validate attributes"),
    ("contract", "name=\"account--type\"", "name=\"account\"", "followed by its type"),
    ("contract", "sme:syncOrder=", "sme:tags=", "its place in the order"),
];

/// What finds nothing wrong proves nothing: each kind of fault is found.
#[tokio::test]
async fn the_validators_find_what_is_wrong() {
    let sent = Filled::start().await.everything().await;
    let mut changed = Vec::new();
    for (grammar, from, to, _) in WRONG {
        let with = |sent: &&Sent| sent.grammar == *grammar && String::from_utf8_lossy(&sent.body).contains(from);
        let right = sent.iter().find(with).unwrap_or_else(|| panic!("no {grammar} has {from}"));
        let wrong = String::from_utf8_lossy(&right.body).replacen(from, to, 1);
        changed.push(Sent::new(grammar, format!("{from} as {to}"), wrong));
    }
    for (found, (grammar, from, to, words)) in faults(&changed, &contracts(&sent)).iter().zip(WRONG) {
        assert!(found.iter().any(|fault| fault.contains(words)), "{grammar}: {from} as {to}: {found:?}");
    }
}
