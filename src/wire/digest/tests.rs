use super::*;
use crate::protocol::digest::tests::node;
use rstest::rstest;

fn read(body: &str, usage: DigestUse) -> Result<Digest, WireError> {
    read_digest_entry(body.as_bytes(), usage, ReadLimits::default())
}

fn digest(entries: &str) -> String {
    format!(r#"<digest xmlns="{SYNC}">{entries}</digest>"#)
}

fn entry(endpoint: &str, tick: &str, priority: &str) -> String {
    format!(
        "<digestEntry><endpoint>{endpoint}</endpoint><tick>{tick}</tick><stamp>2008-10-30T17:23:08Z</stamp>\
         <conflictPriority>{priority}</conflictPriority></digestEntry>"
    )
}

fn sample() -> Digest {
    let entry = |tick, stamp: &str, priority| DigestEntry {
        tick: Tick::new(tick).unwrap(),
        stamp: Stamp::parse(stamp).unwrap(),
        conflict_priority: Priority::new(priority).unwrap(),
    };
    let entries = [
        (node(1), entry(6, "2008-10-30T17:23:08Z", 2)),
        (node(2), entry(Tick::MAX.value(), "2008-10-30T12:16:51.281Z", 9)),
    ];
    Digest { origin: Some(node(1)), entries: entries.into() }
}

/// SYNC-4.2-01.
#[test]
fn a_digest_is_written_as_an_entry_and_read_back() {
    let url = "http://n1.example.com/sdata/app/contract/-/accounts/$syncDigest";
    let out = digest_entry(&sample(), url, Stamp::EPOCH);
    let xml = super::super::write_entry(&out).unwrap();
    let text = std::str::from_utf8(&xml).unwrap();
    assert!(
        text.contains("<sync:digest><sync:origin>http://n1.example.com/sdata/app/contract/-/accounts</sync:origin>")
    );
    assert!(text.contains(
        "<sync:tick>6</sync:tick><sync:stamp>2008-10-30T17:23:08Z</sync:stamp><sync:conflictPriority>2</sync:conflictPriority>"
    ));
    assert_eq!(read(text, DigestUse::Written).unwrap(), sample());
    let read = super::super::read_entry(&xml, ReadLimits::default()).unwrap();
    assert_eq!((read.id.as_str(), read.updated), (url, Some(Stamp::EPOCH)));
    assert_eq!(read.links, [Link::entry("self", url, "Refresh")]);
    assert!(!read.title.is_empty());
}

/// SYNC-4.4-13, SYNC-4.2-07.
#[rstest]
#[case::default_namespace(digest(&entry("http://n1.example.com/sdata/app/contract/-/accounts", "5", "2")))]
#[case::prefixed_in_another_order(format!(
    r#"<s:digest xmlns:s="{SYNC}"><s:digestEntry><s:conflictPriority> 2 </s:conflictPriority><s:unknown/><s:tick> 5 </s:tick>
    <s:endpoint>HTTP://N1.example.com:80/sdata/app/contract/-/accounts/</s:endpoint><s:stamp>2008-10-30T17:23:08+00:00</s:stamp>
    </s:digestEntry></s:digest>"#
))]
#[case::in_an_entry(format!(
    r#"<entry xmlns="http://www.w3.org/2005/Atom"><payload xmlns="http://schemas.sage.com/sdata/2008/1">{}</payload></entry>"#,
    digest(&entry("http://n1.example.com/sdata/app/contract/-/accounts", "5", "2"))
))]
fn a_digest_without_origin_is_read_however_it_is_prefixed(#[case] body: String) {
    let digest = read(&body, DigestUse::Written).unwrap();
    assert_eq!(digest.origin, None);
    let entry = digest.entries[&node(1)];
    assert_eq!((entry.tick.value(), entry.conflict_priority.value()), (5, 2));
    assert_eq!(entry.stamp, Stamp::parse("2008-10-30T17:23:08Z").unwrap());
}

/// An empty digest means "send everything" (sync 5.2, decided).
#[test]
fn an_empty_digest_is_a_digest() {
    assert_eq!(read(&digest(""), DigestUse::Pass).unwrap(), Digest::default());
}

/// SYNC-4.2-05, SYNC-4.2-08.
#[rstest]
#[case::tick_minus_one("-1", "1", Some((0, 1)), None)]
#[case::tick_zero("0", "1", Some((0, 1)), Some((0, 1)))]
#[case::largest_tick("4611686018427387904", "1", Some((1 << 62, 1)), Some((1 << 62, 1)))]
#[case::tick_too_large("4611686018427387905", "1", None, None)]
#[case::tick_far_too_large("99999999999999999999", "1", None, None)]
#[case::tick_below_minus_one("-2", "1", None, None)]
#[case::tick_with_decimals("5.0", "1", None, None)]
#[case::tick_no_number("five", "1", None, None)]
#[case::no_tick("", "1", None, None)]
#[case::priority_nine("5", "9", Some((5, 9)), Some((5, 9)))]
#[case::priority_zero("5", "0", Some((5, 1)), None)]
#[case::priority_ten("5", "10", None, None)]
#[case::priority_negative("5", "-1", None, None)]
#[case::priority_no_number("5", "high", None, None)]
#[case::priority_far_too_large("5", "256", None, None)]
fn ticks_and_priorities_are_checked(
    #[case] tick: &str,
    #[case] priority: &str,
    #[case] in_a_pass: Option<(u64, u8)>,
    #[case] written: Option<(u64, u8)>,
) {
    let body = digest(&entry(node(1).as_str(), tick, priority));
    for (usage, expected) in [(DigestUse::Pass, in_a_pass), (DigestUse::Written, written)] {
        match (read(&body, usage), expected) {
            (Ok(digest), Some(expected)) => {
                let entry = digest.entries[&node(1)];
                assert_eq!((entry.tick.value(), entry.conflict_priority.value()), expected, "{usage:?}");
            }
            (Err(WireError::Digest(message)), None) => {
                assert!(message.contains(node(1).as_str()), "the message names the entry: {message}");
            }
            (read, expected) => panic!("{usage:?}: {read:?} instead of {expected:?}"),
        }
    }
}

#[rstest]
#[case::empty("")]
#[case::relative("accounts")]
fn an_entry_without_a_usable_endpoint_is_refused(#[case] endpoint: &str) {
    assert!(matches!(read(&digest(&entry(endpoint, "1", "1")), DigestUse::Pass), Err(WireError::Digest(_))));
}

#[test]
fn a_missing_priority_loses_in_a_pass_and_is_not_stored() {
    let body = digest(&format!("<digestEntry><endpoint>{}</endpoint><tick>1</tick></digestEntry>", node(1)));
    assert_eq!(read(&body, DigestUse::Pass).unwrap().entries[&node(1)].conflict_priority, Priority::LOWEST);
    assert!(matches!(read(&body, DigestUse::Written), Err(WireError::Digest(_))));
}

/// SYNC-3.1-02.
#[test]
fn of_two_entries_for_one_endpoint_the_larger_tick_counts() {
    let other_spelling = "HTTP://N1.EXAMPLE.COM:80/sdata/app/contract/-/accounts/";
    for ticks in [("5", "7"), ("7", "5")] {
        let body = digest(&(entry(node(1).as_str(), ticks.0, "1") + entry(other_spelling, ticks.1, "1").as_str()));
        let digest = read(&body, DigestUse::Pass).unwrap();
        assert_eq!(digest.entries.len(), 1);
        assert_eq!(digest.entries[&node(1)].tick.value(), 7);
    }
}

/// SYNC-5.2-04.
#[rstest]
#[case::feed(r#"<feed xmlns="http://www.w3.org/2005/Atom"/>"#)]
#[case::entry_without_payload(r#"<entry xmlns="http://www.w3.org/2005/Atom"/>"#)]
#[case::resource("<account/>")]
#[case::digest_of_no_namespace("<digest/>")]
#[case::nothing("")]
fn what_is_no_digest_entry_is_refused(#[case] body: &str) {
    assert!(read(body, DigestUse::Pass).is_err());
}
