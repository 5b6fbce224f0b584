//! `sdata-sync export`: resources to a file.

use super::columns::Columns;
use super::resource::value_of;
use super::{CollectionArgs, Format, bar};
use crate::cli::database::open;
use crate::cli::output::{is_broken_pipe, warn};
use crate::provider::{Collection, Provider};
use crate::store::Document;
use crate::wire::names::SDATA;
use crate::wire::{Element, FeedOut, FeedWriter};
use anyhow::Context;
use clap::Args;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Resources read at once.
const PAGE: u64 = 500;
/// How the bar looks.
const BAR: &str = "{prefix:.bold} [{bar:30}] {pos}/{len} resources";

/// Writes the resources of a collection to a file: NDJSON, CSV or an Atom feed, by its extension
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    #[command(flatten)]
    collection: CollectionArgs,
    /// The file: .ndjson, .csv or .atom; without it NDJSON goes to standard output
    file: Option<PathBuf>,
}

impl ExportArgs {
    pub(in crate::cli) async fn run(self) -> anyhow::Result<ExitCode> {
        let format = self.file.as_deref().map_or(Ok(Format::Ndjson), Format::of)?;
        let settings = self.collection.settings.read()?;
        let provider = CollectionArgs::provider(&settings, open(&settings.database).await?).await?;
        let collection = self.collection.collection(&provider)?;
        let Some(file) = &self.file else {
            let exported = export(&provider, &collection, format, io::stdout().lock()).await;
            return exported.map(|()| ExitCode::SUCCESS).or_else(|error| match is_broken_pipe(&error) {
                // Who reads no further has what was wanted.
                true => Ok(ExitCode::SUCCESS),
                false => Err(error),
            });
        };
        let place = || file.display().to_string();
        let out = File::create(file).with_context(place)?;
        export(&provider, &collection, format, out).await.with_context(place)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes all live resources, page by page: memory is bounded by one.
async fn export(provider: &Provider, collection: &Collection, format: Format, out: impl Write) -> anyhow::Result<()> {
    let total = provider.store.live_count(collection.id).await?;
    let bar = bar(total, BAR).with_prefix(collection.name.resource_kind.clone());
    let mut sink = Sink::begin(provider, collection, format, total, BufWriter::new(out))?;
    let mut after = None;
    loop {
        let page = provider.store.live_page(collection.id, after, 0, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.resource.id);
        bar.inc(page.len() as u64);
        sink.page(page).await?;
    }
    bar.finish_and_clear();
    sink.end()
}

/// Where resources go.
struct Sink<'e, W: Write> {
    provider: &'e Provider,
    collection: &'e Collection,
    form: Form<W>,
}

enum Form<W: Write> {
    Ndjson(W),
    Csv(Box<csv::Writer<W>>, Columns),
    Atom(W, Box<FeedWriter>),
}

impl<'e, W: Write> Sink<'e, W> {
    fn begin(
        provider: &'e Provider,
        collection: &'e Collection,
        format: Format,
        total: u64,
        out: W,
    ) -> anyhow::Result<Self> {
        let form = match format {
            Format::Ndjson => Form::Ndjson(out),
            Format::Csv => {
                let columns = Columns::of(&collection.contract, &collection.kind);
                if !columns.left_out.is_empty() {
                    let names = columns.left_out.join(", ");
                    warn(format_args!("warning: a table has no place for {names}; NDJSON and Atom do"));
                }
                let mut table = csv::Writer::from_writer(out);
                table.write_record(columns.columns.iter().map(super::columns::Column::heading))?;
                Form::Csv(Box::new(table), columns)
            }
            Format::Atom => {
                let head = FeedOut {
                    id: collection.url.clone(),
                    title: collection.kind.label.clone(),
                    updated: provider.now(),
                    author: provider.offer.title.clone(),
                    total_results: Some(total),
                    start_index: Some(1),
                    items_per_page: Some(total),
                    ..FeedOut::default()
                };
                Form::Atom(out, Box::new(FeedWriter::begin(&head)?))
            }
        };
        Ok(Self { provider, collection, form })
    }

    async fn page(&mut self, documents: Vec<Document>) -> anyhow::Result<()> {
        if let Form::Atom(out, feed) = &mut self.form {
            for entry in self.provider.entries(self.collection, &documents).await? {
                feed.entry(&entry)?;
            }
            return Ok(out.write_all(&feed.take())?);
        }
        for document in documents {
            let element = resource(self.collection, &document)?;
            let value = value_of(&self.collection.contract, self.collection.kind.type_id, &element);
            match &mut self.form {
                Form::Ndjson(out) => {
                    serde_json::to_writer(&mut *out, &value).map_err(io::Error::from)?;
                    out.write_all(b"\n")?;
                }
                Form::Csv(table, columns) => {
                    table.write_record(columns.columns.iter().map(|column| column.cell(&value)))?;
                }
                Form::Atom(..) => {}
            }
        }
        Ok(())
    }

    fn end(self) -> anyhow::Result<()> {
        match self.form {
            Form::Ndjson(mut out) => out.flush()?,
            Form::Csv(mut table, _) => table.flush()?,
            Form::Atom(mut out, feed) => {
                out.write_all(&feed.finish()?)?;
                out.flush()?;
            }
        }
        Ok(())
    }
}

/// The resource with its key and, where it is linked, its UUID.
fn resource(collection: &Collection, document: &Document) -> anyhow::Result<Element> {
    let mut element = collection.element(document.payload.as_deref().unwrap_or_default())?;
    element.set_attribute(SDATA, "key", document.resource.key.clone());
    if let Some(uuid) = document.resource.uuid {
        element.set_attribute(SDATA, "uuid", uuid.to_string());
    }
    Ok(element)
}
