//! What a URL names, by its words alone.

use crate::http::{audit, pages, registry};
use crate::protocol::demand::{Part, Target};
use crate::protocol::operation::{
    BATCH, LINKED, SCHEMA, SERVICE, SYNC_DIGEST, SYNC_RESULTS, SYNC_SOURCE, SYNC_TARGET, TEMPLATE, is_operation,
};

/// The segment of a resource kind: behind `sdata`, application, contract and dataset.
pub(super) const KIND: usize = 4;
/// Levels down to a contract, a dataset, and a kind.
const TO_CONTRACT: usize = 2;
const TO_DATASET: usize = 3;
const TO_KIND: usize = 4;

/// What the path with these `names` is about; `is_selected` is whether the kind's has a selector. It never demands less than what
/// `routes` finds there: whatever is not known here is taken for what needs more.
pub(super) fn named<'a>(names: &'a [&'a str], is_selected: bool) -> Target<'a> {
    match names {
        ["healthz" | "readyz" | "metrics"] | [pages::assets::FOLDER, _] => Target::Open,
        ["sdata", registry::SYSTEM, ..] => Target::Common,
        ["sdata", place @ ..] if !place.is_empty() => below(place, is_selected),
        _ => Target::Common,
    }
}

/// What is at a place below an application, and below that.
pub(super) fn below<'a>(place: &'a [&'a str], is_selected: bool) -> Target<'a> {
    if let [_, audit::CONTRACT, ..] = place {
        return Target::Audit(place.get(..TO_CONTRACT).unwrap_or(place));
    }
    let (Some(dataset), Some((last, below))) =
        (place.get(..TO_DATASET), place.get(TO_DATASET..).and_then(<[_]>::split_first))
    else {
        return Target::Level(place);
    };
    let is_imported = below.is_empty() && last.ends_with(".xsd");
    if is_operation(last, SCHEMA) || is_operation(last, SERVICE) || is_imported {
        return Target::Level(dataset);
    }
    let kind = place.get(..TO_KIND).unwrap_or(place);
    Target::Kind(kind, part(below, is_selected))
}

fn part(below: &[&str], is_selected: bool) -> Part {
    match below {
        _ if is_selected => Part::Resources,
        [] => Part::Resources,
        [links, batch, ..] if is_operation(links, LINKED) && is_operation(batch, BATCH) => Part::LinksBatch,
        [first, ..] => operation(first),
    }
}

fn operation(name: &str) -> Part {
    const SYNCHRONIZATION: [&str; 4] = [SYNC_DIGEST, SYNC_SOURCE, SYNC_TARGET, SYNC_RESULTS];
    match name {
        name if is_operation(name, SCHEMA) || is_operation(name, TEMPLATE) => Part::Description,
        name if is_operation(name, LINKED) => Part::Links,
        name if is_operation(name, BATCH) => Part::Batch,
        name if SYNCHRONIZATION.iter().any(|operation| is_operation(name, operation)) => Part::Synchronization,
        _ => Part::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::path::segments;
    use rstest::rstest;

    const KIND_PLACE: [&str; 4] = ["crm", "sample", "-", "accounts"];

    fn of(path: &str) -> String {
        let segments = segments(path).unwrap();
        let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
        let is_selected = segments.get(KIND).is_some_and(|kind| kind.selector.is_some());
        format!("{:?}", named(&names, is_selected))
    }

    #[rstest]
    #[case::health("/healthz")]
    #[case::ready("/readyz")]
    #[case::metrics("/metrics/")]
    #[case::asset("/assets/style.css")]
    fn what_has_no_data_is_open(#[case] path: &str) {
        assert_eq!(of(path), "Open");
    }

    #[rstest]
    #[case::root("/")]
    #[case::nothing("/favicon.ico")]
    #[case::almost_open("/healthz/more")]
    #[case::assets("/assets")]
    #[case::assets_below("/assets/a/b")]
    #[case::provider("/sdata")]
    #[case::registry("/sdata/$system/registry/-/contracts('sample')")]
    #[case::other_system("/sdata/$system/whatever")]
    fn what_belongs_to_no_application_is_common(#[case] path: &str) {
        assert_eq!(of(path), "Common");
    }

    #[rstest]
    #[case::application("/sdata/crm", &KIND_PLACE[..1])]
    #[case::contract("//sdata//crm/sample/", &KIND_PLACE[..2])]
    #[case::dataset("/sdata/crm/sample/-", &KIND_PLACE[..3])]
    #[case::schema("/sdata/crm/sample/-/$SCHEMA", &KIND_PLACE[..3])]
    #[case::imported("/sdata/crm/sample/-/types.xsd", &KIND_PLACE[..3])]
    #[case::service("/sdata/crm/sample/-/$service/x", &KIND_PLACE[..3])]
    #[case::escaped("/%73data/cr%6d/sample/-", &KIND_PLACE[..3])]
    fn levels_are_known(#[case] path: &str, #[case] place: &[&str]) {
        assert_eq!(of(path), format!("{:?}", Target::Level(place)));
    }

    #[rstest]
    #[case::contract("/sdata/crm/syncAudit")]
    #[case::dataset("/sdata/crm/syncAudit/-")]
    #[case::schema("/sdata/crm/syncAudit/-/$schema")]
    #[case::imported("/sdata/crm/syncAudit/-/types.xsd")]
    #[case::kind("/sdata/crm/syncAudit/-/events('1')")]
    #[case::kind_schema("/sdata/crm/syncAudit/-/runs/$schema")]
    fn the_audit_is_one_thing(#[case] path: &str) {
        assert_eq!(of(path), format!("{:?}", Target::Audit(&["crm", "syncAudit"])));
    }

    #[rstest]
    #[case::collection("", Part::Resources)]
    #[case::resource("('1')", Part::Resources)]
    #[case::predicate("(code eq 'A')", Part::Resources)]
    #[case::property("('1')/orders", Part::Resources)]
    #[case::operation_of_a_resource("('1')/$batch", Part::Resources)]
    #[case::schema("/$schema", Part::Description)]
    #[case::template("/$template", Part::Description)]
    #[case::links("/$linked", Part::Links)]
    #[case::link("/$linked('8B1F1F0E-0000-0000-0000-000000000000')", Part::Links)]
    #[case::links_batch("/$linked/$batch", Part::LinksBatch)]
    #[case::links_batch_context("/$LINKED/$BATCH('T')", Part::LinksBatch)]
    #[case::batch("/$batch('T')", Part::Batch)]
    #[case::digest("/$syncdigest", Part::Synchronization)]
    #[case::source("/$syncSource('T')", Part::Synchronization)]
    #[case::target("/$syncTarget", Part::Synchronization)]
    #[case::results("/$syncResults", Part::Synchronization)]
    #[case::escaped("/%24syncTarget", Part::Synchronization)]
    #[case::queries("/$queries", Part::Unknown)]
    #[case::property_of_several("/name", Part::Unknown)]
    fn what_is_below_a_kind_is_known(#[case] below: &str, #[case] part: Part) {
        assert_eq!(
            of(&format!("/sdata/crm/sample/-/accounts{below}")),
            format!("{:?}", Target::Kind(&KIND_PLACE, part))
        );
    }
}
