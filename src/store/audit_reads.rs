//! Reading the audit: for people, page by page, in the order of recording unless another is asked for.

use super::AuditKind;
use super::audit::{from_count, from_status, run_hash, storable};
use super::connection::missing;
use super::query::{Translator, conjuncts};
use super::states;
use super::{
    ChangeOutcome, ChangeRecord, CollectionId, CollectionName, Counts, Event, EventOperation, EventOutcome,
    ParkedEntry, RunId, Store, StoreError,
};
use crate::protocol::paging::PageRequest;
use crate::protocol::{Endpoint, Run, Stamp};
use crate::query::{Comparison, Expression, Literal, OrderKey, Target};
use entities::{audit_change, audit_chunk, audit_event, collection, parked_entry, sync_run};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, IntoSimpleExpr, JoinType, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, RelationDef, Select,
};
use std::collections::HashMap;
use uuid::Uuid;

/// What to look for; `None` leaves it open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// The one with this id.
    pub id: Option<i64>,
    /// Of this application.
    pub application: Option<String>,
    /// In runs of this name.
    pub run_name: Option<String>,
    /// In runs with this stamp, exactly as sent.
    pub run_stamp: Option<String>,
    /// Of this resource kind.
    pub kind: Option<String>,
    /// Of the resource with this UUID (changes and parked entries; for runs: those with such changes).
    pub uuid: Option<Uuid>,
    /// With this outcome, as it is written (events and changes; for runs: those with such changes).
    pub outcome: Option<String>,
    /// Not before this time.
    pub since: Option<Stamp>,
    /// What else must be true of it, in the names of contracts/audit.xsd.
    pub condition: Option<Expression>,
    /// What the rows are ordered by; at last by their ids.
    pub order: Vec<OrderKey>,
}

/// One page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The page.
    pub rows: Vec<T>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A run with its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// Its name and stamp.
    pub run: Run,
    /// When it was first heard of.
    pub first_seen: Stamp,
    /// When it was last heard of.
    pub last_seen: Stamp,
    /// Its events.
    pub events: u64,
    /// Its changes.
    pub changes: u64,
    /// Its changes with outcome `failed`.
    pub failures: u64,
}

/// An event with its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its id.
    pub id: i64,
    /// The run it belongs to.
    pub run: Option<Run>,
    /// What was recorded.
    pub event: Event,
}

/// A change with its run and collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its id.
    pub id: i64,
    /// The run it belongs to.
    pub run: Option<Run>,
    /// The collection.
    pub name: CollectionName,
    /// What was recorded.
    pub record: ChangeRecord,
}

/// The outcome that a condition asks for.
fn outcome_of(condition: &Expression) -> Option<&str> {
    let Expression::Compare(Comparison::Equal, left, right) = condition else { return None };
    let (Expression::Field(field), Expression::Literal(Literal::Text(word))) = (&**left, &**right) else { return None };
    let is_outcome = matches!(&field.target, Target::Property(path) if path.len() == 1 && path.iter().any(|name| &**name == "outcome"));
    is_outcome.then_some(word)
}

/// The run that an event or change belongs to.
#[derive(FromQueryResult)]
struct OfRun {
    run_name: Option<String>,
    run_stamp: Option<String>,
}

impl OfRun {
    fn run(self) -> Option<Run> {
        Some(Run { name: self.run_name?, stamp: self.run_stamp? })
    }
}

#[derive(FromQueryResult)]
struct EventSelected {
    #[sea_orm(nested)]
    event: audit_event::Model,
    #[sea_orm(nested)]
    run: OfRun,
}

#[derive(FromQueryResult)]
struct ChangeSelected {
    #[sea_orm(nested)]
    change: audit_change::Model,
    at: i64,
    run_id: Option<i64>,
    tracking_id: Option<String>,
    #[sea_orm(nested)]
    run: OfRun,
    application: String,
    contract: String,
    dataset: String,
    resource_kind: String,
}

/// Adds the columns of [`OfRun`].
fn with_run<E: EntityTrait>(query: Select<E>, run: RelationDef) -> Select<E> {
    query
        .join(JoinType::LeftJoin, run)
        .column_as(sync_run::Column::RunName, "run_name")
        .column_as(sync_run::Column::RunStamp, "run_stamp")
}

impl AuditFilter {
    /// The rows of `query` that are asked for, and in which order.
    fn of<E: EntityTrait>(
        &self,
        store: &Store,
        kind: AuditKind,
        query: Select<E>,
        id: E::Column,
    ) -> (Select<E>, Select<E>) {
        let translator = Translator::of_audit(store.inner.dialect.flavor(), kind);
        let query = query.filter(
            Condition::all().add_option(self.condition.as_ref().map(|condition| translator.condition(condition))),
        );
        (query.clone(), translator.sort(query, &self.order).order_by_asc(id))
    }

    /// Runs by name and stamp; by both, the index finds it.
    fn of_run(&self) -> Condition {
        match (&self.run_name, &self.run_stamp) {
            (Some(name), Some(stamp)) => {
                let run = Run { name: name.clone(), stamp: stamp.clone() };
                Condition::all().add(sync_run::Column::RunHash.eq(run_hash(&run)))
            }
            (name, stamp) => Condition::all()
                .add_option(name.as_ref().map(|name| sync_run::Column::RunName.eq(storable(name))))
                .add_option(stamp.as_ref().map(|stamp| sync_run::Column::RunStamp.eq(storable(stamp)))),
        }
    }

    /// Changes with the outcome. Of rare ones it is said in the very words of their index that they are (migration of November 2026):
    /// only then a database knows that it may look there.
    fn of_outcome(&self) -> Condition {
        const USUAL: [ChangeOutcome; 2] = [ChangeOutcome::Created, ChangeOutcome::Updated];
        let conditions = self.condition.as_ref().map(conjuncts).unwrap_or_default();
        let mut asked = self.outcome.as_deref().into_iter().chain(conditions.into_iter().filter_map(outcome_of));
        let is_rare = asked.any(|word| USUAL.iter().all(|usual| usual.as_str() != word));
        let outcome = self.outcome.as_ref().map(|outcome| audit_change::Column::Outcome.eq(outcome));
        let rare = is_rare.then(|| Expr::cust("audit_change.outcome NOT IN ('created', 'updated')"));
        Condition::all().add_option(outcome).add_option(rare)
    }

    fn since(&self, column: impl IntoSimpleExpr) -> Condition {
        let column = column.into_simple_expr();
        Condition::all().add_option(self.since.map(|since| column.gte(since.to_micros())))
    }

    fn of_collection(&self) -> Condition {
        Condition::all()
            .add_option(self.application.as_ref().map(|name| collection::Column::Application.eq(name)))
            .add_option(self.kind.as_ref().map(|kind| collection::Column::ResourceKind.eq(kind)))
    }

    /// Runs that have an event of the application and kind, and a change of the UUID and outcome, as far as these are asked for.
    fn runs(&self) -> Condition {
        let events = self.application.as_ref().or(self.kind.as_ref()).map(|_| {
            let events = Query::select()
                .column(audit_event::Column::RunId)
                .from(audit_event::Entity)
                .cond_where(
                    Condition::all()
                        .add(audit_event::Column::RunId.is_not_null())
                        .add_option(self.application.as_ref().map(|name| audit_event::Column::Application.eq(name)))
                        .add_option(self.kind.as_ref().map(|kind| audit_event::Column::ResourceKind.eq(kind))),
                )
                .take();
            sync_run::Column::Id.in_subquery(events)
        });
        let changes = (self.uuid.is_some() || self.outcome.is_some()).then(|| {
            let changes = Query::select()
                .column(audit_chunk::Column::RunId)
                .from(audit_change::Entity)
                .inner_join(
                    audit_chunk::Entity,
                    audit_chunk::Column::Id.into_expr().eq(audit_change::Column::ChunkId.into_expr()),
                )
                .cond_where(
                    Condition::all()
                        .add(audit_chunk::Column::RunId.is_not_null())
                        .add_option(self.uuid.map(|uuid| audit_change::Column::Uuid.eq(uuid)))
                        .add(self.of_outcome()),
                )
                .take();
            sync_run::Column::Id.in_subquery(changes)
        });
        self.of_run()
            .add(self.since(sync_run::Column::LastSeen))
            .add_option(self.id.map(|id| sync_run::Column::Id.eq(id)))
            .add_option(events)
            .add_option(changes)
    }
}

impl Store {
    /// Runs, in the order they were first heard of. Since: last heard of not before.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn runs(&self, filter: &AuditFilter, page: PageRequest) -> Result<Page<RunRow>, StoreError> {
        let query = sync_run::Entity::find().filter(filter.runs());
        let (query, sorted) = filter.of(self, AuditKind::Runs, query, sync_run::Column::Id);
        let total = query.count(&self.inner.queries).await?;
        let query = sorted.offset(page.offset()).limit(page.count);
        let runs = query.all(&self.inner.queries).await?;
        let ids: Vec<i64> = runs.iter().map(|run| run.id).collect();
        let events = self.events_by_run(&ids).await?;
        let changes = self.changes_by_run(&ids).await?;
        let changes = |id| changes.get(&id).copied().unwrap_or_default();
        let rows = runs.into_iter().map(|run| RunRow {
            id: RunId(run.id),
            events: events.get(&run.id).copied().unwrap_or_default(),
            changes: changes(run.id).0,
            failures: changes(run.id).1,
            run: Run { name: run.run_name, stamp: run.run_stamp },
            first_seen: Stamp::from_micros(run.first_seen),
            last_seen: Stamp::from_micros(run.last_seen),
        });
        Ok(Page { rows: rows.collect(), total })
    }

    async fn events_by_run(&self, ids: &[i64]) -> Result<HashMap<i64, u64>, StoreError> {
        let counts: Vec<(i64, i64)> = audit_event::Entity::find()
            .select_only()
            .column(audit_event::Column::RunId)
            .column_as(audit_event::Column::RunId.count(), "count")
            .filter(audit_event::Column::RunId.is_in(ids.iter().copied()))
            .group_by(audit_event::Column::RunId)
            .into_tuple()
            .all(&self.inner.queries)
            .await?;
        Ok(counts.into_iter().map(|(id, count)| (id, from_count(count))).collect())
    }

    /// The changes of runs, and how many of them failed.
    async fn changes_by_run(&self, ids: &[i64]) -> Result<HashMap<i64, (u64, u64)>, StoreError> {
        use audit_chunk::Column::{Changes, Failures, RunId};
        let sum = |column: audit_chunk::Column| column.sum().cast_as(self.inner.dialect.integer());
        let counts: Vec<(i64, i64, i64)> = audit_chunk::Entity::find()
            .select_only()
            .column(RunId)
            .column_as(sum(Changes), "changes")
            .column_as(sum(Failures), "failures")
            .filter(RunId.is_in(ids.iter().copied()))
            .group_by(RunId)
            .into_tuple()
            .all(&self.inner.queries)
            .await?;
        let counts = counts.into_iter();
        Ok(counts.map(|(id, changes, failures)| (id, (from_count(changes), from_count(failures)))).collect())
    }

    /// Events.
    pub async fn events(&self, filter: &AuditFilter, page: PageRequest) -> Result<Page<EventRow>, StoreError> {
        use audit_event::Column as Of;
        let run = audit_event::Entity::belongs_to(sync_run::Entity).from(Of::RunId).to(sync_run::Column::Id).into();
        let query =
            with_run(audit_event::Entity::find(), run).filter(filter.of_run().add(filter.since(Of::At))).filter(
                Condition::all()
                    .add_option(filter.id.map(|id| Of::Id.eq(id)))
                    .add_option(filter.application.as_ref().map(|name| Of::Application.eq(name)))
                    .add_option(filter.kind.as_ref().map(|kind| Of::ResourceKind.eq(kind)))
                    .add_option(filter.outcome.as_ref().map(|outcome| Of::Outcome.eq(outcome))),
            );
        let (query, sorted) = filter.of(self, AuditKind::Events, query, Of::Id);
        let total = query.count(&self.inner.queries).await?;
        let query = sorted.offset(page.offset()).limit(page.count);
        let rows = query.into_model::<EventSelected>().all(&self.inner.queries).await?;
        Ok(Page { rows: rows.into_iter().map(event_row).collect::<Result<_, _>>()?, total })
    }

    /// Changes.
    pub async fn changes(&self, filter: &AuditFilter, page: PageRequest) -> Result<Page<ChangeRow>, StoreError> {
        use audit_change::Column as Of;
        use audit_chunk::Column as OfChunk;
        let chunk: RelationDef =
            audit_change::Entity::belongs_to(audit_chunk::Entity).from(Of::ChunkId).to(OfChunk::Id).into();
        let run = audit_chunk::Entity::belongs_to(sync_run::Entity).from(OfChunk::RunId).to(sync_run::Column::Id);
        let of: RelationDef = audit_chunk::Entity::belongs_to(collection::Entity)
            .from(OfChunk::CollectionId)
            .to(collection::Column::Id)
            .into();
        let query = audit_change::Entity::find().join(JoinType::InnerJoin, chunk);
        let query = with_run(query, run.into())
            .columns([OfChunk::At, OfChunk::RunId])
            .column(OfChunk::TrackingId)
            .join(JoinType::InnerJoin, of)
            .columns([collection::Column::Application, collection::Column::Contract])
            .columns([collection::Column::Dataset, collection::Column::ResourceKind])
            .filter(filter.of_run().add(filter.since(OfChunk::At)).add(filter.of_collection()))
            .filter(
                Condition::all()
                    .add_option(filter.id.map(|id| Of::Id.eq(id)))
                    .add_option(filter.uuid.map(|uuid| Of::Uuid.eq(uuid)))
                    .add(filter.of_outcome()),
            );
        let (query, sorted) = filter.of(self, AuditKind::Changes, query, Of::Id);
        let total = query.count(&self.inner.queries).await?;
        let query = sorted.offset(page.offset()).limit(page.count);
        let rows = query.into_model::<ChangeSelected>().all(&self.inner.queries).await?;
        let ids = rows.iter().flat_map(|row| [row.change.source_endpoint_id, row.change.target_endpoint_id]);
        let endpoints = self.session().endpoints(ids.flatten().collect()).await?;
        Ok(Page { rows: rows.into_iter().map(|row| change_row(row, &endpoints)).collect::<Result<_, _>>()?, total })
    }

    /// Parked entries, with the names of their collections.
    pub async fn parked(
        &self,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<(CollectionName, ParkedEntry)>, StoreError> {
        use parked_entry::Column as Of;
        let run: RelationDef =
            parked_entry::Entity::belongs_to(sync_run::Entity).from(Of::RunId).to(sync_run::Column::Id).into();
        let of: RelationDef = parked_entry::Entity::belongs_to(collection::Entity)
            .from(Of::CollectionId)
            .to(collection::Column::Id)
            .into();
        let query = parked_entry::Entity::find()
            .join(JoinType::LeftJoin, run)
            .join(JoinType::InnerJoin, of)
            .filter(filter.of_run().add(filter.since(Of::ParkedAt)).add(filter.of_collection()))
            .filter(
                Condition::all()
                    .add_option(filter.id.map(|id| Of::Id.eq(id)))
                    .add_option(filter.uuid.map(|uuid| Of::Uuid.eq(uuid))),
            );
        let (query, sorted) = filter.of(self, AuditKind::Parked, query, Of::Id);
        let total = query.count(&self.inner.queries).await?;
        let query = sorted.offset(page.offset()).limit(page.count);
        let entries = self.session().parked(query).await?;
        let names = self.collection_names().await?;
        let rows = entries.into_iter().map(|entry| {
            let name = names.get(&entry.collection).cloned();
            name.map(|name| (name, entry)).ok_or_else(|| missing("the collection of a parked entry"))
        });
        Ok(Page { rows: rows.collect::<Result<_, _>>()?, total })
    }

    /// The names of all collections ever registered.
    pub async fn collection_names(&self) -> Result<HashMap<CollectionId, CollectionName>, StoreError> {
        let rows = collection::Entity::find().all(&self.inner.queries).await?;
        let name = |row: collection::Model| CollectionName {
            application: row.application,
            contract: row.contract,
            dataset: row.dataset,
            resource_kind: row.resource_kind,
        };
        Ok(rows.into_iter().map(|row| (CollectionId(row.id), name(row))).collect())
    }
}

fn event_row(row: EventSelected) -> Result<EventRow, StoreError> {
    let (event, run) = (row.event, row.run.run());
    Ok(EventRow {
        id: event.id,
        run,
        event: Event {
            at: Stamp::from_micros(event.at),
            run: event.run_id.map(RunId),
            tracking_id: event.tracking_id,
            collection: event.collection_id.map(CollectionId),
            name: CollectionName {
                application: event.application,
                contract: event.contract,
                dataset: event.dataset,
                resource_kind: event.resource_kind,
            },
            operation: EventOperation::stored(&event.operation)?,
            outcome: EventOutcome::stored(&event.outcome)?,
            http_status: from_status(event.http_status),
            counts: Counts {
                entries: from_count(event.entries),
                created: from_count(event.created),
                updated: from_count(event.updated),
                deleted: from_count(event.deleted),
                ignored: from_count(event.ignored),
                conflicts: from_count(event.conflicts),
                failed: from_count(event.failed),
            },
            duration_millis: from_count(event.duration_millis),
            principal: event.principal,
            remote_address: event.remote_address,
            message: event.message,
        },
    })
}

fn change_row(row: ChangeSelected, endpoints: &HashMap<i64, Endpoint>) -> Result<ChangeRow, StoreError> {
    let change = row.change;
    let source = (change.source_endpoint_id, change.source_tick, change.source_stamp);
    let target = (change.target_endpoint_id, change.target_tick, change.target_stamp);
    Ok(ChangeRow {
        id: change.id,
        run: row.run.run(),
        name: CollectionName {
            application: row.application,
            contract: row.contract,
            dataset: row.dataset,
            resource_kind: row.resource_kind,
        },
        record: ChangeRecord {
            at: Stamp::from_micros(row.at),
            run: row.run_id.map(RunId),
            tracking_id: row.tracking_id,
            uuid: change.uuid,
            key: change.resource_key,
            outcome: ChangeOutcome::stored(&change.outcome)?,
            http_status: from_status(change.http_status),
            source: states::from_columns(endpoints, source, None)?,
            target: states::from_columns(endpoints, target, None)?,
            message: change.message,
            losing_payload: change.losing_payload,
        },
    })
}
