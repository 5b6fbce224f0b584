use super::{BatchingMode, Support, write_tag};
use crate::contract::{Contract, Kind};
use crate::protocol::Priority;
use crate::wire::names::{SME, XS};
use crate::wire::{Element, ReadLimits};

fn everything(_: &Kind) -> Support {
    Support {
        can_get: true,
        can_post: true,
        can_put: true,
        can_delete: true,
        has_template: true,
        can_page_next: true,
        can_page_previous: true,
        can_page_index: true,
        supports_etag: true,
        batching_mode: BatchingMode::SyncOrAsync,
        is_sync_source: true,
        is_sync_target: true,
        conflict_priority: Priority::new(3),
        ..Support::default()
    }
}

fn served(support: &dyn Fn(&Kind) -> Support) -> Element {
    let text = Contract::sample().unwrap().schema(support);
    Element::parse(&text, &ReadLimits { text_bytes: 1 << 20, ..ReadLimits::default() }).unwrap()
}

fn kind(schema: &Element, name: &str) -> Element {
    let found = schema.children().find(|child| child.is(XS, "element") && child.attribute("", "name") == Some(name));
    found.unwrap().clone()
}

fn properties(schema: &Element, kind: &str) -> Vec<Element> {
    let name = format!("{kind}--type");
    let found =
        schema.children().find(|child| child.is(XS, "complexType") && child.attribute("", "name") == Some(&name));
    found.unwrap().children().flat_map(|all| all.children().cloned().collect::<Vec<_>>()).collect()
}

/// CORE-4.1-01, CORE-4.2-01, CORE-4.2-02, SYNC-4.5-01, SYNC-4.5-02, SYNC-4.5-03, SYNC-4.5-04.
#[test]
fn the_schema_says_what_is_supported() {
    let schema = served(&everything);
    let order = kind(&schema, "salesOrder");
    let expected = [
        ("role", "resourceKind"),
        ("pluralName", "salesOrders"),
        ("canGet", "true"),
        ("canPost", "true"),
        ("canPut", "true"),
        ("canDelete", "true"),
        ("hasTemplate", "true"),
        ("hasUuid", "true"),
        ("canSearch", "false"),
        ("canPageNext", "true"),
        ("canPagePrevious", "true"),
        ("canPageIndex", "true"),
        ("supportsETag", "true"),
        ("batchingMode", "syncOrAsync"),
        ("isSyncSource", "true"),
        ("isSyncTarget", "true"),
        ("syncConflictPriority", "3"),
        ("syncOrder", "40"),
        ("label", "Sales order"),
    ];
    for (name, value) in expected {
        assert_eq!(order.attribute(SME, name), Some(value), "{name}");
    }
}

/// SYNC-4.5-01, SYNC-4.5-02, CORE-4.2-02.
#[test]
fn a_kind_that_is_not_synchronized_is_not_flagged() {
    let schema = served(&|kind| {
        if &*kind.name == "contact" { Support { can_get: true, ..Support::default() } } else { everything(kind) }
    });
    let contact = kind(&schema, "contact");
    for name in ["isSyncSource", "isSyncTarget", "syncConflictPriority", "syncOrder"] {
        assert_eq!(contact.attribute(SME, name), None, "{name}");
    }
    assert_eq!(contact.attribute(SME, "canPost"), Some("false"));
    assert_eq!(contact.attribute(SME, "batchingMode"), Some("none"));
}

/// CORE-4.3-01, CORE-4.3-02, CORE-4.4-01, CORE-4.9-01.
#[test]
fn filters_sorting_and_property_urls_are_promised_only_where_they_work() {
    let plain = properties(&served(&everything), "salesOrder");
    assert!(
        plain
            .iter()
            .all(|property| property.attribute(SME, "canFilter").is_none()
                && property.attribute(SME, "canSort").is_none())
    );
    let able = |kind: &Kind| Support { can_filter: true, can_sort: true, property_urls: true, ..everything(kind) };
    let rich = properties(&served(&able), "salesOrder");
    let property = |name: &str| rich.iter().find(|property| property.attribute("", "name") == Some(name)).unwrap();
    assert_eq!(property("orderNumber").attribute(SME, "canFilter"), Some("true"));
    assert_eq!(property("orderNumber").attribute(SME, "canSort"), Some("true"));
    assert_eq!(property("orderNumber").attribute(SME, "isUniqueKey"), Some("true"));
    for name in ["canGet", "canPost", "canPut", "canDelete", "canPageNext", "canPagePrevious", "canPageIndex"] {
        assert_eq!(property("orderLines").attribute(SME, name), Some("true"), "{name}");
    }
    assert_eq!(property("account").attribute(SME, "canGet"), Some("true"));
    assert_eq!(property("account").attribute(SME, "canPut"), None);
    let lines = properties(&served(&able), "salesOrderLine");
    let product = lines.iter().find(|property| property.attribute("", "name") == Some("product")).unwrap();
    assert_eq!(product.attribute(SME, "canGet"), Some("true"), "also within children");
    let read_only = |kind: &Kind| Support { can_put: false, ..able(kind) };
    let fixed = properties(&served(&read_only), "salesOrder");
    let lines = fixed.iter().find(|property| property.attribute("", "name") == Some("orderLines")).unwrap();
    assert_eq!((lines.attribute(SME, "canGet"), lines.attribute(SME, "canPost")), (Some("true"), None));
    let account = plain.iter().find(|property| property.attribute("", "name") == Some("account")).unwrap();
    assert_eq!(account.attribute(SME, "canGet"), Some("false"), "what is not said is possible");
    assert_eq!(property("orderLines").attribute(SME, "relationship"), Some("child"));
    assert_eq!(property("orderLines").attribute(SME, "isCollection"), Some("true"));
    assert_eq!(property("orderLines").attribute(SME, "canFilter"), None);
    let address = properties(&served(&able), "postalAddress");
    let city = address.iter().find(|property| property.attribute("", "name") == Some("city")).unwrap();
    assert_eq!(city.attribute(SME, "canFilter"), Some("true"), "postalAddress.city can be filtered by");
    assert_eq!(city.attribute(SME, "canGet"), None);
}

/// CORE-2.12-05.
#[test]
fn protocol_filters_are_named_where_they_work() {
    let filters = |kind: &Kind| Support { protocol_filters: &["$uuid", "$key"], ..everything(kind) };
    assert_eq!(kind(&served(&filters), "account").attribute(SME, "protocolFilters"), Some("$uuid,$key"));
    assert_eq!(kind(&served(&everything), "account").attribute(SME, "protocolFilters"), None);
}

/// CORE-2.7-02.
#[test]
fn kinds_are_found_by_id() {
    let schema = served(&everything);
    for name in ["account", "contact", "product", "salesOrder"] {
        assert_eq!(kind(&schema, name).attribute("", "id"), Some(name));
    }
}

/// CORE-2.7-02: an id is written once, and one that the file gives stays.
#[test]
fn ids_of_the_file_stay() {
    let text = "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:s=\"http://schemas.sage.com/sdata/sme/2007\" targetNamespace=\"urn:t\" xmlns=\"urn:t\">\
        <xs:element name=\"a\" id=\"first\" type=\"a--type\" s:pluralName=\"as\"/><xs:complexType name=\"a--type\" id=\"b\"><xs:all/></xs:complexType>\
        <xs:element name=\"b\" type=\"b--type\" s:pluralName=\"bs\"/><xs:complexType name=\"b--type\"><xs:all/></xs:complexType></xs:schema>";
    let contract = Contract::from_text("t.xsd", text).unwrap();
    let schema = Element::parse(&contract.schema(&everything), &ReadLimits::default()).unwrap();
    assert_eq!(kind(&schema, "a").attribute("", "id"), Some("first"));
    assert_eq!(kind(&schema, "b").attribute("", "id"), None, "the type has it");
    assert_eq!(contract.fragment(contract.kind("as").unwrap()), "first");
    assert_eq!(contract.fragment(contract.kind("bs").unwrap()), "b");
}

/// CORE-4.1-01.
#[test]
fn the_served_schema_is_a_contract_again_with_its_comments() {
    let text = Contract::sample().unwrap().schema(&everything);
    let text = std::str::from_utf8(&text).unwrap();
    assert!(text.contains("<!-- ISO 4217 -->"));
    let again = Contract::from_text("served.xsd", text).unwrap();
    assert_eq!(again.kinds().len(), 4);
    assert_eq!(again.kind("accounts").unwrap().conflict_priority, Priority::new(3));
    assert_eq!(again.schema(&everything), text);
}

/// SYNC-4.5-04.
#[test]
fn kinds_without_an_order_are_counted_with_referenced_ones_first() {
    let text = "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"urn:t\" xmlns=\"urn:t\">\
        <xs:element name=\"a\" type=\"a--type\" s:pluralName=\"as\" xmlns:s=\"http://schemas.sage.com/sdata/sme/2007\"/>\
        <xs:complexType name=\"a--type\"><xs:all><xs:element name=\"b\" type=\"b--type\" s:relationship=\"reference\" xmlns:s=\"http://schemas.sage.com/sdata/sme/2007\"/></xs:all></xs:complexType>\
        <xs:element name=\"b\" type=\"b--type\" s:pluralName=\"bs\" xmlns:s=\"http://schemas.sage.com/sdata/sme/2007\"/>\
        <xs:complexType name=\"b--type\"><xs:all/></xs:complexType></xs:schema>";
    let schema = Contract::from_text("t.xsd", text).unwrap().schema(&everything);
    let schema = Element::parse(&schema, &ReadLimits::default()).unwrap();
    assert_eq!(kind(&schema, "a").attribute(SME, "syncOrder"), Some("2"));
    assert_eq!(kind(&schema, "b").attribute(SME, "syncOrder"), Some("1"));
}

#[test]
fn attributes_change_in_place_and_new_ones_come_last() {
    let mut out = String::new();
    let changes =
        vec![("canGet", Some("true".to_owned())), ("canPut", None), ("role", Some("resourceKind".to_owned()))];
    write_tag(
        &mut out,
        "<xs:element name=\"a\"\n  s:canGet='false' s:canPut=\"true\" />",
        &["s"],
        (Some("a"), changes),
    );
    assert_eq!(out, "<xs:element name=\"a\"\n  s:canGet=\"true\" id=\"a\" s:role=\"resourceKind\"/>");
}
