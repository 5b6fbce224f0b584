//! What acceptance takes and gives: senders, faults, references and resources as they will be stored.

use crate::wire::Element;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// Who sent a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A client of this application: it knows our keys, and read-only properties are not its to set (core 9.2).
    Client,
    /// A synchronization peer: its keys mean nothing here, and what is read-only for clients is content to it.
    Peer,
}

/// One property of a resource at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From the resource element down, as `salesOrder/orderLines/salesOrderLine[2]/product`; positions count from 1.
    pub path: String,
    /// What is wrong and what would be right, to be read after the path.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.message)
    }
}

/// A resource as it will be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Complete and canonical: properties in schema order, nulls as `xsi:nil`, references as an element with only
    /// `sdata:uuid` (or `sdata:key`, where only that is known), lists with `sdata:deleteMissing="true"`, children
    /// with `sdata:key` and `sdata:uuid`. The resource element itself has no attributes.
    pub resource: Element,
    /// Values of the resource's `sme:isUniqueKey` properties: name and text. Nulls and empty texts are left out.
    pub unique: Vec<(String, String)>,
    /// Every reference of the resource, at whatever depth, to a kind of this contract.
    pub references: Vec<Reference>,
    /// What queries look at, in JSON: see [`super::Contract::scalars`].
    pub properties: String,
}

/// A reference of one resource to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// From the resource element down, as in [`Fault::path`].
    pub path: String,
    /// Plural name of the kind that is referred to.
    pub kind: Arc<str>,
    /// The resource that is meant.
    pub target: ReferenceTarget,
    /// Whether the resource is worth nothing without it.
    pub mandatory: bool,
}

/// How a reference names its resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReferenceTarget {
    /// By the UUID all applications share.
    Uuid(Uuid),
    /// By this application's key.
    Key(String),
}

/// Where a referenced resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// This application's key of it.
    pub key: String,
    /// Its URL.
    pub url: String,
    /// Its UUID, where it has one.
    pub uuid: Option<Uuid>,
}

/// The way from the resource element to what is being looked at; becomes a text only when one is needed.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    outer: Option<&'a Path<'a>>,
    name: &'a str,
    position: Option<usize>,
}

impl<'a> Path<'a> {
    pub(super) fn root(name: &'a str) -> Self {
        Self { outer: None, name, position: None }
    }

    pub(super) fn to(&'a self, name: &'a str) -> Self {
        Self { outer: Some(self), name, position: None }
    }

    /// One of several of the same name; `index` counts from 0.
    pub(super) fn item(&'a self, name: &'a str, index: usize) -> Self {
        Self { outer: Some(self), name, position: Some(index + 1) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(outer) = self.outer {
            write!(f, "{outer}/")?;
        }
        f.write_str(self.name)?;
        match self.position {
            Some(position) => write!(f, "[{position}]"),
            None => Ok(()),
        }
    }
}
