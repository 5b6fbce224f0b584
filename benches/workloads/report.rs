//! What was measured: medians, as a Markdown table and as JSON.

use crate::databases::Database;
use crate::provider::Usage;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// More is better.
    PerSecond(&'static str),
    /// Less is better.
    Millis,
    /// A plain count; nothing to compare it with.
    Count(&'static str),
}

/// One measurement.
#[derive(Debug, Clone)]
pub struct Measured {
    /// `W1`, `crud` …
    pub workload: &'static str,
    /// What was done.
    pub what: String,
    /// On which database.
    pub database: Database,
    /// What the value is.
    pub unit: Unit,
    /// The value.
    pub value: f64,
    /// The same unit, of the bare database in the same run.
    pub baseline: Option<f64>,
    /// What it took.
    pub usage: Usage,
    /// What else is to be said.
    pub note: String,
}

impl Measured {
    /// So many things in a time.
    pub fn rate(
        workload: &'static str,
        (what, database): (&str, Database),
        (unit, count): (Unit, u64),
        usage: Usage,
        baseline: f64,
    ) -> Self {
        let value = count as f64 / usage.elapsed.as_secs_f64().max(1e-9);
        let what = what.to_owned();
        Self { workload, what, database, unit, value, baseline: Some(baseline), usage, note: String::new() }
    }
}

/// A figure: the measurements of the same thing.
struct Figure {
    latest: Measured,
    values: Vec<f64>,
    baselines: Vec<f64>,
    shares: Vec<f64>,
    peak_mib: f64,
}

/// All figures of a run, in the order they came.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// Takes a measurement in, and tells of it on stderr: a run is long.
    pub fn add(&mut self, measured: Measured) {
        eprintln!("{}", row(&figure_of(&measured)));
        let same = |figure: &&mut Figure| {
            let latest = &figure.latest;
            (latest.workload, &latest.what, latest.database) == (measured.workload, &measured.what, measured.database)
        };
        match self.figures.iter_mut().find(same) {
            Some(figure) => figure.add(measured),
            None => self.figures.push(figure_of(&measured)),
        }
    }

    /// The table.
    pub fn markdown(&self) -> String {
        let head = "| work | what | database | figure | bare database | of the bare | client's share of CPU | CPU s: provider + database | peak MiB above idle | |\n\
                    |---|---|---|---|---|---|---|---|---|---|\n";
        let rows: String = self.figures.iter().map(|figure| format!("{}\n", row(figure))).collect();
        format!("{head}{rows}")
    }

    /// Everything, with each single value, as JSON in `target/bench/results.json`.
    pub fn write_json(&self, machine: &Value) {
        let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        let file = format!("{}/target/bench/results.json", env!("CARGO_MANIFEST_DIR"));
        fs::create_dir_all(format!("{}/target/bench", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let all = json!({ "machine": machine, "figures": figures });
        fs::write(&file, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
        eprintln!("{file}");
    }
}

impl Figure {
    fn add(&mut self, measured: Measured) {
        self.values.push(measured.value);
        self.baselines.extend(measured.baseline);
        self.shares.push(measured.usage.client_share());
        self.peak_mib = self.peak_mib.max(measured.usage.peak_mib);
        self.latest = measured;
    }

    fn value(&self) -> f64 {
        median(&self.values)
    }

    fn baseline(&self) -> Option<f64> {
        (!self.baselines.is_empty()).then(|| median(&self.baselines))
    }

    /// How much of the bare database's speed is left; 1 is all of it.
    fn ratio(&self) -> Option<f64> {
        let baseline = self.baseline()?;
        match self.latest.unit {
            Unit::PerSecond(_) => Some(self.value() / baseline),
            Unit::Millis => Some(baseline / self.value()),
            Unit::Count(_) => None,
        }
    }

    fn json(&self) -> Value {
        let Measured { workload, what, database, unit, usage, note, .. } = &self.latest;
        json!({
            "workload": workload, "what": what, "database": database.name(), "unit": unit.name(),
            "median": self.value(), "values": self.values,
            "baseline": self.baseline(), "baselines": self.baselines, "ratio": self.ratio(),
            "client_cpu_share": median(&self.shares), "peak_mib_above_idle": self.peak_mib,
            "cpu_seconds": { "client": usage.client, "provider": usage.provider, "database": usage.database },
            "note": note,
        })
    }
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::PerSecond(what) | Self::Count(what) => what,
            Self::Millis => "ms",
        }
    }

    fn of(self, value: f64) -> String {
        match self {
            Self::PerSecond(what) => format!("{value:.0} {what}"),
            Self::Millis => format!("{value:.2} ms"),
            Self::Count(what) => format!("{value:.0} {what}"),
        }
    }
}

fn figure_of(measured: &Measured) -> Figure {
    Figure {
        values: vec![measured.value],
        baselines: measured.baseline.into_iter().collect(),
        shares: vec![measured.usage.client_share()],
        peak_mib: measured.usage.peak_mib,
        latest: measured.clone(),
    }
}

fn row(figure: &Figure) -> String {
    let Measured { workload, what, database, unit, usage, note, .. } = &figure.latest;
    let baseline = figure.baseline().map_or_else(|| "-".to_owned(), |baseline| unit.of(baseline));
    let ratio = figure.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
    format!(
        "| {workload} | {what} | {} | {} | {baseline} | {ratio} | {:.0} % | {:.1} + {:.1} | {:.0} | {note} |",
        database.name(),
        unit.of(figure.value()),
        median(&figure.shares) * 100.0,
        usage.provider,
        usage.database,
        figure.peak_mib,
    )
}

/// The value in the middle; between two, the upper one.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value below which the given part of the values is, 0 to 1.
pub fn percentile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * part) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// What was measured where: machine, databases, commit.
pub fn machine(versions: &[String]) -> Value {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let commit = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    json!({
        "cpu": field(&read("/proc/cpuinfo"), "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": field(&read("/proc/meminfo"), "MemTotal"),
        "databases": versions,
        "commit": commit,
        "load_before": read("/proc/loadavg").trim(),
    })
}
