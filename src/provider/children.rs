//! Children at URLs of their own: reading them, and changing them as changes of the resource they live in (core 6.8, 8.3,
//! 9.4, 10.3).
//!
//! A child has its resource's ETag, because it is a version of the resource that a change is made for.

use super::property::{Child, Children, Holder, Named, PropertyUrl};
use super::resources::check_etag;
use super::shaping::{Part, Shaping};
use super::{Error, Provider};
use crate::protocol::etag;
use crate::protocol::operation::TEMPLATE;
use crate::protocol::url::selected;
use crate::store::Document;
use crate::wire::names::{SDATA, XSI};
use crate::wire::{Category, Element, Entry, EntryOut, HttpOut, Link, Node, PayloadOut, PayloadRead, ResourceOut};
use bytes::Bytes;
use std::sync::Arc;
use uuid::Uuid;

/// Tries of a change whose resource is changed by others at the same moment.
const TRIES: u32 = 5;

/// Who changes a child, and which version of its resource the change was made for.
#[derive(Debug, Clone, Copy)]
pub struct Changer<'a> {
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// The user.
    pub user: Option<&'a str>,
}

impl Provider {
    /// The entry of a child.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or what the store says.
    pub async fn child_entry(&self, child: &Child, shaping: &Shaping) -> Result<EntryOut, Error> {
        let element = child.element.clone().ok_or_else(|| child.holder.missing())?;
        let part = Part { type_id: child.type_id, url: child.url.clone(), element };
        let entry = self.parts(&child.holder, vec![part], shaping).await?.pop();
        entry.ok_or_else(|| Error::Internal("a child has no entry".to_owned()))
    }

    /// The entries of some children of a list, given by their positions.
    ///
    /// # Errors
    /// What the store says.
    pub async fn children_entries(
        &self,
        children: &Children,
        positions: impl Iterator<Item = usize>,
        shaping: &Shaping,
    ) -> Result<Vec<EntryOut>, Error> {
        self.parts(&children.holder, children.parts(positions).collect(), shaping).await
    }

    async fn parts(&self, holder: &Holder, mut parts: Vec<Part>, shaping: &Shaping) -> Result<Vec<EntryOut>, Error> {
        let contract = &holder.collection.contract;
        let titles: Vec<_> = parts.iter().map(|part| contract.title_of(part.type_id, &part.element)).collect();
        if let Some(view) = &shaping.view {
            self.present(&holder.collection, &mut parts, view, (shaping.descriptors, &shaping.closed)).await?;
        }
        let entries = parts.into_iter().zip(titles).map(|(mut part, title)| {
            if let Some(delta) = &shaping.delta {
                contract.keep_delta(part.type_id, &mut part.element, &delta.sent, delta.is_new);
            }
            holder.entry(&part, title, shaping.view.is_some())
        });
        entries.collect()
    }

    /// Adds a child to a list, or the only child to a property that has none (core 8.3).
    ///
    /// # Errors
    /// [`Error::Taken`] when it is there already; else those of [`Provider::update`].
    pub async fn add_child(&self, at: PropertyUrl<'_>, sent: &Element, by: Changer<'_>) -> Result<Child, Error> {
        self.retried(async || match self.named(at).await? {
            Named::Children(children) => {
                children.refuse_known(sent)?;
                let mut item = sent.clone();
                item.remove_attribute(SDATA, "key");
                if item.uuid().is_none() {
                    // By it the child is found again, whatever others add to the list at the same moment.
                    item.set_attribute(SDATA, "uuid", Uuid::new_v4().to_string());
                }
                let uuid = item.uuid();
                let change = children.holder.change(|list| list.content.push(Node::Element(item)));
                self.change(&children.holder, change, by).await?;
                let Named::Children(after) = self.named(at).await? else {
                    return Err(children.holder.missing());
                };
                let added = after.items.iter().find(|item| item.uuid() == uuid).and_then(key_of);
                let added = added.ok_or_else(|| after.holder.missing())?;
                after.item(&added)
            }
            Named::Child(child) if child.key.is_none() => {
                if child.element.is_some() {
                    return Err(Error::Taken(format!(
                        "'{}' is there already; PUT changes it",
                        child.holder.property()
                    )));
                }
                self.replace(&child, sent, by).await?;
                self.child(at).await
            }
            other => Err(Error::Internal(format!("nothing can be added to {other:?}"))),
        })
        .await
    }

    /// Changes a child: what is not sent stays as it is (core 9.2, 9.4).
    ///
    /// # Errors
    /// [`Error::NoPrecondition`] without `If-Match`; else those of [`Provider::update`].
    pub async fn change_child(&self, at: PropertyUrl<'_>, sent: &Element, by: Changer<'_>) -> Result<Child, Error> {
        if by.if_match.is_none() {
            return Err(Error::NoPrecondition);
        }
        self.retried(async || {
            let child = self.child(at).await?;
            let stored = child.element.as_ref().ok_or_else(|| child.holder.missing())?;
            let uuid = |element: &Element| element.uuid().and_then(Result::ok);
            if let (Some(sent), Some(borne)) = (uuid(sent), uuid(stored))
                && sent != borne
            {
                return Err(Error::Taken(format!("the child has the UUID {borne}; a PUT does not change it")));
            }
            self.replace(&child, sent, by).await?;
            self.child(at).await
        })
        .await
    }

    /// Deletes a child (core 10.3).
    ///
    /// # Errors
    /// Those of [`Provider::update`].
    pub async fn delete_child(&self, at: PropertyUrl<'_>, by: Changer<'_>) -> Result<(), Error> {
        self.retried(async || {
            let child = self.child(at).await?;
            let stored = child.element.as_ref().ok_or_else(|| child.holder.missing())?;
            let change = child.holder.change(|property| match &child.key {
                Some(key) => {
                    let mut item = Element::new(&stored.namespace, &stored.name);
                    item.set_attribute(SDATA, "key", key);
                    item.set_attribute(SDATA, "isDeleted", "true");
                    property.content.push(Node::Element(item));
                }
                None => property.set_attribute(XSI, "nil", "true"),
            });
            self.change(&child.holder, change, by).await
        })
        .await
    }

    /// The child that a URL names.
    async fn child(&self, at: PropertyUrl<'_>) -> Result<Child, Error> {
        match self.named(at).await? {
            Named::Child(child) => Ok(child),
            other => Err(Error::Internal(format!("{other:?} is no child"))),
        }
    }

    /// Lays `sent` over a child.
    async fn replace(&self, child: &Child, sent: &Element, by: Changer<'_>) -> Result<(), Error> {
        if sent.is_deleted() || sent.is_nil() {
            return Err(Error::BadBody("a child is deleted by DELETE, not by what is sent".to_owned()));
        }
        let change = child.holder.change(|property| match &child.key {
            Some(key) => {
                let mut item = sent.clone();
                item.set_attribute(SDATA, "key", key);
                property.content.push(Node::Element(item));
            }
            None => {
                property.attributes.clone_from(&sent.attributes);
                property.content.clone_from(&sent.content);
            }
        });
        self.change(&child.holder, change, by).await
    }

    /// Makes a change that was worked out on the holder's document: only that version is changed.
    async fn change(&self, holder: &Holder, change: Element, by: Changer<'_>) -> Result<(), Error> {
        if let Some(if_match) = by.if_match {
            check_etag(&holder.document, if_match)?;
        }
        let payload = PayloadRead { resource: Some(change), ..PayloadRead::default() };
        let entry = Entry { payload: Some(payload), ..Entry::default() };
        let Document { resource, .. } = &holder.document;
        self.update(&holder.collection, &resource.key, entry, Some(&resource.etag), by.user).await?;
        Ok(())
    }

    /// Tries again while others change the same resource at the same moment.
    async fn retried<T>(&self, change: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
        let mut tries = 1;
        loop {
            match change().await {
                Err(Error::OutOfDate { .. }) if tries < TRIES => tries += 1,
                done => return done,
            }
        }
    }

    /// What a new child of a list, or the only child of a property, starts with (core 8.3).
    ///
    /// # Errors
    /// When the contract's default values are not XML.
    pub fn child_template(&self, named: &Named, shaping: &Shaping) -> Result<EntryOut, Error> {
        let (holder, url, item) = match named {
            Named::Children(children) => {
                let item = children.first_item().map(|(item, id)| (item.name.clone(), item.namespace.clone(), id));
                (&children.holder, &children.url, item)
            }
            Named::Child(child) if child.key.is_none() => {
                let property = child.holder.empty();
                (&child.holder, &child.url, Some((property.name.clone(), property.namespace.clone(), child.type_id)))
            }
            Named::Resource(..) | Named::Child(_) | Named::Associated(_) => {
                return Err(Error::BadUrl("only children have a $template here".to_owned()));
            }
        };
        let (name, namespace, id) = item.ok_or_else(|| Error::Internal("a list has no items".to_owned()))?;
        let contract = &holder.collection.contract;
        let template = shaping.view.as_ref().map(|view| contract.template(id, &name, &namespace, view));
        self.template_entry(&holder.collection, format!("{url}/{TEMPLATE}"), &holder.label, template)
    }
}

impl Children {
    /// The children at these positions, as they are stored.
    pub(super) fn parts(&self, positions: impl Iterator<Item = usize>) -> impl Iterator<Item = Part> {
        positions.filter_map(|at| {
            let element = self.items.get(at)?.clone();
            let type_id = self.holder.collection.contract.item_type(self.list, &element)?;
            let url = selected(&self.url, element.attribute(SDATA, "key").unwrap_or_default());
            Some(Part { type_id, url, element })
        })
    }

    /// A POST makes a new child; what bears the UUID or key of another is none.
    fn refuse_known(&self, sent: &Element) -> Result<(), Error> {
        if sent.is_deleted() || sent.is_nil() {
            return Err(Error::BadBody("a POST creates a child; the one sent is marked as deleted or null".to_owned()));
        }
        let uuid = sent.uuid().and_then(Result::ok);
        let is_known = |item: &Element| {
            let same_uuid = uuid.is_some() && item.uuid().and_then(Result::ok) == uuid;
            same_uuid || key_of(sent).is_some_and(|key| key_of(item) == Some(key))
        };
        if self.items.iter().any(is_known) {
            return Err(Error::Taken("the list has a child with this identity; PUT changes it".to_owned()));
        }
        Ok(())
    }
}

impl Holder {
    fn missing(&self) -> Error {
        Error::no_such("child at", self.property())
    }

    /// The entry of a part that was presented (core 7.4).
    fn entry(&self, part: &Part, title: Option<String>, has_payload: bool) -> Result<EntryOut, Error> {
        let element = &part.element;
        let resource = &self.document.resource;
        let title = title.unwrap_or_else(|| format!("{} {}", self.label, key_of(element).unwrap_or_default()));
        let mut links = vec![Link::entry("self", &part.url, "Refresh")];
        if self.is_writable {
            links.push(Link::entry("edit", &part.url, "Edit"));
        }
        let payload = PayloadOut::Resource(ResourceOut {
            namespace: Arc::clone(&element.namespace),
            name: Arc::clone(&element.name),
            key: key_of(element),
            url: Some(part.url.clone()),
            uuid: element.uuid().and_then(Result::ok),
            former_uuids: Vec::new(),
            descriptor: element.attribute(SDATA, "descriptor").map(str::to_owned),
            deleted: false,
            content: Bytes::from(element.content_xml()?),
        });
        let mut entry = EntryOut {
            id: part.url.clone(),
            content: title.clone(),
            title,
            updated: resource.stamp,
            published: None,
            author: resource.user.clone().unwrap_or_else(|| self.collection.name.application.clone()),
            category: Some(Category { term: "resource".to_owned(), label: self.label.clone() }),
            links,
            http: HttpOut::default(),
            sync_state: None,
            payload: has_payload.then_some(payload),
            diagnoses: Vec::new(),
            schema: None,
        };
        entry.http.etag = Some(etag::extended(&resource.etag, &self.collection.view_of(resource, &entry)));
        Ok(entry)
    }
}

fn key_of(element: &Element) -> Option<String> {
    element.attribute(SDATA, "key").map(str::to_owned)
}
