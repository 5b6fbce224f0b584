//! Results of operations, packed: an LZ4 block with a list in JSON, then the contents of the versions in its order.

use crate::table::{Ddl, Table};
use sea_orm_migration::SchemaManager;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};
use serde_json::{Map, Value, json};

/// Rows that are packed together.
const TOGETHER: usize = 400;
/// Bytes of contents that are packed together.
const BYTES: usize = 4 << 20;

/// Columns count microseconds, packed stamps milliseconds.
const MICROS_PER_MILLI: i64 = 1_000;

/// As it will be called while both are there.
const PACKED: Table = Table {
    name: "tracking_result_packed",
    columns: "tracking_id BIGINT NOT NULL, first_position BIGINT NOT NULL, entries BIGINT NOT NULL, data {bytes} NOT NULL, \
              PRIMARY KEY (tracking_id, first_position)",
    indexes: &[],
};

const PLAIN: Table = Table {
    name: "tracking_result",
    columns: "tracking_id BIGINT NOT NULL, position BIGINT NOT NULL, http_status SMALLINT NOT NULL, \
              http_method VARCHAR(16) NOT NULL, resource_id BIGINT, uuid {uuid}, endpoint_id BIGINT, tick BIGINT, stamp BIGINT, \
              state_user {text}, diagnosis {json}, resource_key VARCHAR(255), etag VARCHAR(40), created_at BIGINT, \
              modified_at BIGINT, modified_by {text}, payload {bytes}, PRIMARY KEY (tracking_id, position)",
    indexes: &[],
};

/// Packs what is there.
pub(crate) async fn pack(manager: &SchemaManager<'_>, ddl: &Ddl) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    if manager.has_column(PLAIN.name, "position").await? {
        ddl.create(manager, &PACKED).await?;
        connection.execute_unprepared("DELETE FROM tracking_result_packed").await?;
        let mut after = (-1, -1);
        while let Some(packed) = next(manager, after).await? {
            after = (packed.tracking, packed.first + packed.entries - 1);
            packed.insert(manager).await?;
        }
        connection.execute_unprepared("DROP TABLE tracking_result").await?;
    }
    if manager.has_table(PACKED.name).await? {
        connection.execute_unprepared("ALTER TABLE tracking_result_packed RENAME TO tracking_result").await?;
    }
    Ok(())
}

/// Results of operations are gone with it.
pub(crate) async fn drop_packed(manager: &SchemaManager<'_>, ddl: &Ddl) -> Result<(), DbErr> {
    if manager.has_table(PLAIN.name).await? && !manager.has_column(PLAIN.name, "position").await? {
        manager.get_connection().execute_unprepared("DROP TABLE tracking_result").await?;
    }
    ddl.create(manager, &PLAIN).await
}

/// A row to be.
struct Packed {
    tracking: i64,
    first: i64,
    entries: i64,
    data: Vec<u8>,
}

impl Packed {
    async fn insert(self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let places = if backend == DbBackend::Postgres { "$1, $2, $3, $4" } else { "?, ?, ?, ?" };
        let sql = format!(
            "INSERT INTO tracking_result_packed (tracking_id, first_position, entries, data) VALUES ({places})"
        );
        let values = [self.tracking.into(), self.first.into(), self.entries.into(), self.data.into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        manager.get_connection().execute_raw(statement).await.map(|_| ())
    }
}

/// The results behind a tracking and position that follow one another.
async fn next(manager: &SchemaManager<'_>, (tracking, position): (i64, i64)) -> Result<Option<Packed>, DbErr> {
    let backend = manager.get_database_backend();
    let (uuid, text) = match backend {
        DbBackend::Postgres => ("uuid_send(uuid)", "TEXT"),
        DbBackend::MySql => ("uuid", "CHAR"),
        _ => ("uuid", "TEXT"),
    };
    let sql = format!(
        "SELECT tracking_id, position, http_status, http_method, resource_id, {uuid} AS uuid, tick, stamp, state_user, \
                CAST(diagnosis AS {text}) AS diagnosis, resource_key, etag, created_at, modified_at, modified_by, payload, url \
         FROM tracking_result LEFT JOIN endpoint ON endpoint.id = tracking_result.endpoint_id \
         WHERE tracking_id > {tracking} OR (tracking_id = {tracking} AND position > {position}) \
         ORDER BY tracking_id, position LIMIT {TOGETHER}"
    );
    let rows = manager.get_connection().query_all_raw(Statement::from_string(backend, sql)).await?;
    let Some(first_row) = rows.first() else { return Ok(None) };
    let (tracking, first) = (first_row.try_get("", "tracking_id")?, first_row.try_get("", "position")?);
    let (mut endpoints, mut entries, mut contents) = (Vec::new(), Vec::new(), Vec::new());
    for (row, place) in rows.iter().zip(first..) {
        let (its_tracking, its_position): (i64, i64) = (row.try_get("", "tracking_id")?, row.try_get("", "position")?);
        let follows = its_tracking == tracking && its_position == place;
        if !follows || (contents.len() > BYTES && !entries.is_empty()) {
            break;
        }
        entries.push(entry(row, &mut endpoints, &mut contents)?);
    }
    let count = i64::try_from(entries.len()).map_err(|error| DbErr::Custom(error.to_string()))?;
    let mut data = json!({ "endpoints": endpoints, "entries": entries }).to_string().into_bytes();
    data.append(&mut contents);
    Ok(Some(Packed { tracking, first, entries: count, data: lz4_flex::compress_prepend_size(&data) }))
}

/// One result, without what it does not have.
fn entry(row: &QueryResult, endpoints: &mut Vec<String>, contents: &mut Vec<u8>) -> Result<Value, DbErr> {
    let mut entry = Map::new();
    let status: i16 = row.try_get("", "http_status")?;
    entry.insert("status".to_owned(), json!(status));
    entry.insert("method".to_owned(), json!(row.try_get::<String>("", "http_method")?));
    entry.insert("resource".to_owned(), json!(row.try_get::<Option<i64>>("", "resource_id")?));
    entry.insert("key".to_owned(), json!(row.try_get::<Option<String>>("", "resource_key")?));
    let uuid: Option<Vec<u8>> = row.try_get("", "uuid")?;
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    entry.insert("uuid".to_owned(), json!(uuid.map(hex)));
    let url: Option<String> = row.try_get("", "url")?;
    if let (Some(url), Some(tick), Some(stamp)) =
        (url, row.try_get::<Option<i64>>("", "tick")?, row.try_get::<Option<i64>>("", "stamp")?)
    {
        let place = endpoints.iter().position(|known| *known == url).unwrap_or_else(|| {
            endpoints.push(url);
            endpoints.len() - 1
        });
        let user: Option<String> = row.try_get("", "state_user")?;
        entry.insert("state".to_owned(), json!([place, tick, stamp.div_euclid(MICROS_PER_MILLI), user]));
    }
    let payload: Option<Vec<u8>> = row.try_get("", "payload")?;
    if let (Some(mut payload), Some(etag)) = (payload, row.try_get::<Option<String>>("", "etag")?) {
        let told = json!({
            "etag": etag,
            "stamp": row.try_get::<Option<i64>>("", "modified_at")?.unwrap_or_default().div_euclid(MICROS_PER_MILLI),
            "created": row.try_get::<Option<i64>>("", "created_at")?.unwrap_or_default().div_euclid(MICROS_PER_MILLI),
            "user": row.try_get::<Option<String>>("", "modified_by")?,
            "length": payload.len(),
        });
        entry.insert("version".to_owned(), told);
        contents.append(&mut payload);
    }
    let diagnosis: Option<String> = row.try_get("", "diagnosis")?;
    if let Some(diagnosis) = diagnosis {
        entry.insert(
            "diagnosis".to_owned(),
            serde_json::from_str(&diagnosis).map_err(|error| DbErr::Custom(error.to_string()))?,
        );
    }
    entry.retain(|_, value| !value.is_null());
    Ok(Value::Object(entry))
}
