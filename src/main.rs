//! The program `sdata-sync`: command line in, exit code out.

use clap::Parser;
use mimalloc::MiMalloc;
use sdata_sync::cli::Cli;
use std::process::ExitCode;

/// Gives memory back to the system soon after a page is done, and allocates faster than the system's own.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => {
            eprintln!("error: no threads can be had: {error}");
            ExitCode::FAILURE
        }
    }
}
