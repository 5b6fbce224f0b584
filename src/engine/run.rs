//! One run: its passes, one after the other (sync 4.1, 7.1).

use super::address::{Address, AddressError, Collection, Dataset};
use super::dataset::common_kinds;
use super::error::EngineError;
use super::pass::Pass;
use super::remote::Remote;
use super::report::RunReport;
use crate::protocol::Run;
use crate::protocol::diagnosis::RECOVERING;
use std::collections::VecDeque;
use tokio_util::sync::CancellationToken;
use url::Url;

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct RunPlan {
    sides: Sides,
    run: Run,
    /// Whether every pass is followed by one in the other direction.
    both: bool,
    /// Entries a page should have; the source's default where `None`.
    count: Option<u64>,
    /// Whether everything is carried, whatever the targets have.
    is_full: bool,
}

/// Source and target, in this order.
#[derive(Debug, Clone)]
enum Sides {
    Collections(Collection, Collection),
    Datasets(Dataset, Dataset),
}

impl RunPlan {
    /// A run between two collections, or between all common resource kinds of two datasets.
    ///
    /// # Errors
    /// [`AddressError`] when the two are one, or of different levels.
    pub fn new(
        source: Address,
        target: Address,
        run: Run,
        both: bool,
        count: Option<u64>,
    ) -> Result<Self, AddressError> {
        if source == target {
            return Err(AddressError::Same(source.to_string()));
        }
        let sides = match (source, target) {
            (Address::Collection(source), Address::Collection(target)) => Sides::Collections(source, target),
            (Address::Dataset(source), Address::Dataset(target)) => Sides::Datasets(source, target),
            (source, target) => {
                let (source_url, target_url) = (source.to_string(), target.to_string());
                return Err(AddressError::Mixed { source_url, target_url });
            }
        };
        Ok(Self { sides, run, both, count, is_full: false })
    }

    /// The same with everything carried, and with deletions that the source keeps no tombstone of.
    #[must_use]
    pub fn in_full(self, is_full: bool) -> Self {
        Self { is_full, ..self }
    }

    /// The providers of the run.
    #[must_use]
    pub fn urls(&self) -> [&Url; 2] {
        match &self.sides {
            Sides::Collections(source, target) => [source.url(), target.url()],
            Sides::Datasets(source, target) => [source.url(), target.url()],
        }
    }

    /// Makes the passes, up to the first that fails: later kinds refer to earlier ones.
    pub async fn make(&self, remote: &Remote, cancel: &CancellationToken) -> RunReport {
        let routes = tokio::select! {
            routes = self.routes(remote) => routes,
            () = cancel.cancelled() => Err(EngineError::Cancelled),
        };
        let routes = match routes {
            Ok(routes) => routes,
            Err(error) => return RunReport::of(&self.run, Vec::new(), Some(error)),
        };
        let mut passes = Vec::with_capacity(routes.len());
        let mut routes: VecDeque<_> = routes.into();
        let mut put_off = None;
        while let Some((source, target)) = routes.pop_front() {
            let pass = Pass::new(remote, &source, &target, &self.run, self.count).in_full(self.is_full);
            let pass = pass.make(cancel).await;
            let failure = pass.failure.clone();
            let comes_back = routes.front().is_some_and(|(back, _)| *back == target);
            if comes_back && put_off.is_none() && failure.as_ref().is_some_and(|failure| failure.is_called(RECOVERING))
            {
                // The pass in the other direction brings the source what it waits for.
                put_off = Some((source, target));
                continue;
            }
            passes.push(pass);
            if failure.is_some() {
                return RunReport::of(&self.run, passes, failure);
            }
            if let Some(first) = put_off.take() {
                routes.push_front(first);
            }
        }
        RunReport::of(&self.run, passes, None)
    }

    /// Source and target of every pass.
    async fn routes(&self, remote: &Remote) -> Result<Vec<(Collection, Collection)>, EngineError> {
        let mut routes = Vec::new();
        match &self.sides {
            Sides::Datasets(source, target) => {
                for kind in common_kinds(remote, source, target, self.both).await? {
                    let (here, there) = (source.collection(&kind.plural_name), target.collection(&kind.plural_name));
                    routes.extend(kind.forward.then(|| (here.clone(), there.clone())));
                    routes.extend(kind.backward.then_some((there, here)));
                }
            }
            Sides::Collections(source, target) => {
                routes.push((source.clone(), target.clone()));
                routes.extend(self.both.then(|| (target.clone(), source.clone())));
            }
        }
        Ok(routes)
    }
}
