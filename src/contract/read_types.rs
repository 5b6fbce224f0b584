//! Reading the types of a contract: every one gets its index before it is read, so types may contain
//! one another; only derivation and groups must come to an end.

use super::declarations::{Declarations, What};
use super::error::{ContractError, Problem, Warning};
use super::model::{ComplexType, Place, TypeId, TypeRef};
use super::schema_file::{QName, ROOT, SchemaFile};
use super::simple_type::SimpleType;
use crate::wire::names::XS;
use std::collections::HashMap;
use std::sync::Arc;

/// Reads types on demand and remembers them.
pub(super) struct TypeReader<'a> {
    files: &'a [SchemaFile],
    pub(super) declarations: &'a Declarations,
    pub(super) simple: HashMap<Place, Arc<SimpleType>>,
    pub(super) simple_in_progress: Vec<Place>,
    pub(super) built_ins: HashMap<String, Arc<SimpleType>>,
    complex: Vec<Entry>,
    complex_at: HashMap<Place, TypeId>,
    warnings: Vec<Warning>,
}

/// A complex type that is known, read or not.
struct Entry {
    place: Place,
    name: Arc<str>,
    state: State,
}

enum State {
    Reserved,
    InProgress,
    Read(ComplexType),
}

/// The types of a contract.
pub(super) struct Types {
    pub(super) complex: Vec<ComplexType>,
    pub(super) at: HashMap<Place, TypeId>,
    pub(super) named: HashMap<QName, TypeId>,
    pub(super) warnings: Vec<Warning>,
}

/// Reads every type the files declare, used or not, so that no fault waits for the first payload.
///
/// # Errors
/// [`ContractError::Invalid`] for names nobody declares and derivations that cannot be.
pub(super) fn read_types(files: &[SchemaFile], declarations: &Declarations) -> Result<Types, ContractError> {
    let mut reader = TypeReader {
        files,
        declarations,
        simple: HashMap::new(),
        simple_in_progress: Vec::new(),
        built_ins: HashMap::new(),
        complex: Vec::new(),
        complex_at: HashMap::new(),
        warnings: Vec::new(),
    };
    for (index, file) in files.iter().enumerate() {
        for (node, declared) in file.children(ROOT) {
            reader.global(Place { file: index, node }, &declared.name)?;
        }
    }
    // Types found while reading, inside elements, are at the end of the list.
    let mut next = 0;
    while next < reader.complex.len() {
        reader.complete(TypeId(next))?;
        next += 1;
    }
    Ok(reader.finish())
}

impl<'a> TypeReader<'a> {
    fn global(&mut self, place: Place, declared: &str) -> Result<(), ContractError> {
        let file = self.file(place);
        let name: Arc<str> = Arc::from(file.node(place.node).attribute("name").unwrap_or_default());
        match declared {
            "complexType" => {
                self.reserve(place, &name);
            }
            "simpleType" => {
                let qualified = QName { namespace: file.namespace.clone(), name };
                self.simple_named(&qualified, place)?;
            }
            "element" => {
                self.element_type(place, &name)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Types {
        let named =
            self.complex.iter().enumerate().filter(|(_, entry)| self.is_global(entry.place)).map(|(id, entry)| {
                let namespace = self.file(entry.place).namespace.clone();
                (QName { namespace, name: Arc::clone(&entry.name) }, TypeId(id))
            });
        let named = named.collect();
        let complex = self.complex.into_iter().map(|entry| match entry.state {
            State::Read(complex) => complex,
            State::Reserved | State::InProgress => ComplexType::default(),
        });
        Types { complex: complex.collect(), at: self.complex_at, named, warnings: self.warnings }
    }

    fn is_global(&self, place: Place) -> bool {
        self.file(place).node(place.node).attribute("name").is_some()
    }

    /// The file of a place.
    pub(super) fn file(&self, place: Place) -> &'a SchemaFile {
        &self.files[place.file]
    }

    /// An error at a place.
    pub(super) fn invalid(&self, place: Place, problem: Problem) -> ContractError {
        self.file(place).invalid(place.node, problem)
    }

    /// Notes something that does not stop the contract from being served.
    pub(super) fn warn(&mut self, place: Place, message: String) {
        let file = self.file(place);
        self.warnings.push(Warning { file: file.name.clone(), line: file.line(place.node), message });
    }

    /// The index of the `xs:complexType` at `place`.
    pub(super) fn reserve(&mut self, place: Place, name: &Arc<str>) -> TypeId {
        if let Some(known) = self.complex_at.get(&place) {
            return *known;
        }
        let id = TypeId(self.complex.len());
        self.complex.push(Entry { place, name: Arc::clone(name), state: State::Reserved });
        self.complex_at.insert(place, id);
        id
    }

    /// The type called `word` at `place`.
    ///
    /// # Errors
    /// [`Problem::Unresolved`] when nothing declares it.
    pub(super) fn type_named(&mut self, word: &str, place: Place) -> Result<TypeRef, ContractError> {
        let name = self.file(place).resolve(place.node, word);
        if &*name.namespace == XS && &*name.name == "anyType" {
            return Ok(TypeRef::Any);
        }
        if let Some(simple) = self.simple_named(&name, place)? {
            return Ok(TypeRef::Simple(simple));
        }
        match self.declarations.find(What::Type, &name) {
            Some(declared) => Ok(TypeRef::Complex(self.reserve(declared, &name.name))),
            None => Err(self.invalid(place, Problem::Unresolved { what: "type", name: word.to_owned() })),
        }
    }

    /// The type of the element or attribute declared at `place`: named, written inside it, or none.
    pub(super) fn element_type(&mut self, place: Place, name: &Arc<str>) -> Result<TypeRef, ContractError> {
        let file = self.file(place);
        if let Some(word) = file.node(place.node).attribute("type") {
            return self.type_named(word, place);
        }
        match file.child(place.node, &["complexType", "simpleType"]) {
            Some((inner, node)) if &*node.name == "complexType" => {
                Ok(TypeRef::Complex(self.reserve(Place { node: inner, ..place }, name)))
            }
            Some((inner, _)) => Ok(TypeRef::Simple(self.simple_type(Place { node: inner, ..place }, name)?)),
            None => Ok(TypeRef::Any),
        }
    }

    /// Reads a complex type, if it is not read yet, and what it is derived from.
    ///
    /// # Errors
    /// [`Problem::Circular`] for a type that is derived from itself, and whatever is wrong within it.
    pub(super) fn complete(&mut self, id: TypeId) -> Result<(), ContractError> {
        let Some(entry) = self.complex.get_mut(id.0) else { return Ok(()) };
        match entry.state {
            State::Read(_) => return Ok(()),
            State::InProgress => {
                let (place, name) = (entry.place, entry.name.to_string());
                return Err(self.invalid(place, Problem::Circular(name)));
            }
            State::Reserved => entry.state = State::InProgress,
        }
        let (place, name) = (entry.place, Arc::clone(&entry.name));
        let read = self.complex_type(place, &name)?;
        if let Some(entry) = self.complex.get_mut(id.0) {
            entry.state = State::Read(read);
        }
        Ok(())
    }

    /// A complex type that was completed.
    pub(super) fn completed(&self, id: TypeId) -> Option<&ComplexType> {
        match &self.complex.get(id.0)?.state {
            State::Read(complex) => Some(complex),
            State::Reserved | State::InProgress => None,
        }
    }
}
