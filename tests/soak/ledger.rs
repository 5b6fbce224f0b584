//! What was written, and what became of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names one version of one resource; it stands in the resource.
pub(crate) type Marker = String;

/// A version that a writer made, or tried to make.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) marker: Marker,
    /// What the writer saw before.
    pub(crate) replaced: Option<Marker>,
    pub(crate) deleted: bool,
    /// Whether the provider said that it is done. If not, nobody knows.
    pub(crate) acknowledged: bool,
}

/// All versions, by kind and name of the resource.
#[derive(Default)]
pub(crate) struct Ledger {
    versions: Mutex<BTreeMap<(&'static str, String), Vec<Version>>>,
    /// Answers that no writer should get.
    pub(crate) surprises: Mutex<Vec<String>>,
    numbers: AtomicU64,
    refused: AtomicU64,
}

/// What became of the resources in the end: what is there, and which versions the audits say were lost.
pub(crate) struct Outcome {
    /// By kind and name: the version that is there, and its UUID.
    pub(crate) live: BTreeMap<(&'static str, String), (Marker, String)>,
    /// Versions that lost a conflict somewhere.
    pub(crate) lost: HashSet<Marker>,
    /// UUIDs of resources about which there was a conflict somewhere.
    pub(crate) disputed: HashSet<String>,
}

impl Ledger {
    /// A new name for a resource.
    pub(crate) fn name(&self) -> String {
        format!("R{}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// A new marker for a version of the resource called `name`.
    pub(crate) fn marker(&self, name: &str) -> Marker {
        format!("{name} v{}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn note(&self, kind: &'static str, version: Version) {
        let name = name_of(&version.marker).to_owned();
        self.versions.lock().unwrap().entry((kind, name)).or_default().push(version);
    }

    /// A write that was refused as it may be: somebody was first, or the provider is busy or stopping.
    pub(crate) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn surprise(&self, what: String) {
        self.surprises.lock().unwrap().push(what);
    }

    /// Versions that were acknowledged, those of which nobody knows, and writes that were refused.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let versions = self.versions.lock().unwrap();
        let all: Vec<_> = versions.values().flatten().collect();
        let acknowledged = all.iter().filter(|version| version.acknowledged).count() as u64;
        (acknowledged, all.len() as u64 - acknowledged, self.refused.load(Ordering::Relaxed))
    }

    /// What is not as it must be, in words.
    pub(crate) fn faults(&self, outcome: &Outcome) -> Vec<String> {
        let versions = self.versions.lock().unwrap();
        let mut faults = Vec::new();
        for (resource, versions) in &*versions {
            let history = History::of(versions, outcome.live.get(resource), outcome);
            for version in versions.iter().filter(|version| version.acknowledged) {
                if !history.is_accounted_for(version) {
                    faults.push(format!("{resource:?}: {} is lost: {versions:#?}, {:?}", version.marker, history.live));
                }
                if history.live.is_some() && version.replaced.as_ref() == history.live.map(|(marker, _)| marker) {
                    faults.push(format!("{resource:?}: {:?} came back: {versions:#?}", version.replaced));
                }
            }
        }
        let unknown = outcome.live.keys().filter(|resource| !versions.contains_key(*resource));
        faults.extend(unknown.map(|resource| format!("{resource:?} is there, though nobody made it")));
        faults
    }
}

/// The name of the resource that a marker is of.
pub(crate) fn name_of(marker: &str) -> &str {
    marker.split(' ').next().unwrap_or_default()
}

/// The versions of one resource.
struct History<'a> {
    by_marker: HashMap<&'a str, &'a Version>,
    successors: HashMap<&'a str, Vec<&'a Version>>,
    live: Option<&'a (Marker, String)>,
    outcome: &'a Outcome,
}

impl<'a> History<'a> {
    fn of(versions: &'a [Version], live: Option<&'a (Marker, String)>, outcome: &'a Outcome) -> Self {
        let mut successors: HashMap<&str, Vec<&Version>> = HashMap::new();
        for version in versions {
            if let Some(replaced) = &version.replaced {
                successors.entry(replaced).or_default().push(version);
            }
        }
        let by_marker = versions.iter().map(|version| (&*version.marker, version)).collect();
        Self { by_marker, successors, live, outcome }
    }

    /// Whether a version is there, or lost a conflict that the audits name, or was replaced by one of which the same is true.
    fn is_accounted_for(&self, version: &Version) -> bool {
        let is_there = match self.live {
            Some((marker, _)) => *marker == version.marker,
            None => version.deleted,
        };
        let is_lost = self.outcome.lost.contains(&version.marker) || version.deleted && self.is_beaten(version);
        let successors = self.successors.get(&*version.marker).into_iter().flatten();
        let is_replaced = |successor: &&Version| successor.acknowledged || self.is_accounted_for(successor);
        is_there || is_lost || successors.clone().any(is_replaced)
    }

    /// Whether a deletion lost against the version that is there: one that the deleter did not know of.
    fn is_beaten(&self, deletion: &Version) -> bool {
        self.live.is_some_and(|(marker, uuid)| {
            !self.ancestors(deletion).contains(&**marker) && self.outcome.disputed.contains(uuid)
        })
    }

    fn ancestors(&self, version: &'a Version) -> BTreeSet<&'a str> {
        let mut ancestors = BTreeSet::new();
        let mut next = version.replaced.as_deref();
        while let Some(marker) = next.filter(|marker| ancestors.insert(*marker)) {
            next = self.by_marker.get(marker).and_then(|version| version.replaced.as_deref());
        }
        ancestors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions of one resource: number, what it replaced, whether it is a deletion.
    fn faults(versions: &[(u32, Option<u32>, bool)], live: Option<u32>, lost: &[u32], disputed: bool) -> usize {
        let ledger = Ledger::default();
        let marker = |number: u32| format!("R0 v{number}");
        for (number, replaced, deleted) in versions {
            let (marker, replaced) = (marker(*number), replaced.map(marker));
            ledger.note("accounts", Version { marker, replaced, deleted: *deleted, acknowledged: true });
        }
        let live = live.map(|number| (("accounts", "R0".to_owned()), (marker(number), "uuid".to_owned())));
        let outcome = Outcome {
            live: live.into_iter().collect(),
            lost: lost.iter().map(|number| marker(*number)).collect(),
            disputed: disputed.then(|| "uuid".to_owned()).into_iter().collect(),
        };
        ledger.faults(&outcome).len()
    }

    #[test]
    fn what_is_there_or_was_replaced_is_accounted_for() {
        assert_eq!(faults(&[(1, None, false), (2, Some(1), false)], Some(2), &[], false), 0);
        assert_eq!(faults(&[(1, None, false), (2, Some(1), true)], None, &[], false), 0);
    }

    #[test]
    fn what_lost_is_accounted_for_where_an_audit_names_it() {
        let versions = [(1, None, false), (2, Some(1), false), (3, Some(1), false)];
        assert_eq!(faults(&versions, Some(3), &[2], true), 0);
        assert_eq!(faults(&versions, Some(3), &[], true), 1, "2 is lost");
    }

    #[test]
    fn a_deletion_may_lose_against_a_version_that_the_deleter_did_not_know() {
        let versions = [(1, None, false), (2, Some(1), true), (3, Some(1), false)];
        assert_eq!(faults(&versions, Some(3), &[], true), 0);
        assert_eq!(faults(&versions, Some(3), &[], false), 1, "no audit knows of a conflict");
    }

    #[test]
    fn what_is_gone_without_a_deletion_and_what_came_back_are_faults() {
        assert_eq!(faults(&[(1, None, false)], None, &[], false), 1);
        assert_eq!(faults(&[(1, None, false), (2, Some(1), false)], Some(1), &[2], true), 1);
    }
}
