//! Pages along an index are the pages without it.

use crate::database::TestDatabase;
use crate::sample::*;
use sdata_sync::query::{Comparison, Expression, Field, Literal, OrderKey, Target, ValueType};
use sdata_sync::store::{CollectionId, Content, Cursor, IndexedProperty, ResourceId, ResourceWrite, Selection, Store};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const RESOURCES: usize = 2_600;

fn field(name: &str, value_type: ValueType) -> Field {
    Field { through: Vec::new(), target: Target::Property(vec![Arc::from(name)]), value_type }
}

pub(crate) fn name() -> Field {
    field("name", ValueType::Text)
}

fn amount() -> Field {
    field("amount", ValueType::Number)
}

pub(crate) fn indexed(field: &Field) -> IndexedProperty {
    let Target::Property(path) = &field.target else { panic!("a property") };
    IndexedProperty { path: path.clone(), value_type: field.value_type }
}

fn compare(comparison: Comparison, field: Field, value: Literal) -> Expression {
    Expression::Compare(comparison, Box::new(Expression::Field(field)), Box::new(Expression::Literal(value)))
}

fn text(value: &str) -> Literal {
    Literal::Text(value.to_owned())
}

fn number(value: &str) -> Literal {
    Literal::Number(value.to_owned())
}

fn and(left: Expression, right: Expression) -> Expression {
    Expression::And(Box::new(left), Box::new(right))
}

/// Few names, some of them absent; many amounts, some of them negative.
fn properties(place: usize) -> Value {
    let mut properties = json!({ "amount": format!("{}.5", i64::try_from(place).unwrap() * 7 % 1_301 - 400) });
    if !place.is_multiple_of(11) {
        properties["name"] = json!(["Ähre", "Zoo", "abc", "", "ab"][place % 5]);
    }
    properties
}

async fn store_all(db: &TestDatabase, collection: CollectionId) -> Vec<ResourceId> {
    let ids = new_ids(&db.store, RESOURCES as u64).await;
    let writes = ids.iter().enumerate().map(|(place, id)| changed(*id, place, properties(place)));
    insert(&db.store, collection, &writes.collect::<Vec<_>>()).await;
    ids
}

pub(crate) fn changed(id: ResourceId, place: usize, properties: Value) -> ResourceWrite {
    let key = format!("r{place}");
    let written = write(id, &key, &key, at(0));
    ResourceWrite { content: Some(Content { properties: properties.into(), ..content(&key) }), ..written }
}

/// All keys, page by page.
async fn paged(store: &Store, collection: CollectionId, selection: &Selection, size: u64) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let page = store.select(collection, selection, after.as_ref(), 0, size).await.unwrap();
        let is_end = (page.len() as u64) < size;
        after = page.last().map(|last| last.cursor.to_string().parse().unwrap());
        found.extend(page.into_iter().map(|selected| selected.document.resource.key));
        if is_end {
            return found;
        }
    }
}

fn selections() -> Vec<Selection> {
    use Comparison::{Equal, Greater, Less};
    let filters = [
        None,
        Some(compare(Equal, name(), text("Zoo"))),
        Some(compare(Greater, amount(), number("500"))),
        Some(compare(Equal, amount(), number("6.50"))),
        Some(and(compare(Equal, name(), text("abc")), compare(Less, amount(), number("0")))),
        Some(Expression::Like(Box::new(Expression::Field(name())), Box::new(Expression::Literal(text("ab%"))))),
        Some(Expression::IsNull(Box::new(Expression::Field(name())), true)),
        Some(Expression::In(
            Box::new(Expression::Field(name())),
            vec![Expression::Literal(text("")), Expression::Literal(text("Ähre"))],
        )),
    ];
    let key = |field, descending| vec![OrderKey { field, descending }];
    let orders = [vec![], key(name(), false), key(name(), true), key(amount(), false), key(amount(), true)];
    let pairs = filters.iter().flat_map(|filter| orders.iter().map(move |order| (filter.clone(), order.clone())));
    pairs.map(|(filter, order)| Selection { filter, order, ..Selection::default() }).collect()
}

/// OURS-SCALE-02, CORE-6.4-01.
pub(crate) async fn pages_along_an_index_are_those_without_it(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    store_all(&db, collection).await;
    let plain = db.other_process().await;
    db.store.declare_indexes(collection, &[indexed(&name()), indexed(&amount())]).await.unwrap();
    while db.store.tend_indexes(collection).await.unwrap() {}
    for selection in selections() {
        let expected = paged(&plain, collection, &selection, 5_000).await;
        assert_eq!(paged(&db.store, collection, &selection, 700).await, expected, "{selection:?}");
        let count = db.store.selected_count(collection, &selection).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{selection:?}");
        let skipped = db.store.select(collection, &selection, None, 3, 2).await.unwrap();
        let skipped: Vec<_> = skipped.into_iter().map(|selected| selected.document.resource.key).collect();
        assert_eq!(skipped, expected.iter().skip(3).take(2).cloned().collect::<Vec<_>>(), "{selection:?}");
    }
}

/// OURS-SCALE-02.
pub(crate) async fn an_index_follows_every_write(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    db.store.declare_indexes(collection, &[indexed(&name())]).await.unwrap();
    let ids = store_all(&db, collection).await;
    let plain = db.other_process().await;
    let gone = ResourceWrite { deleted: true, content: None, ..changed(ids[1], 1, json!({})) };
    let renamed = changed(ids[2], 2, json!({ "name": "new" }));
    update(&db.store, collection, &[gone, renamed, changed(ids[3], 3, json!({}))]).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(collection).await.unwrap();
    let replaced = Content { properties: json!({ "name": "replaced" }).into(), ..content("x") };
    txn.replace_content(collection, &[(ids[4], replaced)]).await.unwrap();
    txn.commit().await.unwrap();
    for selection in selections() {
        let expected = paged(&plain, collection, &selection, 5_000).await;
        assert_eq!(paged(&db.store, collection, &selection, 1_000).await, expected, "{selection:?}");
    }
    for (sought, key) in [("new", "r2"), ("replaced", "r4")] {
        let filter = Some(compare(Comparison::Equal, name(), text(sought)));
        let selection = Selection { filter, ..Selection::default() };
        assert_eq!(paged(&db.store, collection, &selection, 10).await, [key]);
        assert_eq!(db.store.selected_count(collection, &selection).await.unwrap(), 1);
    }
}

/// OURS-SCALE-02.
pub(crate) async fn an_index_that_is_declared_later_is_filled_and_one_no_longer_wanted_goes(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    store_all(&db, collection).await;
    let selection = Selection {
        order: vec![OrderKey { field: name(), descending: false }],
        filter: Some(compare(Comparison::Equal, name(), text("later"))),
        ..Selection::default()
    };
    db.store.declare_indexes(collection, &[indexed(&name())]).await.unwrap();
    assert!(db.store.tend_indexes(collection).await.unwrap(), "there is more to fill in");
    // Written before the index comes by, and after it has come by.
    let ids = new_ids(&db.store, 1).await;
    insert(&db.store, collection, &[changed(ids[0], 9_000, json!({ "name": "later" }))]).await;
    assert_eq!(paged(&db.store, collection, &selection, 10).await, ["r9000"]);
    while db.store.tend_indexes(collection).await.unwrap() {}
    assert_eq!(paged(&db.store, collection, &selection, 10).await, ["r9000"]);
    db.store.declare_indexes(collection, &[]).await.unwrap();
    db.store.drop_unwanted_indexes(collection, Duration::ZERO).await.unwrap();
    update(&db.store, collection, &[changed(ids[0], 9_000, json!({ "name": "changed" }))]).await;
    while db.store.tend_indexes(collection).await.unwrap() {}
    db.store.declare_indexes(collection, &[indexed(&name())]).await.unwrap();
    while db.store.tend_indexes(collection).await.unwrap() {}
    assert!(paged(&db.store, collection, &selection, 10).await.is_empty());
}

/// OURS-SCALE-02.
pub(crate) async fn an_index_that_is_filled_while_others_write_is_true(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = store_all(&db, collection).await;
    db.store.declare_indexes(collection, &[indexed(&name())]).await.unwrap();
    let store = db.store.clone();
    let writer = tokio::spawn(async move {
        for (place, id) in ids.into_iter().enumerate().step_by(13) {
            let attempt = || async {
                let mut txn = store.begin().await?;
                txn.lock_by_keys(collection, &[format!("r{place}")]).await?;
                txn.update(collection, &[changed(id, place, json!({ "name": "written" }))]).await?;
                txn.commit().await
            };
            sdata_sync::store::retrying(attempt).await.unwrap();
        }
    });
    while db.store.tend_indexes(collection).await.unwrap() {}
    writer.await.unwrap();
    let plain = db.other_process().await;
    let order = vec![OrderKey { field: name(), descending: false }];
    let selection = Selection { order, ..Selection::default() };
    let expected = paged(&plain, collection, &selection, 5_000).await;
    assert_eq!(paged(&db.store, collection, &selection, 1_000).await, expected);
}

pub(crate) async fn declare_and_fill(store: &Store, collection: CollectionId, properties: &[IndexedProperty]) {
    store.declare_indexes(collection, properties).await.unwrap();
    while store.tend_indexes(collection).await.unwrap() {}
}

/// All keys by name, and those named `sought`.
pub(crate) async fn named(store: &Store, collection: CollectionId, sought: &str) -> (Vec<String>, Vec<String>) {
    let order = vec![OrderKey { field: name(), descending: false }];
    let filter = Some(compare(Comparison::Equal, name(), text(sought)));
    (
        paged(store, collection, &Selection { order, ..Selection::default() }, 10).await,
        paged(store, collection, &Selection { filter, ..Selection::default() }, 10).await,
    )
}

/// OURS-SCALE-02.
pub(crate) async fn processes_that_declare_differently_keep_every_index(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let (old, new) = (&db.store, db.other_process().await);
    old.declare_indexes(collection, &[]).await.unwrap();
    let ids = new_ids(old, 3).await;
    let named_as = |place: usize, name: &str| changed(ids[place], place, json!({ "name": name, "amount": "1" }));
    insert(old, collection, &[named_as(0, "same")]).await;
    declare_and_fill(&new, collection, &[indexed(&name())]).await;
    insert(old, collection, &[named_as(1, "same")]).await;
    insert(old, collection, &[named_as(2, "other")]).await;
    assert_eq!(named(&new, collection, "same").await, (keys([2, 0, 1]), keys([0, 1])));
    update(old, collection, &[named_as(0, "changed")]).await;
    assert_eq!(named(&new, collection, "same").await, (keys([0, 2, 1]), keys([1])));
    // An index of the same property as another type, and none at all: neither takes the first away.
    let as_number = IndexedProperty { value_type: ValueType::Number, ..indexed(&name()) };
    declare_and_fill(old, collection, &[as_number]).await;
    old.declare_indexes(collection, &[]).await.unwrap();
    old.drop_unwanted_indexes(collection, Duration::from_secs(3_600)).await.unwrap();
    update(old, collection, &[named_as(2, "same")]).await;
    assert_eq!(named(&new, collection, "same").await, (keys([0, 1, 2]), keys([1, 2])));
    let restarted = db.other_process().await;
    declare_and_fill(&restarted, collection, &[indexed(&name())]).await;
    assert_eq!(named(&restarted, collection, "same").await, (keys([0, 1, 2]), keys([1, 2])));
}

pub(crate) fn keys<const N: usize>(places: [usize; N]) -> Vec<String> {
    places.iter().map(|place| format!("r{place}")).collect()
}

/// OURS-SCALE-02.
pub(crate) async fn an_index_learns_of_what_was_being_written_when_it_was_declared(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    db.store.declare_indexes(collection, &[]).await.unwrap();
    let ids = new_ids(&db.store, 3).await;
    let named_as = |place: usize, name: &str| changed(ids[place], place, json!({ "name": name }));
    insert(&db.store, collection, &[named_as(0, "first"), named_as(1, "gone")]).await;
    let gone = ResourceWrite { deleted: true, content: None, ..named_as(1, "gone") };
    update(&db.store, collection, &[gone]).await;
    let mut txn = db.store.begin().await.unwrap();
    txn.insert(collection, &[named_as(2, "late")]).await.unwrap();
    txn.update(collection, &[named_as(1, "late")]).await.unwrap();
    let new = db.other_process().await;
    let declared = new.clone();
    let filling = tokio::spawn(async move { declare_and_fill(&declared, collection, &[indexed(&name())]).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    txn.commit().await.unwrap();
    filling.await.unwrap();
    assert_eq!(named(&new, collection, "late").await, (keys([0, 1, 2]), keys([1, 2])));
}
