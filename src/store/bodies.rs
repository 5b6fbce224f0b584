//! Request bodies, kept in parts before their operation exists (core 11.5: durable before the 202).

use super::batch::content_chunks;
use super::{Store, StoreError, Txn};
use entities::body_part;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};

/// A part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyPart {
    /// Its number, from 0.
    pub part: u32,
    /// Opaque.
    pub data: Vec<u8>,
}

impl Store {
    /// Keeps a part of a body before its operation exists; `body` is from [`Store::reserve_ids`].
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn put_body_part(&self, body: i64, part: &BodyPart) -> Result<(), StoreError> {
        match put(self.single_write(), self.inner.clock.micros(), body, std::slice::from_ref(part)).await {
            // Nobody else has this id: an earlier try kept it, and its answer was lost.
            Err(StoreError::Duplicate { .. }) => Ok(()),
            kept => kept,
        }
    }

    /// One part of a body; `None` behind the last.
    pub async fn body_part(&self, body: i64, part: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let row = body_part::Entity::find_by_id((body, part_number(part)?)).one(&self.inner.read).await?;
        Ok(row.map(|row| row.data))
    }

    /// Drops all parts of a body.
    pub async fn drop_body(&self, body: i64) -> Result<(), StoreError> {
        let parts = body_part::Entity::delete_many().filter(body_part::Column::BodyId.eq(body));
        parts.exec(self.single_write()).await?;
        Ok(())
    }
}

impl Txn {
    /// Keeps parts of a body.
    pub(super) async fn put_body_parts(&mut self, body: i64, parts: &[BodyPart]) -> Result<(), StoreError> {
        const COLUMNS: usize = 4;
        for chunk in content_chunks(self.inner.dialect, COLUMNS, parts, |part| part.data.len()) {
            put(&self.transaction, self.inner.clock.micros(), body, chunk).await?;
        }
        Ok(())
    }
}

async fn put(connection: &impl ConnectionTrait, now: i64, body: i64, parts: &[BodyPart]) -> Result<(), StoreError> {
    let rows = parts.iter().map(|part| {
        let number = part_number(part.part)?;
        Ok(body_part::ActiveModel {
            body_id: Set(body),
            part: Set(number),
            data: Set(part.data.clone()),
            created_at: Set(now),
        })
    });
    let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
    body_part::Entity::insert_many(rows).exec_without_returning(connection).await?;
    Ok(())
}

fn part_number(part: u32) -> Result<i32, StoreError> {
    i32::try_from(part).map_err(super::connection::out_of_range)
}
