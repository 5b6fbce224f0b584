//! The URLs of collections and datasets, and those a pass builds on them (core 2.1; sync 4.1, 5.2, 5.3, 5.7).

use crate::protocol::path::AUDIT_CONTRACT;
use crate::protocol::{Run, operation};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use url::Url;
use uuid::Uuid;

/// What stands plainly in a query value everywhere; a space is `%20`, because not everybody reads `+` as one.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Segments from the server's `sdata` down to the dataset.
const DATASET_DEPTH: usize = 3;

/// What a pass runs between, told apart by the number of the URL's levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// One resource kind of one dataset.
    Collection(Collection),
    /// All resource kinds of one dataset.
    Dataset(Dataset),
}

/// The URL of a collection: `…/{application}/{contract}/{dataset}/{resourceKind}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection(Url);

/// The URL of a dataset: `…/{application}/{contract}/{dataset}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset(Url);

/// Why a text is no address of a pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No URL of the web.
    #[error("'{0}' is no http or https URL")]
    NotHttp(String),
    /// User and password in the URL: they would show in logs and reports.
    #[error("the URL for {0} holds a user or a password; give them with --user and --password-file")]
    Credentials(String),
    /// A query or a fragment.
    #[error("'{0}' must end after the resource kind or the dataset: no query, no fragment")]
    Query(String),
    /// Too few levels or too many.
    #[error(
        "'{0}' is neither a collection (…/sdata/application/contract/dataset/resourceKind) nor a dataset (…/sdata/application/contract/dataset)"
    )]
    Depth(String),
    /// A collection on one side and a dataset on the other.
    #[error("'{source_url}' and '{target_url}' must both be collections or both be datasets")]
    Mixed {
        /// The source.
        source_url: String,
        /// The target.
        target_url: String,
    },
    /// One URL for both sides.
    #[error("source and target are the same: '{0}'")]
    Same(String),
}

impl Address {
    /// Reads the URL of a collection or of a dataset. The levels are counted from the segment `sdata`, or from the
    /// root where there is none.
    ///
    /// # Errors
    /// [`AddressError`] when `text` is neither.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let not_http = || AddressError::NotHttp(text.to_owned());
        let mut url = Url::parse(text).map_err(|_| not_http())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(not_http());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials(url.host_str().unwrap_or_default().to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Query(text.to_owned()));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let root = segments.iter().rposition(|segment| segment.eq_ignore_ascii_case("sdata")).unwrap_or(0);
        let named = segments.iter().all(|segment| !segment.is_empty() && !segment.starts_with('$'));
        match segments.len().saturating_sub(root + 1) {
            DATASET_DEPTH if named => Ok(Self::Dataset(Dataset(url))),
            depth if named && depth == DATASET_DEPTH + 1 => Ok(Self::Collection(Collection(url))),
            _ => Err(AddressError::Depth(text.to_owned())),
        }
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        match self {
            Self::Collection(Collection(url)) | Self::Dataset(Dataset(url)) => url,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url().fmt(f)
    }
}

impl Dataset {
    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The collection of one resource kind.
    #[must_use]
    pub fn collection(&self, plural_name: &str) -> Collection {
        Collection(below(&self.0, plural_name))
    }

    /// Where the contract's schema is (core 4).
    #[must_use]
    pub fn schema(&self) -> Url {
        below(&self.0, operation::SCHEMA)
    }
}

/// The two asynchronous operations of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// `$syncSource` (sync 5.2).
    Source,
    /// `$syncTarget` (sync 5.3).
    Target,
}

impl Operation {
    const fn segment(self) -> &'static str {
        match self {
            Self::Source => operation::SYNC_SOURCE,
            Self::Target => operation::SYNC_TARGET,
        }
    }
}

impl Collection {
    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The resource kind's plural name.
    #[must_use]
    pub fn resource_kind(&self) -> String {
        let last = self.0.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
        percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned()
    }

    /// `$syncDigest` (sync 4.1).
    pub(super) fn sync_digest(&self) -> Url {
        below(&self.0, operation::SYNC_DIGEST)
    }

    /// `$syncResults` of a run (sync 5.7).
    pub(super) fn sync_results(&self, run: &Run) -> Url {
        let mut url = below(&self.0, operation::SYNC_RESULTS);
        set_query(&mut url, &[("runName", &run.name), ("runStamp", &run.stamp)]);
        url
    }

    /// The link of a UUID (sync 1.3), without the resource's content.
    pub(super) fn link(&self, uuid: Uuid) -> Url {
        let mut url = below(&self.0, &format!("{}('{uuid}')", operation::LINKED));
        set_query(&mut url, &[("select", "")]);
        url
    }

    /// `$batch`, within a run (core 13).
    pub(super) fn batch(&self, run: &Run) -> Url {
        let mut url = below(&self.0, operation::BATCH);
        set_query(&mut url, &[("runName", &run.name), ("runStamp", &run.stamp)]);
        url
    }

    /// What waits to be applied to resources of this kind, in the audit of a provider of ours: a page, from the entry with this number on.
    pub(super) fn parked(&self, start: usize) -> Url {
        let mut url = self.0.clone();
        let levels: Vec<&str> = self.0.path().split('/').collect();
        let above = levels.len().saturating_sub(DATASET_DEPTH);
        let application = levels.get(..above).unwrap_or_default().join("/");
        url.set_path(&format!("{application}/{AUDIT_CONTRACT}/-/parked"));
        let (of_kind, start) = (format!("resourceKind eq '{}'", self.resource_kind()), start.to_string());
        set_query(&mut url, &[("where", &of_kind), ("startIndex", &start), ("count", "100")]);
        url
    }

    /// The URL that starts an operation (core 11.5).
    pub(super) fn start(&self, operation: Operation, tracking_id: &str, run: &Run, count: Option<u64>) -> Url {
        let mut url = below(&self.0, operation.segment());
        let count = count.map(|count| count.to_string());
        let mut pairs = vec![("trackingID", tracking_id), ("runName", &run.name), ("runStamp", &run.stamp)];
        pairs.extend(count.as_deref().map(|count| ("count", count)));
        set_query(&mut url, &pairs);
        url
    }

    /// The URL of an operation's context, for providers that do not send it.
    pub(super) fn context(&self, operation: Operation, tracking_id: &str) -> Url {
        below(&self.0, &format!("{}('{tracking_id}')", operation.segment()))
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn below(url: &Url, segment: &str) -> Url {
    let mut child = url.clone();
    child.set_path(&format!("{}/{segment}", url.path()));
    child
}

fn set_query(url: &mut Url, pairs: &[(&str, &str)]) {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY)));
    url.set_query(Some(&pairs.collect::<Vec<_>>().join("&")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn collection(text: &str) -> Collection {
        let Ok(Address::Collection(collection)) = Address::parse(text) else { panic!("a collection") };
        collection
    }

    #[rstest]
    #[case::plain("http://a/sdata/crm/sample/-/accounts", Some("accounts"))]
    #[case::slash_at_the_end("http://a/sdata/crm/sample/-/accounts/", Some("accounts"))]
    #[case::behind_a_prefix("https://a:81/apps/SData/crm/sample/-/accounts", Some("accounts"))]
    #[case::no_sdata_segment("http://a/x/crm/sample/-/accounts", Some("accounts"))]
    #[case::dataset("http://a/sdata/crm/sample/-", None)]
    #[case::dataset_without_sdata_segment("http://a/x/crm/sample/-/", None)]
    fn collections_and_datasets_are_told_apart_by_their_levels(#[case] text: &str, #[case] kind: Option<&str>) {
        let found = match Address::parse(text).unwrap() {
            Address::Collection(collection) => Some(collection.resource_kind()),
            Address::Dataset(_) => None,
        };
        assert_eq!(found.as_deref(), kind);
    }

    #[rstest]
    #[case::no_url("accounts", "is no http or https URL")]
    #[case::file("file:///sdata/a/b/-/c", "is no http or https URL")]
    #[case::contract("http://a/sdata/crm/sample", "is neither a collection")]
    #[case::resource("http://a/sdata/crm/sample/-/accounts/x", "is neither a collection")]
    #[case::sync_url("http://a/sdata/crm/sample/-/$syncDigest", "is neither a collection")]
    #[case::query("http://a/sdata/crm/sample/-/accounts?count=1", "no query")]
    #[case::password("http://joe:secret@a/sdata/crm/sample/-/accounts", "--password-file")]
    fn other_urls_are_refused_with_what_would_be_right(#[case] text: &str, #[case] reason: &str) {
        let message = Address::parse(text).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }

    #[test]
    fn the_urls_of_a_pass_name_the_run_and_the_tracking_id() {
        let accounts = collection("http://a/sdata/crm/sample/-/accounts");
        let run = Run { name: "CRM & ERP".to_owned(), stamp: "2008-10-30T17:23:08Z".to_owned() };
        assert_eq!(
            accounts.start(Operation::Source, "id-1", &run, Some(20)).as_str(),
            "http://a/sdata/crm/sample/-/accounts/$syncSource?trackingID=id-1&runName=CRM%20%26%20ERP&runStamp=2008-10-30T17%3A23%3A08Z&count=20"
        );
        assert_eq!(
            accounts.context(Operation::Target, "id-1").as_str(),
            "http://a/sdata/crm/sample/-/accounts/$syncTarget('id-1')"
        );
        let parked =
            "http://a/sdata/crm/syncAudit/-/parked?where=resourceKind%20eq%20%27accounts%27&startIndex=1&count=100";
        assert_eq!(accounts.parked(1).as_str(), parked);
        assert!(
            accounts
                .sync_results(&run)
                .as_str()
                .ends_with("/$syncResults?runName=CRM%20%26%20ERP&runStamp=2008-10-30T17%3A23%3A08Z")
        );
    }
}
