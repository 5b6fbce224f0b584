//! Who asks, and whether they may: accounts, their passwords and tokens, and what becomes of those who are refused (core 5).
//!
//! What a URL demands is decided in `protocol::demand`, from its words alone; here is who is there to meet the demand.

mod accounts;
mod closed;
mod credentials;
mod limits;
mod passwords;
mod refusal;
mod refusals;
mod throttle;
mod token;
mod verified;
mod visitor;

pub use closed::ClosedKinds;
pub use credentials::{Credentials, UnfitName, UnfitPassword, check_name, check_password};
pub use passwords::hash_password;
pub use refusal::{Refusal, Turned};
pub use refusals::Refused;
pub use throttle::customer;
pub use token::Token;
pub use visitor::Visitor;

use super::{Error, Provider};
use accounts::Accounts;
use refusals::RefusalLog;
use std::net::IpAddr;
use std::sync::Arc;

/// Who may use a provider.
#[derive(Debug, Clone)]
pub struct Access {
    /// `None`: everybody may do everything.
    accounts: Option<Arc<Accounts>>,
    refusals: Arc<RefusalLog>,
}

impl Access {
    /// Everybody may do everything.
    #[must_use]
    pub fn everybody(provider: &Arc<Provider>) -> Self {
        Self { accounts: None, refusals: Arc::new(RefusalLog::new(provider)) }
    }

    /// The accounts in the provider's database may do what they are granted.
    ///
    /// # Errors
    /// When this machine cannot hash passwords.
    pub fn accounts(provider: &Arc<Provider>) -> Result<Self, Error> {
        let accounts = Accounts::new(Arc::clone(provider))?;
        Ok(Self { accounts: Some(Arc::new(accounts)), ..Self::everybody(provider) })
    }

    /// Whether it matters who asks.
    #[must_use]
    pub fn asks_who(&self) -> bool {
        self.accounts.is_some()
    }

    /// Who shows `credentials`.
    ///
    /// # Errors
    /// [`Turned`] with a [`Refusal`] when nobody is known by them, or too many attempts failed; with what the store says.
    pub async fn visitor(&self, credentials: Option<Credentials>, address: Option<IpAddr>) -> Result<Visitor, Turned> {
        let Some(accounts) = &self.accounts else { return Ok(Visitor::everybody()) };
        let credentials = credentials.ok_or(Refusal::Unauthenticated)?;
        Ok(Visitor::account(accounts.identity(credentials, address).await?))
    }

    /// Has the audit tell of a refusal. The same one again within a minute is counted, and told of once.
    pub async fn note_refusal(&self, refused: Refused) {
        self.refusals.note(refused).await;
    }

    /// Has the audit tell of what was only counted until now: before the process ends.
    pub async fn flush_refusals(&self) {
        self.refusals.flush().await;
    }
}
