//! `sdata-sync import` and `export`: files in, the same files out.

use rstest::rstest;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const ACCOUNTS: &str = r#"{"$key":"1","$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0a01","code":"A-1","name":"Account 1","active":true,"creditLimit":1000.50,"openedOn":"2008-10-30","lastContactAt":"2008-10-30T17:23:08+01:00","postalAddress":{"street":"Street 1, \"left\"","countryCode":"GB"},"notes":"two\nlines"}
{"$key":"second","code":"A-2","name":"Account 2 é","phone":null,"postalAddress":null}
"#;
const PRODUCTS: &str = r#"{"$key":"3","$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0a03","sku":"P-1","name":"Product 1","price":1.5000,"discontinued":false}
"#;
const CONTACTS: &str = r#"{"$key":"4","lastName":"Contact 1","account":{"$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0a01"}}
{"$key":"5","lastName":"Contact 2","account":{"$key":"second"}}
"#;
const ORDERS: &str = r#"{"$key":"6","orderNumber":"SO-1","account":{"$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0a01"},"orderLines":[{"$key":"1","$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0b01","lineNumber":1,"product":{"$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0a03"},"quantity":2},{"$key":"2","$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0b02","lineNumber":2,"product":{"$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0a03"},"quantity":0.5}]}
"#;

/// Every kind in the order of its references.
const ALL: [(&str, &str); 4] =
    [("accounts", ACCOUNTS), ("products", PRODUCTS), ("contacts", CONTACTS), ("salesOrders", ORDERS)];

/// An application without a server: a database, and files beside it.
struct Files {
    name: &'static str,
    folder: TempDir,
}

impl Files {
    fn of(name: &'static str) -> Self {
        Self { name, folder: tempfile::tempdir().unwrap() }
    }

    /// Filled with all kinds.
    fn filled(name: &'static str) -> Self {
        let files = Self::of(name);
        for (kind, text) in ALL {
            let output = files.import(kind, &files.written(&format!("{kind}.ndjson"), text));
            assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn written(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn run(&self, arguments: &[&str], file: Option<&Path>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sdata-sync"));
        command.args(arguments).args(file).current_dir(self.folder.path());
        command.arg("--set").arg(format!("application.name={}", self.name)).output().unwrap()
    }

    fn import(&self, kind: &str, file: &Path) -> Output {
        self.run(&["import", "--kind", kind], Some(file))
    }

    fn exported(&self, kind: &str, name: &str) -> PathBuf {
        let output = self.run(&["export", "--kind", kind], Some(&self.path(name)));
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
        self.path(name)
    }

    /// What stands in the application, as NDJSON on standard output.
    fn content(&self, kind: &str) -> String {
        let output = self.run(&["export", "--kind", kind], None);
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[rstest]
#[case::ndjson("ndjson", &["accounts", "products", "contacts", "salesOrders"])]
#[case::atom("atom", &["accounts", "products", "contacts", "salesOrders"])]
#[case::csv("csv", &["products", "contacts"])]
fn what_is_exported_makes_the_same_resources_in_an_empty_application(#[case] extension: &str, #[case] kinds: &[&str]) {
    let (crm, erp) = (Files::filled("crm"), Files::of("erp"));
    for kind in ["accounts", "products", "contacts", "salesOrders"] {
        let extension = if kinds.contains(&kind) { extension } else { "ndjson" };
        let output = erp.import(kind, &crm.exported(kind, &format!("{kind}.{extension}")));
        assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
        assert_eq!(erp.content(kind), crm.content(kind));
    }
}

#[test]
fn what_is_exported_is_what_was_imported_digit_by_digit() {
    let crm = Files::filled("crm");
    // What was not said is null.
    let null = regex::Regex::new(r#","\w+":null"#).unwrap();
    for (kind, text) in ALL {
        assert_eq!(null.replace_all(&crm.content(kind), ""), null.replace_all(text, ""));
    }
}

#[test]
fn a_table_has_a_column_for_every_property_and_says_what_it_cannot_hold() {
    let crm = Files::filled("crm");
    let table = fs::read_to_string(crm.exported("accounts", "accounts.csv")).unwrap();
    let headings = table.lines().next().unwrap();
    assert!(headings.starts_with("$key,$uuid,code,name,type,active,"), "{headings}");
    assert!(
        headings.contains("postalAddress/street,") && headings.contains(",postalAddress/countryCode,"),
        "{headings}"
    );
    assert!(table.contains(r#""Street 1, ""left""""#) && table.contains("\"two\nlines\""), "{table}");
    let output = crm.run(&["export", "--kind", "salesOrders"], Some(&crm.path("orders.csv")));
    assert!(text_of(&output).contains("a table has no place for orderLines"), "{}", text_of(&output));
    let erp = Files::of("erp");
    let output = erp.import("accounts", &crm.path("accounts.csv"));
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    assert_eq!(
        erp.content("accounts"),
        crm.content("accounts"),
        "an empty cell says nothing, and what is not said is null"
    );
}

#[test]
fn importing_the_same_again_changes_nothing_and_a_known_key_is_an_update() {
    let crm = Files::filled("crm");
    let output = crm.import("accounts", &crm.path("accounts.ndjson"));
    assert!(text_of(&output).contains("0 created, 0 updated, 2 unchanged, 0 left out"), "{}", text_of(&output));
    let change = crm.written("change.ndjson", "{\"$key\":\"1\",\"name\":\"Renamed\",\"notes\":null}\n");
    let output = crm.import("accounts", &change);
    assert!(text_of(&output).contains("0 created, 1 updated, 0 unchanged, 0 left out"), "{}", text_of(&output));
    let content = crm.content("accounts");
    let first = content.lines().next().unwrap();
    for part in [r#""name":"Renamed""#, r#""creditLimit":1000.50"#, r#""notes":null"#] {
        assert!(first.contains(part), "{part} in {first}");
    }
}

#[test]
fn the_uuid_says_which_resource_is_meant_and_a_key_alone_never_takes_over_a_linked_one() {
    let crm = Files::filled("crm");
    let rows = [
        r#"{"$key":"elsewhere","$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0a01","name":"Known by its UUID"}"#,
        r#"{"$key":"1","$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0a09","code":"A-9","name":"Account 9"}"#,
    ];
    let output = crm.import("accounts", &crm.written("rows.ndjson", &rows.join("\n")));
    let text = text_of(&output);
    assert!(text.contains("0 created, 1 updated, 0 unchanged, 1 left out"), "{text}");
    assert!(text.contains("rows.ndjson:2: the key '1' is that of another resource, linked as 0f9ae5a1-"), "{text}");
    let content = crm.content("accounts");
    assert!(content.starts_with(r#"{"$key":"1","$uuid":"0f9ae5a1-6b1f-4f1e-9d0e-6d3c0b8e0a01""#), "{content}");
    assert!(content.contains(r#""name":"Known by its UUID""#), "{content}");
}

#[test]
fn rows_that_are_wrong_are_told_with_their_line_and_left_out() {
    let crm = Files::of("crm");
    let rows = [
        r#"{"code":"A-1","name":"Account 1"}"#,
        r#"{"code":"A-2"}"#,
        "",
        r#"{"code":"A-3","name":"Account 3","colour":"red"}"#,
        r#"{"code":"A-1","name":"Account 1 again"}"#,
        r#"{"code":"A-4","name":"#,
        r#"{"code":"A-5","name":["x"]}"#,
        r#"{"$key":"k","code":"A-6","name":"Account 6"}"#,
        r#"{"$key":"k","code":"A-6","name":"Account 6, corrected"}"#,
    ];
    let file = crm.written("accounts.ndjson", &rows.join("\r\n"));
    let output = crm.import("accounts", &file);
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("2 created, 1 updated, 0 unchanged, 5 left out"), "{text}");
    for told in [
        "accounts.ndjson:2: account/name ",
        "accounts.ndjson:4: account/colour ",
        "accounts.ndjson:5: code 'A-1' is taken",
        "accounts.ndjson:6: is no JSON: ",
        "accounts.ndjson:7: name: is to be a text",
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
    assert_eq!(crm.content("accounts").lines().count(), 2);
}

#[test]
fn rows_of_a_table_and_entries_of_a_feed_are_told_by_their_place() {
    let crm = Files::of("crm");
    let table = crm.written("products.csv", "sku,name,price\nP-1,Product 1,1.5\nP-2,Product 2\nP-3,Product 3,dear\n");
    let text = text_of(&crm.import("products", &table));
    assert!(text.contains("products.csv:3: has 2 cells where 3 are expected"), "{text}");
    assert!(text.contains("products.csv:4: product/price "), "{text}");
    assert!(text.contains("1 created, 0 updated, 0 unchanged, 2 left out"), "{text}");
    let feed = fs::read_to_string(crm.exported("products", "products.atom")).unwrap();
    let broken = crm.written("broken.atom", &feed.replace(">1.5<", ">cheap<"));
    let text = text_of(&crm.import("products", &broken));
    assert!(text.contains("broken.atom, entry 1: product/price "), "{text}");
    let cut = crm.written("cut.atom", feed.split("<sdata:payload").next().unwrap());
    let output = crm.import("products", &cut);
    assert_eq!(output.status.code(), Some(1), "{}", text_of(&output));
    assert!(text_of(&output).contains("cut.atom: entry 1: "), "{}", text_of(&output));
}

#[rstest]
#[case::kind(&["import", "--kind", "invoices"], "accounts.csv", "--kind invoices: there is no such collection; there are http")]
#[case::extension(&["import", "--kind", "accounts"], "accounts.txt", "accounts.txt: the extension must be .ndjson, .csv or .atom")]
#[case::file(&["import", "--kind", "accounts"], "nowhere.csv", "nowhere.csv: No such file")]
#[case::column(&["import", "--kind", "accounts"], "accounts.csv", "accounts.csv: there is no column 'colour'; there are $key, ")]
#[case::no_feed(&["import", "--kind", "accounts"], "accounts.xml", "accounts.xml: ")]
fn what_cannot_be_imported_at_all_is_one_clear_message(
    #[case] arguments: &[&str],
    #[case] file: &str,
    #[case] message: &str,
) {
    let crm = Files::of("crm");
    for name in ["accounts.csv", "accounts.txt", "accounts.xml"] {
        crm.written(name, "code,colour\nA-1,red\n");
    }
    let output = crm.run(arguments, Some(Path::new(file)));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("error: {message}")), "{text}");
}

#[test]
fn where_several_collections_have_the_kind_one_must_be_chosen() {
    let crm = Files::of("crm");
    let datasets = r#"contracts.0.datasets=["north","south"]"#;
    let file = crm.written("products.csv", "sku,name\nP-1,Product 1\n");
    let output = crm.run(&["import", "--kind", "products", "--set", datasets], Some(&file));
    assert!(text_of(&output).contains("several collections are meant; --contract and --dataset choose one of"));
    let output = crm.run(&["import", "--kind", "products", "--dataset", "south", "--set", datasets], Some(&file));
    assert!(text_of(&output).contains("/sample/south/products: 1 created"), "{}", text_of(&output));
}
