//! What a new resource starts with (core 2.6, 8.2).

use super::accept::element;
use super::contract::Contract;
use super::model::{ComplexType, Property, Relationship, Shape, TypeId, TypeRef};
use super::view::View;
use crate::wire::{Element, Node};
use std::sync::Arc;

impl Contract {
    /// A resource or part of the type `id` with the values that the schema gives where nobody else does (`default`,
    /// `fixed`), and no others. Of each list of children that `view` includes, one child.
    #[must_use]
    pub fn template(&self, id: TypeId, name: &Arc<str>, namespace: &Arc<str>, view: &View) -> Element {
        let mut template = element(name, namespace);
        let properties = self.complex_type(id).map_or(&[][..], |complex| &complex.properties);
        let values = properties.iter().filter_map(|property| self.initial(property, view));
        template.content.extend(values.map(Node::Element));
        self.show(id, &mut template, view);
        template
    }

    /// What a property starts with, if with anything.
    fn initial(&self, property: &Property, view: &View) -> Option<Element> {
        // What is read-only is given by the provider, once the resource is there.
        if property.is_read_only || property.repeated {
            return None;
        }
        match property.shape {
            Shape::Value => {
                let mut value = element(&property.name, &property.namespace);
                value.content.push(Node::Text(property.default.as_deref()?.to_owned()));
                Some(value)
            }
            Shape::Structure(id) => {
                let is_included = property.relationship != Some(Relationship::Child) || view.includes(property);
                let inside = View::default();
                let inside = view.part(property).unwrap_or(&inside);
                let part = self.template(id, &property.name, &property.namespace, inside);
                (is_included && !part.content.is_empty()).then_some(part)
            }
            Shape::Children(list) if view.includes(property) => {
                let inside = View::default();
                let inside = view.part(property).unwrap_or(&inside);
                let item = self.complex_type(list).and_then(ComplexType::first_item)?;
                let mut children = element(&property.name, &property.namespace);
                let child = self.template(item.1, &item.0.name, &item.0.namespace, inside);
                children.content.push(Node::Element(child));
                Some(children)
            }
            Shape::Children(_) | Shape::Reference(_) | Shape::Choice(_) | Shape::References(_) | Shape::Any => None,
        }
    }
}

impl ComplexType {
    /// Of a list of structures, what its items are; of several kinds of items, the first.
    #[must_use]
    pub fn first_item(&self) -> Option<(&Property, TypeId)> {
        self.properties.iter().find_map(|item| match &item.value {
            TypeRef::Complex(id) => Some((item, *id)),
            TypeRef::Simple(_) | TypeRef::Any => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Wishes;
    use rstest::rstest;

    const ORDERS: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:orders" targetNamespace="urn:orders"
        xmlns:sme="http://schemas.sage.com/sdata/sme/2007" elementFormDefault="qualified">
      <xs:element name="order" type="order--type" sme:role="resourceKind" sme:pluralName="orders"/>
      <xs:complexType name="order--type"><xs:all>
        <xs:element name="status" type="xs:string" default="Draft" minOccurs="0"/>
        <xs:element name="version" type="xs:int" fixed="2" minOccurs="0"/>
        <xs:element name="number" type="xs:string" minOccurs="0" nillable="true"/>
        <xs:element name="total" type="xs:decimal" default="0" minOccurs="0" sme:isReadOnly="true"/>
        <xs:element name="address" type="address--type" minOccurs="0"/>
        <xs:element name="terms" type="terms--type" minOccurs="0"/>
        <xs:element name="lines" type="line--list" minOccurs="0" sme:relationship="child" sme:isCollection="true"/>
      </xs:all></xs:complexType>
      <xs:complexType name="address--type"><xs:all><xs:element name="country" type="xs:string" default="FR" minOccurs="0"/></xs:all></xs:complexType>
      <xs:complexType name="terms--type"><xs:all><xs:element name="days" type="xs:int" minOccurs="0"/></xs:all></xs:complexType>
      <xs:complexType name="line--type"><xs:all><xs:element name="quantity" type="xs:int" default="1" minOccurs="0"/></xs:all></xs:complexType>
      <xs:complexType name="line--list"><xs:sequence>
        <xs:element name="line" type="line--type" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence></xs:complexType>
    </xs:schema>"#;

    /// CORE-8.2-01: only what has a default of its own, and children when they are asked for.
    #[rstest]
    #[case::alone(&[], None, "<status>Draft</status><version>2</version><address><country>FR</country></address>")]
    #[case::with_children(&["$children"], None, "<status>Draft</status><version>2</version><address><country>FR</country></address><lines><line><quantity>1</quantity></line></lines>")]
    #[case::with_lines(&["lines"], None, "<status>Draft</status><version>2</version><address><country>FR</country></address><lines><line><quantity>1</quantity></line></lines>")]
    #[case::selected(&[], Some(&["status", "lines/*"][..]), "<status>Draft</status><lines><line><quantity>1</quantity></line></lines>")]
    fn a_template_has_the_defaults_of_the_schema(
        #[case] include: &[&str],
        #[case] select: Option<&[&str]>,
        #[case] content: &str,
    ) {
        let contract = Contract::from_text("orders.xsd", ORDERS).unwrap();
        let kind = contract.kind("orders").unwrap();
        let paths = |paths: &[&str]| -> Vec<Vec<String>> {
            paths.iter().map(|path| path.split('/').map(str::to_owned).collect()).collect()
        };
        let (include, select) = (paths(include), select.map(paths));
        let wishes = Wishes { precedence: None, include: &include, select: select.as_deref() };
        let (view, _) = View::of(&contract, kind.type_id, &wishes).unwrap();
        let template = contract.template(kind.type_id, &kind.name, &kind.namespace, &view);
        assert_eq!(String::from_utf8(template.content_xml().unwrap()).unwrap(), content);
    }
}
