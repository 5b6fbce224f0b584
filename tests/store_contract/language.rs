//! The query language means on every database what it means in memory.

use crate::database::TestDatabase;
use crate::sample::*;
use chrono::{DateTime, NaiveDate};
use query_cases::{CASES, NOW, RESOURCES, Resource, SORTED};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sdata_sync::contract::Contract;
use sdata_sync::protocol::Stamp;
use sdata_sync::query::{
    Arithmetic, Comparison, Expression, Field, Function, Literal, ProtocolVariable, Scope, Target, Value, ValueType,
    matches, parse_order_by, parse_where,
};
use sdata_sync::store::{CollectionId, Content, Properties, ResourceWrite, Selection};
use sdata_sync::wire::Element;
use std::collections::HashMap;
use std::sync::Arc;

#[path = "../query_cases/mod.rs"]
mod query_cases;

struct Table {
    contract: Contract,
    kinds: HashMap<Arc<str>, CollectionId>,
}

impl Table {
    /// Stores the resources of the table.
    async fn load(db: &TestDatabase) -> Self {
        let contract = Contract::sample().unwrap();
        let mut kinds = HashMap::new();
        for kind in contract.kinds() {
            let collection = register(&db.store, &kind.plural_name).await;
            kinds.insert(Arc::clone(&kind.plural_name), collection);
            let resources: Vec<&Resource> = RESOURCES.iter().filter(|one| *one.kind == *kind.plural_name).collect();
            let ids = new_ids(&db.store, resources.len() as u64).await;
            let writes = |stamp: fn(&Resource) -> &str| -> Vec<ResourceWrite> {
                let write = |(id, resource): (&sdata_sync::store::ResourceId, &&Resource)| {
                    let element = element(&contract, resource);
                    let properties = Properties::from_json(contract.scalars(kind, &element));
                    ResourceWrite {
                        uuid: Some(resource.uuid.parse().unwrap()),
                        etag: resource.etag.to_owned(),
                        content: Some(Content { properties, ..content(resource.content) }),
                        ..crate::sample::write(*id, resource.key, "", Stamp::parse(stamp(resource)).unwrap())
                    }
                };
                ids.iter().zip(&resources).map(write).collect()
            };
            insert(&db.store, collection, &writes(|resource| resource.published)).await;
            update(&db.store, collection, &writes(|resource| resource.updated)).await;
        }
        Self { contract, kinds }
    }

    fn scope(&self, kind: &str) -> Scope<'_> {
        let kind = self.contract.kind(kind).unwrap();
        let now = NOW.parse::<DateTime<_>>().unwrap();
        Scope { contract: &self.contract, kind, variables: &ProtocolVariable::ALL, now }
    }

    /// The keys of what is selected, or what went wrong.
    async fn select(&self, db: &TestDatabase, kind: &str, selection: Selection) -> Result<Vec<String>, String> {
        let selection = Selection { kinds: self.kinds.clone(), ..selection };
        let selected = db.store.select(self.kinds[kind], &selection, None, 0, 100).await;
        let keys = |selected: Vec<_>| {
            selected.into_iter().map(|one: sdata_sync::store::Selected| one.document.resource.key).collect()
        };
        selected.map(keys).map_err(|error| error.to_string())
    }
}

fn element(contract: &Contract, resource: &Resource) -> Element {
    let kind = contract.kind(resource.kind).unwrap();
    Element::from_content(&kind.namespace, &kind.name, resource.content.as_bytes()).unwrap()
}

fn keys_of<'r>(kind: &str, expected: &[&'r str]) -> Vec<&'r str> {
    match expected {
        ["*"] => RESOURCES.iter().filter(|resource| resource.kind == kind).map(|resource| resource.key).collect(),
        keys => keys.to_vec(),
    }
}

/// CORE-2.12-01, CORE-2.12-02, CORE-2.12-03, CORE-2.12-04, CORE-2.12-05, CORE-2.12-06, CORE-6.2-01.
pub(crate) async fn conditions_select_what_the_table_says(db: TestDatabase) {
    let table = Table::load(&db).await;
    let mut wrong = Vec::new();
    for (kind, text, expected) in CASES {
        let filter = Some(parse_where(text, &table.scope(kind)).unwrap());
        let selected = table.select(&db, kind, Selection { filter, ..Selection::default() }).await;
        let expected = keys_of(kind, expected);
        if selected.as_ref().map_or(true, |selected| *selected != expected) {
            wrong.push(format!("{kind}: {text}: {selected:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// CORE-6.3-01.
pub(crate) async fn resources_are_sorted_as_the_table_says(db: TestDatabase) {
    let table = Table::load(&db).await;
    for (kind, text, expected) in SORTED {
        let order = parse_order_by(text, &table.scope(kind)).unwrap().keys;
        let sorted = table.select(&db, kind, Selection { order, ..Selection::default() }).await.unwrap();
        assert_eq!(sorted, keys_of(kind, expected), "{text}");
    }
}

/// CORE-2.12-04, CORE-6.2-01.
pub(crate) async fn a_database_agrees_with_memory_about_any_condition(db: TestDatabase) {
    const CONDITIONS: u32 = 150;
    let table = Table::load(&db).await;
    let accounts: Vec<_> = RESOURCES.iter().filter(|resource| resource.kind == "accounts").collect();
    let properties: Vec<serde_json::Value> = accounts
        .iter()
        .map(|resource| {
            let kind = table.contract.kind("accounts").unwrap();
            serde_json::from_str(&table.contract.scalars(kind, &element(&table.contract, resource))).unwrap()
        })
        .collect();
    let mut any = Any(StdRng::seed_from_u64(20_261_120));
    for _ in 0..CONDITIONS {
        let condition = any.condition(3);
        let expected = accounts.iter().zip(&properties).filter(|(_, properties)| {
            matches(&condition, &|field| {
                let Target::Property(path) = &field.target else { panic!("only properties are asked for") };
                let found = path.iter().try_fold(*properties, |value, name| value.get(&**name))?;
                let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                Some(Value::read(field.value_type, &text).unwrap())
            })
        });
        let expected: Vec<&str> = expected.map(|(resource, _)| resource.key).collect();
        let selection = Selection { filter: Some(condition.clone()), ..Selection::default() };
        let selected = table.select(&db, "accounts", selection).await;
        assert_eq!(
            selected.as_deref(),
            Ok(&expected.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>()[..]),
            "{condition}"
        );
    }
}

/// Makes conditions on accounts; the same ones on every database.
struct Any(StdRng);

impl Any {
    fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.0.random_range(0..values.len())].clone()
    }

    fn field(&mut self, names: &[&str], value_type: ValueType) -> Expression {
        let names = self.one_of(names).split('.').map(Arc::from).collect();
        Expression::Field(Field { through: Vec::new(), target: Target::Property(names), value_type })
    }

    fn text(&mut self, depth: u32) -> Expression {
        let literals = ["", "a", "ACME BANK", "Ö", "C-00", "ß%", "_", "\\", "Köln", "商"];
        match self.0.random_range(0..if depth == 0 { 2 } else { 6 }) {
            0 => Expression::Literal(Literal::Text(self.one_of(&literals).to_owned())),
            1 => self.field(&["name", "code", "phone", "postalAddress.city", "notes"], ValueType::Text),
            2 => self.call(&[Function::Lower, Function::Upper, Function::Trim], depth, "t"),
            3 => self.call(&[Function::Left, Function::Right, Function::Lpad, Function::Rpad], depth, "tn"),
            4 => self.call(&[Function::Replace], depth, "ttt"),
            _ => self.call(&[Function::Concat, Function::Concat], depth, "tt"),
        }
    }

    /// Small numbers: larger ones are computed with fewer digits on some databases.
    fn number(&mut self, depth: u32) -> Expression {
        match self.0.random_range(0..if depth == 0 { 1 } else { 5 }) {
            0 => Expression::Literal(Literal::Number(self.one_of(&["0", "1", "2", "2.5", "7", "0.25"]).to_owned())),
            1 => self.call(&[Function::Length, Function::Ascii], depth, "t"),
            2 => self.call(&[Function::Year, Function::Month, Function::Day], depth, "d"),
            3 => self.call(
                &[Function::Floor, Function::Ceil, Function::Round, Function::Trunc, Function::Abs],
                depth,
                "n",
            ),
            _ => {
                let operators = [Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Remainder];
                let operator = self.one_of(&operators);
                Expression::Arithmetic(operator, Box::new(self.number(depth - 1)), Box::new(self.number(depth - 1)))
            }
        }
    }

    fn day(&mut self, depth: u32) -> Expression {
        let days = ["2008-02-29", "2000-01-01"].map(|day| day.parse::<NaiveDate>().unwrap());
        match self.0.random_range(0..if depth == 0 { 2 } else { 3 }) {
            0 => Expression::Literal(Literal::Date(self.one_of(&days))),
            1 => self.field(&["openedOn"], ValueType::Date),
            _ => self.call(&[Function::DateAdd, Function::DateSub], depth, "dn"),
        }
    }

    fn call(&mut self, functions: &[Function], depth: u32, arguments: &str) -> Expression {
        let function = self.one_of(functions);
        let argument = |kind| match kind {
            't' => self.text(depth - 1),
            'n' => self.number(depth - 1),
            _ => self.day(depth - 1),
        };
        Expression::Call(function, arguments.chars().map(argument).collect())
    }

    fn condition(&mut self, depth: u32) -> Expression {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        if depth > 1 {
            let (left, right) = (Box::new(self.condition(depth - 1)), Box::new(self.condition(depth - 1)));
            match self.0.random_range(0..4) {
                0 => return Expression::And(left, right),
                1 => return Expression::Or(left, right),
                2 => return Expression::Not(left),
                _ => {}
            }
        }
        let operands: [Expression; 3] = match self.0.random_range(0..4) {
            0 | 1 => std::array::from_fn(|_| self.text(depth)),
            2 => std::array::from_fn(|_| self.number(depth)),
            _ => std::array::from_fn(|_| self.day(depth)),
        };
        let is_text = operands[0].value_type() == ValueType::Text;
        let [one, two, three] = operands.map(Box::new);
        match self.0.random_range(0..6) {
            0 => Expression::IsNull(one, self.one_of(&[true, false])),
            1 => Expression::Between(one, two, three),
            2 => Expression::In(one, vec![*two, *three]),
            3 if is_text => Expression::Like(one, two),
            _ => Expression::Compare(
                self.one_of(&[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual]),
                one,
                two,
            ),
        }
    }
}
