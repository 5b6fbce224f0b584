//! The matrix: every operation, every step of it, every fault there.

use crate::node::{Node, Place};
use crate::operations::{OPERATIONS, Operation};
use crate::state;
use sdata_sync::store::faults::{Fault, Plan, Seen, Side, Step};
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a case may take, on a busy machine, before something in it is stuck.
const LONGEST: Duration = Duration::from_secs(90);

/// How long a fault lasts that lasts.
const LASTS: Duration = Duration::from_secs(3);

/// How often an operation is done without a fault.
const REFERENCES: usize = 3;

/// Whether all are run.
fn nightly() -> bool {
    std::env::var_os("SDATA_SYNC_NIGHTLY").is_some()
}

/// At which statements something goes wrong when not every night's combinations are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statements {
    Every,
    EveryThird,
}

struct Case {
    operation: &'static Operation,
    plan: Plan,
    statement: String,
}

/// What an operation leaves behind when nothing goes wrong, and the steps it takes.
struct Reference {
    state: Vec<String>,
    seen: Seen,
}

/// Runs the matrix on one database, one case at a time in each place.
pub(crate) fn run(database: &str, places: &[Place], statements: Statements) {
    let began = Instant::now();
    let wanted = std::env::var("FAULTS_OF").unwrap_or_default();
    let operations: Vec<_> = OPERATIONS.iter().filter(|operation| operation.name.contains(&wanted)).collect();
    let references: Mutex<HashMap<&str, Reference>> = Mutex::default();
    in_each(places, &operations, |place, operation| {
        let reference = Reference::of(operation, place);
        references.lock().unwrap().insert(operation.name, reference);
    });
    let references = references.into_inner().unwrap();
    let cases: Vec<_> = operations
        .iter()
        .filter_map(|operation| Some((operation, references.get(operation.name)?)))
        .flat_map(|(operation, reference)| cases(operation, &reference.seen, statements))
        .collect();
    let met: Mutex<BTreeMap<&str, (u32, u32)>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    in_each(places, &cases, |place, case| {
        let name = case.operation.name;
        let outcome = catch_unwind(AssertUnwindSafe(|| case.run(place, &references[name].state)));
        let mut met = met.lock().unwrap();
        let counts = met.entry(name).or_default();
        counts.0 += 1;
        match outcome {
            Ok(happened) => counts.1 += u32::from(happened),
            Err(cause) => {
                let text = cause.downcast_ref::<String>().cloned();
                let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                let text = format!("{}: {}", case.name(), text.unwrap_or_default());
                println!("FAILED {text}");
                failures.lock().unwrap().push(text);
            }
        }
    });
    let (met, failures) = (met.into_inner().unwrap(), failures.into_inner().unwrap());
    for (name, (cases, met)) in &met {
        println!("  {name}: {cases} cases, {met} faults met");
    }
    let happened: u32 = met.values().map(|(_, met)| met).sum();
    println!(
        "fault matrix: {database}: {} operations, {} cases, {happened} faults met, {} failed, in {:.0} s",
        operations.len(),
        cases.len(),
        failures.len(),
        began.elapsed().as_secs_f64()
    );
    assert!(failures.is_empty(), "{} cases failed", failures.len());
    // Steps of what goes on in the background shift by one now and then.
    assert!(happened as usize * 10 >= cases.len() * 9, "only {happened} of {} faults were met", cases.len());
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
    let node = Node::start(place);
    in_time(&node, "preparing", (operation.prepare)(&node))
        .unwrap_or_else(|error| panic!("{}: {error}", operation.name));
    loop {
        node.faults().plan(None);
        node.run(async { tokio::time::sleep(Duration::from_millis(15)).await });
        if node.faults().clear().steps.is_empty() {
            return node;
        }
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
    /// The quickest of some: a slow one also has steps of what goes on in the background, which are nobody's to meet.
    fn of(operation: &Operation, place: &Place) -> Self {
        let performed = (0..REFERENCES).map(|_| Self::once(operation, place));
        performed.min_by_key(|reference| reference.seen.steps.len()).unwrap()
    }

    fn once(operation: &Operation, place: &Place) -> Self {
        let node = prepared(operation, place);
        node.faults().plan(None);
        in_time(&node, operation.name, (operation.perform)(&node))
            .unwrap_or_else(|error| panic!("{}: {error}", operation.name));
        let seen = node.faults().clear();
        Self { state: in_time(&node, "what is left", left(operation, &node)), seen }
    }
}

/// The cases of one operation: every fault at begins and commits; at statements every fault nightly, else one after the other.
fn cases(operation: &'static Operation, seen: &Seen, statements: Statements) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut counts: BTreeMap<Step, u64> = BTreeMap::new();
    for (place, (step, statement)) in seen.steps.iter().enumerate() {
        let number = counts.entry(*step).or_default();
        let writes = ["INSERT", "UPDATE", "DELETE"].iter().any(|word| statement.starts_with(word));
        let mut faults = match step {
            Step::Statement => {
                vec![(Fault::Busy, Side::Before), (Fault::Lost, Side::Before), (Fault::Crash, Side::Before)]
            }
            Step::Alone => vec![(Fault::Busy, Side::Before), (Fault::Lost, Side::Before), (Fault::Crash, Side::Before)],
            Step::Begin => vec![(Fault::Busy, Side::Before), (Fault::LaneTaken, Side::Before)],
            Step::Commit => vec![
                (Fault::Busy, Side::Before),
                (Fault::Full, Side::Before),
                (Fault::Lost, Side::Before),
                (Fault::Lost, Side::After),
                (Fault::Crash, Side::Before),
                (Fault::Crash, Side::After),
            ],
        };
        if writes && matches!(step, Step::Statement | Step::Alone) {
            faults.push((Fault::Full, Side::Before));
        }
        if writes && *step == Step::Alone {
            faults.extend([(Fault::Lost, Side::After), (Fault::Crash, Side::After)]);
        }
        if !nightly() && matches!(step, Step::Statement | Step::Alone) {
            let chosen = faults[place % faults.len()];
            let is_left_out = statements == Statements::EveryThird && !place.is_multiple_of(3);
            faults = if is_left_out { Vec::new() } else { vec![chosen] };
        }
        for (fault, side) in faults {
            let plan = Plan { fault, side, step: *step, number: *number, lasts: false };
            cases.push(Case { operation, plan, statement: statement.clone() });
        }
        *number += 1;
    }
    // One that lasts: whoever asked is told, and what can wait waits.
    for (fault, step) in [(Fault::Busy, Step::Begin), (Fault::Full, Step::Commit)] {
        if counts.contains_key(&step) && (nightly() || step == Step::Commit) {
            let plan = Plan { fault, side: Side::Before, step, number: 0, lasts: true };
            cases.push(Case { operation, plan, statement: "lasting".to_owned() });
        }
    }
    cases
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
        let mut met = false;
        let mut repeated = false;
        loop {
            match self.attempt(&node, &mut met) {
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
        let may_repeat = |fact: &&String| repeated && self.operation.may_repeat.iter().any(|word| fact.contains(word));
        let counted = |facts: &[String]| facts.iter().filter(|fact| !may_repeat(fact)).cloned().collect::<Vec<_>>();
        let (found, expected) = (counted(&found), counted(expected));
        let only = |these: &[String], those: &[String]| {
            these.iter().filter(|fact| !those.contains(fact)).cloned().collect::<Vec<_>>().join("\n    ")
        };
        assert!(
            found == expected,
            "\n  too much:\n    {}\n  missing:\n    {}\n  {} facts for {}",
            only(&found, &expected),
            only(&expected, &found),
            found.len(),
            expected.len()
        );
        met
    }

    /// One attempt; `met` says whether a fault that lasts was met in it.
    fn attempt(&self, node: &Node, met: &mut bool) -> Attempt {
        node.run(async {
            let ending = async {
                if self.plan.lasts {
                    tokio::time::sleep(LASTS).await;
                    *met |= node.faults().clear().happened;
                }
                tokio::time::sleep(LONGEST).await;
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
