//! The page `docs/conformance.md`, and what is wrong with the tables it is made from.

use crate::catalogue::{Clause, Open, OpenStatus};
use crate::claims::Claim;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What the page is made from.
pub(crate) struct Facts {
    pub(crate) clauses: Vec<Clause>,
    pub(crate) open: BTreeMap<String, Open>,
    pub(crate) claims: Vec<Claim>,
}

/// How far a clause is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Met,
    Partly,
    NotYet,
}

impl Facts {
    /// What does not fit together: each a line that says what to do.
    pub(crate) fn faults(&self) -> Vec<String> {
        let is_known = |id: &str| self.clauses.iter().any(|clause| clause.id == id);
        let mut faults = Vec::new();
        for claim in &self.claims {
            if !claim.is_test {
                faults.push(format!("{} names {} but is no test", claim.test, claim.ids.join(", ")));
            }
            let unknown = claim.ids.iter().filter(|id| !is_known(id));
            faults.extend(unknown.map(|id| format!("{} names {id}, which is not in catalogue.tsv", claim.test)));
        }
        let unknown = self.open.keys().filter(|id| !is_known(id));
        faults.extend(unknown.map(|id| format!("open.tsv has {id}, which is not in catalogue.tsv")));
        faults.extend(self.clauses.iter().filter_map(|clause| self.fault_of(clause)));
        faults
    }

    fn fault_of(&self, Clause { id, area, .. }: &Clause) -> Option<String> {
        let open = self.open.get(id).map(|open| open.status);
        match (self.tests(id).is_empty(), open) {
            (true, None) => Some(format!("{id} is shown by no test: add one, or a row to open.tsv ({area})")),
            (true, Some(OpenStatus::Partly)) => {
                Some(format!("{id} is partly met by open.tsv, but no test shows a part: make it not yet"))
            }
            (false, Some(OpenStatus::NotYet)) => {
                Some(format!("{id} has tests, but open.tsv says not yet: remove the row, or make it partly"))
            }
            (true, Some(OpenStatus::NotYet)) | (false, None | Some(OpenStatus::Partly)) => None,
        }
    }

    /// The page.
    pub(crate) fn page(&self) -> String {
        let count = |status| self.clauses.iter().filter(|clause| self.status(clause) == status).count();
        let mut page = String::from(HEAD);
        let (met, partly, not_yet) = (count(Status::Met), count(Status::Partly), count(Status::NotYet));
        let total = self.clauses.len();
        // Writing to a String cannot fail.
        let _ = writeln!(page, "Of {total} clauses {met} are met, {partly} partly, {not_yet} not yet.\n");
        page.push_str(
            "| id | requirement | level | area | status | shown by, or why not |\n|---|---|---|---|---|---|\n",
        );
        for clause in &self.clauses {
            let Clause { id, level, requirement, area, .. } = clause;
            let status = match self.status(clause) {
                Status::Met => "met",
                Status::Partly => "partly",
                Status::NotYet => "not yet",
            };
            let reason = self.open.get(id).map(|open| open.reason.clone());
            let tests = self.tests(id).into_iter().map(|test| format!("`{test}`"));
            let shown = reason.into_iter().chain(tests).collect::<Vec<_>>().join("<br>");
            let _ = writeln!(page, "| {id} | {requirement} | {level} | {area} | {status} | {shown} |");
        }
        page
    }

    fn status(&self, clause: &Clause) -> Status {
        match self.open.get(&clause.id).map(|open| open.status) {
            Some(OpenStatus::Partly) => Status::Partly,
            Some(OpenStatus::NotYet) => Status::NotYet,
            None if self.tests(&clause.id).is_empty() => Status::NotYet,
            None => Status::Met,
        }
    }

    fn tests(&self, id: &str) -> Vec<&str> {
        let naming = self.claims.iter().filter(|claim| claim.is_test && claim.ids.iter().any(|named| named == id));
        naming.map(|claim| claim.test.as_str()).collect()
    }
}

const HEAD: &str = "\
# Conformance

Made by `UPDATE_CONFORMANCE=1 cargo test --test conformance` from `conformance/catalogue.tsv` (the clauses of the public SData 1.1
specification that a synchronization provider meets), `conformance/open.tsv` (what is open, and why) and the tests' comments,
which name the clauses they show. Do not edit it: `cargo test --test conformance` fails when it is stale.

`SYNC-a.b` and `CORE-a.b` name the specification's sections; `OURS` is what this provider adds.
\"(ours)\" marks a rule of this provider, \"(decided)\" a place where the specification leaves something open or contradicts itself.
In the rows, S and T are the states of the incoming and of the stored resource, DS and DT the digests of source and target.

";

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(open: Option<OpenStatus>, tests: &[&str]) -> Facts {
        let clause = |id: &str| Clause {
            id: id.to_owned(),
            level: "MUST".to_owned(),
            section: "sync 1.1".to_owned(),
            requirement: "Holds.".to_owned(),
            area: "digest".to_owned(),
        };
        let claim =
            |id: &&str| Claim { ids: vec![(*id).to_owned()], test: "src/a.rs::holds".to_owned(), is_test: true };
        let open = open.map(|status| ("SYNC-1.1-01".to_owned(), Open { status, reason: "because".to_owned() }));
        Facts {
            clauses: vec![clause("SYNC-1.1-01")],
            open: open.into_iter().collect(),
            claims: tests.iter().map(claim).collect(),
        }
    }

    #[test]
    fn a_clause_is_shown_or_open() {
        assert!(facts(None, &["SYNC-1.1-01"]).faults().is_empty());
        assert!(facts(Some(OpenStatus::NotYet), &[]).faults().is_empty());
        assert!(facts(Some(OpenStatus::Partly), &["SYNC-1.1-01"]).faults().is_empty());
    }

    #[test]
    fn a_clause_that_is_neither_or_both_is_told() {
        assert_eq!(
            facts(None, &[]).faults(),
            ["SYNC-1.1-01 is shown by no test: add one, or a row to open.tsv (digest)"]
        );
        let partly = facts(Some(OpenStatus::Partly), &[]).faults();
        assert_eq!(partly, ["SYNC-1.1-01 is partly met by open.tsv, but no test shows a part: make it not yet"]);
        let both = facts(Some(OpenStatus::NotYet), &["SYNC-1.1-01"]).faults();
        assert_eq!(both, ["SYNC-1.1-01 has tests, but open.tsv says not yet: remove the row, or make it partly"]);
    }

    #[test]
    fn an_unknown_id_is_told() {
        let faults = facts(Some(OpenStatus::NotYet), &["SYNC-9.9-01"]).faults();
        assert_eq!(faults, ["src/a.rs::holds names SYNC-9.9-01, which is not in catalogue.tsv"]);
    }

    #[test]
    fn a_row_says_status_tests_and_reason() {
        let page = facts(Some(OpenStatus::Partly), &["SYNC-1.1-01"]).page();
        assert!(page.contains("Of 1 clauses 0 are met, 1 partly, 0 not yet."), "{page}");
        assert!(
            page.ends_with("| SYNC-1.1-01 | Holds. | MUST | digest | partly | because<br>`src/a.rs::holds` |\n"),
            "{page}"
        );
    }
}
