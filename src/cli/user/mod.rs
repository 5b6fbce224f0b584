//! `sdata-sync user`: accounts, what they are granted, and their access tokens.

mod token;

use super::database::{open, open_migrated};
use super::output::{print, table, warn};
use super::secrets::new_password;
use super::settings::SettingsArgs;
use crate::protocol::Stamp;
use crate::protocol::access::{Grant, GrantScope, Right, Role};
use crate::protocol::path::AUDIT_CONTRACT;
use crate::provider::access::{check_name, check_password, hash_password};
use crate::settings::Settings;
use anyhow::bail;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Deals with accounts: who may do what. A running provider takes every change over within seconds
#[derive(Debug, Args)]
pub(super) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Makes an account
    Add(AddArgs),
    /// Lists the accounts with what they are granted
    List(SettingsArgs),
    /// Removes an account with its tokens
    Remove(NameArgs),
    /// Gives an account another password; its tokens stay
    Passwd(PasswdArgs),
    /// Grants an account a role more, or the same in another scope
    Grant(GrantArgs),
    /// Takes back what an account was granted
    Revoke(GrantArgs),
    /// Deals with access tokens: what machines show instead of name and password
    Token(token::TokenArgs),
}

#[derive(Debug, Args)]
struct NameArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The account's name
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Debug, Args)]
struct PasswdArgs {
    #[command(flatten)]
    account: NameArgs,
    /// The file whose first line is the password; without it the password is asked for
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct AddArgs {
    #[command(flatten)]
    account: PasswdArgs,
    #[command(flatten)]
    granted: GrantedArgs,
}

#[derive(Debug, Args)]
struct GrantArgs {
    #[command(flatten)]
    account: NameArgs,
    #[command(flatten)]
    granted: GrantedArgs,
}

#[derive(Debug, Args)]
struct GrantedArgs {
    /// What the account may do: reader, writer, synchronizer or administrator
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Role,
    /// Where: APPLICATION/CONTRACT/DATASET/KIND or the beginning of that, with * for any name
    #[arg(long, value_name = "SCOPE", default_value = "*")]
    scope: GrantScope,
}

fn role(text: &str) -> Result<Role, String> {
    let names = Role::ALL.map(Role::as_str).join(", ");
    Role::parse(text).ok_or_else(|| format!("there are the roles {names}"))
}

impl UserArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            UserCommand::Add(args) => args.run().await,
            UserCommand::List(args) => list(&args).await,
            UserCommand::Remove(args) => {
                let store = open(&args.settings.read()?.database).await?;
                told(&args.name, store.remove_account(&args.name).await?, "is removed")
            }
            UserCommand::Passwd(args) => args.run().await,
            UserCommand::Grant(args) => {
                let settings = args.account.settings.read()?;
                let (name, grant) = (args.account.name, args.granted.into_grant(&settings)?);
                let granted = open(&settings.database).await?.add_grant(&name, &grant).await?;
                told(&name, granted, &format!("is {} in {}", grant.role.as_str(), grant.scope))
            }
            UserCommand::Revoke(args) => {
                let (name, grant) = (&args.account.name, Grant { role: args.granted.role, scope: args.granted.scope });
                let store = open(&args.account.settings.read()?.database).await?;
                if !store.remove_grant(name, &grant).await? {
                    bail!(
                        "'{name}' is not granted {} in {}; 'sdata-sync user list' shows what is",
                        grant.role.as_str(),
                        grant.scope
                    );
                }
                told(name, true, &format!("is {} in {} no more", grant.role.as_str(), grant.scope))
            }
            UserCommand::Token(args) => args.run().await,
        }
    }
}

impl AddArgs {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let PasswdArgs { account, password_file } = self.account;
        let settings = account.settings.read()?;
        let (name, grant) = (account.name, self.granted.into_grant(&settings)?);
        check_name(&name)?;
        let password = new_password(&name, password_file.as_deref())?;
        check_password(&name, &password)?;
        // Accounts come before the provider that knows them.
        let store = open_migrated(&settings.database).await?;
        if !store.add_account(&name, &hash_password(&password)?, &grant, Stamp::now()).await? {
            bail!("there is an account '{name}' already; 'sdata-sync user passwd' and 'user grant' change it");
        }
        told(&name, true, &format!("is {} in {}", grant.role.as_str(), grant.scope))
    }
}

impl PasswdArgs {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let Self { account: NameArgs { settings, name }, password_file } = self;
        let store = open(&settings.read()?.database).await?;
        let password = new_password(&name, password_file.as_deref())?;
        check_password(&name, &password)?;
        told(&name, store.set_password(&name, &hash_password(&password)?).await?, "has another password")
    }
}

impl GrantedArgs {
    /// The grant; a scope in which there is nothing is most likely a slip.
    fn into_grant(self, settings: &Settings) -> anyhow::Result<Grant> {
        let Self { role, scope } = self;
        let application = settings.application.name.as_str();
        let audit = [application, AUDIT_CONTRACT];
        let is_of_audit = scope.contract() == Some(AUDIT_CONTRACT) && scope.touches(&audit);
        if is_of_audit && !(role.has(Right::Administer) && scope.covers(&audit)) {
            bail!(
                "{} in {scope} would allow nothing: the audit is open as a whole, and to administrators alone; grant \
                 --role administrator --scope {application}/{AUDIT_CONTRACT}",
                role.as_str()
            );
        }
        let is_served = settings.contracts.iter().any(|contract| {
            contract.datasets.iter().any(|dataset| scope.touches(&[application, &contract.name, dataset]))
        });
        if !is_served && !scope.covers(&audit) {
            warn(format_args!("warning: nothing that this configuration serves is in the scope '{scope}'"));
        }
        Ok(Grant { role, scope })
    }
}

async fn list(args: &SettingsArgs) -> anyhow::Result<ExitCode> {
    let store = open(&args.read()?.database).await?;
    let (accounts, tokens) = (store.accounts().await?, store.tokens().await?);
    if accounts.is_empty() {
        print("There is no account.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table(["Name", "Granted", "Tokens", "Created"]);
    for (account, grants) in accounts {
        let granted: Vec<_> =
            grants.iter().map(|grant| format!("{} in {}", grant.role.as_str(), grant.scope)).collect();
        let tokens = tokens.iter().filter(|(token, _)| token.account == account.id).count();
        table.add_row([account.name, granted.join("\n"), tokens.to_string(), account.created.to_string()]);
    }
    print(table)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what became of an account, or that there is none.
fn told(name: &str, is_done: bool, what: &str) -> anyhow::Result<ExitCode> {
    if !is_done {
        bail!("there is no account '{name}'; 'sdata-sync user list' shows those there are");
    }
    print(format_args!("{name} {what}."))?;
    Ok(ExitCode::SUCCESS)
}
