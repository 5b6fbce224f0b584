//! The engine against providers with foreign habits.

mod foreign;
mod full;

use super::*;
use crate::protocol::Run;
use foreign::{DIGEST, Fault, Foreign, Habits, Locates, feed};
use rstest::rstest;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const ENTRY: &str = "<entry><title>one</title></entry>";

fn pages(pages: &[&str]) -> Habits {
    Habits { pages: pages.iter().map(|page| (*page).to_owned()).collect(), ..Habits::default() }
}

fn plan(source: &str, target: &str) -> RunPlan {
    let run = Run { name: "CRM to ERP".to_owned(), stamp: "2008-10-30T17:23:08Z".to_owned() };
    let (source, target) = (Address::parse(source).unwrap(), Address::parse(target).unwrap());
    RunPlan::new(source, target, run, false, Some(20)).unwrap()
}

fn quickly() -> RetryPolicy {
    let (first, longest) = (Duration::from_millis(20), Duration::from_millis(100));
    RetryPolicy { first, longest, total: Duration::from_secs(3) }
}

fn remote(plan: &RunPlan, retries: RetryPolicy) -> (Remote, Arc<Mutex<Vec<PassEvent>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&events);
    let observer = Arc::new(move |event| noted.lock().unwrap().push(event));
    (Remote::new(plan.urls(), [None, None], Authorities::default(), retries, observer).unwrap(), events)
}

async fn pass(source: &Foreign, target: &Foreign) -> RunReport {
    let plan = plan(&source.collection(), &target.collection());
    let (remote, _) = remote(&plan, quickly());
    plan.make(&remote, &CancellationToken::new()).await
}

fn counts(report: &RunReport) -> Counts {
    assert!(report.failure.is_none(), "{:?}", report.failure);
    report.passes[0].counts
}

fn failure(report: &RunReport) -> String {
    assert_eq!(report.outcome, RunOutcome::Failed);
    report.failure.as_ref().unwrap().to_string()
}

/// SYNC-7.1-01, SYNC-3.2-01: two pages, each unchanged to the target, each result to the source, nothing left behind.
#[actix_web::test]
async fn every_page_reaches_the_target_byte_for_byte_and_every_context_is_deleted() {
    let source = Foreign::start(pages(&[&ENTRY.repeat(2), ENTRY]));
    let target = Foreign::start(Habits::default());
    let report = pass(&source, &target).await;
    assert_eq!(counts(&report), Counts { pages: 2, entries: 3, created: 3, ..Counts::default() });
    assert_eq!((report.outcome, report.passes[0].resource_kind.as_str()), (RunOutcome::Ok, "accounts"));

    let next =
        format!(r#"<link rel="next" href="http://{}/sdata/app/trade/-/accounts/$page?number=2"/>"#, source.address);
    assert_eq!(target.bodies("$syncTarget"), [feed(&ENTRY.repeat(2), &next), feed(ENTRY, "")]);
    assert_eq!(source.bodies("$syncSource"), [DIGEST]);
    let results = source.bodies("$syncResults");
    assert_eq!(
        results.iter().map(|body| String::from_utf8_lossy(body).matches("201").count()).collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!((source.contexts_left(), target.contexts_left()), (0, 0));
}

/// SYNC-4.1-09: the run's name and stamp go with every POST, a fresh tracking id with every operation.
#[actix_web::test]
async fn every_post_names_the_run_and_every_operation_has_its_own_tracking_id() {
    let source = Foreign::start(pages(&[ENTRY, ENTRY]));
    let target = Foreign::start(Habits::default());
    pass(&source, &target).await;
    let posts = |provider: &Foreign| {
        let seen = provider.habits().seen.clone();
        seen.into_iter().filter(|seen| seen.line.starts_with("POST")).collect::<Vec<_>>()
    };
    let (at_source, at_target) = (posts(&source), posts(&target));
    for post in at_source.iter().chain(&at_target) {
        assert!(post.query.contains("runName=CRM%20to%20ERP&runStamp=2008-10-30T17%3A23%3A08Z"), "{}", post.query);
    }
    assert!(at_source[0].query.ends_with("&count=20"), "{}", at_source[0].query);
    assert_eq!(at_source[0].content_type, "application/atom+xml; type=entry");
    assert_eq!(at_target[0].content_type, "application/atom+xml; type=feed");
    assert_ne!(at_target[0].query, at_target[1].query);
}

/// The target adopts the source's digest even when there is nothing to apply.
#[actix_web::test]
async fn an_empty_feed_is_relayed_too() {
    let source = Foreign::start(pages(&[""]));
    let target = Foreign::start(Habits::default());
    let report = pass(&source, &target).await;
    assert_eq!(counts(&report), Counts { pages: 1, ..Counts::default() });
    assert_eq!(target.bodies("$syncTarget"), [feed("", "")]);
}

#[rstest]
#[case::location_with_another_case_and_host(Habits { polls: 2, ..Habits::default() })]
#[case::relative_location(Habits { locates: Locates::Relatively, ..Habits::default() })]
#[case::location_with_the_id_as_parameter(Habits { locates: Locates::ByParameter, polls: 1, ..Habits::default() })]
#[case::no_location(Habits { locates: Locates::Never, ..Habits::default() })]
#[case::done_at_once(Habits { answers_at_once: true, ..Habits::default() })]
#[case::no_sync_results(Habits { lacks_results: true, ..Habits::default() })]
#[actix_web::test]
async fn providers_with_other_habits_are_understood(#[case] mut habits: Habits) {
    let as_target = Habits {
        pages: Vec::new(),
        polls: habits.polls,
        answers_at_once: habits.answers_at_once,
        locates: habits.locates,
        ..Habits::default()
    };
    habits.pages = vec![ENTRY.to_owned(), ENTRY.to_owned()];
    let (source, target) = (Foreign::start(habits), Foreign::start(as_target));
    let report = pass(&source, &target).await;
    assert_eq!(counts(&report), Counts { pages: 2, entries: 2, created: 2, ..Counts::default() });
    assert_eq!((source.contexts_left(), target.contexts_left()), (0, 0));
}

#[actix_web::test]
async fn a_source_without_sync_results_is_asked_once() {
    let source = Foreign::start(Habits { lacks_results: true, ..pages(&[ENTRY, ENTRY]) });
    let target = Foreign::start(Habits::default());
    assert_eq!(counts(&pass(&source, &target).await).created, 2);
    assert_eq!(source.lines().iter().filter(|line| *line == "POST $syncResults").count(), 1);
}

#[actix_web::test]
async fn entries_are_counted_by_what_became_of_them_and_failed_ones_are_told() {
    let result = |status: u16, method: &str, code: &str| {
        let said = format!(
            "<sdata:diagnosis><sdata:severity>error</sdata:severity><sdata:applicationCode>{code}</sdata:applicationCode><sdata:message>about {code}</sdata:message></sdata:diagnosis>"
        );
        let said = if code.is_empty() { String::new() } else { said };
        format!(
            "<entry><id>e</id><http:httpStatus>{status}</http:httpStatus><http:httpMethod>{method}</http:httpMethod>{said}</entry>"
        )
    };
    let results = [
        result(201, "POST", ""),
        result(200, "PUT", ""),
        result(200, "DELETE", ""),
        result(200, "PUT", "ignored"),
        result(200, "PUT", "conflictWon"),
        result(409, "PUT", "conflictLost"),
        result(400, "POST", "invalid"),
    ];
    let source = Foreign::start(pages(&[&ENTRY.repeat(7)]));
    let target = Foreign::start(Habits { results: [results.concat()].into(), ..Habits::default() });
    let plan = plan(&source.collection(), &target.collection());
    let (remote, events) = remote(&plan, quickly());
    let report = plan.make(&remote, &CancellationToken::new()).await;
    let one_each = Counts {
        pages: 1,
        entries: 7,
        created: 1,
        updated: 1,
        deleted: 1,
        ignored: 1,
        conflicts_won: 1,
        conflicts_lost: 1,
        failed: 1,
    };
    assert_eq!(counts(&report), one_each);
    assert_eq!(report.outcome, RunOutcome::Failures);
    let told = events.lock().unwrap().iter().find_map(|event| match event {
        PassEvent::EntryFailed { entry, status, message } => Some((entry.clone(), *status, message.clone())),
        _ => None,
    });
    assert_eq!(told, Some(("e".to_owned(), Some(400), "about invalid".to_owned())));
}

/// What scripts read of a report: these names, no more and no less.
#[actix_web::test]
async fn the_report_is_written_as_json_with_the_fixed_names() {
    let source = Foreign::start(pages(&[ENTRY]));
    let target = Foreign::start(Habits::default());
    let mut report = pass(&source, &target).await;
    report.passes[0].duration = Duration::from_millis(12);
    let expected = serde_json::json!({
        "runName": "CRM to ERP", "runStamp": "2008-10-30T17:23:08Z", "outcome": "ok",
        "passes": [{
            "source": source.collection(), "target": target.collection(), "resourceKind": "accounts", "pages": 1,
            "entries": 1, "created": 1, "updated": 0, "deleted": 0, "ignored": 0, "conflictsWon": 0, "conflictsLost": 0,
            "failed": 0, "durationMillis": 12,
        }],
    });
    assert_eq!(serde_json::to_value(&report).unwrap(), expected);
}

#[actix_web::test]
async fn a_pass_stops_at_the_first_page_that_fails_as_a_whole_and_says_why() {
    let diagnoses = r#"<sdata:diagnoses xmlns:sdata="http://schemas.sage.com/sdata/2008/1"><sdata:diagnosis>
        <sdata:severity>error</sdata:severity><sdata:message>page 2 comes before page 1</sdata:message></sdata:diagnosis></sdata:diagnoses>"#;
    let source = Foreign::start(pages(&[ENTRY, ENTRY, ENTRY]));
    let refusal = Fault::Answer(409, Vec::new(), diagnoses);
    let working = Fault::Answer(202, vec![("Location", "$syncTarget('x')".to_owned())], "");
    let faults = vec![("POST $syncTarget", working), ("GET $syncTarget('x')", refusal)];
    let target = Foreign::start(Habits { faults, ..Habits::default() });
    let report = pass(&source, &target).await;
    let message = failure(&report);
    assert!(message.ends_with("$syncTarget('x') was answered 409 Conflict: page 2 comes before page 1"), "{message}");
    assert_eq!(report.passes[0].counts, Counts::default());
    assert_eq!(target.bodies("$syncTarget").len(), 1);
    assert_eq!((source.contexts_left(), target.contexts_left()), (0, 0));
}

#[rstest]
#[case::while_the_source_is_asked("POST $syncSource")]
#[case::while_the_source_is_polled("GET $syncSource")]
#[case::while_a_page_is_read("GET $page")]
#[case::while_results_are_posted("POST $syncResults")]
#[actix_web::test]
async fn a_source_that_restarts_in_the_middle_is_survived(#[case] moment: &'static str) {
    let faults = vec![(moment, Fault::Restart(Duration::from_millis(300)))];
    let source = Foreign::start(Habits { faults, ..pages(&[ENTRY, ENTRY]) });
    let target = Foreign::start(Habits::default());
    let report = pass(&source, &target).await;
    assert_eq!(counts(&report), Counts { pages: 2, entries: 2, created: 2, ..Counts::default() });
    assert_eq!(source.contexts_left(), 0);
}

#[rstest]
#[case::while_a_page_is_posted("POST $syncTarget", Fault::Restart(Duration::from_millis(300)))]
#[case::while_it_applies("GET $syncTarget", Fault::Restart(Duration::from_millis(300)))]
#[case::and_forgets_the_page("GET $syncTarget", Fault::Forget(Duration::from_millis(300)))]
#[case::after_it_took_the_page("POST $syncTarget", Fault::TakenBut(503))]
#[case::behind_a_gateway("GET $syncDigest", Fault::Answer(502, Vec::new(), "<html/>"))]
#[actix_web::test]
async fn a_target_that_restarts_in_the_middle_is_survived(#[case] moment: &'static str, #[case] fault: Fault) {
    let source = Foreign::start(pages(&[ENTRY, ENTRY]));
    let target = Foreign::start(Habits { faults: vec![(moment, fault)], ..Habits::default() });
    let report = pass(&source, &target).await;
    assert_eq!(counts(&report), Counts { pages: 2, entries: 2, created: 2, ..Counts::default() });
    assert_eq!(target.contexts_left(), 0);
}

#[actix_web::test]
async fn a_pass_that_the_source_forgot_begins_again_with_the_digest() {
    let faults = vec![("GET $page", Fault::Forget(Duration::from_millis(100)))];
    let source = Foreign::start(Habits { faults, ..pages(&[ENTRY, ENTRY]) });
    let target = Foreign::start(Habits::default());
    let report = pass(&source, &target).await;
    assert_eq!(counts(&report).pages, 3, "the first page twice, the second once");
    assert_eq!(target.lines().iter().filter(|line| *line == "GET $syncDigest").count(), 2);
    assert_eq!(source.bodies("$syncResults").len(), 3);
    assert_eq!(source.contexts_left(), 0);
}

#[actix_web::test]
async fn the_source_hears_of_what_was_applied_also_when_a_later_page_fails() {
    let faults = vec![("GET $page", Fault::Answer(403, Vec::new(), ""))];
    let source = Foreign::start(Habits { faults, ..pages(&[ENTRY, ENTRY]) });
    let target = Foreign::start(Habits::default());
    let report = pass(&source, &target).await;
    assert!(failure(&report).contains("403"), "{report:?}");
    assert_eq!(report.passes[0].counts, Counts { pages: 1, entries: 1, created: 1, ..Counts::default() });
    assert_eq!(source.bodies("$syncResults").len(), 1);
    assert_eq!((source.contexts_left(), target.contexts_left()), (0, 0));
}

#[actix_web::test]
async fn pages_that_lead_in_a_circle_end_the_pass() {
    let page = |next: u32| -> &'static str {
        feed(ENTRY, &format!("<link rel=\"next\" href=\"/sdata/app/trade/-/accounts/$page?number={next}\"/>")).leak()
    };
    let faults = [3, 2, 3].map(|next| ("GET $page", Fault::Answer(200, Vec::new(), page(next)))).into();
    let source = Foreign::start(Habits { faults, ..pages(&[ENTRY, ENTRY]) });
    let target = Foreign::start(Habits::default());
    let report = pass(&source, &target).await;
    let message = failure(&report);
    assert!(message.contains("leads nowhere, or back to it"), "{message}");
    assert_eq!(report.passes[0].counts.pages, 3);
}

#[actix_web::test]
async fn what_changes_something_is_not_sent_on_elsewhere() {
    let moved = Fault::Answer(302, vec![("Location", "https://elsewhere.example.com/x".to_owned())], "");
    let target = Foreign::start(Habits { faults: vec![("POST $syncTarget", moved)], ..Habits::default() });
    let message = failure(&pass(&Foreign::start(pages(&[ENTRY])), &target).await);
    assert!(message.contains("it is at https://elsewhere.example.com/x"), "{message}");
}

#[actix_web::test]
async fn a_source_that_forgets_every_time_fails_the_pass() {
    let gone = || ("GET $syncSource", Fault::Answer(410, Vec::new(), ""));
    let source = Foreign::start(Habits { faults: (0..20).map(|_| gone()).collect(), ..pages(&[ENTRY]) });
    let target = Foreign::start(Habits::default());
    let message = failure(&pass(&source, &target).await);
    assert!(message.contains("no longer knows") && message.contains("410"), "{message}");
    assert_eq!(source.contexts_left(), 0);
}

#[actix_web::test]
async fn retry_after_is_honoured() {
    let busy = Fault::Answer(503, vec![("Retry-After", "1".to_owned())], "");
    let source = Foreign::start(Habits { faults: vec![("POST $syncSource", busy)], ..pages(&[ENTRY]) });
    let target = Foreign::start(Habits::default());
    let begun = Instant::now();
    assert_eq!(counts(&pass(&source, &target).await).created, 1);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[actix_web::test]
async fn a_provider_that_stays_away_fails_the_pass_with_its_url() {
    let source = Foreign::start(pages(&[ENTRY]));
    let plan = plan(&source.collection(), "http://127.0.0.1:9/sdata/erp/trade/-/accounts");
    let (remote, events) = remote(&plan, RetryPolicy { total: Duration::from_millis(200), ..quickly() });
    let message = failure(&plan.make(&remote, &CancellationToken::new()).await);
    assert!(
        message.starts_with("no answer from http://127.0.0.1:9/sdata/erp/trade/-/accounts/$syncDigest: "),
        "{message}"
    );
    assert!(message.contains("refused"), "{message}");
    assert!(events.lock().unwrap().iter().any(|event| matches!(event, PassEvent::Retrying { .. })));
}

#[rstest]
#[case::no_digest("GET $syncDigest", "<html></html>", "$syncDigest answered with what is no digest")]
#[case::no_feed("POST $syncTarget", "<html></html>", "answered with what is no feed")]
#[actix_web::test]
async fn an_answer_that_is_something_else_is_named(
    #[case] request: &'static str,
    #[case] body: &'static str,
    #[case] said: &str,
) {
    let source = Foreign::start(pages(&[ENTRY]));
    let faults = vec![(request, Fault::Answer(200, Vec::new(), body))];
    let target = Foreign::start(Habits { faults, ..Habits::default() });
    let message = failure(&pass(&source, &target).await);
    assert!(message.contains(said), "{message}");
    assert_eq!(source.contexts_left(), 0);
}

#[actix_web::test]
async fn a_cancelled_pass_deletes_its_contexts() {
    let source = Foreign::start(Habits { polls: u32::MAX, ..pages(&[ENTRY]) });
    let target = Foreign::start(Habits::default());
    let plan = plan(&source.collection(), &target.collection());
    let (remote, _) = remote(&plan, quickly());
    let cancel = CancellationToken::new();
    let ended = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    };
    let (report, ()) = tokio::join!(plan.make(&remote, &cancel), ended);
    assert_eq!(failure(&report), "interrupted");
    assert_eq!(source.contexts_left(), 0);
}

#[actix_web::test]
async fn credentials_go_to_the_providers_that_were_named_and_to_nobody_else() {
    let source = Foreign::start(pages(&[ENTRY]));
    let target = Foreign::start(Habits { locates: Locates::Relatively, ..Habits::default() });
    let plan = plan(&source.collection(), &target.collection());
    let credentials = Credentials::Basic { user: "joe".to_owned(), password: "secret".to_owned() };
    assert!(!format!("{credentials:?}").contains("secret"));
    let both = [Some(credentials.clone()), Some(credentials)];
    let remote = Remote::new(plan.urls(), both, Authorities::default(), quickly(), Arc::new(|_| {})).unwrap();
    assert_eq!(counts(&plan.make(&remote, &CancellationToken::new()).await).created, 1);
    let basic = Some("Basic am9lOnNlY3JldA==".to_owned());
    assert!(target.habits().seen.iter().all(|seen| seen.authorization == basic));
    // The source says LOCALHOST where it was named 127.0.0.1.
    let elsewhere =
        source.habits().seen.iter().find(|seen| seen.line.starts_with("GET")).unwrap().authorization.clone();
    assert_eq!(elsewhere, None);
}

#[actix_web::test]
async fn each_provider_gets_its_own_credentials() {
    let source = Foreign::start(Habits::default());
    let target = Foreign::start(Habits::default());
    let plan = plan(&source.collection(), &target.collection());
    let credentials = [
        Some(Credentials::Bearer { token: "sdata_abc".to_owned() }),
        Some(Credentials::Basic { user: "joe".to_owned(), password: "secret".to_owned() }),
    ];
    let remote = Remote::new(plan.urls(), credentials, Authorities::default(), quickly(), Arc::new(|_| {})).unwrap();
    remote.get(plan.urls()[0]).await.unwrap();
    remote.get(plan.urls()[1]).await.unwrap();
    let authorization = |provider: &Foreign| provider.habits().seen.last().unwrap().authorization.clone();
    assert_eq!(authorization(&source).as_deref(), Some("Bearer sdata_abc"));
    assert_eq!(authorization(&target).as_deref(), Some("Basic am9lOnNlY3JldA=="));
}

#[test]
fn credentials_are_not_sent_where_others_can_read_along() {
    let run = || Run { name: String::new(), stamp: String::new() };
    let address = |host: &str| Address::parse(&format!("{host}/sdata/crm/trade/-/accounts")).unwrap();
    let made = |source: &str, target: &str| {
        let plan = RunPlan::new(address(source), address(target), run(), false, None).unwrap();
        let credentials = [Some(Credentials::Bearer { token: "sdata_abc".to_owned() }), None];
        Remote::new(plan.urls(), credentials, Authorities::default(), quickly(), Arc::new(|_| {})).map(|_| ())
    };
    assert!(made("https://crm.example.com", "http://erp.example.com").is_ok());
    assert!(made("http://localhost:5493", "http://erp.example.com").is_ok());
    let error = made("http://crm.example.com", "https://erp.example.com").unwrap_err().to_string();
    assert!(error.contains("http://crm.example.com") && error.contains("https"), "{error}");
}

#[actix_web::test]
async fn a_refusal_for_want_of_credentials_says_why_they_were_not_sent() {
    let faults = vec![("GET $syncSource", Fault::Answer(401, Vec::new(), ""))];
    let (source, target) = (Foreign::start(Habits { faults, ..pages(&[ENTRY]) }), Foreign::start(Habits::default()));
    let plan = plan(&source.collection(), &target.collection());
    let credentials = Credentials::Basic { user: "joe".to_owned(), password: "secret".to_owned() };
    let both = [Some(credentials.clone()), Some(credentials)];
    let remote = Remote::new(plan.urls(), both, Authorities::default(), quickly(), Arc::new(|_| {})).unwrap();
    let message = failure(&plan.make(&remote, &CancellationToken::new()).await);
    assert!(message.contains("401 Unauthorized: credentials go only to"), "{message}");
}

#[actix_web::test]
async fn entries_without_a_result_are_told() {
    let source = Foreign::start(pages(&[&ENTRY.repeat(3)]));
    let target = Foreign::start(Habits { results: [ENTRY.to_owned()].into(), ..Habits::default() });
    let plan = plan(&source.collection(), &target.collection());
    let (remote, events) = remote(&plan, quickly());
    let counts = counts(&plan.make(&remote, &CancellationToken::new()).await);
    assert_eq!((counts.updated, counts.failed), (1, 2), "what nobody reports on is not called applied");
    let events = events.lock().unwrap();
    assert!(events.iter().any(|event| matches!(event, PassEvent::ResultsMissing { entries: 3, results: 1 })));
}

#[actix_web::test]
async fn datasets_are_synchronized_kind_by_kind_in_both_directions() {
    let schema = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:sme="http://schemas.sage.com/sdata/sme/2007">
        <xs:element name="order" sme:pluralName="orders" sme:isSyncSource="true" sme:isSyncTarget="true" sme:syncOrder="2"/>
        <xs:element name="account" sme:pluralName="accounts" sme:isSyncSource="true" sme:isSyncTarget="true" sme:syncOrder="1"/>
        </xs:schema>"#;
    let schema = schema.to_owned();
    let source = Foreign::start(Habits { schema: schema.clone(), ..Habits::default() });
    let target = Foreign::start(Habits { schema, ..Habits::default() });
    let run = Run { name: "all".to_owned(), stamp: "s".to_owned() };
    let address = |provider: &Foreign| Address::parse(&provider.dataset()).unwrap();
    let plan = RunPlan::new(address(&source), address(&target), run, true, None).unwrap();
    let (remote, _) = remote(&plan, quickly());
    let report = plan.make(&remote, &CancellationToken::new()).await;
    // This provider knows accounts alone: their passes are made, and the run stops at the orders.
    let kinds: Vec<(&str, bool)> = report
        .passes
        .iter()
        .map(|pass| (pass.resource_kind.as_str(), pass.source.starts_with(&source.dataset())))
        .collect();
    assert_eq!(kinds, [("accounts", true), ("accounts", false), ("orders", true)]);
    assert_eq!(report.outcome, RunOutcome::Failed);
    assert!(report.passes[1].failure.is_none() && report.passes[2].failure.is_some());
}

#[test]
fn one_url_for_both_sides_and_a_collection_with_a_dataset_are_refused() {
    let run = || Run { name: String::new(), stamp: String::new() };
    let collection = Address::parse("http://a/sdata/crm/trade/-/accounts").unwrap();
    let dataset = Address::parse("http://b/sdata/erp/trade/-").unwrap();
    let same = RunPlan::new(collection.clone(), collection.clone(), run(), false, None);
    assert!(matches!(same, Err(AddressError::Same(_))));
    assert!(matches!(RunPlan::new(collection, dataset, run(), false, None), Err(AddressError::Mixed { .. })));
}
