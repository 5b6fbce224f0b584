//! What the contexts of all operations have in common (core 11.5).

use super::request::Asked;
use super::{Service, respond};
use crate::jobs::url_name;
use crate::protocol::Tracking;
use crate::provider::audit::Origin;
use crate::provider::{Collection, Error};
use crate::store::Operation;
use actix_web::HttpResponse;

/// The answer to a POST with a trackingID: exactly 202, also when the work is done at once.
pub(super) fn accepted(
    collection: &Collection,
    asked: &Asked<'_>,
    (operation, id): (Operation, &str),
    tracking: &Tracking,
) -> HttpResponse {
    respond::accepted(&asked.wanted, &collection.context_url(url_name(operation), id), tracking)
}

/// `DELETE` of a context: 200, without a body.
pub(super) async fn delete(
    service: &Service,
    collection: &Collection,
    asked: Asked<'_>,
    operation: Operation,
    id: &str,
) -> Result<HttpResponse, Error> {
    let origin = Origin { tracking_id: Some(id.to_owned()), ..asked.origin() };
    service.jobs.delete_context(collection, operation, id, &origin).await?;
    Ok(respond::done())
}

/// Names an operation that was posted without a trackingID: its paging links need one.
pub(super) fn own_id(origin: &mut Origin) -> String {
    let id = uuid::Uuid::new_v4().to_string();
    origin.tracking_id = Some(id.clone());
    id
}
