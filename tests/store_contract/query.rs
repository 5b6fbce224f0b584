//! Conditions, orders and pages: the same resources on every database.

use crate::database::TestDatabase;
use crate::sample::*;
use chrono::{DateTime, NaiveDate, NaiveTime};
use sdata_sync::protocol::Uuids;
use sdata_sync::query::Expression::{self, *};
use sdata_sync::query::{
    Arithmetic, Comparison, Field, Function, Hop, Literal, OrderKey, ProtocolVariable, Target, ValueType,
};
use sdata_sync::store::{
    CollectionId, Connections, Content, Cursor, DatabaseUrl, ResourceWrite, Selection, Store, StoreError,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

fn t(text: &str) -> Expression {
    Literal(Literal::Text(text.to_owned()))
}

fn n(number: &str) -> Expression {
    match number.strip_prefix('-') {
        Some(digits) => Negate(Box::new(n(digits))),
        None => Literal(Literal::Number(number.to_owned())),
    }
}

/// A date, time or timestamp as properties have it.
fn at_(text: &str) -> Expression {
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Literal::Date);
    let time = || NaiveTime::parse_from_str(text, "%H:%M:%S%.f").map(Literal::Time);
    let moment = || DateTime::parse_from_rfc3339(text).map(|moment| Literal::Timestamp(moment.to_utc()));
    Literal(date().or_else(|_| time()).or_else(|_| moment()).unwrap())
}

fn field(path: &str, value_type: ValueType) -> Field {
    let names = path.split('.').map(Arc::from).collect();
    Field { through: Vec::new(), target: Target::Property(names), value_type }
}

fn p(path: &str, value_type: ValueType) -> Expression {
    Field(field(path, value_type))
}

fn text(path: &str) -> Expression {
    p(path, ValueType::Text)
}

fn number(path: &str) -> Expression {
    p(path, ValueType::Number)
}

fn protocol(variable: ProtocolVariable, value_type: ValueType) -> Field {
    Field { through: Vec::new(), target: Target::Protocol(variable), value_type }
}

fn is(comparison: Comparison, left: Expression, right: Expression) -> Expression {
    Compare(comparison, Box::new(left), Box::new(right))
}

fn eq(left: Expression, right: Expression) -> Expression {
    is(Comparison::Equal, left, right)
}

fn f(function: Function, arguments: impl IntoIterator<Item = Expression>) -> Expression {
    Call(function, arguments.into_iter().collect())
}

fn a(operator: Arithmetic, left: Expression, right: Expression) -> Expression {
    Arithmetic(operator, Box::new(left), Box::new(right))
}

/// Resources with these properties; the first is called `r0`.
async fn stored(db: &TestDatabase, collection: CollectionId, properties: &[Value]) {
    let ids = new_ids(&db.store, properties.len() as u64).await;
    let writes = ids.iter().zip(properties).enumerate().map(|(place, (id, properties))| {
        let key = format!("r{place}");
        let written = write(*id, &key, &key, at(i64::try_from(place).unwrap()));
        ResourceWrite { content: Some(Content { properties: properties.clone().into(), ..content(&key) }), ..written }
    });
    insert(&db.store, collection, &writes.collect::<Vec<_>>()).await;
}

async fn keys_of(db: &TestDatabase, collection: CollectionId, selection: &Selection) -> Vec<String> {
    let selected = db.store.select(collection, selection, None, 0, 100).await;
    let keys = selected.unwrap_or_else(|error| panic!("{selection:?}: {error}")).into_iter();
    keys.map(|selected| selected.document.resource.key).collect()
}

async fn matching(db: &TestDatabase, collection: CollectionId, filter: Expression) -> String {
    keys_of(db, collection, &Selection { filter: Some(filter), ..Selection::default() }).await.join(" ")
}

/// Every expression must have its value; where it is `None`, null.
async fn values(db: &TestDatabase, cases: Vec<(Expression, Option<Expression>)>) {
    let collection = accounts(&db.store).await;
    let properties = json!({
        "name": "Straße Éa", "plain": "John", "number": "-12.575", "blank": "  a b  ", "yes": true,
        "day": "2024-02-28", "time": "13:20:05.250000", "moment": "2024-02-28T23:59:59.999000Z", "percent": "a%b_c\\d",
    });
    stored(db, collection, &[properties]).await;
    let mut wrong = Vec::new();
    for (expression, value) in cases {
        let condition = match &value {
            Some(value) => eq(expression.clone(), value.clone()),
            None => IsNull(Box::new(expression.clone()), true),
        };
        let selection = Selection { filter: Some(condition), ..Selection::default() };
        match db.store.select(collection, &selection, None, 0, 2).await {
            Ok(found) if found.len() == 1 => {}
            Ok(_) => wrong.push(format!("{expression:?} is not {value:?}")),
            Err(error) => wrong.push(format!("{expression:?}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// CORE-2.12-04.
pub(crate) async fn functions_of_texts_have_one_meaning(db: TestDatabase) {
    use Function::*;
    let name = || text("name");
    values(
        &db,
        vec![
            (f(Concat, [text("plain"), t(" "), t("Doe")]), Some(t("John Doe"))),
            (f(Concat, [text("plain"), text("none")]), None),
            (f(Left, [name(), n("2")]), Some(t("St"))),
            (f(Left, [name(), n("-1")]), Some(t(""))),
            (f(Left, [name(), n("99")]), Some(t("Straße Éa"))),
            (f(Left, [text("none"), n("1")]), None),
            (f(Right, [name(), n("2")]), Some(t("Éa"))),
            (f(Right, [name(), n("99")]), Some(t("Straße Éa"))),
            (f(Right, [name(), n("0")]), Some(t(""))),
            (f(Substring, [text("plain"), n("3"), n("2")]), Some(t("hn"))),
            (f(Substring, [text("plain"), n("-1"), n("4")]), Some(t("Jo"))),
            (f(Substring, [text("plain"), n("3"), n("-2")]), Some(t(""))),
            (f(Substring, [text("plain"), f(Length, [t("ab")]), n("2")]), Some(t("oh"))),
            (f(Lower, [name()]), Some(t("straße éa"))),
            (f(Upper, [name()]), Some(t("STRAßE ÉA"))),
            (f(Upper, [text("plain")]), Some(t("JOHN"))),
            (f(Upper, [text("none")]), None),
            (f(Upper, [t("")]), Some(t(""))),
            (f(Replace, [text("plain"), t("oh"), t("ea")]), Some(t("Jean"))),
            (f(Replace, [text("plain"), t("OH"), t("ea")]), Some(t("John"))),
            (f(Replace, [text("plain"), t(""), t("ea")]), Some(t("John"))),
            (f(Length, [name()]), Some(n("9"))),
            (f(Length, [text("blank")]), Some(n("7"))),
            (f(Locate, [t("oh"), text("plain")]), Some(n("2"))),
            (f(Locate, [t("OH"), text("plain")]), Some(n("0"))),
            (f(Locate, [t(""), text("plain")]), Some(n("1"))),
            (f(Lpad, [text("plain"), n("6"), t("*+")]), Some(t("*+John"))),
            (f(Lpad, [text("plain"), n("7"), t("*+")]), Some(t("*+*John"))),
            (f(Lpad, [text("plain"), n("6")]), Some(t("  John"))),
            (f(Lpad, [text("plain"), n("2"), t("*")]), Some(t("Jo"))),
            (f(Lpad, [text("plain"), n("-2"), t("*")]), Some(t(""))),
            (f(Lpad, [text("plain"), n("9"), t("")]), Some(t("John"))),
            (f(Rpad, [text("plain"), n("6"), t("é")]), Some(t("Johnéé"))),
            (f(Rpad, [text("plain"), n("6"), text("none")]), None),
            (f(Trim, [text("blank")]), Some(t("a b"))),
            (f(Ascii, [text("plain")]), Some(n("74"))),
            (f(Ascii, [t("€")]), Some(n("8364"))),
            (f(Ascii, [t("")]), Some(n("0"))),
            (f(Char, [n("74")]), Some(t("J"))),
            (f(Char, [n("8364")]), Some(t("€"))),
            (f(Char, [n("0")]), None),
            (f(Char, [n("55296")]), None),
        ],
    )
    .await;
}

/// CORE-2.12-04.
pub(crate) async fn arithmetic_and_functions_of_numbers_have_one_meaning(db: TestDatabase) {
    use Arithmetic::*;
    use Function::*;
    let x = || number("number");
    values(
        &db,
        vec![
            (a(Add, x(), n("0.075")), Some(n("-12.5"))),
            (a(Subtract, n("1.1"), n("1")), Some(n("0.1"))),
            (a(Multiply, n("1.1"), n("3")), Some(n("3.3"))),
            (a(Divide, n("7"), n("2")), Some(n("3.5"))),
            (a(Divide, n("7"), n("0")), None),
            (a(Remainder, n("7"), n("2")), Some(n("1"))),
            (a(Remainder, n("-7"), n("2")), Some(n("-1"))),
            (a(Remainder, n("7.5"), n("2")), Some(n("1.5"))),
            (a(Remainder, n("7"), n("0")), None),
            (a(Add, number("none"), n("1")), None),
            (Negate(Box::new(x())), Some(n("12.575"))),
            (f(Abs, [x()]), Some(n("12.575"))),
            (f(Sign, [x()]), Some(n("-1"))),
            (f(Sign, [n("0")]), Some(n("0"))),
            (f(Round, [n("2.576"), n("2")]), Some(n("2.58"))),
            (f(Round, [x(), n("2")]), Some(n("-12.58"))),
            (f(Round, [n("2.675"), n("2")]), Some(n("2.68"))),
            (f(Round, [n("2.5")]), Some(n("3"))),
            (f(Round, [n("1250"), n("-2")]), Some(n("1300"))),
            (f(Trunc, [n("2.576"), n("2")]), Some(n("2.57"))),
            (f(Trunc, [n("2.57"), n("2")]), Some(n("2.57"))),
            (f(Trunc, [x()]), Some(n("-12"))),
            (f(Trunc, [n("1299"), n("-2")]), Some(n("1200"))),
            (f(Floor, [x()]), Some(n("-13"))),
            (f(Floor, [n("2.576")]), Some(n("2"))),
            (f(Ceil, [x()]), Some(n("-12"))),
            (f(Ceil, [n("2.576")]), Some(n("3"))),
            (f(Pow, [n("5"), n("3")]), Some(n("125"))),
            (f(Pow, [n("1.1"), n("2")]), Some(n("1.21"))),
            (f(Pow, [n("2"), n("-2")]), Some(n("0.25"))),
            (f(Pow, [n("2"), n("0.5")]), Some(n("1.4142135623731"))),
            (f(Pow, [n("10000000000"), n("0.25")]), Some(n("316.227766016838"))),
            (f(Pow, [n("0"), n("0")]), Some(n("1"))),
            (f(Pow, [n("0"), n("-1")]), None),
            (f(Pow, [n("-8"), n("0.5")]), None),
            (f(Pow, [n("-2"), n("3")]), Some(n("-8"))),
            (f(Pow, [n("10"), n("1000")]), None),
        ]
        .into_iter()
        // Where only some digits count.
        .map(|(expression, value)| match &expression {
            Call(Pow, _) => (f(Round, [expression, n("9")]), value.map(|value| f(Round, [value, n("9")]))),
            _ => (expression, value),
        })
        .collect(),
    )
    .await;
}

/// CORE-2.12-04.
pub(crate) async fn functions_of_days_and_times_have_one_meaning(db: TestDatabase) {
    use Function::*;
    let day = || p("day", ValueType::Date);
    let time = || p("time", ValueType::Time);
    let moment = || p("moment", ValueType::Timestamp);
    values(
        &db,
        vec![
            (f(Year, [day()]), Some(n("2024"))),
            (f(Month, [day()]), Some(n("2"))),
            (f(Day, [moment()]), Some(n("28"))),
            (f(Hour, [time()]), Some(n("13"))),
            (f(Hour, [moment()]), Some(n("23"))),
            (f(Minute, [time()]), Some(n("20"))),
            (f(Second, [moment()]), Some(n("59"))),
            (f(Millisecond, [time()]), Some(n("250"))),
            (f(Millisecond, [moment()]), Some(n("999"))),
            (f(TzHour, [moment()]), Some(n("0"))),
            (f(TzMinute, [p("none", ValueType::Timestamp)]), None),
            (f(DateAdd, [day(), n("2")]), Some(at_("2024-03-01"))),
            (f(DateAdd, [day(), n("1.9")]), Some(at_("2024-02-29"))),
            (f(DateSub, [day(), n("59")]), Some(at_("2023-12-31"))),
            (f(DateSub, [at_("0001-01-02"), n("1")]), Some(at_("0001-01-01"))),
            (f(DateSub, [at_("0001-01-01"), n("1")]), None),
            (f(DateAdd, [day(), n("99999999999")]), None),
            (f(TimestampAdd, [moment(), n("1")]), Some(at_("2024-02-29T00:00:00Z"))),
            (f(TimestampSub, [moment(), n("5999")]), Some(at_("2024-02-28T23:59:54Z"))),
            (f(TimestampSub, [at_("1970-01-01T00:00:00Z"), n("1")]), Some(at_("1969-12-31T23:59:59.999Z"))),
            (f(TimestampAdd, [at_("9999-12-31T23:59:59Z"), n("1000")]), None),
            (f(Hour, [f(TimestampAdd, [moment(), n("1")])]), Some(n("0"))),
            (f(Year, [Field(protocol(ProtocolVariable::Updated, ValueType::Timestamp))]), Some(n("2025"))),
        ],
    )
    .await;
}

/// CORE-2.12-01, CORE-2.12-06, CORE-6.2-01.
pub(crate) async fn comparisons_hold_for_every_type(db: TestDatabase) {
    use Comparison::*;
    let collection = accounts(&db.store).await;
    let of = |name: &str, amount: &str, day: &str, yes: bool| json!({ "name": name, "amount": amount, "day": day, "yes": yes, "inner": { "name": name } });
    stored(
        &db,
        collection,
        &[
            of("Abel", "9.5", "2024-01-31", true),
            of("abel", "10", "2023-12-31", false),
            of("Abel ", "12345678901234567890.5", "2024-02-01", true),
            of("Ähre'; --", "-3", "1999-06-15", false),
            of("a%b_c\\d", "12345678901234567890.25", "2024-01-30", false),
            json!({}),
        ],
    )
    .await;
    let amount = || number("amount");
    let day = || p("day", ValueType::Date);
    let like = |pattern: &str| Like(Box::new(text("name")), Box::new(t(pattern)));
    let own = |variable: ProtocolVariable| Field(protocol(variable, variable_type(variable)));
    for (filter, expected) in [
        (eq(text("name"), t("Abel")), "r0"),
        (is(NotEqual, text("name"), t("Abel")), "r1 r2 r3 r4"),
        (is(Less, text("name"), t("a")), "r0 r2"),
        (is(Greater, text("name"), t("b")), "r3"),
        (is(GreaterOrEqual, text("name"), t("Abel ")), "r1 r2 r3 r4"),
        (eq(text("inner.name"), t("Ähre'; --")), "r3"),
        (is(Less, amount(), n("10")), "r0 r3"),
        (is(LessOrEqual, amount(), n("10.00")), "r0 r1 r3"),
        (is(Greater, amount(), n("12345678901234567890.3")), "r2"),
        (Between(Box::new(amount()), Box::new(n("-3")), Box::new(n("9.5"))), "r0 r3"),
        (In(Box::new(amount()), vec![n("10.0"), n("-3")]), "r1 r3"),
        (is(Less, day(), at_("2024-01-31")), "r1 r3 r4"),
        (eq(day(), at_("2024-02-01")), "r2"),
        (eq(p("yes", ValueType::Boolean), Literal(Literal::Boolean(true))), "r0 r2"),
        (is(Less, p("yes", ValueType::Boolean), Literal(Literal::Boolean(true))), "r1 r3 r4"),
        (IsNull(Box::new(amount()), true), "r5"),
        (IsNull(Box::new(text("name")), false), "r0 r1 r2 r3 r4"),
        (Not(Box::new(eq(text("name"), t("Abel")))), "r1 r2 r3 r4"),
        (
            Or(
                Box::new(And(Box::new(eq(text("name"), t("Abel"))), Box::new(is(Greater, amount(), n("10"))))),
                Box::new(eq(own(ProtocolVariable::Key), t("r3"))),
            ),
            "r3",
        ),
        (like("Abel%"), "r0 r2"),
        (like("a%"), "r1 r4"),
        (like("_bel"), "r0 r1"),
        (like("%'; --"), "r3"),
        (like("_hre%"), "r3"),
        (like("a\\%b%"), ""),
        (like("%\\d"), "r4"),
        (like("%\\_"), "r4"),
        (Like(Box::new(text("name")), Box::new(text("name"))), "r0 r1 r2 r3 r4"),
        (Like(Box::new(text("name")), Box::new(f(Function::Concat, [t("a"), t("%")]))), "r1 r4"),
        (eq(own(ProtocolVariable::Etag), t("r2")), "r2"),
        (is(Greater, own(ProtocolVariable::Updated), at_(&at(3).to_string())), "r4 r5"),
        (is(LessOrEqual, own(ProtocolVariable::Published), at_(&at(1).to_string())), "r0 r1"),
        (eq(own(ProtocolVariable::Uuid), Literal(Literal::Uuid(Uuid::nil()))), ""),
        (IsNull(Box::new(own(ProtocolVariable::Uuid)), true), "r0 r1 r2 r3 r4 r5"),
    ] {
        assert_eq!(matching(&db, collection, filter.clone()).await, expected, "{filter:?}");
    }
    let words = |words: &[&str]| Selection {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        ..Selection::default()
    };
    assert!(keys_of(&db, collection, &words(&["abel"])).await.is_empty(), "there is no $text");
}

fn variable_type(variable: ProtocolVariable) -> ValueType {
    match variable {
        ProtocolVariable::Uuid => ValueType::Uuid,
        ProtocolVariable::Published | ProtocolVariable::Updated => ValueType::Timestamp,
        _ => ValueType::Text,
    }
}

/// CORE-2.11-02.
pub(crate) async fn all_words_of_a_search_must_be_found(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let texts = ["große äpfel\n100% _x_", "kleine äpfel", "birnen"].map(|text| json!({ "$text": text }));
    stored(&db, collection, &texts).await;
    for (words, expected) in
        [(vec!["ÄPFEL"], "r0 r1"), (vec!["äpfel", "groß"], "r0"), (vec!["0%"], "r0"), (vec!["x%y"], "")]
    {
        let selection =
            Selection { words: words.iter().map(|word| (*word).to_owned()).collect(), ..Selection::default() };
        assert_eq!(keys_of(&db, collection, &selection).await.join(" "), expected, "{words:?}");
        let expected = expected.split_whitespace().count() as u64;
        assert_eq!(db.store.selected_count(collection, &selection).await.unwrap(), expected, "{words:?}");
    }
}

/// CORE-2.12-05.
pub(crate) async fn references_are_followed_by_every_name_of_a_resource(db: TestDatabase) {
    let (accounts, contacts) = (accounts(&db.store).await, register(&db.store, "contacts").await);
    let ids = create(&db.store, accounts, &["a", "b", "c", "united"]).await;
    let (former, now, retired) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let mut txn = db.store.begin().await.unwrap();
    txn.lock(accounts).await.unwrap();
    let uuids = Uuids { current: Some(now), former: [former].into() };
    txn.set_uuids(accounts, &[(ids[0], uuids)]).await.unwrap();
    txn.retire_uuids(accounts, &[(retired, ids[1])]).await.unwrap();
    let gone = ResourceWrite { deleted: true, content: None, ..write(ids[3], "united", "", at(9)) };
    txn.update(accounts, &[gone]).await.unwrap();
    txn.unite(&[(ids[3], ids[0])]).await.unwrap();
    txn.commit().await.unwrap();
    stored(
        &db,
        contacts,
        &[
            json!({ "account": { "$uuid": now.to_string() } }),
            json!({ "account": { "$uuid": former.to_string() } }),
            json!({ "account": { "$key": "b" } }),
            json!({ "account": { "$uuid": Uuid::new_v4().to_string() } }),
            json!({}),
            json!({ "account": { "$uuid": retired.to_string() } }),
            json!({ "account": { "$key": "united" } }),
        ],
    )
    .await;
    let kinds = [(Arc::from("accounts"), accounts)].into();
    let hop = Hop { path: vec![Arc::from("account")], kind: Arc::from("accounts") };
    let behind = |field: Field| Field(Field { through: vec![hop.clone()], ..field });
    let key = || behind(protocol(ProtocolVariable::Key, ValueType::Text));
    let name = || behind(field("name", ValueType::Text));
    for (filter, expected) in [
        (eq(key(), t("a")), "r0 r1 r6"),
        (eq(name(), t("b")), "r2 r5"),
        (eq(behind(protocol(ProtocolVariable::Uuid, ValueType::Uuid)), Literal(Literal::Uuid(now))), "r0 r1 r6"),
        (IsNull(Box::new(name()), true), "r3 r4"),
        (f(Function::Length, [name()]), ""),
    ] {
        if matches!(filter, Call(..)) {
            continue;
        }
        let selection = Selection { filter: Some(filter.clone()), kinds: Clone::clone(&kinds), ..Selection::default() };
        assert_eq!(keys_of(&db, contacts, &selection).await.join(" "), expected, "{filter:?}");
    }
    let order =
        vec![OrderKey { field: Field { through: vec![hop], ..field("name", ValueType::Text) }, descending: true }];
    let selection = Selection { order, kinds, ..Selection::default() };
    assert_eq!(keys_of(&db, contacts, &selection).await, ["r2", "r5", "r0", "r1", "r6", "r3", "r4"]);
}

/// CORE-6.3-01, CORE-6.4-01, OURS-SCALE-02.
pub(crate) async fn pages_go_on_behind_the_last_resource_in_any_order(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let of = |name: Option<&str>, amount: Option<&str>, day: Option<&str>| {
        let mut properties = json!({});
        for (property, value) in [("name", name), ("amount", amount), ("day", day)] {
            if let Some(value) = value {
                properties[property] = json!(value);
            }
        }
        properties
    };
    stored(
        &db,
        collection,
        &[
            of(Some("b"), Some("10"), Some("2024-01-01")),
            of(Some("a"), Some("9"), None),
            of(None, Some("9.0"), Some("2024-01-02")),
            of(Some("B"), None, Some("2024-01-01")),
            of(Some("b"), Some("-1"), None),
            of(None, None, None),
            of(Some("ä"), Some("100000000000000000000.1"), Some("1999-01-01")),
        ],
    )
    .await;
    let key = |path: &str, value_type, descending| OrderKey { field: field(path, value_type), descending };
    let name = |descending| key("name", ValueType::Text, descending);
    let amount = |descending| key("amount", ValueType::Number, descending);
    let updated = OrderKey { field: protocol(ProtocolVariable::Updated, ValueType::Timestamp), descending: true };
    let by_key = OrderKey { field: protocol(ProtocolVariable::Key, ValueType::Text), descending: true };
    let uuid = OrderKey { field: protocol(ProtocolVariable::Uuid, ValueType::Uuid), descending: true };
    for (order, expected) in [
        (vec![], "r0 r1 r2 r3 r4 r5 r6"),
        (vec![name(false)], "r2 r5 r3 r1 r0 r4 r6"),
        (vec![name(true)], "r6 r0 r4 r1 r3 r2 r5"),
        (vec![amount(false)], "r3 r5 r4 r1 r2 r0 r6"),
        (vec![amount(true)], "r6 r0 r1 r2 r4 r3 r5"),
        (vec![name(false), amount(false)], "r5 r2 r3 r1 r4 r0 r6"),
        (vec![key("day", ValueType::Date, true), name(false)], "r2 r3 r0 r6 r5 r1 r4"),
        (vec![updated], "r6 r5 r4 r3 r2 r1 r0"),
        (vec![by_key], "r6 r5 r4 r3 r2 r1 r0"),
        (vec![uuid], "r0 r1 r2 r3 r4 r5 r6"),
    ] {
        for size in [1, 2, 10] {
            let selection = Selection { order: order.clone(), ..Selection::default() };
            let (mut found, mut after) = (Vec::new(), None::<Cursor>);
            loop {
                let page = db.store.select(collection, &selection, after.as_ref(), 0, size).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.cursor.to_string().parse().unwrap());
                found.extend(page.into_iter().map(|selected| selected.document.resource.key));
            }
            assert_eq!(found.join(" "), expected, "{order:?} by {size}");
        }
    }
    let selection = Selection { order: vec![name(false)], ..Selection::default() };
    let page = db.store.select(collection, &selection, None, 2, 2).await.unwrap();
    assert_eq!(page.iter().map(|selected| &*selected.document.resource.key).collect::<Vec<_>>(), ["r3", "r1"]);
}

/// A cursor of another order, or one that somebody changed, is found out before the database sees it.
pub(crate) async fn a_cursor_has_a_place_in_its_own_order_alone(db: TestDatabase) {
    let of = |property: &str, value_type| {
        let order = vec![OrderKey { field: field(property, value_type), descending: true }];
        Selection { order, ..Selection::default() }
    };
    let (by_id, by_name) = (Selection::default(), of("name", ValueType::Text));
    let (by_amount, by_day) = (of("amount", ValueType::Number), of("day", ValueType::Date));
    let (by_uuid, by_truth) = (of("uuid", ValueType::Uuid), of("truth", ValueType::Boolean));
    let has_place = |selection: &Selection, json: &str| {
        let hex: String = json.bytes().map(|byte| format!("{byte:02x}")).collect();
        db.store.has_place(selection, &format!("x{hex}").parse().unwrap())
    };
    assert!(db.store.has_place(&by_id, &"1".parse().unwrap()));
    assert!(!db.store.has_place(&by_name, &"1".parse().unwrap()));
    assert!(!has_place(&by_id, r#"[["a"],1]"#));
    assert!(!has_place(&by_name, r#"[["a","b"],1]"#));
    for (selection, good, bad) in [
        (&by_name, "größe", r"a\u0000"),
        (&by_amount, "-12.50", "name"),
        (&by_day, "2024-01-01", "name"),
        (&by_uuid, "0190163d-8694-739b-aea5-966c26f8ad91", "name"),
        (&by_truth, "true", "name"),
    ] {
        assert!(has_place(selection, &format!(r#"[["{good}"],1]"#)), "{good}");
        assert!(has_place(selection, "[[null],1]"));
        assert!(!has_place(selection, &format!(r#"[["{bad}"],1]"#)), "{bad}");
    }
}

/// A thousandth of a second is too little, on any machine, to write thousands of long texts anew again and again.
pub(crate) async fn a_query_ends_when_its_time_is_over_and_writing_goes_on(db: TestDatabase) {
    let collection = accounts(&db.store).await;
    let ids = new_ids(&db.store, 3_000).await;
    let writes: Vec<_> = ids.iter().map(|id| write(*id, &id.0.to_string(), &"ab".repeat(500), at(0))).collect();
    insert(&db.store, collection, &writes).await;
    let connections = Connections { most: 4, longest_query: Some(Duration::from_millis(1)), ..Connections::default() };
    let store = Store::connect_with(&DatabaseUrl::parse(&db.url).unwrap(), connections).await.unwrap();
    let to_and_fro = (0..10).fold(text("name"), |text, _| {
        let there = f(Function::Replace, [text, t("a"), t("b")]);
        f(Function::Replace, [there, t("b"), t("a")])
    });
    let filter = eq(to_and_fro, t("c"));
    let selection = Selection { filter: Some(filter), ..Selection::default() };
    let page = store.select(collection, &selection, None, 0, 10).await;
    assert!(matches!(page, Err(StoreError::QueryTooSlow(_))), "{page:?}");
    let count = store.selected_count(collection, &selection).await;
    assert!(matches!(count, Err(StoreError::QueryTooSlow(_))), "{count:?}");
    // Without a limit the same is answered, and what changes something never has one.
    assert_eq!(db.store.selected_count(collection, &selection).await.unwrap(), 0);
    let more = new_ids(&store, 500).await;
    let writes: Vec<_> = more.iter().map(|id| write(*id, &id.0.to_string(), "one", at(1))).collect();
    insert(&store, collection, &writes).await;
    store.close().await.unwrap();
}
