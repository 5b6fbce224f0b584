//! How many at a time: of all together, and of each.

use super::access::customer;
use super::audit::Origin;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whom something is counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// An account.
    Principal(Box<str>),
    /// Where it came from.
    Address(IpAddr),
}

impl Who {
    /// Whoever a request is from: their account, or else their address.
    #[must_use]
    pub fn of(origin: &Origin) -> Option<Self> {
        let account = origin.principal.as_deref().map(|name| Self::Principal(name.into()));
        account.or_else(|| origin.remote_address.as_deref()?.parse().ok().map(Self::at))
    }

    /// Whoever is at an address.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self::Address(customer(address))
    }
}

/// Lets in so many.
#[derive(Debug)]
pub struct Gate {
    most: usize,
    most_of_each: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    each: HashMap<Who, usize>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// So many are inside.
    All(usize),
    /// So many of the same are.
    OfOne(usize),
}

/// Somebody is inside while this is there.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    counts: bool,
    who: Option<Who>,
}

impl Gate {
    /// Lets in `most` together, of whom `most_of_each` may be the same.
    #[must_use]
    pub fn new(most: usize, most_of_each: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_each, inside: Mutex::default() })
    }

    /// Lets somebody in; `who` is counted together with those who are the same.
    ///
    /// # Errors
    /// [`Full`].
    pub fn enter(self: &Arc<Self>, who: Option<Who>) -> Result<Pass, Full> {
        self.let_in(who, true)
    }

    /// Counts somebody who is inside for an account, too, now that it is known.
    ///
    /// # Errors
    /// [`Full::OfOne`].
    pub fn enter_as(self: &Arc<Self>, principal: &str) -> Result<Pass, Full> {
        self.let_in(Some(Who::Principal(principal.into())), false)
    }

    fn let_in(self: &Arc<Self>, who: Option<Who>, counts: bool) -> Result<Pass, Full> {
        let mut inside = self.inside();
        if counts && inside.all >= self.most {
            return Err(Full::All(self.most));
        }
        if let Some(who) = &who {
            let same = inside.each.get(who).copied().unwrap_or_default();
            if same >= self.most_of_each {
                return Err(Full::OfOne(self.most_of_each));
            }
            inside.each.insert(who.clone(), same + 1);
        }
        inside.all += usize::from(counts);
        Ok(Pass { gate: Arc::clone(self), counts, who })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.all -= usize::from(self.counts);
        if let Some(who) = self.who.take() {
            let left = inside.each.get(&who).map_or(0, |same| same - 1);
            if left == 0 {
                inside.each.remove(&who);
            } else {
                inside.each.insert(who, left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn at(last: u8) -> Option<Who> {
        Some(Who::at(Ipv4Addr::new(192, 0, 2, last).into()))
    }

    #[test]
    fn so_many_are_let_in_of_each_and_of_all_and_others_when_they_leave() {
        let gate = Gate::new(3, 2);
        let first = gate.enter(at(1)).unwrap();
        let _second = gate.enter(at(1)).unwrap();
        assert_eq!(gate.enter(at(1)).unwrap_err(), Full::OfOne(2));
        let _other = gate.enter(at(2)).unwrap();
        assert_eq!(gate.enter(at(3)).unwrap_err(), Full::All(3));
        assert_eq!(gate.enter(None).unwrap_err(), Full::All(3));
        drop(first);
        let _again = gate.enter(at(1)).unwrap();
        assert_eq!(gate.enter(at(1)).unwrap_err(), Full::All(3));
    }

    #[test]
    fn an_account_is_counted_wherever_it_asks_from_and_nobody_twice() {
        let gate = Gate::new(3, 2);
        let _requests: Vec<_> = (1..=2).map(|last| gate.enter(at(last)).unwrap()).collect();
        let _same: Vec<_> = (1..=2).map(|_| gate.enter_as("anna").unwrap()).collect();
        assert_eq!(gate.enter_as("anna").unwrap_err(), Full::OfOne(2));
        assert!(gate.enter_as("bert").is_ok());
        assert!(gate.enter(at(3)).is_ok(), "those inside are two");
    }

    #[test]
    fn a_request_is_its_accounts_or_else_its_addresss() {
        let origin = |principal: Option<&str>, address: Option<&str>| Origin {
            principal: principal.map(str::to_owned),
            remote_address: address.map(str::to_owned),
            ..Origin::default()
        };
        assert_eq!(Who::of(&origin(Some("anna"), Some("192.0.2.1"))), Some(Who::Principal("anna".into())));
        assert_eq!(Who::of(&origin(None, Some("192.0.2.1"))), at(1));
        assert_eq!(Who::of(&origin(None, None)), None);
    }

    #[test]
    fn nothing_is_kept_of_those_who_left() {
        let gate = Gate::new(2, 2);
        drop((gate.enter(at(1)), gate.enter_as("anna")));
        assert!(gate.inside().each.is_empty());
        assert_eq!(gate.inside().all, 0);
    }

    #[test]
    fn all_addresses_of_one_network_of_ipv6_are_one() {
        let who = |text: &str| Who::at(text.parse().unwrap());
        assert_eq!(who("2001:db8:1:2::1"), who("2001:db8:1:2:ffff::9"));
        assert_ne!(who("2001:db8:1:2::1"), who("2001:db8:1:3::1"));
        assert_eq!(who("::ffff:192.0.2.1"), who("192.0.2.1"));
        assert_ne!(who("192.0.2.1"), who("192.0.2.2"));
    }
}
