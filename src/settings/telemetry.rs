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
