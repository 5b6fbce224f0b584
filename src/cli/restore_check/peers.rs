//! Who is asked, and what each answers.

use crate::engine::{self, Address, Remote, read_digest};
use crate::protocol::{Digest, Endpoint, Tick};
use crate::provider::{Collection, Provider};
use std::collections::BTreeMap;
use std::sync::Arc;
use url::{Origin, Url};

/// What one peer knows of one collection of ours.
pub(super) struct Asked {
    pub(super) collection: Arc<Collection>,
    /// Its URL.
    pub(super) peer: String,
    pub(super) own_tick: Tick,
    /// Our tick there, or why nobody says it.
    pub(super) known: Result<Tick, String>,
    /// All it says.
    pub(super) digest: Option<Digest>,
}

impl Asked {
    pub(super) fn is_ahead(&self) -> bool {
        self.known.as_ref().is_ok_and(|known| *known > self.own_tick)
    }

    pub(super) fn verdict(&self) -> String {
        match &self.known {
            Err(reason) => reason.clone(),
            Ok(Tick::ZERO) => "knows nothing of us".to_owned(),
            Ok(known) if *known > self.own_tick => {
                format!("ahead by {}: we have forgotten what it knows", known.value() - self.own_tick.value())
            }
            Ok(known) if *known < self.own_tick => "behind, as peers are".to_owned(),
            Ok(_) => "even".to_owned(),
        }
    }
}

/// Asks everybody about every collection that is synchronized: those who take changes from here, whoever else a digest knows, and
/// `others`.
///
/// # Errors
/// When the store cannot be read, or no client can be had.
pub(super) async fn ask_all(
    provider: &Provider,
    others: &[Address],
    client: impl Fn([&Url; 2]) -> anyhow::Result<Remote>,
) -> anyhow::Result<Vec<Asked>> {
    let mut asked = Vec::new();
    // Who does not answer once is not waited for again.
    let mut silent: Vec<(Origin, String)> = Vec::new();
    for collection in in_sync_order(provider) {
        let own = provider.store.glance(collection.id).await?.digest;
        let own_tick = own.tick_of(&collection.endpoint);
        for (peer, address) in peers_of(provider, &collection, &own, others).await? {
            let answer = match address {
                Some(address) => ask(&address, &client, &mut silent).await?,
                None => Err("its URL cannot be asked".to_owned()),
            };
            let known = answer.as_ref().map(|digest| digest.tick_of(&collection.endpoint)).map_err(Clone::clone);
            let collection = Arc::clone(&collection);
            asked.push(Asked { collection, peer, own_tick, known, digest: answer.ok() });
        }
    }
    Ok(asked)
}

/// What a peer answers, or why it does not.
async fn ask(
    peer: &engine::Collection,
    client: &impl Fn([&Url; 2]) -> anyhow::Result<Remote>,
    silent: &mut Vec<(Origin, String)>,
) -> anyhow::Result<Result<Digest, String>> {
    let origin = peer.url().origin();
    if let Some((_, reason)) = silent.iter().find(|(silent, _)| *silent == origin) {
        return Ok(Err(reason.clone()));
    }
    let answer = read_digest(&client([peer.url(), peer.url()])?, peer).await;
    Ok(answer.map_err(|error| {
        let reason = format!("did not answer: {error}");
        if matches!(error, engine::EngineError::Unreachable { .. }) {
            silent.push((origin, reason.clone()));
        }
        reason
    }))
}

/// What others refer to comes first.
fn in_sync_order(provider: &Provider) -> Vec<Arc<Collection>> {
    let mut collections: Vec<_> =
        provider.collections().filter(|collection| collection.is_synchronized()).cloned().collect();
    collections.sort_by_key(|collection| (collection.kind.sync_order.is_none(), collection.kind.sync_order));
    collections
}

/// By their URLs; none to ask where an endpoint's URL is no collection's, which may know what we have forgotten nevertheless.
async fn peers_of(
    provider: &Provider,
    collection: &Collection,
    own: &Digest,
    others: &[Address],
) -> anyhow::Result<BTreeMap<String, Option<engine::Collection>>> {
    let taking = provider.store.peers(collection.id).await?.into_iter().map(|(peer, _)| peer);
    let awaited = provider.store.awaited(collection.id).await?;
    let endpoints = taking.chain(awaited).chain(own.entries.keys().cloned());
    let endpoints = endpoints.filter(|endpoint| *endpoint != collection.endpoint);
    let named = endpoints.map(|endpoint: Endpoint| match Address::parse(endpoint.as_str()) {
        Ok(Address::Collection(peer)) => (peer.url().to_string(), Some(peer)),
        Ok(Address::Dataset(_)) | Err(_) => (endpoint.to_string(), None),
    });
    let given = others.iter().filter_map(|other| match other {
        Address::Collection(peer) => (peer.resource_kind() == *collection.kind.plural_name).then(|| peer.clone()),
        Address::Dataset(dataset) => Some(dataset.collection(&collection.kind.plural_name)),
    });
    let given = given.map(|peer| (peer.url().to_string(), Some(peer)));
    Ok(named.chain(given).collect())
}
