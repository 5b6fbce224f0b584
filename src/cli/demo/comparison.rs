//! Whether two applications hold the same: all kinds, resource by resource, by UUID.

use super::application::Application;
use crate::cli::output::table;
use crate::provider::Provider;
use crate::store::CollectionId;
use crate::wire::Element;
use crate::wire::names::SDATA;
use comfy_table::CellAlignment;
use std::collections::HashMap;
use uuid::Uuid;

/// Resources read at once.
const PAGE: u64 = 500;

/// What a comparison came to.
pub(super) struct Comparison {
    kinds: Vec<KindCompared>,
}

struct KindCompared {
    kind: String,
    ours: u64,
    theirs: u64,
    identical: u64,
}

impl KindCompared {
    const fn is_identical(&self) -> bool {
        self.ours == self.identical && self.theirs == self.identical
    }
}

impl Comparison {
    /// Compares every live resource of two applications with the same contract.
    pub(super) async fn of(ours: &Application, theirs: &Application) -> anyhow::Result<Self> {
        let mut kinds = Vec::new();
        for collection in ours.provider().collections() {
            let kind = collection.name.resource_kind.clone();
            let here = Contents::read(ours, &kind).await?;
            let there = Contents::read(theirs, &kind).await?;
            let identical = here.linked.iter().filter(|(uuid, content)| there.linked.get(*uuid) == Some(*content));
            let identical = identical.count() as u64;
            kinds.push(KindCompared { kind, ours: here.total, theirs: there.total, identical });
        }
        Ok(Self { kinds })
    }

    /// Whether nothing differs.
    pub(super) fn is_identical(&self) -> bool {
        self.kinds.iter().all(KindCompared::is_identical)
    }

    /// Resources that are the same on both sides.
    pub(super) fn identical(&self) -> u64 {
        self.kinds.iter().map(|compared| compared.identical).sum()
    }

    /// The comparison for people.
    pub(super) fn table(&self, ours: &str, theirs: &str) -> String {
        let mut table = table(["Resource kind", ours, theirs, "Identical"]);
        for compared in &self.kinds {
            let counts = [compared.ours, compared.theirs, compared.identical].map(|count| count.to_string());
            table.add_row([std::slice::from_ref(&compared.kind), &counts].concat());
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }
}

/// The live resources of one kind.
#[derive(Default)]
struct Contents {
    /// With a UUID, as the other application would have them.
    linked: HashMap<Uuid, Element>,
    /// With and without.
    total: u64,
}

impl Contents {
    async fn read(application: &Application, kind: &str) -> anyhow::Result<Self> {
        let collection = application.collection(kind)?;
        let (provider, id): (&Provider, CollectionId) = (application.provider(), collection.id);
        let mut contents = Self::default();
        let mut after = None;
        loop {
            let page = provider.store.live_page(id, after, 0, PAGE).await?;
            let Some(last) = page.last() else { return Ok(contents) };
            after = Some(last.resource.id);
            for document in page {
                contents.total += 1;
                let Some(uuid) = document.resource.uuid else { continue };
                let mut element = collection.element(document.payload.as_deref().unwrap_or_default())?;
                forget_keys(&mut element);
                contents.linked.insert(uuid, element);
            }
        }
    }
}

/// Keys are each application's own (sync 1.1).
fn forget_keys(element: &mut Element) {
    element.remove_attribute(SDATA, "key");
    for node in &mut element.content {
        if let crate::wire::Node::Element(child) = node {
            forget_keys(child);
        }
    }
}
