//! `sdata:diagnoses` and `sdata:diagnosis` (core 3.10).

use super::element::Element;
use super::names::{SDATA, is_allowed};
use super::reader::ReadLimits;
use super::writer::XmlWriter;
use super::{WireError, names};
use crate::protocol::{Diagnosis, SdataCode, Severity};
use bytes::Bytes;
use std::borrow::Cow;

/// The body of an answer that says what went wrong.
#[must_use]
pub fn write_diagnoses(diagnoses: &[Diagnosis]) -> Bytes {
    let write = || {
        let mut xml = XmlWriter::document();
        xml.begin("sdata:diagnoses");
        xml.attribute("xmlns:sdata", SDATA)?;
        xml.end_start();
        diagnoses.iter().try_for_each(|diagnosis| write_diagnosis(&mut xml, diagnosis))?;
        xml.close("sdata:diagnoses");
        Ok::<_, WireError>(xml.take())
    };
    // Texts are made fit for XML below, and memory takes what is written: nothing is left that could fail.
    write().unwrap_or_default()
}

/// Reads the body of a refused request: `sdata:diagnoses`, or one `sdata:diagnosis`. Foreign providers
/// are inconsistent about the namespace, so names alone count.
///
/// # Errors
/// [`WireError::WrongRoot`] for another document; else what makes the XML unreadable.
pub fn read_diagnoses(xml: &[u8]) -> Result<Vec<Diagnosis>, WireError> {
    let root = Element::parse(xml, &ReadLimits::default())?;
    match &*root.name {
        "diagnoses" => Ok(diagnoses_in(&root)),
        "diagnosis" => Ok(vec![diagnosis_of(&root)]),
        _ => Err(WireError::WrongRoot {
            found: format!("{{{}}}{}", root.namespace, root.name),
            expected: "sdata:diagnoses",
        }),
    }
}

/// The diagnoses in a `diagnoses` element.
pub(super) fn diagnoses_in(element: &Element) -> Vec<Diagnosis> {
    element.children().filter(|child| &*child.name == "diagnosis").map(diagnosis_of).collect()
}

/// Reads one diagnosis. A code that is not in the list is an application's own.
pub(super) fn diagnosis_of(element: &Element) -> Diagnosis {
    let text = |name: &str| {
        let child = element.children().find(|child| &*child.name == name);
        child.map(|child| child.text().trim().to_owned()).unwrap_or_default()
    };
    let code = text("sdataCode");
    let known = SdataCode::parse(&code);
    let application_code = Some(text("applicationCode")).filter(|code| !code.is_empty());
    Diagnosis {
        severity: Severity::parse(&text("severity")).unwrap_or(Severity::Error),
        sdata_code: known.unwrap_or(SdataCode::ApplicationDiagnosis),
        application_code: application_code.unwrap_or_else(|| if known.is_some() { String::new() } else { code }),
        message: text("message"),
        payload_path: text("payloadPath"),
    }
}

/// Writes `sdata:diagnosis` with its six children. What XML cannot say is replaced, not refused: a message
/// may quote the very input that was at fault.
pub(super) fn write_diagnosis(xml: &mut XmlWriter, diagnosis: &Diagnosis) -> Result<(), WireError> {
    xml.open("sdata:diagnosis");
    xml.element("sdata:severity", diagnosis.severity.as_str())?;
    xml.element("sdata:sdataCode", diagnosis.sdata_code.as_str())?;
    xml.element("sdata:applicationCode", &fit_for_xml(&diagnosis.application_code))?;
    xml.element("sdata:message", &fit_for_xml(&diagnosis.message))?;
    xml.element("sdata:stackTrace", "")?;
    xml.element("sdata:payloadPath", &fit_for_xml(&diagnosis.payload_path))?;
    xml.close("sdata:diagnosis");
    Ok(())
}

/// `text` with U+FFFD for every character that XML 1.0 does not have.
#[must_use]
pub fn fit_for_xml(text: &str) -> Cow<'_, str> {
    if names::forbidden_character(text).is_none() {
        return Cow::Borrowed(text);
    }
    text.chars().map(|character| if is_allowed(character) { character } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests;
