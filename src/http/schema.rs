//! `$schema` (core 2.7, 4; sync 4.5).

use super::{Service, respond};
use crate::contract::{BatchingMode, Kind, Support};
use crate::protocol::SdataCode;
use crate::provider::collection::DEFAULT_PRIORITY;
use crate::provider::{Collection, Error, ServedContract};
use crate::query::ProtocolVariable;
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use bytes::Bytes;

/// `GET {dataset}/$schema`: the contract with what this provider really supports.
pub(super) fn contract(service: &Service, contract: &str) -> Result<HttpResponse, Error> {
    let served = served(service, contract)?;
    Ok(schema(served.contract.schema(&|kind| support(served, kind))))
}

/// `GET {dataset}/{name}.xsd`: a schema that the contract imports by this relative path.
pub(super) fn imported(service: &Service, contract: &str, name: &str) -> Result<HttpResponse, Error> {
    let served = served(service, contract)?;
    let found = served.contract.imported(name, &|kind| support(served, kind));
    found.map(schema).ok_or_else(|| Error::NotFound {
        code: SdataCode::ResourceKindNotFound,
        what: "imported schema",
        name: name.to_owned(),
    })
}

/// `GET {kind}/$schema`: the kind's element in the contract's schema (core 2.7).
pub(super) fn redirect(collection: &Collection) -> HttpResponse {
    let dataset = collection.url.rsplit_once('/').map_or(collection.url.as_str(), |(dataset, _)| dataset);
    let location = format!("{dataset}/$schema#{}", collection.kind.name);
    HttpResponse::Found().insert_header((LOCATION, location)).insert_header((CONTENT_TYPE, respond::XML_TYPE)).finish()
}

fn schema(body: Bytes) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, respond::XML_TYPE)).body(body)
}

fn served<'s>(service: &'s Service, contract: &str) -> Result<&'s ServedContract, Error> {
    service.provider.contract(contract).ok_or_else(|| Error::NotFound {
        code: SdataCode::ContractNotFound,
        what: "contract",
        name: contract.to_owned(),
    })
}

/// What this provider supports of a collection.
pub(super) fn support_of(service: &Service, collection: &Collection) -> Support {
    let served = service.provider.contract(&collection.name.contract);
    served.map_or_else(Support::default, |served| support(served, &collection.kind))
}

fn support(served: &ServedContract, kind: &Kind) -> Support {
    let options = served.kinds.get(&*kind.plural_name).copied().unwrap_or_default();
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
        is_sync_source: options.sync_source.unwrap_or(kind.is_sync_source),
        is_sync_target: options.sync_target.unwrap_or(kind.is_sync_target),
        conflict_priority: Some(options.conflict_priority.or(kind.conflict_priority).unwrap_or(DEFAULT_PRIORITY)),
    }
}
