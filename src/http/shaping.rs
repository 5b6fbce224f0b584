//! The parameters that decide about payloads: `select`, `include`, `precedence` (core 6.5, 7.2).

use super::request::Asked;
use crate::contract::{Contract, TypeId, View, Wishes};
use crate::protocol::{Diagnosis, SdataCode, Severity};
use crate::provider::{Delta, Error, Shaping};
use crate::query::{Path, Step, parse_paths};
use crate::wire::Entry;

/// What a request wants to see of resources or parts of the type `id`, and warnings of what of that there is not.
///
/// # Errors
/// [`Error::BadParameter`] for what is no list of paths, or no number.
pub(super) fn shaping(asked: &Asked<'_>, contract: &Contract, id: TypeId) -> Result<(Shaping, Vec<Diagnosis>), Error> {
    let precedence = asked.number("precedence")?.map(|number| u32::try_from(number.max(0)).unwrap_or(u32::MAX));
    let include = paths(asked, "include")?.unwrap_or_default();
    let select = paths(asked, "select")?;
    let wishes = Wishes { precedence, include: &include, select: select.as_deref() };
    let (view, unknown) = View::of(contract, id, &wishes).map_err(|error| Error::BadParameter(error.to_string()))?;
    let is_left_out = select.is_none() && precedence == Some(0);
    let describes = |path: &Vec<String>| matches!(path.as_slice(), [word] if word.eq_ignore_ascii_case("$descriptors"));
    // People read what a reference leads to, not its key.
    let descriptors = asked.wanted.is_page() || select.is_none() && include.iter().any(describes);
    let warnings = unknown.iter().map(|path| warning(format!("'{path}' names no property here; it was passed over")));
    let shaping = Shaping {
        view: (!is_left_out).then_some(view),
        descriptors,
        delta: None,
        closed: asked.closed.to_read.clone(),
    };
    Ok((shaping, warnings.collect()))
}

/// The same for what a write is answered: with `returnDelta`, only what `sent` does not say already (core 8.1, 9.2).
///
/// # Errors
/// Those of [`shaping`].
pub(super) fn of_written(
    asked: &Asked<'_>,
    contract: &Contract,
    id: TypeId,
    (sent, is_new): (&Entry, bool),
) -> Result<(Shaping, Vec<Diagnosis>), Error> {
    let (mut shaping, warnings) = shaping(asked, contract, id)?;
    if asked.flag("returnDelta") {
        shaping.delta = sent.resource().map(|sent| Delta { sent: sent.clone(), is_new });
    }
    Ok((shaping, warnings))
}

/// Something that was done, but not quite as asked (core 6.10).
pub(super) fn warning(message: impl Into<String>) -> Diagnosis {
    Diagnosis::coded(SdataCode::BadQueryParameter, message).with_severity(Severity::Warning)
}

/// A parameter that is a list of paths; `None` when it is not given.
fn paths(asked: &Asked<'_>, name: &str) -> Result<Option<Vec<Vec<String>>>, Error> {
    let Some(text) = asked.parameter(name) else { return Ok(None) };
    Ok(Some(parse_paths(text)?.into_iter().map(words).collect()))
}

fn words(path: Path) -> Vec<String> {
    let word = |step| match step {
        Step::Property(name) | Step::Special(name) => name,
        Step::All => "*".to_owned(),
    };
    path.steps.into_iter().map(word).collect()
}
