//! Passes from the peers, until nobody is ahead; then the clocks go on.

use super::peers::{Asked, ask_all};
use super::{PATIENCE, RestoreCheckArgs};
use crate::cli::output::print;
use crate::cli::pass::place;
use crate::engine::{Address, EngineError, PassReport, RetryPolicy, RunPlan, read_digest};
use crate::protocol::{Run, Stamp, Tick};
use crate::provider::{Collection, Provider};
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// How often peers are passed from: what one brings may show that another is ahead.
const ROUNDS: u32 = 3;

/// Getting back what was forgotten.
pub(super) struct Healing<'h> {
    pub(super) provider: &'h Provider,
    pub(super) args: &'h RestoreCheckArgs,
    /// Whoever asked for it wants it to end.
    pub(super) stop: &'h CancellationToken,
}

impl Healing<'_> {
    /// Gets back what the peers know, and lets the clocks go on.
    ///
    /// # Errors
    /// When a peer does not answer that is not done without, when this provider is not served, or when a pass fails; the clocks that
    /// stand still then go on standing still.
    pub(super) async fn heal(&self, mut asked: Vec<Asked>) -> anyhow::Result<()> {
        self.check_all_answered(&asked)?;
        let mut highest: BTreeMap<String, Tick> = BTreeMap::new();
        for round in 0..ROUNDS {
            self.take_proofs(&asked).await?;
            note_highest(&mut highest, &asked);
            let waiting = self.waiting(&asked).await?;
            if waiting.is_empty() || round > 0 && !waiting.iter().any(|asked| asked.is_ahead()) {
                break;
            }
            for asked in waiting {
                self.check_wanted()?;
                self.pass_from(asked).await?;
            }
            asked = ask_all(self.provider, &self.args.peers, |urls| self.args.client(urls, PATIENCE)).await?;
            self.check_all_answered(&asked)?;
        }
        note_highest(&mut highest, &asked);
        self.check_wanted()?;
        self.resume(&highest).await
    }

    fn check_wanted(&self) -> anyhow::Result<()> {
        if self.stop.is_cancelled() {
            bail!("interrupted: the clocks that stand still go on standing still");
        }
        Ok(())
    }

    fn check_all_answered(&self, asked: &[Asked]) -> anyhow::Result<()> {
        let silent: Vec<String> = asked
            .iter()
            .filter(|asked| self.args.is_missed(asked))
            .map(|asked| format!("  {}: {}", asked.peer, asked.verdict()))
            .collect();
        if !silent.is_empty() {
            bail!(
                "these peers do not answer, and may know what nobody else does:\n{}\nNothing was changed. Go on when they answer, or \
                 give up what they alone know with --without URL (or --without-peers for all of them)",
                silent.join("\n")
            );
        }
        Ok(())
    }

    /// Whoever is ahead has proved that the database was put back: from now on the clock stands still.
    async fn take_proofs(&self, asked: &[Asked]) -> anyhow::Result<()> {
        for asked in asked.iter().filter(|asked| asked.is_ahead()) {
            if let Some(digest) = &asked.digest {
                self.provider.hear_of_own_tick(&asked.collection, digest).await?;
            }
        }
        Ok(())
    }

    /// Those who answered about collections that wait.
    async fn waiting<'a>(&self, asked: &'a [Asked]) -> anyhow::Result<Vec<&'a Asked>> {
        let recovering = self.provider.store.recoveries().await?;
        let is_waiting = |asked: &&Asked| recovering.iter().any(|(id, _)| *id == asked.collection.id);
        let is_asked = |asked: &&Asked| asked.known.is_ok() && !self.args.gives_up(&asked.peer);
        Ok(asked.iter().filter(is_waiting).filter(is_asked).collect())
    }

    /// One pass from a peer to this provider, as it is served.
    async fn pass_from(&self, asked: &Asked) -> anyhow::Result<()> {
        let own = Address::parse(&asked.collection.url)?;
        let source = Address::parse(&asked.peer)?;
        let remote = self.args.client([source.url(), own.url()], RetryPolicy::default())?;
        if let Address::Collection(own) = &own {
            match read_digest(&remote, own).await {
                Err(error @ EngineError::Unreachable { .. }) => {
                    return Err(error).context("this provider is not served: start 'sdata-sync serve' first");
                }
                read => drop(read?),
            }
        }
        let run = Run { name: "sdata-sync restore-check".to_owned(), stamp: Stamp::now().to_string() };
        let plan = RunPlan::new(source, own, run, false, None)?;
        let report = plan.make(&remote, self.stop).await;
        for pass in &report.passes {
            print(brought(pass))?;
        }
        match report.failure {
            Some(failure) => Err(failure).with_context(|| format!("the pass from {} failed", asked.peer)),
            None => Ok(()),
        }
    }

    async fn resume(&self, highest: &BTreeMap<String, Tick>) -> anyhow::Result<()> {
        let collections: Vec<_> = self.provider.collections().cloned().collect();
        for collection in collections {
            let known = highest.get(&collection.url).copied().unwrap_or_default();
            let is_over = self.provider.resume_clock(&collection, known).await?;
            print(ended(&collection, is_over, self.own_tick(&collection).await?))?;
        }
        Ok(())
    }

    async fn own_tick(&self, collection: &Collection) -> anyhow::Result<Tick> {
        Ok(self.provider.store.glance(collection.id).await?.digest.tick_of(&collection.endpoint))
    }
}

fn note_highest(highest: &mut BTreeMap<String, Tick>, asked: &[Asked]) {
    for asked in asked {
        let tick = highest.entry(asked.collection.url.clone()).or_default();
        *tick = asked.known.as_ref().map_or(*tick, |known| *known.max(tick));
    }
}

fn brought(pass: &PassReport) -> String {
    let counts = &pass.counts;
    format!(
        "{}: {} brought {} entries: {} created, {} updated, {} deleted, {} conflicts, {} failed",
        pass.resource_kind,
        place(&pass.source),
        counts.entries,
        counts.created,
        counts.updated,
        counts.deleted,
        counts.conflicts_won + counts.conflicts_lost,
        counts.failed
    )
}

fn ended(collection: &Collection, is_over: bool, own_tick: Tick) -> String {
    let what = if is_over { "the clock goes on" } else { "the clock goes" };
    format!("{}: {what}, with tick {own_tick}", collection.name)
}
