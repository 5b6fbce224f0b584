//! A run as it goes: bars on a terminal, log lines elsewhere.

use super::output::warn;
use super::pass::place;
use crate::engine::{Observer, PassEvent, PassReport};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tracing::{info, warn as log_warning};

/// Failed entries of a run that are told one by one; the rest is in the target's audit.
const FAILURES_TOLD: u64 = 20;
/// How often a bar moves while nothing happens.
const TICK: Duration = Duration::from_millis(120);
/// A bar whose end is known.
const BAR: &str = "{prefix:.bold} [{bar:30}] {pos}/{len} entries, {wide_msg}";
/// A bar whose end is not known yet.
const SPINNER: &str = "{prefix:.bold} {spinner} {pos} entries, {wide_msg}";

/// Shows what an engine tells.
pub(super) struct Progress {
    on_terminal: bool,
    state: Mutex<State>,
}

struct State {
    bar: ProgressBar,
    /// Whether a bar stays when its pass is over.
    stays: bool,
    failures: u64,
}

impl Progress {
    /// Bars if `on_terminal`, else log lines.
    pub(super) fn new(on_terminal: bool) -> Self {
        Self::with(on_terminal, true)
    }

    /// The same, but every bar goes with its pass: what the pass came to is said otherwise.
    pub(super) fn fleeting(on_terminal: bool) -> Self {
        Self::with(on_terminal, false)
    }

    fn with(on_terminal: bool, stays: bool) -> Self {
        Self { on_terminal, state: Mutex::new(State { bar: ProgressBar::hidden(), stays, failures: 0 }) }
    }

    /// Takes leave of the bars and says how many failures were not told.
    pub(super) fn finish(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stays {
            state.bar.abandon();
        } else {
            state.bar.finish_and_clear();
        }
        if state.failures > FAILURES_TOLD {
            warn(format_args!("and {} more entries that failed", state.failures - FAILURES_TOLD));
        }
    }
}

impl Observer for Progress {
    fn notice(&self, event: PassEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let PassEvent::EntryFailed { .. } = event {
            state.failures += 1;
            if state.failures > FAILURES_TOLD {
                return;
            }
        }
        if self.on_terminal { state.show(event) } else { log(event) }
    }
}

impl State {
    fn show(&mut self, event: PassEvent) {
        match event {
            PassEvent::Started { resource_kind, source, target } => {
                let route = format!("{} -> {}", place(source.as_str()), place(target.as_str()));
                self.bar = ProgressBar::new_spinner().with_style(style(SPINNER)).with_prefix(resource_kind);
                self.bar.set_message(route);
                self.bar.enable_steady_tick(TICK);
            }
            PassEvent::Waiting { phase, progress, .. } if progress > 0.0 => {
                self.bar.set_message(format!("{phase} {progress:.0} %"));
            }
            PassEvent::Waiting { phase, .. } => self.bar.set_message(phase),
            PassEvent::PageRead { page, total, .. } => {
                if let Some(total) = total {
                    self.bar.set_style(style(BAR));
                    self.bar.set_length(total);
                }
                self.bar.set_message(format!("page {page}"));
            }
            PassEvent::PageApplied { counts } => self.bar.set_position(counts.entries),
            PassEvent::EntryFailed { entry, status, message } => {
                self.bar.suspend(|| warn(format_args!("{entry} failed{}: {message}", in_brackets(status))));
            }
            PassEvent::Retrying { url, reason, delay } => {
                self.bar.set_message(format!("trying {url} again in {:.1} s: {reason}", delay.as_secs_f64()));
            }
            PassEvent::StartedOver { reason } => {
                self.bar.suspend(|| warn(format_args!("the pass begins again: {reason}")));
            }
            PassEvent::ResultsMissing { entries, results } => {
                self.bar.suspend(|| warn(missing(entries, results)));
            }
            PassEvent::ResultsRefused { reason } => {
                self.bar.suspend(|| warn(format_args!("the source did not take the results: {reason}")));
            }
            PassEvent::Kept { entry } => {
                self.bar.suspend(|| warn(kept(&entry)));
            }
            PassEvent::NotTakenBack { reason } => {
                self.bar.suspend(|| warn(not_taken_back(&reason)));
            }
            PassEvent::ContextLeft { url, reason } => {
                self.bar.suspend(|| warn(format_args!("{url} is left to expire: {reason}")));
            }
            PassEvent::Finished { report } => self.close(&report),
        }
    }

    fn close(&self, report: &PassReport) {
        let seconds = report.duration.as_secs_f64();
        if !self.stays {
            self.bar.finish_and_clear();
        } else if report.failure.is_some() {
            self.bar.abandon_with_message("failed");
        } else {
            self.bar.finish_with_message(format!("done in {seconds:.1} s"));
        }
    }
}

fn log(event: PassEvent) {
    match event {
        PassEvent::Started { resource_kind, source, target } => info!(resource_kind, %source, %target, "pass started"),
        PassEvent::Waiting { .. } | PassEvent::PageRead { .. } => {}
        PassEvent::PageApplied { counts } => info!(pages = counts.pages, entries = counts.entries, "page applied"),
        PassEvent::EntryFailed { entry, status, message } => log_warning!(entry, status, "entry failed: {message}"),
        PassEvent::Retrying { url, reason, delay } => {
            log_warning!(%url, delay_millis = delay.as_millis() as u64, "trying again: {reason}");
        }
        PassEvent::StartedOver { reason } => log_warning!("the pass begins again: {reason}"),
        PassEvent::ResultsMissing { entries, results } => log_warning!("{}", missing(entries, results)),
        PassEvent::ResultsRefused { reason } => log_warning!("the source did not take the results: {reason}"),
        PassEvent::Kept { entry } => log_warning!(entry, "{}", kept(&entry)),
        PassEvent::NotTakenBack { reason } => log_warning!("{}", not_taken_back(&reason)),
        PassEvent::ContextLeft { url, reason } => log_warning!(%url, "context is left to expire: {reason}"),
        PassEvent::Finished { report } => {
            let counts = report.counts;
            info!(resource_kind = report.resource_kind, entries = counts.entries, failed = counts.failed, "pass ended");
        }
    }
}

fn missing(entries: u64, results: u64) -> String {
    format!("the target gave {results} results for {entries} entries: what became of the others is not known")
}

fn kept(entry: &str) -> String {
    format!("{entry} was made or changed at the source meanwhile, and is not deleted at the target")
}

fn not_taken_back(reason: &str) -> String {
    format!(
        "the target's digest says that it lacks nothing, and could not be put back; a later full pass will delete nothing: {reason}"
    )
}

fn in_brackets(status: Option<u16>) -> String {
    status.map(|status| format!(" ({status})")).unwrap_or_default()
}

/// What a bar is drawn by.
pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
