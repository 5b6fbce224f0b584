//! `sdata-sync health`: whether a provider answers; for supervisors of containers that have nothing else to ask with.

use super::output::print;
use super::settings::SettingsArgs;
use crate::engine;
use anyhow::{Context, bail};
use clap::Args;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use url::Url;

/// How long a provider may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks a provider whether it is ready: exit code 0 if it is, else 1
#[derive(Debug, Args)]
pub(super) struct HealthArgs {
    /// Where the provider listens, such as http://127.0.0.1:5493; without it, where the configuration says
    url: Option<Url>,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl HealthArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        // A proxy of this machine's cannot reach what listens on it.
        let mut client = engine::client_builder().no_proxy().timeout(TIMEOUT);
        let url = match self.url {
            Some(url) => url.join("/readyz")?,
            None => {
                let server = self.settings.read()?.server;
                let scheme = if server.tls.is_some() { "https" } else { "http" };
                // Its certificate is for the name that peers know, not for this address.
                client = client.tls_danger_accept_invalid_certs(true);
                Url::parse(&format!("{scheme}://{}/readyz", reachable(server.listen)))?
            }
        };
        let client = client.build()?;
        let answer = client.get(url.clone()).send().await.with_context(|| url.to_string())?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| url.to_string())?;
        if !status.is_success() {
            bail!("{url} was answered {status}: {}", text.trim());
        }
        print(text.trim())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Who listens on every address of the machine can be reached at its loopback.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listen
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0.0.0.0:5493", "127.0.0.1:5493")]
    #[case("[::]:5493", "[::1]:5493")]
    #[case("192.0.2.7:80", "192.0.2.7:80")]
    fn every_address_is_asked_at_loopback(#[case] listen: SocketAddr, #[case] asked: &str) {
        assert_eq!(reachable(listen).to_string(), asked);
    }
}
