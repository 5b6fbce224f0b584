//! The sources of settings, laid over each other: file, environment, flags.

use super::mistake::{Mistake, Place, SettingsError, line_at};
use figment::providers::{Format, Toml};
use figment::util::nest;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};
use std::path::{Path, PathBuf};
use toml_edit::ImDocument;

/// Start of every environment variable that is a setting.
pub(super) const PREFIX: &str = "SDATA_SYNC__";
/// What separates the segments of a key in an environment variable.
pub(super) const SEPARATOR: &str = "__";
/// Name of the environment layer.
pub(super) const ENVIRONMENT: &str = "environment";
/// The flag that sets one key.
pub(super) const FLAG: &str = "--set";

/// Where settings come from; what comes later wins.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The configuration file; `None` for none.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not begin with `SDATA_SYNC__` are passed over.
    pub environment: Vec<(String, String)>,
    /// Keys and values of flags: `("paging.max_count", "500")`.
    pub flags: Vec<(String, String)>,
}

/// All sources as one tree in which every value knows its place, and the file's text.
pub(super) struct Layered {
    pub(super) figment: Figment,
    pub(super) file: Option<(PathBuf, String)>,
}

/// Reads all sources. Lists of tables become tables with the keys 0, 1, …, so that one key of the file's first
/// contract can be overridden: `SDATA_SYNC__CONTRACTS__0__SCHEMA`.
pub(super) fn layered(sources: &Sources) -> Result<Layered, SettingsError> {
    let mut figment = Figment::new();
    let mut file = None;
    let mut written = Dict::new();
    if let Some(path) = &sources.file {
        let text = read_file(path)?;
        written = file_values(path, &text)?;
        figment = figment.merge(Layer::new("file", Some(Source::File(path.clone())), written.clone()));
        file = Some((path.clone(), text));
    }
    let variables = sources.environment.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)));
    let values = variables.map(|(name, value)| (variable_key(name, &written), value));
    figment = figment.merge(Layer::new(ENVIRONMENT, None, values_of(values)));
    let flags = sources.flags.iter().map(|(key, value)| (key.clone(), value));
    figment = figment.merge(Layer::new(FLAG, None, values_of(flags)));
    Ok(Layered { figment, file })
}

fn read_file(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map_err(|error| {
        let place = Place::File { path: path.to_path_buf(), line: None };
        Mistake { place, key: String::new(), message: format!("cannot be read: {error}") }.into()
    })
}

fn file_values(path: &Path, text: &str) -> Result<Dict, SettingsError> {
    let mistake = |line, message| {
        let place = Place::File { path: path.to_path_buf(), line };
        SettingsError::from(Mistake { place, key: String::new(), message })
    };
    if let Err(error) = ImDocument::parse(text) {
        let line = error.span().map(|span| line_at(text, span.start));
        return Err(mistake(line, format!("is no TOML: {}", error.message().trim_end().replace('\n', "; "))));
    }
    let values: Dict = Toml::from_str(text).map_err(|error| mistake(None, format!("is no TOML: {error}")))?;
    Ok(numbered(values))
}

fn values_of<'a>(pairs: impl Iterator<Item = (String, &'a String)>) -> Dict {
    let mut values = Dict::new();
    for (key, text) in pairs {
        let Ok(value) = text.parse::<Value>();
        lay_over(&mut values, numbered(nest(&key, value).into_dict().unwrap_or_default()));
    }
    values
}

/// Lays `over` over `values`, table by table.
fn lay_over(values: &mut Dict, over: Dict) {
    for (key, value) in over {
        match (values.get_mut(&key), value) {
            (Some(Value::Dict(_, below)), Value::Dict(_, above)) => lay_over(below, above),
            (_, value) => {
                values.insert(key, value);
            }
        }
    }
}

/// The list of contracts as a table with the keys 0, 1, …
fn numbered(mut values: Dict) -> Dict {
    if let Some(Value::Array(tag, items)) = values.get("contracts").cloned() {
        let items = items.into_iter().enumerate().map(|(position, item)| (position.to_string(), item));
        values.insert("contracts".to_owned(), Value::Dict(tag, items.collect()));
    }
    values
}

/// The key that an environment variable sets: in lower case, but the name of a resource kind as the file spells it.
fn variable_key(name: &str, file: &Dict) -> String {
    let mut segments: Vec<String> = name.split(SEPARATOR).map(str::to_lowercase).collect();
    if let [contracts, position, kinds, kind, ..] = segments.as_mut_slice()
        && (contracts.as_str(), kinds.as_str()) == ("contracts", "kinds")
    {
        let parent = Value::from(file.clone()).find(&format!("contracts.{position}.kinds")).and_then(Value::into_dict);
        let spelled = parent.and_then(|parent| parent.into_keys().find(|key| key.eq_ignore_ascii_case(kind)));
        *kind = spelled.unwrap_or_else(|| kind.clone());
    }
    segments.join(".")
}

/// Values with the name of where they come from.
struct Layer {
    name: &'static str,
    source: Option<Source>,
    values: Dict,
}

impl Layer {
    fn new(name: &'static str, source: Option<Source>, values: Dict) -> Self {
        Self { name, source, values }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let metadata = Metadata::named(self.name);
        match &self.source {
            Some(source) => metadata.source(source.clone()),
            None => metadata,
        }
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}
