//! Which rooms and crates a file reaches for: its paths and `use` trees, wherever they stand, its tests left out.

use crate::rust_sources::{attribute_at, is_punct, is_word};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path that leaves the module it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Its first segment: `crate`, or the name of a crate. `super` is followed to the crate's root or dropped.
    pub(crate) from: String,
    /// Its second segment.
    pub(crate) name: String,
    /// Where it stands in the file.
    pub(crate) line: usize,
}

/// Whether a file holds nothing but tests.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// Every path in `tokens`, the content of the module `module` (`["http", "source"]` for `src/http/source.rs`).
pub(crate) fn reached(tokens: TokenStream, module: &[String]) -> Vec<Reached> {
    let mut walk = Walk { module: module.to_vec(), found: Vec::new() };
    walk.tokens(tokens);
    walk.found
}

struct Walk {
    module: Vec<String>,
    found: Vec<Reached>,
}

impl Walk {
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some((attribute, end)) = attribute_at(&tokens, at) {
                at = if is_test_attribute(&attribute) { end_of_item(&tokens, end) } else { end };
                self.tokens(attribute);
                continue;
            }
            match token {
                TokenTree::Ident(name) if name == "mod" => at = self.inner_module(&tokens, at),
                TokenTree::Ident(_) if !follows_path(&tokens, at) => at = self.path(&tokens, at, self.module.clone()),
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// `mod name { … }` is a module of its own; `mod name;` is a file of its own.
    fn inner_module(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match (tokens.get(at + 1), tokens.get(at + 2)) {
            (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) if body.delimiter() == Delimiter::Brace => {
                self.module.push(name.to_string());
                self.tokens(body.stream());
                self.module.pop();
                at + 3
            }
            _ => at + 1,
        }
    }

    /// Follows a path that begins at `at` within `module`; answers where its known part ends.
    fn path(&mut self, tokens: &[TokenTree], mut at: usize, mut module: Vec<String>) -> usize {
        while let Some(token) = tokens.get(at)
            && (is_word(token, "super") || is_word(token, "self"))
            && let Some(next) = behind_colons(tokens, at + 1)
        {
            if is_word(token, "super") {
                module.pop();
                if module.is_empty() {
                    self.behind("crate", tokens, next);
                    return next;
                }
            }
            if let Some(TokenTree::Group(tree)) = tokens.get(next) {
                self.branches(tree.stream(), &module);
                return next + 1;
            }
            at = next;
        }
        match (tokens.get(at), behind_colons(tokens, at + 1)) {
            (Some(TokenTree::Ident(first)), Some(next)) => {
                self.behind(&first.to_string(), tokens, next);
                next
            }
            (Some(TokenTree::Group(_)), _) => at,
            _ => at + 1,
        }
    }

    /// The branches of `use self::{…}` and `use super::{…}`: each may go on with `super`.
    fn branches(&mut self, tree: TokenStream, module: &[String]) {
        let tokens: Vec<_> = tree.into_iter().collect();
        for branch in tokens.split(|token| is_punct(token, ',')) {
            self.path(branch, 0, module.to_vec());
        }
    }

    /// Notes what stands behind `from::`: a name, or a tree of them.
    fn behind(&mut self, from: &str, tokens: &[TokenTree], at: usize) {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => {
                let line = name.span().start().line;
                self.found.push(Reached { from: from.to_owned(), name: name.to_string(), line });
            }
            Some(TokenTree::Group(tree)) if tree.delimiter() == Delimiter::Brace => {
                let tokens: Vec<_> = tree.stream().into_iter().collect();
                for branch in tokens.split(|token| is_punct(token, ',')) {
                    self.behind(from, branch, 0);
                }
            }
            Some(token @ TokenTree::Punct(_)) => {
                let line = token.span().start().line;
                self.found.push(Reached { from: from.to_owned(), name: "*".to_owned(), line });
            }
            _ => {}
        }
    }
}

/// Where the path goes on when `::` stands at `at`.
fn behind_colons(tokens: &[TokenTree], at: usize) -> Option<usize> {
    (is_punct(tokens.get(at)?, ':') && is_punct(tokens.get(at + 1)?, ':')).then_some(at + 2)
}

/// Whether the word at `at` is a later segment of a path, or a field or method.
fn follows_path(tokens: &[TokenTree], at: usize) -> bool {
    let before = |steps: usize| at.checked_sub(steps).and_then(|index| tokens.get(index));
    if before(1).is_some_and(|token| is_punct(token, '.')) {
        return !before(2).is_some_and(|token| is_punct(token, '.'));
    }
    let colons =
        before(1).is_some_and(|token| is_punct(token, ':')) && before(2).is_some_and(|token| is_punct(token, ':'));
    // `::name` begins at the crates.
    colons && matches!(before(3), Some(TokenTree::Ident(_)))
}

fn is_test_attribute(attribute: &TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

/// The end of the item that begins at `at`: behind its `;` or its braces.
fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(token, ';'),
    };
    let length = tokens.get(at..).unwrap_or_default().iter().position(is_end);
    length.map_or(tokens.len(), |length| at + length + 1)
}
