//! Queries that would cost much, or get at what is not theirs.

use super::KIND;
use super::case::Answer::{Fine, Refused};
use super::case::{Answer, Case};
use url::form_urlencoded;

fn with(name: &str, parameter: &str, value: impl AsRef<str>, answer: Answer) -> Case {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair(parameter, value.as_ref()).finish();
    Case::get(name, format!("{KIND}?{query}"), answer)
}

fn condition(name: &str, text: impl AsRef<str>, answer: Answer) -> Case {
    with(name, "where", text, answer)
}

pub(super) fn cases() -> Vec<Case> {
    let (refused, parameter) = (Refused(400, "BadWhereSyntax"), Refused(400, "BadQueryParameter"));
    let many = |term: &str, between: &str, count: usize| vec![term; count].join(between);
    vec![
        // Numbers.
        with("startIndex -1", "startIndex", "-1", Fine(200)),
        with("startIndex beyond 64 bits", "startIndex", "99999999999999999999999", Fine(200)),
        with("startIndex the largest", "startIndex", "9223372036854775807", Fine(200)),
        with("startIndex with an exponent", "startIndex", "1e999", parameter),
        with("startIndex with a fraction", "startIndex", "1.5", parameter),
        with("startIndex in hexadecimal", "startIndex", "0x10", parameter),
        with("startIndex in full-width digits", "startIndex", "１２", parameter),
        with("startIndex of 10,000 digits", "startIndex", "9".repeat(10_000), Fine(200)),
        with("startIndex NaN", "startIndex", "NaN", parameter),
        with("count -1", "count", "-1", Fine(200)),
        with("count beyond 64 bits", "count", "99999999999999999999999", Fine(200)),
        with("count the least", "count", "-9223372036854775808", Fine(200)),
        with("count with SQL in it", "count", "1; drop table resource", parameter),
        Case::get(
            "the largest startIndex and count",
            format!("{KIND}?startIndex=9223372036854775807&count=9223372036854775807"),
            Fine(200),
        ),
        with("a place that is none", "_after", "rubbish", parameter),
        with("a place of 10,000 bytes", "_after", "A".repeat(10_000), parameter),
        // Conditions.
        condition("5,000 parentheses", format!("{}name eq 'a'{}", "(".repeat(2_500), ")".repeat(2_500)), refused),
        condition("500 terms", many("code eq 'a'", " or ", 500), Fine(200)),
        condition("2,000 times not", format!("{}name eq 'a'", "not ".repeat(2_000)), refused),
        condition("3,000 minus signs", format!("code eq {}1", "-".repeat(3_000)), refused),
        condition("a list of 1,000 values", format!("code in ('{}')", many("a", "','", 1_000)), Fine(200)),
        condition("a sum of 2,000 numbers", format!("creditLimit eq {}", many("1", "+", 2_000)), refused),
        condition("an operator alone", "eq", refused),
        condition("nothing but parentheses", "()", refused),
        condition("a text that is not closed", "name eq 'abc", refused),
        condition("a text of 2,000 quotes", format!("name eq '{}'", "'".repeat(2_000)), Fine(200)),
        condition("a pattern of 5,000 percent signs", format!("name like '{}'", "%".repeat(4_000)), Fine(200)),
        condition("a pattern that tries every way", format!("name like '{}b'", "%a".repeat(1_000)), Fine(200)),
        condition("a pattern of 3,000 underscores", format!("name like '{}'", "_".repeat(3_000)), Fine(200)),
        condition("a pattern with an escape at its end", "name like 'a\\'", Fine(200)),
        condition(
            "a text replaced until it fills memory",
            format!("{}name{} eq 'a'", "replace(".repeat(20), ",'a','aaaaaaaaaaaaaaaa')".repeat(20)),
            refused,
        ),
        condition("a text padded to 2 billion characters", "lpad(name, 2000000000, 'a') eq 'a'", refused),
        condition("a text padded to any length", "lpad(name, creditLimit, 'a') eq 'a'", refused),
        condition(
            "texts joined 200 times",
            format!("{}'a'{} eq 'a'", "concat(name,".repeat(200), ")".repeat(200)),
            refused,
        ),
        condition("a division by zero", "creditLimit / 0 eq 1", refused),
        condition("a number of 5,000 digits", format!("creditLimit eq {}", "9".repeat(5_000)), refused),
        condition("a number with a huge exponent", "creditLimit eq 1e999999999", refused),
        condition("a date that is none", "name eq @9999999-99-99@", refused),
        condition("a date in the year 999999999", "name eq @999999999-01-01@", refused),
        condition("SQL behind a quote", "name eq 'a' or 1=1 --'", refused),
        condition("SQL in a text", "name eq '''; drop table resource; --'", Fine(200)),
        condition("SQL as a function", "sleep(10) eq 0", refused),
        condition("another function of the database", "load_file('/etc/passwd') eq 'a'", refused),
        condition("a subquery", "name in (select name from account)", refused),
        condition("a column that is no property", "payload eq 'a'", refused),
        condition("a property of the synchronization", "resource_key eq 'a'", refused),
        condition("a property with 500 dots", format!("{} eq 'a'", many("name", ".", 500)), refused),
        condition("NUL in a text", "name eq 'a\0b'", Fine(200)),
        condition("characters beyond the first plane", "name eq '\u{1F4A3}\u{10FFFF}'", Fine(200)),
        condition("characters that turn direction", "name eq '\u{202E}\u{2066}'", Fine(200)),
        condition("a comment", "name eq 'a' /* */", refused),
        condition("line breaks", "name\r\neq\r\n'a'", Fine(200)),
        condition("a regular expression that backtracks", "name like '(a+)+$'", Fine(200)),
        with("a search that backtracks", "search", "(a+)+$ (a|a)*b .*.*.*.*x", Fine(200)),
        with("a search of 10,000 characters", "search", "a".repeat(10_000), Fine(200)),
        with("a search of 2,000 words", "search", many("a", " ", 2_000), parameter),
        with("a search of percent signs", "search", "%".repeat(3_000), Fine(200)),
        with("orderBy with 1,000 properties", "orderBy", many("name", ",", 1_000), Fine(200)),
        with("orderBy with SQL", "orderBy", "name; drop table resource", parameter),
        with("orderBy a place", "orderBy", "1", parameter),
        with("select with 2,000 properties", "select", many("name", ",", 2_000), parameter),
        with("select through 500 levels", "select", many("name", "/", 500), parameter),
        with("include with 1,000 relationships", "include", many("contacts", ",", 1_000), parameter),
        with("include through 500 levels", "include", many("contacts", "/", 500), parameter),
        with("a precedence beyond 64 bits", "precedence", "99999999999999999999", Fine(200)),
        with("a format of 5,000 bytes", "format", "a/".repeat(2_500), Fine(200)),
        Case::get(
            "a query of the audit with SQL",
            "/sdata/crm/syncAudit/-/changes?where=uuid%20eq%20%27%27%27%20or%201%3d1--%27",
            Fine(200),
        ),
        Case::get(
            "1,000 parentheses in the audit",
            format!("/sdata/crm/syncAudit/-/runs?where={}1{}", "(".repeat(1_000), ")".repeat(1_000)),
            refused,
        ),
    ]
}
