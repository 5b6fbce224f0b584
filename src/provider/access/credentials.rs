//! What is shown to prove who one is, and what names and passwords are fit for it.

use super::Token;
use crate::store::MAX_ACCOUNT_NAME_CHARS;
use std::collections::BTreeSet;
use std::fmt;

/// What is shown to prove who one is.
pub enum Credentials {
    /// Name and password of an account.
    Basic {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// An access token.
    Bearer(Token),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Credentials::Basic",
            Self::Bearer(_) => "Credentials::Bearer",
        })
    }
}

/// Fewest characters of a password.
const MIN_PASSWORD_CHARS: usize = 12;
/// Most characters of a password.
const MAX_PASSWORD_CHARS: usize = 256;
/// Fewest characters of a password that are different ones.
const MIN_DIFFERENT_CHARS: usize = 5;

/// Characters from which on a name gives away the password that holds it: shorter ones are in every other word.
const TELLING_NAME_CHARS: usize = 3;

/// Why a text is no name of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account's name has 1 to {MAX_ACCOUNT_NAME_CHARS} characters: letters, digits, '.', '_', '-' and '@'")]
pub struct UnfitName;

/// Why a text is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitPassword {
    /// It is easily found by trying.
    #[error("a password has at least {MIN_PASSWORD_CHARS} characters")]
    Short,
    /// It is longer than any needs to be.
    #[error("a password has at most {MAX_PASSWORD_CHARS} characters")]
    Long,
    /// It is easily guessed.
    #[error("a password has at least {MIN_DIFFERENT_CHARS} different characters")]
    Monotonous,
    /// It is the first that anybody would try.
    #[error("a password does not hold the account's name")]
    Name,
    /// It cannot be typed, or not be sent.
    #[error("a password has no control characters")]
    Control,
}

/// Checks the name of an account. Whatever is no such name is that of nobody.
///
/// # Errors
/// [`UnfitName`].
pub fn check_name(name: &str) -> Result<(), UnfitName> {
    let is_fit = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '@');
    let length = name.chars().count();
    if (1..=MAX_ACCOUNT_NAME_CHARS).contains(&length) && name.chars().all(is_fit) { Ok(()) } else { Err(UnfitName) }
}

/// Checks the password that the account `name` is to have.
///
/// # Errors
/// [`UnfitPassword`].
pub fn check_password(name: &str, password: &str) -> Result<(), UnfitPassword> {
    let length = password.chars().count();
    if password.chars().any(char::is_control) {
        Err(UnfitPassword::Control)
    } else if length < MIN_PASSWORD_CHARS {
        Err(UnfitPassword::Short)
    } else if length > MAX_PASSWORD_CHARS {
        Err(UnfitPassword::Long)
    } else if password.chars().collect::<BTreeSet<_>>().len() < MIN_DIFFERENT_CHARS {
        Err(UnfitPassword::Monotonous)
    } else if name.chars().count() >= TELLING_NAME_CHARS && password.to_lowercase().contains(&name.to_lowercase()) {
        Err(UnfitPassword::Name)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("ada", true)]
    #[case::address("ada.lovelace@example.com", true)]
    #[case::other_alphabet("Zoë_7-ß", true)]
    #[case::empty("", false)]
    #[case::colon("a:b", false)]
    #[case::blank("a b", false)]
    #[case::nul("a\0", false)]
    #[case::longest(&"a".repeat(64), true)]
    #[case::too_long(&"a".repeat(65), false)]
    fn names_are_such_that_every_client_can_send_them(#[case] name: &str, #[case] is_fit: bool) {
        assert_eq!(check_name(name).is_ok(), is_fit);
    }

    #[rstest]
    #[case::good("correct horse battery", None)]
    #[case::other_alphabet("ключ от квартиры", None)]
    #[case::short("elevenchars", Some(UnfitPassword::Short))]
    #[case::long(&"abcdef".repeat(50), Some(UnfitPassword::Long))]
    #[case::monotonous("abababababab", Some(UnfitPassword::Monotonous))]
    #[case::name("my-ADA-password", Some(UnfitPassword::Name))]
    #[case::control("correct\thorse battery", Some(UnfitPassword::Control))]
    fn passwords_are_such_that_nobody_finds_them(#[case] password: &str, #[case] why: Option<UnfitPassword>) {
        assert_eq!(check_password("ada", password).err(), why);
    }

    #[test]
    fn credentials_are_never_printed() {
        let shown = Credentials::Basic { name: "ada".to_owned(), password: "secret".to_owned() };
        assert_eq!(format!("{shown:?}"), "Credentials::Basic");
    }
}
