//! Where spans are sent.

use super::reader::Reader;
use url::Url;

/// Where spans are sent beside the log. What is `None` the variables of OpenTelemetry may say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// The collector's URL, to which `/v1/traces` is added.
    pub otlp_endpoint: Option<String>,
    /// The name the collector finds them under.
    pub service_name: Option<String>,
}

pub(super) fn read_telemetry(reader: &mut Reader) -> TelemetrySettings {
    let expected = "the http or https URL of an OpenTelemetry collector, such as \"http://127.0.0.1:4318\"";
    TelemetrySettings {
        otlp_endpoint: reader.parsed("telemetry.otlp_endpoint", expected, None, |text| collector(text).map(Some)),
        service_name: reader.parsed("telemetry.service_name", "a name", None, |text| {
            (!text.trim().is_empty()).then(|| Some(text.to_owned()))
        }),
    }
}

fn collector(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.query().is_none() && url.fragment().is_none();
    (matches!(url.scheme(), "http" | "https") && is_plain).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::settings::{Settings, Sources};
    use rstest::rstest;
    use std::path::PathBuf;
    use std::time::Duration;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let flags = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Settings::read(&Sources { flags, ..Sources::default() }).map_err(|error| error.to_string())
    }

    #[test]
    fn spans_go_nowhere_and_slow_statements_are_logged_unless_somebody_says_otherwise() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.telemetry, super::TelemetrySettings::default());
        assert_eq!(settings.database.slow_statement, Some(Duration::from_secs(1)));
        let pairs = [
            ("telemetry.otlp_endpoint", "http://collector:4318"),
            ("telemetry.service_name", "crm"),
            ("database.slow_statement_millis", "0"),
        ];
        let settings = read(&pairs).unwrap();
        assert_eq!(settings.telemetry.otlp_endpoint.as_deref(), Some("http://collector:4318"));
        assert_eq!(settings.telemetry.service_name.as_deref(), Some("crm"));
        assert_eq!(settings.database.slow_statement, None);
    }

    #[rstest]
    #[case::no_url("telemetry.otlp_endpoint", "collector:4318", "OpenTelemetry collector")]
    #[case::with_a_query("telemetry.otlp_endpoint", "http://collector?x=1", "OpenTelemetry collector")]
    #[case::no_name("telemetry.service_name", " ", "a name")]
    #[case::more_than_an_hour("database.slow_statement_millis", "3600001", "0 to 3600000")]
    fn what_is_none_of_it_is_refused(#[case] key: &str, #[case] value: &str, #[case] expected: &str) {
        let error = read(&[(key, value)]).unwrap_err();
        assert!(error.contains(key) && error.contains(expected), "{error}");
    }

    #[test]
    fn the_settings_that_come_with_the_packages_can_be_read() {
        let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/sdata-sync.toml"));
        let settings = Settings::read(&Sources { file: Some(file), ..Sources::default() }).unwrap();
        assert_eq!(settings.database.url.expose(), "sqlite:///var/lib/sdata-sync/sdata-sync.db");
    }
}
