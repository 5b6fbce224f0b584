//! The flags that say who a pass is to the providers.

use super::secrets::from_file;
use crate::engine::Credentials;
use clap::Args;
use std::path::{Path, PathBuf};

/// Who the pass is: at both providers, or at each.
#[derive(Debug, Args)]
pub(super) struct CredentialArgs {
    /// The user for HTTP Basic, at both providers
    #[arg(long, value_name = "USER", requires = "password_file")]
    user: Option<String>,
    /// The file with the user's password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// The file with an access token, for both providers
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    token_file: Option<PathBuf>,
    /// The user for HTTP Basic, at the source
    #[arg(long, value_name = "USER", requires = "source_password_file")]
    source_user: Option<String>,
    /// The file with the password of the user at the source
    #[arg(long, value_name = "FILE", requires = "source_user")]
    source_password_file: Option<PathBuf>,
    /// The file with an access token for the source
    #[arg(long, value_name = "FILE", conflicts_with = "source_user")]
    source_token_file: Option<PathBuf>,
    /// The user for HTTP Basic, at the target
    #[arg(long, value_name = "USER", requires = "target_password_file")]
    target_user: Option<String>,
    /// The file with the password of the user at the target
    #[arg(long, value_name = "FILE", requires = "target_user")]
    target_password_file: Option<PathBuf>,
    /// The file with an access token for the target
    #[arg(long, value_name = "FILE", conflicts_with = "target_user")]
    target_token_file: Option<PathBuf>,
}

impl CredentialArgs {
    /// What is shown to the source and to the target.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn read(&self) -> anyhow::Result<[Option<Credentials>; 2]> {
        let both = read(self.user.as_deref(), self.password_file.as_deref(), self.token_file.as_deref())?;
        let source = (&self.source_user, &self.source_password_file, &self.source_token_file);
        let target = (&self.target_user, &self.target_password_file, &self.target_token_file);
        let of_side = |(user, password, token): (&Option<String>, &Option<PathBuf>, &Option<PathBuf>)| {
            let own = read(user.as_deref(), password.as_deref(), token.as_deref())?;
            Ok::<_, anyhow::Error>(own.or_else(|| both.clone()))
        };
        Ok([of_side(source)?, of_side(target)?])
    }
}

fn read(user: Option<&str>, password: Option<&Path>, token: Option<&Path>) -> anyhow::Result<Option<Credentials>> {
    match (user, password, token) {
        (Some(user), Some(file), _) => {
            Ok(Some(Credentials::Basic { user: user.to_owned(), password: from_file(file)? }))
        }
        (_, _, Some(file)) => Ok(Some(Credentials::Bearer { token: from_file(file)? })),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use rstest::rstest;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        credentials: CredentialArgs,
    }

    fn shown(credentials: Option<Credentials>) -> String {
        match credentials {
            Some(Credentials::Basic { user, password }) => format!("{user}:{password}"),
            Some(Credentials::Bearer { token }) => token,
            None => String::new(),
        }
    }

    #[rstest]
    #[case::none(&[], ["", ""])]
    #[case::one_for_both(&["--user", "ada", "--password-file", "P"], ["ada:secret", "ada:secret"])]
    #[case::token_for_both(&["--token-file", "T"], ["token", "token"])]
    #[case::one_each(
        &["--source-user", "ada", "--source-password-file", "P", "--target-token-file", "T"],
        ["ada:secret", "token"]
    )]
    #[case::another_for_one(&["--user", "ada", "--password-file", "P", "--source-token-file", "T"], ["token", "ada:secret"])]
    fn each_side_is_shown_its_own_credentials_or_those_of_both(#[case] flags: &[&str], #[case] expected: [&str; 2]) {
        let folder = tempfile::tempdir().unwrap();
        for (name, secret) in [("P", "secret"), ("T", "token")] {
            std::fs::write(folder.path().join(name), format!("{secret}\n")).unwrap();
        }
        let path = |flag: &&str| match *flag {
            "P" | "T" => folder.path().join(flag).display().to_string(),
            flag => flag.to_owned(),
        };
        let parsed = Flags::parse_from([String::new()].into_iter().chain(flags.iter().map(path)));
        assert_eq!(parsed.credentials.read().unwrap().map(shown), expected);
    }

    #[rstest]
    #[case::no_password(&["--user", "ada"])]
    #[case::no_user(&["--target-password-file", "P"])]
    #[case::both_kinds(&["--source-user", "ada", "--source-password-file", "P", "--source-token-file", "T"])]
    fn half_credentials_and_two_of_a_kind_are_refused(#[case] flags: &[&str]) {
        assert!(Flags::try_parse_from([""].iter().chain(flags)).is_err());
    }
}
