//! The job of a `$syncSource`: it makes the context that pages are then read from.

use super::Jobs;
use super::runner::Lane;
use crate::provider::source::SourceRequest;
use crate::provider::{Collection, Error, Lease};
use crate::store::TrackingRecord;

impl Jobs {
    pub(super) async fn run_source(
        &self,
        record: &TrackingRecord,
        collection: &Collection,
        lease: &Lease,
    ) -> Result<Lane, Error> {
        let request: SourceRequest = super::target::from_json(record.request.clone())?;
        let context = self.provider.prepare_source(collection, &request, record.key, lease, self.expiry()).await?;
        tracing::info!(resource_kind = collection.name.resource_kind, entries = context.total, "source feed ready");
        Ok(Lane::GivenBack)
    }
}
