//! Metrics as Prometheus reads them: a strict reader of its text format, version 0.0.4.

use std::collections::{BTreeMap, BTreeSet};

/// A metric with its labels.
type Series = (String, BTreeMap<String, String>);

/// What a scrape found.
#[derive(Debug, Default)]
pub struct Scrape {
    /// The type of each metric.
    pub types: BTreeMap<String, String>,
    /// The values, by name and labels.
    pub samples: BTreeMap<Series, f64>,
}

impl Scrape {
    /// Reads `text`; whatever Prometheus could stumble over is a panic with the line.
    pub fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line does not end");
        let mut scrape = Self::default();
        let (mut helps, mut done, mut family) = (BTreeSet::new(), BTreeSet::new(), String::new());
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (word, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or(""));
                assert_name(name, line);
                match word {
                    "HELP" => assert!(!rest.is_empty() && helps.insert(name.to_owned()), "{line}"),
                    "TYPE" => {
                        assert!(["counter", "gauge", "histogram"].contains(&rest), "{line}");
                        assert!(scrape.types.insert(name.to_owned(), rest.to_owned()).is_none(), "twice: {line}");
                        assert!(done.insert(std::mem::replace(&mut family, name.to_owned())), "{line}");
                    }
                    _ => panic!("{line}"),
                }
                continue;
            }
            let (name, labels, value) = sample(line);
            let own = match scrape.types.get(&family).map(String::as_str) {
                Some("histogram") => ["_bucket", "_sum", "_count"].map(|end| format!("{family}{end}")).to_vec(),
                Some(_) => vec![family.clone()],
                None => panic!("a value before any type: {line}"),
            };
            assert!(own.contains(&name), "a value of {name} among those of {family}: {line}");
            assert!(scrape.samples.insert((name, labels), value).is_none(), "twice: {line}");
        }
        for name in scrape.types.keys() {
            assert!(helps.contains(name), "{name} does not say what it is");
        }
        scrape.check_histograms();
        scrape
    }

    /// Buckets add up, and the last is everything.
    fn check_histograms(&self) {
        let mut series: BTreeMap<Series, Vec<(f64, f64)>> = BTreeMap::new();
        for ((name, labels), value) in &self.samples {
            let Some(name) = name.strip_suffix("_bucket") else { continue };
            let mut labels = labels.clone();
            let bound = labels.remove("le").unwrap_or_else(|| panic!("a bucket of {name} has no bound"));
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
            series.entry((name.to_owned(), labels)).or_default().push((bound, *value));
        }
        for ((name, labels), mut buckets) in series {
            buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
            assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{name}{labels:?}: {buckets:?}");
            let (bound, all) = *buckets.last().unwrap();
            let count = self.samples.get(&(format!("{name}_count"), labels.clone()));
            assert!(bound.is_infinite() && count == Some(&all), "{name}{labels:?}: {all} of {count:?}");
            assert!(self.samples.contains_key(&(format!("{name}_sum"), labels)), "{name} has no sum");
        }
    }

    /// The value with exactly these labels; `None` where there is none.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    /// The sum of the values that have at least these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |own: &BTreeMap<String, String>| {
            labels.iter().all(|(name, value)| own.get(*name).is_some_and(|own| own == value))
        };
        self.samples.iter().filter(|((own, labels), _)| own == name && has(labels)).map(|(_, value)| value).sum()
    }
}

/// `name{label="value",…} 1.5`.
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("{line}"));
    let (name, mut rest) = line.split_at(end);
    assert_name(name, line);
    let mut labels = BTreeMap::new();
    if let Some(within) = rest.strip_prefix('{') {
        rest = within;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert!(!label.contains(':'), "{line}");
            assert_name(label, line);
            let mut value = String::new();
            let mut characters = after.char_indices();
            let end = loop {
                match characters.next().unwrap_or_else(|| panic!("{line}")) {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match characters.next() {
                        Some((_, 'n')) => '\n',
                        Some((_, escaped @ ('\\' | '"'))) => escaped,
                        other => panic!("{other:?} is no escape: {line}"),
                    }),
                    (_, character) => value.push(character),
                }
            };
            assert!(labels.insert(label.to_owned(), value).is_none(), "twice: {line}");
            rest = &after[end + 1..];
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("{line}"));
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("{line}"));
    (name.to_owned(), labels, value.parse().unwrap_or_else(|error| panic!("{error}: {line}")))
}

fn assert_name(name: &str, line: &str) {
    let mut characters = name.chars();
    let first = characters.next().unwrap_or_else(|| panic!("{line}"));
    assert!(first.is_ascii_alphabetic() || first == '_' || first == ':', "{line}");
    assert!(characters.all(|other| other.is_ascii_alphanumeric() || other == '_' || other == ':'), "{line}");
}
