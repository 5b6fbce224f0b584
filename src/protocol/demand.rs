//! What a request needs, from the words of its URL alone: it is decided before anything is looked up, so an answer tells
//! nobody without the right whether something is there.

use super::access::{Grant, Right};

/// What the words of a URL name. Whether it exists is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Health, metrics and style sheets: no data, for everybody.
    Open,
    /// What belongs to no application: the list of applications, the registry, URLs that lead nowhere.
    Common,
    /// An application, contract or dataset, or a dataset's schema.
    Level(&'a [&'a str]),
    /// Anything of the audit, which is this application and contract. It tells of every kind, so it is open as a whole or not
    /// at all.
    Audit(&'a [&'a str]),
    /// A resource kind, and what is below.
    Kind(&'a [&'a str], Part),
}

/// What below a resource kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The collection, a resource, what its properties lead to.
    Resources,
    /// `$schema`, `$template`.
    Description,
    /// `$linked`, `$linked('{uuid}')`.
    Links,
    /// `$linked/$batch`.
    LinksBatch,
    /// `$batch`.
    Batch,
    /// `$syncDigest`, `$syncSource`, `$syncTarget`, `$syncResults`.
    Synchronization,
    /// Anything else: nothing that is served.
    Unknown,
}

/// What whoever asks must be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand<'a> {
    /// Nothing.
    Nothing,
    /// Anything anywhere.
    Anything,
    /// The right in the place or somewhere below it.
    Within(Right, &'a [&'a str]),
    /// The right in all of the place.
    All(Right, &'a [&'a str]),
}

impl<'a> Target<'a> {
    /// What a request to this URL needs; `reads` is whether its method is GET or HEAD. Where a URL has no method that
    /// changes anything, whoever may read it is told so.
    #[must_use]
    pub const fn demand(self, reads: bool) -> Demand<'a> {
        match self {
            Self::Open => Demand::Nothing,
            Self::Common => Demand::Anything,
            Self::Level(place) => Demand::Within(Right::Read, place),
            Self::Audit(place) => Demand::All(Right::Administer, place),
            Self::Kind(place, part) => Demand::All(part.right(reads), place),
        }
    }
}

impl Part {
    const fn right(self, reads: bool) -> Right {
        match (self, reads) {
            (Self::Description | Self::Unknown, _) | (Self::Resources | Self::Links, true) => Right::Read,
            (Self::Resources, false) | (Self::Batch, _) => Right::Write,
            (Self::Links, false) | (Self::LinksBatch | Self::Synchronization, _) => Right::Synchronize,
        }
    }
}

impl Demand<'_> {
    /// Whether `grants` meet it. The work is the same whatever the answer, so that time tells nothing either.
    #[must_use]
    pub fn is_met_by(self, grants: &[Grant]) -> bool {
        let meets = |grant: &Grant| match self {
            Self::Nothing | Self::Anything => true,
            Self::Within(right, place) => grant.role.has(right) & grant.scope.touches(place),
            Self::All(right, place) => grant.role.has(right) & grant.scope.covers(place),
        };
        let met = grants.iter().filter(|grant| meets(grant)).count();
        met > 0 || self == Self::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::super::access::Role;
    use super::*;
    use rstest::rstest;

    const PARTS: [Part; 7] = [
        Part::Resources,
        Part::Description,
        Part::Links,
        Part::LinksBatch,
        Part::Batch,
        Part::Synchronization,
        Part::Unknown,
    ];

    /// Which roles may read, and which may do anything else: in the order reader, writer, synchronizer, administrator.
    const fn allowed(part: Part) -> [&'static str; 2] {
        match part {
            Part::Resources => ["rwsa", "wa"],
            Part::Description | Part::Unknown => ["rwsa", "rwsa"],
            Part::Links => ["rwsa", "sa"],
            Part::LinksBatch | Part::Synchronization => ["sa", "sa"],
            Part::Batch => ["wa", "wa"],
        }
    }

    fn who(demand: Demand<'_>, scope: &str) -> String {
        let grant = |role| Grant { role, scope: scope.parse().unwrap() };
        let may = |role: &Role| demand.is_met_by(&[grant(*role)]);
        Role::ALL.iter().filter(|role| may(role)).map(|role| role.as_str().chars().next().unwrap()).collect()
    }

    #[test]
    fn every_part_of_a_kind_is_open_to_the_roles_of_the_table_and_no_other() {
        let place = ["crm", "sample", "-", "accounts"];
        for part in PARTS {
            for (reads, roles) in [true, false].into_iter().zip(allowed(part)) {
                let demand = Target::Kind(&place, part).demand(reads);
                for scope in ["*", "crm", "crm/sample", "crm/sample/-", "crm/sample/-/accounts", "*/*/*/accounts"] {
                    assert_eq!(who(demand, scope), roles, "{part:?} reads={reads} {scope}");
                }
                for scope in ["erp", "crm/other", "crm/sample/x", "crm/sample/-/contacts"] {
                    assert_eq!(who(demand, scope), "", "{part:?} reads={reads} {scope}");
                }
                assert!(!demand.is_met_by(&[]));
            }
        }
    }

    #[rstest]
    #[case::open(Target::Open, "crm", "rwsa")]
    #[case::common(Target::Common, "erp", "rwsa")]
    #[case::application(Target::Level(&["crm"]), "crm/sample/-/accounts", "rwsa")]
    #[case::other_application(Target::Level(&["crm"]), "erp", "")]
    #[case::contract(Target::Level(&["crm", "sample"]), "crm/sample/-/accounts", "rwsa")]
    #[case::other_contract(Target::Level(&["crm", "other"]), "crm/sample/-/accounts", "")]
    #[case::audit(Target::Audit(&["crm", "syncAudit"]), "crm", "a")]
    #[case::audit_alone(Target::Audit(&["crm", "syncAudit"]), "crm/syncAudit", "a")]
    #[case::audit_of_any_application(Target::Audit(&["crm", "syncAudit"]), "*/syncAudit", "a")]
    #[case::audit_of_a_narrow_scope(Target::Audit(&["crm", "syncAudit"]), "crm/sample", "")]
    #[case::a_kind_of_the_audit(Target::Audit(&["crm", "syncAudit"]), "crm/syncAudit/-/events", "")]
    #[case::a_kind_that_the_audit_has_too(Target::Audit(&["crm", "syncAudit"]), "crm/*/*/events", "")]
    fn levels_show_the_way_to_what_is_granted(#[case] target: Target<'_>, #[case] scope: &str, #[case] roles: &str) {
        assert_eq!(who(target.demand(true), scope), roles);
        assert_eq!(who(target.demand(false), scope), roles);
    }

    #[test]
    fn without_a_grant_only_what_is_open_can_be_had() {
        assert!(Target::Open.demand(true).is_met_by(&[]));
        assert!(!Target::Common.demand(true).is_met_by(&[]));
    }

    /// Each right comes from one grant: the role of one and the scope of another make nothing.
    #[test]
    fn grants_are_not_mixed() {
        let grants = [
            Grant { role: Role::Writer, scope: "crm/sample/-/contacts".parse().unwrap() },
            Grant { role: Role::Reader, scope: "crm".parse().unwrap() },
        ];
        let target = Target::Kind(&["crm", "sample", "-", "accounts"], Part::Resources);
        assert!(target.demand(true).is_met_by(&grants));
        assert!(!target.demand(false).is_met_by(&grants));
    }
}
