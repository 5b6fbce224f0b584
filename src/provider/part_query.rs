//! Queries at property URLs (core 6.8). Lists of children are filtered and sorted in memory: they are parts of one
//! resource that was read. Associated resources are selected in the database, among others of their kind.

use super::access::ClosedKinds;
use super::property::{Child, Children};
use super::shaping::Part;
use super::{Collection, Error, Provider, ResourcePage, ResourceQuery};
use crate::contract::{Contract, Kind, View, Wishes};
use crate::protocol::paging::PageRequest;
use crate::query::{
    Expression, Field, Hop, Literal, OrderKey, ProtocolVariable, Target, Value, ValueType, matches, order,
};
use crate::wire::Element;
use crate::wire::names::SDATA;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What can be asked of a child beside its properties.
pub const CHILD_VARIABLES: [ProtocolVariable; 3] =
    [ProtocolVariable::Uuid, ProtocolVariable::Key, ProtocolVariable::Title];

impl Provider {
    /// The positions of the children for which `filter` is true, sorted by `keys`.
    ///
    /// # Errors
    /// When the store cannot be read: conditions may be about what children refer to.
    pub async fn select_children(
        &self,
        children: &Children,
        filter: Option<&Expression>,
        keys: &[OrderKey],
    ) -> Result<Vec<usize>, Error> {
        if filter.is_none() && keys.is_empty() {
            return Ok((0..children.items.len()).collect());
        }
        let collection = &children.holder.collection;
        let mut parts: Vec<Part> = children.parts(0..children.items.len()).collect();
        let view = view_of(&collection.contract, children, filter, keys)?;
        // Conditions that look into closed kinds are refused where they are read.
        self.present(collection, &mut parts, &view, (false, &ClosedKinds::default())).await?;
        let title = |part: &Part| collection.contract.title_of(part.type_id, &part.element);
        let mut found: Vec<_> = parts.iter().map(|part| (&part.element, title(part))).enumerate().collect();
        found.retain(|(_, (part, title))| {
            filter.is_none_or(|filter| matches(filter, &|field| value(part, title.as_deref(), field)))
        });
        found.sort_by(|(_, (left, left_title)), (_, (right, right_title))| {
            let left = |field: &Field| value(left, left_title.as_deref(), field);
            order(keys, &left, &|field| value(right, right_title.as_deref(), field))
        });
        Ok(found.into_iter().map(|(at, _)| at).collect())
    }

    /// One page of those of the resources with these keys that `query` asks for.
    ///
    /// # Errors
    /// What the store says.
    pub async fn select_associated(
        &self,
        collection: &Collection,
        keys: &[String],
        mut query: ResourceQuery,
        page: PageRequest,
    ) -> Result<ResourcePage, Error> {
        let key = Field {
            through: Vec::new(),
            target: Target::Protocol(ProtocolVariable::Key),
            value_type: ProtocolVariable::Key.value_type(),
        };
        let literals = keys.iter().map(|key| Expression::Literal(Literal::Text(key.clone()))).collect();
        let is_associated = Expression::In(Box::new(Expression::Field(key)), literals);
        query.filter = Some(match query.filter {
            Some(filter) => Expression::And(Box::new(is_associated), Box::new(filter)),
            None => is_associated,
        });
        self.page(collection, &query, page, None).await
    }
}

impl Children {
    /// What the items are, as a kind that queries can be about.
    #[must_use]
    pub fn items_kind(&self) -> Kind {
        let mut kind = self.holder.collection.kind.clone();
        if let Some((item, id)) = self.first_item() {
            kind.name = item.name.clone();
            kind.namespace = item.namespace.clone();
            kind.type_id = id;
        }
        kind
    }
}

impl Child {
    /// What the child is, as a kind that a body can be read as.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let element = self.element.as_ref().unwrap_or(self.holder.empty());
        let mut kind = self.holder.collection.kind.clone();
        kind.name = element.name.clone();
        kind.namespace = element.namespace.clone();
        kind.type_id = self.type_id;
        kind
    }
}

/// Everything, and of what the query looks at behind references as much as it needs.
fn view_of(
    contract: &Contract,
    children: &Children,
    filter: Option<&Expression>,
    keys: &[OrderKey],
) -> Result<View, Error> {
    let mut ways = BTreeSet::new();
    let mut note = |field: &Field| {
        let steps = field.through.iter().flat_map(|Hop { path, .. }| path.iter().map(ToString::to_string));
        ways.insert(steps.collect::<Vec<_>>());
    };
    if let Some(filter) = filter {
        filter.each_field(&mut note);
    }
    keys.iter().for_each(|key| note(&key.field));
    let include: Vec<_> = ways.into_iter().filter(|way| !way.is_empty()).collect();
    let wishes = Wishes { include: &include, ..Wishes::default() };
    let (view, _) = View::of(contract, children.items_kind().type_id, &wishes)
        .map_err(|error| Error::BadParameter(error.to_string()))?;
    Ok(view)
}

/// The value of a field, in a part with what it refers to inside.
fn value<'e>(part: &'e Element, title: Option<&str>, field: &Field) -> Option<Value> {
    let inside = |at: &'e Element, name: &Arc<str>| at.children().find(|child| child.name == *name && !child.is_nil());
    let mut ways = field.through.iter().flat_map(|hop| &hop.path);
    let at = ways.try_fold(part, inside)?;
    match &field.target {
        Target::Property(path) => {
            let at = path.iter().try_fold(at, inside)?;
            Value::read(field.value_type, &at.text())
        }
        Target::Protocol(ProtocolVariable::Key) => {
            at.attribute(SDATA, "key").and_then(|key| Value::read(ValueType::Text, key))
        }
        Target::Protocol(ProtocolVariable::Uuid) => {
            at.attribute(SDATA, "uuid").and_then(|uuid| Value::read(ValueType::Uuid, uuid))
        }
        Target::Protocol(ProtocolVariable::Title) if field.through.is_empty() => {
            title.and_then(|title| Value::read(ValueType::Text, title))
        }
        Target::Protocol(_) => None,
    }
}
