//! `sdata-sync demo --exit`: what a newcomer sees first must work and say what it shows.

use std::net::TcpListener;
use std::process::{Command, Output};

fn demo() -> Output {
    Command::new(env!("CARGO_BIN_EXE_sdata-sync")).args(["demo", "--exit"]).output().unwrap()
}

/// The cells of the first table row that begins so.
fn row<'t>(text: &'t str, first: &str) -> Vec<&'t str> {
    let cells = |line: &'t str| line.split(['│', '┆']).map(str::trim).filter(|cell| !cell.is_empty()).collect();
    text.lines().map(cells).find(|cells: &Vec<&str>| cells.first() == Some(&first)).unwrap_or_default()
}

/// SYNC-6.1-04: the parked order, among creations both ways, an update, a delete and a conflict.
#[test]
fn the_demonstration_ends_with_both_applications_identical_and_tells_what_happened() {
    // Somebody has the usual port, so that another one must do.
    let _taken = TcpListener::bind("127.0.0.1:5493");
    let output = demo();
    let text = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{log}");
    assert_eq!(log, "", "a demonstration has nothing to complain of");
    assert_eq!(row(&text, "first"), ["first", "crm → erp", "20", "0", "0", "0", "0"], "{text}");
    assert!(text.contains("│ first       ┆ erp → crm ┆      14 ┆"), "{text}");
    assert_eq!(row(&text, "changes"), ["changes", "crm → erp", "0", "1", "1", "1", "0"], "{text}");
    assert_eq!(row(&text, "orders only"), ["orders only", "crm → erp", "0", "0", "0", "0", "1"], "{text}");
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "So erp won: the credit limit is 7500.00 on both sides. What crm lost is still in the audit: 5000.00.",
        "priorities are equal and the later change wins",
        "created — was parked and could be applied on a later try",
        "Nothing was left to send.",
        "Identical: all 35 resources, one by one, by UUID.",
    ] {
        assert!(flowing.contains(said), "{said} in {text}");
    }
    for kind in [["accounts", "17"], ["contacts", "7"], ["products", "6"], ["salesOrders", "5"]] {
        assert_eq!(row(&text, kind[0]), [kind[0], kind[1], kind[1], kind[1]], "{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
