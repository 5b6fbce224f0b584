//! One XSD file: its declarations as a flat list of nodes, with the lines they stand on.

use super::error::{ContractError, Problem};
use super::tags::{line_at, raw_attributes, start_tags};
use crate::wire::names::{SME, XS};
use crate::wire::{Element, ReadLimits, WireError};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// A name in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct QName {
    pub(super) namespace: Arc<str>,
    pub(super) name: Arc<str>,
}

/// One element of the schema namespace; what stands in annotations is left out.
#[derive(Debug)]
pub(super) struct Node {
    /// Local name: "element", "complexType", "restriction" …
    pub(super) name: Box<str>,
    attributes: Vec<Attribute>,
    /// Indices of the child nodes, in document order.
    pub(super) children: Vec<usize>,
    /// Which start tag of the text it is.
    tag: usize,
    scope: usize,
}

#[derive(Debug)]
struct Attribute {
    sme: bool,
    name: Box<str>,
    value: Box<str>,
}

impl Node {
    /// An attribute of XML Schema itself (in no namespace), white space around it removed.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.find(false, name)
    }

    /// An attribute of XML Schema itself with the white space it is written with.
    pub(super) fn verbatim(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| !attribute.sme && &*attribute.name == name);
        found.map(|attribute| &*attribute.value)
    }

    /// An attribute of SData's metadata extensions (core 4.2).
    pub(super) fn sme(&self, name: &str) -> Option<&str> {
        self.find(true, name)
    }

    /// A truth value of SData's metadata; deployed schemas write it in capitals, too.
    pub(super) fn sme_flag(&self, name: &str) -> Option<bool> {
        self.sme(name).map(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// A truth value of XML Schema.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.attribute(name), Some("true" | "1"))
    }

    fn find(&self, sme: bool, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.sme == sme && &*attribute.name == name);
        found.map(|attribute| attribute.value.trim())
    }
}

/// Prefixes in force; the empty prefix is the default namespace.
type Scope = HashMap<Box<str>, Arc<str>>;

/// A schema file that was read.
#[derive(Debug)]
pub(super) struct SchemaFile {
    /// How messages name it.
    pub(super) name: String,
    /// Its path relative to the contract's main file, with forward slashes; empty for the main file itself.
    pub(super) location: String,
    /// The namespace of what it declares.
    pub(super) namespace: Arc<str>,
    pub(super) text: String,
    /// Start tags of `text`, comments and the like left out.
    pub(super) tags: Vec<Range<usize>>,
    nodes: Vec<Node>,
    scopes: Vec<Scope>,
}

/// Deeper and wider than any payload may be: the operator's own file is trusted more than a peer's message.
const LIMITS: ReadLimits =
    ReadLimits { depth: 128, attributes: 256, name_bytes: 4096, text_bytes: 16 << 20, nodes: 10_000_000, entries: 0 };

impl SchemaFile {
    /// Reads a schema from its bytes. `including` is the namespace of the file that includes it, taken over
    /// by a file without one of its own.
    ///
    /// # Errors
    /// [`ContractError::Invalid`] when the bytes are no schema in UTF-8, or one without a namespace.
    pub(super) fn parse(
        name: &str,
        location: &str,
        bytes: Vec<u8>,
        including: Option<&Arc<str>>,
    ) -> Result<Self, ContractError> {
        let invalid = |line, problem| ContractError::Invalid { file: name.to_owned(), line, problem };
        let text = String::from_utf8(bytes).map_err(|_| invalid(1, Problem::Encoding))?;
        let text = match text.strip_prefix('\u{feff}') {
            Some(without_mark) => without_mark.to_owned(),
            None => text,
        };
        let root = Element::parse(text.as_bytes(), &LIMITS)
            .map_err(|error| invalid(error_line(&text, &error), Problem::Xml(error.to_string())))?;
        let tags = start_tags(&text);
        if !root.is(XS, "schema") {
            let line = tags.first().map_or(1, |tag| line_at(&text, tag.start));
            return Err(invalid(line, Problem::NoSchema(root.name.to_string())));
        }
        let mut file = Self {
            name: name.to_owned(),
            location: location.to_owned(),
            namespace: Arc::from(""),
            text,
            tags,
            nodes: Vec::new(),
            scopes: vec![Scope::new()],
        };
        file.flatten(&root, &mut 0, 0);
        let own = file.node(ROOT).attribute("targetNamespace").filter(|namespace| !namespace.is_empty());
        file.namespace = match (own, including) {
            (Some(own), _) => Arc::from(own),
            (None, Some(including)) => Arc::clone(including),
            (None, None) => return Err(file.invalid(ROOT, Problem::NoNamespace)),
        };
        Ok(file)
    }

    /// Adds `element` and what is below it; `tag` counts the start tags passed.
    fn flatten(&mut self, element: &Element, tag: &mut usize, scope: usize) -> usize {
        let scope = self.scope_at(*tag, scope);
        let index = self.nodes.len();
        let attributes = element
            .attributes
            .iter()
            .filter(|attribute| attribute.namespace.is_empty() || &*attribute.namespace == SME)
            .map(|attribute| Attribute {
                sme: !attribute.namespace.is_empty(),
                name: (&*attribute.name).into(),
                value: attribute.value.as_str().into(),
            })
            .collect();
        self.nodes.push(Node { name: (&*element.name).into(), attributes, children: Vec::new(), tag: *tag, scope });
        *tag += 1;
        for child in element.children() {
            if &*child.namespace == XS && &*child.name != "annotation" {
                let below = self.flatten(child, tag, scope);
                if let Some(node) = self.nodes.get_mut(index) {
                    node.children.push(below);
                }
            } else {
                *tag += elements_of(child);
            }
        }
        index
    }

    /// The scope of the element at `tag`: the outer one with what the tag itself declares.
    fn scope_at(&mut self, tag: usize, outer: usize) -> usize {
        let text = self.tags.get(tag).and_then(|tag| self.text.get(tag.clone())).unwrap_or_default();
        if !text.contains("xmlns") {
            return outer;
        }
        let mut scope = self.scopes.get(outer).cloned().unwrap_or_default();
        for attribute in raw_attributes(text) {
            let prefix = match attribute.name.strip_prefix("xmlns") {
                Some("") => "",
                Some(prefixed) => match prefixed.strip_prefix(':') {
                    Some(prefix) => prefix,
                    None => continue,
                },
                None => continue,
            };
            scope.insert(prefix.into(), Arc::from(attribute.value.replace("&amp;", "&")));
        }
        self.scopes.push(scope);
        self.scopes.len() - 1
    }

    /// A node; one that is not there (never, for indices this file gave) reads as the root.
    pub(super) fn node(&self, index: usize) -> &Node {
        self.nodes.get(index).unwrap_or_else(|| &self.nodes[ROOT])
    }

    /// The children of a node.
    pub(super) fn children(&self, index: usize) -> impl Iterator<Item = (usize, &Node)> {
        self.node(index).children.iter().map(|child| (*child, self.node(*child)))
    }

    /// The first child of a node with one of `names`.
    pub(super) fn child(&self, index: usize, names: &[&str]) -> Option<(usize, &Node)> {
        self.children(index).find(|(_, child)| names.contains(&&*child.name))
    }

    /// The ids that declarations have.
    pub(super) fn ids(&self) -> HashSet<&str> {
        self.nodes.iter().filter_map(|node| node.attribute("id")).collect()
    }

    /// The name that `value`, an attribute of the node, means. A name without a prefix where no default
    /// namespace is declared means this schema's own.
    pub(super) fn resolve(&self, index: usize, value: &str) -> QName {
        let (prefix, local) = value.split_once(':').unwrap_or(("", value));
        let scope = self.scopes.get(self.node(index).scope);
        let namespace = scope.and_then(|scope| scope.get(prefix)).cloned();
        let namespace = namespace
            .unwrap_or_else(|| if prefix.is_empty() { Arc::clone(&self.namespace) } else { Arc::from(prefix) });
        QName { namespace, name: Arc::from(local) }
    }

    /// The prefixes that stand for `namespace` at a node, in alphabetical order.
    pub(super) fn prefixes_of(&self, index: usize, namespace: &str) -> Vec<&str> {
        let scope = self.scopes.get(self.node(index).scope).into_iter().flatten();
        let bound = scope.filter(|(prefix, uri)| !prefix.is_empty() && &***uri == namespace);
        let mut prefixes: Vec<&str> = bound.map(|(prefix, _)| &**prefix).collect();
        prefixes.sort_unstable();
        prefixes
    }

    /// The range of the node's start tag in the text.
    pub(super) fn tag(&self, index: usize) -> Range<usize> {
        self.tags.get(self.node(index).tag).cloned().unwrap_or_default()
    }

    /// The line the node's start tag stands on, from 1.
    pub(super) fn line(&self, index: usize) -> usize {
        line_at(&self.text, self.tag(index).start)
    }

    /// An error at a node.
    pub(super) fn invalid(&self, index: usize, problem: Problem) -> ContractError {
        ContractError::Invalid { file: self.name.clone(), line: self.line(index), problem }
    }
}

/// The `xs:schema` node of every file.
pub(super) const ROOT: usize = 0;

fn elements_of(element: &Element) -> usize {
    1 + element.children().map(elements_of).sum::<usize>()
}

fn error_line(text: &str, error: &WireError) -> usize {
    let offset = match error {
        WireError::TooDeep { offset, .. }
        | WireError::TooLarge { offset, .. }
        | WireError::Doctype { offset }
        | WireError::Syntax { offset, .. }
        | WireError::UnknownEntity { offset, .. }
        | WireError::Unclosed { offset }
        | WireError::SecondRoot { offset }
        | WireError::TextOutsideRoot { offset }
        | WireError::UndeclaredPrefix { offset, .. }
        | WireError::DuplicateAttribute { offset, .. } => *offset,
        _ => return 1,
    };
    usize::try_from(offset).map_or(1, |offset| line_at(text, offset))
}
