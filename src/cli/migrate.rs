//! `sdata-sync migrate`: the database's schema.

use super::database::connect;
use super::output::{print, table};
use super::settings::SettingsArgs;
use crate::store::Store;
use anyhow::Context;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Brings the database's schema up to date, or takes it back
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    #[command(subcommand)]
    command: MigrateCommand,
}

#[derive(Debug, Subcommand)]
enum MigrateCommand {
    /// Applies what is missing; 'serve' does so itself
    Up(SettingsArgs),
    /// Takes the last migration back; the data in its tables is lost
    Down(SettingsArgs),
    /// Lists the migrations and whether they are applied
    Status(SettingsArgs),
}

impl MigrateArgs {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let (MigrateCommand::Up(args) | MigrateCommand::Down(args) | MigrateCommand::Status(args)) = &self.command;
        let database = args.read()?.database;
        let store = connect(&database).await?;
        let done = match self.command {
            MigrateCommand::Up(_) => store.migrate().await,
            MigrateCommand::Down(_) => store.migrate_down(1).await,
            MigrateCommand::Status(_) => Ok(()),
        };
        let place = || format!("database.url {}", database.url);
        done.with_context(place)?;
        print(status(&store).await.with_context(place)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn status(store: &Store) -> anyhow::Result<String> {
    let mut table = table(["Migration", "Applied"]);
    for (name, is_applied) in store.migration_status().await? {
        table.add_row([name, if is_applied { "yes" } else { "no" }.to_owned()]);
    }
    Ok(table.to_string())
}
