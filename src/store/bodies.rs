//! Request bodies, kept in parts before their operation exists (core 11.5: durable before the 202).

use super::{Store, StoreError};
use crate::protocol::Stamp;
use entities::body_part;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

impl Store {
    /// Keeps one part of a body; `body` is from [`Store::reserve_ids`], `part` counts from 0.
    ///
    /// # Errors
    /// Those of any write, as for all below.
    pub async fn put_body_part(&self, body: i64, part: u32, data: &[u8]) -> Result<(), StoreError> {
        let row = body_part::ActiveModel {
            body_id: Set(body),
            part: Set(part_number(part)?),
            data: Set(data.to_vec()),
            created_at: Set(Stamp::now().to_micros()),
        };
        body_part::Entity::insert_many([row]).exec_without_returning(&self.inner.write).await?;
        Ok(())
    }

    /// One part of a body; `None` behind the last.
    pub async fn body_part(&self, body: i64, part: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let row = body_part::Entity::find_by_id((body, part_number(part)?)).one(&self.inner.read).await?;
        Ok(row.map(|row| row.data))
    }

    /// Drops all parts of a body.
    pub async fn drop_body(&self, body: i64) -> Result<(), StoreError> {
        let parts = body_part::Entity::delete_many().filter(body_part::Column::BodyId.eq(body));
        parts.exec(&self.inner.write).await?;
        Ok(())
    }
}

fn part_number(part: u32) -> Result<i32, StoreError> {
    i32::try_from(part).map_err(super::connection::out_of_range)
}
