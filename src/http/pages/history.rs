//! What became of a resource, from the audit.

use super::Visit;
use super::audit;
use super::hyperlink::asking;
use super::table::Table;
use crate::http::access;
use crate::http::audit::{CONTRACT, change_element};
use crate::protocol::paging::PageRequest;
use crate::provider::{Collection, Error};
use crate::store::AuditKind;
use crate::store::{AuditFilter, StoredResource};

/// Changes that are shown; the audit has the rest.
const SHOWN: u64 = 25;

/// The changes of a resource, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct History {
    /// The newest changes.
    pub(in crate::http) table: Table,
    /// How many there are.
    pub(in crate::http) total: u64,
    /// All of them.
    pub(in crate::http) all: String,
}

impl History {
    /// Whether whoever asks may see what the audit knows.
    pub(super) fn is_shown(visit: &Visit<'_>) -> bool {
        let application = &visit.service.provider.offer.application;
        access::sees(visit.visitor, &[application, CONTRACT, "-", "changes"])
    }

    /// Reads the changes of `resource`. The audit knows a resource by its UUID: one without was never synchronized.
    ///
    /// # Errors
    /// When the audit cannot be read.
    pub(super) async fn of(
        visit: &Visit<'_>,
        collection: &Collection,
        resource: &StoredResource,
    ) -> Result<Self, Error> {
        let provider = &visit.service.provider;
        let kind = &collection.name.resource_kind;
        let mut history = Self { table: audit::changes_of_resource(visit, &[]), total: 0, all: String::new() };
        let Some(uuid) = resource.uuid else { return Ok(history) };
        let filter = AuditFilter {
            application: Some(collection.name.application.clone()),
            kind: Some(kind.clone()),
            uuid: Some(uuid),
            ..AuditFilter::default()
        };
        provider.flush_audit().await;
        let total = provider.store.changes(&filter, PageRequest { start_index: 1, count: 0 }).await?.total;
        let newest = PageRequest { start_index: total.saturating_sub(SHOWN) + 1, count: SHOWN };
        let mut rows = provider.store.changes(&filter, newest).await?.rows;
        rows.reverse();
        let rows: Vec<_> = rows.iter().map(change_element).collect();
        history.table = audit::changes_of_resource(visit, &rows);
        history.total = total;
        let condition = format!("uuid eq '{uuid}'");
        history.all = asking(&audit::url(visit, AuditKind::Changes), &[("where", &condition), ("orderBy", "at desc")]);
        Ok(history)
    }
}
