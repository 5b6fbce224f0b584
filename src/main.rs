//! The program `sdata-sync`: command line in, exit code out.

use clap::Parser;
use sdata_sync::cli::Cli;
use std::process::ExitCode;
use tikv_jemallocator::Jemalloc;

/// Gives memory back to the system soon after a page is done, which the system's own does not; `.cargo/config.toml` says how soon.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

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
