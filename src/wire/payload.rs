//! `sdata:payload`: what an entry is about (core 3.8, 3.9).

use super::WireError;
use super::digest::{DigestUse, read_digest, write_digest};
use super::element::Element;
use super::names::{LINKING, SDATA, SYNC};
use super::reader::{Token, XmlReader};
use super::writer::XmlWriter;
use crate::protocol::Digest;
use bytes::Bytes;
use std::io::BufRead;
use std::sync::Arc;
use uuid::Uuid;

/// A payload that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PayloadRead {
    /// The resource element.
    pub resource: Option<Element>,
    /// `sdata:uuid` on `payload` itself, where the example of sync 5.8 has it.
    pub uuid_on_payload: Option<String>,
    /// The digest, in an entry of `$syncDigest`.
    pub digest: Option<Digest>,
}

/// A payload to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadOut {
    /// A resource as it is stored.
    Resource(ResourceOut),
    /// A digest.
    Digest(Digest),
    /// Any element.
    Element(Element),
}

/// A resource element to write: its attributes, then its content copied as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceOut {
    /// The contract's namespace.
    pub namespace: Arc<str>,
    /// The element's name, singular.
    pub name: Arc<str>,
    /// `sdata:key`.
    pub key: Option<String>,
    /// The resource's URL: written as `sdata:url` and, for deployed clients, as `sdata:uri`.
    pub url: Option<String>,
    /// `sdata:uuid`.
    pub uuid: Option<Uuid>,
    /// UUIDs it bore before, for those who know it by one of them.
    pub former_uuids: Vec<Uuid>,
    /// `sdata:descriptor`: a short text for people, where it was asked for (core 6.5).
    pub descriptor: Option<String>,
    /// `sdata:isDeleted="true"`.
    pub deleted: bool,
    /// As [`Element::content_xml`] wrote it.
    pub content: Bytes,
}

impl ResourceOut {
    /// The resource as an element, attributes and all.
    ///
    /// # Errors
    /// [`WireError`] when the content is not what [`Element::content_xml`] writes.
    pub fn to_element(&self) -> Result<Element, WireError> {
        let mut element = Element::from_content(&self.namespace, &self.name, &self.content)?;
        let uuid = self.uuid.map(|uuid| uuid.to_string());
        let attributes = [("key", self.key.clone()), ("url", self.url.clone()), ("uuid", uuid)];
        for (name, value) in attributes {
            if let Some(value) = value {
                element.set_attribute(SDATA, name, value);
            }
        }
        if self.deleted {
            element.set_attribute(SDATA, "isDeleted", "true");
        }
        Ok(element)
    }
}

/// Reads the payload whose start the reader stands at. The first element in it that is no digest is the resource.
pub(super) fn read_payload<R: BufRead>(reader: &mut XmlReader<R>, usage: DigestUse) -> Result<PayloadRead, WireError> {
    let mut payload = PayloadRead {
        uuid_on_payload: reader.attribute(SDATA, "uuid").map(ToOwned::to_owned),
        ..PayloadRead::default()
    };
    loop {
        match reader.next()? {
            Token::Start if reader.at(SYNC, "digest") => payload.digest = Some(read_digest(reader, usage)?),
            Token::Start if payload.resource.is_none() => payload.resource = Some(Element::read(reader)?),
            Token::Start => reader.skip()?,
            Token::Text => {}
            Token::End | Token::Eof => return Ok(payload),
        }
    }
}

/// Writes `sdata:payload`.
pub(super) fn write_payload(xml: &mut XmlWriter, payload: &PayloadOut) -> Result<(), WireError> {
    xml.open("sdata:payload");
    match payload {
        PayloadOut::Resource(resource) => write_resource(xml, resource)?,
        PayloadOut::Digest(digest) => write_digest(xml, digest)?,
        PayloadOut::Element(element) => element.write(xml)?,
    }
    xml.close("sdata:payload");
    Ok(())
}

fn write_resource(xml: &mut XmlWriter, resource: &ResourceOut) -> Result<(), WireError> {
    let name = &*resource.name;
    xml.begin(name);
    xml.attribute("xmlns", &resource.namespace)?;
    if let Some(key) = &resource.key {
        xml.attribute("sdata:key", key)?;
    }
    if let Some(url) = &resource.url {
        xml.attribute("sdata:url", url)?;
        xml.attribute("sdata:uri", url)?;
    }
    if let Some(uuid) = resource.uuid {
        xml.plain_attribute("sdata:uuid", uuid)?;
    }
    if !resource.former_uuids.is_empty() {
        let former: Vec<String> = resource.former_uuids.iter().map(Uuid::to_string).collect();
        xml.attribute("xmlns:linking", LINKING)?;
        xml.attribute("linking:formerUuids", &former.join(" "))?;
    }
    if let Some(descriptor) = &resource.descriptor {
        xml.attribute("sdata:descriptor", descriptor)?;
    }
    if resource.deleted {
        xml.attribute("sdata:isDeleted", "true")?;
    }
    if resource.content.is_empty() {
        xml.end_empty();
        return Ok(());
    }
    xml.end_start();
    xml.raw(&resource.content);
    xml.close(name);
    Ok(())
}
