//! `sdata-sync import`: resources from a file.

use super::source::{Place, Row, Source};
use super::{CollectionArgs, Format, bar};
use crate::cli::ENTRIES_FAILED;
use crate::cli::database::open_migrated;
use crate::cli::output::{print, warn};
use crate::provider::{Collection, Error, Imported, Provider};
use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Resources of a transaction.
const BATCH: usize = 500;
/// How the bar looks: the file's bytes are what is known beforehand.
const BAR: &str = "{prefix:.bold} [{bar:30}] {bytes}/{total_bytes}, {wide_msg}";

/// Creates and changes resources from a file: NDJSON, CSV or an Atom feed, by its extension
///
/// A resource whose UUID or key is known is changed, any other is created. Rows that are wrong are told with their
/// place and left out; the others are imported. Exit code: 0 everything was imported, 3 rows were left out, 1 the
/// import failed.
#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    #[command(flatten)]
    collection: CollectionArgs,
    /// The file: .ndjson, .csv or .atom
    file: PathBuf,
}

impl ImportArgs {
    pub(in crate::cli) async fn run(self) -> anyhow::Result<ExitCode> {
        let format = Format::of(&self.file)?;
        let settings = self.collection.settings.read()?;
        let opened = || self.file.display().to_string();
        let file = File::open(&self.file).with_context(opened)?;
        let size = file.metadata().with_context(opened)?.len();
        let provider = CollectionArgs::provider(&settings, open_migrated(&settings.database).await?).await?;
        let collection = self.collection.collection(&provider)?;
        let bar = bar(size, BAR).with_prefix(collection.name.resource_kind.clone());
        let reader = BufReader::new(bar.wrap_read(file));
        let mut import =
            Import { provider: &provider, collection: &collection, file: &self.file, bar, told: Told::default() };
        let ended = import.all(Source::open(format, reader, &collection).with_context(opened)?).await;
        import.bar.finish_and_clear();
        let told = import.told;
        print(format_args!(
            "{}: {} created, {} updated, {} unchanged, {} left out",
            collection.url, told.created, told.updated, told.unchanged, told.left_out
        ))?;
        ended.with_context(opened)?;
        Ok(if told.left_out == 0 { ExitCode::SUCCESS } else { ExitCode::from(ENTRIES_FAILED) })
    }
}

/// How many rows had which fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Told {
    created: u64,
    updated: u64,
    unchanged: u64,
    left_out: u64,
}

/// An import under way.
struct Import<'i> {
    provider: &'i Provider,
    collection: &'i Collection,
    file: &'i Path,
    bar: ProgressBar,
    told: Told,
}

impl Import<'_> {
    /// Imports batch by batch; what was read before the file broke off is imported, too.
    async fn all<R: BufRead>(&mut self, mut source: Source<'_, R>) -> anyhow::Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            match source.next() {
                Ok(Some(row)) => {
                    batch.push(row);
                    if batch.len() == BATCH {
                        self.batch(std::mem::take(&mut batch)).await?;
                    }
                }
                ended => {
                    self.batch(batch).await?;
                    return ended.map(|_| ());
                }
            }
        }
    }

    async fn batch(&mut self, rows: Vec<Row>) -> anyhow::Result<()> {
        let (mut places, mut resources) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for (place, row) in rows {
            match row {
                Ok(resource) => {
                    places.push(place);
                    resources.push(resource);
                }
                Err(message) => self.leave_out(place, &message),
            }
        }
        let outcomes = self.provider.import(self.collection, resources).await?;
        for (place, outcome) in places.into_iter().zip(outcomes) {
            match outcome {
                Ok(Imported::Created) => self.told.created += 1,
                Ok(Imported::Updated) => self.told.updated += 1,
                Ok(Imported::Unchanged) => self.told.unchanged += 1,
                Err(error) => self.leave_out(place, &message(&error)),
            }
        }
        let told = self.told;
        let imported = told.created + told.updated + told.unchanged;
        self.bar.set_message(format!("{imported} imported, {} left out", told.left_out));
        Ok(())
    }

    fn leave_out(&mut self, place: Place, message: &str) {
        self.told.left_out += 1;
        self.bar.suspend(|| warn(format_args!("{}{place}: {message}", self.file.display())));
    }
}

/// What is wrong with a resource, all of it.
fn message(error: &Error) -> String {
    match error {
        Error::Invalid(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}
