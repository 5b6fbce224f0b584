//! What the demonstration says: short lines for a terminal of 80 columns, or for a log.

use crate::cli::output::{print, table};
use crate::cli::pass::host_and_application;
use crate::engine::{Counts, PassReport, RunReport};
use comfy_table::CellAlignment;
use std::io;

/// Characters of a line.
const WIDTH: usize = 78;
/// What stands before everything that is said under a heading.
const INDENT: &str = "   ";

/// Says what happens, and remembers it for the table at the end.
#[derive(Default)]
pub(super) struct Narration {
    steps: usize,
    runs: Vec<(&'static str, RunReport)>,
}

impl Narration {
    /// Begins the next step.
    pub(super) fn step(&mut self, text: &str) -> io::Result<()> {
        self.steps += 1;
        print(format_args!("\n{}", wrapped(&format!("{}. {text}", self.steps), "", INDENT)))
    }

    /// Says something about the step.
    pub(super) fn say(&self, text: &str) -> io::Result<()> {
        print(wrapped(text, INDENT, INDENT))
    }

    /// Says what a run did, and remembers it under a short name.
    pub(super) fn ran(&mut self, name: &'static str, report: RunReport) -> io::Result<()> {
        let told: Vec<_> = report.passes.iter().filter(|pass| pass.counts.entries > 0).map(line).collect();
        if told.is_empty() {
            self.say("Nothing was left to send.")?;
        }
        for line in told {
            print(line)?;
        }
        self.runs.push((name, report));
        Ok(())
    }

    /// All runs, each direction summed up.
    pub(super) fn table(&self) -> String {
        let mut table = table(["Run", "Direction", "Created", "Updated", "Deleted", "Conflicts", "Parked"]);
        for (name, report) in &self.runs {
            for (way, counts) in by_way(&report.passes) {
                let conflicts = counts.conflicts_won + counts.conflicts_lost;
                let counted = [counts.created, counts.updated, counts.deleted, conflicts, counts.failed];
                let counted = counted.map(|count| count.to_string());
                table.add_row([[(*name).to_owned(), way].as_slice(), &counted].concat());
            }
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }
}

/// The directions of a run in the order of their first pass, with what their passes counted.
fn by_way(passes: &[PassReport]) -> Vec<(String, Counts)> {
    let mut ways: Vec<(String, Counts)> = Vec::new();
    for pass in passes {
        let (way, counts) = (way(pass), pass.counts);
        match ways.iter_mut().find(|(known, _)| *known == way) {
            Some((_, sum)) => {
                sum.created += counts.created;
                sum.updated += counts.updated;
                sum.deleted += counts.deleted;
                sum.conflicts_won += counts.conflicts_won;
                sum.conflicts_lost += counts.conflicts_lost;
                sum.failed += counts.failed;
            }
            None => ways.push((way, counts)),
        }
    }
    ways
}

fn line(pass: &PassReport) -> String {
    let counts = &pass.counts;
    let said = [
        (counts.created, "created"),
        (counts.updated, "updated"),
        (counts.deleted, "deleted"),
        (counts.ignored, "known already"),
        (counts.conflicts_won, "won a conflict"),
        (counts.conflicts_lost, "lost a conflict"),
        (counts.failed, "parked"),
    ];
    let said: Vec<_> =
        said.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    format!("{INDENT}{}  {:<12} {}", way(pass), pass.resource_kind, said.join(", "))
}

fn way(pass: &PassReport) -> String {
    format!("{} → {}", application(&pass.source), application(&pass.target))
}

/// The application in the URL of a collection.
fn application(collection: &str) -> &str {
    host_and_application(collection).map_or(collection, |(_, application)| application)
}

/// Breaks a text into lines; a word that is longer stands alone.
fn wrapped(text: &str, first: &str, rest: &str) -> String {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_fits_the_line() {
        let text = "word ".repeat(40);
        let broken = wrapped(&text, "1. ", INDENT);
        assert_eq!(broken.lines().count(), 3, "{broken}");
        assert!(broken.lines().all(|line| line.len() <= WIDTH && !line.ends_with(' ')), "{broken}");
        assert!(broken.starts_with("1. word word"), "{broken}");
        assert!(broken.lines().nth(1).unwrap().starts_with("   word"), "{broken}");
    }

    #[test]
    fn the_application_is_read_from_the_url_of_its_collection() {
        assert_eq!(application("http://127.0.0.1:5493/sdata/crm/sample/-/accounts"), "crm");
    }
}
