//! `$template`: what a new resource, or a new child of one, starts with (core 2.6, 8.2).

use super::request::Asked;
use super::shaping::shaping;
use super::{Service, resources, respond};
use crate::provider::{Collection, Error};
use crate::wire::Link;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// `GET {kind}/$template`.
pub(super) fn read(service: &Service, collection: &Collection, asked: &Asked<'_>) -> Result<HttpResponse, Error> {
    let (shaping, warnings) = shaping(asked, &collection.contract, collection.kind.type_id)?;
    let mut entry = service.provider.template(collection, &shaping)?;
    entry.links = vec![Link::entry("self", &entry.id, "Refresh")];
    entry.links.extend(resources::collection_links(collection));
    entry.diagnoses = warnings;
    respond::entry(&asked.wanted, StatusCode::OK, &entry)
}
