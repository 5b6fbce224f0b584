//! How the provider is reached: in clear or by TLS, directly or through proxies.

use super::reader::Reader;
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::PathBuf;

/// What the server shows to those who connect by TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate, with those between it and an authority, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM.
    pub key: PathBuf,
}

/// What a file with PEM is called in a mistake.
const PEM_FILE: &str = "the path of a PEM file";

/// `None` where the server speaks in clear.
pub(super) fn read_tls(reader: &mut Reader) -> Option<TlsSettings> {
    let certificate = reader.file("server.tls.certificate", PEM_FILE);
    let key = reader.file("server.tls.key", PEM_FILE);
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsSettings { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            reader.refuse("server.tls.key", format!("is missing; with server.tls.certificate it must be {PEM_FILE}"));
            None
        }
        (None, Some(_)) => {
            reader.refuse("server.tls.certificate", format!("is missing; with server.tls.key it must be {PEM_FILE}"));
            None
        }
    }
}

/// The proxies whose word is believed on whom they speak for; none where nobody said.
pub(super) fn read_trusted_proxies(reader: &mut Reader) -> Vec<IpNet> {
    let expected = "a list of addresses or networks, such as [\"10.0.0.0/8\", \"::1\"]";
    reader.list("server.trusted_proxies", expected, network).unwrap_or_default()
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
