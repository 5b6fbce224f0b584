//! `sdata-sync completions`: what shells complete command lines with.

use super::output::print;
use clap::{Args, Command};
use clap_complete::{Shell, generate};
use std::process::ExitCode;

/// Prints a script by which a shell completes command lines
///
/// Where it belongs: bash loads /usr/share/bash-completion/completions/sdata-sync, zsh a file _sdata-sync in its fpath, fish
/// ~/.config/fish/completions/sdata-sync.fish.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(&self, program: &mut Command) -> anyhow::Result<ExitCode> {
        print(String::from_utf8(script(self.shell, program))?.trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn script(shell: Shell, program: &mut Command) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, program, env!("CARGO_PKG_NAME"), &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::{CommandFactory, ValueEnum};

    #[test]
    fn every_shell_is_told_of_every_command() {
        for shell in Shell::value_variants() {
            let mut program = Cli::command();
            let script = String::from_utf8(script(*shell, &mut program)).unwrap();
            let commands: Vec<_> = program.get_subcommands().map(|command| command.get_name().to_owned()).collect();
            assert!(commands.len() > 10, "{commands:?}");
            for command in commands {
                assert!(script.contains(&command), "{shell} is not told of {command}");
            }
        }
    }
}
