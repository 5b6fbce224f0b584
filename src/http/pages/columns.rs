//! Which properties of a kind a table shows, and how it is sorted by them (core 6.3, 6.5).

use super::hyperlink::Query;
use super::table::{Column, Direction, Sort};
use crate::contract::builtin::Builtin;
use crate::contract::{Contract, Kind, Property, Shape};

/// Columns of a kind whose contract says nothing of precedence.
const UNRANKED: usize = 8;

/// The properties a table of this kind shows: the ones asked for (`select`, `precedence`), else those that the contract
/// ranks, most important first, else the first few.
pub(super) fn shown<'c>(contract: &'c Contract, kind: &Kind, query: &Query) -> Vec<&'c Property> {
    let is_cell =
        |property: &&Property| !matches!(property.shape, Shape::Children(_) | Shape::References(_) | Shape::Any);
    let properties = contract.properties(kind);
    if let Some(select) = query.get("select") {
        let names: Vec<_> = select.split(',').filter_map(|path| path.trim().split(['/', '.']).next()).collect();
        let selected: Vec<_> = properties.iter().filter(|property| names.contains(&&*property.name)).collect();
        if !selected.is_empty() {
            return selected;
        }
    }
    let most = query.get("precedence").and_then(|text| text.trim().parse().ok()).unwrap_or(u32::MAX);
    let mut ranked: Vec<_> =
        properties.iter().filter(|property| (1..=most).contains(&property.precedence)).filter(is_cell).collect();
    if ranked.is_empty() {
        return properties.iter().filter(is_cell).take(UNRANKED).collect();
    }
    ranked.sort_by_key(|property| property.precedence);
    ranked
}

/// The column of a property. `can_sort` is what this provider can do at all.
pub(super) fn column(property: &Property, url: &str, query: &Query, can_sort: bool) -> Column {
    let number = [Builtin::Decimal, Builtin::Integer, Builtin::Float];
    let builtin = property.simple_type().and_then(|simple| simple.builtin());
    let can_sort = can_sort && property.can_sort && property.shape == Shape::Value;
    Column {
        label: property.label.clone(),
        is_number: builtin.is_some_and(|builtin| number.contains(&builtin)),
        sort: can_sort.then(|| sort(&property.name, url, query, Direction::Ascending)),
    }
}

/// The link that sorts by a property: `first` this way, and the other way where it is sorted so already.
pub(super) fn sort(property: &str, url: &str, query: &Query, first: Direction) -> Sort {
    let now = sorted_by(query.get("orderBy").unwrap_or_default(), property);
    let next = match now {
        None => first,
        Some(Direction::Ascending) => Direction::Descending,
        Some(Direction::Descending) => Direction::Ascending,
    };
    let order = match next {
        Direction::Ascending => property.to_owned(),
        Direction::Descending => format!("{property} desc"),
    };
    Sort { href: query.with("orderBy", Some(&order)).at(url), now }
}

/// Which way `orderBy` sorts by a property first of all.
fn sorted_by(order_by: &str, property: &str) -> Option<Direction> {
    let mut words = order_by.split(',').next()?.split_whitespace();
    if words.next()? != property {
        return None;
    }
    let is_descending = words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"));
    Some(if is_descending { Direction::Descending } else { Direction::Ascending })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn names(kind: &str, query: &Query) -> Vec<String> {
        let contract = Contract::sample().unwrap();
        let kind = contract.kind(kind).unwrap();
        shown(&contract, kind, query).iter().map(|property| property.name.to_string()).collect()
    }

    fn query(name: &str, value: &str) -> Query {
        Query::default().with(name, Some(value))
    }

    #[test]
    fn columns_are_the_properties_that_the_contract_ranks_in_that_order() {
        let order = ["orderNumber", "orderDate", "shipDate", "status", "totalAmount", "currency"];
        assert_eq!(names("salesOrders", &Query::default()), order);
        assert_eq!(names("salesOrders", &query("precedence", "1")), ["orderNumber", "orderDate"]);
    }

    #[test]
    fn what_is_selected_is_what_is_shown() {
        assert_eq!(names("salesOrders", &query("select", "status, account/name,nothing")), ["status", "account"]);
    }

    #[rstest]
    #[case::unsorted("", None, "/x?orderBy=name")]
    #[case::ascending("name", Some(Direction::Ascending), "/x?orderBy=name+desc")]
    #[case::said_so("name asc, code", Some(Direction::Ascending), "/x?orderBy=name+desc")]
    #[case::descending("name desc", Some(Direction::Descending), "/x?orderBy=name")]
    #[case::by_another_first("code, name", None, "/x?orderBy=name")]
    fn a_heading_sorts_and_then_turns_the_order_round(
        #[case] order_by: &str,
        #[case] now: Option<Direction>,
        #[case] href: &str,
    ) {
        let query = query("orderBy", order_by);
        assert_eq!(sort("name", "/x", &query, Direction::Ascending), Sort { href: href.to_owned(), now });
    }
}
