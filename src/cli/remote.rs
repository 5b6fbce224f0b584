//! The flags that say how other providers are reached: who the caller is to them, and which authorities are believed.

use super::credentials::CredentialArgs;
use crate::engine::{Authorities, Observer, Remote, RetryPolicy};
use anyhow::Context;
use clap::Args;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// How the two providers of a pass are reached.
#[derive(Debug, Args)]
pub(super) struct RemoteArgs {
    #[command(flatten)]
    credentials: CredentialArgs,
    /// A PEM file with the certificates of authorities that are believed, beside those that this machine knows
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl RemoteArgs {
    /// A client for a source and a target.
    ///
    /// # Errors
    /// When a file that is named cannot be used, or there can be no client.
    pub(super) fn client(
        &self,
        addresses: [&Url; 2],
        retries: RetryPolicy,
        observer: Arc<dyn Observer>,
    ) -> anyhow::Result<Remote> {
        Ok(Remote::new(addresses, self.credentials.read()?, self.authorities()?, retries, observer)?)
    }

    fn authorities(&self) -> anyhow::Result<Authorities> {
        let Some(file) = &self.ca_file else { return Ok(Authorities::default()) };
        let pem = fs::read(file).with_context(|| format!("{}: cannot be read", file.display()))?;
        Authorities::from_pem(&pem).with_context(|| format!("--ca-file {}", file.display()))
    }
}
