//! Which tests say that they prove which clauses: doc comments that begin with ids.

use crate::rust_sources::{SourceFile, attribute_at, is_word};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::HashSet;

/// A test that names clauses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The clauses, ranges written out.
    pub(crate) ids: Vec<String>,
    /// `file::test`.
    pub(crate) test: String,
    /// Whether it runs as a test: it bears a test attribute, or is a case of a suite.
    pub(crate) is_test: bool,
}

/// The macro that lists the cases of the suite for all databases.
const SUITE: &str = "store_contract";

/// Every claim in `files`.
pub(crate) fn claims(files: &[SourceFile]) -> Vec<Claim> {
    let mut cases = HashSet::new();
    for file in files {
        collect_cases(file.tokens.clone(), &mut cases);
    }
    let mut found = Vec::new();
    for file in files {
        collect_claims(file.tokens.clone(), &file.path, &cases, &mut found);
    }
    found
}

/// The names in every call of the suite's macro.
fn collect_cases(tokens: TokenStream, cases: &mut HashSet<String>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let is_call = at.checked_sub(2).and_then(|name| tokens.get(name)).is_some_and(|name| is_word(name, SUITE));
        if is_call { collect_names(group.stream(), cases) } else { collect_cases(group.stream(), cases) }
    }
}

fn collect_names(tokens: TokenStream, names: &mut HashSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                names.insert(name.to_string());
            }
            TokenTree::Group(group) => collect_names(group.stream(), names),
            _ => {}
        }
    }
}

fn collect_claims(tokens: TokenStream, path: &str, cases: &HashSet<String>, found: &mut Vec<Claim>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let (mut ids, mut is_test) = (Vec::new(), false);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some((attribute, end)) = attribute_at(&tokens, at) {
            match doc_text(&attribute) {
                Some(text) => ids.extend(leading_ids(&text)),
                None => is_test |= is_test_attribute(attribute),
            }
            at = end;
            continue;
        }
        match token {
            TokenTree::Ident(word) if word == "fn" => {
                if let (false, Some(TokenTree::Ident(name))) = (ids.is_empty(), tokens.get(at + 1)) {
                    let name = name.to_string();
                    let is_test = is_test || cases.contains(&name);
                    found.push(Claim { ids: std::mem::take(&mut ids), test: format!("{path}::{name}"), is_test });
                }
                (ids, is_test) = (Vec::new(), false);
            }
            TokenTree::Group(group) => {
                collect_claims(group.stream(), path, cases, found);
                if group.delimiter() == Delimiter::Brace {
                    // The end of an item that is no function.
                    (ids, is_test) = (Vec::new(), false);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// The text of a `doc` attribute: what a `///` line becomes.
fn doc_text(attribute: &TokenStream) -> Option<String> {
    let tokens: Vec<_> = attribute.clone().into_iter().collect();
    match tokens.as_slice() {
        [name, _, TokenTree::Literal(text)] if is_word(name, "doc") => Some(text.to_string()),
        _ => None,
    }
}

/// `#[test]`, `#[rstest]`, `#[tokio::test]`, …
fn is_test_attribute(attribute: TokenStream) -> bool {
    let path = attribute.into_iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
    path.last().is_some_and(|last| is_word(&last, "test") || is_word(&last, "rstest"))
}

/// The ids that a line of a doc comment begins with: `A-1-01, A-1-02`, or `A-1-01 to A-1-05` for all between.
fn leading_ids(line: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut rest = line.trim_start_matches(['r', '#', '"', ' ']);
    let mut is_range = false;
    while let Some((id, behind)) = split_id(rest) {
        if is_range && let Some(first) = ids.pop() {
            ids.extend(range(&first, id));
        } else {
            ids.push(id.to_owned());
        }
        is_range = behind.starts_with(" to ");
        let Some(next) = behind.strip_prefix(" to ").or_else(|| behind.strip_prefix(", ")) else { break };
        rest = next;
    }
    ids
}

/// An id at the beginning of `text`, and what stands behind it.
fn split_id(text: &str) -> Option<(&str, &str)> {
    let is_known = ["SYNC-", "CORE-", "OURS-"].iter().any(|prefix| text.starts_with(prefix));
    let end = text.find(|character: char| !(character.is_ascii_alphanumeric() || matches!(character, '-' | '.')));
    let (id, _) = text.split_at(end.unwrap_or(text.len()));
    let id = id.trim_end_matches('.');
    is_known.then(|| (id, text.get(id.len()..).unwrap_or_default()))
}

/// The ids from `first` to `last`, which differ in their last number; both as they are if they do not.
fn range(first: &str, last: &str) -> Vec<String> {
    let parts =
        |id: &str| id.rsplit_once('-').and_then(|(stem, number)| Some((stem.to_owned(), number.parse::<u32>().ok()?)));
    match (parts(first), parts(last)) {
        (Some((stem, from)), Some((other, to))) if stem == other => {
            (from..=to).map(|number| format!("{stem}-{number:02}")).collect()
        }
        _ => vec![first.to_owned(), last.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims_of(text: &str) -> Vec<Claim> {
        claims(&[SourceFile { path: "src/a.rs".to_owned(), tokens: text.parse().unwrap() }])
    }

    #[test]
    fn ids_stand_at_the_beginning_of_a_line_of_the_comment() {
        assert_eq!(leading_ids("\" SYNC-5.5-01, OURS-ERR-02.\""), ["SYNC-5.5-01", "OURS-ERR-02"]);
        assert_eq!(
            leading_ids("\" SYNC-2.6-04 to SYNC-2.6-06: the table\""),
            ["SYNC-2.6-04", "SYNC-2.6-05", "SYNC-2.6-06"]
        );
        assert_eq!(leading_ids("\" CORE-8.1-01: unlike CORE-8.1-02\""), ["CORE-8.1-01"]);
        assert!(leading_ids("\" as in SYNC-5.5-01\"").is_empty());
    }

    #[test]
    fn every_form_of_a_test_is_found() {
        let text = "
            /// SYNC-1.1-01.
            #[test] fn plain() {}
            mod tests {
                /// SYNC-1.1-02,
                /// SYNC-1.1-03: prose
                #[rstest] #[case::one(1)] fn table(#[case] n: u8) {}
                /// SYNC-1.1-04.
                #[tokio::test(flavor = \"multi_thread\")] async fn later() {}
                proptest! {
                    /// SYNC-1.2-01.
                    #[test] fn property(n in 0..9) {}
                }
            }
            /// SYNC-1.2-02.
            pub(crate) async fn a_case(store: &Store) {}
            store_contract!(sqlite, postgres => [a_case]);";
        let found: Vec<_> =
            claims_of(text).into_iter().map(|claim| (claim.ids.join(" "), claim.test, claim.is_test)).collect();
        let expected = [
            ("SYNC-1.1-01", "plain"),
            ("SYNC-1.1-02 SYNC-1.1-03", "table"),
            ("SYNC-1.1-04", "later"),
            ("SYNC-1.2-01", "property"),
            ("SYNC-1.2-02", "a_case"),
        ];
        assert_eq!(found, expected.map(|(ids, name)| (ids.to_owned(), format!("src/a.rs::{name}"), true)));
    }

    #[test]
    fn a_function_that_nobody_runs_is_no_test() {
        let [claim] = claims_of("/// SYNC-1.1-01.\nfn nobody_calls_me() {}").try_into().unwrap();
        assert!(!claim.is_test);
    }
}
