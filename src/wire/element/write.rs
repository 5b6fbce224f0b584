//! Elements as XML.

use super::{Attribute, Element, Node};
use crate::wire::WireError;
use crate::wire::names::{SDATA, XML, XSI, is_ncname};
use crate::wire::writer::XmlWriter;

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
        let (prefix, inner_scope) = match scope {
            // It is bound to its prefix alone, and everywhere.
            scope if *self.namespace == *XML => ("xml:", scope.unwrap_or_default()),
            Some(scope) if *self.namespace == *scope => ("", scope),
            Some(scope) if *self.namespace == *SDATA => ("sdata:", scope),
            _ => ("", &*self.namespace),
        };
        let name = (prefix, &*self.name);
        xml.begin(name);
        if scope != Some(inner_scope) {
            xml.attribute("xmlns", inner_scope)?;
        }
        declared.iter().try_for_each(|(prefix, namespace)| xml.attribute(*prefix, namespace))?;
        write_attributes(&self.attributes, xml)?;
        if self.content.is_empty() {
            xml.end_empty();
            return Ok(());
        }
        xml.end_start();
        self.write_content(xml, inner_scope)?;
        xml.close(name);
        Ok(())
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

/// Writes the attributes of one element, after a declaration for every namespace that no root declares.
fn write_attributes(attributes: &[Attribute], xml: &mut XmlWriter) -> Result<(), WireError> {
    let mut undeclared: Vec<&str> = Vec::new();
    for Attribute { namespace, name, .. } in attributes {
        check_name(name)?;
        // Without a prefix it would be a declaration.
        if namespace.is_empty() && **name == *"xmlns" {
            return Err(WireError::Name(name.to_string()));
        }
        if prefix_of(namespace).is_none() && !undeclared.contains(&&**namespace) {
            xml.attribute(("xmlns:", &*number_as_name(undeclared.len())), namespace)?;
            undeclared.push(namespace);
        }
    }
    for Attribute { namespace, name, value } in attributes {
        match prefix_of(namespace) {
            Some(prefix) => xml.attribute((prefix, &**name), value)?,
            None => {
                let number = undeclared.iter().position(|known| *known == &**namespace).unwrap_or_default();
                xml.attribute((&*format!("{}:", number_as_name(number)), &**name), value)?;
            }
        }
    }
    Ok(())
}

/// The prefix that every root declares for a namespace; none for attributes without a namespace.
fn prefix_of(namespace: &str) -> Option<&'static str> {
    match namespace {
        "" => Some(""),
        SDATA => Some("sdata:"),
        XSI => Some("xsi:"),
        XML => Some("xml:"),
        _ => None,
    }
}

fn number_as_name(number: usize) -> String {
    format!("n{number}")
}

fn check_name(name: &str) -> Result<(), WireError> {
    if is_ncname(name) { Ok(()) } else { Err(WireError::Name(name.to_owned())) }
}
