//! `sdata-sync import` and `sdata-sync export`: resources from and to files, beside HTTP.

mod columns;
pub(super) mod export;
pub(super) mod import;
mod json;
mod resource;
mod source;
mod value;

use super::contracts::offer;
use super::progress::style;
use super::settings::SettingsArgs;
use crate::provider::{Clock, Collection, Provider};
use crate::settings::Settings;
use crate::store::Store;
use anyhow::bail;
use clap::Args;
use indicatif::ProgressBar;
use std::path::Path;
use std::sync::Arc;

/// Which collection is meant.
#[derive(Debug, Args)]
struct CollectionArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The resource kind, by its plural name
    #[arg(long, value_name = "KIND")]
    kind: String,
    /// Its contract, where several have the kind
    #[arg(long, value_name = "NAME")]
    contract: Option<String>,
    /// Its dataset, where there are several
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
}

impl CollectionArgs {
    /// The provider of the settings, on `store`.
    async fn provider(settings: &Settings, store: Store) -> anyhow::Result<Provider> {
        Ok(Provider::open(offer(settings)?, store, Clock::system()).await?)
    }

    /// The one collection that is meant.
    fn collection(&self, provider: &Provider) -> anyhow::Result<Arc<Collection>> {
        let is_meant = |name: &Option<String>, found: &str| name.as_ref().is_none_or(|name| name == found);
        let meant: Vec<_> = provider
            .collections()
            .filter(|found| found.name.resource_kind == self.kind)
            .filter(|found| is_meant(&self.contract, &found.name.contract))
            .filter(|found| is_meant(&self.dataset, &found.name.dataset))
            .collect();
        match meant.as_slice() {
            [collection] => Ok(Arc::clone(collection)),
            [] => {
                bail!("--kind {}: there is no such collection; there are {}", self.kind, urls(provider.collections()))
            }
            _ => bail!(
                "--kind {}: several collections are meant; --contract and --dataset choose one of {}",
                self.kind,
                urls(meant)
            ),
        }
    }
}

fn urls<'c>(collections: impl IntoIterator<Item = &'c Arc<Collection>>) -> String {
    collections.into_iter().map(|collection| collection.url.as_str()).collect::<Vec<_>>().join(", ")
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// One JSON object a line.
    Ndjson,
    /// A table; lists have no place in it.
    Csv,
    /// A feed as it is served.
    Atom,
}

impl Format {
    /// The form that a file's extension says.
    fn of(file: &Path) -> anyhow::Result<Self> {
        let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "ndjson" | "jsonl" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            "atom" | "xml" => Ok(Self::Atom),
            _ => bail!("{}: the extension must be .ndjson, .csv or .atom", file.display()),
        }
    }
}

/// A bar of so many of what `template` counts; nothing where standard error is no terminal.
fn bar(total: u64, template: &str) -> ProgressBar {
    ProgressBar::new(total).with_style(style(template))
}
