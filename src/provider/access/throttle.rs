//! Failed attempts are counted, and whoever failed too often must wait.
//!
//! A rate limiter that lets one look without counting, which no crate has: only failures count, and whether an attempt fails
//! is known at its end. What is kept of a key is one moment (the generic cell rate algorithm).

use super::limits;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// How often something may happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// So many times in a row.
    pub(super) at_once: u32,
    /// After that, once in this time.
    pub(super) then_every: Duration,
}

/// What happened too often, by key.
#[derive(Debug)]
struct Counted<K> {
    allowance: Allowance,
    /// When all that happened will be forgotten.
    clear_at: HashMap<K, Instant>,
}

impl<K: Eq + Hash + Clone> Counted<K> {
    fn new(allowance: Allowance) -> Self {
        Self { allowance, clear_at: HashMap::new() }
    }

    /// How long `key` must wait.
    fn wait(&self, key: &K, now: Instant) -> Option<Duration> {
        let Allowance { at_once, then_every } = self.allowance;
        let free_at = self.clear_at.get(key)?.checked_sub(then_every * at_once.saturating_sub(1))?;
        let wait = free_at.saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }

    fn count(&mut self, key: K, now: Instant) {
        if self.clear_at.len() >= limits::WATCHED && !self.clear_at.contains_key(&key) {
            self.make_room(now);
        }
        let clear_at = self.clear_at.entry(key).or_insert(now);
        *clear_at = Ord::max(*clear_at, now) + self.allowance.then_every;
    }

    /// Forgets what is over; if nothing is, whoever would be forgotten first.
    fn make_room(&mut self, now: Instant) {
        self.clear_at.retain(|_, clear_at| *clear_at > now);
        if self.clear_at.len() >= limits::WATCHED {
            let first = self.clear_at.iter().min_by_key(|(_, clear_at)| **clear_at).map(|(key, _)| key.clone());
            first.and_then(|key| self.clear_at.remove(&key));
        }
    }
}

/// Bits of an IPv6 address that one customer of a provider has alike: whoever has one address has all of them.
const IPV6_NETWORK: u32 = 64;

/// The address that stands for all that one customer has: what is counted of addresses is counted of these.
#[must_use]
pub fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> IPV6_NETWORK << IPV6_NETWORK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// An address as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Network(Option<IpAddr>);

impl Network {
    /// Of connections that have no address.
    #[cfg(test)]
    pub(super) const NOWHERE: Self = Self(None);

    /// As bytes, as many for all: an address of IPv4 as IPv6 has it.
    pub(super) fn octets(self) -> [u8; 17] {
        let mut octets = [0; 17];
        if let Some(address) = self.0 {
            let mapped = match address {
                IpAddr::V4(address) => address.to_ipv6_mapped(),
                IpAddr::V6(address) => address,
            };
            octets[0] = 1;
            octets[1..].copy_from_slice(&mapped.octets());
        }
        octets
    }

    pub(super) fn of(address: Option<IpAddr>) -> Self {
        Self(address.map(customer))
    }
}

/// The failed attempts of late.
#[derive(Debug)]
pub(super) struct Throttle {
    pairs: Counted<(String, Network)>,
    addresses: Counted<Network>,
    accounts: Counted<String>,
    /// Until when whoever knew the password is trusted.
    trusted: HashMap<(String, Network), Instant>,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            pairs: Counted::new(limits::PAIR),
            addresses: Counted::new(limits::ADDRESS),
            accounts: Counted::new(limits::ACCOUNT),
            trusted: HashMap::new(),
        }
    }

    /// How long an attempt from `network` must wait, with `account` or with a token.
    pub(super) fn wait(&self, account: Option<&str>, network: Network, now: Instant) -> Option<Duration> {
        let Some(account) = account else { return self.addresses.wait(&network, now) };
        let own = self.wait_of_pair(account, network, now);
        if self.trusts(account, network, now) {
            return own;
        }
        own.max(self.addresses.wait(&network, now)).max(self.accounts.wait(&account.to_owned(), now))
    }

    /// Whether the password of `account` was known at `network` of late.
    pub(super) fn trusts(&self, account: &str, network: Network, now: Instant) -> bool {
        self.trusted.get(&(account.to_owned(), network)).is_some_and(|until| *until > now)
    }

    /// How long an attempt with `account` must wait for what failed from the same `network`.
    pub(super) fn wait_of_pair(&self, account: &str, network: Network, now: Instant) -> Option<Duration> {
        self.pairs.wait(&(account.to_owned(), network), now)
    }

    /// Notes that an attempt failed. It is the same whether there is such an account.
    pub(super) fn failed(&mut self, account: Option<&str>, network: Network, now: Instant) {
        self.addresses.count(network, now);
        if let Some(account) = account {
            self.pairs.count((account.to_owned(), network), now);
            self.accounts.count(account.to_owned(), now);
        }
    }

    /// Notes that somebody knew the password.
    pub(super) fn succeeded(&mut self, account: &str, network: Network, now: Instant) {
        if self.trusted.len() >= limits::WATCHED {
            self.trusted.retain(|_, until| *until > now);
        }
        if self.trusted.len() < limits::WATCHED {
            self.trusted.insert((account.to_owned(), network), now + limits::TRUST_HOLDS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Network {
        Network::of(Some(IpAddr::from([192, 0, 2, last])))
    }

    fn fail(throttle: &mut Throttle, account: &str, from: Network, times: u32, now: Instant) {
        for _ in 0..times {
            throttle.failed(Some(account), from, now);
        }
    }

    #[test]
    fn whoever_failed_too_often_with_an_account_waits_and_is_let_in_again() {
        let (mut throttle, now) = (Throttle::new(), Instant::now());
        fail(&mut throttle, "ada", network(1), 4, now);
        assert_eq!(throttle.wait(Some("ada"), network(1), now), None);
        fail(&mut throttle, "ada", network(1), 1, now);
        assert_eq!(throttle.wait(Some("ada"), network(1), now), Some(limits::PAIR.then_every));
        assert_eq!(throttle.wait(Some("ada"), network(2), now), None, "others are not kept out");
        assert_eq!(throttle.wait(Some("bob"), network(1), now), None);
        let later = now + limits::PAIR.then_every;
        assert_eq!(throttle.wait(Some("ada"), network(1), later), None);
        fail(&mut throttle, "ada", network(1), 1, later);
        assert!(throttle.wait(Some("ada"), network(1), later).is_some());
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits_but_not_with_one_it_knows_the_password_of() {
        let (mut throttle, now) = (Throttle::new(), Instant::now());
        throttle.succeeded("ada", network(1), now);
        for name in 0..limits::ADDRESS.at_once {
            fail(&mut throttle, &format!("name{name}"), network(1), 1, now);
        }
        assert_eq!(throttle.wait(Some("bob"), network(1), now), Some(limits::ADDRESS.then_every));
        assert_eq!(throttle.wait(None, network(1), now), Some(limits::ADDRESS.then_every), "tokens too");
        assert_eq!(throttle.wait(Some("ada"), network(1), now), None);
        assert_eq!(throttle.wait(Some("bob"), network(2), now), None);
    }

    #[test]
    fn many_addresses_together_do_not_find_a_password_and_do_not_keep_its_owner_out() {
        let (mut throttle, now) = (Throttle::new(), Instant::now());
        throttle.succeeded("ada", network(200), now);
        for last in 0..100 {
            fail(&mut throttle, "ada", network(last), 1, now);
        }
        assert_eq!(throttle.wait(Some("ada"), network(150), now), Some(limits::ACCOUNT.then_every));
        assert_eq!(throttle.wait(Some("ada"), network(200), now), None);
        let next_day = now + limits::TRUST_HOLDS;
        assert_eq!(throttle.wait(Some("ada"), network(150), next_day), None, "forgotten");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let of = |text: &str| Network::of(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), network(7));
    }

    #[test]
    fn however_many_fail_memory_is_bounded() {
        let (mut throttle, now) = (Throttle::new(), Instant::now());
        for name in 0..limits::WATCHED + 50 {
            fail(&mut throttle, &format!("name{name}"), network(1), 1, now);
        }
        assert_eq!(throttle.accounts.clear_at.len(), limits::WATCHED);
        assert_eq!(throttle.pairs.clear_at.len(), limits::WATCHED);
        let later = now + Duration::from_secs(3600);
        fail(&mut throttle, "another", network(1), 1, later);
        assert_eq!(throttle.accounts.clear_at.len(), 1, "what is over is forgotten");
    }
}
