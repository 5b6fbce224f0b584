use super::*;
use rstest::rstest;

/// CORE-3.10-03.
#[test]
fn a_diagnosis_has_its_six_children_and_never_a_stack_trace() {
    let diagnosis = Diagnosis::error("uuidMissing", "no <uuid>").at("account/name");
    let xml = write_diagnoses(std::slice::from_ref(&diagnosis));
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><sdata:diagnoses xmlns:sdata=\"{SDATA}\"><sdata:diagnosis>\
         <sdata:severity>error</sdata:severity><sdata:sdataCode>ApplicationDiagnosis</sdata:sdataCode>\
         <sdata:applicationCode>uuidMissing</sdata:applicationCode><sdata:message>no &lt;uuid&gt;</sdata:message>\
         <sdata:stackTrace></sdata:stackTrace><sdata:payloadPath>account/name</sdata:payloadPath>\
         </sdata:diagnosis></sdata:diagnoses>"
    );
    assert_eq!(xml, expected);
    assert_eq!(read_diagnoses(&xml).unwrap(), [diagnosis]);
}

/// CORE-3.10-02.
#[rstest]
#[case::known("BadWhereSyntax", "", SdataCode::BadWhereSyntax, "")]
#[case::own("ApplicationDiagnosis", "X1", SdataCode::ApplicationDiagnosis, "X1")]
#[case::unknown("SomethingElse", "", SdataCode::ApplicationDiagnosis, "SomethingElse")]
#[case::unknown_with_own("SomethingElse", "X1", SdataCode::ApplicationDiagnosis, "X1")]
fn a_code_that_is_not_in_the_list_is_an_applications_own(
    #[case] code: &str,
    #[case] application_code: &str,
    #[case] read: SdataCode,
    #[case] own: &str,
) {
    let xml = format!(
        "<diagnosis xmlns='{SDATA}'><sdataCode>{code}</sdataCode><severity>Warning</severity>\
         <applicationCode>{application_code}</applicationCode><stackTrace>at line 1</stackTrace></diagnosis>"
    );
    let diagnoses = read_diagnoses(xml.as_bytes()).unwrap();
    assert_eq!(diagnoses.len(), 1);
    let diagnosis = &diagnoses[0];
    assert_eq!((diagnosis.sdata_code, diagnosis.application_code.as_str()), (read, own));
    assert_eq!(diagnosis.severity, Severity::Warning);
}

#[test]
fn a_message_with_characters_that_xml_does_not_have_still_arrives() {
    let xml = write_diagnoses(&[Diagnosis::error("bad", "got \u{0}\u{1B}")]);
    assert_eq!(read_diagnoses(&xml).unwrap()[0].message, "got \u{FFFD}\u{FFFD}");
}

#[test]
fn another_document_is_no_diagnoses() {
    assert!(matches!(read_diagnoses(b"<html/>"), Err(WireError::WrongRoot { .. })));
}
