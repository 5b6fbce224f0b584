//! Rows of resources and their documents, as the database gives them.

use entities::{document, resource};
use sea_orm::{DbErr, EntityTrait, FromQueryResult, JoinType, QueryResult, QuerySelect, RelationDef, Select};
use uuid::Uuid;

/// A row of `resource`, read by the places of [`COLUMNS`]: columns are looked up by name for every row else.
pub(super) struct ResourceRow {
    pub(super) id: i64,
    pub(super) key: String,
    pub(super) uuid: Option<Uuid>,
    pub(super) endpoint: Option<i64>,
    pub(super) tick: Option<i64>,
    pub(super) modified_at: i64,
    pub(super) modified_by: Option<String>,
    pub(super) etag: String,
    pub(super) deleted: bool,
    pub(super) has_key_references: bool,
    pub(super) created_at: i64,
}

/// What is read of a resource, in this order.
pub(super) const COLUMNS: [resource::Column; 11] = {
    use resource::Column::{
        CreatedAt, EndpointId, Etag, HasKeyReferences, Id, IsDeleted, ModifiedAt, ModifiedBy, ResourceKey, Tick, Uuid,
    };
    [Id, ResourceKey, Uuid, EndpointId, Tick, ModifiedAt, ModifiedBy, Etag, IsDeleted, HasKeyReferences, CreatedAt]
};

impl FromQueryResult for ResourceRow {
    fn from_query_result(row: &QueryResult, _prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get_by_index(0)?,
            key: row.try_get_by_index(1)?,
            uuid: row.try_get_by_index(2)?,
            endpoint: row.try_get_by_index(3)?,
            tick: row.try_get_by_index(4)?,
            modified_at: row.try_get_by_index(5)?,
            modified_by: row.try_get_by_index(6)?,
            etag: row.try_get_by_index(7)?,
            deleted: row.try_get_by_index(8)?,
            has_key_references: row.try_get_by_index(9)?,
            created_at: row.try_get_by_index(10)?,
        })
    }
}

/// A resource and its document as they are read together.
pub(super) struct DocumentRow {
    pub(super) resource: ResourceRow,
    pub(super) payload: Option<Vec<u8>>,
}

impl FromQueryResult for DocumentRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            resource: ResourceRow::from_query_result(row, prefix)?,
            payload: row.try_get_by_index(COLUMNS.len())?,
        })
    }
}

/// Resources with their payloads.
pub(super) fn with_payload() -> Select<resource::Entity> {
    let document: RelationDef = resource::Entity::belongs_to(document::Entity)
        .from(resource::Column::Id)
        .to(document::Column::ResourceId)
        .into();
    resource::Entity::find()
        .select_only()
        .columns(COLUMNS)
        .join(JoinType::LeftJoin, document)
        .column(document::Column::Payload)
}
