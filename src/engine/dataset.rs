//! What two datasets have in common, from their schemas (core 4; sync 4.5, 7.1).

use super::address::Dataset;
use super::error::EngineError;
use super::remote::Remote;
use crate::wire::names::{SME, XS};
use crate::wire::{Element, ReadLimits, WireError};

/// What a schema says of a resource kind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KindSupport {
    plural_name: String,
    is_sync_source: bool,
    is_sync_target: bool,
    sync_order: Option<u32>,
}

/// A resource kind that two datasets can synchronize.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommonKind {
    pub(super) plural_name: String,
    /// The source gives and the target takes.
    pub(super) forward: bool,
    /// The target gives and the source takes.
    pub(super) backward: bool,
}

/// The resource kinds that can go from `source` to `target`, and back if `both` is asked for, in the source's `sme:syncOrder`.
pub(super) async fn common_kinds(
    remote: &Remote,
    source: &Dataset,
    target: &Dataset,
    both: bool,
) -> Result<Vec<CommonKind>, EngineError> {
    let ours = kinds_of(&schema(remote, source).await?);
    let theirs = kinds_of(&schema(remote, target).await?);
    let common = in_common(ours, &theirs, both);
    if common.is_empty() {
        let (source_url, target_url) = (source.url().to_string(), target.url().to_string());
        return Err(EngineError::NothingInCommon { source_url, target_url });
    }
    Ok(common)
}

async fn schema(remote: &Remote, dataset: &Dataset) -> Result<Element, EngineError> {
    let url = dataset.schema();
    let answer = remote.get(&url).await?;
    if !answer.status.is_success() {
        return Err(answer.refusal());
    }
    let unreadable =
        |reason| EngineError::Unreadable { url: url.to_string(), wanted: "schema", reason: Box::new(reason) };
    let root = Element::parse(&answer.body, &ReadLimits::WIDEST).map_err(unreadable)?;
    if root.is(XS, "schema") {
        return Ok(root);
    }
    let found = format!("{{{}}}{}", root.namespace, root.name);
    Err(unreadable(WireError::WrongRoot { found, expected: "xs:schema" }))
}

/// The resource kinds of a schema: its elements that say whether they are sources or targets.
fn kinds_of(schema: &Element) -> Vec<KindSupport> {
    let elements = schema.children().filter(|child| child.is(XS, "element"));
    elements
        .filter_map(|element| {
            let says = |name| element.attribute(SME, name).map(str::trim);
            let is = |name| says(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1");
            let plural_name = says("pluralName").filter(|name| !name.is_empty())?;
            Some(KindSupport {
                plural_name: plural_name.to_owned(),
                is_sync_source: is("isSyncSource"),
                is_sync_target: is("isSyncTarget"),
                sync_order: says("syncOrder").and_then(|order| order.parse().ok()),
            })
        })
        .collect()
}

fn in_common(mut ours: Vec<KindSupport>, theirs: &[KindSupport], both: bool) -> Vec<CommonKind> {
    // A stable sort: where no order is given, or the same, the schema's order stays.
    ours.sort_by_key(|kind| kind.sync_order.unwrap_or(u32::MAX));
    let pairs = ours.into_iter().filter_map(|kind| {
        let other = theirs.iter().find(|other| other.plural_name == kind.plural_name)?;
        let forward = kind.is_sync_source && other.is_sync_target;
        let backward = both && other.is_sync_source && kind.is_sync_target;
        (forward || backward).then_some(CommonKind { plural_name: kind.plural_name, forward, backward })
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(elements: &str) -> Vec<KindSupport> {
        let xml = format!(r#"<xs:schema xmlns:xs="{XS}" xmlns:sme="{SME}">{elements}</xs:schema>"#);
        kinds_of(&Element::parse(xml.as_bytes(), &ReadLimits::default()).unwrap())
    }

    fn names(common: &[CommonKind]) -> Vec<(&str, bool, bool)> {
        common.iter().map(|kind| (kind.plural_name.as_str(), kind.forward, kind.backward)).collect()
    }

    const CRM: &str = r#"
        <xs:element name="salesOrder" sme:pluralName="salesOrders" sme:isSyncSource="true" sme:isSyncTarget="true" sme:syncOrder="30"/>
        <xs:element name="account" sme:pluralName="accounts" sme:isSyncSource="1" sme:isSyncTarget="true" sme:syncOrder="10"/>
        <xs:element name="note" sme:pluralName="notes" sme:isSyncSource="true"/>
        <xs:element name="price" sme:pluralName="prices" sme:isSyncSource="false" sme:isSyncTarget="true" sme:syncOrder="20"/>
        <xs:element name="report" sme:pluralName="reports"/>
        <xs:element name="line"/>
        <xs:complexType name="account--type"/>"#;
    const ERP: &str = r#"
        <xs:element name="price" sme:pluralName="prices" sme:isSyncSource="true" sme:isSyncTarget="false"/>
        <xs:element name="account" sme:pluralName="accounts" sme:isSyncSource="false" sme:isSyncTarget="true"/>
        <xs:element name="salesOrder" sme:pluralName="salesOrders" sme:isSyncSource="true" sme:isSyncTarget="true"/>
        <xs:element name="report" sme:pluralName="reports" sme:isSyncTarget="true"/>"#;

    /// SYNC-6.1-03.
    #[test]
    fn common_kinds_come_in_the_sync_order_of_the_source() {
        let common = in_common(kinds(CRM), &kinds(ERP), false);
        assert_eq!(names(&common), [("accounts", true, false), ("salesOrders", true, false)]);
    }

    #[test]
    fn in_both_directions_a_kind_goes_where_it_is_given_and_taken() {
        let common = in_common(kinds(CRM), &kinds(ERP), true);
        assert_eq!(names(&common), [("accounts", true, false), ("prices", false, true), ("salesOrders", true, true)]);
    }
}
