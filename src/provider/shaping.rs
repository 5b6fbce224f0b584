//! Resources, and parts of them, as a consumer asked to see them (core 3.9, 6.5): cut down to what is shown, with keys and
//! URLs, and with the resources they refer to where these are to be embedded.

use super::access::ClosedKinds;
use super::{Collection, Error, Provider};
use crate::contract::{Located, Reference, TypeId, View};
use crate::store::Document;
use crate::wire::names::SDATA;
use crate::wire::{Element, Node};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What of resources is sent.
#[derive(Debug, Clone)]
pub struct Shaping {
    /// What their payloads show; `None` leaves the payloads out (`precedence=0`).
    pub view: Option<View>,
    /// Whether resources, children and references say in words what they are (`include=$descriptors`).
    pub descriptors: bool,
    /// Only what the writer of the resource does not know (`returnDelta`).
    pub delta: Option<Delta>,
    /// Kinds of which nothing is told: references to them stay links.
    pub closed: ClosedKinds,
}

/// What a writer knows of the resource it is answered.
#[derive(Debug, Clone)]
pub struct Delta {
    /// The resource as it was sent.
    pub sent: Element,
    /// Whether it was created by that.
    pub is_new: bool,
}

impl Default for Shaping {
    /// The whole payload, references as links.
    fn default() -> Self {
        Self { view: Some(View::default()), descriptors: false, delta: None, closed: ClosedKinds::default() }
    }
}

/// A resource, or a part of one that has a URL of its own.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its type in the contract.
    pub type_id: TypeId,
    /// Where it is.
    pub url: String,
    /// As it is stored, until it is presented.
    pub element: Element,
}

/// Keys by plural name of the kind.
type Keys = BTreeMap<Arc<str>, BTreeSet<String>>;

/// Plural name of a kind, and key.
type Identity = (Arc<str>, String);

/// Live resources that references lead to.
type Referenced = HashMap<Identity, Document>;

impl Provider {
    /// Makes of stored parts what is sent of them. Statements: two for each kind that is referred to, and two for each
    /// kind and path that is embedded, whatever the number of parts.
    ///
    /// # Errors
    /// When the store cannot be read, or a stored payload cannot.
    pub(super) fn present<'a>(
        &'a self,
        collection: &'a Collection,
        parts: &'a mut [Part],
        view: &'a View,
        (descriptors, closed): (bool, &'a ClosedKinds),
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>> {
        Box::pin(async move {
            let contract = &collection.contract;
            for part in parts.iter_mut() {
                if descriptors {
                    contract.describe(part.type_id, &mut part.element);
                }
                contract.show(part.type_id, &mut part.element, view);
            }
            self.dress(collection, parts).await?;
            let types: BTreeSet<TypeId> = parts.iter().map(|part| part.type_id).collect();
            let embedded: Vec<_> = types
                .iter()
                .flat_map(|id| contract.embedded(*id, view).into_iter().map(|(way, view)| (*id, way, view)))
                .collect();
            let mut wanted = Keys::new();
            if descriptors {
                for part in parts.iter_mut() {
                    contract.each_reference(part.type_id, &mut part.element, &mut |kind, element| {
                        note_key(&mut wanted, kind, element);
                    });
                }
            }
            for (id, way, _) in &embedded {
                note_keys_at(collection, parts, (*id, way), &mut wanted);
            }
            wanted.retain(|kind, _| !closed.contains(kind));
            let referenced = self.documents_at(collection, &wanted).await?;
            if descriptors {
                self.describe_references(collection, parts, &referenced)?;
            }
            for (id, way, view) in embedded {
                self.embed(collection, parts, (id, &way), &referenced, (view, descriptors, closed)).await?;
            }
            Ok(())
        })
    }

    /// Gives references and children what readers find them by.
    async fn dress(&self, collection: &Collection, parts: &mut [Part]) -> Result<(), Error> {
        let contract = &collection.contract;
        let references: Vec<_> =
            parts.iter().flat_map(|part| contract.references_in(part.type_id, &part.element)).collect();
        let referenced = self.referenced(collection, &references).await?;
        let locate = |reference: &Reference| {
            let found = referenced.get(reference)?;
            let sibling = self.sibling(collection, &reference.kind)?;
            Some(Located { key: found.key.clone(), url: sibling.resource_url(&found.key), uuid: found.uuid })
        };
        for part in parts {
            contract.dress_part(part.type_id, &mut part.element, &part.url, &locate);
        }
        Ok(())
    }

    /// The live resources with these keys, one statement a kind.
    async fn documents_at(&self, collection: &Collection, keys: &Keys) -> Result<Referenced, Error> {
        let mut found = Referenced::new();
        for (kind, keys) in keys {
            let Some(sibling) = self.sibling(collection, kind) else { continue };
            let keys: Vec<String> = keys.iter().cloned().collect();
            let documents = self.store.by_keys(sibling.id, &keys).await?;
            let live = documents.into_iter().filter(|(_, document)| !document.resource.deleted);
            found.extend(live.map(|(key, document)| ((Arc::clone(kind), key), document)));
        }
        Ok(found)
    }

    fn describe_references(
        &self,
        collection: &Collection,
        parts: &mut [Part],
        referenced: &Referenced,
    ) -> Result<(), Error> {
        let mut titles = HashMap::new();
        for ((kind, key), document) in referenced {
            let Some(sibling) = self.sibling(collection, kind) else { continue };
            let resource = sibling.element(document.payload.as_deref().unwrap_or_default())?;
            titles.insert((Arc::clone(kind), key.clone()), sibling.contract.title(&sibling.kind, &resource));
        }
        for part in parts {
            collection.contract.each_reference(part.type_id, &mut part.element, &mut |kind, element| {
                if let Some(title) = identity(kind, element).and_then(|identity| titles.get(&identity)) {
                    element.set_attribute(SDATA, "descriptor", title);
                }
            });
        }
        Ok(())
    }

    /// Puts what `view` shows of the referenced resources into the references at `way`.
    async fn embed(
        &self,
        collection: &Collection,
        parts: &mut [Part],
        (id, way): (TypeId, &[Arc<str>]),
        referenced: &Referenced,
        (view, descriptors, closed): (&View, bool, &ClosedKinds),
    ) -> Result<(), Error> {
        let mut keys = Keys::new();
        note_keys_at(collection, parts, (id, way), &mut keys);
        let mut contents: HashMap<Identity, Vec<Node>> = HashMap::new();
        for (kind, keys) in keys {
            let Some(sibling) = self.sibling(collection, &kind) else { continue };
            let mut found = Vec::new();
            let mut inner = Vec::new();
            for key in keys {
                let identity = (Arc::clone(&kind), key);
                let Some(document) = referenced.get(&identity) else { continue };
                inner.push(Part::of(sibling, document)?);
                found.push(identity);
            }
            self.present(sibling, &mut inner, view, (descriptors, closed)).await?;
            contents.extend(found.into_iter().zip(inner.into_iter().map(|part| part.element.content)));
        }
        for part in parts.iter_mut().filter(|part| part.type_id == id) {
            collection.contract.each_reference_at(id, &mut part.element, way, &mut |kind, element| {
                if let Some(content) = identity(kind, element).and_then(|identity| contents.get(&identity)) {
                    element.content.clone_from(content);
                }
            });
        }
        Ok(())
    }
}

impl Part {
    /// The stored resource as a part.
    ///
    /// # Errors
    /// When its payload cannot be read.
    pub(super) fn of(collection: &Collection, document: &Document) -> Result<Self, Error> {
        let element = collection.element(document.payload.as_deref().unwrap_or_default())?;
        let url = collection.resource_url(&document.resource.key);
        Ok(Self { type_id: collection.kind.type_id, url, element })
    }
}

fn note_keys_at(collection: &Collection, parts: &mut [Part], (id, way): (TypeId, &[Arc<str>]), keys: &mut Keys) {
    for part in parts.iter_mut().filter(|part| part.type_id == id) {
        collection.contract.each_reference_at(id, &mut part.element, way, &mut |kind, element| {
            note_key(keys, kind, element);
        });
    }
}

fn note_key(keys: &mut Keys, kind: &Arc<str>, element: &Element) {
    if let Some((kind, key)) = identity(kind, element) {
        keys.entry(kind).or_default().insert(key);
    }
}

/// Where a dressed reference leads; `None` when to nothing that is here.
fn identity(kind: &Arc<str>, element: &Element) -> Option<Identity> {
    element.attribute(SDATA, "key").map(|key| (Arc::clone(kind), key.to_owned()))
}
