//! How many values go into one statement.

use super::dialect::Dialect;

/// Most values in one `IN` list.
const IN_LIST: usize = 8_192;

/// Most bytes of content in one statement: servers refuse packets above a limit, by default 16 MiB on MariaDB.
pub(super) const STATEMENT_BYTES: usize = 4 << 20;

/// `values` as `IN` lists, each filled up with its last value to a power of two: so that a few
/// statements are prepared, not one for every length.
pub(super) fn in_lists<T: Clone>(values: &[T]) -> impl Iterator<Item = Vec<T>> {
    values.chunks(IN_LIST).map(|chunk| {
        let mut list = chunk.to_vec();
        if let Some(last) = chunk.last() {
            list.resize(chunk.len().next_power_of_two(), last.clone());
        }
        list
    })
}

/// `rows` of `columns` values each, in parts that stay under the database's limit of bound values.
pub(super) fn row_chunks<T>(dialect: Dialect, columns: usize, rows: &[T]) -> impl Iterator<Item = &[T]> {
    rows.chunks((dialect.max_bound_values() / columns.max(1)).max(1))
}

/// The same for rows with content, whose parts also stay under a limit of bytes; a row above the limit goes alone.
pub(super) fn content_chunks<T>(
    dialect: Dialect,
    columns: usize,
    rows: &[T],
    bytes: impl Fn(&T) -> usize,
) -> Vec<&[T]> {
    let mut parts = Vec::new();
    for chunk in row_chunks(dialect, columns, rows) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let mut sum = 0usize;
            let fitting = rest.iter().take_while(|row| {
                sum = sum.saturating_add(bytes(row));
                sum <= STATEMENT_BYTES
            });
            let (part, others) = rest.split_at(fitting.count().max(1).min(rest.len()));
            parts.push(part);
            rest = others;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::DbBackend;

    #[test]
    fn an_in_list_is_filled_up_to_a_power_of_two_with_its_last_value() {
        let lists: Vec<_> = in_lists(&[1, 2, 3, 4, 5]).collect();
        assert_eq!(lists, [vec![1, 2, 3, 4, 5, 5, 5, 5]]);
        assert_eq!(in_lists::<i64>(&[]).count(), 0);
    }

    #[test]
    fn a_long_in_list_is_cut() {
        let lists: Vec<_> = in_lists(&vec![0u8; IN_LIST + 3]).map(|list| list.len()).collect();
        assert_eq!(lists, [IN_LIST, 4]);
    }

    #[test]
    fn rows_are_cut_by_bound_values_and_by_bytes() {
        let dialect = Dialect::of(DbBackend::Sqlite);
        assert_eq!(row_chunks(dialect, 16, &vec![0; 5_000]).map(<[_]>::len).collect::<Vec<_>>(), [2_000, 2_000, 1_000]);
        let rows = [3 << 20, 1 << 20, 1, 20 << 20, 5];
        let parts: Vec<_> = content_chunks(dialect, 3, &rows, |bytes| *bytes).iter().map(|part| part.len()).collect();
        assert_eq!(parts, [2, 1, 1, 1]);
    }
}
