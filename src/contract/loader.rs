//! The files of a contract: the main one and what it imports and includes by relative path.

use super::error::{ContractError, Problem, Warning};
use super::schema_file::{ROOT, SchemaFile};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The files of one contract, the main one first.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) files: Vec<SchemaFile>,
    pub(super) warnings: Vec<Warning>,
}

/// Reads the contract at `path` and everything it refers to.
///
/// # Errors
/// [`ContractError`] when a file cannot be read or is no schema.
pub(super) fn load(path: &Path) -> Result<Files, ContractError> {
    let mut loader = Loader { seen: HashSet::new(), found: Files { files: Vec::new(), warnings: Vec::new() } };
    loader.file(path, String::new(), None)?;
    let mut next = 0;
    while next < loader.found.files.len() {
        loader.follow(next, path)?;
        next += 1;
    }
    Ok(loader.found)
}

/// Takes a contract that is a single file and already in memory.
///
/// # Errors
/// [`ContractError`] when the text is no schema.
pub(super) fn single(name: &str, text: &str) -> Result<Files, ContractError> {
    let file = SchemaFile::parse(name, "", text.as_bytes().to_vec(), None)?;
    Ok(Files { files: vec![file], warnings: Vec::new() })
}

struct Loader {
    seen: HashSet<PathBuf>,
    found: Files,
}

impl Loader {
    fn file(
        &mut self,
        path: &Path,
        location: String,
        including: Option<usize>,
    ) -> Result<Option<usize>, ContractError> {
        let name = path.display().to_string();
        let unreadable = |source| ContractError::Unreadable { file: name.clone(), source };
        if !self.seen.insert(path.canonicalize().map_err(unreadable)?) {
            return Ok(None);
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let namespace = including.and_then(|index| self.found.files.get(index)).map(|file| file.namespace.clone());
        self.found.files.push(SchemaFile::parse(&name, &location, bytes, namespace.as_ref())?);
        Ok(Some(self.found.files.len() - 1))
    }

    /// Reads what the file at `index` refers to.
    fn follow(&mut self, index: usize, main: &Path) -> Result<(), ContractError> {
        for reference in self.references(index)? {
            let folder = main.parent().unwrap_or(Path::new(""));
            let including = (!reference.import).then_some(index);
            if reference.import && !folder.join(&reference.location).exists() {
                // Other contracts' tools import schemas they never use; what is missing shows where it is used.
                self.found.warnings.push(Warning {
                    message: format!("the imported '{}' is not there", reference.location),
                    ..reference.place
                });
                continue;
            }
            let added = self.file(&folder.join(&reference.location), reference.location.clone(), including)?;
            if let Some(found) = added.and_then(|added| self.found.files.get(added))
                && let Some(expected) = reference.namespace
                && *found.namespace != *expected
            {
                let (location, found) = (reference.location, found.namespace.to_string());
                let problem = Problem::OtherNamespace { location, found, expected };
                return Err(ContractError::Invalid { file: reference.place.file, line: reference.place.line, problem });
            }
        }
        Ok(())
    }

    fn references(&self, index: usize) -> Result<Vec<Reference>, ContractError> {
        let Some(file) = self.found.files.get(index) else { return Ok(Vec::new()) };
        let mut references = Vec::new();
        for (at, node) in file.children(ROOT) {
            let import = match &*node.name {
                "import" => true,
                "include" => false,
                "redefine" | "override" => return Err(file.invalid(at, Problem::Unsupported(node.name.to_string()))),
                _ => continue,
            };
            // Only files beside the contract are read: serving a contract must not depend on the network.
            let Some(location) = node.attribute("schemaLocation").filter(|location| !location.contains("://")) else {
                continue;
            };
            let namespace =
                if import { node.attribute("namespace").map(str::to_owned) } else { Some(file.namespace.to_string()) };
            references.push(Reference {
                import,
                location: beside(&file.location, location),
                namespace,
                place: Warning { file: file.name.clone(), line: file.line(at), message: String::new() },
            });
        }
        Ok(references)
    }
}

/// One `xs:import` or `xs:include`.
struct Reference {
    import: bool,
    location: String,
    namespace: Option<String>,
    place: Warning,
}

/// The path of `location`, written in the file at `from`, relative to the main file.
fn beside(from: &str, location: &str) -> String {
    let location = location.replace('\\', "/");
    let mut segments: Vec<&str> = match from.rsplit_once('/') {
        Some((folder, _)) => folder.split('/').collect(),
        None => Vec::new(),
    };
    for segment in location.split('/') {
        match (segment, segments.last()) {
            ("." | "", _) => {}
            ("..", Some(&last)) if last != ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::beside;
    use rstest::rstest;

    #[rstest]
    #[case::beside_the_main_file("", "common.xsd", "common.xsd")]
    #[case::from_a_folder("types/a.xsd", "../common.xsd", "common.xsd")]
    #[case::above_the_main_file("", "../common.xsd", "../common.xsd")]
    #[case::with_backslashes("", r"types\a.xsd", "types/a.xsd")]
    fn a_location_is_relative_to_the_file_it_stands_in(#[case] from: &str, #[case] location: &str, #[case] path: &str) {
        assert_eq!(beside(from, location), path);
    }
}
