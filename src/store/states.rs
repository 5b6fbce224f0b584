//! Synchronization states as columns.

use super::StoreError;
use super::connection::missing;
use crate::protocol::{Endpoint, Stamp, SyncState, Tick};
use std::collections::{BTreeSet, HashMap};

/// A state as a row has it: endpoint, tick, stamp in microseconds, user. It is one only if the first three are there.
pub(super) fn from_columns(
    endpoints: &HashMap<i64, Endpoint>,
    (endpoint, tick, stamp): (Option<i64>, Option<i64>, Option<i64>),
    user: Option<String>,
) -> Result<Option<SyncState>, StoreError> {
    let (Some(endpoint), Some(tick), Some(stamp)) = (endpoint, tick, stamp) else { return Ok(None) };
    let endpoint = endpoints.get(&endpoint).cloned().ok_or_else(|| missing(format_args!("endpoint {endpoint}")))?;
    Ok(Some(SyncState { endpoint, tick: Tick::from_i64(tick), stamp: Stamp::from_micros(stamp), user }))
}

/// The endpoints of `states`, each once.
pub(super) fn endpoints_of<'a>(states: impl IntoIterator<Item = &'a SyncState>) -> Vec<Endpoint> {
    let endpoints: BTreeSet<&Endpoint> = states.into_iter().map(|state| &state.endpoint).collect();
    endpoints.into_iter().cloned().collect()
}
