//! Results of an operation, entry by entry.

use sea_orm::entity::prelude::*;

/// Results of an operation, entry by entry.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tracking_result")]
pub struct Model {
    /// The operation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tracking_id: i64,
    /// Position of the request entry, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// `http:httpStatus`.
    pub http_status: i16,
    /// `http:httpMethod`.
    pub http_method: String,
    /// The resource concerned.
    pub resource_id: Option<i64>,
    /// Its UUID.
    pub uuid: Option<Uuid>,
    /// State in force: where.
    pub endpoint_id: Option<i64>,
    /// State in force: tick.
    pub tick: Option<i64>,
    /// State in force: when; microseconds UTC.
    pub stamp: Option<i64>,
    /// State in force: who.
    pub state_user: Option<String>,
    /// What is to be said of it.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub diagnosis: Option<Json>,
    /// The resource's key.
    pub resource_key: Option<String>,
    /// The version told of: validator of its content.
    pub etag: Option<String>,
    /// The version told of: when its resource came to be here; microseconds UTC.
    pub created_at: Option<i64>,
    /// The version told of: when it was made; microseconds UTC.
    pub modified_at: Option<i64>,
    /// The version told of: by whom.
    pub modified_by: Option<String>,
    /// The version told of: its content.
    pub payload: Option<Vec<u8>>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
