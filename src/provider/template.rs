//! What a new resource starts with, as an entry (core 8.2).

use super::shaping::Shaping;
use super::{Collection, Error, Provider};
use crate::wire::{Category, EntryOut, PayloadOut, ResourceOut};
use bytes::Bytes;

impl Provider {
    /// The template of a collection's resources: the default values of the schema, without any identity. Nothing is
    /// created by asking for it.
    ///
    /// # Errors
    /// When the contract's default values are not XML.
    pub fn template(&self, collection: &Collection, shaping: &Shaping) -> Result<EntryOut, Error> {
        let kind = &collection.kind;
        let url = format!("{}/$template", collection.url);
        let view = shaping.view.as_ref();
        let template = view.map(|view| collection.contract.template(kind.type_id, &kind.name, &kind.namespace, view));
        let content = template.map(|template| template.content_xml()).transpose()?;
        Ok(self.template_entry(
            collection,
            url,
            &kind.label,
            content.map(|content| ResourceOut {
                namespace: kind.namespace.clone(),
                name: kind.name.clone(),
                key: None,
                url: None,
                uuid: None,
                former_uuids: Vec::new(),
                descriptor: None,
                deleted: false,
                content: Bytes::from(content),
            }),
        ))
    }

    pub(super) fn template_entry(
        &self,
        collection: &Collection,
        url: String,
        label: &str,
        payload: Option<ResourceOut>,
    ) -> EntryOut {
        EntryOut {
            id: url,
            title: label.to_owned(),
            content: label.to_owned(),
            updated: self.now(),
            author: collection.name.application.clone(),
            category: Some(Category { term: "resource".to_owned(), label: label.to_owned() }),
            payload: payload.map(PayloadOut::Resource),
            ..EntryOut::default()
        }
    }
}
