//! How much is done for those of whom nothing is known yet, and how long it is remembered who somebody is.

use super::throttle::Allowance;
use std::time::Duration;

/// How long a password that was right is taken for right without being hashed again: a pass is thousands of requests.
pub(super) const PASSWORD_HOLDS: Duration = Duration::from_secs(5 * 60);
/// How long an account is not looked up again: so soon a change of it is in force.
pub(super) const ACCOUNT_HOLDS: Duration = Duration::from_secs(2);
/// Credentials remembered by a process.
pub(super) const REMEMBERED: usize = 1024;
/// How long a login waits for others to be verified.
pub(super) const VERIFYING_WAITS: Duration = Duration::from_secs(10);
/// How exact the last use of a token is kept.
pub(super) const TOKEN_USE_EVERY: Duration = Duration::from_secs(60 * 60);

/// Failed attempts of one address with one account.
pub(super) const PAIR: Allowance = Allowance { at_once: 5, then_every: Duration::from_secs(30) };
/// Failed attempts of one address with any account.
pub(super) const ADDRESS: Allowance = Allowance { at_once: 30, then_every: Duration::from_secs(5) };
/// Failed attempts with one account from any address.
pub(super) const ACCOUNT: Allowance = Allowance { at_once: 100, then_every: Duration::from_secs(10) };
/// How long an address is trusted with an account that it knew the password of: the failures of others do not count against it.
pub(super) const TRUST_HOLDS: Duration = Duration::from_secs(24 * 60 * 60);
/// Addresses and accounts remembered of each sort.
pub(super) const WATCHED: usize = 10_000;

/// How long refusals that are the same are counted instead of told of.
pub(super) const REFUSALS_TOGETHER: Duration = Duration::from_secs(60);
/// Refusals of different people told of in that time; those of others are counted together.
pub(super) const REFUSALS_APART: usize = 100;
/// Refusals whose account is looked for at a time; others are told of without it.
pub(super) const REFUSALS_NAMED: u32 = 64;
