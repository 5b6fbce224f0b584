//! The flags that commands with a configuration share.

use crate::settings::{DEFAULT_FILE, Settings, SettingsError, Sources};
use clap::Args;
use std::path::{Path, PathBuf};

/// Where the configuration comes from.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SettingsArgs {
    /// The configuration file; without it sdata-sync.toml in the working directory, if there
    #[arg(long, value_name = "FILE", env = "SDATA_SYNC_CONFIG")]
    config: Option<PathBuf>,
    /// Sets one key for this time, over file and environment: --set paging.max_count=500
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

impl SettingsArgs {
    /// Reads the settings: the file, then `SDATA_SYNC__SECTION__KEY` variables, then `--set`.
    ///
    /// # Errors
    /// Every mistake in them.
    pub(super) fn read(&self) -> Result<Settings, SettingsError> {
        let default_file = || Some(PathBuf::from(DEFAULT_FILE)).filter(|file| Path::is_file(file));
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Settings::read(&Sources {
            file: self.config.clone().or_else(default_file),
            environment,
            flags: self.set.clone(),
        })
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("it must be KEY=VALUE, such as paging.max_count=500".to_owned()),
    }
}
