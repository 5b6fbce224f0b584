//! `sdata-sync restore-check`: what peers know of this provider that it has forgotten, and getting it back.

mod healing;
mod peers;

use super::ENTRIES_FAILED;
use super::contracts::offer;
use super::database::open;
use super::output::{print, table};
use super::pass::{cancel_when_stopped, place};
use super::remote::RemoteArgs;
use super::settings::SettingsArgs;
use crate::engine::{Address, PassEvent, Remote, RetryPolicy};
use crate::protocol::Tick;
use crate::provider::{Clock, Provider};
use clap::Args;
use healing::Healing;
use peers::{Asked, ask_all};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

/// What writing the last events of the audit may take.
const LAST_EVENTS: Duration = Duration::from_secs(5);

/// How long a peer is given to answer.
const PATIENCE: RetryPolicy =
    RetryPolicy { first: Duration::from_millis(200), longest: Duration::from_secs(1), total: Duration::from_secs(2) };

/// Asks the peers what they know of this provider, and gets back what it has forgotten
///
/// After a database was put back to an earlier state. Exit code: 0 nothing to do, 3 a peer is ahead or does not answer or a collection
/// still waits, 1 something failed, 2 usage.
#[derive(Debug, Args)]
pub(super) struct RestoreCheckArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// A peer to ask beside those that the database knows: the URL of a collection or of a dataset
    #[arg(long = "peer", value_name = "URL", value_parser = Address::parse)]
    peers: Vec<Address>,
    /// Makes passes from the peers, then lets the clocks go on above all that was seen; the provider must be served meanwhile
    #[arg(long)]
    heal: bool,
    /// A peer that is done without: what it alone knows is given up
    // Of any shape: also those that cannot be asked are given up by it.
    #[arg(long = "without", value_name = "URL")]
    without: Vec<Url>,
    /// Does without every peer that does not answer
    #[arg(long)]
    without_peers: bool,
    /// The peers are the source, this provider is the target.
    #[command(flatten)]
    remote: RemoteArgs,
}

impl RestoreCheckArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.settings.read()?;
        let offer = offer(&settings)?;
        let provider = Provider::open(offer, open(&settings.database).await?, Clock::system()).await?;
        let asked = ask_all(&provider, &self.peers, |urls| self.client(urls, PATIENCE)).await?;
        let recovering = provider.store.recoveries().await?;
        print(summary(&asked))?;
        let silent = asked.iter().filter(|asked| self.is_missed(asked)).count();
        let is_behind = !recovering.is_empty() || asked.iter().any(Asked::is_ahead);
        let code = if !is_behind && silent == 0 {
            print("Nothing to do: nobody who answered is ahead.")?;
            ExitCode::SUCCESS
        } else if self.heal {
            let stop = CancellationToken::new();
            let listening = tokio::spawn(cancel_when_stopped(stop.clone()));
            Healing { provider: &provider, args: &self, stop: &stop }.heal(asked).await?;
            listening.abort();
            ExitCode::SUCCESS
        } else {
            print(advice(recovering.len(), silent, is_behind))?;
            ExitCode::from(ENTRIES_FAILED)
        };
        provider.finish_audit(Instant::now() + LAST_EVENTS).await;
        Ok(code)
    }

    /// A client for a peer and this provider.
    fn client(&self, urls: [&Url; 2], retries: RetryPolicy) -> anyhow::Result<Remote> {
        self.remote.client(urls, retries, Arc::new(|_: PassEvent| {}))
    }

    /// Whether somebody does not answer who is not done without: it may know what nobody else does.
    fn is_missed(&self, asked: &Asked) -> bool {
        asked.known.is_err() && !self.without_peers && !self.gives_up(&asked.peer)
    }

    /// Whether what a peer alone knows is given up, whether it answers or not.
    fn gives_up(&self, peer: &str) -> bool {
        self.without.iter().any(|without| {
            let rest = peer.strip_prefix(without.as_str().trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

fn summary(asked: &[Asked]) -> String {
    if asked.is_empty() {
        return "No peer is known to this database; name one with --peer URL.".to_owned();
    }
    let mut table = table(["Collection", "Peer", "Our tick there", "Ours", "Verdict"]);
    table.add_rows(asked.iter().map(|asked| {
        let there = asked.known.as_ref().ok().map(Tick::to_string).unwrap_or_default();
        [asked.collection.name.to_string(), place(&asked.peer), there, asked.own_tick.to_string(), asked.verdict()]
    }));
    table.to_string()
}

fn advice(recovering: usize, silent: usize, is_behind: bool) -> String {
    let mut said = Vec::new();
    if recovering > 0 {
        said.push(format!("{recovering} collections wait for what they have forgotten, and send nothing before."));
    }
    if silent > 0 {
        said.push(format!(
            "{silent} answers are missing: what those peers know is not known. Ask again when they answer, or do without with --without URL."
        ));
    }
    if is_behind {
        let heal =
            "While 'sdata-sync serve' runs, 'sdata-sync restore-check --heal' gets it back and ends the waiting.";
        said.push(heal.to_owned());
    }
    said.join("\n")
}
