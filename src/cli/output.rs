//! What a command leaves behind: text on standard output, messages on standard error, an exit code.

use super::USAGE;
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Writes to standard output. A reader that went away (`| head`) has what it wanted: no error.
///
/// # Errors
/// What else keeps standard output from being written.
pub(super) fn print(text: impl Display) -> io::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Whether whoever reads what is written went away.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// A table that fits the terminal.
pub(super) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    table
}

/// Writes to standard error, where nothing can be done if that fails.
pub(super) fn warn(text: impl Display) {
    writeln!(io::stderr(), "{text}").ok();
}

/// Says what went wrong, with its causes.
pub(super) fn failure(error: &anyhow::Error) -> ExitCode {
    warn(format_args!("error: {error:#}"));
    ExitCode::FAILURE
}

/// Says what was wrong with the command line.
pub(super) fn usage(error: &dyn Display) -> ExitCode {
    warn(format_args!("error: {error}"));
    ExitCode::from(USAGE)
}
