//! A start tag with its names resolved and its attributes checked.

use super::{ReadLimits, is_space, refusal, syntax};
use crate::wire::WireError;
use crate::wire::element::Attribute;
use crate::wire::names::{check_characters, is_ncname};
use quick_xml::XmlVersion;
use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};
use std::collections::HashSet;
use std::sync::Arc;

/// Names kept for sharing; a document with more of them gets the others unshared.
const SHARED_NAMES: usize = 1024;
/// The same for namespaces.
const SHARED_NAMESPACES: usize = 32;

/// The element a reader stands at. One per reader, used again for every start tag.
#[derive(Default)]
pub(super) struct StartTag {
    /// Empty for none.
    pub(super) namespace: Arc<str>,
    pub(super) local: String,
    /// Without namespace declarations; without values where they were only checked.
    pub(super) attributes: Vec<Attribute>,
    names: HashSet<Arc<str>>,
    namespaces: Namespaces,
}

impl StartTag {
    /// Takes over `tag`. Its attributes are checked, and with `keep` their values kept.
    pub(super) fn read(
        &mut self,
        tag: &BytesStart<'_>,
        scope: &NamespaceResolver,
        limits: &ReadLimits,
        offset: u64,
        keep: bool,
    ) -> Result<(), WireError> {
        let name = tag.name();
        check_name(name, limits, offset)?;
        let (namespace, local) = scope.resolve_element(name);
        self.namespaces.resolve_into(&mut self.namespace, namespace, offset)?;
        self.local.clear();
        self.local.push_str(local.into_inner());
        self.attributes.clear();
        if !tag.attributes_raw().is_empty() {
            self.read_attributes(tag, scope, limits, offset, keep)?;
        }
        Ok(())
    }

    /// The local name as a text that elements share.
    pub(super) fn shared_name(&mut self) -> Arc<str> {
        share(&mut self.names, &self.local)
    }

    fn read_attributes(
        &mut self,
        tag: &BytesStart<'_>,
        scope: &NamespaceResolver,
        limits: &ReadLimits,
        offset: u64,
        keep: bool,
    ) -> Result<(), WireError> {
        for (position, attribute) in tag.attributes().enumerate() {
            let attribute = attribute.map_err(|error| refusal(error.into(), offset))?;
            if position >= usize::from(limits.attributes) {
                let limit = usize::from(limits.attributes);
                return Err(WireError::TooLarge { what: "attributes of one element", limit, offset });
            }
            check_separated(tag.attributes_raw(), attribute.key, offset)?;
            check_name(attribute.key, limits, offset)?;
            if attribute.value.contains('<') {
                return Err(syntax("'<' in the value of an attribute", offset));
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| refusal(error, offset))?;
            check_characters(&value)?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let (namespace, local) = scope.resolve_attribute(attribute.key);
            let namespace = self.namespaces.share(namespace, offset)?;
            let name = share(&mut self.names, local.into_inner());
            if self.attributes.iter().any(|seen| seen.is(&namespace, &name)) {
                return Err(WireError::DuplicateAttribute { name: name.to_string(), offset });
            }
            let value = if keep { value.into_owned() } else { String::new() };
            self.attributes.push(Attribute { namespace, name, value });
        }
        Ok(())
    }
}

/// The namespaces of a document, each kept once.
#[derive(Default)]
struct Namespaces {
    none: Arc<str>,
    /// As declared, and with references resolved.
    known: Vec<(Box<str>, Arc<str>)>,
}

impl Namespaces {
    /// Most elements are of the same namespace as the one before: then there is nothing to do.
    fn resolve_into(&mut self, last: &mut Arc<str>, resolved: ResolveResult<'_>, offset: u64) -> Result<(), WireError> {
        if !matches!(&resolved, ResolveResult::Bound(namespace) if namespace.into_inner() == &**last) {
            *last = self.share(resolved, offset)?;
        }
        Ok(())
    }

    fn share(&mut self, resolved: ResolveResult<'_>, offset: u64) -> Result<Arc<str>, WireError> {
        let declared = match resolved {
            ResolveResult::Unbound => return Ok(self.none.clone()),
            ResolveResult::Bound(namespace) => namespace.into_inner(),
            ResolveResult::Unknown(prefix) => return Err(WireError::UndeclaredPrefix { prefix, offset }),
        };
        if let Some((_, known)) = self.known.iter().find(|(known, _)| **known == *declared) {
            return Ok(known.clone());
        }
        let namespace: Arc<str> = unescape(declared).map_err(|error| refusal(error.into(), offset))?.into();
        if self.known.len() < SHARED_NAMESPACES {
            self.known.push((declared.into(), namespace.clone()));
        }
        Ok(namespace)
    }
}

fn share(names: &mut HashSet<Arc<str>>, name: &str) -> Arc<str> {
    if let Some(shared) = names.get(name) {
        return shared.clone();
    }
    let shared: Arc<str> = name.into();
    if names.len() < SHARED_NAMES {
        names.insert(shared.clone());
    }
    shared
}

/// Refuses what is no name with at most one prefix.
fn check_name(name: QName<'_>, limits: &ReadLimits, offset: u64) -> Result<(), WireError> {
    if name.into_inner().len() > limits.name_bytes {
        return Err(WireError::TooLarge { what: "a name in bytes", limit: limits.name_bytes, offset });
    }
    let (local, prefix) = name.decompose();
    if is_ncname(local.into_inner()) && prefix.is_none_or(|prefix| is_ncname(prefix.into_inner())) {
        Ok(())
    } else {
        Err(WireError::Syntax { message: format!("'{}' is no name", name.into_inner()), offset })
    }
}

/// Refuses attributes without white space between them, which `quick-xml` lets pass.
fn check_separated(attributes: &str, key: QName<'_>, offset: u64) -> Result<(), WireError> {
    let position = key.into_inner().as_ptr().addr().wrapping_sub(attributes.as_ptr().addr());
    let before = attributes.as_bytes().get(position.wrapping_sub(1));
    if before.copied().is_some_and(is_space) {
        Ok(())
    } else {
        Err(syntax("no white space before an attribute", offset))
    }
}
