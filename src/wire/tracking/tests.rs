use super::*;

/// CORE-3.11-01.
#[test]
fn a_tracking_payload_has_its_six_children_in_the_sdata_namespace() {
    let tracking = Tracking {
        phase: "Applying".to_owned(),
        phase_detail: "1 of 4 & more".to_owned(),
        progress: 25.0,
        elapsed_seconds: 10,
        remaining_seconds: 30,
        polling_millis: 500,
    };
    let xml = write_tracking(&tracking);
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><sdata:tracking xmlns:sdata=\"{SDATA}\"><sdata:phase>Applying</sdata:phase>\
         <sdata:phaseDetail>1 of 4 &amp; more</sdata:phaseDetail><sdata:progress>25.0</sdata:progress>\
         <sdata:elapsedSeconds>10</sdata:elapsedSeconds><sdata:remainingSeconds>30</sdata:remainingSeconds>\
         <sdata:pollingMillis>500</sdata:pollingMillis></sdata:tracking>"
    );
    assert_eq!(xml, expected);
    assert_eq!(read_tracking(&xml).unwrap(), tracking);
}

#[test]
fn a_foreign_tracking_payload_is_read_whatever_its_namespace_and_gaps() {
    let xml = b"<tracking xmlns='urn:other'><progress>12.5</progress><remainingSeconds>7.9</remainingSeconds>\
                <elapsedSeconds>-1</elapsedSeconds><phase/></tracking>";
    let tracking = read_tracking(xml).unwrap();
    assert_eq!((tracking.progress, tracking.remaining_seconds, tracking.elapsed_seconds), (12.5, 7, 0));
    assert_eq!((tracking.phase.as_str(), tracking.polling_millis), ("", 1000));
}

#[test]
fn another_document_is_no_tracking_payload() {
    assert!(matches!(read_tracking(b"<feed xmlns='http://www.w3.org/2005/Atom'/>"), Err(WireError::WrongRoot { .. })));
}
