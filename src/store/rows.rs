//! Many rows by one statement, whose text is the same however many they are: on PostgreSQL it takes an array for every column;
//! elsewhere there is one text for each of a few numbers of rows. So every driver finds it among its prepared statements.

use super::batch::STATEMENT_BYTES;
use super::dialect::Dialect;
use super::{StoreError, Txn};
use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

/// Most rows in one statement where every value has a place of its own: a power of two.
const MOST_ROWS: usize = 256;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    BigInt,
    SmallInt,
    Bool,
    Text,
    Uuid,
    Bytes,
    /// Given as text.
    Json,
}

impl Kind {
    /// Values of it as one on PostgreSQL.
    pub(super) fn array_of(self, values: Vec<Value>) -> Value {
        Value::Array(self.array().1, Some(Box::new(values)))
    }

    /// What a value of it is made by `CAST` on MySQL.
    const fn cast(self) -> &'static str {
        match self {
            Self::BigInt | Self::SmallInt | Self::Bool => "SIGNED",
            Self::Text | Self::Json => "CHAR",
            Self::Uuid | Self::Bytes => "BINARY",
        }
    }

    /// An array of it on PostgreSQL, and what stands in the array where a row has nothing.
    pub(super) fn array(self) -> (&'static str, ArrayType, Value) {
        match self {
            Self::BigInt => ("bigint[]", ArrayType::BigInt, Value::from(0_i64)),
            Self::SmallInt => ("smallint[]", ArrayType::SmallInt, Value::from(0_i16)),
            Self::Bool => ("boolean[]", ArrayType::Bool, Value::from(false)),
            Self::Text | Self::Json => ("text[]", ArrayType::String, Value::from("")),
            Self::Uuid => ("uuid[]", ArrayType::Uuid, Value::from(uuid::Uuid::nil())),
            Self::Bytes => ("bytea[]", ArrayType::Bytes, Value::from(Vec::<u8>::new())),
        }
    }
}

/// The columns of a table that rows are written to; the first one is its key.
#[derive(Debug)]
pub(super) struct Columns<const N: usize> {
    pub(super) table: &'static str,
    pub(super) columns: [(&'static str, Kind); N],
}

/// What becomes of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write<'w> {
    /// They are new.
    Insert,
    /// They are new, or these columns of theirs are overwritten.
    Overwrite(&'w [&'static str]),
    /// They are there, and these columns of theirs are overwritten. All columns that must be there are given.
    Change(&'w [&'static str]),
    /// Those are there whose key is given, and what else is given is overwritten where this condition holds when the row is reached.
    Set(&'static str),
}

impl Txn {
    /// Writes rows: some statements for thousands.
    ///
    /// # Errors
    /// Those of any write.
    pub(super) async fn write_rows<const N: usize>(
        &mut self,
        columns: &Columns<N>,
        write: Write<'_>,
        rows: Vec<[Value; N]>,
    ) -> Result<(), StoreError> {
        let dialect = self.inner.dialect;
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut part = Vec::new();
            let mut bytes = 0;
            while let Some(row) = rows.next_if(|row| {
                bytes += size(row);
                part.is_empty() || bytes <= STATEMENT_BYTES
            }) {
                part.push(row);
            }
            match dialect.backend() {
                DbBackend::Postgres => {
                    self.transaction.execute_raw(by_arrays(columns, write, part)).await?;
                }
                _ => self.write_by_places(columns, write, part).await?,
            }
        }
        Ok(())
    }

    /// Every value at a place of its own: as many rows at a time as the next smaller power of two.
    async fn write_by_places<const N: usize>(
        &mut self,
        columns: &Columns<N>,
        write: Write<'_>,
        rows: Vec<[Value; N]>,
    ) -> Result<(), StoreError> {
        let dialect = self.inner.dialect;
        let mut left = rows.len();
        let mut rows = rows.into_iter();
        while left > 0 {
            let count = Ord::min(MOST_ROWS, 1 << left.ilog2());
            let values = rows.by_ref().take(count).flatten().collect();
            self.transaction.execute_raw(by_places(dialect, columns, write, count, values)).await?;
            left -= count;
        }
        Ok(())
    }
}

/// Bytes of a row's larger values.
fn size<const N: usize>(row: &[Value; N]) -> usize {
    let value = |value: &Value| match value {
        Value::Bytes(Some(bytes)) => bytes.len(),
        Value::String(Some(text)) => text.len(),
        _ => 0,
    };
    row.iter().map(value).sum()
}

const fn is_null(value: &Value) -> bool {
    matches!(
        value,
        Value::BigInt(None)
            | Value::SmallInt(None)
            | Value::Bool(None)
            | Value::String(None)
            | Value::Uuid(None)
            | Value::Bytes(None)
    )
}

fn by_arrays<const N: usize>(columns: &Columns<N>, write: Write<'_>, rows: Vec<[Value; N]>) -> Statement {
    let mut arrays: [Vec<Value>; N] = std::array::from_fn(|_| Vec::with_capacity(rows.len()));
    for row in rows {
        for (array, value) in arrays.iter_mut().zip(row) {
            array.push(value);
        }
    }
    let (mut values, mut unnested, mut names, mut selected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((name, kind), mut array) in columns.columns.iter().zip(arrays) {
        let (array_type, _, nothing) = kind.array();
        let cast = if *kind == Kind::Json { "::json" } else { "" };
        let is_nothing: Vec<Value> = array.iter().map(|value| is_null(value).into()).collect();
        let has_nothing = array.iter().any(is_null);
        for value in array.iter_mut().filter(|value| is_null(value)) {
            *value = nothing.clone();
        }
        values.push(kind.array_of(array));
        unnested.push(format!("${}::{array_type}", values.len()));
        names.push((*name).to_owned());
        // The driver's arrays have no nulls.
        if has_nothing {
            values.push(Kind::Bool.array_of(is_nothing));
            unnested.push(format!("${}::boolean[]", values.len()));
            names.push(format!("{name}_is_null"));
            selected.push(format!("CASE WHEN NOT given.{name}_is_null THEN given.{name}{cast} END"));
        } else {
            selected.push(format!("given.{name}{cast}"));
        }
    }
    let Columns { table, columns } = columns;
    let (key, _) = columns[0];
    let given = format!("UNNEST({}) AS given ({})", unnested.join(", "), names.join(", "));
    let set = |is_set: &dyn Fn(&'static str) -> bool| {
        let places = columns.iter().zip(&selected).filter(|((name, _), _)| is_set(name));
        let set: Vec<String> = places.map(|((name, _), value)| format!("{name} = {value}")).collect();
        format!("UPDATE {table} SET {} FROM {given} WHERE {table}.{key} = given.{key}", set.join(", "))
    };
    let sql = match write {
        Write::Change(changed) => set(&|name| changed.contains(&name)),
        Write::Set(condition) => format!("{} AND {condition}", set(&|name| name != key)),
        Write::Insert | Write::Overwrite(_) => {
            let into = names_of(columns).join(", ");
            let otherwise = otherwise(DbBackend::Postgres, key, write);
            format!("INSERT INTO {table} ({into}) SELECT {} FROM {given}{otherwise}", selected.join(", "))
        }
    };
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

fn by_places<const N: usize>(
    dialect: Dialect,
    columns: &Columns<N>,
    write: Write<'_>,
    count: usize,
    values: Vec<Value>,
) -> Statement {
    let sql = match write {
        Write::Set(condition) => set_by_places(dialect, columns, condition, count),
        Write::Insert | Write::Overwrite(_) | Write::Change(_) => {
            let Columns { table, columns } = columns;
            let into = names_of(columns).join(", ");
            let rows = vec![format!("({})", ["?"; N].join(", ")); count].join(", ");
            let otherwise = otherwise(dialect.backend(), columns[0].0, write);
            format!("INSERT INTO {table} ({into}) VALUES {rows}{otherwise}")
        }
    };
    Statement::from_sql_and_values(dialect.backend(), sql, values)
}

/// Every row that is given finds the one that is there by its key.
fn set_by_places<const N: usize>(dialect: Dialect, columns: &Columns<N>, condition: &str, count: usize) -> String {
    let Columns { table, columns } = columns;
    let [key, others @ ..] = &names_of(columns)[..] else { return String::new() };
    // MySQL takes a value whose place says nothing of it for a text: a row would not be found by its key.
    let place = |kind: Kind| match dialect.backend() {
        DbBackend::MySql => format!("CAST(? AS {})", kind.cast()),
        _ => "?".to_owned(),
    };
    let named: Vec<String> = columns.iter().map(|(name, kind)| format!("{} AS {name}", place(*kind))).collect();
    let next = columns.map(|(_, kind)| place(kind)).join(", ");
    let next = format!(" UNION ALL SELECT {next}");
    let given = format!("(SELECT {}{}) AS given", named.join(", "), next.repeat(count - 1));
    let set = |of: &str| others.iter().map(|name| format!("{of}{name} = given.{name}")).collect::<Vec<_>>().join(", ");
    match dialect.backend() {
        DbBackend::MySql => format!(
            "UPDATE {given} STRAIGHT_JOIN {table} FORCE INDEX (PRIMARY) ON {table}.{key} = given.{key} \
             SET {} WHERE {condition}",
            set(&format!("{table}."))
        ),
        _ => format!("UPDATE {table} SET {} FROM {given} WHERE {table}.{key} = given.{key} AND {condition}", set("")),
    }
}

/// What an insert does where there is such a row.
fn otherwise(backend: DbBackend, key: &str, write: Write<'_>) -> String {
    let (Write::Overwrite(updated) | Write::Change(updated)) = write else { return String::new() };
    let (conflict, given) = match backend {
        DbBackend::MySql => (" ON DUPLICATE KEY UPDATE ".to_owned(), ("VALUES(", ")")),
        _ => (format!(" ON CONFLICT ({key}) DO UPDATE SET "), ("excluded.", "")),
    };
    let set: Vec<String> = updated.iter().map(|name| format!("{name} = {}{name}{}", given.0, given.1)).collect();
    conflict + set.join(", ").as_str()
}

fn names_of<const N: usize>(columns: &[(&'static str, Kind); N]) -> [&'static str; N] {
    columns.map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const COLUMNS: Columns<2> = Columns { table: "t", columns: [("id", Kind::BigInt), ("name", Kind::Text)] };

    fn row(id: i64, name: Option<&str>) -> [Value; 2] {
        [id.into(), name.map(str::to_owned).into()]
    }

    #[rstest]
    #[case(
        Write::Insert,
        "INSERT INTO t (id, name) SELECT given.id, given.name FROM UNNEST($1::bigint[], $2::text[]) AS given (id, name)"
    )]
    #[case(
        Write::Set("t.name IS NULL"),
        "UPDATE t SET name = given.name FROM UNNEST($1::bigint[], $2::text[]) AS given (id, name) WHERE t.id = given.id AND t.name IS NULL"
    )]
    #[case(
        Write::Change(&["name"]),
        "UPDATE t SET name = given.name FROM UNNEST($1::bigint[], $2::text[]) AS given (id, name) WHERE t.id = given.id"
    )]
    fn arrays_make_one_text_for_any_number_of_rows(#[case] write: Write<'_>, #[case] sql: &str) {
        for count in [1, 3, 1_000] {
            let statement = by_arrays(&COLUMNS, write, (0..count).map(|id| row(id, Some("a"))).collect());
            assert_eq!(statement.sql, sql);
            assert_eq!(statement.values.unwrap().0.len(), 2);
        }
    }

    #[test]
    fn an_array_says_where_a_row_has_nothing() {
        let statement = by_arrays(&COLUMNS, Write::Insert, vec![row(1, None), row(2, Some(""))]);
        assert!(statement.sql.contains("CASE WHEN NOT given.name_is_null THEN given.name END"), "{}", statement.sql);
        let values = statement.values.unwrap().0;
        assert_eq!(values[2], vec![true, false].into());
    }

    #[test]
    fn what_is_there_is_set_by_its_key() {
        let text = |backend, count| {
            let dialect = Dialect::of(backend);
            let values = vec![Value::from(1_i64); 2 * count];
            by_places(dialect, &COLUMNS, Write::Set("t.name IS NULL"), count, values).sql
        };
        assert_eq!(
            text(DbBackend::Sqlite, 2),
            "UPDATE t SET name = given.name FROM (SELECT ? AS id, ? AS name UNION ALL SELECT ?, ?) AS given \
             WHERE t.id = given.id AND t.name IS NULL"
        );
        assert_eq!(
            text(DbBackend::MySql, 1),
            "UPDATE (SELECT CAST(? AS SIGNED) AS id, CAST(? AS CHAR) AS name) AS given STRAIGHT_JOIN t FORCE INDEX (PRIMARY) ON t.id = given.id \
             SET t.name = given.name WHERE t.name IS NULL"
        );
    }

    #[test]
    fn places_have_one_text_for_a_number_of_rows() {
        let dialect = Dialect::of(DbBackend::MySql);
        let values = vec![Value::from(1_i64); 4];
        let statement = by_places(dialect, &COLUMNS, Write::Overwrite(&["name"]), 2, values);
        assert_eq!(
            statement.sql,
            "INSERT INTO t (id, name) VALUES (?, ?), (?, ?) ON DUPLICATE KEY UPDATE name = VALUES(name)"
        );
    }
}
