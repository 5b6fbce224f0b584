//! What a new resource starts with, as an entry (core 8.2).

use super::shaping::Shaping;
use super::{Collection, Error, Provider};
use crate::protocol::operation::TEMPLATE;
use crate::wire::{Category, Element, EntryOut, PayloadOut, ResourceOut};
use bytes::Bytes;

impl Provider {
    /// The template of a collection's resources: the default values of the schema, without any identity. Nothing is
    /// created by asking for it.
    ///
    /// # Errors
    /// When the contract's default values are not XML.
    pub fn template(&self, collection: &Collection, shaping: &Shaping) -> Result<EntryOut, Error> {
        let kind = &collection.kind;
        let view = shaping.view.as_ref();
        let template = view.map(|view| collection.contract.template(kind.type_id, &kind.name, &kind.namespace, view));
        self.template_entry(collection, format!("{}/{TEMPLATE}", collection.url), &kind.label, template)
    }

    /// The entry at `url` around a template, of what people call `label`.
    pub(super) fn template_entry(
        &self,
        collection: &Collection,
        url: String,
        label: &str,
        template: Option<Element>,
    ) -> Result<EntryOut, Error> {
        let payload = |template: Element| {
            Ok::<_, Error>(PayloadOut::Resource(ResourceOut {
                content: Bytes::from(template.content_xml()?),
                namespace: template.namespace,
                name: template.name,
                key: None,
                url: None,
                uuid: None,
                former_uuids: Vec::new(),
                descriptor: None,
                deleted: false,
            }))
        };
        Ok(EntryOut {
            id: url,
            title: label.to_owned(),
            content: label.to_owned(),
            updated: self.opened_at,
            author: collection.name.application.clone(),
            category: Some(Category { term: "resource".to_owned(), label: label.to_owned() }),
            payload: template.map(payload).transpose()?,
            ..EntryOut::default()
        })
    }
}
