//! Why somebody is refused.

use super::check_name;
use crate::provider::Error;

/// Why a request is refused before anybody looks what it is about. What is said is the same for what is there and what is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There are no credentials, or none that are known.
    #[error(
        "this provider wants to know who asks: send the name and password of an account (HTTP Basic), or an access token (Bearer)"
    )]
    Unauthenticated,
    /// Somebody on the way could read the credentials.
    #[error(
        "credentials are taken over TLS or from this machine alone, and so are requests that need some: use the https URL of this provider"
    )]
    NotPrivate,
    /// A browser sent it on behalf of a page of somebody else's.
    #[error(
        "a page of another site had the browser send this request; only programs and this provider's own pages may change anything"
    )]
    ForeignPage,
    /// It came under a name that is none of this provider's, which answers everybody.
    #[error(
        "this provider does not ask who asks, so it answers under its own names alone: localhost, an address, or the host of \
         server.base_url; to be reached by another, give it that base_url or security.authentication = \"basic\""
    )]
    ForeignName,
    /// The account is known, and may not do this.
    #[error("this account is not granted what this request needs")]
    NotGranted,
    /// Too many attempts failed.
    #[error("too many attempts with wrong credentials; try again in {0} seconds")]
    Throttled(u64),
    /// More passwords wait to be verified than this machine can verify in time.
    #[error("too many passwords are being verified; try again in a moment")]
    Overloaded,
}

/// Somebody who is not let in.
#[derive(Debug)]
pub struct Turned {
    /// Why not.
    pub error: Error,
    /// The account that was tried, if there is one by that name.
    pub account: Option<String>,
    /// The name that was tried, where nobody has looked yet whether it is an account's.
    pub tried: Option<String>,
}

impl Turned {
    /// Somebody who is turned away before anybody looks whether there is an account by the `name` they give.
    pub(super) fn who_tried(name: &str, refusal: Refusal) -> Self {
        let tried = check_name(name).is_ok().then(|| name.to_owned());
        Self { tried, ..Self::from(refusal) }
    }
}

impl From<Refusal> for Turned {
    fn from(refusal: Refusal) -> Self {
        Error::from(refusal).into()
    }
}

impl From<Error> for Turned {
    fn from(error: Error) -> Self {
        Self { error, account: None, tried: None }
    }
}

impl From<crate::store::StoreError> for Turned {
    fn from(error: crate::store::StoreError) -> Self {
        Error::from(error).into()
    }
}
