//! `sdata-sync user token`: access tokens.

use super::super::database::open;
use super::super::output::{print, table, warn};
use super::super::settings::SettingsArgs;
use super::NameArgs;
use crate::protocol::Stamp;
use crate::provider::access::Token;
use crate::store::{MAX_TOKEN_LABEL_CHARS, TokenId};
use anyhow::bail;
use clap::{Args, Subcommand};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Makes a token for an account and prints it: this once, it is kept nowhere
    Add(AddArgs),
    /// Lists the tokens with their ids
    List(SettingsArgs),
    /// Revokes a token
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    #[command(flatten)]
    account: NameArgs,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// Days until it expires; never unless given
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    expires: Option<u32>,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The token's id, as 'list' shows it
    #[arg(value_name = "ID")]
    id: i64,
}

impl TokenArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            TokenCommand::Add(args) => args.run().await,
            TokenCommand::List(args) => list(&args).await,
            TokenCommand::Revoke(RevokeArgs { settings, id }) => {
                let store = open(&settings.read()?.database).await?;
                if !store.remove_token(TokenId(id)).await? {
                    bail!("there is no token {id}; 'sdata-sync user token list' shows those there are");
                }
                print(format_args!("Token {id} is revoked."))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl AddArgs {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let Self { account: NameArgs { settings, name }, label, expires } = self;
        if label.chars().count() > MAX_TOKEN_LABEL_CHARS || label.chars().any(char::is_control) {
            bail!("--label: it has at most {MAX_TOKEN_LABEL_CHARS} characters, and no control characters");
        }
        let store = open(&settings.read()?.database).await?;
        let (token, now) = (Token::random(), Stamp::now());
        let expires = expires.map(|days| now.after(Duration::from_hours(24 * u64::from(days))));
        if !store.add_token(&name, &label, &token.hash(), now, expires).await? {
            bail!("there is no account '{name}'; 'sdata-sync user list' shows those there are");
        }
        print(token.expose())?;
        warn("This is the token; it is shown this once.");
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(args: &SettingsArgs) -> anyhow::Result<ExitCode> {
    let tokens = open(&args.read()?.database).await?.tokens().await?;
    if tokens.is_empty() {
        print("There is no token.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table(["ID", "Account", "Label", "Created", "Expires", "Last used"]);
    let shown = |stamp: Option<Stamp>| stamp.map_or_else(|| "never".to_owned(), |stamp| stamp.to_string());
    for (token, name) in tokens {
        let (expires, last_used) = (shown(token.expires), shown(token.last_used));
        table.add_row([token.id.0.to_string(), name, token.label, token.created.to_string(), expires, last_used]);
    }
    print(table)?;
    Ok(ExitCode::SUCCESS)
}
