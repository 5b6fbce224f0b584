//! Pages of what a query selects.

use super::cursor::Cursor;
use super::expression::Translator;
use super::flavor::{Form, Sql};
use super::plan::{self, KeyRange, Lookup};
use super::scan::{Place, Scan};
use super::{Selection, decimal};
use crate::query::{OrderKey, ValueType};
use crate::store::property_index::Index;
use crate::store::resource_rows::{DocumentRow, with_payload};
use crate::store::resources::live;
use crate::store::{CollectionId, Document, ResourceId, Store, StoreError, sort_key};
use entities::{document, resource};
use sea_orm::sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_orm::sea_query::{Condition, Expr, NullOrdering};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, ExprTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, QueryTrait, Select,
};
use std::collections::HashMap;
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

/// The index of live resources by collection and id.
const LIVE_INDEX: &str = "resource_live";
/// So few resources that an index names are looked at each.
const FEW: u64 = 2_000;
/// Most places of an index that are read at once.
const MOST_PLACES: u64 = 4_096;

/// How the resources that a query means are found.
enum Way<'i> {
    /// These at most, by an index.
    Few(Vec<ResourceId>),
    /// Along an index whose order is the one asked for.
    Along { index: &'i Index, range: KeyRange, descending: bool, is_exact: bool },
    /// The database looks for itself.
    Scan,
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
        let (mut place, mut offset) = (after.cloned(), offset);
        if place.is_none() && offset > 0 && selection.is_everything() {
            // Its index alone is walked: nothing is read of the resources before the page.
            let Some(before) = self.live_id(collection, offset - 1).await? else { return Ok(Vec::new()) };
            (place, offset) = (Some(before.into()), 0);
        }
        let after = place.as_ref();
        let indexes = self.inner.indexes.of(collection);
        let query = self.selecting(collection, selection);
        match self.way(selection, &indexes).await? {
            Way::Few(ids) => {
                let query = query.filter(resource::Column::Id.is_in(ids.iter().map(|id| id.0)));
                self.sorted(query, selection, after, offset, limit).await
            }
            Way::Along { index, range, descending, is_exact } => {
                let after = after.map(|cursor| place_of(cursor, index, &range));
                let scan = Scan::new(index, range, descending, after);
                self.along(query, selection, scan, (offset, limit, is_exact)).await
            }
            Way::Scan => self.sorted(query, selection, after, offset, limit).await,
        }
    }

    /// Whether `cursor` is a place in the order of `selection`: whoever sends one back may have changed it, or the order.
    #[must_use]
    pub fn has_place(&self, selection: &Selection, cursor: &Cursor) -> bool {
        let translator = Translator::new(self.inner.dialect.flavor(), selection);
        let is_value = |key: &OrderKey, text: &str| {
            let form = translator.field(&key.field).form;
            translator.cursor_value(key, form, text).is_some()
        };
        let mut values = selection.order.iter().zip(&cursor.values);
        selection.order.len() == cursor.values.len()
            && values.all(|(key, value)| value.as_ref().is_none_or(|text| is_value(key, text)))
    }

    /// How many resources `selection` means.
    pub async fn selected_count(&self, collection: CollectionId, selection: &Selection) -> Result<u64, StoreError> {
        if selection.filter.is_none() && !selection.has_more() {
            return self.live_count(collection).await;
        }
        let indexes = self.inner.indexes.of(collection);
        let mut query = self.selecting(collection, selection);
        if let Some(filter) = selection.filter.as_ref().filter(|_| !selection.has_more())
            && let [condition] = &plan::conjuncts(filter)[..]
            && let Some(lookup) = plan::lookup(condition, &indexes).filter(|lookup| lookup.is_exact)
        {
            return lookup.count(self).await;
        }
        if let Way::Few(ids) = self.way(&Selection { order: Vec::new(), ..selection.clone() }, &indexes).await? {
            query = query.filter(resource::Column::Id.is_in(ids.into_iter().map(|id| id.0)));
        }
        let count = query.select_only().column_as(Expr::col((resource::Entity, resource::Column::Id)).count(), "count");
        let count: Option<i64> = count.into_tuple().one(&self.inner.queries).await?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    /// The best way: few resources, else along the order, else along a value that all must have.
    async fn way<'i>(&self, selection: &Selection, indexes: &'i [Index]) -> Result<Way<'i>, StoreError> {
        let conjuncts = selection.filter.as_ref().map(plan::conjuncts).unwrap_or_default();
        let lookups: Vec<_> = conjuncts.iter().filter_map(|condition| plan::lookup(condition, indexes)).collect();
        for lookup in &lookups {
            if let Some(ids) = lookup.bearers(self, FEW).await? {
                return Ok(Way::Few(ids));
            }
        }
        let is_all = |lookup: &Lookup<'_>| lookup.is_exact && conjuncts.len() == 1 && !selection.has_more();
        if let Some((index, descending)) = plan::ordering(&selection.order, indexes) {
            let own = lookups.iter().find(|lookup| lookup.index.id == index.id && lookup.ranges.len() == 1);
            let range = own.and_then(|lookup| lookup.ranges.first().cloned());
            let is_exact = own.map_or(conjuncts.is_empty() && !selection.has_more(), is_all);
            return Ok(Way::Along { index, range: range.unwrap_or(KeyRange::ALL), descending, is_exact });
        }
        if selection.order.is_empty() {
            let one_value = lookups.into_iter().find_map(|mut lookup| {
                let range = lookup.ranges.pop().filter(|range| lookup.ranges.is_empty() && range.only().is_some())?;
                Some(Way::Along { index: lookup.index, range, descending: false, is_exact: is_all(&lookup) })
            });
            return Ok(one_value.unwrap_or(Way::Scan));
        }
        Ok(Way::Scan)
    }

    /// The resources that are meant, in no order.
    fn selecting(&self, collection: CollectionId, selection: &Selection) -> Select<resource::Entity> {
        let translator = Translator::new(self.inner.dialect.flavor(), selection);
        meant(collection, &translator, selection)
    }

    /// A page of `query` that the database sorts.
    async fn sorted(
        &self,
        mut query: Select<resource::Entity>,
        selection: &Selection,
        after: Option<&Cursor>,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Selected>, StoreError> {
        let flavor = self.inner.dialect.flavor();
        let translator = Translator::new(flavor, selection);
        if let Some(after) = after {
            query = query.filter(behind(&translator, &selection.order, after));
            if selection.order.is_empty() {
                // PostgreSQL may merge both tables by id: it must not begin with the first document.
                query = query.filter(document::Column::ResourceId.gt(after.id.0));
                // MariaDB would walk there from the collection's first entry. Other databases are not told.
                QueryTrait::query(&mut query).force_index(LIVE_INDEX, IndexHintScope::All);
            }
        }
        query = translator.sort(query, &selection.order).order_by_asc(resource::Column::Id).limit(limit);
        if offset > 0 {
            query = query.offset(offset);
        }
        self.read_selected(query, selection).await
    }

    /// A page of `query` in the order of an index; `is_exact` says that `query` has nothing to add to what is scanned.
    async fn along(
        &self,
        query: Select<resource::Entity>,
        selection: &Selection,
        mut scan: Scan<'_>,
        (mut offset, limit, is_exact): (u64, u64, bool),
    ) -> Result<Vec<Selected>, StoreError> {
        let mut selected = Vec::new();
        let mut size = if is_exact { limit } else { limit.saturating_mul(4) }.clamp(1, MOST_PLACES);
        while (selected.len() as u64) < limit {
            let wanted = if is_exact && offset > 0 { Ord::min(offset, MOST_PLACES) } else { size };
            let places = scan.next(self, wanted).await?;
            let is_end = (places.len() as u64) < wanted;
            if is_exact && offset > 0 {
                offset -= places.len() as u64;
            } else {
                let query = query.clone().filter(resource::Column::Id.is_in(places.iter().map(|(_, id)| id.0)));
                let found = self.read_selected(query, selection).await?;
                let mut by_id: HashMap<_, _> = found.into_iter().map(|one| (one.document.resource.id, one)).collect();
                for one in places.iter().filter_map(|(_, id)| by_id.remove(id)) {
                    if offset > 0 {
                        offset -= 1;
                    } else if (selected.len() as u64) < limit {
                        selected.push(one);
                    }
                }
                size = Ord::min(size.saturating_mul(2), MOST_PLACES);
            }
            if is_end {
                break;
            }
        }
        Ok(selected)
    }

    /// What `query` selects, with where pages end that end there.
    async fn read_selected(
        &self,
        mut query: Select<resource::Entity>,
        selection: &Selection,
    ) -> Result<Vec<Selected>, StoreError> {
        let flavor = self.inner.dialect.flavor();
        let translator = Translator::new(flavor, selection);
        for (place, key) in selection.order.iter().enumerate() {
            query = query.column_as(flavor.as_text(translator.field(&key.field)), format!("{ORDER_KEY}{place}"));
        }
        let rows = query.into_model::<OrderedRow>().all(&self.inner.queries).await?;
        let (rows, keys): (Vec<_>, Vec<_>) = rows.into_iter().map(|row| (row.row, row.keys)).unzip();
        let documents = self.session().documents_of(rows).await?;
        let selected = documents.into_iter().zip(keys).map(|(document, values)| {
            let cursor = Cursor { values, id: document.resource.id };
            Selected { document, cursor }
        });
        Ok(selected.collect())
    }
}

/// A cursor's place in the index that its page came along.
fn place_of(cursor: &Cursor, index: &Index, range: &KeyRange) -> Place {
    let key = match cursor.values.first() {
        Some(Some(text)) => match Uuid::parse_str(text) {
            // Databases write UUIDs with or without hyphens, properties with them.
            Ok(uuid) if index.property.value_type == ValueType::Uuid => {
                sort_key::of_text(ValueType::Uuid, &uuid.to_string())
            }
            _ => sort_key::of_text(index.property.value_type, text),
        },
        Some(None) => sort_key::null(),
        None => range.only().cloned().unwrap_or_default(),
    };
    (key, cursor.id)
}

/// The resources that `selection` means, in no order.
fn meant(collection: CollectionId, translator: &Translator<'_>, selection: &Selection) -> Select<resource::Entity> {
    let query = live(collection, with_payload()).filter(translator.selecting(selection));
    if selection.linked { query.filter(resource::Column::Uuid.is_not_null()) } else { query }
}

/// What comes behind a cursor: greater in the first key in which they differ, at last in the id. Null is less than all else.
fn behind(translator: &Translator<'_>, order: &[OrderKey], cursor: &Cursor) -> Condition {
    let mut behind = Condition::any();
    let mut equal = Condition::all();
    for (key, value) in order.iter().zip(&cursor.values) {
        let sql = translator.field(&key.field);
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
    /// Orders a query; null comes first in ascending and last in descending order.
    pub(in crate::store) fn sort<E: EntityTrait>(&self, query: Select<E>, order: &[OrderKey]) -> Select<E> {
        order.iter().fold(query, |query, key| {
            let expression = self.flavor().order(self.field(&key.field));
            let (order, nulls) = match key.descending {
                false => (Order::Asc, NullOrdering::First),
                true => (Order::Desc, NullOrdering::Last),
            };
            match self.flavor().has_nulls_first() {
                true => query.order_by(expression, order),
                false => query.order_by_with_nulls(expression, order, nulls),
            }
        })
    }

    /// What a cursor says of one key, as a literal; `None` for what is no such value.
    fn cursor_value(&self, key: &OrderKey, form: Form, text: &str) -> Option<Sql> {
        let expr = match (key.field.value_type, form) {
            (ValueType::Number, _) => {
                return decimal(text).map(|_| self.flavor().number(Expr::val(text)));
            }
            (_, Form::Micros) => Expr::val(text.parse::<i64>().ok()?),
            (ValueType::Boolean, _) => match text {
                "1" | "t" | "true" => Expr::val(true),
                "0" | "f" | "false" => Expr::val(false),
                _ => return None,
            },
            (ValueType::Uuid, _) => Expr::val(Uuid::parse_str(text).ok()?),
            (_, Form::Calendar | Form::Clock) => {
                let is_part = |byte: u8| byte.is_ascii_digit() || b"-+:.TZ".contains(&byte);
                text.bytes().all(is_part).then(|| Expr::val(text))?
            }
            // PostgreSQL has no such text.
            _ => (!text.contains('\0')).then(|| Expr::val(text))?,
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
