//! The project's own Rust files, as token trees: what the checks of the house read.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One Rust file of this workspace.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// From the workspace's root, with slashes: `src/wire/feed.rs`.
    pub(crate) path: String,
    /// What stands in it. Doc comments are `doc` attributes here.
    pub(crate) tokens: TokenStream,
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, a folder of the workspace, by path; none when there is no such folder.
///
/// # Errors
/// When a file cannot be read, or is no Rust.
pub(crate) fn read_folder(folder: &str) -> io::Result<Vec<SourceFile>> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths)?;
    paths.sort();
    paths.iter().map(|path| read_file(path)).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> io::Result<SourceFile> {
    let within = path.strip_prefix(root()).unwrap_or(path);
    let path = within.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
    let text = fs::read_to_string(root().join(&path))?;
    let tokens = text.parse().map_err(|error| io::Error::other(format!("{path}: {error}")))?;
    Ok(SourceFile { path, tokens })
}

/// The tokens of an attribute that begins at `at` (`#[…]` or `#![…]`), and where it ends.
pub(crate) fn attribute_at(tokens: &[TokenTree], at: usize) -> Option<(TokenStream, usize)> {
    if !is_punct(tokens.get(at)?, '#') {
        return None;
    }
    let bracket = if is_punct(tokens.get(at + 1)?, '!') { at + 2 } else { at + 1 };
    match tokens.get(bracket)? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some((group.stream(), bracket + 1)),
        _ => None,
    }
}

/// Whether `token` is this one character of punctuation.
pub(crate) fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// Whether `token` is this word.
pub(crate) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}
