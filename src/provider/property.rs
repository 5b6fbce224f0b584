//! What a property URL names (core 2.3): the way from a resource through its properties, and what is at its end.

use super::access::ClosedKinds;
use super::shaping::Part;
use super::{Collection, Error, Provider};
use crate::contract::{ComplexType, Property, Relationship, Shape, TypeId};
use crate::protocol::path::Segment;
use crate::protocol::url::selected;
use crate::store::Document;
use crate::wire::names::SDATA;
use crate::wire::{Element, Node};
use std::sync::Arc;

/// A property URL as somebody may follow it.
#[derive(Debug, Clone, Copy)]
pub struct PropertyUrl<'a> {
    /// The collection of the resource it begins at.
    pub collection: &'a Arc<Collection>,
    /// The key of that resource.
    pub key: &'a str,
    /// The properties behind it.
    pub segments: &'a [Segment],
    /// Kinds that the way must not lead to.
    pub closed: &'a ClosedKinds,
}

/// What is at the end of a property URL.
#[derive(Debug)]
pub enum Named {
    /// A resource of its own, which a reference leads to.
    Resource(Arc<Collection>, Document),
    /// A child of a resource.
    Child(Child),
    /// A list of children.
    Children(Children),
    /// The resources that a resource is associated with.
    Associated(Associated),
}

/// The resource that children live in, and the way to them.
#[derive(Debug)]
pub struct Holder {
    /// The collection of the resource.
    pub collection: Arc<Collection>,
    /// The resource as it is now.
    pub document: Document,
    /// Whether the children may be changed by clients.
    pub is_writable: bool,
    /// What the children are called.
    pub label: String,
    /// From the resource element, exclusive, to what holds the children: names, and keys where there are several.
    way: Vec<Element>,
    /// The property's element, without what it holds.
    property: Element,
}

/// A child at the end of a property URL.
#[derive(Debug)]
pub struct Child {
    /// Where it lives.
    pub holder: Holder,
    /// Where it is.
    pub url: String,
    /// Its type in the contract.
    pub type_id: TypeId,
    /// Its key in its list; `None` for the only child of a property.
    pub key: Option<String>,
    /// As it is stored; `None` when there is none. An item of a list always is.
    pub element: Option<Element>,
}

/// A list of children at the end of a property URL.
#[derive(Debug)]
pub struct Children {
    /// Where they live.
    pub holder: Holder,
    /// Where they are.
    pub url: String,
    /// The type of the list.
    pub list: TypeId,
    /// As they are stored.
    pub items: Vec<Element>,
}

/// Associated resources at the end of a property URL.
#[derive(Debug)]
pub struct Associated {
    /// Where they are.
    pub url: String,
    /// What they are called.
    pub label: String,
    /// Collection and key of each, in order.
    pub resources: Vec<(Arc<Collection>, String)>,
    /// The resource whose associations they are.
    pub document: Document,
}

impl Associated {
    /// The keys of all.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.resources.iter().map(|(_, key)| key.clone()).collect()
    }

    /// The collection of all of them, if they are of one kind.
    #[must_use]
    pub fn kind(&self) -> Option<&Arc<Collection>> {
        let (first, _) = self.resources.first()?;
        self.resources.iter().all(|(collection, _)| collection.id == first.id).then_some(first)
    }
}

/// A place within a resource from which a property can be followed.
struct Place {
    collection: Arc<Collection>,
    document: Document,
    way: Vec<Element>,
    part: Part,
}

/// Where one segment leads.
enum Step {
    End(Named),
    /// Into a structure that is no resource and has no URL of its own.
    Within(Place),
}

impl Provider {
    /// What a property URL names.
    ///
    /// # Errors
    /// [`Error::BadUrl`] for what is no relationship or not a single resource, [`Error::NotFound`] for what is not there,
    /// [`Error::Access`] where the way leads to a closed kind.
    pub async fn named(
        &self,
        PropertyUrl { collection, key, segments, closed }: PropertyUrl<'_>,
    ) -> Result<Named, Error> {
        let document = self.resource(collection, key).await?;
        let mut at = Step::End(Named::Resource(Arc::clone(collection), document));
        for segment in segments {
            let place = match at {
                Step::End(named) => Place::inside(named, segment)?,
                Step::Within(place) => place,
            };
            at = self.step(place, segment, closed).await?;
        }
        match at {
            Step::End(named) => Ok(named),
            Step::Within(place) => Err(not_related(&place.part.element.name)),
        }
    }

    async fn step(&self, place: Place, segment: &Segment, closed: &ClosedKinds) -> Result<Step, Error> {
        let contract = Arc::clone(&place.collection.contract);
        let complex = contract.complex_type(place.part.type_id);
        let property = complex.and_then(|complex| complex.property(&segment.name));
        let property = property.ok_or_else(|| Error::no_such("property", &segment.name))?;
        if property.repeated {
            return Err(Error::BadUrl(format!("'{}' stands there several times, without keys", segment.name)));
        }
        closed.check_property(&contract, property)?;
        match (property.shape, &segment.selector) {
            (Shape::Value | Shape::Any, _) => Err(not_related(&segment.name)),
            (Shape::Structure(id), None) => {
                let child = place.child(property, id);
                if property.relationship == Some(Relationship::Child) {
                    return Ok(Step::End(Named::Child(child)));
                }
                Ok(Step::Within(Place::of_child(child).ok_or_else(|| Error::no_such("value of", &segment.name))?))
            }
            (Shape::Children(list), None) => Ok(Step::End(Named::Children(place.children(property, list)))),
            (Shape::Children(list), Some(selector)) => {
                let children = place.children(property, list);
                let key = self.selected_child(&children, selector, closed).await?;
                Ok(Step::End(Named::Child(children.item(&key)?)))
            }
            (Shape::Reference(_) | Shape::Choice(_), None) => {
                let (collection, document) = self.referred_resource(place, property).await?;
                Ok(Step::End(Named::Resource(collection, document)))
            }
            (Shape::References(_), selector) => {
                let associated = self.associated(place, property).await?;
                let Some(selector) = selector else { return Ok(Step::End(Named::Associated(associated))) };
                let (collection, document) = self.selected_associated(&associated, selector, closed).await?;
                Ok(Step::End(Named::Resource(collection, document)))
            }
            (Shape::Structure(_) | Shape::Reference(_) | Shape::Choice(_), Some(_)) => {
                Err(Error::BadUrl(format!("'{}' is one resource: nothing is selected from it", segment.name)))
            }
        }
    }

    /// The live resources with these keys, in their order.
    ///
    /// # Errors
    /// What the store says.
    pub async fn resources(&self, collection: &Collection, keys: &[String]) -> Result<Vec<Document>, Error> {
        let mut found = self.store.by_keys(collection.id, keys).await?;
        let documents = keys.iter().filter_map(|key| found.remove(key));
        Ok(documents.filter(|document| !document.resource.deleted).collect())
    }

    /// What a reference leads to.
    async fn referred_resource(&self, place: Place, property: &Property) -> Result<(Arc<Collection>, Document), Error> {
        match self.referred(&place, property).await?.into_iter().next() {
            Some((collection, key)) => {
                let document = self.resource(&collection, &key).await?;
                Ok((collection, document))
            }
            // The parent of a child is the resource it lives in (core 4.4).
            None if property.relationship == Some(Relationship::Parent) => Ok((place.collection, place.document)),
            None => Err(Error::no_such("resource at", &*property.name)),
        }
    }

    async fn associated(&self, place: Place, property: &Property) -> Result<Associated, Error> {
        let resources = self.referred(&place, property).await?;
        let (url, label) = (place.url_of(property), property.label.clone());
        Ok(Associated { url, label, resources, document: place.document })
    }

    /// Where the references of a property lead: collection and key of each that is here.
    async fn referred(&self, place: &Place, property: &Property) -> Result<Vec<(Arc<Collection>, String)>, Error> {
        let mut alone = Element { content: Vec::new(), ..place.part.element.clone() };
        alone.content.extend(place.value(property).cloned().map(Node::Element));
        let references = place.collection.contract.references_in(place.part.type_id, &alone);
        let found = self.referenced(&place.collection, &references).await?;
        let located = references.iter().filter_map(|reference| {
            let key = found.get(reference)?.key.clone();
            Some((Arc::clone(self.sibling(&place.collection, &reference.kind)?), key))
        });
        Ok(located.collect())
    }
}

impl Place {
    /// The place that a single resource or child is, to follow `segment` from.
    fn inside(named: Named, segment: &Segment) -> Result<Self, Error> {
        match named {
            Named::Resource(collection, document) => {
                let part = Part::of(&collection, &document)?;
                Ok(Self { collection, document, way: Vec::new(), part })
            }
            Named::Child(child) => Self::of_child(child).ok_or_else(|| Error::no_such("property", &segment.name)),
            Named::Children(Children { url, .. }) | Named::Associated(Associated { url, .. }) => Err(Error::BadUrl(
                format!("{url} names several resources: select one before its property '{}'", segment.name),
            )),
        }
    }

    fn of_child(child: Child) -> Option<Self> {
        let element = child.element?;
        let Holder { collection, document, mut way, property, .. } = child.holder;
        way.push(property);
        if let Some(key) = child.key {
            let mut item = Element { attributes: Vec::new(), content: Vec::new(), ..element.clone() };
            item.set_attribute(SDATA, "key", key);
            way.push(item);
        }
        Some(Self { collection, document, way, part: Part { type_id: child.type_id, url: child.url, element } })
    }

    fn url_of(&self, property: &Property) -> String {
        format!("{}/{}", self.part.url, property.name)
    }

    /// The element of a property, if it is there and has a value.
    fn value(&self, property: &Property) -> Option<&Element> {
        self.part.element.children().find(|child| child.name == property.name).filter(|child| !child.is_nil())
    }

    fn child(self, property: &Property, declared: TypeId) -> Child {
        let element = self.value(property).cloned();
        let contract = &self.collection.contract;
        let type_id = element.as_ref().map_or(declared, |element| contract.actual_type(declared, element));
        Child { url: self.url_of(property), holder: self.holder(property), type_id, key: None, element }
    }

    fn children(self, property: &Property, list: TypeId) -> Children {
        let contract = &self.collection.contract;
        let stored = self.value(property).into_iter().flat_map(Element::children);
        let items = stored.filter(|item| contract.item_type(list, item).is_some()).cloned().collect();
        Children { url: self.url_of(property), holder: self.holder(property), list, items }
    }

    fn holder(self, property: &Property) -> Holder {
        Holder {
            is_writable: self.collection.kind.can_put && !property.is_read_only,
            label: property.label.clone(),
            property: Element::new(&property.namespace, &property.name),
            collection: self.collection,
            document: self.document,
            way: self.way,
        }
    }
}

impl Children {
    /// What its items are; of several kinds of items, the first.
    #[must_use]
    pub fn items_type(&self) -> Option<TypeId> {
        self.first_item().map(|(_, id)| id)
    }

    /// The same, with the declaration of the item.
    pub(super) fn first_item(&self) -> Option<(&Property, TypeId)> {
        self.holder.collection.contract.complex_type(self.list).and_then(ComplexType::first_item)
    }

    /// The child with this key.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn item(self, key: &str) -> Result<Child, Error> {
        let found = self.items.into_iter().find(|item| item.attribute(SDATA, "key") == Some(key));
        let element = found.ok_or_else(|| Error::no_such("child with key", key))?;
        let type_id = self.holder.collection.contract.item_type(self.list, &element);
        let type_id = type_id.ok_or_else(|| Error::Internal(format!("{} has no type", element.name)))?;
        let url = selected(&self.url, key);
        Ok(Child { holder: self.holder, url, type_id, key: Some(key.to_owned()), element: Some(element) })
    }
}

impl Holder {
    /// A change of the resource in which only this property stands, as `fill` makes it: what a client would send
    /// (core 9.2).
    #[must_use]
    pub fn change(&self, fill: impl FnOnce(&mut Element)) -> Element {
        let mut inner = self.property.clone();
        fill(&mut inner);
        let kind = &self.collection.kind;
        let outer = self.way.iter().rev().cloned().chain([Element::new(&kind.namespace, &kind.name)]);
        outer.fold(inner, |inner, mut outer| {
            outer.content.push(Node::Element(inner));
            outer
        })
    }

    /// The property's element, empty.
    #[must_use]
    pub fn empty(&self) -> &Element {
        &self.property
    }

    /// The name of the property.
    #[must_use]
    pub fn property(&self) -> &str {
        &self.property.name
    }
}

fn not_related(name: &str) -> Error {
    Error::BadUrl(format!("'{name}' is a value: only relationships have URLs of their own (core 2.3)"))
}
