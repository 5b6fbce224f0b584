//! A start tag with its names resolved and its attributes checked.

use super::names::Names;
use super::{ReadLimits, SPACES, is_space, refusal, syntax};
use crate::wire::WireError;
use crate::wire::element::Attribute;
use crate::wire::names::{XML, XMLNS, check_characters};
use memchr::memchr;
use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute as WrittenAttribute;
use quick_xml::name::{Namespace, NamespaceResolver, QName, ResolveResult};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a namespace's name: one that is not shared is kept with each element, so that a small document with a long one
/// would be a huge one in memory. Those in use are URLs and have far less.
const NAMESPACE_BYTES: usize = 2048;

/// Namespaces kept for sharing; a document with more of them gets the others unshared.
const SHARED_NAMESPACES: usize = 32;

/// The element a reader stands at. One per reader, used again for every start tag.
#[derive(Default)]
pub(super) struct StartTag {
    /// Empty for none.
    pub(super) namespace: Arc<str>,
    /// Without namespace declarations; without values where they were only checked.
    pub(super) attributes: Vec<Attribute>,
    name: usize,
    names: Names,
    namespaces: Namespaces,
    /// Where key and value of each attribute are in the tag just read.
    written: Vec<(Range<usize>, Range<usize>)>,
}

impl StartTag {
    /// Takes over `tag`, what stands between the brackets, of which the first `name` bytes are its name. Its attributes are
    /// checked, and with `keep` their values kept; its declarations come into `scope`.
    pub(super) fn read(
        &mut self,
        tag: &str,
        name: usize,
        scope: &mut NamespaceResolver,
        limits: &ReadLimits,
        offset: u64,
        keep: bool,
    ) -> Result<(), WireError> {
        let written = tag.get(..name).unwrap_or_default();
        self.attributes.clear();
        self.written.clear();
        if tag.len() > name {
            self.find_attributes(tag, name, limits, offset)?;
            self.declare(tag, scope, offset)?;
        }
        self.read_attributes(tag, scope, limits, offset, keep)?;
        // Last, because the number of a name that is not kept is good until the next name is looked for.
        self.name = self.names.find(written, limits, offset)?;
        let prefix = if self.names.has_prefix(self.name) { QName(written).prefix() } else { None };
        self.namespaces.resolve_into(&mut self.namespace, scope.resolve_prefix(prefix, true), offset)
    }

    /// The local name.
    #[inline]
    pub(super) fn local(&self) -> &str {
        self.names.local(self.name)
    }

    /// The local name as a text that elements share.
    pub(super) fn shared_name(&self) -> Arc<str> {
        self.names.shared(self.name)
    }

    /// The attributes of `tag` behind its first `name` bytes, as they are written.
    pub(super) fn written<'t>(
        &mut self,
        tag: &'t str,
        name: usize,
        limits: &ReadLimits,
        offset: u64,
    ) -> Result<impl Iterator<Item = (&'t str, &'t str)>, WireError> {
        self.written.clear();
        self.find_attributes(tag, name, limits, offset)?;
        let part = |range: &Range<usize>| tag.get(range.clone()).unwrap_or_default();
        Ok(self.written.iter().map(move |(key, value)| (part(key), part(value))))
    }

    /// Finds the attributes of `tag` behind the name, each after white space.
    fn find_attributes(&mut self, tag: &str, mut at: usize, limits: &ReadLimits, offset: u64) -> Result<(), WireError> {
        let bytes = tag.as_bytes();
        let spaces = |at: usize| {
            let rest = bytes.get(at..).unwrap_or_default();
            at + rest.iter().take_while(|byte| is_space(**byte)).count()
        };
        loop {
            let key = spaces(at);
            let Some(rest) = bytes.get(key..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            if key == at {
                return Err(syntax("no white space before an attribute", offset));
            }
            if self.written.len() >= usize::from(limits.attributes) {
                let limit = usize::from(limits.attributes);
                return Err(WireError::TooLarge { what: "attributes of one element", limit, offset });
            }
            let equals = memchr(b'=', rest).map(|equals| key + equals);
            let quote = equals.map(|equals| spaces(equals + 1));
            let quoted =
                quote.and_then(|at| Some((at + 1, *bytes.get(at).filter(|byte| matches!(byte, b'"' | b'\''))?)));
            let value = quoted.and_then(|(value, quote)| Some(value..value + memchr(quote, bytes.get(value..)?)?));
            let (Some(equals), Some(value)) = (equals, value) else {
                return Err(syntax("an attribute without a value in quotes", offset));
            };
            let key = key..key + tag.get(key..equals).unwrap_or_default().trim_end_matches(SPACES).len();
            let is_twice =
                |(known, _): &(Range<usize>, Range<usize>)| bytes.get(known.clone()) == bytes.get(key.clone());
            if self.written.iter().any(is_twice) {
                return Err(syntax("an attribute that stands twice", offset));
            }
            at = value.end + 1;
            self.written.push((key, value));
        }
    }

    /// Brings the namespace declarations into `scope`.
    fn declare(&self, tag: &str, scope: &mut NamespaceResolver, offset: u64) -> Result<(), WireError> {
        for (key, value) in &self.written {
            let (key, value) = (tag.get(key.clone()).unwrap_or_default(), tag.get(value.clone()).unwrap_or_default());
            if let Some(prefix) = QName(key).as_namespace_binding() {
                let namespace = checked_value(key, value, offset)?;
                if key == "xmlns" && [XML, XMLNS].contains(&&*namespace) {
                    return Err(syntax("a default namespace that belongs to XML itself", offset));
                }
                if namespace.len() > NAMESPACE_BYTES {
                    let what = "the name of a namespace in bytes";
                    return Err(WireError::TooLarge { what, limit: NAMESPACE_BYTES, offset });
                }
                scope.add(prefix, Namespace(&namespace)).map_err(|error| refusal(error.into(), offset))?;
            }
        }
        Ok(())
    }

    fn read_attributes(
        &mut self,
        tag: &str,
        scope: &NamespaceResolver,
        limits: &ReadLimits,
        offset: u64,
        keep: bool,
    ) -> Result<(), WireError> {
        for (key, value) in &self.written {
            let (key, value) = (tag.get(key.clone()).unwrap_or_default(), tag.get(value.clone()).unwrap_or_default());
            let name = self.names.find(key, limits, offset)?;
            if QName(key).as_namespace_binding().is_some() {
                continue;
            }
            let value = checked_value(key, value, offset)?;
            let prefix = if self.names.has_prefix(name) { QName(key).prefix() } else { None };
            let namespace = self.namespaces.share(scope.resolve_prefix(prefix, false), offset)?;
            let local = self.names.local(name);
            if self.attributes.iter().any(|seen| seen.is(&namespace, local)) {
                return Err(WireError::DuplicateAttribute { name: local.to_owned(), offset });
            }
            let value = if keep { value.into_owned() } else { String::new() };
            self.attributes.push(Attribute { namespace, name: self.names.shared(name), value });
        }
        Ok(())
    }
}

/// The value of an attribute, its references resolved and its white space as spaces (XML 1.0, 3.3.3).
fn checked_value<'t>(key: &'t str, value: &'t str, offset: u64) -> Result<Cow<'t, str>, WireError> {
    // One pass without branches: nearly every value stands for itself.
    let is_plain = !value.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'<') | (byte == b'&'));
    if !is_plain && value.contains('<') {
        return Err(syntax("'<' in the value of an attribute", offset));
    }
    let value = if is_plain {
        Cow::Borrowed(value)
    } else {
        let written = WrittenAttribute { key: QName(key), value: Cow::Borrowed(value) };
        written.normalized_value(XmlVersion::Implicit1_0).map_err(|error| refusal(error, offset))?
    };
    check_characters(&value)?;
    Ok(value)
}

/// The namespaces of a document, each kept once.
#[derive(Default)]
struct Namespaces {
    none: Arc<str>,
    known: Vec<Arc<str>>,
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
        let namespace = match resolved {
            ResolveResult::Unbound => return Ok(self.none.clone()),
            ResolveResult::Bound(namespace) => namespace.into_inner(),
            ResolveResult::Unknown(prefix) => return Err(WireError::UndeclaredPrefix { prefix, offset }),
        };
        if let Some(known) = self.known.iter().find(|known| ***known == *namespace) {
            return Ok(known.clone());
        }
        let namespace = Arc::from(namespace);
        if self.known.len() < SHARED_NAMESPACES {
            self.known.push(Arc::clone(&namespace));
        }
        Ok(namespace)
    }
}
