//! Elements as XML.

use super::{Attribute, Element, Node};
use crate::wire::WireError;
use crate::wire::names::{SDATA, XML, XSI, is_ncname};
use crate::wire::writer::XmlWriter;
use std::borrow::Cow;

impl Element {
    /// What stands between its tags, in the form that feeds copy: its own namespace is the default,
    /// `sdata:` and `xsi:` are declared by the root of whatever it is copied into, and every other
    /// namespace declares itself.
    ///
    /// # Errors
    /// [`WireError`] for a name or a character that XML does not have.
    pub fn content_xml(&self) -> Result<Vec<u8>, WireError> {
        let mut xml = XmlWriter::with_capacity(1024);
        self.write_content(&mut xml, &self.namespace)?;
        Ok(xml.into_bytes())
    }

    /// The element as a text that stands alone, all namespaces declared.
    ///
    /// # Errors
    /// [`WireError`] for a name or a character that XML does not have.
    pub fn to_xml(&self) -> Result<String, WireError> {
        let mut xml = XmlWriter::with_capacity(1024);
        self.write_with(&mut xml, None, &[("xmlns:sdata", SDATA), ("xmlns:xsi", XSI)])?;
        String::from_utf8(xml.into_bytes()).map_err(|error| WireError::Encoding(error.to_string()))
    }

    /// Writes the element where no default namespace can be relied on, but `sdata:` and `xsi:` are declared.
    pub(in crate::wire) fn write(&self, xml: &mut XmlWriter) -> Result<(), WireError> {
        self.write_with(xml, None, &[])
    }

    /// `scope` is the default namespace where the element stands; `declared` is written on its tag.
    fn write_with(&self, xml: &mut XmlWriter, scope: Option<&str>, declared: &[(&str, &str)]) -> Result<(), WireError> {
        check_name(&self.name)?;
        let (name, inner_scope) = match scope {
            Some(scope) if *self.namespace == *scope => (Cow::Borrowed(&*self.name), scope),
            Some(scope) if *self.namespace == *SDATA => (Cow::Owned(format!("sdata:{}", self.name)), scope),
            _ => (Cow::Borrowed(&*self.name), &*self.namespace),
        };
        let names = attribute_names(&self.attributes)?;
        let mut attributes = Vec::with_capacity(declared.len() + 1 + names.len());
        if scope != Some(inner_scope) {
            attributes.push(("xmlns", inner_scope));
        }
        attributes.extend_from_slice(declared);
        attributes.extend(names.declarations.iter().map(|(prefix, namespace)| (prefix.as_str(), *namespace)));
        let values = self.attributes.iter().map(|attribute| attribute.value.as_str());
        attributes.extend(names.qualified.iter().map(AsRef::as_ref).zip(values));
        if self.content.is_empty() {
            return xml.empty(&name, &attributes);
        }
        xml.open(&name, &attributes)?;
        self.write_content(xml, inner_scope)?;
        xml.close(&name)
    }

    fn write_content(&self, xml: &mut XmlWriter, scope: &str) -> Result<(), WireError> {
        for node in &self.content {
            match node {
                Node::Element(child) => child.write_with(xml, Some(scope), &[])?,
                Node::Text(text) => xml.text(text)?,
            }
        }
        Ok(())
    }
}

/// How the attributes of one element are written.
struct AttributeNames<'a> {
    /// With prefix, in the order of the attributes.
    qualified: Vec<Cow<'a, str>>,
    /// `xmlns:…` and the namespace, for those that no root declares.
    declarations: Vec<(String, &'a str)>,
}

impl AttributeNames<'_> {
    fn len(&self) -> usize {
        self.qualified.len() + self.declarations.len()
    }
}

fn attribute_names(attributes: &[Attribute]) -> Result<AttributeNames<'_>, WireError> {
    let mut names = AttributeNames { qualified: Vec::with_capacity(attributes.len()), declarations: Vec::new() };
    for Attribute { namespace, name, .. } in attributes {
        check_name(name)?;
        let qualified = match &**namespace {
            "" => Cow::Borrowed(&**name),
            SDATA => Cow::Owned(format!("sdata:{name}")),
            XSI => Cow::Owned(format!("xsi:{name}")),
            XML => Cow::Owned(format!("xml:{name}")),
            other => {
                let known = names.declarations.iter().position(|(_, namespace)| *namespace == other);
                let number = known.unwrap_or_else(|| {
                    names.declarations.push((format!("xmlns:n{}", names.declarations.len()), other));
                    names.declarations.len() - 1
                });
                Cow::Owned(format!("n{number}:{name}"))
            }
        };
        names.qualified.push(qualified);
    }
    Ok(names)
}

fn check_name(name: &str) -> Result<(), WireError> {
    // `xmlns` is a declaration, wherever it stands.
    if is_ncname(name) && name != "xmlns" { Ok(()) } else { Err(WireError::Name(name.to_owned())) }
}
