//! The command line: one file per command, and what they share.

mod audit;
mod completions;
mod config;
mod contracts;
mod credentials;
mod database;
mod demo;
mod health;
mod man;
mod migrate;
mod output;
mod parked;
mod pass;
mod progress;
mod remote;
mod restore_check;
mod secrets;
mod serve;
mod serving;
mod settings;
mod spans;
mod stop_signals;
mod transfer;
mod user;

use crate::settings::TelemetrySettings;
use crate::telemetry::{self, LogFormat};
use clap::{CommandFactory, Parser, Subcommand};
use spans::Spans;
use std::process::ExitCode;

/// The exit code of a command that came to its end, but not with every entry or row.
const ENTRIES_FAILED: u8 = 3;
/// The exit code of a usage mistake, as clap gives it, too.
const USAGE: u8 = 2;

/// A synchronization provider for business applications that speaks SData.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    /// How log lines look that go to standard error (RUST_LOG says how many)
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    Pass(Box<pass::PassArgs>),
    Audit(audit::AuditArgs),
    Parked(parked::ParkedArgs),
    Import(transfer::import::ImportArgs),
    Export(transfer::export::ExportArgs),
    RestoreCheck(restore_check::RestoreCheckArgs),
    Migrate(migrate::MigrateArgs),
    User(user::UserArgs),
    Config(config::ConfigArgs),
    Health(health::HealthArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Command {
    /// What is logged when `RUST_LOG` does not say.
    const fn log_filter(&self) -> &'static str {
        match self {
            // It tells what happens itself, and that an entry is parked is part of it.
            Self::Demo(_) => "error",
            _ => telemetry::DEFAULT_FILTER,
        }
    }

    /// Where the command's spans go, as far as a configuration says so.
    fn telemetry(&self) -> anyhow::Result<TelemetrySettings> {
        match self {
            Self::Serve(args) => args.telemetry(),
            _ => Ok(TelemetrySettings::default()),
        }
    }
}

impl Cli {
    /// Runs the command. Every error becomes one message on standard error and an exit code.
    pub async fn run(self) -> ExitCode {
        let spans = match self.command.telemetry().and_then(|settings| Spans::start(&settings)) {
            Ok(spans) => spans,
            Err(error) => return output::failure(&error),
        };
        if let Err(error) = telemetry::write_log(self.log_format, self.command.log_filter(), spans.layer()) {
            return output::usage(&error);
        }
        let ran = match self.command {
            Command::Serve(args) => args.run().await,
            Command::Demo(args) => args.run().await,
            Command::Pass(args) => args.run().await,
            Command::Audit(args) => args.run().await,
            Command::Parked(args) => args.run().await,
            Command::Import(args) => args.run().await,
            Command::Export(args) => args.run().await,
            Command::RestoreCheck(args) => args.run().await,
            Command::Migrate(args) => args.run().await,
            Command::User(args) => args.run().await,
            Command::Config(args) => args.run(),
            Command::Health(args) => args.run().await,
            Command::Completions(args) => args.run(&mut Self::command()),
            Command::Man(args) => args.run(Self::command()),
        };
        spans.finish().await;
        ran.unwrap_or_else(|error| output::failure(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
