//! `sdata-sync config check`: what would be served, or what is wrong.

use super::contracts::{Configured, read_contracts};
use super::output::{print, table, warn};
use super::serving::check_can_serve;
use super::settings::SettingsArgs;
use crate::contract::Kind;
use crate::settings::{Authentication, Settings};
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Deals with the configuration
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Reads configuration and contracts and says what would be served, or what is wrong
    Check(SettingsArgs),
}

impl ConfigArgs {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let ConfigCommand::Check(args) = &self.command;
        let settings = args.read()?;
        let contracts = read_contracts(&settings)?;
        for warning in contracts.iter().flat_map(|configured| configured.contract.warnings()) {
            warn(format_args!("warning: {warning}"));
        }
        print(described(&settings, &contracts))?;
        check_can_serve(&settings)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What a provider with these settings would be.
fn described(settings: &Settings, contracts: &[Configured<'_>]) -> String {
    let file = settings.file.as_ref().map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    let authentication = match settings.security.authentication {
        Authentication::None => "none",
        Authentication::Basic => "basic",
    };
    let mut table = table(["Collection", "Source", "Target", "Priority", "Order"]);
    for configured in contracts {
        for dataset in &configured.settings.datasets {
            for kind in configured.contract.in_sync_order() {
                table.add_row(row(settings, configured, dataset, kind));
            }
        }
    }
    format!(
        "Configuration file: {file}\nListens on:         {}\nBase URL:           {}\nDatabase:           {}\n\
         Application:        {} ({})\nAuthentication:     {authentication}\n{table}",
        settings.server.listen,
        settings.server.base_url,
        settings.database.url,
        settings.application.name,
        settings.application.title,
    )
}

fn row(settings: &Settings, configured: &Configured<'_>, dataset: &str, kind: &Kind) -> [String; 5] {
    let options = configured.options(kind).unwrap_or_default();
    let yes_or_no = |yes| if yes { "yes" } else { "no" }.to_owned();
    [
        format!(
            "{}/sdata/{}/{}/{dataset}/{}",
            settings.server.base_url, settings.application.name, configured.settings.name, kind.plural_name
        ),
        yes_or_no(options.is_sync_source(kind)),
        yes_or_no(options.is_sync_target(kind)),
        options.priority(kind).value().to_string(),
        kind.sync_order.map(|order| order.to_string()).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Sources;

    #[test]
    fn the_collections_are_listed_with_what_is_decided_for_them() {
        let pairs = [
            ("SDATA_SYNC__DATABASE__URL", "postgres://joe:secret@db/crm"),
            ("SDATA_SYNC__CONTRACTS__0__KINDS__ACCOUNTS__SYNC_TARGET", "false"),
            ("SDATA_SYNC__CONTRACTS__0__KINDS__ACCOUNTS__CONFLICT_PRIORITY", "3"),
        ];
        let environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let settings = Settings::read(&Sources { environment, ..Sources::default() }).unwrap();
        let contracts = read_contracts(&settings).unwrap();
        let text = described(&settings, &contracts);
        let line = text.lines().find(|line| line.contains("/sdata/crm/sample/-/accounts ")).unwrap();
        let cells: Vec<&str> = line.split(['│', '┆', ' ']).filter(|cell| !cell.is_empty()).collect();
        assert_eq!(cells[1..4], ["yes", "no", "3"], "{line}");
        assert!(!text.contains("secret"), "{text}");
    }
}
