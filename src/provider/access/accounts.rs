//! Finding out whose credentials are shown.

use super::passwords::Passwords;
use super::throttle::{Network, Throttle};
use super::verified::{Good, Shown, Verified};
use super::visitor::Identity;
use super::{Credentials, Refusal, Token, Turned, check_name, limits};
use crate::provider::{Error, Provider};
use crate::store::{AccessToken, Account, TokenId};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The accounts of a provider's database.
#[derive(Debug)]
pub(super) struct Accounts {
    provider: Arc<Provider>,
    passwords: Passwords,
    verified: Verified,
    throttle: Mutex<Throttle>,
}

impl Accounts {
    pub(super) fn new(provider: Arc<Provider>) -> Result<Self, Error> {
        Ok(Self {
            provider,
            passwords: Passwords::new()?,
            verified: Verified::new(),
            throttle: Mutex::new(Throttle::new()),
        })
    }

    /// Whose `credentials` are.
    pub(super) async fn identity(
        self: &Arc<Self>,
        credentials: Credentials,
        address: Option<IpAddr>,
    ) -> Result<Arc<Identity>, Turned> {
        let network = Network::of(address);
        if let Credentials::Basic { name, .. } = &credentials {
            // What was good a moment ago must not tell whoever guesses from the same address what is.
            self.check_pair(name, network).map_err(|refusal| Turned::who_tried(name, refusal))?;
        }
        let shown = self.verified.shown(&credentials, network);
        if let Some(identity) = self.known(&shown).await? {
            return Ok(identity);
        }
        match credentials {
            Credentials::Bearer(token) => self.bearer(&token, shown, network).await,
            Credentials::Basic { name, password } => {
                // A task of its own: whoever hangs up does not end it, and so neither the counting of failures.
                let accounts = Arc::clone(self);
                let verified = tokio::spawn(async move { accounts.log_in(name, password, shown, network).await });
                verified.await.map_err(|error| Error::Internal(format!("a login broke off: {error}")))?
            }
        }
    }

    /// Whose credentials these are, if they were good a moment ago and the account is as it was.
    async fn known(&self, shown: &Shown) -> Result<Option<Arc<Identity>>, Error> {
        let Some(good) = self.verified.get(shown) else { return Ok(None) };
        let now = Instant::now();
        if good.holds(now) {
            return Ok(Some(good.identity));
        }
        let Some(hash) = good.password_hash.as_ref().filter(|_| good.is_verified(now)) else { return Ok(None) };
        match self.provider.store.account(&good.identity.name).await? {
            Some(account) if *account.password_hash == **hash => {
                let identity = self.identity_of(&account).await?;
                self.verified.remember(*shown, Good { identity: Arc::clone(&identity), looked_up: now, ..good });
                Ok(Some(identity))
            }
            _ => {
                self.verified.forget(shown);
                Ok(None)
            }
        }
    }

    async fn log_in(
        &self,
        name: String,
        password: String,
        shown: Shown,
        network: Network,
    ) -> Result<Arc<Identity>, Turned> {
        // Names that can be nobody's are counted as one: they may be of any length.
        let fit_name = check_name(&name).is_ok().then_some(name.as_str());
        let counted = Some(fit_name.unwrap_or_default());
        let turned = |refusal| Turned::who_tried(&name, refusal);
        self.check_throttle(counted, network).map_err(turned)?;
        let is_trusted = self.throttle().trusts(&name, network, Instant::now());
        let _slot = self.passwords.slot(is_trusted).await.map_err(turned)?;
        // Others may have been verified, or have failed, while this one waited.
        if let Some(identity) = self.known(&shown).await? {
            return Ok(identity);
        }
        self.check_throttle(counted, network).map_err(turned)?;
        let account = match fit_name {
            Some(name) => self.provider.store.account(name).await?,
            None => None,
        };
        let hash = account.as_ref().map(|account| account.password_hash.as_str());
        let is_right = self.passwords.verify(password, hash).await?;
        let Some(account) = account.as_ref().filter(|_| is_right) else {
            self.throttle().failed(counted, network, Instant::now());
            let account = account.map(|account| account.name);
            return Err(Turned { account, ..Turned::from(Refusal::Unauthenticated) });
        };
        self.throttle().succeeded(&name, network, Instant::now());
        let identity = self.identity_of(account).await?;
        let now = Instant::now();
        let password_hash = Some(Arc::from(account.password_hash.as_str()));
        let good = Good { identity: Arc::clone(&identity), password_hash, verified: now, looked_up: now };
        self.verified.remember(shown, good);
        Ok(identity)
    }

    async fn bearer(&self, token: &Token, shown: Shown, network: Network) -> Result<Arc<Identity>, Turned> {
        // Looked up first: 256 bits cannot be guessed, and whoever has a good one need not wait for a neighbour's bad ones.
        let found = self.provider.store.token(&token.hash()).await?;
        let is_valid = |token: &AccessToken| token.expires.is_none_or(|expires| self.provider.now() < expires);
        match found {
            Some((token, account)) if is_valid(&token) => {
                self.note_use(&token);
                let identity = self.identity_of(&account).await?;
                let now = Instant::now();
                let good = Good { identity: Arc::clone(&identity), password_hash: None, verified: now, looked_up: now };
                self.verified.remember(shown, good);
                Ok(identity)
            }
            found => {
                let account = found.map(|(_, account)| account.name);
                if let Err(refusal) = self.check_throttle(None, network) {
                    return Err(Turned { account, ..Turned::from(refusal) });
                }
                self.throttle().failed(None, network, Instant::now());
                Err(Turned { account, ..Turned::from(Refusal::Unauthenticated) })
            }
        }
    }

    /// Notes that a token is in use. Nobody waits for it.
    fn note_use(&self, token: &AccessToken) {
        let now = self.provider.now();
        if token.last_used.is_some_and(|used| now < used.after(limits::TOKEN_USE_EVERY)) {
            return;
        }
        let (store, id): (_, TokenId) = (self.provider.store.clone(), token.id);
        tokio::spawn(async move {
            if let Err(error) = store.note_token_used(id, now).await {
                tracing::debug!(%error, "the use of a token was not noted");
            }
        });
    }

    async fn identity_of(&self, account: &Account) -> Result<Arc<Identity>, Error> {
        let grants = self.provider.store.grants(account.id).await?;
        Ok(Arc::new(Identity { name: account.name.clone(), grants: grants.into_iter().collect() }))
    }

    fn check_throttle(&self, name: Option<&str>, network: Network) -> Result<(), Refusal> {
        throttled(self.throttle().wait(name, network, Instant::now()))
    }

    fn check_pair(&self, name: &str, network: Network) -> Result<(), Refusal> {
        throttled(self.throttle().wait_of_pair(name, network, Instant::now()))
    }

    fn throttle(&self) -> std::sync::MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Half a second to wait is a second: who comes early would be refused again.
fn throttled(wait: Option<Duration>) -> Result<(), Refusal> {
    wait.map_or(Ok(()), |wait| Err(Refusal::Throttled(wait.as_secs() + 1)))
}

#[cfg(test)]
mod tests {
    use super::super::hash_password;
    use super::*;
    use crate::protocol::Stamp;
    use crate::protocol::access::{Grant, GrantScope, Role};
    use tokio::time::timeout;

    /// Longer than a slot that is free takes to be had.
    const MOMENT: Duration = Duration::from_millis(200);

    /// Accounts of which there is one, "ada".
    async fn accounts(folder: &std::path::Path, password: &str) -> Arc<Accounts> {
        let provider = Provider::empty(folder).await;
        let (grant, hash) =
            (Grant { role: Role::Reader, scope: GrantScope::default() }, hash_password(password).unwrap());
        assert!(provider.store.add_account("ada", &hash, &grant, Stamp::now()).await.unwrap());
        Arc::new(Accounts::new(Arc::new(provider)).unwrap())
    }

    #[tokio::test]
    async fn whoever_was_right_there_is_let_in_while_strangers_take_every_slot() {
        let (folder, password) = (tempfile::tempdir().unwrap(), "correct horse battery");
        let accounts = accounts(folder.path(), password).await;
        let shown = || Credentials::Basic { name: "ada".to_owned(), password: password.to_owned() };
        let (known, other) = (Some(IpAddr::from([192, 0, 2, 1])), Some(IpAddr::from([192, 0, 2, 2])));
        assert!(accounts.identity(shown(), known).await.is_ok());
        accounts.verified.forget(&accounts.verified.shown(&shown(), Network::of(known)));
        let mut taken = Vec::new();
        while let Ok(slot) = timeout(MOMENT, accounts.passwords.slot(false)).await {
            taken.push(slot.unwrap());
        }
        assert!(timeout(MOMENT, accounts.identity(shown(), other)).await.is_err(), "right, but not before from there");
        assert!(accounts.identity(shown(), known).await.is_ok());
        // The slot that is kept is one: it is waited for, too.
        let kept = accounts.passwords.slot(true).await.unwrap();
        assert!(timeout(MOMENT, accounts.passwords.slot(true)).await.is_err());
        drop(taken);
        assert!(accounts.passwords.slot(true).await.is_ok());
        drop(kept);
    }
}
