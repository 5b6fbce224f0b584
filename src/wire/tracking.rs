//! `sdata:tracking` (core 3.11).

use super::WireError;
use super::diagnosis::fit_for_xml;
use super::element::Element;
use super::names::SDATA;
use super::reader::ReadLimits;
use super::writer::XmlWriter;
use crate::protocol::tracking::Tracking;
use bytes::Bytes;
use std::str::FromStr;

/// How often a provider is asked that does not say, in milliseconds.
const UNSAID_POLLING_MILLIS: u32 = 1000;

/// The body of a 202, in the namespace sdata/2008/1 (core 3.11, decided).
#[must_use]
pub fn write_tracking(tracking: &Tracking) -> Bytes {
    let write = || {
        let mut xml = XmlWriter::document();
        xml.begin("sdata:tracking");
        xml.attribute("xmlns:sdata", SDATA)?;
        xml.end_start();
        xml.element("sdata:phase", &fit_for_xml(&tracking.phase))?;
        xml.element("sdata:phaseDetail", &fit_for_xml(&tracking.phase_detail))?;
        xml.plain("sdata:progress", format_args!("{:.1}", tracking.progress))?;
        xml.plain("sdata:elapsedSeconds", tracking.elapsed_seconds)?;
        xml.plain("sdata:remainingSeconds", tracking.remaining_seconds)?;
        xml.plain("sdata:pollingMillis", tracking.polling_millis)?;
        xml.close("sdata:tracking");
        Ok::<_, WireError>(xml.take())
    };
    // Texts are fit for XML, and memory takes what is written: nothing is left that could fail.
    write().unwrap_or_default()
}

/// Reads the body of a 202. Providers disagree about its namespace, so names alone count; what is
/// missing or no number reads as 0, `pollingMillis` as 1000.
///
/// # Errors
/// [`WireError::WrongRoot`] for another document; else what makes the XML unreadable.
pub fn read_tracking(xml: &[u8]) -> Result<Tracking, WireError> {
    let root = Element::parse(xml, &ReadLimits::default())?;
    if &*root.name != "tracking" {
        let found = format!("{{{}}}{}", root.namespace, root.name);
        return Err(WireError::WrongRoot { found, expected: "sdata:tracking" });
    }
    let text = |name: &str| {
        let child = root.children().find(|child| &*child.name == name);
        child.map(|child| child.text().trim().to_owned()).unwrap_or_default()
    };
    // Some providers write whole numbers with decimals.
    let number = |name: &str| f64::from_str(&text(name)).ok().filter(|number| number.is_finite());
    let whole = |name: &str| number(name).map(|number| number.clamp(0.0, f64::from(u32::MAX)) as u32);
    Ok(Tracking {
        phase: text("phase"),
        phase_detail: text("phaseDetail"),
        progress: number("progress").unwrap_or(0.0).clamp(0.0, 100.0) as f32,
        elapsed_seconds: whole("elapsedSeconds").unwrap_or(0),
        remaining_seconds: whole("remainingSeconds").unwrap_or(0),
        polling_millis: whole("pollingMillis").unwrap_or(UNSAID_POLLING_MILLIS),
    })
}

#[cfg(test)]
mod tests;
