//! Passwords: Argon2id with the parameters that OWASP recommends, never many at a time.

use super::{Refusal, limits};
use crate::provider::Error;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory that a hash takes, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Times that it is gone over.
const ITERATIONS: u32 = 2;
/// Lanes of it.
const LANES: u32 = 1;

/// The hash of a password, as a PHC string with a salt of its own. It takes tens of milliseconds and 19 MiB: never on a
/// thread that answers requests.
///
/// # Errors
/// When the system has no random numbers, or no memory.
pub fn hash_password(password: &str) -> Result<String, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("a password cannot be hashed: {error}"));
    let params = Params::new(MEMORY_KIB, ITERATIONS, LANES, None).map_err(|error| failed(&error))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(argon2.hash_password(password.as_bytes()).map_err(|error| failed(&error))?.to_string())
}

/// Verifies passwords, half as many at a time as this machine has processors: whoever sends many must not take it all.
#[derive(Debug)]
pub(super) struct Passwords {
    slots: Arc<Semaphore>,
    /// Of those alone who knew a password of late: whoever makes up names from many addresses never takes it.
    kept_slot: Arc<Semaphore>,
    /// The hash of a password that nobody knows: verified where there is no account, so that it takes as long.
    of_nobody: Arc<str>,
}

impl Passwords {
    pub(super) fn new() -> Result<Self, Error> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let of_nobody = hash_password(super::Token::random().expose())?;
        Ok(Self {
            slots: Arc::new(Semaphore::new((processors / 2).saturating_sub(1).max(1))),
            kept_slot: Arc::new(Semaphore::new(1)),
            of_nobody: of_nobody.into(),
        })
    }

    /// Waits until a password can be verified; whoever `is_trusted` has a slot that the others cannot take.
    ///
    /// # Errors
    /// [`Refusal::Overloaded`] when it takes too long.
    pub(super) async fn slot(&self, is_trusted: bool) -> Result<OwnedSemaphorePermit, Refusal> {
        let slot = async {
            tokio::select! {
                biased;
                slot = Arc::clone(&self.slots).acquire_owned() => slot,
                slot = Arc::clone(&self.kept_slot).acquire_owned(), if is_trusted => slot,
            }
        };
        let slot = tokio::time::timeout(limits::VERIFYING_WAITS, slot).await;
        slot.ok().and_then(Result::ok).ok_or(Refusal::Overloaded)
    }

    /// Whether `password` is the one of `hash`; never that of nobody.
    ///
    /// # Errors
    /// [`Error::Internal`] when the stored hash is none.
    pub(super) async fn verify(&self, password: String, hash: Option<&str>) -> Result<bool, Error> {
        let is_somebody = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| Arc::clone(&self.of_nobody), Arc::from);
        let verified = tokio::task::spawn_blocking(move || {
            let parsed =
                PasswordHash::new(&hash).map_err(|error| Error::Internal(format!("a stored hash: {error}")))?;
            Ok::<_, Error>(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
        });
        let verified = verified.await.map_err(|error| Error::Internal(format!("verifying a password: {error}")))?;
        Ok(verified? && is_somebody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_nobody_has_one() {
        let hash = hash_password("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hash_password("correct horse battery").unwrap(), "salted");
        let passwords = Passwords::new().unwrap();
        let verify = async |password: &str, hash| passwords.verify(password.to_owned(), hash).await.unwrap();
        assert!(verify("correct horse battery", Some(hash.as_str())).await);
        assert!(!verify("correct horse batterz", Some(hash.as_str())).await);
        assert!(!verify("correct horse battery", None).await);
        assert!(matches!(passwords.verify(String::new(), Some("plain")).await, Err(Error::Internal(_))));
    }
}
