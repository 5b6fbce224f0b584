//! `$schema` (core 2.7, 4; sync 4.5).

use super::request::Asked;
use super::{Service, conditional, respond};
use crate::contract::{BatchingMode, Contract, Kind, Support};
use crate::protocol::SdataCode;
use crate::protocol::operation;
use crate::protocol::url::segment;
use crate::provider::{Collection, Error, ServedContract};
use crate::query::ProtocolVariable;
use crate::wire::Link;
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, CacheControl, CacheDirective, ETAG, Expires, LOCATION};
use bytes::Bytes;
use std::time::{Duration, SystemTime};
use url::form_urlencoded;

/// How long a version of a schema may be kept without asking again, in seconds: a day.
const KEPT_SECONDS: u32 = 24 * 60 * 60;

/// `GET {dataset}/$schema`: the contract with what this provider really supports.
pub(super) fn contract(service: &Service, asked: &Asked<'_>, contract: &str) -> Result<HttpResponse, Error> {
    let served = served(service, contract)?;
    versioned(service, asked, served.contract.version(), served.contract.schema(&|kind| support(served, kind)))
}

/// `GET {dataset}/{name}.xsd`: a schema that the contract imports by this relative path.
pub(super) fn imported(
    service: &Service,
    asked: &Asked<'_>,
    contract: &str,
    name: &str,
) -> Result<HttpResponse, Error> {
    let served = served(service, contract)?;
    let found = served.contract.imported(name, &|kind| support(served, kind));
    let found = found.ok_or_else(|| Error::not_found(SdataCode::ResourceKindNotFound, "imported schema", name))?;
    versioned(service, asked, None, found)
}

/// What of the schema is sent along with resources of a collection, where the request asks for it (core 4.10).
pub(super) fn inlined(service: &Service, collection: &Collection, asked: &Asked<'_>) -> Option<Bytes> {
    if !asked.flag("includeSchema") {
        return None;
    }
    let served = service.provider.contract(&collection.name.contract)?;
    served.contract.inlined(&collection.kind, &|kind| support(served, kind))
}

/// The link to the `$schema` below `url`, in the version that is served: it may be kept (core 2.7, 2.14, 3.3).
pub(super) fn link(url: &str, contract: &Contract) -> Link {
    let version = contract.version().map(|version| format!("?{}", in_version(version)));
    Link::schema(&format!("{url}/{}{}", operation::SCHEMA, version.unwrap_or_default()))
}

fn in_version(version: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("version", version).finish()
}

/// `GET {kind}/$schema`: the kind's element in the contract's schema (core 2.7).
pub(super) fn redirect(collection: &Collection, asked: &Asked<'_>) -> HttpResponse {
    let dataset = collection.url.rsplit_once('/').map_or(collection.url.as_str(), |(dataset, _)| dataset);
    to_element(asked, dataset, &collection.contract, &collection.kind)
}

/// To the element of `kind` in the schema of `dataset`, with the parameters of the request; in the version that is
/// served, if it asks for none.
pub(super) fn to_element(asked: &Asked<'_>, dataset: &str, contract: &Contract, kind: &Kind) -> HttpResponse {
    let sent = Some(asked.http.query_string().to_owned()).filter(|query| !query.is_empty());
    let version = contract.version().filter(|_| asked.parameter("version").is_none()).map(in_version);
    let query: Vec<_> = sent.into_iter().chain(version).collect();
    let separator = if query.is_empty() { "" } else { "?" };
    let location =
        format!("{dataset}/{}{separator}{}#{}", operation::SCHEMA, query.join("&"), segment(contract.fragment(kind)));
    HttpResponse::Found().insert_header((LOCATION, location)).insert_header((CONTENT_TYPE, respond::XML_TYPE)).finish()
}

/// The schema in the version that is asked for (core 2.14). One version is served; a compatible one that is asked for is
/// answered with it, any other is not there. The very version that is served may be kept for a day: the schema also says
/// what this provider supports, which changes with its configuration.
pub(super) fn versioned(
    service: &Service,
    asked: &Asked<'_>,
    served: Option<&str>,
    schema: Bytes,
) -> Result<HttpResponse, Error> {
    let wanted = asked.parameter("version").map(str::trim).filter(|version| !version.is_empty());
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, respond::XML_TYPE));
    response.insert_header((ETAG, conditional::of_bytes(&schema)));
    if let (Some(wanted), Some(served)) = (wanted, served) {
        if wanted == served {
            let end = SystemTime::now() + Duration::from_secs(KEPT_SECONDS.into());
            response.insert_header(Expires(end.into()));
            response.insert_header(CacheControl(vec![CacheDirective::MaxAge(KEPT_SECONDS)]));
        } else if !stands_in(served, wanted) {
            return Err(Error::no_such("schema in version", wanted));
        }
    }
    Ok(conditional::unchanged_since(response.body(schema), service.provider.opened_at))
}

/// Whether who knows the schema in version `wanted` understands `served`: the same major number, and nothing older (core 4.9).
fn stands_in(served: &str, wanted: &str) -> bool {
    let numbers = |version: &str| {
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        let found = (numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(found)
    };
    let found = numbers(served).zip(numbers(wanted));
    found.is_some_and(|(served, wanted)| served.0 == wanted.0 && served >= wanted)
}

fn served<'s>(service: &'s Service, contract: &str) -> Result<&'s ServedContract, Error> {
    service
        .provider
        .contract(contract)
        .ok_or_else(|| Error::not_found(SdataCode::ContractNotFound, "contract", contract))
}

/// What this provider supports of a collection.
pub(super) fn support_of(service: &Service, collection: &Collection) -> Support {
    let served = service.provider.contract(&collection.name.contract);
    served.map_or_else(Support::default, |served| support(served, &collection.kind))
}

fn support(served: &ServedContract, kind: &Kind) -> Support {
    let options = served.options(kind);
    Support {
        can_get: true,
        can_post: kind.can_post,
        can_put: kind.can_put,
        can_delete: kind.can_delete,
        can_page_next: true,
        can_page_previous: true,
        can_page_index: true,
        supports_etag: true,
        has_template: kind.can_post,
        can_search: true,
        can_filter: true,
        can_sort: true,
        property_urls: true,
        protocol_filters: &ProtocolVariable::NAMES,
        batching_mode: BatchingMode::SyncOrAsync,
        is_sync_source: options.is_sync_source(kind),
        is_sync_target: options.is_sync_target(kind),
        conflict_priority: Some(options.priority(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// CORE-4.9-03.
    #[rstest]
    #[case::the_same("1.2.3", true)]
    #[case::older_revision("1.2.0", true)]
    #[case::older_minor("1.0.9", true)]
    #[case::newer_revision("1.2.4", false)]
    #[case::newer_minor("1.3.0", false)]
    #[case::other_major("2.2.3", false)]
    #[case::older_major("0.2.3", false)]
    #[case::two_numbers("1.2", false)]
    #[case::no_version("latest", false)]
    fn a_newer_schema_of_the_same_major_version_stands_in(#[case] wanted: &str, #[case] stands: bool) {
        assert_eq!(stands_in("1.2.3", wanted), stands);
    }
}
