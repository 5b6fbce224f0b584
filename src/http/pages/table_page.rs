//! A table with what is around it.

use super::filter::Filter;
use super::frame::Frame;
use super::hyperlink::Hyperlink;
use super::pager::Pager;
use super::table::Table;
use crate::protocol::Diagnosis;
use askama::Template;

/// The texts of what was done, but not quite as asked (core 6.10).
pub(super) fn warnings(diagnoses: &[Diagnosis]) -> Vec<String> {
    diagnoses.iter().map(|diagnosis| diagnosis.message.clone()).collect()
}

/// A table with what is around it: of a collection, of an audit kind, of any feed.
#[derive(Template)]
#[template(path = "table_page.html")]
pub(super) struct TablePage {
    pub(super) frame: Frame,
    pub(super) lead: Option<String>,
    pub(super) links: Vec<Hyperlink>,
    pub(super) warnings: Vec<String>,
    pub(super) filter: Option<Filter>,
    pub(super) table: Table,
    pub(super) pager: Pager,
}
