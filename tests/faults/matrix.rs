//! The matrix: every operation, every step of it, every fault there.

use crate::node::{Node, Place};
use crate::operations::{self, Operation};
use crate::plans::{Sample, plans};
use crate::state;
use sdata_sync::store::faults::{Fault, Plan, Step};
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a case may take, on a busy machine, before something in it is stuck.
const LONGEST: Duration = Duration::from_secs(90);

/// How long a fault lasts that lasts.
const LASTS: Duration = Duration::from_secs(3);

/// How often an operation is done without a fault.
const REFERENCES: usize = 5;

struct Case {
    operation: &'static Operation,
    plan: Plan,
    statement: String,
}

/// What an operation leaves behind when nothing goes wrong, and the steps it takes.
struct Reference {
    state: Vec<String>,
    steps: Vec<(Step, String)>,
}

/// What became of the cases of an operation.
#[derive(Default)]
struct Tried {
    cases: usize,
    /// Those whose fault came about.
    met: usize,
    /// Why the others failed.
    failures: Vec<String>,
}

/// Runs the matrix on one database, one case at a time in each place: all of it, or `sample`.
pub(crate) fn run(database: &str, places: &[Place], sample: Sample) {
    let began = Instant::now();
    let wanted = std::env::var("FAULTS_OF").unwrap_or_default();
    let sample = std::env::var_os("SDATA_SYNC_NIGHTLY").is_none().then_some(sample);
    let operations: Vec<_> =
        operations::all().enumerate().filter(|(_, operation)| operation.name.contains(&wanted)).collect();
    assert!(!operations.is_empty(), "FAULTS_OF: the name of no operation contains '{wanted}'");
    let references = references(places, operations.iter().map(|(_, operation)| *operation));
    let cases = operations.iter().flat_map(|&(number, operation)| {
        let plans = plans(number, &references[operation.name].steps, sample).into_iter();
        plans.map(move |(plan, statement)| Case { operation, plan, statement })
    });
    let tried = try_all(places, &cases.collect::<Vec<_>>(), &references);
    let sum = |of: fn(&Tried) -> usize| tried.values().map(of).sum::<usize>();
    let (cases, met, failed) = (sum(|tried| tried.cases), sum(|tried| tried.met), sum(|tried| tried.failures.len()));
    for (name, Tried { cases, met, .. }) in &tried {
        println!("  {name}: {cases} cases, {met} faults met");
    }
    let (number, seconds) = (operations.len(), began.elapsed().as_secs_f64());
    println!(
        "fault matrix: {database}: {number} operations, {cases} cases, {met} faults met, {failed} failed, in {seconds:.0} s"
    );
    assert_eq!(failed, 0, "cases failed");
    assert_eq!(tried.len(), number, "operations without a case");
    // Steps of what goes on in the background shift by one now and then.
    assert!(met * 10 >= cases * 9, "only {met} of {cases} faults were met");
    let missed: Vec<_> = tried.iter().filter(|(_, tried)| tried.met * 2 < tried.cases).map(|(name, _)| name).collect();
    assert!(missed.is_empty(), "of these operations less than half of the faults were met: {missed:?}");
}

/// What each operation comes to without a fault: the quickest of some times, because a slow one also has steps of what goes on
/// in the background, which are nobody's to meet. All are done before any is done again: a database that stands still for a
/// while slows each of them once.
fn references(
    places: &[Place],
    operations: impl Iterator<Item = &'static Operation> + Clone,
) -> HashMap<&'static str, Reference> {
    let quickest: Mutex<HashMap<&str, Reference>> = Mutex::default();
    let rounds: Vec<_> = std::iter::repeat_n(operations, REFERENCES).flatten().collect();
    in_each(places, &rounds, |place, operation| {
        let reference = Reference::of(operation, place);
        let mut quickest = quickest.lock().unwrap();
        let is_quicker = quickest.get(operation.name).is_none_or(|other| reference.steps.len() < other.steps.len());
        if is_quicker {
            quickest.insert(operation.name, reference);
        }
    });
    quickest.into_inner().unwrap()
}

/// Runs the cases, and says by operation what became of them.
fn try_all(places: &[Place], cases: &[Case], references: &HashMap<&str, Reference>) -> BTreeMap<&'static str, Tried> {
    let all: Mutex<BTreeMap<&'static str, Tried>> = Mutex::default();
    in_each(places, cases, |place, case| {
        let name = case.operation.name;
        let outcome = catch_unwind(AssertUnwindSafe(|| case.run(place, &references[name].state)));
        let mut all = all.lock().unwrap();
        let tried = all.entry(name).or_default();
        tried.cases += 1;
        match outcome {
            Ok(met) => tried.met += usize::from(met),
            Err(cause) => {
                let text = cause.downcast_ref::<String>().cloned();
                let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                let text = format!("{}: {}", case.name(), text.unwrap_or_default());
                println!("FAILED {text}");
                tried.failures.push(text);
            }
        }
    });
    all.into_inner().unwrap()
}

/// Does `what` with every item, in as many threads as there are places.
fn in_each<T: Sync>(places: &[Place], items: &[T], what: impl Fn(&Place, &T) + Sync)
where
    Place: Sync,
{
    let next = Mutex::new(items.iter());
    std::thread::scope(|scope| {
        for place in places {
            scope.spawn(|| {
                while let Some(item) = { next.lock().unwrap().next() } {
                    what(place, item);
                }
            });
        }
    });
}

/// What `doing` comes to, unless something in it is stuck.
fn in_time<T>(node: &Node, what: &str, doing: impl Future<Output = T>) -> T {
    node.run(async { tokio::time::timeout(LONGEST, doing).await }).unwrap_or_else(|_| panic!("{what} is stuck"))
}

/// Starts a node with what the operation needs, and waits until it is quiet.
fn prepared(operation: &Operation, place: &Place) -> Node {
    let (name, node, until) = (operation.name, Node::start(place), Instant::now() + LONGEST);
    in_time(&node, &format!("what '{name}' needs"), (operation.prepare)(&node))
        .unwrap_or_else(|error| panic!("what '{name}' needs: {error}"));
    loop {
        node.faults().plan(None);
        node.run(async { tokio::time::sleep(Duration::from_millis(40)).await });
        if node.faults().clear().steps.is_empty() {
            return node;
        }
        assert!(Instant::now() < until, "before '{name}' it never becomes quiet");
    }
}

/// What is there at the end.
async fn left(operation: &Operation, node: &Node) -> Vec<String> {
    state::assert_nothing_is_stuck(node).await;
    (operation.afterwards)(node).await.unwrap();
    let mut facts = state::of(node).await;
    if let Some((kind, of, id)) = operation.context {
        let id = format!("{}-{id}", node.name);
        facts.extend(state::results(node, kind, of, &id).await);
    }
    state::of_any_application(node, &facts)
}

impl Reference {
    fn of(operation: &Operation, place: &Place) -> Self {
        let node = prepared(operation, place);
        node.faults().plan(None);
        in_time(&node, operation.name, (operation.perform)(&node))
            .unwrap_or_else(|error| panic!("{}: {error}", operation.name));
        let steps = node.faults().clear().steps;
        Self { state: in_time(&node, "what is left", left(operation, &node)), steps }
    }
}

/// How an attempt of a client ended.
enum Attempt {
    Answered(Result<(), sdata_sync::provider::Error>),
    Died,
    Stuck,
}

impl Case {
    fn name(&self) -> String {
        let Plan { fault, side, step, number, .. } = &self.plan;
        format!("{} / {fault:?} {side:?} {step:?} {number} ({})", self.operation.name, self.statement)
    }

    /// Runs the case; says whether its fault was met.
    fn run(&self, place: &Place, expected: &[String]) -> bool {
        let mut node = prepared(self.operation, place);
        node.faults().plan(Some(self.plan.clone()));
        let until = Instant::now() + LONGEST;
        let (mut met, mut repeated) = (false, false);
        loop {
            assert!(Instant::now() < until, "the client asks again and again, and is never answered");
            match self.attempt(&node, until, &mut met) {
                Attempt::Answered(Ok(())) => break,
                Attempt::Answered(Err(error)) if repeated && (self.operation.is_done)(&error) => break,
                Attempt::Answered(Err(error)) => {
                    let status = error.failure().status;
                    assert_eq!(status, 503, "after {repeated}: {error:?}");
                    if self.plan.lasts {
                        met |= node.faults().clear().happened;
                    }
                }
                Attempt::Died => {
                    met = true;
                    node.crash();
                }
                Attempt::Stuck => panic!("nothing moves any more"),
            }
            repeated = true;
        }
        if node.faults().clear().happened {
            met = true;
            // Also a process that died in the background, when the client had its answer already.
            if self.plan.fault == Fault::Crash {
                node.crash();
            }
        }
        let found = in_time(&node, "what is left", left(self.operation, &node));
        let may_repeat = |fact: &str| repeated && self.operation.may_repeat.iter().any(|word| fact.contains(word));
        assert_alike(&without_repeats(&found, expected, may_repeat), expected);
        met
    }

    /// One attempt; `met` says whether a fault that lasts was met in it.
    fn attempt(&self, node: &Node, until: Instant, met: &mut bool) -> Attempt {
        node.run(async {
            let ending = async {
                if self.plan.lasts {
                    tokio::time::sleep(LASTS).await;
                    *met |= node.faults().clear().happened;
                }
                tokio::time::sleep_until(until.into()).await;
            };
            tokio::select! {
                biased;
                () = node.faults().crashed() => Attempt::Died,
                answer = (self.operation.perform)(node) => Attempt::Answered(answer),
                () = ending => Attempt::Stuck,
            }
        })
    }
}

/// What was found, without what is there more often than expected and may be.
fn without_repeats(found: &[String], expected: &[String], may_repeat: impl Fn(&str) -> bool) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for fact in found {
        let times = |facts: &[String]| facts.iter().filter(|other| *other == fact).count();
        let is_repeat = times(expected) > 0 && times(&kept) == times(expected);
        if !(is_repeat && may_repeat(fact)) {
            kept.push(fact.clone());
        }
    }
    kept
}

fn assert_alike(found: &[String], expected: &[String]) {
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|fact| !those.contains(fact)).cloned().collect::<Vec<_>>().join("\n    ")
    };
    assert!(
        found == expected,
        "\n  too much:\n    {}\n  missing:\n    {}\n  {} facts for {}",
        only(found, expected),
        only(expected, found),
        found.len(),
        expected.len()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_repeat_must_be_there_as_often_as_expected_and_anything_else_exactly_so() {
        let facts = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let is_repeatable = |fact: &str| "ab".contains(fact);
        let kept = |found: &str| without_repeats(&facts(found), &facts("aabc"), is_repeatable);
        for found in ["aabc", "aababc", "aaabbc", "aabca"] {
            assert_eq!(kept(found), facts("aabc"), "{found}");
        }
        for found in ["abc", "aac", "aabcc", "aabcd"] {
            assert_ne!(kept(found), facts("aabc"), "{found}");
        }
    }
}
