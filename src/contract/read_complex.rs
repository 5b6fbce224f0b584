//! Reading one complex type: its derivation and its attributes.

use super::builtin::Builtin;
use super::declarations::What;
use super::error::{ContractError, Problem};
use super::model::{ComplexType, DeclaredAttribute, Place, TypeRef};
use super::read_particles::Particles;
use super::read_types::TypeReader;
use super::simple_type::SimpleType;
use std::sync::Arc;

impl TypeReader<'_> {
    /// Reads the `xs:complexType` at `place`.
    pub(super) fn complex_type(&mut self, place: Place, name: &Arc<str>) -> Result<ComplexType, ContractError> {
        let file = self.file(place);
        let node = file.node(place.node);
        let mut complex = ComplexType {
            name: Arc::clone(name),
            namespace: Arc::clone(&file.namespace),
            mixed: node.flag("mixed"),
            ..ComplexType::default()
        };
        match file.child(place.node, &["simpleContent", "complexContent"]) {
            Some((content, kind)) => {
                complex.mixed |= kind.flag("mixed");
                let at = Place { node: content, ..place };
                let Some((derivation, how)) = file.child(content, &["extension", "restriction"]) else {
                    let needs = "an extension or a restriction";
                    return Err(self.invalid(at, Problem::Incomplete { element: kind.name.to_string(), needs }));
                };
                let at = Place { node: derivation, ..place };
                let extends = &*how.name == "extension";
                if &*kind.name == "simpleContent" {
                    self.simple_content(at, extends, &mut complex)?;
                } else {
                    self.complex_content(at, extends, &mut complex)?;
                }
                self.attributes(at, &mut complex, 0)?;
            }
            None => {
                self.content(place, &mut complex)?;
                self.attributes(place, &mut complex, 0)?;
            }
        }
        Ok(complex)
    }

    fn base(&mut self, at: Place) -> Result<(String, TypeRef), ContractError> {
        let node = self.file(at).node(at.node);
        let Some(word) = node.attribute("base") else {
            return Err(self.invalid(at, Problem::Incomplete { element: node.name.to_string(), needs: "a base" }));
        };
        let base = self.type_named(word, at)?;
        Ok((word.to_owned(), base))
    }

    fn complex_content(&mut self, at: Place, extends: bool, complex: &mut ComplexType) -> Result<(), ContractError> {
        match self.base(at)? {
            (_, TypeRef::Any) => complex.open = extends,
            (word, TypeRef::Simple(_)) => {
                let message = format!("complexContent cannot be derived from the simple type '{word}'");
                return Err(self.invalid(at, Problem::Derivation(message)));
            }
            (word, TypeRef::Complex(id)) => {
                self.complete(id)?;
                let Some(base) = self.completed(id) else { return Ok(()) };
                if base.text.is_some() {
                    let message = format!("complexContent cannot be derived from '{word}', which holds a value");
                    return Err(self.invalid(at, Problem::Derivation(message)));
                }
                complex.attributes.clone_from(&base.attributes);
                complex.any_attribute = base.any_attribute;
                // A restriction writes down again what it keeps of its base; an extension does not.
                if extends {
                    complex.properties.clone_from(&base.properties);
                    complex.by_name.clone_from(&base.by_name);
                    complex.open = base.open;
                }
                complex.base = Some(id);
            }
        }
        self.content(at, complex)
    }

    fn simple_content(&mut self, at: Place, extends: bool, complex: &mut ComplexType) -> Result<(), ContractError> {
        let base = match self.base(at)? {
            (_, TypeRef::Simple(simple)) => simple,
            (_, TypeRef::Any) => Arc::new(SimpleType::of(Builtin::Any, "anySimpleType")),
            (word, TypeRef::Complex(id)) => {
                self.complete(id)?;
                let Some(base) = self.completed(id) else { return Ok(()) };
                let Some(text) = base.text.clone() else {
                    let message = format!("simpleContent cannot be derived from '{word}', which holds elements");
                    return Err(self.invalid(at, Problem::Derivation(message)));
                };
                complex.attributes.clone_from(&base.attributes);
                complex.any_attribute = base.any_attribute;
                complex.base = Some(id);
                text
            }
        };
        let name = Arc::clone(&base.name);
        complex.text = Some(if extends { base } else { self.restricted(at, &base, &name)? });
        Ok(())
    }

    fn content(&mut self, at: Place, complex: &mut ComplexType) -> Result<(), ContractError> {
        let file = self.file(at);
        let mut particles = Particles::of(complex);
        for (node, child) in file.children(at.node) {
            if matches!(&*child.name, "all" | "sequence" | "choice" | "group") {
                self.particle(Place { node, ..at }, &mut particles)?;
            }
        }
        particles.finish(complex);
        Ok(())
    }

    /// The attributes declared at `at`. Groups may name groups; `depth` ends those that name themselves.
    fn attributes(&mut self, at: Place, complex: &mut ComplexType, depth: usize) -> Result<(), ContractError> {
        const DEEPEST: usize = 64;
        let file = self.file(at);
        for (node, child) in file.children(at.node) {
            let place = Place { node, ..at };
            match &*child.name {
                "anyAttribute" => complex.any_attribute = true,
                "attribute" => self.attribute(place, complex)?,
                "attributeGroup" => {
                    let Some(word) = child.attribute("ref") else { continue };
                    let group = self.declarations.find(What::AttributeGroup, &file.resolve(node, word));
                    let Some(group) = group else {
                        let what = What::AttributeGroup.word();
                        return Err(self.invalid(place, Problem::Unresolved { what, name: word.to_owned() }));
                    };
                    if depth == DEEPEST {
                        return Err(self.invalid(place, Problem::Circular(word.to_owned())));
                    }
                    self.attributes(group, complex, depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn attribute(&mut self, place: Place, complex: &mut ComplexType) -> Result<(), ContractError> {
        let file = self.file(place);
        let node = file.node(place.node);
        if node.attribute("use") == Some("prohibited") {
            return Ok(());
        }
        // Attributes by reference are those of other namespaces (xml:lang, sdata:key …): kept, not looked into.
        let Some(name) = node.attribute("name") else { return Ok(()) };
        let name: Arc<str> = Arc::from(name);
        let value_type = match self.element_type(place, &name)? {
            TypeRef::Simple(simple) => simple,
            TypeRef::Any => Arc::new(SimpleType::of(Builtin::Any, "anySimpleType")),
            TypeRef::Complex(_) => {
                let message = format!("the attribute '{name}' cannot have a complex type");
                return Err(self.invalid(place, Problem::Derivation(message)));
            }
        };
        complex.attributes.retain(|known| known.name != name);
        complex.attributes.push(DeclaredAttribute { name, value_type });
        Ok(())
    }
}
