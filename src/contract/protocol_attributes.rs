//! The attributes by which payload elements say who they are (core 3.8, 9.2).

use crate::contract::payload::{ReferenceTarget, Sender};
use crate::wire::names::{HTTP, SDATA, SME, SYNC, XSI};
use crate::wire::{Attribute, Element};
use percent_encoding::percent_decode_str;
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// Shared spellings: accepting a resource makes many of these.
struct Names {
    sdata: Arc<str>,
    xsi: Arc<str>,
    nil: Arc<str>,
    key: Arc<str>,
    uuid: Arc<str>,
    delete_missing: Arc<str>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    sdata: Arc::from(SDATA),
    xsi: Arc::from(XSI),
    nil: Arc::from("nil"),
    key: Arc::from("key"),
    uuid: Arc::from("uuid"),
    delete_missing: Arc::from("deleteMissing"),
});

fn sdata(name: &Arc<str>, value: String) -> Attribute {
    Attribute { namespace: Arc::clone(&NAMES.sdata), name: Arc::clone(name), value }
}

/// `xsi:nil="true"`.
pub(super) fn nil() -> Attribute {
    Attribute { namespace: Arc::clone(&NAMES.xsi), name: Arc::clone(&NAMES.nil), value: "true".to_owned() }
}

/// `sdata:key`.
pub(super) fn key(value: String) -> Attribute {
    sdata(&NAMES.key, value)
}

/// `sdata:uuid`.
pub(super) fn uuid(value: Uuid) -> Attribute {
    sdata(&NAMES.uuid, value.to_string())
}

/// `sdata:deleteMissing="true"`: the list is complete.
pub(super) fn delete_missing() -> Attribute {
    sdata(&NAMES.delete_missing, "true".to_owned())
}

/// The attribute by which a stored reference names its resource.
pub(super) fn of_target(target: ReferenceTarget) -> Attribute {
    match target {
        ReferenceTarget::Uuid(value) => uuid(value),
        ReferenceTarget::Key(value) => key(value),
    }
}

/// Whether the list says that it is complete.
pub(super) fn deletes_missing(list: &Element) -> bool {
    let said = |namespace| list.attribute(namespace, "deleteMissing");
    [SDATA, SYNC]
        .into_iter()
        .filter_map(said)
        .any(|value| value.trim() == "1" || value.trim().eq_ignore_ascii_case("true"))
}

/// Whether attributes of the namespace belong to the protocol, not to the resource.
pub(super) fn is_protocol(namespace: &str) -> bool {
    [SDATA, SYNC, HTTP, XSI, SME].contains(&namespace)
}

/// The key an element names: `sdata:key`, else the one at the end of its `sdata:url` or `sdata:uri`.
/// A URL of another kind than `plural` names nothing of ours; `None` takes any.
pub(super) fn key_of(element: &Element, plural: Option<&str>) -> Option<String> {
    let given = element.attribute(SDATA, "key").filter(|key| !key.is_empty());
    given.map(str::to_owned).or_else(|| {
        let urls = ["url", "uri"].into_iter().filter_map(|name| element.attribute(SDATA, name));
        urls.filter_map(|url| key_in_url(url, plural)).next()
    })
}

/// `'key'` in `…/plural('key')`, decoded; a doubled quote stands for one (core 2.2).
fn key_in_url(url: &str, plural: Option<&str>) -> Option<String> {
    let decoded = percent_decode_str(url.trim()).decode_utf8().ok()?;
    let (collection, key) = decoded.strip_suffix("')")?.rsplit_once("('")?;
    let named = plural.is_none_or(|plural| collection.rsplit('/').next() == Some(plural));
    (named && !key.is_empty()).then(|| key.replace("''", "'"))
}

/// The resource that a reference element names; `None` when it names none.
///
/// A client's key is what it chose by, so it goes before a UUID it may only have kept; a peer's means nothing here.
///
/// # Errors
/// The text of a `sdata:uuid` that is no UUID.
pub(super) fn target_of(
    element: &Element,
    plural: Option<&str>,
    sender: Sender,
) -> Result<Option<ReferenceTarget>, String> {
    if sender == Sender::Client {
        if let Some(key) = element.attribute(SDATA, "key").filter(|key| !key.is_empty()) {
            return Ok(Some(ReferenceTarget::Key(key.to_owned())));
        }
        if element.uuid().is_none() {
            return Ok(key_of(element, plural).map(ReferenceTarget::Key));
        }
    }
    element.uuid().transpose().map(|uuid| uuid.map(ReferenceTarget::Uuid))
}

/// The resource a stored reference names.
pub(super) fn stored_target(element: &Element) -> Option<ReferenceTarget> {
    match element.uuid() {
        Some(Ok(uuid)) => Some(ReferenceTarget::Uuid(uuid)),
        _ => element.attribute(SDATA, "key").map(|key| ReferenceTarget::Key(key.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::key_in_url;
    use rstest::rstest;

    #[rstest]
    #[case::plain("http://h/sdata/a/c/-/accounts('A1')", Some("A1"))]
    #[case::encoded("http://h/sdata/a/c/-/accounts(%27A%2F1%27)", Some("A/1"))]
    #[case::doubled_quote("http://h/sdata/a/c/-/accounts('O''Neill')", Some("O'Neill"))]
    #[case::another_kind("http://h/sdata/a/c/-/contacts('A1')", None)]
    #[case::no_key("http://h/sdata/a/c/-/accounts", None)]
    fn a_url_names_a_resource_of_its_kind(#[case] url: &str, #[case] key: Option<&str>) {
        assert_eq!(key_in_url(url, Some("accounts")).as_deref(), key);
    }
}
