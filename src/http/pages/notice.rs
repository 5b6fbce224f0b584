//! What there is to say instead of a feed or entry: an error, an operation that still runs.

use super::filter::Filter;
use super::frame::{Frame, Shown};
use super::{Visit, collection, print};
use crate::http::respond::Wanted;
use crate::http::schema;
use crate::protocol::{Diagnosis, SdataCode, Tracking};
use crate::provider::Error;
use crate::provider::error::Failure;
use actix_web::http::StatusCode;
use askama::Template;
use bytes::Bytes;

/// Diagnoses, readable (core 3.10).
#[derive(Template)]
#[template(path = "error_page.html")]
struct ErrorPage {
    frame: Frame,
    problems: Vec<Problem>,
    /// The filter that was wrong, to be mended.
    filter: Option<Filter>,
}

/// A diagnosis as a page tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    message: String,
    /// Its code, and what in the payload is to blame.
    detail: String,
}

/// The page that tells of a failure.
///
/// # Errors
/// When the page cannot be printed.
pub(in crate::http) fn error(wanted: &Wanted, failure: &Failure) -> Result<Bytes, Error> {
    let visit = Visit::of(wanted)?;
    let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let is_filter = |diagnosis: &Diagnosis| diagnosis.sdata_code == SdataCode::BadWhereSyntax;
    let filter = visit.collection.filter(|_| failure.diagnoses.iter().any(is_filter)).and_then(|asked| {
        let support = schema::support_of(visit.service, asked);
        support.can_filter.then(|| collection::filter(&visit, asked, &support))
    });
    let title = status.canonical_reason().unwrap_or("Error").to_owned();
    let page = ErrorPage {
        frame: Frame::new(&visit, &title, &failure.status.to_string(), Shown::Notice),
        problems: failure.diagnoses.iter().map(problem).collect(),
        filter,
    };
    print(&page)
}

fn problem(diagnosis: &Diagnosis) -> Problem {
    let code = match diagnosis.application_code.as_str() {
        "" => diagnosis.sdata_code.as_str(),
        own => own,
    };
    let detail = match diagnosis.payload_path.as_str() {
        "" => code.to_owned(),
        path => format!("{code} at {path}"),
    };
    Problem { message: diagnosis.message.clone(), detail }
}

/// How far an operation is (core 3.11).
#[derive(Template)]
#[template(path = "tracking_page.html")]
struct TrackingPage {
    frame: Frame,
    phase: String,
    detail: String,
    percent: String,
    elapsed_seconds: u32,
    remaining_seconds: u32,
}

/// The page of an operation that still runs; it asks again by itself.
///
/// # Errors
/// When the page cannot be printed.
pub(in crate::http) fn tracking(wanted: &Wanted, tracking: &Tracking) -> Result<Bytes, Error> {
    let visit = Visit::of(wanted)?;
    let mut frame = Frame::new(&visit, &tracking.phase, "202", Shown::Notice);
    frame.refresh_seconds = Some(tracking.polling_millis.div_ceil(1000).max(1));
    let page = TrackingPage {
        frame,
        phase: tracking.phase.clone(),
        detail: tracking.phase_detail.clone(),
        percent: format!("{:.0}", tracking.progress),
        elapsed_seconds: tracking.elapsed_seconds,
        remaining_seconds: tracking.remaining_seconds,
    };
    print(&page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnosis_says_what_and_where() {
        let told = problem(&Diagnosis::error("invalid", "is longer than 32 characters").at("account/code"));
        let detail = "invalid at account/code".to_owned();
        assert_eq!(told, Problem { message: "is longer than 32 characters".to_owned(), detail });
        assert_eq!(problem(&Diagnosis::coded(SdataCode::BadWhereSyntax, "x")).detail, "BadWhereSyntax");
    }
}
