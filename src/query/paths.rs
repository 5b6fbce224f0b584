//! The lists of property paths that `select` and `include` carry (core 6.5).

use super::error::{Parameter, Problem, QueryError};

/// Characters a list may have.
const LONGEST: usize = 8192;
/// Steps a path may have.
const DEEPEST: usize = 32;

/// A way from a resource to what is asked for: `orderLines/product`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Never empty; `*` stands only at the end.
    pub steps: Vec<Step>,
}

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A property by its name; not looked up yet.
    Property(String),
    /// `*`: all properties of what the steps before it lead to.
    All,
    /// `$children`, `$descriptors`; with its `$`, in the letter case it was written in.
    Special(String),
}

/// Reads a list of paths, separated by commas; white space around names says nothing. An empty text is an empty list.
///
/// # Errors
/// [`QueryError`] where the text is no such list.
pub fn parse_paths(text: &str) -> Result<Vec<Path>, QueryError> {
    let failed = |position, problem| QueryError { parameter: Parameter::Paths, position, problem };
    if text.chars().nth(LONGEST).is_some() {
        return Err(failed(LONGEST + 1, Problem::TooLong(LONGEST)));
    }
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    let mut position = 1;
    for listed in text.split(',') {
        let mut steps: Vec<Step> = Vec::new();
        for name in listed.split('/') {
            let at = position + name.chars().take_while(|character| character.is_whitespace()).count();
            if steps.last() == Some(&Step::All) {
                return Err(failed(at, unexpected("a comma", "/")));
            }
            if steps.len() == DEEPEST {
                return Err(failed(at, Problem::TooDeep(DEEPEST)));
            }
            steps.push(step(name.trim()).map_err(|problem| failed(at, problem))?);
            position += name.chars().count() + 1;
        }
        paths.push(Path { steps });
    }
    Ok(paths)
}

fn step(name: &str) -> Result<Step, Problem> {
    if name == "*" {
        return Ok(Step::All);
    }
    let bare = name.strip_prefix('$').unwrap_or(name);
    let named = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
    if bare.is_empty() || !bare.chars().all(named) {
        return Err(unexpected("the name of a property, or *,", name));
    }
    Ok(if bare.len() == name.len() { Step::Property(name.to_owned()) } else { Step::Special(name.to_owned()) })
}

fn unexpected(expected: &'static str, found: &str) -> Problem {
    let found = if found.is_empty() { "nothing".to_owned() } else { format!("'{found}'") };
    Problem::Unexpected { expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn written(paths: &[Path]) -> String {
        let step = |step: &Step| match step {
            Step::Property(name) => name.clone(),
            Step::All => "*".to_owned(),
            Step::Special(name) => format!("<{name}>"),
        };
        let path = |path: &Path| path.steps.iter().map(step).collect::<Vec<_>>().join("/");
        paths.iter().map(path).collect::<Vec<_>>().join(",")
    }

    #[rstest]
    #[case::none(" ", "")]
    #[case::one("name", "name")]
    #[case::the_specifications("orderDate,contact/*,orderLines/orderQty", "orderDate,contact/*,orderLines/orderQty")]
    #[case::white_space(" name , account / name ", "name,account/name")]
    #[case::special("$children,$descriptors", "<$children>,<$descriptors>")]
    #[case::foreign_letters("straße/größe", "straße/größe")]
    fn lists_of_paths_are_read(#[case] text: &str, #[case] read: &str) {
        assert_eq!(parse_paths(text).map(|paths| written(&paths)), Ok(read.to_owned()));
    }

    /// CORE-6.10-02.
    #[rstest]
    #[case::nothing_between_commas("name,,city", 6)]
    #[case::trailing_comma("name,", 6)]
    #[case::trailing_slash("name/", 6)]
    #[case::behind_all("contact/*/name", 11)]
    #[case::no_name("größe, a b", 8)]
    #[case::too_deep(&"a/".repeat(40), 65)]
    #[case::too_long(&"a".repeat(8193), 8193)]
    fn what_is_no_list_of_paths_is_refused_with_the_position(#[case] text: &str, #[case] position: usize) {
        assert_eq!(parse_paths(text).map_err(|error| error.position), Err(position));
    }
}
