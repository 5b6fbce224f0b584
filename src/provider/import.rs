//! Many resources at once, as a file brings them (core 8, 9).

use super::batch::{Done, Request};
use super::{Collection, Error, Provider};
use crate::wire::Element;

/// What became of an imported resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// It is new, with the key and the UUID it brought.
    Created,
    /// It was here and is changed.
    Updated,
    /// It was here and is the same: no change that others would have to learn of.
    Unchanged,
}

impl Provider {
    /// Creates or changes resources, a few hundred at a time. A resource whose UUID is known here is changed, else one
    /// whose key is; what is neither is created. One outcome for each, in order; a resource may refer by key to those
    /// before it.
    ///
    /// # Errors
    /// When the store fails. What is wrong with a single resource is its outcome.
    pub async fn import(
        &self,
        collection: &Collection,
        resources: Vec<Element>,
    ) -> Result<Vec<Result<Imported, Error>>, Error> {
        let requests: Vec<_> = resources.into_iter().map(Request::merge).collect();
        let outcomes = self.carry_out_all(collection, &requests, None).await?;
        let imported = outcomes.into_iter().map(|outcome| {
            outcome.done.map(|done| match done {
                Done::Created => Imported::Created,
                Done::Updated | Done::Deleted => Imported::Updated,
                Done::Unchanged | Done::Read => Imported::Unchanged,
            })
        });
        Ok(imported.collect())
    }
}
