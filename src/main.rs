//! The program `sdata-sync`: command line in, exit code out.

use clap::Parser;
use sdata_sync::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    actix_web::rt::System::new().block_on(cli.run())
}
