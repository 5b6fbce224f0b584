//! Values to be written, made of any bytes.

use arbitrary::{Result, Unstructured};
use sdata_sync::protocol::{
    Diagnosis, Digest, DigestEntry, Endpoint, Priority, SdataCode, Severity, Stamp, SyncMode, SyncState, Tick, Tracking,
};
use sdata_sync::wire::names::{SDATA, SYNC, XML, XSI};
use sdata_sync::wire::{Attribute, Element, EntryOut, FeedOut, HttpOut, Link, Node, PayloadOut, ResourceOut};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Texts that are more likely to be written wrongly than others.
const TEXTS: [&str; 12] =
    ["", " ", "a", "]]>", "&amp;", "<b/>", "\r\n", "\u{1}", "\u{FFFE}", " \t\n", "ä€\u{1F600}", "\"'\u{7f}\u{85}"];
const NAMES: [&str; 6] = ["a", "account", "größe", "xmlns", "a b", "p:a"];
const NAMESPACES: [&str; 7] = ["", "urn:x", "urn:x&y \"z\"", SDATA, SYNC, XSI, XML];

pub(super) fn text(u: &mut Unstructured<'_>) -> Result<String> {
    match u.int_in_range(0..=TEXTS.len() * 2)? {
        kind if kind < TEXTS.len() => Ok(TEXTS.get(kind).copied().unwrap_or_default().to_owned()),
        _ => u.arbitrary(),
    }
}

fn optional<T>(u: &mut Unstructured<'_>, make: impl FnOnce(&mut Unstructured<'_>) -> Result<T>) -> Result<Option<T>> {
    if u.arbitrary()? { make(u).map(Some) } else { Ok(None) }
}

fn several<T>(
    u: &mut Unstructured<'_>,
    most: usize,
    mut make: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = u.int_in_range(0..=most)?;
    (0..count).map(|_| make(u)).collect()
}

fn stamp(u: &mut Unstructured<'_>) -> Result<Stamp> {
    Ok(Stamp::from_millis(u.arbitrary()?))
}

/// Of a change: below the largest, so that a digest can take it in.
fn tick(u: &mut Unstructured<'_>) -> Result<Tick> {
    Ok(Tick::new(u.int_in_range(0..=Tick::MAX.value() - 1)?).unwrap_or_default())
}

fn endpoint(u: &mut Unstructured<'_>) -> Result<Endpoint> {
    let path = text(u)?;
    let parsed = Endpoint::parse(&format!("http://h/{path}"));
    parsed.or_else(|_| Endpoint::parse("http://h/x")).map_err(|_| arbitrary::Error::IncorrectFormat)
}

pub(super) fn digest(u: &mut Unstructured<'_>) -> Result<Digest> {
    let entry = |u: &mut Unstructured<'_>| {
        let conflict_priority = Priority::new(u.int_in_range(1..=9)?).unwrap_or(Priority::LOWEST);
        Ok((endpoint(u)?, DigestEntry { tick: tick(u)?, stamp: stamp(u)?, conflict_priority }))
    };
    Ok(Digest {
        origin: optional(u, endpoint)?,
        entries: several(u, 3, entry)?.into_iter().collect::<BTreeMap<_, _>>(),
    })
}

pub(super) fn diagnosis(u: &mut Unstructured<'_>) -> Result<Diagnosis> {
    let severities = [Severity::Info, Severity::Warning, Severity::Transient, Severity::Error, Severity::Fatal];
    let codes = [SdataCode::BadUrlSyntax, SdataCode::BadWhereSyntax, SdataCode::ApplicationDiagnosis];
    Ok(Diagnosis {
        severity: *u.choose(&severities)?,
        sdata_code: *u.choose(&codes)?,
        application_code: text(u)?,
        message: text(u)?,
        payload_path: text(u)?,
    })
}

pub(super) fn tracking(u: &mut Unstructured<'_>) -> Result<Tracking> {
    let (done, total, elapsed) = (u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
    Ok(Tracking::of_progress(&text(u)?, &text(u)?, done, total, elapsed, u.arbitrary()?))
}

fn link(u: &mut Unstructured<'_>) -> Result<Link> {
    Ok(Link { rel: text(u)?, href: text(u)?, media_type: text(u)?, title: text(u)? })
}

/// An element as one is read: texts neither empty nor side by side, no attribute twice.
pub(super) fn element(u: &mut Unstructured<'_>, levels: u8) -> Result<Element> {
    let mut element = Element::new(u.choose(&NAMESPACES)?, u.choose(&NAMES)?);
    for _ in 0..u.int_in_range(0..=2)? {
        let (namespace, name) = (*u.choose(&NAMESPACES)?, *u.choose(&NAMES)?);
        if element.attribute(namespace, name).is_none() {
            element.attributes.push(Attribute { namespace: namespace.into(), name: name.into(), value: text(u)? });
        }
    }
    for _ in 0..u.int_in_range(0..=3)? {
        if levels > 0 && u.arbitrary()? {
            let child = self::element(u, levels - 1)?;
            element.content.push(Node::Element(child));
        } else if !matches!(element.content.last(), Some(Node::Text(_))) {
            element.content.extend(Some(text(u)?).filter(|text| !text.is_empty()).map(Node::Text));
        }
    }
    without_layout(&mut element);
    Ok(element)
}

/// White space between children is not kept when reading.
fn without_layout(element: &mut Element) {
    let is_layout = |node: &Node| matches!(node, Node::Text(text) if text.trim_ascii().is_empty());
    let is_element = |node: &Node| matches!(node, Node::Element(_));
    if element.content.iter().any(is_element) && element.content.iter().all(|node| is_element(node) || is_layout(node))
    {
        element.content.retain(is_element);
    }
}

fn payload(u: &mut Unstructured<'_>) -> Result<Option<PayloadOut>> {
    Ok(match u.int_in_range(0..=3)? {
        0 => None,
        1 => Some(PayloadOut::Digest(digest(u)?)),
        2 => Some(element(u, 3)?).filter(|element| !element.is(SYNC, "digest")).map(PayloadOut::Element),
        _ => resource(u)?.map(PayloadOut::Resource),
    })
}

/// A resource with content that can be written.
fn resource(u: &mut Unstructured<'_>) -> Result<Option<ResourceOut>> {
    let mut content = element(u, 3)?;
    (content.namespace, content.name) = ("urn:x".into(), "account".into());
    let Ok(written) = content.content_xml() else { return Ok(None) };
    Ok(Some(ResourceOut {
        namespace: content.namespace,
        name: content.name,
        key: optional(u, text)?,
        url: optional(u, text)?,
        uuid: optional(u, |u| Ok(Uuid::from_u128(u.arbitrary()?)))?,
        former_uuids: several(u, 2, |u| Ok(Uuid::from_u128(u.int_in_range(1..=u128::MAX)?)))?,
        descriptor: optional(u, text)?,
        deleted: u.arbitrary()?,
        content: written.into(),
    }))
}

pub(super) fn entry(u: &mut Unstructured<'_>) -> Result<EntryOut> {
    let state = |u: &mut Unstructured<'_>| {
        Ok(SyncState { endpoint: endpoint(u)?, tick: tick(u)?, stamp: stamp(u)?, user: optional(u, text)? })
    };
    Ok(EntryOut {
        id: text(u)?,
        title: text(u)?,
        updated: stamp(u)?,
        published: optional(u, stamp)?,
        author: text(u)?,
        content: text(u)?,
        category: None,
        links: several(u, 2, link)?,
        http: HttpOut {
            status: optional(u, |u| u.int_in_range(100..=999))?,
            message: optional(u, text)?,
            method: optional(u, text)?,
            location: optional(u, text)?,
            etag: optional(u, text)?,
            if_match: optional(u, text)?,
        },
        sync_state: optional(u, state)?,
        payload: payload(u)?,
        diagnoses: several(u, 2, diagnosis)?,
        schema: None,
    })
}

pub(super) fn feed(u: &mut Unstructured<'_>) -> Result<FeedOut> {
    Ok(FeedOut {
        id: text(u)?,
        title: text(u)?,
        updated: stamp(u)?,
        author: text(u)?,
        category: None,
        links: several(u, 2, link)?,
        total_results: u.arbitrary()?,
        start_index: u.arbitrary()?,
        items_per_page: u.arbitrary()?,
        sync_mode: *u.choose(&[None, Some(SyncMode::CatchUp), Some(SyncMode::Immediate)])?,
        digest: optional(u, digest)?,
        diagnoses: several(u, 2, diagnosis)?,
        schema: None,
    })
}
