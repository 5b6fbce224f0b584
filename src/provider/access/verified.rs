//! Credentials that were good a moment ago, so that not every request costs a hash and a look-up.

use super::throttle::Network;
use super::visitor::Identity;
use super::{Credentials, limits};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What stands for credentials in memory: a hash under a key that only this process knows.
pub(super) type Shown = [u8; 32];

/// Credentials that were found good.
#[derive(Debug, Clone)]
pub(super) struct Good {
    /// Whose they are.
    pub(super) identity: Arc<Identity>,
    /// The stored hash that the password was verified against; tokens have none.
    pub(super) password_hash: Option<Arc<str>>,
    /// When the password was verified.
    pub(super) verified: Instant,
    /// When the account was looked up.
    pub(super) looked_up: Instant,
}

impl Good {
    /// Whether nothing needs to be asked.
    pub(super) fn holds(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.looked_up) < limits::ACCOUNT_HOLDS && self.is_verified(now)
    }

    /// Whether the password needs not be verified again, if the account has the same one still.
    pub(super) fn is_verified(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.verified) < limits::PASSWORD_HOLDS
    }
}

/// The credentials that were good of late.
#[derive(Debug)]
pub(super) struct Verified {
    key: [u8; 32],
    good: Mutex<HashMap<Shown, Good>>,
}

impl Verified {
    pub(super) fn new() -> Self {
        Self { key: rand::random(), good: Mutex::default() }
    }

    /// What stands for `credentials` from `network`: elsewhere they are verified anew, or one could guess there without being
    /// counted.
    pub(super) fn shown(&self, credentials: &Credentials, network: Network) -> Shown {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&network.octets());
        match credentials {
            Credentials::Basic { name, password } => {
                // Name and password must not run together.
                hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(password.as_bytes())
            }
            Credentials::Bearer(token) => hasher.update(&u64::MAX.to_le_bytes()).update(token.expose().as_bytes()),
        };
        *hasher.finalize().as_bytes()
    }

    pub(super) fn get(&self, shown: &Shown) -> Option<Good> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner).get(shown).cloned()
    }

    pub(super) fn forget(&self, shown: &Shown) {
        self.good.lock().unwrap_or_else(PoisonError::into_inner).remove(shown);
    }

    pub(super) fn remember(&self, shown: Shown, new: Good) {
        let now = new.looked_up;
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= limits::REMEMBERED {
            good.retain(|_, good| good.is_verified(now));
        }
        if good.len() >= limits::REMEMBERED {
            let oldest = good.iter().min_by_key(|(_, good)| good.looked_up).map(|(shown, _)| *shown);
            oldest.and_then(|shown| good.remove(&shown));
        }
        good.insert(shown, new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::access::Token;

    const HERE: Network = Network::NOWHERE;

    fn basic(name: &str, password: &str) -> Credentials {
        Credentials::Basic { name: name.to_owned(), password: password.to_owned() }
    }

    #[test]
    fn different_credentials_never_stand_for_the_same() {
        let verified = Verified::new();
        let all = [basic("a", "bc"), basic("ab", "c"), basic("", "abc"), Credentials::Bearer(Token::random())];
        let shown: std::collections::HashSet<_> = all.iter().map(|one| verified.shown(one, HERE)).collect();
        assert_eq!(shown.len(), all.len());
        assert_ne!(
            Verified::new().shown(&all[0], HERE),
            verified.shown(&all[0], HERE),
            "every process has its own key"
        );
        let elsewhere = Network::of(Some([192, 0, 2, 1].into()));
        assert_ne!(verified.shown(&all[0], elsewhere), verified.shown(&all[0], HERE));
    }

    #[test]
    fn what_was_good_holds_for_a_while_and_memory_is_bounded() {
        let (verified, now) = (Verified::new(), Instant::now());
        let identity = Arc::new(Identity { name: "ada".to_owned(), grants: Vec::new() });
        let good = Good { identity, password_hash: None, verified: now, looked_up: now };
        for number in 0..limits::REMEMBERED + 10 {
            verified.remember(verified.shown(&basic("ada", &number.to_string()), HERE), good.clone());
        }
        assert_eq!(verified.good.lock().unwrap().len(), limits::REMEMBERED);
        assert!(good.holds(now));
        assert!(!good.holds(now + limits::ACCOUNT_HOLDS) && good.is_verified(now + limits::ACCOUNT_HOLDS));
        assert!(!good.is_verified(now + limits::PASSWORD_HOLDS));
    }
}
