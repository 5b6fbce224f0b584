//! Secrets that are typed, or lie in files: never in arguments, where everybody on the machine could read them.

use anyhow::{Context, bail};
use std::fs;
use std::io::{IsTerminal, stdin};
use std::path::Path;

/// The first line of a file.
///
/// # Errors
/// When the file cannot be read, or begins with an empty line.
pub(super) fn from_file(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => bail!("{}: its first line is empty; it must be the secret", file.display()),
    }
}

/// A new password: from a file, or typed twice.
///
/// # Errors
/// When there is neither a file nor a terminal, or the second is not the first.
pub(super) fn new_password(name: &str, file: Option<&Path>) -> anyhow::Result<String> {
    if let Some(file) = file {
        return from_file(file);
    }
    if !stdin().is_terminal() {
        bail!("--password-file is needed where there is no terminal to type a password at");
    }
    let typed = rpassword::prompt_password(format!("Password for {name}: ")).context("the password cannot be read")?;
    let again = rpassword::prompt_password("Once more: ").context("the password cannot be read")?;
    if typed != again {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, "correct horse battery\r\nnote\n").unwrap();
        assert_eq!(from_file(&file).unwrap(), "correct horse battery");
        fs::write(&file, "\nsecret").unwrap();
        assert!(from_file(&file).unwrap_err().to_string().contains("first line is empty"));
        let missing = from_file(&folder.path().join("none")).unwrap_err().to_string();
        assert!(missing.ends_with("none: cannot be read"), "{missing}");
    }
}
