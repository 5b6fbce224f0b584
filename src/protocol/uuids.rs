//! Under which UUIDs a resource is known, and what becomes of them when nodes name it differently (sync 1.1, 1.2).

use super::{Endpoint, Stamp};
use std::collections::BTreeSet;
use uuid::{Builder, Uuid};

/// The UUID that an endpoint gives to a resource of its own when somebody first has to know one (sync 1.2): always the same, so that a
/// database that was put back to before that moment gives it again (docs/adr/0006-restore.md).
///
/// `id` is the one under which the resource is kept, `created` the stamp of its first version: they tell it from another one that got
/// the id after a restore that nobody noticed. A UUID of version 8: of bytes that its maker has chosen.
#[must_use]
pub fn derived(own: &Endpoint, id: i64, created: Stamp) -> Uuid {
    let mut hash = blake3::Hasher::new();
    hash.update(&id.to_be_bytes()).update(&created.to_micros().to_be_bytes()).update(own.as_str().as_bytes());
    let mut bytes = [0; 16];
    hash.finalize_xof().fill(&mut bytes);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// The UUIDs of one resource. They belong to its version as its content does: two nodes that hold the same
/// version know it by the same UUIDs (docs/adr/0004-uuid-changes.md).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uuids {
    /// `sdata:uuid`; `None` while nobody linked the resource.
    pub current: Option<Uuid>,
    /// Those it bore before, or that somebody said to be the same. Never the current one.
    pub former: BTreeSet<Uuid>,
}

impl Uuids {
    /// All of them, the current one first.
    pub fn all(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.current.iter().chain(&self.former).copied()
    }

    /// Whether the resource is known by `uuid`.
    #[must_use]
    pub fn knows(&self, uuid: Uuid) -> bool {
        self.current == Some(uuid) || self.former.contains(&uuid)
    }

    /// Whether every UUID of `other` is one of these.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        other.all().all(|uuid| self.knows(uuid))
    }

    /// Another UUID becomes the current one; the one before it stays known.
    pub fn rename(&mut self, uuid: Uuid) {
        self.former.extend(self.current.replace(uuid));
        self.former.remove(&uuid);
    }

    /// The UUIDs of `other` are known too; the current one stays.
    pub fn take_in(&mut self, other: &Self) {
        self.former.extend(other.all());
        if let Some(current) = self.current {
            self.former.remove(&current);
        }
    }

    /// The version that was sent under `sent` replaces the one that is here. Its current UUID is taken over, unless it is
    /// one that was replaced here and the sender has not heard of that yet: a late change undoes no renaming.
    pub fn adopt(&mut self, sent: &Self) {
        let is_late = self.current.is_some_and(|own| !sent.knows(own));
        let renamed = sent.current.filter(|uuid| !(is_late && self.former.contains(uuid)));
        self.take_in(sent);
        if let Some(uuid) = renamed {
            self.rename(uuid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn uuid(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// The first of `numbers` is the current UUID.
    fn uuids(numbers: &[u128]) -> Uuids {
        let mut numbers = numbers.iter().map(|number| uuid(*number));
        Uuids { current: numbers.next(), former: numbers.collect() }
    }

    /// SYNC-1.2-03.
    #[test]
    fn a_resource_has_one_derived_uuid_and_every_other_resource_another() {
        let [accounts, orders] =
            ["accounts", "orders"].map(|kind| Endpoint::parse(&format!("http://a.test/{kind}")).unwrap());
        let (at, later) = (Stamp::from_millis(1), Stamp::from_millis(2));
        let one = derived(&accounts, 7, at);
        assert_eq!(one, derived(&accounts, 7, at));
        assert_eq!((one.get_version_num(), one.get_variant()), (8, uuid::Variant::RFC4122));
        for other in [derived(&orders, 7, at), derived(&accounts, 8, at), derived(&accounts, 7, later)] {
            assert_ne!(one, other);
        }
    }

    /// SYNC-1.2-05.
    #[rstest]
    #[case::the_same(&[1], &[1], &[1])]
    #[case::nothing_was_here(&[], &[1, 2], &[1, 2])]
    #[case::renamed_by_the_sender(&[1], &[2, 1], &[2, 1])]
    #[case::late_under_a_former_one(&[2, 1], &[1], &[2, 1])]
    #[case::renamed_here_and_there(&[2, 1], &[3, 1], &[3, 1, 2])]
    #[case::renamed_the_other_way_round(&[2, 1], &[1, 2], &[1, 2])]
    #[case::the_sender_knows_fewer(&[1, 2], &[1], &[1, 2])]
    fn a_version_brings_its_uuids(#[case] here: &[u128], #[case] sent: &[u128], #[case] expected: &[u128]) {
        let mut adopted = uuids(here);
        adopted.adopt(&uuids(sent));
        assert_eq!(adopted, uuids(expected));
    }

    #[test]
    fn no_uuid_is_ever_forgotten_by_a_rename() {
        let mut renamed = uuids(&[1]);
        renamed.rename(uuid(2));
        renamed.rename(uuid(1));
        assert_eq!(renamed, uuids(&[1, 2]));
        renamed.take_in(&uuids(&[3, 1]));
        assert_eq!(renamed, uuids(&[1, 2, 3]));
        assert!(renamed.cover(&uuids(&[3, 2])));
        assert!(!renamed.cover(&uuids(&[4])));
    }
}
