//! Asking a provider how far it has come.

use super::address::Collection;
use super::error::EngineError;
use super::pass::unreadable;
use super::remote::Remote;
use crate::protocol::Digest;
use crate::wire::{DigestUse, ReadLimits, read_digest_entry};

/// Asks a provider for the digest of a collection (sync 4.1).
///
/// # Errors
/// [`EngineError`] when it does not answer with one.
pub async fn read_digest(remote: &Remote, collection: &Collection) -> Result<Digest, EngineError> {
    let url = collection.sync_digest();
    let answer = remote.get(&url).await?;
    if !answer.status.is_success() {
        return Err(answer.refusal());
    }
    read_digest_entry(&answer.body, DigestUse::Pass, ReadLimits::WIDEST)
        .map_err(|reason| unreadable(&url, "digest", reason))
}
