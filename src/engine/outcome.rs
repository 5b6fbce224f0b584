//! What a target did with an entry, read from its result (sync 5.3).

use crate::protocol::{Diagnosis, Severity};
use crate::wire::Entry;

/// Our own name for a conflict that the target's version won.
const CONFLICT_LOST: &str = "conflictLost";
/// Our own name for a conflict that the incoming entry won.
const CONFLICT_WON: &str = "conflictWon";
/// Our own name for an entry that the target already had.
const IGNORED: &str = "ignored";

/// What a target did with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryOutcome {
    Created,
    Updated,
    Deleted,
    Ignored,
    ConflictWon,
    ConflictLost,
    Failed,
}

impl EntryOutcome {
    /// Reads the outcome from a result's entry: from our diagnoses where there are some, else from the status and
    /// the method, which is all that other providers say.
    pub(super) fn of(entry: &Entry) -> Self {
        let says = |code| entry.diagnoses.iter().any(|diagnosis| diagnosis.application_code == code);
        match entry.http_status {
            Some(409) if says(CONFLICT_LOST) || !entry.diagnoses.iter().any(names_a_fault) => Self::ConflictLost,
            Some(304) => Self::Ignored,
            Some(status) if !(200..300).contains(&status) => Self::Failed,
            None if entry.diagnoses.iter().any(is_error) => Self::Failed,
            _ if says(CONFLICT_WON) => Self::ConflictWon,
            _ if says(IGNORED) => Self::Ignored,
            status => Self::of_method(status, entry.http_method.as_deref().unwrap_or_default()),
        }
    }

    fn of_method(status: Option<u16>, method: &str) -> Self {
        match status {
            Some(201) => Self::Created,
            _ if method.eq_ignore_ascii_case("DELETE") => Self::Deleted,
            _ if method.eq_ignore_ascii_case("POST") => Self::Created,
            _ => Self::Updated,
        }
    }
}

/// What a target says of an entry that failed.
pub(super) fn reason_of(entry: &Entry) -> String {
    let said = entry.diagnoses.iter().map(|diagnosis| diagnosis.message.as_str()).filter(|text| !text.is_empty());
    let said = said.collect::<Vec<_>>().join("; ");
    if said.is_empty() { entry.http_message.clone().unwrap_or_default() } else { said }
}

fn is_error(diagnosis: &Diagnosis) -> bool {
    matches!(diagnosis.severity, Severity::Transient | Severity::Error | Severity::Fatal)
}

/// A 409 with a code of its own is another fault than a lost conflict: a key that is taken, for instance.
fn names_a_fault(diagnosis: &Diagnosis) -> bool {
    is_error(diagnosis) && !diagnosis.application_code.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::created(Some(201), "POST", None, EntryOutcome::Created)]
    #[case::updated(Some(200), "PUT", None, EntryOutcome::Updated)]
    #[case::deleted(Some(200), "DELETE", None, EntryOutcome::Deleted)]
    #[case::deleted_without_content(Some(204), "delete", None, EntryOutcome::Deleted)]
    #[case::posted_and_answered_200(Some(200), "POST", None, EntryOutcome::Created)]
    #[case::ignored(Some(200), "PUT", Some((Severity::Info, "ignored")), EntryOutcome::Ignored)]
    #[case::not_modified(Some(304), "", None, EntryOutcome::Ignored)]
    #[case::conflict_won(Some(200), "PUT", Some((Severity::Info, "conflictWon")), EntryOutcome::ConflictWon)]
    #[case::conflict_lost(Some(409), "PUT", Some((Severity::Error, "conflictLost")), EntryOutcome::ConflictLost)]
    #[case::foreign_conflict(Some(409), "PUT", None, EntryOutcome::ConflictLost)]
    #[case::foreign_conflict_with_a_message(Some(409), "PUT", Some((Severity::Error, "")), EntryOutcome::ConflictLost)]
    #[case::other_fault_than_a_conflict(Some(409), "POST", Some((Severity::Error, "keyTaken")), EntryOutcome::Failed)]
    #[case::invalid(Some(400), "POST", None, EntryOutcome::Failed)]
    #[case::broken(Some(500), "", None, EntryOutcome::Failed)]
    #[case::nothing_but_an_error(None, "", Some((Severity::Error, "")), EntryOutcome::Failed)]
    #[case::nothing_said(None, "", None, EntryOutcome::Updated)]
    fn the_outcome_is_read_from_status_method_and_diagnoses(
        #[case] http_status: Option<u16>,
        #[case] method: &str,
        #[case] diagnosis: Option<(Severity, &str)>,
        #[case] outcome: EntryOutcome,
    ) {
        let diagnoses = diagnosis.map(|(severity, code)| Diagnosis::error(code, "said").with_severity(severity));
        let http_method = Some(method.to_owned());
        let entry = Entry { http_status, http_method, diagnoses: diagnoses.into_iter().collect(), ..Entry::default() };
        assert_eq!(EntryOutcome::of(&entry), outcome);
    }
}
