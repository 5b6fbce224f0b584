//! What Atom itself says of a feed or an entry: id, title, people, categories and links (RFC 4287; core 3.2 to 3.4, 3.7).
//!
//! The heads of documents are built and written with `atom_syndication`. It is good for nothing else: it
//! drops default-namespaced foreign elements without an error. Heads of entries inside a feed are
//! written one by one, because there are many.

use super::WireError;
use super::element::Attribute;
use super::entry::EntryOut;
use super::feed::FeedOut;
use super::names::{CATEGORY_SCHEME, check_characters};
use super::reader::XmlReader;
use super::writer::XmlWriter;
use crate::protocol::Stamp;
use atom_syndication::{Content, Feed, Person, WriteConfig};
use std::io::BufRead;

/// A link of a feed or entry (core 3.3, 6.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// What it leads to: `self`, `next`, …
    pub rel: String,
    /// An absolute URL.
    pub href: String,
    /// The media type behind it; written as `type`.
    pub media_type: String,
    /// For people; line breaks arrive as spaces.
    pub title: String,
}

/// The media type of feeds; `type` is the first parameter, as deployed clients expect it.
pub const FEED_TYPE: &str = "application/atom+xml; type=feed";
/// The same of entries.
pub const ENTRY_TYPE: &str = "application/atom+xml; type=entry";

impl Link {
    /// A link to a feed.
    #[must_use]
    pub fn feed(rel: &str, href: &str, title: &str) -> Self {
        Self { rel: rel.to_owned(), href: href.to_owned(), media_type: FEED_TYPE.to_owned(), title: title.to_owned() }
    }

    /// A link to an entry.
    #[must_use]
    pub fn entry(rel: &str, href: &str, title: &str) -> Self {
        Self { media_type: ENTRY_TYPE.to_owned(), ..Self::feed(rel, href, title) }
    }

    /// A link to the schema of what a feed or entry holds (core 3.3, 3.7).
    #[must_use]
    pub fn schema(href: &str) -> Self {
        let rel = "http://schemas.sage.com/sdata/link-relations/schema";
        Self { media_type: "application/xml".to_owned(), ..Self::feed(rel, href, "Schema") }
    }
}

/// What kind of thing a feed or entry is (core 3.4, 3.12).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Category {
    /// `provider`, `application`, `contract`, `dataset`, `collection` or `resource`.
    pub term: String,
    /// For people.
    pub label: String,
}

/// Reads the link whose start the reader stands at. Without `rel` it is `alternate` (RFC 4287, 4.2.7.2).
pub(super) fn read_link<R: BufRead>(reader: &mut XmlReader<R>) -> Result<Link, WireError> {
    let mut link = Link { rel: "alternate".to_owned(), ..Link::default() };
    for Attribute { namespace, name, value } in reader.take_attributes() {
        let value = if value.trim().len() == value.len() { value } else { value.trim().to_owned() };
        match &*name {
            _ if !namespace.is_empty() => {}
            "rel" if !value.is_empty() => link.rel = value,
            "href" => link.href = value,
            "type" => link.media_type = value,
            "title" => link.title = value,
            _ => {}
        }
    }
    reader.skip()?;
    Ok(link)
}

/// Writes what Atom says of a feed.
pub(super) fn write_feed_head(xml: &mut XmlWriter, feed: &FeedOut) -> Result<(), WireError> {
    check_head([&feed.id, &feed.title, &feed.author], feed.category.as_ref(), &feed.links)?;
    let head = Feed {
        id: feed.id.clone(),
        title: feed.title.as_str().into(),
        updated: feed.updated.to_datetime().into(),
        authors: vec![person(&feed.author)],
        categories: feed.category.iter().map(category).collect(),
        links: feed.links.iter().map(link).collect(),
        ..Feed::default()
    };
    let written = head.write_with_config(Vec::new(), WITHOUT_DECLARATION);
    splice(xml, &written.map_err(|error| unwritten(&error))?, feed.updated, None)
}

/// Writes what Atom says of an entry that is a document of its own.
pub(super) fn write_standalone_entry_head(xml: &mut XmlWriter, entry: &EntryOut) -> Result<(), WireError> {
    check_head([&entry.id, &entry.title, &entry.author], entry.category.as_ref(), &entry.links)?;
    check_characters(&entry.content)?;
    let head = atom_syndication::Entry {
        id: entry.id.clone(),
        title: entry.title.as_str().into(),
        updated: entry.updated.to_datetime().into(),
        authors: vec![person(&entry.author)],
        categories: entry.category.iter().map(category).collect(),
        links: entry.links.iter().map(link).collect(),
        content: Some(Content {
            value: Some(entry.content.clone()),
            content_type: Some("text".to_owned()),
            ..Content::default()
        }),
        ..atom_syndication::Entry::default()
    };
    let written = head.write_with_config(Vec::new(), WITHOUT_DECLARATION);
    splice(xml, &written.map_err(|error| unwritten(&error))?, entry.updated, entry.published)
}

/// Writes what Atom says of an entry inside a feed, in the same form.
pub(super) fn write_entry_head(xml: &mut XmlWriter, entry: &EntryOut) -> Result<(), WireError> {
    xml.element("title", &entry.title)?;
    xml.element("id", &entry.id)?;
    write_times(xml, entry.updated, entry.published)?;
    xml.open("author");
    xml.element("name", &entry.author)?;
    xml.close("author");
    if let Some(Category { term, label }) = &entry.category {
        xml.begin("category");
        xml.attribute("term", term)?;
        xml.attribute("scheme", CATEGORY_SCHEME)?;
        xml.attribute("label", label)?;
        xml.end_empty();
    }
    for Link { rel, href, media_type, title } in &entry.links {
        xml.begin("link");
        xml.attribute("href", href)?;
        xml.attribute("rel", rel)?;
        xml.attribute("type", media_type)?;
        xml.attribute("title", title)?;
        xml.end_empty();
    }
    xml.begin("content");
    xml.attribute("type", "text")?;
    xml.end_start();
    xml.text(&entry.content)?;
    xml.close("content");
    Ok(())
}

const WITHOUT_DECLARATION: WriteConfig = WriteConfig { write_document_declaration: false, indent_size: None };

/// Copies what stands between the root's tags, its times in the protocol's form instead of the crate's `+00:00`,
/// and carriage returns as references: plain ones, as the crate writes them, are read as line feeds.
fn splice(xml: &mut XmlWriter, document: &[u8], updated: Stamp, published: Option<Stamp>) -> Result<(), WireError> {
    let text = std::str::from_utf8(document).map_err(|error| WireError::Encoding(error.to_string()))?;
    let inner = text.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</")).map(|(inner, _)| inner);
    // Texts before it are escaped: the first `<updated>` is the element.
    let parts = inner.and_then(|inner| {
        let (before, rest) = inner.split_once("<updated>")?;
        Some((before, rest.split_once("</updated>")?.1))
    });
    let Some((before, after)) = parts else {
        return Err(WireError::Syntax { message: "an Atom head without updated".to_owned(), offset: 0 });
    };
    xml.raw(before.replace('\r', "&#13;").as_bytes());
    write_times(xml, updated, published)?;
    xml.raw(after.replace('\r', "&#13;").as_bytes());
    Ok(())
}

fn write_times(xml: &mut XmlWriter, updated: Stamp, published: Option<Stamp>) -> Result<(), WireError> {
    xml.plain("updated", updated)?;
    published.map_or(Ok(()), |stamp| xml.plain("published", stamp))
}

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), ..Person::default() }
}

fn category(category: &Category) -> atom_syndication::Category {
    atom_syndication::Category {
        term: category.term.clone(),
        scheme: Some(CATEGORY_SCHEME.to_owned()),
        label: Some(category.label.clone()),
    }
}

fn link(link: &Link) -> atom_syndication::Link {
    atom_syndication::Link {
        href: link.href.clone(),
        rel: link.rel.clone(),
        mime_type: Some(link.media_type.clone()),
        title: Some(link.title.clone()),
        ..atom_syndication::Link::default()
    }
}

/// `atom_syndication` writes any character; refused here are those that XML does not have.
fn check_head(texts: [&String; 3], category: Option<&Category>, links: &[Link]) -> Result<(), WireError> {
    let category = category.into_iter().flat_map(|category| [&category.term, &category.label]);
    let links = links.iter().flat_map(|link| [&link.rel, &link.href, &link.media_type, &link.title]);
    texts.into_iter().chain(category).chain(links).try_for_each(|text| check_characters(text))
}

fn unwritten(error: &atom_syndication::Error) -> WireError {
    WireError::Syntax { message: error.to_string(), offset: 0 }
}
