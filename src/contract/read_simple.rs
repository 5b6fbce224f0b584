//! Reading simple types: restrictions, lists and unions, with their facets.

use super::builtin::{self, Builtin, WhiteSpace};
use super::declarations::What;
use super::error::{ContractError, Problem};
use super::model::Place;
use super::pattern;
use super::read_types::TypeReader;
use super::schema_file::QName;
use super::simple_type::{Bound, Enumeration, Facets, SimpleType, Variety};
use crate::wire::names::XS;
use std::collections::HashSet;
use std::sync::Arc;

impl TypeReader<'_> {
    /// The simple type that `name`, written at `place`, means; `None` when it is a complex type or undeclared.
    pub(super) fn simple_named(
        &mut self,
        name: &QName,
        place: Place,
    ) -> Result<Option<Arc<SimpleType>>, ContractError> {
        if &*name.namespace == XS {
            return Ok(self.built_in(&name.name));
        }
        let Some(declared) = self.declarations.find(What::Type, name) else { return Ok(None) };
        if &*self.file(declared).node(declared.node).name != "simpleType" {
            return Ok(None);
        }
        if let Some(known) = self.simple.get(&declared) {
            return Ok(Some(Arc::clone(known)));
        }
        if self.simple_in_progress.contains(&declared) {
            return Err(self.invalid(place, Problem::Circular(name.name.to_string())));
        }
        self.simple_in_progress.push(declared);
        let read = self.simple_type(declared, &name.name)?;
        self.simple_in_progress.pop();
        self.simple.insert(declared, Arc::clone(&read));
        Ok(Some(read))
    }

    /// A built-in type; one of the schema's names only.
    fn built_in(&mut self, name: &str) -> Option<Arc<SimpleType>> {
        if let Some(known) = self.built_ins.get(name) {
            return Some(Arc::clone(known));
        }
        let named = builtin::named(name)?;
        let mut simple = SimpleType::of(named.builtin, name);
        if let Some((low, high)) = named.bounds {
            let bound = |text: &str| Bound { text: text.to_owned(), inclusive: true };
            simple.facets.min = low.map(bound);
            simple.facets.max = high.map(bound);
        }
        if named.list {
            simple.variety = Variety::List(Arc::new(SimpleType::of(named.builtin, name)));
        }
        let simple = Arc::new(simple);
        self.built_ins.insert(name.to_owned(), Arc::clone(&simple));
        Some(simple)
    }

    /// Reads the `xs:simpleType` at `place`.
    pub(super) fn simple_type(&mut self, place: Place, name: &Arc<str>) -> Result<Arc<SimpleType>, ContractError> {
        let file = self.file(place);
        let Some((node, derivation)) = file.child(place.node, &["restriction", "list", "union"]) else {
            let needs = "a restriction, a list or a union";
            return Err(self.invalid(place, Problem::Incomplete { element: "simpleType".to_owned(), needs }));
        };
        let at = Place { node, ..place };
        match &*derivation.name {
            "restriction" => self.simple_restriction(at, name),
            "list" => {
                let item = self.member(at, "itemType", "an itemType")?;
                Ok(Arc::new(variety(name, Variety::List(item))))
            }
            _ => self.union(at, name),
        }
    }

    fn union(&mut self, at: Place, name: &Arc<str>) -> Result<Arc<SimpleType>, ContractError> {
        let file = self.file(at);
        let mut members = Vec::new();
        for word in file.node(at.node).attribute("memberTypes").unwrap_or_default().split_whitespace() {
            members.push(self.required(&file.resolve(at.node, word), word, at)?);
        }
        for (child, node) in file.children(at.node) {
            if &*node.name == "simpleType" {
                members.push(self.simple_type(Place { node: child, ..at }, name)?);
            }
        }
        if members.is_empty() {
            return Err(self.invalid(at, Problem::Incomplete { element: "union".to_owned(), needs: "member types" }));
        }
        Ok(Arc::new(variety(name, Variety::Union(members))))
    }

    /// The type an attribute of the node names, or the one written inside the node.
    fn member(&mut self, at: Place, attribute: &str, needs: &'static str) -> Result<Arc<SimpleType>, ContractError> {
        let file = self.file(at);
        if let Some(word) = file.node(at.node).attribute(attribute) {
            return self.required(&file.resolve(at.node, word), word, at);
        }
        match file.child(at.node, &["simpleType"]) {
            Some((inner, _)) => self.simple_type(Place { node: inner, ..at }, &Arc::from("")),
            None => {
                let element = file.node(at.node).name.to_string();
                Err(self.invalid(at, Problem::Incomplete { element, needs }))
            }
        }
    }

    fn required(&mut self, name: &QName, word: &str, at: Place) -> Result<Arc<SimpleType>, ContractError> {
        match self.simple_named(name, at)? {
            Some(simple) => Ok(simple),
            None if self.declarations.find(What::Type, name).is_some() => {
                let message = format!("a simple type cannot be made of the complex type '{word}'");
                Err(self.invalid(at, Problem::Derivation(message)))
            }
            None => Err(self.invalid(at, Problem::Unresolved { what: "type", name: word.to_owned() })),
        }
    }

    /// Reads a restriction at `at`: of a simple type, or of the text of a simple content.
    fn simple_restriction(&mut self, at: Place, name: &Arc<str>) -> Result<Arc<SimpleType>, ContractError> {
        let base = self.member(at, "base", "a base")?;
        self.restricted(at, &base, name)
    }

    /// `base` with the facets at `at`.
    pub(super) fn restricted(
        &mut self,
        at: Place,
        base: &SimpleType,
        name: &Arc<str>,
    ) -> Result<Arc<SimpleType>, ContractError> {
        let mut simple = base.clone();
        if !name.is_empty() {
            simple.name = Arc::clone(name);
        }
        let file = self.file(at);
        let (mut enumeration, mut patterns) = (Vec::new(), Vec::new());
        for (child, facet) in file.children(at.node) {
            let place = Place { node: child, ..at };
            match (&*facet.name, facet.attribute("value")) {
                ("simpleType" | "attribute" | "attributeGroup" | "anyAttribute" | "assertion", _) => {}
                ("enumeration", Some(_)) => enumeration.push((place, self.verbatim(place))),
                ("pattern", Some(_)) => patterns.push((place, self.verbatim(place))),
                (facet, Some(value)) => self.facet(place, &mut simple, facet, value)?,
                (facet, None) => {
                    let element = facet.to_owned();
                    return Err(self.invalid(place, Problem::Incomplete { element, needs: "a value" }));
                }
            }
        }
        self.check_range(at, &simple)?;
        if !patterns.is_empty() {
            self.add_patterns(&mut simple.facets, &patterns);
        }
        if !enumeration.is_empty() {
            self.add_enumeration(&mut simple, enumeration)?;
        }
        Ok(Arc::new(simple))
    }

    /// A facet's value with its white space, which patterns and enumerations may need.
    fn verbatim(&self, place: Place) -> String {
        self.file(place).node(place.node).verbatim("value").unwrap_or_default().to_owned()
    }

    /// Patterns of one step are alternatives. Those the regex crate has no words for are noted, and let pass.
    fn add_patterns(&mut self, facets: &mut Facets, patterns: &[(Place, String)]) {
        let Some((place, first)) = patterns.first() else { return };
        let texts: Vec<&str> = patterns.iter().map(|(_, text)| text.as_str()).collect();
        match pattern::compile(&texts.join("|")) {
            Ok(regex) => facets.patterns.push(regex),
            Err(reason) => self.warn(*place, format!("the pattern '{first}' is not checked: {reason}")),
        }
    }

    fn add_enumeration(&self, simple: &mut SimpleType, values: Vec<(Place, String)>) -> Result<(), ContractError> {
        let mut allowed = Enumeration { comparable: HashSet::new(), written: Vec::new() };
        simple.facets.enumeration = None;
        for (place, text) in values {
            let value = simple.check(&text).map_err(|reason| {
                let message = format!("the enumerated value '{text}' {reason}");
                self.invalid(place, Problem::Derivation(message))
            })?;
            allowed.comparable.insert(simple.comparable(&value).into_owned());
            allowed.written.push(value.into_owned());
        }
        simple.facets.enumeration = Some(Arc::new(allowed));
        Ok(())
    }

    fn facet(&mut self, at: Place, simple: &mut SimpleType, facet: &str, value: &str) -> Result<(), ContractError> {
        let bad = |expected| {
            let problem = Problem::BadValue { attribute: facet.to_owned(), value: value.to_owned(), expected };
            Err(self.invalid(at, problem))
        };
        if !suits(simple, facet) {
            let message = format!("{facet} says nothing about '{}'", simple.name);
            return Err(self.invalid(at, Problem::Derivation(message)));
        }
        let facets = &mut simple.facets;
        match facet {
            "length" | "minLength" | "maxLength" | "totalDigits" | "fractionDigits" => {
                let Ok(number) = value.parse::<usize>() else { return bad("a whole number from 0") };
                match facet {
                    "length" => facets.length = Some(number),
                    "minLength" => facets.min_length = facets.min_length.max(Some(number)),
                    // A derived type can only be narrower than its base.
                    "maxLength" => facets.max_length = Some(facets.max_length.map_or(number, |base| base.min(number))),
                    "totalDigits" => {
                        facets.total_digits = Some(facets.total_digits.map_or(number, |base| base.min(number)))
                    }
                    _ => facets.fraction_digits = Some(facets.fraction_digits.map_or(number, |base| base.min(number))),
                }
            }
            "whiteSpace" => {
                let wanted = match value {
                    "preserve" => WhiteSpace::Preserve,
                    "replace" => WhiteSpace::Replace,
                    "collapse" => WhiteSpace::Collapse,
                    _ => return bad("preserve, replace or collapse"),
                };
                if wanted < simple.white_space {
                    let message = format!("whiteSpace cannot go back to {value}");
                    return Err(self.invalid(at, Problem::Derivation(message)));
                }
                simple.white_space = wanted;
            }
            "minInclusive" | "minExclusive" | "maxInclusive" | "maxExclusive" => {
                if simple.builtin().is_some_and(|builtin| !builtin.accepts(value)) {
                    return bad("a value of the base type");
                }
                let bound = Bound { text: value.to_owned(), inclusive: facet.ends_with("Inclusive") };
                let end = if facet.starts_with("min") { &mut simple.facets.min } else { &mut simple.facets.max };
                *end = Some(bound);
            }
            other => return Err(self.invalid(at, Problem::Unsupported(other.to_owned()))),
        }
        Ok(())
    }

    /// A range that nothing can be in is a slip of the pen.
    fn check_range(&self, at: Place, simple: &SimpleType) -> Result<(), ContractError> {
        let facets = &simple.facets;
        let lengths = facets.min_length.zip(facets.max_length).is_some_and(|(least, most)| least > most);
        let bounds = facets
            .min
            .as_ref()
            .zip(facets.max.as_ref())
            .is_some_and(|(low, high)| simple.compare(&low.text, &high.text) == Some(std::cmp::Ordering::Greater));
        if lengths || bounds {
            let message = format!("no value fits the bounds of '{}'", simple.name);
            return Err(self.invalid(at, Problem::Derivation(message)));
        }
        Ok(())
    }
}

fn variety(name: &Arc<str>, variety: Variety) -> SimpleType {
    // The members of a union treat their white space each in its own way.
    let white_space = if matches!(variety, Variety::List(_)) { WhiteSpace::Collapse } else { WhiteSpace::Preserve };
    SimpleType { name: Arc::clone(name), variety, white_space, facets: Facets::default() }
}

/// Whether a facet can be said of a type (XML Schema 1.0, part 2, section 4.1.5).
fn suits(simple: &SimpleType, facet: &str) -> bool {
    let Variety::Atomic(builtin) = &simple.variety else { return !facet.ends_with("Digits") };
    match facet {
        "length" | "minLength" | "maxLength" => builtin.is_text() || matches!(builtin, Builtin::Base64 | Builtin::Hex),
        "totalDigits" | "fractionDigits" => builtin.is_decimal(),
        "minInclusive" | "minExclusive" | "maxInclusive" | "maxExclusive" => {
            !builtin.is_text() && !matches!(builtin, Builtin::Boolean | Builtin::Base64 | Builtin::Hex)
        }
        _ => true,
    }
}
