//! Access tokens: what machines show instead of name and password.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// What every token begins with, so that people and programs that look for leaked secrets know one.
const PREFIX: &str = "sdata_";
/// Random bytes of a token.
const RANDOM_BYTES: usize = 32;
/// Longest text that is looked at.
const MAX_BYTES: usize = 128;

/// An access token. It is shown to whoever makes it and kept nowhere; its hash is enough to know it again, because nobody
/// can guess 256 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new token.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; RANDOM_BYTES]>())))
    }

    /// What somebody sends as a token; `None` where it can be none.
    #[must_use]
    pub fn sent(text: &str) -> Option<Self> {
        let is_one = text.starts_with(PREFIX) && text.len() <= MAX_BYTES;
        is_one.then(|| Self(text.to_owned()))
    }

    /// The token itself: a secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(self.0.as_bytes()).as_bytes()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_different_and_known_again() {
        let (one, other) = (Token::random(), Token::random());
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), PREFIX.len() + 43);
        assert_eq!(Token::sent(one.expose()).map(|sent| sent.hash()), Some(one.hash()));
        assert_ne!(one.hash(), other.hash());
        assert_eq!(format!("{one:?}"), "Token");
        assert_eq!(Token::sent("secret"), None);
        assert_eq!(Token::sent(&format!("{PREFIX}{}", "a".repeat(200))), None);
    }
}
