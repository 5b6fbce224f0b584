//! Looking many rows up by an index of several columns: all but the last the same, of the last one a list of values.

use super::dialect::Dialect;
use super::rows::Kind;
use sea_orm::{DbBackend, Statement, Value};

/// Rows of a table to be found.
#[derive(Debug)]
pub(super) struct Lookup<'l> {
    pub(super) table: &'l str,
    /// What is read of them.
    pub(super) columns: &'l [&'l str],
    /// Columns with one value.
    pub(super) with: Vec<(&'l str, Value)>,
    /// The column with one of the values, and what it holds.
    pub(super) by: (&'l str, Kind),
    /// Whether the rows are locked.
    pub(super) lock: bool,
}

impl Lookup<'_> {
    /// The statement that finds the rows with one of `values`.
    pub(super) fn among(&self, dialect: Dialect, values: &[Value]) -> Statement {
        Self::among_all(std::slice::from_ref(self), dialect, values)
    }

    /// The statement that finds the rows of several tables with one of `values`: of one moment.
    pub(super) fn among_all(lookups: &[Self], dialect: Dialect, values: &[Value]) -> Statement {
        let parts: Vec<String> = lookups.iter().map(|lookup| lookup.sql(dialect, values.len())).collect();
        let bound = lookups.iter().flat_map(|lookup| lookup.bound(dialect, values)).collect::<Vec<_>>();
        dialect.statement(&parts.join(" UNION ALL "), bound)
    }

    fn sql(&self, dialect: Dialect, count: usize) -> String {
        let Self { table, columns, with, by: (by, kind), lock } = self;
        let lock = if *lock && dialect.backend() != DbBackend::Sqlite { " FOR UPDATE" } else { "" };
        let columns = columns.join(", ");
        let equal: Vec<String> = with.iter().map(|(column, _)| format!("{table}.{column} = ?")).collect();
        let equal = equal.join(" AND ");
        if dialect.backend() == DbBackend::Postgres {
            // One look into the index for each value, whatever is thought of the table: one that was just filled is believed to
            // hold little for each value of the first column, and would be read as a whole.
            let (array, ..) = kind.array();
            return format!(
                "SELECT found.* FROM UNNEST(?::{array}) AS given (value), LATERAL \
                 (SELECT {columns} FROM {table} WHERE {equal} AND {table}.{by} = given.value OFFSET 0{lock}) AS found"
            );
        }
        let places = vec!["?"; count].join(", ");
        format!("SELECT {columns} FROM {table} WHERE {equal} AND {table}.{by} IN ({places}){lock}")
    }

    fn bound(&self, dialect: Dialect, values: &[Value]) -> Vec<Value> {
        let fixed = self.with.iter().map(|(_, value)| value.clone());
        match dialect.backend() {
            DbBackend::Postgres => std::iter::once(self.by.1.array_of(values.to_vec())).chain(fixed).collect(),
            _ => fixed.chain(values.iter().cloned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_one_value_on_postgres_and_many_elsewhere() {
        let lookup =
            Lookup { table: "t", columns: &["id"], with: vec![("c", 1_i64.into())], by: ("k", Kind::Text), lock: true };
        let values: [Value; 2] = ["a".into(), "b".into()];
        let of = |backend| lookup.among(Dialect::of(backend), &values);
        assert_eq!(of(DbBackend::Sqlite).sql, "SELECT id FROM t WHERE t.c = ? AND t.k IN (?, ?)");
        assert_eq!(of(DbBackend::MySql).sql, "SELECT id FROM t WHERE t.c = ? AND t.k IN (?, ?) FOR UPDATE");
        let postgres = of(DbBackend::Postgres);
        assert!(postgres.sql.contains("WHERE t.c = $2 AND t.k = given.value OFFSET 0 FOR UPDATE"), "{}", postgres.sql);
        assert_eq!(postgres.values.unwrap().0.len(), 2);
    }
}
