//! Takes values out of the layers one by one and collects every mistake on the way.

use super::layers::{ENVIRONMENT, FLAG, Layered, PREFIX, SEPARATOR};
use super::mistake::{Mistake, Place, line_of};
use super::{SettingsError, Written};
use crate::store::DatabaseUrl;
use figment::Source;
use figment::value::{Dict, Value};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// What a name in a URL may be.
const SEGMENT: &str = "a name for URLs: a letter, then letters, digits, '-', '_' or '.'";
/// What a schema is.
const SCHEMA: &str = "the path of an XSD file";
/// What the names of datasets may be.
const DATASETS: &str = "a list of different names for URLs, such as [\"-\"] for the unnamed dataset alone";

/// Hands out values by key. A value at fault is noted and replaced by its default, so that all mistakes are found in one go.
pub(super) struct Reader {
    layered: Layered,
    known: BTreeSet<String>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    pub(super) fn new(layered: Layered) -> Self {
        Self { layered, known: BTreeSet::new(), mistakes: Vec::new() }
    }

    /// The settings, if nothing was wrong. A key that nobody asked for is a mistake, too.
    pub(super) fn finish<T>(mut self, settings: T) -> Result<T, SettingsError> {
        let root = self.layered.figment.extract::<Dict>().unwrap_or_default();
        self.refuse_unknown("", &root);
        if self.mistakes.is_empty() { Ok(settings) } else { Err(SettingsError { mistakes: self.mistakes }) }
    }

    /// Whether anybody wrote a value for `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.layered.figment.contains(key)
    }

    /// Notes a mistake in the value of `key`.
    pub(super) fn refuse(&mut self, key: &str, message: impl Into<String>) {
        let place = self.place_of(key);
        self.mistakes.push(Mistake { place, key: key.to_owned(), message: message.into() });
    }

    /// Where `key` was written.
    pub(super) fn written(&self, key: &str) -> Written {
        Written { place: self.place_of(key), key: key.to_owned() }
    }

    /// Names of the tables under `key`; of a list, its positions in order.
    pub(super) fn children(&mut self, key: &str) -> Vec<String> {
        self.known.insert(key.to_owned());
        let children = match self.layered.figment.find_value(key) {
            Err(_) => return Vec::new(),
            Ok(Value::Dict(_, children)) => children,
            Ok(_) => {
                self.refuse(key, "must be a list of tables");
                return Vec::new();
            }
        };
        let mut names = Vec::new();
        for (name, value) in children {
            let child = format!("{key}.{name}");
            if matches!(value, Value::Dict(..)) {
                names.push(name);
            } else {
                self.known.insert(child.clone());
                self.refuse(&child, "must be a table");
            }
        }
        names.sort_by_key(|name| (name.parse().unwrap_or(usize::MAX), name.clone()));
        names
    }

    /// A whole number within `range`; `None` where nobody said.
    pub(super) fn number<T>(&mut self, key: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i128> + PartialOrd + Display + Copy,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.take(key, &expected, |value| {
            let number = whole(value).and_then(|number| T::try_from(number).ok())?;
            range.contains(&number).then_some(number)
        })
    }

    /// `true` or `false`; `None` where nobody said.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.take(key, "true or false", Value::to_bool)
    }

    /// Any text.
    pub(super) fn text(&mut self, key: &str, default: &str) -> String {
        self.take(key, "a text", |value| value.as_str().map(str::to_owned)).unwrap_or_else(|| default.to_owned())
    }

    /// A text that `parse` understands.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        expected: &str,
        default: T,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        self.take(key, expected, |value| parse(value.as_str()?)).unwrap_or(default)
    }

    /// A segment of a URL; needed where there is no default.
    pub(super) fn segment(&mut self, key: &str, default: Option<&str>) -> String {
        if default.is_none() && !self.has(key) {
            self.known.insert(key.to_owned());
            self.refuse(key, format!("is missing; it must be {SEGMENT}"));
            return String::new();
        }
        self.parsed(key, SEGMENT, default.unwrap_or_default().to_owned(), |text| {
            is_segment(text).then(|| text.to_owned())
        })
    }

    /// Names of properties; none where nobody said.
    pub(super) fn names(&mut self, key: &str) -> Vec<String> {
        let expected = "a list of properties, such as [\"name\", \"postalAddress.countryCode\"]";
        self.list(key, expected, |text| Some(text.to_owned())).unwrap_or_default()
    }

    /// Texts each of which `parse` understands; `None` where nobody said.
    pub(super) fn list<T>(&mut self, key: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        self.take(key, expected, |value| {
            let Value::Array(_, items) = value else { return None };
            items.iter().map(|item| parse(item.as_str()?)).collect()
        })
    }

    /// Names of datasets; the unnamed one alone where nobody said.
    pub(super) fn datasets(&mut self, key: &str) -> Vec<String> {
        let names = self.take(key, DATASETS, |value| {
            let Value::Array(_, items) = value else { return None };
            let names: Vec<&str> = items.iter().map(Value::as_str).collect::<Option<_>>()?;
            let different = names.iter().collect::<BTreeSet<_>>().len() == names.len();
            let good = names.iter().all(|name| *name == "-" || is_segment(name));
            (good && different && !names.is_empty()).then(|| names.into_iter().map(str::to_owned).collect())
        });
        names.unwrap_or_else(|| vec!["-".to_owned()])
    }

    /// The path of a schema.
    pub(super) fn path(&mut self, key: &str, is_optional: bool) -> Option<PathBuf> {
        if !self.has(key) && !is_optional {
            self.refuse(key, format!("is missing; it must be {SCHEMA}"));
        }
        self.file(key, SCHEMA)
    }

    /// The path of a file; in the settings file it is relative to that, elsewhere to the working directory. `None` where
    /// nobody said.
    pub(super) fn file(&mut self, key: &str, expected: &str) -> Option<PathBuf> {
        let path =
            self.take(key, expected, |value| value.as_str().filter(|path| !path.is_empty()).map(PathBuf::from))?;
        Some(self.folder_of(key).join(path))
    }

    /// A database URL, which is never repeated in a mistake: it may hold a password.
    pub(super) fn database_url(&mut self, key: &str, default: DatabaseUrl) -> DatabaseUrl {
        self.known.insert(key.to_owned());
        let Ok(written) = self.layered.figment.find_value(key) else { return default };
        if let Some(url) = written.as_str().and_then(DatabaseUrl::parse) {
            return url.within(&self.folder_of(key));
        }
        self.refuse(key, format!("must be {}", DatabaseUrl::EXPECTED));
        default
    }

    fn take<T>(&mut self, key: &str, expected: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        self.known.insert(key.to_owned());
        let value = self.layered.figment.find_value(key).ok()?;
        let taken = read(&value);
        if taken.is_none() {
            self.refuse(key, format!("is {}; it must be {expected}", shown(&value)));
        }
        taken
    }

    fn refuse_unknown(&mut self, parent: &str, values: &Dict) {
        for (name, value) in values {
            let key = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
            let inside = format!("{key}.");
            let is_section = self.known.iter().any(|known| known.starts_with(&inside));
            match value {
                Value::Dict(_, children) if is_section => self.refuse_unknown(&key, children),
                _ if self.known.contains(&key) => {}
                _ if is_section => self.refuse(&key, "must be a section with keys, not a value"),
                _ => {
                    let siblings = self.siblings(parent);
                    self.refuse(&key, format!("is not known; known here: {siblings}"));
                }
            }
        }
    }

    fn siblings(&self, parent: &str) -> String {
        let prefix = if parent.is_empty() { String::new() } else { format!("{parent}.") };
        let names = self.known.iter().filter_map(|known| known.strip_prefix(&prefix)?.split('.').next());
        names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    }

    /// The folder that paths in the value of `key` are relative to.
    fn folder_of(&self, key: &str) -> PathBuf {
        let source = self.layered.figment.find_metadata(key).and_then(|metadata| metadata.source.as_ref());
        let folder = source.and_then(Source::file_path).and_then(Path::parent);
        folder.map(Path::to_path_buf).unwrap_or_default()
    }

    /// Where `key` was written. What nobody wrote belongs into the file, if there is one.
    fn place_of(&self, key: &str) -> Place {
        let name = self.layered.figment.find_metadata(key).map(|metadata| metadata.name.as_ref());
        match (name, &self.layered.file) {
            (Some(ENVIRONMENT), _) => {
                Place::Environment(format!("{PREFIX}{}", key.to_uppercase().replace('.', SEPARATOR)))
            }
            (Some(FLAG), _) => Place::Flag(format!("{FLAG} {key}")),
            (_, Some((path, text))) => Place::File { path: path.clone(), line: line_of(text, key) },
            (_, None) => Place::Nowhere,
        }
    }
}

fn is_segment(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// A whole number, with or without a sign.
fn whole(value: &Value) -> Option<i128> {
    value.to_i128().or_else(|| value.to_u128()?.try_into().ok())
}

/// A URL without who it says asks, and without its query: secrets may be there.
fn without_secrets(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{user}{rest}{query}")
}

/// A value as it was written, in short.
fn shown(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("\"{}\"", without_secrets(text)),
        Value::Bool(_, value) => value.to_string(),
        Value::Dict(..) => "a table".to_owned(),
        Value::Array(..) => "a list that does not fit".to_owned(),
        number => match (whole(number), number.to_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(fraction)) => fraction.to_string(),
            (None, None) => "something else".to_owned(),
        },
    }
}
