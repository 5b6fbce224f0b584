//! `sdata-sync man`: the manual pages.

use super::output::print;
use anyhow::Context;
use clap::{Args, Command};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Writes the manual pages, one for each command
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder they are written to; it is made where it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl ManArgs {
    pub(super) fn run(&self, program: Command) -> anyhow::Result<ExitCode> {
        let place = || format!("{}: the manual pages cannot be written", self.out.display());
        fs::create_dir_all(&self.out).with_context(place)?;
        clap_mangen::generate_to(program, &self.out).with_context(place)?;
        print(self.out.display())?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn every_command_has_a_page_that_tells_its_flags() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("man1");
        ManArgs { out: out.clone() }.run(Cli::command()).unwrap();
        let mut program = Cli::command();
        program.build();
        let mut pages = 0;
        let mut commands = vec![("sdata-sync".to_owned(), &program)];
        while let Some((name, command)) = commands.pop() {
            let page = fs::read_to_string(out.join(format!("{name}.1"))).unwrap();
            assert!(page.contains(".TH"), "{name}: {page}");
            for flag in command.get_arguments().filter(|flag| !flag.is_hide_set()).filter_map(|flag| flag.get_long()) {
                let shown = flag.replace('-', "\\-");
                assert!(page.contains(&shown), "{name} does not tell of --{flag}: {page}");
            }
            pages += 1;
            let own = command.get_subcommands().filter(|command| command.get_name() != "help");
            commands.extend(own.map(|command| (format!("{name}-{}", command.get_name()), command)));
        }
        assert!(pages > 15, "{pages}");
    }
}
