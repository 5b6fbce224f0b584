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
    pub(super) peer: engine::Collection,
    pub(super) own_tick: Tick,
    /// Our tick there, or why the peer does not say.
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
            Err(reason) => format!("did not answer: {reason}"),
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
        for peer in peers_of(provider, &collection, &own, others).await?.into_values() {
            let origin = peer.url().origin();
            let known_silent = silent.iter().find(|(silent, _)| *silent == origin).map(|(_, reason)| reason.clone());
            let answer = match known_silent {
                Some(reason) => Err(reason),
                None => read_digest(&client([peer.url(), peer.url()])?, &peer).await.map_err(|error| {
                    if matches!(error, engine::EngineError::Unreachable { .. }) {
                        silent.push((origin, error.to_string()));
                    }
                    error.to_string()
                }),
            };
            let known = answer.as_ref().map(|digest| digest.tick_of(&collection.endpoint)).map_err(Clone::clone);
            let collection = Arc::clone(&collection);
            asked.push(Asked { collection, peer, own_tick, known, digest: answer.ok() });
        }
    }
    Ok(asked)
}

/// What others refer to comes first.
fn in_sync_order(provider: &Provider) -> Vec<Arc<Collection>> {
    let mut collections: Vec<_> =
        provider.collections().filter(|collection| collection.is_synchronized()).cloned().collect();
    collections.sort_by_key(|collection| (collection.kind.sync_order.is_none(), collection.kind.sync_order));
    collections
}

async fn peers_of(
    provider: &Provider,
    collection: &Collection,
    own: &Digest,
    others: &[Address],
) -> anyhow::Result<BTreeMap<String, engine::Collection>> {
    let taking = provider.store.peers(collection.id).await?.into_iter().map(|(peer, _)| peer);
    let awaited = provider.store.awaited(collection.id).await?;
    let endpoints = taking.chain(awaited).chain(own.entries.keys().cloned());
    let endpoints = endpoints.filter(|endpoint| *endpoint != collection.endpoint);
    let named = endpoints.filter_map(|endpoint: Endpoint| match Address::parse(endpoint.as_str()) {
        Ok(Address::Collection(peer)) => Some(peer),
        // A foreign endpoint need not be a URL of this shape: then there is nobody to ask.
        Ok(Address::Dataset(_)) | Err(_) => None,
    });
    let given = others.iter().filter_map(|other| match other {
        Address::Collection(peer) => (peer.resource_kind() == *collection.kind.plural_name).then(|| peer.clone()),
        Address::Dataset(dataset) => Some(dataset.collection(&collection.kind.plural_name)),
    });
    Ok(named.chain(given).map(|peer| (peer.url().to_string(), peer)).collect())
}
