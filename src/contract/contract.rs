//! A contract as a whole: its kinds and types, ready to be asked.

use super::declarations::Declarations;
use super::error::{ContractError, Warning};
use super::kinds::{kinds_by_type, read_kinds, shape_properties};
use super::loader::{self, Files};
use super::model::{ComplexType, Kind, KindId, Property, Shape, TypeId};
use super::read_types::read_types;
use super::schema_file::SchemaFile;
use crate::wire::Element;
use crate::wire::names::XSI;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

/// What an XSD with SData's annotations says (core 4). Immutable; share it as an `Arc`.
#[derive(Debug)]
pub struct Contract {
    namespace: Arc<str>,
    kinds: Vec<Kind>,
    by_plural: HashMap<Arc<str>, KindId>,
    pub(super) types: Vec<ComplexType>,
    by_type: HashMap<TypeId, KindId>,
    by_type_name: HashMap<Arc<str>, Vec<TypeId>>,
    pub(super) files: Vec<SchemaFile>,
    warnings: Vec<Warning>,
}

/// The contract that is served where none is configured.
const SAMPLE: &str = include_str!("../../contracts/sample.xsd");

impl Contract {
    /// Reads the contract at `path`, and what it imports and includes by relative path.
    ///
    /// # Errors
    /// [`ContractError`] with file and line when it cannot be read or means nothing.
    pub fn read(path: &Path) -> Result<Self, ContractError> {
        Self::build(loader::load(path)?)
    }

    /// The contract this program brings along: accounts, contacts, products and sales orders.
    ///
    /// # Errors
    /// None while `contracts/sample.xsd` is a contract.
    pub fn sample() -> Result<Self, ContractError> {
        Self::from_text("sample.xsd", SAMPLE)
    }

    /// Reads a contract that is one schema in memory; `name` is what messages call it.
    ///
    /// # Errors
    /// [`ContractError`] as for [`Contract::read`].
    pub fn from_text(name: &str, text: &str) -> Result<Self, ContractError> {
        Self::build(loader::single(name, text)?)
    }

    fn build(loaded: Files) -> Result<Self, ContractError> {
        let Files { files, mut warnings } = loaded;
        let declarations = Declarations::collect(&files)?;
        let mut types = read_types(&files, &declarations)?;
        let kinds = read_kinds(&files, &mut types)?;
        warnings.append(&mut types.warnings);
        let by_type = kinds_by_type(&kinds, &types.complex);
        shape_properties(&mut types.complex, &by_type);
        let by_plural =
            kinds.iter().enumerate().map(|(id, kind)| (Arc::clone(&kind.plural_name), KindId(id))).collect();
        let mut by_type_name: HashMap<Arc<str>, Vec<TypeId>> = HashMap::new();
        for (id, complex) in types.complex.iter().enumerate() {
            by_type_name.entry(Arc::clone(&complex.name)).or_default().push(TypeId(id));
        }
        let namespace = files.first().map_or_else(|| Arc::from(""), |main| Arc::clone(&main.namespace));
        Ok(Self { namespace, kinds, by_plural, types: types.complex, by_type, by_type_name, files, warnings })
    }

    /// The namespace of the contract's payloads.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// `version` of the schema: major.minor.revision (core 4.9).
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.files.first().and_then(|main| main.node(super::schema_file::ROOT).attribute("version"))
    }

    /// What is served less strictly than the schema is written.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// All resource kinds in schema order, those of imported schemas last.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind with this plural name.
    #[must_use]
    pub fn kind(&self, plural: &str) -> Option<&Kind> {
        self.by_plural.get(plural).and_then(|id| self.kind_at(*id))
    }

    /// The properties of a kind's resources, in schema order.
    #[must_use]
    pub fn properties(&self, kind: &Kind) -> &[Property] {
        self.complex_type(kind.type_id).map_or(&[], |complex| &complex.properties)
    }

    /// One property of a kind's resources.
    #[must_use]
    pub fn property(&self, kind: &Kind, name: &str) -> Option<&Property> {
        self.complex_type(kind.type_id).and_then(|complex| complex.property(name))
    }

    /// The complex type with this index.
    #[must_use]
    pub fn complex_type(&self, id: TypeId) -> Option<&ComplexType> {
        self.types.get(id.0)
    }

    /// The kind with this index.
    #[must_use]
    pub fn kind_at(&self, id: KindId) -> Option<&Kind> {
        self.kinds.get(id.0)
    }

    /// The kinds of the resources that a property may lead to.
    #[must_use]
    pub fn referred_kinds(&self, property: &Property) -> Vec<&Kind> {
        match property.shape {
            Shape::Value | Shape::Structure(_) | Shape::Children(_) | Shape::Any | Shape::Reference(None) => Vec::new(),
            Shape::Reference(Some(id)) => self.kind_at(id).into_iter().collect(),
            Shape::Choice(id) | Shape::References(id) => {
                self.item_types(id).filter_map(|item| self.kind_of(item)).collect()
            }
        }
    }

    /// The kind whose resources have this type.
    #[must_use]
    pub fn kind_of(&self, id: TypeId) -> Option<&Kind> {
        self.by_type.get(&id).and_then(|kind| self.kind_at(*kind))
    }

    /// The type that `element` says it has (`xsi:type`), where it is derived from `declared`; else `declared`.
    /// Prefixes are gone by now: the local name decides.
    #[must_use]
    pub fn actual_type(&self, declared: TypeId, element: &Element) -> TypeId {
        let Some(said) = element.attribute(XSI, "type") else { return declared };
        let local = said.trim().rsplit(':').next().unwrap_or_default();
        let candidates = self.by_type_name.get(local).map_or(&[][..], Vec::as_slice);
        candidates.iter().copied().find(|id| self.derives(*id, declared)).unwrap_or(declared)
    }

    fn derives(&self, id: TypeId, from: TypeId) -> bool {
        let bases = std::iter::successors(Some(id), |id| self.complex_type(*id).and_then(|complex| complex.base));
        bases.take(self.types.len()).any(|base| base == from)
    }

    /// All kinds in the order in which they should be synchronized: by `sme:syncOrder`, then by schema order.
    /// A kind without an order comes before the kinds that refer to it (sync 6.1).
    #[must_use]
    pub fn in_sync_order(&self) -> Vec<&Kind> {
        let mut ids: Vec<usize> = (0..self.kinds.len()).collect();
        ids.sort_by_key(|id| self.kinds.get(*id).map(|kind| (kind.sync_order.is_none(), kind.sync_order)));
        let mut walk = SyncOrder { contract: self, placed: vec![false; self.kinds.len()], order: Vec::new() };
        for id in ids {
            walk.place(KindId(id));
        }
        walk.order
    }

    /// The kinds that resources of a type refer to, themselves or in what they contain.
    fn referenced(&self, id: TypeId, seen: &mut BTreeSet<TypeId>, found: &mut Vec<KindId>) {
        if !seen.insert(id) {
            return;
        }
        let Some(complex) = self.complex_type(id) else { return };
        for property in &complex.properties {
            match property.shape {
                // Associations are rebuilt from references (sync 6.1): they order nothing.
                Shape::Value | Shape::Any | Shape::References(_) | Shape::Reference(None) => {}
                Shape::Reference(Some(kind)) => found.push(kind),
                Shape::Structure(inner) | Shape::Children(inner) | Shape::Choice(inner) => {
                    self.referenced(inner, seen, found);
                }
            }
        }
    }
}

/// Walks kinds so that what is referred to comes first.
struct SyncOrder<'a> {
    contract: &'a Contract,
    placed: Vec<bool>,
    order: Vec<&'a Kind>,
}

impl SyncOrder<'_> {
    fn place(&mut self, id: KindId) {
        let Some(kind) = self.contract.kind_at(id) else { return };
        // Marked before its references are: a circle of references ends where it began.
        match self.placed.get_mut(id.0) {
            Some(placed) if !*placed => *placed = true,
            _ => return,
        }
        let mut found = Vec::new();
        self.contract.referenced(kind.type_id, &mut BTreeSet::new(), &mut found);
        for referenced in found {
            if self.contract.kind_at(referenced).is_some_and(|kind| kind.sync_order.is_none()) {
                self.place(referenced);
            }
        }
        self.order.push(kind);
    }
}

#[cfg(test)]
mod tests;
