//! Full passes: what is deleted at the target, and when.

use super::*;
use crate::wire::names::LINKING;
use uuid::Uuid;

const BEHIND: &str = r#"<sdata:diagnoses xmlns:sdata="http://schemas.sage.com/sdata/2008/1"><sdata:diagnosis>
    <sdata:severity>error</sdata:severity><sdata:applicationCode>behindHorizon</sdata:applicationCode>
    <sdata:message>deletions are gone</sdata:message></sdata:diagnosis></sdata:diagnoses>"#;
const RECOVERS: &str = r#"<sdata:diagnoses xmlns:sdata="http://schemas.sage.com/sdata/2008/1"><sdata:diagnosis>
    <sdata:severity>error</sdata:severity><sdata:applicationCode>recovering</sdata:applicationCode>
    <sdata:message>it was put back</sdata:message></sdata:diagnosis></sdata:diagnoses>"#;
const UNLINKED: &str = r#"<sdata:diagnoses xmlns:sdata="http://schemas.sage.com/sdata/2008/1"><sdata:diagnosis>
    <sdata:severity>error</sdata:severity><sdata:applicationCode>unlinked</sdata:applicationCode>
    <sdata:message>it bears another</sdata:message></sdata:diagnosis></sdata:diagnoses>"#;
/// The digest of a provider that made ten changes, and has forgotten most of them.
const FORGETFUL: &str = r#"<entry xmlns="http://www.w3.org/2005/Atom" xmlns:sdata="http://schemas.sage.com/sdata/2008/1"
    xmlns:sync="http://schemas.sage.com/sdata/sync/2008/1"><sdata:payload><sync:digest>
    <sync:origin>http://n1.example.com/sdata/app/contract/-/accounts</sync:origin><sync:digestEntry>
    <sync:endpoint>http://n1.example.com/sdata/app/contract/-/accounts</sync:endpoint><sync:tick>3</sync:tick>
    <sync:conflictPriority>5</sync:conflictPriority></sync:digestEntry></sync:digest></sdata:payload></entry>"#;
const NO_ENTRIES: &str = r#"<feed xmlns="http://www.w3.org/2005/Atom"/>"#;

/// A page of a provider that has taken in ten changes of its own, which made resources with these UUIDs.
fn page(uuids: &[u128]) -> String {
    let node = "http://n1.example.com/sdata/app/contract/-/accounts";
    let names =
        r#"xmlns:sync="http://schemas.sage.com/sdata/sync/2008/1" xmlns:sdata="http://schemas.sage.com/sdata/2008/1""#;
    let entries = uuids.iter().map(|uuid| {
        let uuid = Uuid::from_u128(*uuid);
        format!(
            "<entry {names}><sync:syncState><sync:endpoint>{node}</sync:endpoint><sync:tick>5</sync:tick></sync:syncState><sdata:payload>\
             <account xmlns=\"urn:x\" sdata:uuid=\"{uuid}\" sdata:url=\"{node}('1')\"/></sdata:payload></entry>"
        )
    });
    format!(
        "<sync:digest {names}><sync:origin>{node}</sync:origin><sync:digestEntry><sync:endpoint>{node}</sync:endpoint>\
         <sync:tick>11</sync:tick><sync:conflictPriority>5</sync:conflictPriority></sync:digestEntry></sync:digest>{}",
        entries.collect::<String>()
    )
}

fn answer(status: u16, body: &'static str) -> Fault {
    Fault::Answer(status, Vec::new(), body)
}

/// A source that has resource 1 alone, and is behind its target by deletions; asked for others it answers so.
fn source(more: Vec<(&'static str, Fault)>) -> Foreign {
    let begins = [("POST $syncSource", answer(409, BEHIND)), ("GET /sdata/app/syncAudit", answer(200, NO_ENTRIES))];
    Foreign::start(Habits { faults: begins.into_iter().chain(more).collect(), ..pages(&[&page(&[1])]) })
}

/// A target that has resources 1 to 3, and answers a batch so.
fn target(batch: Fault) -> Foreign {
    Foreign::start(Habits { faults: vec![("POST $batch", batch)], ..pages(&[&page(&[1, 2, 3])]) })
}

fn results(statuses: &[u16]) -> &'static str {
    let result = |status: &u16| format!("<entry><http:httpStatus>{status}</http:httpStatus></entry>");
    feed(&statuses.iter().map(result).collect::<String>(), "").leak()
}

async fn full_pass(source: &Foreign, target: &Foreign) -> (RunReport, Vec<PassEvent>) {
    let plan = plan(&source.collection(), &target.collection()).in_full(true);
    let (remote, events) = remote(&plan, quickly());
    let report = plan.make(&remote, &CancellationToken::new()).await;
    let events = events.lock().unwrap().clone();
    (report, events)
}

fn position(provider: &Foreign, line: &str) -> Option<usize> {
    provider.lines().iter().position(|seen| seen == line)
}

/// OURS-GROWTH-02.
#[actix_web::test]
async fn a_full_pass_deletes_before_it_carries() {
    let (source, target) = (source(Vec::new()), target(answer(200, results(&[200, 200]))));
    let (report, _) = full_pass(&source, &target).await;
    assert_eq!((counts(&report).deleted, counts(&report).pages), (2, 1));
    assert!(position(&target, "POST $batch") < position(&target, "POST $syncTarget"), "{:?}", target.lines());
    assert_eq!(target.bodies("$syncTarget").len(), 1);
    assert_eq!((source.contexts_left(), target.contexts_left()), (0, 0));
}

/// OURS-GROWTH-02: a source keeps the tombstones that a context may have to show: without one, some could go between the two questions.
#[actix_web::test]
async fn a_source_that_has_all_deletions_is_asked_for_everything_before_it_may_drop_any() {
    let (source, target) = (Foreign::start(pages(&[&page(&[1])])), Foreign::start(Habits::default()));
    let (report, _) = full_pass(&source, &target).await;
    assert_eq!((counts(&report).created, counts(&report).deleted), (1, 0));
    let asked = source.bodies("$syncSource");
    assert_eq!(asked[0], DIGEST, "first as the target is");
    assert_eq!((asked.len(), asked[1] == DIGEST), (2, false));
    let mut contexts = source.lines();
    contexts.retain(|line| matches!(line.as_str(), "POST $syncSource" | "DELETE $syncSource"));
    assert_eq!(contexts, ["POST $syncSource", "POST $syncSource", "DELETE $syncSource", "DELETE $syncSource"]);
    assert_eq!((source.contexts_left(), target.contexts_left()), (0, 0));
}

/// OURS-GROWTH-02: the digest of a target to which nothing is carried stays, and the next full pass sees what is left.
#[rstest]
#[case::all_is_refused(answer(403, ""), "403")]
#[case::one_is_refused(answer(200, results(&[200, 403])), "1 resources that the source has deleted are still at")]
#[case::one_was_changed_meanwhile(answer(200, results(&[412, 200])), "1 resources that")]
#[case::one_has_no_result(answer(200, results(&[200])), "1 resources that")]
#[actix_web::test]
async fn nothing_is_carried_before_all_is_deleted(#[case] batch: Fault, #[case] said: &str) {
    let (source, target) = (source(Vec::new()), target(batch));
    let (report, _) = full_pass(&source, &target).await;
    let message = failure(&report);
    assert!(message.contains(said), "{message}");
    assert_eq!(target.bodies("$syncTarget").len(), 0);
    assert_eq!((source.contexts_left(), target.contexts_left()), (0, 0));
}

#[actix_web::test]
async fn nothing_is_deleted_or_carried_where_the_source_does_not_say_what_waits() {
    let begins = vec![("POST $syncSource", answer(409, BEHIND)), ("GET /sdata/app/syncAudit", answer(403, ""))];
    let source = Foreign::start(Habits { faults: begins, ..pages(&[&page(&[1])]) });
    let target = target(answer(200, results(&[200, 200])));
    let (report, _) = full_pass(&source, &target).await;
    assert!(failure(&report).contains("403"), "{report:?}");
    assert_eq!((target.bodies("$batch").len(), target.bodies("$syncTarget").len()), (0, 0));
}

/// OURS-GROWTH-02: what was made at the source after its feed stands not in it, and is there.
#[actix_web::test]
async fn what_the_source_has_nevertheless_is_not_deleted() {
    let source = source(vec![("GET $linked('00000000-0000-0000-0000-000000000002')", answer(200, ""))]);
    let target = target(answer(200, results(&[200])));
    let (report, events) = full_pass(&source, &target).await;
    assert_eq!((counts(&report).deleted, counts(&report).pages), (1, 1));
    let batch = String::from_utf8_lossy(&target.bodies("$batch")[0]).into_owned();
    assert_eq!(batch.matches("<entry").count(), 1, "{batch}");
    let kept = Uuid::from_u128(2).to_string();
    assert!(events.iter().any(|event| matches!(event, PassEvent::Kept { entry } if *entry == kept)), "{events:?}");
}

/// OURS-GROWTH-02: what waits to be applied is in the source's digest and not in its feed, whatever it is called now.
#[actix_web::test]
async fn what_is_parked_at_the_source_is_not_deleted_under_any_of_its_names() {
    let row = |now: u128, before: u128| {
        let [now, before] = [now, before].map(Uuid::from_u128);
        let payload = format!("&lt;account xmlns=\"urn:x\" xmlns:l=\"{LINKING}\" l:formerUuids=\"{before}\"/&gt;");
        format!(
            "<entry xmlns:sdata=\"http://schemas.sage.com/sdata/2008/1\"><sdata:payload><parked xmlns=\"urn:audit\">\
             <uuid>{now}</uuid><payload>{payload}</payload></parked></sdata:payload></entry>"
        )
    };
    let total = r#"<totalResults xmlns="http://a9.com/-/spec/opensearch/1.1/">2</totalResults>"#;
    let listed = |rows: String| ("GET /sdata/app/syncAudit", answer(200, feed(&rows, total).leak()));
    // One entry a page; while they are read from the last on, the first goes, and what stood there stands at the end, renamed.
    let read = [row(7, 6), row(8, 3), row(8, 3), row(2, 6), String::new()];
    let begins = [("POST $syncSource", answer(409, BEHIND))].into_iter().chain(read.map(listed)).collect();
    let source = Foreign::start(Habits { faults: begins, ..pages(&[&page(&[1])]) });
    let target = target(answer(200, results(&[])));
    let (report, _) = full_pass(&source, &target).await;
    assert_eq!((counts(&report).deleted, counts(&report).pages), (0, 1));
    assert_eq!(target.bodies("$batch").len(), 0);
}

/// OURS-GROWTH-02: a resource whose link was taken away at the source lives on there, and is one by itself to everybody else.
#[actix_web::test]
async fn what_lost_its_link_at_the_source_is_not_deleted() {
    let source = source(vec![("GET $linked('00000000-0000-0000-0000-000000000002')", answer(404, UNLINKED))]);
    let target = target(answer(200, results(&[200])));
    let (report, events) = full_pass(&source, &target).await;
    assert_eq!((counts(&report).deleted, counts(&report).pages), (1, 1));
    let kept = Uuid::from_u128(2).to_string();
    assert!(events.iter().any(|event| matches!(event, PassEvent::Kept { entry } if *entry == kept)), "{events:?}");
}

/// OURS-GROWTH-02: also where something before the source says that there is nothing.
#[rstest]
#[case::it_refuses(403)]
#[case::it_was_not_asked(404)]
#[actix_web::test]
async fn what_the_source_does_not_tell_of_is_not_deleted_and_the_pass_says_so(#[case] status: u16) {
    let source = source(vec![("GET $linked('00000000-0000-0000-0000-000000000002')", answer(status, "<html/>"))]);
    let target = target(answer(200, results(&[200])));
    let (report, events) = full_pass(&source, &target).await;
    assert!(failure(&report).contains("1 resources that the source has deleted"), "{report:?}");
    assert_eq!((target.bodies("$batch").len(), target.bodies("$syncTarget").len()), (1, 0));
    let told = events
        .iter()
        .any(|event| matches!(event, PassEvent::EntryFailed { status: Some(said), .. } if *said == status));
    assert!(told, "{events:?}");
}

/// A target that gets back what it has forgotten, for so many questions.
fn recovering(questions: usize, more: Vec<(&'static str, Fault)>) -> Foreign {
    let refusals = std::iter::repeat_n(("POST $syncSource", answer(409, RECOVERS)), questions);
    Foreign::start(Habits { faults: refusals.chain(more).collect(), ..pages(&[&page(&[1, 2, 3])]) })
}

/// OURS-GROWTH-02: a pass that begins again has moved the target's digest already, and knows by itself that it lacks deletions.
#[actix_web::test]
async fn a_full_pass_that_begins_again_knows_what_it_is_for() {
    let last = feed(&page(&[]), "").leak();
    let source = source(vec![("GET $page", answer(200, last)), ("GET $page", answer(410, ""))]);
    source.habits().pages.push(page(&[]));
    let target = recovering(1, vec![("POST $batch", answer(200, results(&[200, 200])))]);
    let (report, events) = full_pass(&source, &target).await;
    assert!(events.iter().any(|event| matches!(event, PassEvent::StartedOver { .. })), "{events:?}");
    assert_eq!((counts(&report).deleted, counts(&report).pages), (2, 3));
    assert_eq!(position(&target, "PUT $syncDigest"), None);
}

/// OURS-GROWTH-02: what a target needs to get back what it has forgotten comes first, and it deletes when it can.
#[actix_web::test]
async fn a_target_that_was_put_back_gets_everything_first() {
    let source = source(Vec::new());
    let target = recovering(1, vec![("POST $batch", answer(200, results(&[200, 200])))]);
    let (report, _) = full_pass(&source, &target).await;
    assert_eq!((counts(&report).deleted, counts(&report).pages), (2, 1));
    assert!(position(&target, "POST $batch") > position(&target, "POST $syncTarget"), "{:?}", target.lines());
    assert_eq!(position(&target, "PUT $syncDigest"), None);
}

/// OURS-GROWTH-02: one that cannot delete after all is told that it has not got it, so that the next full pass deletes.
#[rstest]
#[case::it_takes_it(vec![("PUT $syncDigest", answer(200, ""))], false)]
#[case::it_does_not(Vec::new(), true)]
#[case::its_own_tick_rose(vec![("PUT $syncDigest", answer(200, "")), ("GET $syncDigest", answer(200, FORGETFUL))], true)]
#[actix_web::test]
async fn a_digest_that_says_too_much_is_put_back(#[case] more: Vec<(&'static str, Fault)>, #[case] is_left: bool) {
    let (source, target) = (source(Vec::new()), recovering(2, more));
    let (report, events) = full_pass(&source, &target).await;
    assert!(failure(&report).contains("it was put back"), "{report:?}");
    assert!(position(&target, "PUT $syncDigest") > position(&target, "POST $syncTarget"), "{:?}", target.lines());
    assert_eq!(events.iter().any(|event| matches!(event, PassEvent::NotTakenBack { .. })), is_left, "{events:?}");
}
