//! Which faults are planned at which steps of an operation: all that can happen there, or a sample of them.

use sdata_sync::store::faults::{Fault, Plan, Side, Step};
use std::collections::BTreeMap;

/// How much is tried when not every night's combinations are run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// One fault at one of so many statements.
    pub(crate) one_statement_in: usize,
    /// So many of the faults at each commit.
    pub(crate) at_commits: usize,
}

/// Whose turn it is: the faults that were chosen least often, so that all come round.
struct Turns {
    chosen: Vec<(Step, Fault, Side)>,
    /// Not every operation begins with the same.
    first: usize,
}

impl Turns {
    fn take(&mut self, step: Step, mut faults: Vec<(Fault, Side)>, most: usize) -> Vec<(Fault, Side)> {
        let first = self.first % faults.len();
        faults.rotate_left(first);
        faults.sort_by_key(|(fault, side)| self.chosen.iter().filter(|one| **one == (step, *fault, *side)).count());
        faults.truncate(most);
        self.chosen.extend(faults.iter().map(|(fault, side)| (step, *fault, *side)));
        faults
    }
}

/// What is planned for the operation with this number, which takes these steps, each with the step's statement: everything, or a sample.
pub(crate) fn plans(number: usize, steps: &[(Step, String)], sample: Option<Sample>) -> Vec<(Plan, String)> {
    let mut plans = Vec::new();
    let mut counts: BTreeMap<Step, u64> = BTreeMap::new();
    let mut turns = Turns { chosen: Vec::new(), first: number };
    let all_statements = steps.iter().filter(|(step, _)| is_statement(*step)).count();
    let (mut statements, mut holds_lane) = (0, false);
    for (step, statement) in steps {
        let mut faults = faults_at(*step, statement, holds_lane);
        if let Some(sample) = sample {
            let most = match step {
                Step::Begin => 1,
                Step::Commit => sample.at_commits,
                Step::Statement | Step::Alone => {
                    // Shifted, so that operations that begin alike are not tried at the same statements; one is, however few they are.
                    let shift = number % sample.one_statement_in.min(all_statements);
                    usize::from(statements % sample.one_statement_in == shift)
                }
            };
            faults = turns.take(*step, faults, most);
        }
        let count = counts.entry(*step).or_default();
        for (fault, side) in faults {
            plans.push((Plan { fault, side, step: *step, number: *count, lasts: false }, statement.clone()));
        }
        *count += 1;
        statements += usize::from(is_statement(*step));
        // Taken with a claim, given back with the end of the work.
        if statement.starts_with("UPDATE lane SET owner") {
            holds_lane = !statement.starts_with("UPDATE lane SET owner = NULL");
        }
    }
    // One that lasts: whoever asked is told, and what can wait waits.
    for (fault, step) in [(Fault::Busy, Step::Begin), (Fault::Full, Step::Commit)] {
        let is_chosen = sample.is_none() || (step == Step::Commit && number.is_multiple_of(2));
        if is_chosen && counts.contains_key(&step) {
            let plan = Plan { fault, side: Side::Before, step, number: 0, lasts: true };
            plans.push((plan, "lasting".to_owned()));
        }
    }
    plans
}

const fn is_statement(step: Step) -> bool {
    matches!(step, Step::Statement | Step::Alone)
}

/// What can go wrong at a step. A lane can be taken only from who holds one.
fn faults_at(step: Step, statement: &str, holds_lane: bool) -> Vec<(Fault, Side)> {
    let writes = ["INSERT", "UPDATE", "DELETE"].iter().any(|word| statement.starts_with(word));
    let mut faults = match step {
        Step::Statement | Step::Alone => {
            vec![(Fault::Busy, Side::Before), (Fault::Lost, Side::Before), (Fault::Crash, Side::Before)]
        }
        Step::Begin => vec![(Fault::Busy, Side::Before)],
        Step::Commit => vec![
            (Fault::Busy, Side::Before),
            (Fault::Full, Side::Before),
            (Fault::Lost, Side::Before),
            (Fault::Lost, Side::After),
            (Fault::Crash, Side::Before),
            (Fault::Crash, Side::After),
        ],
    };
    if step == Step::Begin && holds_lane {
        faults.push((Fault::LaneTaken, Side::Before));
    }
    if writes && is_statement(step) {
        faults.push((Fault::Full, Side::Before));
    }
    if writes && step == Step::Alone {
        faults.extend([(Fault::Lost, Side::After), (Fault::Crash, Side::After)]);
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transaction of so many statements that write.
    fn transaction(statements: usize) -> Vec<(Step, String)> {
        let statements = std::iter::repeat_n((Step::Statement, "UPDATE resource".to_owned()), statements);
        let begin = std::iter::once((Step::Begin, "BEGIN".to_owned()));
        begin.chain(statements).chain([(Step::Commit, "COMMIT".to_owned())]).collect()
    }

    fn chosen(number: usize, steps: &[(Step, String)], one_statement_in: usize) -> Vec<(Step, Fault, Side)> {
        let plans = plans(number, steps, Some(Sample { one_statement_in, at_commits: 2 }));
        plans.iter().filter(|(plan, _)| !plan.lasts).map(|(plan, _)| (plan.step, plan.fault, plan.side)).collect()
    }

    #[test]
    fn all_faults_come_round_at_the_statements_of_an_operation_however_few_of_them_are_tried() {
        for one_statement_in in 1..=6 {
            let chosen = chosen(5, &transaction(8 * one_statement_in), one_statement_in);
            for fault in [Fault::Busy, Fault::Lost, Fault::Crash, Fault::Full] {
                let times = chosen.iter().filter(|one| **one == (Step::Statement, fault, Side::Before)).count();
                assert_eq!(times, 2, "{fault:?} at one statement in {one_statement_in}");
            }
        }
    }

    #[test]
    fn all_faults_come_round_at_commits() {
        let commits: Vec<_> = std::iter::repeat_n(transaction(0), 3).flatten().collect();
        let at_commits = chosen(1, &commits, 4).into_iter().filter(|(step, ..)| *step == Step::Commit);
        let mut kinds: Vec<_> = at_commits.map(|(_, fault, side)| format!("{fault:?} {side:?}")).collect();
        kinds.sort();
        let all = ["Busy Before", "Crash After", "Crash Before", "Full Before", "Lost After", "Lost Before"];
        assert_eq!(kinds, all);
    }

    #[test]
    fn an_operation_of_one_statement_is_tried_whatever_its_number() {
        let step = [(Step::Alone, "SELECT 1".to_owned())];
        assert!((0..8).all(|number| chosen(number, &step, 4).len() == 1));
    }

    #[test]
    fn a_lane_is_taken_only_from_who_holds_it() {
        let begin = || (Step::Begin, "BEGIN".to_owned());
        let sql = |text: &str| (Step::Statement, text.to_owned());
        let taken = sql("UPDATE lane SET owner = ?, lease_until = 1");
        let given_back = sql("UPDATE lane SET owner = NULL WHERE collection_id = ?");
        let steps = [begin(), taken, begin(), sql("UPDATE lane SET lease_until = 2"), begin(), given_back, begin()];
        let plans = plans(0, &steps, None);
        let lanes: Vec<_> = plans.iter().filter(|(plan, _)| plan.fault == Fault::LaneTaken).collect();
        assert_eq!(lanes.iter().map(|(plan, _)| plan.number).collect::<Vec<_>>(), [1, 2]);
    }
}
