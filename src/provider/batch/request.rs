//! One request about one resource, however it came.

use crate::protocol::Endpoint;
use crate::protocol::path::{Selector, segment};
use crate::provider::error::Failure;
use crate::provider::{Collection, Error};
use crate::wire::names::SDATA;
use crate::wire::{Element, Entry, Node};
use url::Url;
use uuid::Uuid;

/// Longest key a resource has here, in bytes.
pub(super) const MAX_KEY_BYTES: usize = 200;

/// What is to be done with a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Read it (core 7).
    Get,
    /// Create it (core 8).
    Post,
    /// Change it (core 9).
    Put,
    /// Delete it (core 10).
    Delete,
    /// Change it if it is here, else create it: what an import asks for.
    Merge,
    /// Something that no resource can do, as it was sent.
    Other(String),
}

impl Method {
    /// The method that `text` names, in any letter case.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_uppercase().as_str() {
            "GET" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            other => Self::Other(other.to_owned()),
        }
    }

    /// As `http:httpMethod` says it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put | Self::Merge => "PUT",
            Self::Delete => "DELETE",
            Self::Other(name) => name,
        }
    }
}

/// A request about one resource.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// Selects the resource; for a new one, the key that the client chose.
    pub key: Option<String>,
    /// Selects the resource where no key does; for a new one, the UUID that it brings.
    pub uuid: Option<Uuid>,
    /// The version it is meant for (core 9.3).
    pub if_match: Option<String>,
    /// The resource element that was sent.
    pub resource: Option<Element>,
    /// Why it cannot be carried out, whatever is stored.
    pub fault: Option<Failure>,
}

impl Request {
    fn new(method: Method) -> Self {
        Self { method, key: None, uuid: None, if_match: None, resource: None, fault: None }
    }

    /// A request with what `entry` carries, about the resource with this key.
    #[must_use]
    pub fn single(method: Method, key: Option<&str>, entry: Option<Entry>, if_match: Option<&str>) -> Self {
        let mut request = Self::new(method);
        let filled = entry.map_or(Ok(()), |entry| request.take_payload(entry));
        let filled = filled.and_then(|()| key.map_or(Ok(()), can_exist));
        request.fault = filled.err().map(|error| error.failure());
        if let Some(key) = key {
            request.key = Some(key.to_owned());
        }
        if let Some(if_match) = if_match {
            request.if_match = Some(if_match.to_owned());
        }
        request
    }

    /// The request that an entry of a `$batch` makes (core 13.3).
    #[must_use]
    pub fn of_entry(collection: &Collection, entry: Entry) -> Self {
        let named = entry.http_method.as_deref().map(Method::parse);
        let names_resource = !entry.id.trim().is_empty();
        let method = named.clone().unwrap_or(Method::Post);
        let mut request = Self::new(method);
        let read = || {
            if named.is_none() && names_resource {
                let message = "the entry has an id but no http:httpMethod: say whether to GET, POST, PUT or DELETE it";
                return Err(Error::BadBody(message.to_owned()));
            }
            match request.method {
                Method::Post => request.take_payload(entry),
                Method::Get | Method::Put | Method::Delete => {
                    let selected = Selected::by(collection, &entry)?;
                    request.take_payload(entry)?;
                    request.key = selected.key;
                    request.uuid = selected.uuid.or(request.uuid);
                    Ok(())
                }
                Method::Merge | Method::Other(_) => Ok(()),
            }
        };
        request.fault = read().err().map(|error| error.failure());
        request
    }

    /// The request to have a resource as a file brings it.
    #[must_use]
    pub fn merge(resource: Element) -> Self {
        let mut request = Self::new(Method::Merge);
        request.fault = request.take_file_row(resource).err().map(|error| error.failure());
        request
    }

    fn take_file_row(&mut self, mut resource: Element) -> Result<(), Error> {
        if resource.is_deleted() {
            return Err(Error::BadBody("the resource is marked as deleted; an import deletes nothing".to_owned()));
        }
        self.uuid = uuid_of(resource.uuid())?;
        self.key = sent_key(&resource)?;
        prefer_uuids(&mut resource);
        self.resource = Some(resource);
        Ok(())
    }

    /// What an entry says of a resource beside its id. A GET or DELETE has no use for the resource element.
    fn take_payload(&mut self, entry: Entry) -> Result<(), Error> {
        self.if_match.clone_from(&entry.if_match);
        match self.method {
            Method::Post => {
                self.uuid = uuid_of(entry.uuid())?;
                self.key = entry.resource().map(sent_key).transpose()?.flatten();
            }
            Method::Put => self.uuid = uuid_of(entry.uuid())?,
            Method::Get | Method::Delete | Method::Merge | Method::Other(_) => return Ok(()),
        }
        self.resource = entry.payload.and_then(|payload| payload.resource);
        Ok(())
    }

    /// Whether it may change something.
    #[must_use]
    pub fn writes(&self) -> bool {
        !matches!(self.method, Method::Get | Method::Other(_)) && self.fault.is_none()
    }

    /// Whether its resource may be a new one.
    pub(super) fn may_create(&self) -> bool {
        matches!(self.method, Method::Post | Method::Merge)
    }

    /// Whether it must be compared with, or answered by, what its resource holds.
    pub(super) fn needs_content(&self) -> bool {
        self.method != Method::Delete || self.if_match.is_some()
    }

    /// The key and the UUID under which its resource may be stored.
    pub(super) fn names(&self) -> (Option<&str>, Option<Uuid>) {
        if self.fault.is_some() {
            return (None, None);
        }
        let key = self.key.as_deref();
        match self.method {
            Method::Post | Method::Merge => (key, self.uuid),
            Method::Get | Method::Put | Method::Delete => (key, self.uuid.filter(|_| key.is_none())),
            Method::Other(_) => (None, None),
        }
    }
}

/// How an entry of a batch says which resource it is about.
struct Selected {
    key: Option<String>,
    uuid: Option<Uuid>,
}

impl Selected {
    /// By its id (core 13.3); where that is empty, by whatever else names a resource.
    fn by(collection: &Collection, entry: &Entry) -> Result<Self, Error> {
        let attribute = |name| entry.resource().and_then(|resource| resource.attribute(SDATA, name));
        let urls = [Some(entry.id.as_str()), entry.location.as_deref(), attribute("url"), attribute("uri")];
        let url = urls.into_iter().flatten().map(str::trim).find(|url| !url.is_empty());
        if let Some(url) = url {
            return match url.strip_prefix("urn:uuid:") {
                Some(uuid) => Ok(Self { key: None, uuid: uuid_of(Some(uuid.parse().map_err(|_| uuid.to_owned())))? }),
                None => {
                    let key = collection.key_in(url)?;
                    can_exist(&key)?;
                    Ok(Self { key: Some(key), uuid: None })
                }
            };
        }
        let key = entry.resource().map(sent_key).transpose()?.flatten();
        let uuid = uuid_of(entry.uuid())?;
        if key.is_none() && uuid.is_none() {
            let message = "the entry does not say which resource it is about: its id must be the resource's URL";
            return Err(Error::BadBody(message.to_owned()));
        }
        Ok(Self { key, uuid })
    }
}

impl Collection {
    /// The key in the URL of a single resource of this collection; a relative URL is taken to start at the collection.
    ///
    /// # Errors
    /// [`Error::BadUrl`] when it names something else.
    pub fn key_in(&self, url: &str) -> Result<String, Error> {
        let other = || {
            Error::BadUrl(format!(
                "'{url}' is no resource of this collection; '{}' would be one",
                self.resource_url("1")
            ))
        };
        let mut absolute = Url::parse(&self.url).and_then(|own| own.join(url)).map_err(|_| other())?;
        let last = absolute.path_segments().and_then(|mut segments| segments.next_back());
        let last = segment(last.ok_or_else(other)?)?;
        absolute.path_segments_mut().map_err(|()| other())?.pop().push(&last.name);
        if Endpoint::parse(absolute.as_str()).ok().as_ref() != Some(&self.endpoint) {
            return Err(other());
        }
        match last.selector {
            Some(Selector::Key(key)) => Ok(key),
            Some(Selector::Predicate(_)) | None => Err(other()),
        }
    }
}

/// A UUID that was sent.
pub(in crate::provider) fn uuid_of(uuid: Option<Result<Uuid, String>>) -> Result<Option<Uuid>, Error> {
    uuid.transpose().map_err(|text| Error::BadBody(format!("'{text}' is not a UUID")))
}

/// A key longer than any leads nowhere: neither the store nor the answer need to see all of it.
fn can_exist(key: &str) -> Result<(), Error> {
    if key.len() <= MAX_KEY_BYTES {
        return Ok(());
    }
    let start = key.get(..key.floor_char_boundary(MAX_KEY_BYTES)).unwrap_or_default();
    Err(Error::no_such("resource with key", format!("{start}…")))
}

/// The key that a client chose, if it chose one.
pub(in crate::provider) fn sent_key(resource: &Element) -> Result<Option<String>, Error> {
    let key = resource.attribute(SDATA, "key").filter(|key| !key.is_empty());
    if key.is_some_and(|key| key.len() > MAX_KEY_BYTES) {
        return Err(Error::BadBody(format!("sdata:key may have {MAX_KEY_BYTES} bytes")));
    }
    if key.is_some_and(|key| key.contains('\0')) {
        return Err(Error::BadBody("sdata:key holds the character NUL, which no key has".to_owned()));
    }
    Ok(key.map(str::to_owned))
}

/// Keys in a file may be those of the application it comes from: where a reference or child has a UUID as well, that counts.
fn prefer_uuids(element: &mut Element) {
    for node in &mut element.content {
        if let Node::Element(child) = node {
            if child.uuid().is_some() {
                child.remove_attribute(SDATA, "key");
            }
            prefer_uuids(child);
        }
    }
}
