//! The dashboard and the alerts in docs/monitoring: they ask for what there is.

use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use sdata_sync::telemetry::{METRICS, MetricKind};
use serde_json::Value;
use std::collections::BTreeSet;

const OPERATING: &str = include_str!("../../docs/operating.md");

/// What Prometheus itself says of whom it scrapes.
const PROMETHEUS_OWN: [&str; 1] = ["up"];
/// Labels that Prometheus gives to everything it scrapes.
const OF_EVERYTHING: [&str; 3] = ["job", "instance", "le"];

fn dashboard() -> Value {
    serde_json::from_str(include_str!("../../docs/monitoring/dashboard.json")).unwrap()
}

/// Every alert: its rule.
fn alerts() -> Vec<Value> {
    let rules: Value = serde_yaml_ng::from_str(include_str!("../../docs/monitoring/alerts.yml")).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    assert!(groups.iter().all(|group| group["name"].is_string()));
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// Panics unless `expression` is one that names only metrics that exist, with labels that they have. Answers the metrics.
fn asks_for(expression: &str) -> BTreeSet<String> {
    // Grafana replaces its variables before it asks.
    let expression = expression.replace("$__rate_interval", "5m");
    let parsed = parser::parse(&expression).unwrap_or_else(|error| panic!("{error}: {expression}"));
    let mut asked = Asked(BTreeSet::new());
    walk_expr(&mut asked, &parsed).unwrap_or_else(|error| panic!("{error}: {expression}"));
    asked.0
}

struct Asked(BTreeSet<String>);

impl ExprVisitor for Asked {
    type Error = String;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, String> {
        match expr {
            Expr::VectorSelector(selector) => self.note(selector)?,
            Expr::MatrixSelector(selector) => self.note(&selector.vs)?,
            _ => {}
        }
        Ok(true)
    }
}

impl Asked {
    fn note(&mut self, VectorSelector { name, matchers, .. }: &VectorSelector) -> Result<(), String> {
        let name = name.as_deref().ok_or("a selector without a metric")?;
        if PROMETHEUS_OWN.contains(&name) {
            return Ok(());
        }
        let ends = |metric: &str| ["_bucket", "_sum", "_count"].map(|end| format!("{metric}{end}"));
        let metric = METRICS.iter().find(|metric| match metric.kind {
            MetricKind::Histogram => ends(metric.name).contains(&name.to_owned()),
            MetricKind::Counter | MetricKind::Gauge => metric.name == name,
        });
        let metric = metric.ok_or_else(|| format!("there is no {name}"))?;
        let Matchers { matchers, or_matchers } = matchers;
        for matcher in matchers.iter().chain(or_matchers.iter().flatten()) {
            let label = matcher.name.as_str();
            if !metric.labels.contains(&label) && !OF_EVERYTHING.contains(&label) {
                return Err(format!("{name} has no label {label}"));
            }
        }
        self.0.insert(metric.name.to_owned());
        Ok(())
    }
}

/// The panels of a dashboard, those within rows included.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let all = dashboard["panels"].as_array().unwrap();
    all.iter()
        .flat_map(|panel| std::iter::once(panel).chain(panel["panels"].as_array().into_iter().flatten()))
        .collect()
}

#[test]
fn the_dashboard_asks_for_every_metric_and_for_no_other() {
    let dashboard = dashboard();
    let mut asked = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is another's");
        assert!(panel["gridPos"]["w"].as_u64().unwrap() + panel["gridPos"]["x"].as_u64().unwrap() <= 24, "{title}");
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            asked.extend(asks_for(target["expr"].as_str().unwrap()));
        }
    }
    let all: BTreeSet<_> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(asked, all);
}

#[test]
fn the_dashboard_can_be_imported_into_any_grafana_from_10_on() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| (38..=39).contains(&version)));
    assert!(dashboard["id"].is_null(), "the id is Grafana's to give");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<_> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "job", "instance"]);
    for variable in variables.iter().filter(|variable| variable["type"] == "query") {
        let query = variable["query"]["query"].as_str().unwrap();
        let selector = query.strip_prefix("label_values(").and_then(|rest| rest.rsplit_once(',')).unwrap().0;
        assert_eq!(asks_for(selector), BTreeSet::from(["sdata_sync_build_info".to_owned()]));
    }
}

#[test]
fn every_alert_can_be_evaluated_says_what_to_do_and_is_documented() {
    let alerts = alerts();
    let mut names = BTreeSet::new();
    for alert in &alerts {
        let name = alert["alert"].as_str().unwrap();
        assert!(names.insert(name), "{name} is there twice");
        let expression = alert["expr"].as_str().unwrap();
        asks_for(expression);
        assert!(["warning", "critical"].contains(&alert["labels"]["severity"].as_str().unwrap()), "{name}");
        for text in ["summary", "description"] {
            assert!(alert["annotations"][text].as_str().is_some_and(|text| text.ends_with('.')), "{name}: {text}");
        }
        if let Some(hold) = alert["for"].as_str() {
            assert!(hold.ends_with(['m', 'h']) && hold[..hold.len() - 1].parse::<u32>().is_ok(), "{name}: {hold}");
        }
        let row = OPERATING.lines().find(|line| line.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in docs/operating.md"));
        // In a table, a vertical line is written so.
        assert!(row.replace("\\|", "|").contains(&format!("`{expression}`")), "{name}: {expression}");
    }
    let documented = OPERATING.lines().filter(|line| line.starts_with("| `SdataSync")).count();
    assert_eq!(documented, alerts.len());
}
