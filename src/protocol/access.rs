//! Who may do what, and where (core 5): roles and the scopes they are granted in.

use std::fmt;
use std::str::FromStr;

/// What can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// To read resources, what describes them, and their links.
    Read,
    /// To create, change and delete resources.
    Write,
    /// To run passes, and to link resources.
    Synchronize,
    /// To read the audit.
    Administer,
}

/// What an account may do, as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads.
    Reader,
    /// Reads and writes.
    Writer,
    /// Reads and synchronizes, but does not write otherwise.
    Synchronizer,
    /// Everything.
    Administrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Writer, Self::Synchronizer, Self::Administrator];

    /// The role's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Synchronizer => "synchronizer",
            Self::Administrator => "administrator",
        }
    }

    /// Reads a role by its name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether the role brings `right`.
    #[must_use]
    pub const fn has(self, right: Right) -> bool {
        match (self, right) {
            (_, Right::Read)
            | (Self::Writer, Right::Write)
            | (Self::Synchronizer, Right::Synchronize)
            | (Self::Administrator, _) => true,
            (Self::Reader | Self::Writer | Self::Synchronizer, _) => false,
        }
    }
}

/// Levels of a scope: application, contract, dataset, resource kind.
const LEVELS: usize = 4;
/// Longest scope, in characters.
const MAX_SCOPE_CHARS: usize = 512;
/// What stands for any name.
const ANY: &str = "*";

/// Where a role is granted: the names of application, contract, dataset and resource kind, as they stand in URLs. Where names
/// are left out at the end, everything below is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GrantScope(Vec<Option<String>>);

/// Why a text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no scope: it is APPLICATION/CONTRACT/DATASET/KIND or the beginning of that, with * for any name")]
pub struct NoScope(String);

impl GrantScope {
    /// Whether all of `place` lies within the scope.
    #[must_use]
    pub fn covers(&self, place: &[&str]) -> bool {
        self.0.len() <= place.len() && self.touches(place)
    }

    /// Whether `place` lies within the scope, or above something that does.
    #[must_use]
    pub fn touches(&self, place: &[&str]) -> bool {
        self.0.iter().zip(place).all(|(name, at)| name.as_deref().is_none_or(|name| name == *at))
    }

    /// The one contract that it is about, if it is about one alone.
    #[must_use]
    pub fn contract(&self) -> Option<&str> {
        self.0.get(1)?.as_deref()
    }
}

impl FromStr for GrantScope {
    type Err = NoScope;

    fn from_str(text: &str) -> Result<Self, NoScope> {
        let is_name = |name: &&str| !name.is_empty() && !name.chars().any(char::is_control);
        let names: Vec<&str> = text.trim().trim_end_matches('/').split('/').collect();
        if names.len() > LEVELS || !names.iter().all(is_name) || text.chars().count() > MAX_SCOPE_CHARS {
            return Err(NoScope(text.to_owned()));
        }
        let mut scope: Vec<_> = names.into_iter().map(|name| (name != ANY).then(|| name.to_owned())).collect();
        while scope.last().is_some_and(Option::is_none) {
            scope.pop();
        }
        Ok(Self(scope))
    }
}

impl fmt::Display for GrantScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(ANY);
        }
        for (level, name) in self.0.iter().enumerate() {
            if level > 0 {
                f.write_str("/")?;
            }
            f.write_str(name.as_deref().unwrap_or(ANY))?;
        }
        Ok(())
    }
}

/// A role in a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// What is allowed.
    pub role: Role,
    /// Where.
    pub scope: GrantScope,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ACCOUNTS: [&str; 4] = ["crm", "sample", "-", "accounts"];

    #[rstest]
    #[case::everything("*", "*", true, true)]
    #[case::everything_in_full("*/*/*/*", "*", true, true)]
    #[case::application("crm", "crm", true, true)]
    #[case::with_slash("crm/", "crm", true, true)]
    #[case::contract("crm/sample", "crm/sample", true, true)]
    #[case::kind("crm/sample/-/accounts", "crm/sample/-/accounts", true, true)]
    #[case::kind_of_any_contract("crm/*/*/accounts", "crm/*/*/accounts", true, true)]
    #[case::other_kind("crm/sample/-/contacts", "crm/sample/-/contacts", false, false)]
    #[case::other_application("erp", "erp", false, false)]
    #[case::other_case("CRM", "CRM", false, false)]
    fn a_scope_covers_what_it_names_and_everything_below(
        #[case] text: &str,
        #[case] written: &str,
        #[case] covers: bool,
        #[case] touches: bool,
    ) {
        let scope: GrantScope = text.parse().unwrap();
        assert_eq!(scope.to_string(), written);
        assert_eq!(scope.covers(&ACCOUNTS), covers);
        assert_eq!(scope.touches(&ACCOUNTS), touches);
    }

    #[rstest]
    #[case::above(&["crm"], false, true)]
    #[case::nearly(&["crm", "sample", "-"], false, true)]
    #[case::beside(&["crm", "other"], false, false)]
    fn what_is_above_a_scope_is_touched_and_not_covered(
        #[case] place: &[&str],
        #[case] covers: bool,
        #[case] touches: bool,
    ) {
        let scope: GrantScope = "crm/sample/-/accounts".parse().unwrap();
        assert_eq!((scope.covers(place), scope.touches(place)), (covers, touches));
    }

    #[rstest]
    #[case::contract("crm/sample", Some("sample"))]
    #[case::kind_of_it("*/sample/-/accounts", Some("sample"))]
    #[case::any("crm/*/-/accounts", None)]
    #[case::all_of_them("crm", None)]
    fn a_scope_may_be_about_one_contract(#[case] scope: &str, #[case] contract: Option<&str>) {
        assert_eq!(scope.parse::<GrantScope>().unwrap().contract(), contract);
    }

    #[rstest]
    #[case::empty("")]
    #[case::too_deep("a/b/c/d/e")]
    #[case::gap("crm//accounts")]
    #[case::control("c\u{7}rm")]
    fn what_is_no_scope_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<GrantScope>(), Err(NoScope(text.to_owned())));
    }

    #[test]
    fn roles_bring_these_rights() {
        let rights = [Right::Read, Right::Write, Right::Synchronize, Right::Administer];
        let table = Role::ALL.map(|role| rights.map(|right| role.has(right)));
        let expected = [
            [true, false, false, false],
            [true, true, false, false],
            [true, false, true, false],
            [true, true, true, true],
        ];
        assert_eq!(table, expected);
        assert_eq!(Role::ALL.map(|role| Role::parse(role.as_str())), Role::ALL.map(Some));
        assert_eq!(Role::parse("root"), None);
    }
}
