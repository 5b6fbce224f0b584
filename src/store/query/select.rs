//! Pages of what a query selects.

use super::Selection;
use super::cursor::Cursor;
use super::expression::Translator;
use super::flavor::{Form, Sql};
use crate::query::{OrderKey, ValueType};
use crate::store::resources::{DocumentRow, live, with_payload};
use crate::store::{CollectionId, Document, Store, StoreError};
use entities::resource;
use sea_orm::sea_query::{Condition, Expr, NullOrdering};
use sea_orm::{
    ColumnTrait, DbErr, ExprTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QueryResult, QuerySelect, Select,
};
use uuid::Uuid;

/// A selected resource, and where a page ends that ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The resource.
    pub document: Document,
    /// Its place in the order.
    pub cursor: Cursor,
}

/// What the columns with the values of order keys are called.
const ORDER_KEY: &str = "order_key_";

/// A resource with what it is ordered by.
struct OrderedRow {
    row: DocumentRow,
    keys: Vec<Option<String>>,
}

impl FromQueryResult for OrderedRow {
    fn from_query_result(result: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let count = result.column_names().iter().filter(|name| name.starts_with(ORDER_KEY)).count();
        let keys = (0..count).map(|place| result.try_get("", &format!("{ORDER_KEY}{place}")));
        Ok(Self { row: DocumentRow::from_query_result(result, prefix)?, keys: keys.collect::<Result<_, _>>()? })
    }
}

impl Store {
    /// Up to `limit` resources that `selection` means, beginning `offset` after the one after `after`.
    ///
    /// # Errors
    /// Those of any read, as for all below.
    pub async fn select(
        &self,
        collection: CollectionId,
        selection: &Selection,
        after: Option<&Cursor>,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Selected>, StoreError> {
        let flavor = self.inner.dialect.flavor();
        let translator = Translator::new(flavor, selection);
        let keys: Vec<Sql> = selection.order.iter().map(|key| translator.field(&key.field)).collect();
        let mut query = meant(collection, &translator, selection);
        if let Some(after) = after {
            query = query.filter(behind(&translator, &selection.order, &keys, after));
        }
        for (place, (key, sql)) in selection.order.iter().zip(keys).enumerate() {
            query = query.column_as(flavor.as_text(sql.clone()), format!("{ORDER_KEY}{place}"));
            let expression = flavor.order(sql);
            let (order, nulls) = match key.descending {
                false => (Order::Asc, NullOrdering::First),
                true => (Order::Desc, NullOrdering::Last),
            };
            query = match flavor.has_nulls_first() {
                true => query.order_by(expression, order),
                false => query.order_by_with_nulls(expression, order, nulls),
            };
        }
        query = query.order_by_asc(resource::Column::Id).limit(limit);
        if offset > 0 {
            query = query.offset(offset);
        }
        let rows = query.into_model::<OrderedRow>().all(&self.inner.read).await?;
        let (rows, keys): (Vec<_>, Vec<_>) = rows.into_iter().map(|row| (row.row, row.keys)).unzip();
        let documents = self.session().documents_of(rows).await?;
        let selected = documents.into_iter().zip(keys).map(|(document, values)| {
            let cursor = Cursor { values, id: document.resource.id };
            Selected { document, cursor }
        });
        Ok(selected.collect())
    }

    /// How many resources `selection` means.
    pub async fn selected_count(&self, collection: CollectionId, selection: &Selection) -> Result<u64, StoreError> {
        if selection.is_everything() {
            return self.live_count(collection).await;
        }
        let translator = Translator::new(self.inner.dialect.flavor(), selection);
        let query = meant(collection, &translator, selection).select_only();
        let count = query.column_as(Expr::col((resource::Entity, resource::Column::Id)).count(), "count");
        let count: Option<i64> = count.into_tuple().one(&self.inner.read).await?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }
}

/// The resources that `selection` means, in no order.
fn meant(collection: CollectionId, translator: &Translator<'_>, selection: &Selection) -> Select<resource::Entity> {
    let query = live(collection, with_payload()).filter(translator.selecting(selection));
    if selection.linked { query.filter(resource::Column::Uuid.is_not_null()) } else { query }
}

/// What comes behind a cursor: greater in the first key in which they differ, at last in the id. Null is less than all else.
fn behind(translator: &Translator<'_>, order: &[OrderKey], keys: &[Sql], cursor: &Cursor) -> Condition {
    let mut behind = Condition::any();
    let mut equal = Condition::all();
    for ((key, sql), value) in order.iter().zip(keys).zip(&cursor.values) {
        let value = value.as_ref().and_then(|text| translator.cursor_value(key, sql.form, text));
        let ordered = |operator| value.clone().map(|value| translator.ordered(operator, sql.clone(), value));
        let is_null = sql.expr.clone().is_null();
        let later = match (key.descending, value.is_some()) {
            (false, true) => Condition::any().add_option(ordered(">")),
            (false, false) => Condition::all().add(sql.expr.clone().is_not_null()),
            (true, true) => Condition::any().add_option(ordered("<")).add(is_null.clone()),
            // Nothing comes behind null; the keys after this one decide.
            (true, false) => Condition::all().add(Expr::val(1).eq(0)),
        };
        behind = behind.add(equal.clone().add(later));
        equal = equal.add(ordered("=").unwrap_or(is_null));
    }
    behind.add(equal.add(resource::Column::Id.gt(cursor.id.0)))
}

impl Translator<'_> {
    /// What a cursor says of one key, as a literal.
    fn cursor_value(&self, key: &OrderKey, form: Form, text: &str) -> Option<Sql> {
        let expr = match (key.field.value_type, form) {
            (ValueType::Number, _) => return Some(self.flavor().number(Expr::val(text))),
            (_, Form::Micros) => Expr::val(text.parse::<i64>().ok()?),
            (ValueType::Boolean, _) => Expr::val(matches!(text, "1" | "t" | "true")),
            (ValueType::Uuid, _) => Expr::val(Uuid::parse_str(text).ok()?),
            _ => Expr::val(text),
        };
        Some(Sql::plain(expr, form))
    }

    /// Compares two values as they are ordered.
    fn ordered(&self, operator: &str, left: Sql, right: Sql) -> Expr {
        let flavor = self.flavor();
        flavor.sql(&format!("($1 {operator} $2)"), vec![flavor.order(left), flavor.order(right)])
    }

    /// What must be true of the resources that are meant.
    fn selecting(&self, selection: &Selection) -> Condition {
        let words = selection.words.iter().map(|word| {
            let text = self.flavor().property("document", &["$text"]);
            self.flavor().contains(text, Expr::val(word.to_lowercase()))
        });
        let filter = selection.filter.as_ref().map(|filter| self.condition(filter));
        words.fold(Condition::all().add_option(filter), Condition::add)
    }
}
