//! `{kind}/$syncDigest` (sync 4.1, 5.1).

use super::request::Asked;
use super::{Service, respond};
use crate::protocol::Digest;
use crate::protocol::operation::SYNC_DIGEST;
use crate::provider::audit::event;
use crate::provider::digest::DigestWrite;
use crate::provider::{Collection, Error};
use crate::store::{EventOperation, EventOutcome};
use crate::wire::{DigestUse, digest_entry, read_digest_entry};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use std::time::Instant;

/// `GET`: the digest, every change made until now included.
pub(super) async fn read(service: &Service, collection: &Collection, asked: Asked<'_>) -> Result<HttpResponse, Error> {
    let started = Instant::now();
    let digest = service.provider.read_digest(collection).await?;
    let (origin, times) = (asked.origin(), (started, service.provider.now()));
    let event = event(collection, &origin, EventOperation::DigestRead, EventOutcome::Ok, 200, times);
    service.provider.note(event, &origin).await;
    answer(collection, &asked, &digest)
}

/// `POST` merges, `PUT` replaces; both answer the digest as stored.
pub(super) async fn write(
    service: &Service,
    collection: &Collection,
    mut asked: Asked<'_>,
    write: DigestWrite,
) -> Result<HttpResponse, Error> {
    let body = asked.body().await?;
    let sent = read_digest_entry(&body, DigestUse::Written, service.limits.read)?;
    let digest = service.provider.write_digest(collection, &sent, write, &asked.origin()).await?;
    answer(collection, &asked, &digest)
}

fn answer(collection: &Collection, asked: &Asked<'_>, digest: &Digest) -> Result<HttpResponse, Error> {
    let url = format!("{}/{SYNC_DIGEST}", collection.url);
    // As old as the last change it knows of: while that is the same, so is the answer.
    let updated = digest.entries.values().map(|entry| entry.stamp).max().unwrap_or_default();
    respond::entry(&asked.wanted, StatusCode::OK, &digest_entry(digest, &url, updated))
}
