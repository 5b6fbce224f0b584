//! Tables: of resources, of entries, of endpoints.

use super::value::Value;

/// A table with a heading for every column and, first in every row, what the row is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::http) struct Table {
    /// What it shows, for whoever cannot see it.
    pub(in crate::http) caption: String,
    /// Its columns.
    pub(in crate::http) columns: Vec<Column>,
    /// Its rows, as wide as there are columns.
    pub(in crate::http) rows: Vec<Vec<Value>>,
    /// What is said instead where there is no row.
    pub(in crate::http) if_empty: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::http) struct Column {
    /// Its heading.
    pub(in crate::http) label: String,
    /// Whether it stands at the right edge.
    pub(in crate::http) is_number: bool,
    /// How to sort by it, where that can be.
    pub(in crate::http) sort: Option<Sort>,
}

/// The link in a column's heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Sort {
    /// The same table, sorted by the column; turned round where it is already.
    pub(in crate::http) href: String,
    /// How the table is sorted by the column now.
    pub(in crate::http) now: Option<Direction>,
}

/// Which way a table is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Direction {
    /// The value of `aria-sort`.
    pub(in crate::http) const fn word(self) -> &'static str {
        match self {
            Self::Ascending => "ascending",
            Self::Descending => "descending",
        }
    }
}

impl Table {
    /// A table whose columns are only headings.
    pub(super) fn new(caption: impl Into<String>, labels: &[&str]) -> Self {
        let column = |label: &&str| Column { label: (*label).to_owned(), ..Column::default() };
        Self { caption: caption.into(), columns: labels.iter().map(column).collect(), ..Self::default() }
    }

    /// Puts columns at the right edge where they have numbers and nothing else.
    #[must_use]
    pub(super) fn aligned(mut self) -> Self {
        for (index, column) in self.columns.iter_mut().enumerate() {
            let mut said = self.rows.iter().filter_map(|row| row.get(index)).filter(|value| **value != Value::Nothing);
            column.is_number |= said.clone().next().is_some() && said.all(Value::is_number);
        }
        self
    }

    /// Takes away the columns, but the first, in which no row has anything.
    #[must_use]
    pub(super) fn without_empty_columns(mut self) -> Self {
        let is_said =
            |index: usize| self.rows.iter().any(|row| row.get(index).is_some_and(|cell| *cell != Value::Nothing));
        let kept: Vec<bool> = (0..self.columns.len()).map(|index| index == 0 || is_said(index)).collect();
        let mut keep = kept.iter();
        self.columns.retain(|_| keep.next().copied().unwrap_or(true));
        for row in &mut self.rows {
            let mut keep = kept.iter();
            row.retain(|_| keep.next().copied().unwrap_or(true));
        }
        self
    }

    /// The cells of a row with the columns they stand in.
    pub(in crate::http) fn cells<'t>(&'t self, row: &'t [Value]) -> impl Iterator<Item = (&'t Column, &'t Value)> {
        self.columns.iter().zip(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Value {
        Value::Number(text.to_owned())
    }

    #[test]
    fn a_column_of_numbers_stands_at_the_right_edge() {
        let mut table = Table::new("", &["a", "b", "c"]);
        table.rows = vec![
            vec![number("1"), number("1"), Value::Nothing],
            vec![Value::Nothing, Value::text("x"), Value::Nothing],
        ];
        let is_number: Vec<_> = table.aligned().columns.iter().map(|column| column.is_number).collect();
        assert_eq!(is_number, [true, false, false]);
    }

    #[test]
    fn columns_in_which_nothing_stands_are_left_out() {
        let mut table = Table::new("", &["a", "b", "c"]);
        table.rows = vec![vec![Value::Nothing, Value::Nothing, number("1")]];
        let table = table.without_empty_columns();
        assert_eq!(table.columns.iter().map(|column| column.label.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(table.rows, [vec![Value::Nothing, number("1")]]);
    }
}
